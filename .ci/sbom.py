#!/usr/bin/env python3
"""Prints the software bill of materials of a lenet binary, as CycloneDX 1.6 JSON.

    .ci/sbom.py TARGET [CARGO OPTION..]
    .ci/sbom.py x86_64-unknown-linux-musl --no-default-features --features cli,ndarray

It lists the packages that are linked into the binary, with their versions, checksums and licences. The output depends only on
the sources, so that anyone can reproduce it.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

# Importing must not write a cache next to the sources.
sys.dont_write_bytecode = True
from third_party import cargo, packages


def component(package, kind, checksum):
    found = {
        "type": kind,
        "bom-ref": f"pkg:cargo/{package['name']}@{package['version']}",
        "name": package["name"],
        "version": package["version"],
        "purl": f"pkg:cargo/{package['name']}@{package['version']}",
    }
    if package["license"]:
        # Old packages separate alternatives with a slash, which SPDX does not allow.
        found["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def main():
    target, *options = sys.argv[1:]
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target, *options))
    known = {(package["name"], package["version"]): package for package in metadata["packages"]}
    lock = tomllib.loads(Path("Cargo.lock").read_text("utf-8"))
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock["package"]}
    linked = {key: known[key] for key in packages(target, options)}
    [root] = [key for key in linked if key[0] == "lenet"]
    references = {package["id"]: key for key, package in linked.items()}
    reference = lambda key: f"pkg:cargo/{key[0]}@{key[1]}"
    dependencies = []
    for node in metadata["resolve"]["nodes"]:
        if node["id"] in references:
            below = sorted(reference(references[name]) for name in node["dependencies"] if name in references)
            dependencies.append({"ref": reference(references[node["id"]]), "dependsOn": below})
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": component(linked[root], "application", None),
            "properties": [{"name": "target", "value": target}, {"name": "options", "value": " ".join(options)}],
        },
        "components": [component(linked[key], "library", checksums[key]) for key in sorted(linked) if key != root],
        "dependencies": sorted(dependencies, key=lambda entry: entry["ref"]),
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
