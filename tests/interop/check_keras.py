"""Checks that `lenet` names the files that Keras writes, and reads the file that docs/models-elsewhere.md makes of them.

    python check_keras.py LENET DATA_DIR      (tensorflow-cpu 2.21, safetensors)
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import keras_weights
import numpy as np
from safetensors.numpy import save_file

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
sys.argv = sys.argv[:1]
keras_weights.main()


def lenet(*args):
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True)


net = keras_weights.notebook_model()
net.set_weights(keras_weights.keras_weights(keras_weights.TRAINED))
images, labels = keras_weights.test_images(data)
correct = int((net.predict(images, batch_size=1000, verbose=0).argmax(1) == labels).sum())
page = (keras_weights.TESTS.parent / "docs/models-elsewhere.md").read_text()
back = page.split("This converts the weights back:")[1].split("```python\n")[1].split("```")[0]
with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    net.save(directory / "notebook.keras")
    net.save(directory / "notebook.h5")
    net.export(directory / "saved", verbose=False)
    for name, expected in (
        ("notebook.keras", "found a Keras model"),
        ("notebook.h5", "found an HDF5 file (Keras .h5)"),
        ("saved", "found a TensorFlow SavedModel"),
    ):
        ran = lenet("eval", directory / name, "--data", data)
        assert ran.returncode == 1 and expected in ran.stderr and "docs/models-elsewhere.md" in ran.stderr, ran.stderr
        print(f"{name}: {expected}")
    exec(back.replace("keras.safetensors", str(directory / "keras.safetensors")), {"net": net, "np": np, "save_file": save_file})
    ran = lenet("eval", directory / "keras.safetensors", "--data", data, "--json")
    assert json.loads(ran.stdout)["correct"] == correct, (ran, correct)
    print(f"keras.safetensors: {correct} correct in Keras and in lenet")
