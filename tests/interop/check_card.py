"""Reads the directory written by `lenet convert MODEL DIR/` with the library of the Hugging Face Hub.

    python check_card.py DIR MODEL.json SCHEMA.json      (huggingface_hub 2.4, jsonschema 4.26)
"""

import json
import pathlib
import sys

import jsonschema
from huggingface_hub import ModelCard
from safetensors import safe_open

directory = pathlib.Path(sys.argv[1])
record = json.load(open(sys.argv[2]))
card = ModelCard.load(directory / "README.md")
data = card.data
assert (data.library_name, data.pipeline_tag, data.license) == ("burn", "image-classification", "mit"), data
assert data.datasets == ["zalando-datasets/fashion_mnist"], data
results = {result.metric_type: result for result in data.eval_results}
assert results["accuracy"].metric_value == record["test"]["accuracy"], results
assert results["loss"].metric_value == record["test"]["loss"], results
assert all(result.dataset_split == "test" and result.task_type == "image-classification" for result in results.values())
# The card survives a round trip through the parser.
assert ModelCard(str(card)).data.to_dict() == data.to_dict()
with safe_open(directory / "model.safetensors", "np") as file:
    metadata = file.metadata()
    assert metadata["format"] == "pt" and metadata["seed"] == str(record["settings"]["seed"]), metadata
    config = json.load(open(directory / "config.json"))
    shapes = {tensor["name"]: tensor["shape"] for tensor in config["tensors"]}
    assert {name: file.get_slice(name).get_shape() for name in file.keys()} == shapes, shapes
schema = json.load(open(sys.argv[3]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.validate(config, schema)
print(f"model card, config and weights of {data.model_name}: valid")
