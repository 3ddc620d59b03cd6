"""Imports the digits of scikit-learn with lenet, reads the data set as PyTorch does, and trains a model of it.

    python check_import.py LENET      (scikit-learn 1.9, Pillow 13, torch 2.15)
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits

lenet = str(pathlib.Path(sys.argv[1]).resolve())
scratch = tempfile.TemporaryDirectory()


def run(*args):
    result = subprocess.run([lenet, *args], cwd=scratch.name, check=True, capture_output=True, text=True)
    return result.stdout


def read_idx(path):
    """Reads a file as torchvision 0.25 does in `datasets/mnist.py`, `read_sn3_pascalvincent_tensor`."""
    data = gzip.open(path, "rb").read()
    magic = int.from_bytes(data[:4], "big")
    dimensions, kind = magic % 256, magic // 256
    assert 1 <= dimensions <= 3 and kind == 8, hex(magic)
    size = [int.from_bytes(data[4 * (i + 1) : 4 * (i + 2)], "big") for i in range(dimensions)]
    parsed = torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=4 * (dimensions + 1))
    assert parsed.shape[0] == np.prod(size)
    return parsed.view(*size)


root = pathlib.Path(scratch.name)
digits = load_digits()
for index, (image, label) in enumerate(zip(digits.images, digits.target)):
    directory = root / f"digits/{label}"
    directory.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image * 255 / 16).round().astype(np.uint8)).save(directory / f"{index}.png")

document = json.loads(run("data", "import", "digits", "data", "--json"))
names = [row["name"] for row in document["classes"]]
assert names == [str(label) for label in range(10)], names
assert (root / "data/classes.txt").read_text().split() == names
assert document["refused"] == [] and document["doubted"] == [], document
images, labels = [read_idx(root / f"data/train-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1")]
test_images, test_labels = [read_idx(root / f"data/t10k-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1")]
assert images.shape[1:] == test_images.shape[1:] == (28, 28), (images.shape, test_images.shape)
for part, found in (("train", labels), ("test", test_labels)):
    assert torch.bincount(found).tolist() == [row[part] for row in document["classes"]], part
assert len(labels) + len(test_labels) == len(digits.target)
# A tenth of the last training images, which are held out for validation, have all classes.
assert len(labels[-len(labels) // 10 :].unique()) == 10

# Pictures of 28x28 pixels are imported as they are.
pixels = np.random.default_rng(1).integers(0, 256, (6, 28, 28), dtype=np.uint8)
pixels[:, [0, -1]] = pixels[:, :, [0, -1]] = 0
for index, image in enumerate(pixels):
    path = root / f"exact/{'ab'[index % 2]}/{index}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
run("data", "import", "exact", "same")
found = torch.cat([read_idx(root / f"same/{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")])
assert sorted(image.numpy().tobytes() for image in found) == sorted(image.tobytes() for image in pixels)

run("train", "--data", "data", "--recipe", "tuned", "--epochs", "40", "-q", "-o", "model.mpk")
result = json.loads(run("eval", "model.mpk", "--data", "data", "--json"))
assert [row["name"] for row in result["classes"]] == names
assert result["accuracy"] > 0.97, result["accuracy"]
print(f"{len(digits.target)} digits of scikit-learn: accuracy {result['accuracy']:.4f} on {result['samples']} test images")
