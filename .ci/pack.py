#!/usr/bin/env python3
"""Packs a binary from .ci/build into a release archive, and writes the SHA-256 of the archive next to it.

    .ci/pack.py TARGET BINARY [CARGO OPTION..]

The Cargo options are those of the build. The archive holds the binary, its manual and completions, the licences, the bill
of materials (.ci/sbom.py), README and CHANGELOG. Its bytes are reproducible: names are sorted, owners are omitted, and the
time is that of the commit.
"""

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPLETIONS = {
    "bash": "lenet.bash",
    "elvish": "lenet.elv",
    "fish": "lenet.fish",
    "powershell": "_lenet.ps1",
    "zsh": "_lenet",
}


def output(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout


def version():
    return re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text("utf-8"), re.MULTILINE)[1]


def files(target, binary, options):
    """Returns the content of each file by its name in the archive."""
    found = {binary.name: binary.read_bytes()}
    docs = sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))
    for name in ("README.md", "CHANGELOG.md", "LICENSE", *docs):
        found[name] = (ROOT / name).read_bytes()
    third_party = output(sys.executable, ".ci/third_party.py", target, *options)
    found["THIRD-PARTY-LICENSES.txt"] = third_party
    found["sbom.cdx.json"] = output(sys.executable, ".ci/sbom.py", target, *options)
    for shell, name in COMPLETIONS.items():
        found[f"completions/{name}"] = output(binary, "completions", shell)
    with tempfile.TemporaryDirectory() as folder:
        output(binary, "man", "--dir", folder)
        found |= {f"man/{page.name}": page.read_bytes() for page in Path(folder).iterdir()}
    return dict(sorted(found.items()))


def tgz(folder, content, executable, seconds):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime = len(data), seconds
            entry.mode = 0o755 if name == executable else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def zipped(folder, content, seconds):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", time.gmtime(seconds)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return packed.getvalue()


def main():
    target, binary, *options = sys.argv[1:]
    binary = Path(binary).resolve()
    seconds = int(output("git", "log", "-1", "--format=%ct"))
    folder = f"lenet-{version()}-{target}"
    content = files(target, binary, options)
    if "-windows-" in target:
        name, packed = f"{folder}.zip", zipped(folder, content, seconds)
    else:
        name, packed = f"{folder}.tgz", tgz(folder, content, binary.name, seconds)
    dist = ROOT / "target" / "dist"
    dist.mkdir(parents=True, exist_ok=True)
    (dist / name).write_bytes(packed)
    # Write the format of sha256sum with LF line endings on every system, so that `sha256sum -c` can read it.
    line = f"{hashlib.sha256(packed).hexdigest()}  {name}\n"
    (dist / f"{name}.sha256").write_bytes(line.encode())
    print(dist / name)


if __name__ == "__main__":
    main()
