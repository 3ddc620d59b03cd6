#!/usr/bin/env python3
"""Prints the licences of all packages in a lenet binary, and each licence text only once.

    .ci/third_party.py TARGET [CARGO OPTION..]
    .ci/third_party.py x86_64-unknown-linux-musl --no-default-features --features cli,ndarray

Fails if a package contains no licence text and none can be generated.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

MIT = """Permission is hereby granted, free of charge, to any person obtaining
a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including
without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be
included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT,
TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def cargo(*words):
    done = subprocess.run(["cargo", *words], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8")


def packages(target, options):
    """Returns the name and version of each package that is linked into the binary."""
    tree = cargo("tree", "--locked", "--target", target, "--edges", "normal,no-proc-macro", "--prefix", "none", *options)
    return sorted(set(re.findall(r"^(\S+) v(\S+)", tree, re.MULTILINE)))


def texts(package):
    """Returns the texts of the licence and notice files in any directory of `package`."""
    folder = Path(package["manifest_path"]).parent
    named = re.compile(r"(licen[cs]e|copying|notice|unlicense)([-._][\w.-]+)?", re.IGNORECASE)
    files = [path for path in folder.rglob("*") if path.is_file() and named.fullmatch(path.name)]
    files = [path for path in files if path.suffix not in (".rs", ".sh")]
    if package["license_file"]:
        files.append(folder / package["license_file"])
    return [path.read_text("utf-8", "replace").strip() for path in sorted(set(files))]


def main():
    target, *options = sys.argv[1:]
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    known = {(p["name"], p["version"]): p for p in metadata["packages"]}
    linked = [known[key] for key in packages(target, options) if key[0] != "lenet"]

    users = defaultdict(list)
    without_text = []
    for package in linked:
        name = f"{package['name']} {package['version']} ({package['license']})"
        found = texts(package)
        for text in found:
            users[text].append(name)
        if not found:
            without_text.append((name, package))
    # Some packages contain no licence text. The Apache licence names no author, so any copy of it will do.
    apache = next(text for text in users if "Apache License" in text and "APPENDIX" in text)
    missing = []
    for name, package in without_text:
        licence = package["license"] or ""
        if "Apache-2.0" in licence:
            users[apache].append(name)
        elif licence == "MIT":
            authors = ", ".join(package["authors"]) or f"the authors of {package['name']}"
            users[f"Copyright (c) {authors}\n\n{MIT}"].append(name)
        elif licence != "CC0-1.0":  # CC0 has no conditions.
            missing.append(name)
    if missing:
        sys.exit("no licence text: " + ", ".join(missing))
    users[apache].append("the Rust standard library (MIT OR Apache-2.0)")
    if target.endswith("-musl"):
        # musl is linked into the binary, but it is not a Cargo package.
        users[f"Copyright © 2005-2020 Rich Felker, et al.\n\n{MIT}"].append("musl (MIT)")

    sources = "Their sources are on crates.io under these names and versions."
    print(f"The binary of lenet for {target} contains {len(linked)} third-party packages, unchanged. {sources}")
    for package in linked:
        print(f"  {package['name']} {package['version']}: {package['license']}")
    for text, names in sorted(users.items(), key=lambda entry: entry[1]):
        print("\n" + "=" * 100)
        print("\n".join(sorted(set(names))))
        print("-" * 100 + "\n")
        print(text)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
