"""Writes the test files of this directory with PyTorch. Our reader must accept some of them and reject the others.

    python make_torch.py DATA_DIR      (PyTorch 2.15.0, safetensors 0.8.0, NumPy)

DATA_DIR holds the four gzipped IDX files of Fashion-MNIST.
"""

import json
import pathlib
import sys

import safetensors.torch
import torch
from torch import nn

from torch_net import LeNet, loss_of, probabilities, samples

HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(sys.argv[1])


def train(net, images, labels):
    for layer in net.children():
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.9)
    for _ in range(2):
        for batch in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            loss_of(net(images[batch]), labels[batch]).backward()
            optimizer.step()


torch.manual_seed(1)
net = LeNet()
train(net, *samples(DATA, "train"))
state = net.state_dict()
torch.save(state, HERE / "lenet.pt")
safetensors.torch.save_file(state, HERE / "lenet.safetensors", {"format": "pt", "made by": "make_torch.py"})

# Save the same weights as views of one storage, each at a different offset. One view is transposed, one has gaps, and some
# are nn.Parameter objects. torch.save keeps views as they are.
size = sum(tensor.numel() for tensor in state.values())
storage = torch.zeros(size + state["conv1.bias"].numel())
views, offset = {}, 0
for name, tensor in state.items():
    if name == "fc1.weight":
        view = storage[offset : offset + tensor.numel()].view(256, 120).t()
    elif name == "conv1.bias":
        view = storage[offset : offset + 2 * tensor.numel() : 2]
        offset += tensor.numel()
    else:
        view = storage[offset : offset + tensor.numel()].view(tensor.shape)
    view.copy_(tensor)
    offset += tensor.numel()
    views[name] = nn.Parameter(view) if name.startswith("fc2") else view
torch.save(views, HERE / "views.pt")

# Small files that must be rejected, each for a different reason.
torch.save({"epoch": 3, "state_dict": {}}, HERE / "checkpoint.pt")
torch.save(nn.Linear(1, 1), HERE / "module.pt")
torch.save({"conv1.bias": torch.zeros(6, dtype=torch.float64)}, HERE / "double.pt")
torch.save({"conv1.bias": torch.zeros(2, 3)}, HERE / "shape.pt")
torch.save({"conv1.bias": torch.zeros(6)}, HERE / "incomplete.pt")
# A view whose values are the negated values of its storage.
torch.save({"conv1.bias": torch.complex(torch.zeros(6), state["conv1.bias"]).conj().imag}, HERE / "negative.pt")
torch.save({"0.weight": torch.zeros(6)}, HERE / "sequential.pt")
torch.save(torch.zeros(6), HERE / "tensor.pt")
torch.save({"conv1.bias": torch.zeros(6)}, HERE / "legacy.pt", _use_new_zipfile_serialization=False)

# Save the results that PyTorch computes with these weights.
images, labels = (values[:1000] for values in samples(DATA, "t10k"))
# For tests without the data set, generate four images with a bright spot that moves and shrinks.
n, row, column = torch.meshgrid(torch.arange(4), torch.arange(28), torch.arange(28), indexing="ij")
spot = 220 - (n + 1) * ((row - 8 - 3 * n) ** 2 + (column - 14) ** 2)
formula = spot.clip(0).reshape(-1, 1, 28, 28).float()
with torch.no_grad():
    outputs = net(images)
    results = {
        "made_by": f"make_torch.py, PyTorch {torch.__version__}",
        "test_images": 1000,
        "loss": loss_of(outputs, labels).item(),
        "correct": int((outputs.argmax(1) == labels).sum()),
        "formula_outputs": net(formula).tolist(),
        "formula_probabilities": probabilities(net(formula)).tolist(),
    }
(HERE / "lenet.json").write_text(json.dumps(results, indent=1) + "\n")
print(results["loss"], results["correct"])
