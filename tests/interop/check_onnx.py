"""Runs ONNX's own checker over lenet.onnx, and ONNX Runtime against what PyTorch computes with these weights.

    python check_onnx.py [FILE]      (onnx 1.23.2, onnxruntime 1.32.0, NumPy)
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

HERE = pathlib.Path(__file__).parent
path = sys.argv[1] if len(sys.argv) > 1 else str(HERE / "lenet.onnx")
onnx.checker.check_model(onnx.load(path), full_check=True)

# The images of make_torch.py.
n, row, column = np.meshgrid(np.arange(4), np.arange(28), np.arange(28), indexing="ij")
spot = 220 - (n + 1) * ((row - 8 - 3 * n) ** 2 + (column - 14) ** 2)
images = spot.clip(0).reshape(-1, 1, 28, 28).astype(np.float32)
expected = json.loads((HERE / "lenet.json").read_text())
session = onnxruntime.InferenceSession(path)
for batch in (images, images[:1]):
    output, probabilities = session.run(None, {"image": batch})
    for found, name in ((output, "formula_outputs"), (probabilities, "formula_probabilities")):
        difference = abs(found - expected[name][: len(batch)]).max()
        print(f"batch of {len(batch)}, {name}: largest difference {difference:.1e}")
        assert difference < 1e-5
