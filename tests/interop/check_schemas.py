"""Validates lenet's JSON schemas and its JSON output with an independent implementation of JSON Schema.

    python check_schemas.py LENET MODEL.mpk      (jsonschema 4.26)
"""

import json
import pathlib
import subprocess
import sys

import jsonschema

lenet, model = sys.argv[1:]
record = str(pathlib.Path(model).with_suffix(".json"))


def run(*args):
    return subprocess.run([lenet, *args], check=True, capture_output=True, text=True).stdout


directory = pathlib.Path(__file__).parents[2] / "docs/schema"
schemas = {file.stem: json.loads(file.read_text()) for file in directory.glob("*.json")}
for schema in schemas.values():
    jsonschema.Draft202012Validator.check_schema(schema)
documents = {
    "record": pathlib.Path(record).read_text(),
    "eval": run("eval", model, "--json"),
    "predict": run("predict", model, "--index", "0,1", "--json"),
    "compare": run("compare", record, record, "--json"),
    "shapes": run("shapes", "--json"),
    "verify": run("data", "verify", "--json"),
    "show": run("data", "show", "--json"),
    "doctor": run("doctor", "--json"),
}
for name, text in documents.items():
    jsonschema.validate(json.loads(text), schemas[name])
for event in run("train", "--limit", "320", "--epochs", "1", "--seeds", "1,2", "--json").splitlines():
    jsonschema.validate(json.loads(event), schemas["train"])
print(f"{len(schemas)} schemas, {len(documents)} documents and the events of a training run are valid")
