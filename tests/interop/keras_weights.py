"""Loads a .safetensors file from lenet into the notebook's Keras model, evaluates it, and converts the weights back.

    python keras_weights.py [MODEL.safetensors [DATA_DIR]]   (tensorflow-cpu or tensorflow, safetensors)

Without arguments, the script uses the model that was trained in Keras (tests/goldens) and the data of this repository.
It then compares the test loss and the number of correct predictions with those that Keras reported after training
(tests/goldens/goldens.json). For any other model it prints them, and `lenet eval MODEL` must print the same numbers.

The layouts differ. PyTorch and lenet store convolutions as [out, in, height, width], dense layers as [out, in], and the
256 inputs of fc1 in the order (channel, row, column). Keras stores them as [height, width, in, out], [in, out] and
(row, column, channel).
"""

import gzip
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

TESTS = pathlib.Path(__file__).resolve().parent.parent
NAMES = [f"{layer}.{part}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3") for part in ("weight", "bias")]
TRAINED = TESTS / "goldens" / "trained.safetensors"


def notebook_model():
    layers = tf.keras.layers
    return tf.keras.Sequential([
        tf.keras.Input((28, 28, 1)),
        layers.Conv2D(6, 5, activation="sigmoid"), layers.MaxPool2D(2, 2),
        layers.Conv2D(16, 5, activation="sigmoid"), layers.MaxPool2D(2, 2),
        layers.Flatten(),
        layers.Dense(120, activation="sigmoid"), layers.Dense(84, activation="sigmoid"),
        layers.Dense(10, activation="sigmoid"),
    ])


def keras_weights(path):
    """Returns the tensors of `path` in the order and layouts of `notebook_model().get_weights()`."""
    t = load_file(path)
    # Reorder the inputs of each of the 120 outputs: (channel, row, column) -> (row, column, channel).
    t["fc1.weight"] = t["fc1.weight"].reshape(120, 16, 4, 4).transpose(0, 2, 3, 1).reshape(120, 256)
    for name in ("fc1", "fc2", "fc3"):
        t[name + ".weight"] = t[name + ".weight"].T
    for name in ("conv1", "conv2"):
        t[name + ".weight"] = t[name + ".weight"].transpose(2, 3, 1, 0)
    return [t[name] for name in NAMES]


def lenet_tensors(weights):
    """Converts the result of `model.get_weights()` back to the names and layouts of lenet."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
    t = {name: np.ascontiguousarray(w.transpose(order[w.ndim])) for name, w in zip(NAMES, weights)}
    t["fc1.weight"] = t["fc1.weight"].reshape(120, 4, 4, 16).transpose(0, 3, 1, 2).reshape(120, 256)
    return t


def test_images(folder):
    def idx(name, offset):
        return np.frombuffer(gzip.open(folder / name).read(), np.uint8, offset=offset)
    images = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1).astype(np.float32)
    return images, idx("t10k-labels-idx1-ubyte.gz", 8)


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TRAINED
    data = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else TESTS.parent / "data"
    model = notebook_model()
    model.set_weights(keras_weights(path))
    back, original = lenet_tensors(model.get_weights()), load_file(path)
    assert all(np.array_equal(back[name], original[name]) for name in NAMES), "the weights changed in the round trip"
    images, labels = test_images(data)
    outputs = model.predict(images, batch_size=1000, verbose=0)
    clipped = np.clip(outputs.astype(np.float64), 1e-7, 1 - 1e-7)
    p = clipped / clipped.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(labels)), labels]).mean()
    correct = int((outputs.argmax(1) == labels).sum())
    print(f"test  loss: {loss:.7f}  correct: {correct} of {len(labels)}  (TensorFlow {tf.__version__})")
    if path == TRAINED:
        golden = json.loads((TESTS / "goldens" / "goldens.json").read_text())["test"]
        assert abs(loss - golden["loss"]) <= 1e-5, golden["loss"]
        assert correct == golden["correct"], golden["correct"]
        assert outputs.argmax(1)[:100].tolist() == golden["first_100_predictions"]
        print("equal to the results that Keras reported after training")


if __name__ == "__main__":
    main()
