"""A model of lenet in PyTorch and ONNX Runtime, and back: python check_torch.py LENET MODEL DATA_DIR

LENET is the program, MODEL a .mpk that it trained. On all 10,000 test images PyTorch's loss and hits must be those of
`lenet eval`, and ONNX Runtime's answers those of PyTorch; through PyTorch's two formats and back to .mpk the weights
must stay equal bit for bit.      (PyTorch 2.15.0, safetensors 0.8.0, onnx 1.23.2, onnxruntime 1.32.0, NumPy)
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch import nn

program, model, data = sys.argv[1:]


def lenet(*words):
    return subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout


def evaluate(path):
    return json.loads(lenet("eval", path, "--data", data, "--json"))


def idx(name, header):
    raw = gzip.open(pathlib.Path(data) / name).read()
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=header).copy())


class LeNet(nn.Module):
    """As a reader of the book would write it: raw pixels in, ten sigmoids out."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(256, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.sigmoid(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.sigmoid(self.conv2(x)), 2)
        x = torch.sigmoid(self.fc1(x.flatten(1)))
        x = torch.sigmoid(self.fc2(x))
        return torch.sigmoid(self.fc3(x))


images = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).float()
labels = idx("t10k-labels-idx1-ubyte.gz", 8).long()

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    lenet("convert", model, folder / "ours.safetensors")
    lenet("convert", model, folder / "ours.onnx")
    net = LeNet()
    net.load_state_dict(load_file(folder / "ours.safetensors"))
    with torch.no_grad():
        outputs = net(images).double()
    clipped = outputs.clip(1e-7, 1 - 1e-7)
    loss = -(clipped / clipped.sum(1, keepdim=True)).gather(1, labels[:, None]).log().mean().item()
    correct = int((outputs.argmax(1) == labels).sum())
    found = evaluate(model)
    print(f"lenet loss {found['loss']:.7f}, {found['correct']} right; PyTorch {loss:.7f}, {correct} right")
    assert abs(found["loss"] - loss) <= 1e-5 and found["correct"] == correct

    torch.save(net.state_dict(), folder / "back.pt")
    save_file(net.state_dict(), folder / "back.safetensors")
    for ending in ("pt", "safetensors"):
        back = folder / f"back.{ending}"
        assert evaluate(back) == found, ending
        lenet("convert", back, folder / f"{ending}.mpk")
        lenet("convert", folder / f"{ending}.mpk", folder / f"{ending}-again.safetensors")
        for tensor, values in load_file(folder / f"{ending}-again.safetensors").items():
            assert torch.equal(values, net.state_dict()[tensor]), (ending, tensor)
    print("equal bit for bit through .pt, .safetensors and .mpk")

    path = str(folder / "ours.onnx")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    onnx_outputs, _ = onnxruntime.InferenceSession(path).run(None, {"image": images.numpy()})
    same = int((onnx_outputs.argmax(1) == outputs.argmax(1).numpy()).sum())
    print(f"ONNX Runtime gives PyTorch's answer for {same} of {len(labels)} images")
    assert same == len(labels)
