"""A model of lenet in PyTorch and ONNX Runtime, and back: python check_torch.py LENET MODEL DATA_DIR

LENET is the program, MODEL a .mpk that it trained. On all 10,000 test images PyTorch's loss and hits must be those of
`lenet eval`, and ONNX Runtime's answers those of PyTorch; through PyTorch's two formats and back to .mpk the weights
must stay equal bit for bit.      (PyTorch 2.15.0, safetensors 0.8.0, onnx 1.23.2, onnxruntime 1.32.0, NumPy)
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


def lenet(*words):
    return subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout


def evaluate(path):
    return json.loads(lenet("eval", path, "--data", data, "--json"))


images, labels = samples(data, "t10k")

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    lenet("convert", model, folder / "ours.safetensors")
    lenet("convert", model, folder / "ours.onnx")
    net = LeNet()
    net.load_state_dict(load_file(folder / "ours.safetensors"))
    with torch.no_grad():
        outputs = net(images).double()
    loss = loss_of(outputs, labels).item()
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
