"""Runs a lenet model in PyTorch and ONNX Runtime, and converts it back: python check_torch.py LENET MODEL DATA_DIR

LENET is the program, and MODEL is a .mpk file that it trained. On all 10,000 test images, PyTorch must reproduce the loss
and the number of correct predictions of `lenet eval`, and ONNX Runtime must make the same predictions as PyTorch. A round
trip through both PyTorch formats back to .mpk must keep all bits of the weights.      (PyTorch 2.15.0, safetensors 0.8.0, onnx 1.23.2, onnxruntime 1.32.0, NumPy)
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file

from torch_net import LeNet, loss_of, samples

program, model, data = sys.argv[1:]


def lenet(*args):
    return subprocess.run([program, *map(str, args)], check=True, capture_output=True, text=True).stdout


def evaluate(path):
    document = json.loads(lenet("eval", path, "--data", data, "--json"))
    # Files of other programs have notes, which name the file.
    document.pop("warnings", None)
    return document


images, labels = samples(data, "t10k")

with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    lenet("convert", model, directory / "ours.safetensors")
    lenet("convert", model, directory / "ours.onnx")
    net = LeNet()
    net.load_state_dict(load_file(directory / "ours.safetensors"))
    with torch.no_grad():
        outputs = net(images).double()
    loss = loss_of(outputs, labels).item()
    correct = int((outputs.argmax(1) == labels).sum())
    found = evaluate(model)
    print(f"lenet loss {found['loss']:.7f}, {found['correct']} correct; PyTorch {loss:.7f}, {correct} correct")
    assert abs(found["loss"] - loss) <= 1e-5 and found["correct"] == correct

    torch.save(net.state_dict(), directory / "back.pt")
    save_file(net.state_dict(), directory / "back.safetensors")
    for extension in ("pt", "safetensors"):
        back = directory / f"back.{extension}"
        assert evaluate(back) == found, extension
        lenet("convert", back, directory / f"{extension}.mpk")
        lenet("convert", directory / f"{extension}.mpk", directory / f"{extension}-again.safetensors")
        for tensor, values in load_file(directory / f"{extension}-again.safetensors").items():
            assert torch.equal(values, net.state_dict()[tensor]), (extension, tensor)
    print("bit-identical after a round trip through .pt, .safetensors and .mpk")

    path = str(directory / "ours.onnx")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    onnx_outputs, _ = onnxruntime.InferenceSession(path).run(None, {"image": images.numpy()})
    same = int((onnx_outputs.argmax(1) == outputs.argmax(1).numpy()).sum())
    print(f"ONNX Runtime predicts the same class as PyTorch for {same} of {len(labels)} images")
    assert same == len(labels)
