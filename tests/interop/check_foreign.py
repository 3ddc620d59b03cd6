"""Checks that `lenet` reads LeNet in the forms in which PyTorch programs save it: python check_foreign.py LENET DATA_DIR

For each form, `lenet eval` must report as many correct predictions on the test images as PyTorch makes with the same weights. Forms
that are not read must be named.      (PyTorch 2.15.0, safetensors 0.8.0, NumPy)
"""

import argparse
import datetime
import json
import os
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn

from torch_net import LeNet, samples

HERE = pathlib.Path(__file__).parent
program, data = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:])
images, labels = samples(data, "t10k")
net = LeNet()
net.load_state_dict(torch.load(HERE / "lenet.pt"))
state = net.state_dict()


def correct(tensors):
    """Returns the number of correct predictions with these weights, computed in 32 bits."""
    net = LeNet()
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    with torch.no_grad():
        return int((net(images).argmax(1) == labels).sum())


def cast(dtype):
    return {name: tensor.to(dtype) for name, tensor in state.items()}


def trained(optimizer):
    """Returns the state of an optimizer after a step on a copy of the network."""
    copy = LeNet()
    copy.load_state_dict(state)
    optimizer = optimizer(copy.parameters())
    nn.functional.cross_entropy(copy(images[:32]), labels[:32]).backward()
    optimizer.step()
    return optimizer.state_dict()


def sequential():
    layers = [nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.MaxPool2d(2), nn.Flatten()]
    for inputs, outputs in ((256, 120), (120, 84), (84, 10)):
        layers += [nn.Linear(inputs, outputs), nn.Sigmoid()]
    net = nn.Sequential(*layers)
    net.load_state_dict(dict(zip(net.state_dict(), state.values())))
    return net


class Wrapper(nn.Module):
    """A module that has the network as a part, as in PyTorch Lightning."""

    def __init__(self, net):
        super().__init__()
        self.model = net


lightning = {
    "epoch": 2,
    "global_step": 3376,
    "pytorch-lightning_version": "2.5.0",
    "state_dict": Wrapper(net).state_dict(),
    "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 2}}}},
    "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_score": torch.tensor(0.55), "best_k_models": {}}},
    "optimizer_states": [trained(lambda parameters: torch.optim.Adam(parameters))],
    "lr_schedulers": [],
    "hparams_name": "kwargs",
    "hyper_parameters": {"lr": 0.9, "betas": (0.9, 0.999), "name": None},
}
checkpoint = {
    "args": argparse.Namespace(lr=0.9, layers=[6, 16]),
    "date": datetime.datetime(2026, 1, 1),
    "model_state_dict": state,
    "optimizer_state_dict": trained(lambda parameters: torch.optim.SGD(parameters, lr=0.9, momentum=0.9)),
    "rng": torch.get_rng_state(),
    "losses": [2.3, -0.5, float("nan"), 10**30],
    "seen": {1, 2},
    "random": np.random.get_state(),
}
mixed = {name: tensor.half() if "conv" in name else tensor.double() for name, tensor in state.items()}
averaged = torch.optim.swa_utils.AveragedModel(net)

# name: (content, weights)
FORMS = {
    "plain.pt": (state, state),
    "plain.bin": (state, state),
    "plain.pth": (state, state),
    "data-parallel.pt": (nn.DataParallel(net).state_dict(), state),
    "compiled.pt": (torch.compile(net).state_dict(), state),
    "compiled-data-parallel.pt": (torch.compile(nn.DataParallel(net)).state_dict(), state),
    "lightning.ckpt": (lightning, state),
    "checkpoint.pt": (checkpoint, state),
    "sequential.pt": (sequential().state_dict(), state),
    "half.pt": (cast(torch.half), cast(torch.half)),
    "bfloat16.pt": (cast(torch.bfloat16), cast(torch.bfloat16)),
    "double.pt": (cast(torch.double), state),
    "mixed.pt": (mixed, mixed),
}
# name: (content, text in the error message)
REJECTED = {
    "averaged.pt": (averaged.state_dict(), '"n_averaged" is a single number'),
    "module.pt": (net, "a Python object instead of its weights"),
    "two-keys.pt": ({"model": state, "ema": state}, "several keys"),
    "my-key.pt": ({"epoch": 1, "my weights": state}, "its keys:"),
    "legacy.pt": (state, "pre-1.6"),
}
SAFETENSORS = {
    "compiled.safetensors": (torch.compile(net).state_dict(), state),
    "half.safetensors": (cast(torch.half), cast(torch.half)),
    "bfloat16.safetensors": (cast(torch.bfloat16), cast(torch.bfloat16)),
    "mixed.safetensors": (mixed, mixed),
    "sequential.safetensors": (sequential().state_dict(), state),
}


def lenet(*args):
    return subprocess.run([program, *map(str, args)], capture_output=True, text=True)


def check_equal(path, weights):
    ran = lenet("eval", path, "--data", data, "--json")
    assert ran.returncode == 0, (path.name, ran.stderr)
    found, expected = json.loads(ran.stdout)["correct"], correct(weights)
    print(f"{path.name:<26} {found} correct  {ran.stderr.strip().replace(str(path), '..')[:90]}")
    assert found == expected, (path.name, found, expected)


def check_rejected(path, expected):
    ran = lenet("eval", path, "--data", data)
    assert ran.returncode == 1 and expected in ran.stderr and "hint: " in ran.stderr, (path.name, ran.stderr)
    print(f"{path.name:<26} {ran.stderr.splitlines()[0].replace(str(path), '..')}")
    return ran.stderr.splitlines()[1]


def follow(hint, directory):
    """Runs the Python line of a hint in `directory` and returns the file that it writes."""
    line = re.search(r"(torch|safetensors\.\w+)\.save(_file)?\(.*", hint).group()
    exec(line, {"torch": torch, "safetensors": safetensors, "numpy": np, "pickle": pickle})
    (written,) = directory.glob("net.*")
    return written


with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    os.chdir(directory)
    for name, (content, weights) in FORMS.items():
        torch.save(content, directory / name)
        check_equal(directory / name, weights)
    for name, (content, weights) in SAFETENSORS.items():
        safetensors.torch.save_file({key: tensor.contiguous().clone() for key, tensor in content.items()}, directory / name)
        check_equal(directory / name, weights)
    torch.serialization.set_crc32_options(False)
    torch.save(state, directory / "no-checksums.pt")
    torch.serialization.set_crc32_options(True)
    check_equal(directory / "no-checksums.pt", state)

    # The line of Python in each hint makes a file that `lenet` reads.
    for name, (content, expected) in REJECTED.items():
        torch.save(content, directory / name, _use_new_zipfile_serialization=name != "legacy.pt")
        written = follow(check_rejected(directory / name, expected), directory)
        check_equal(written, state)
        written.unlink()
    torch.jit.save(torch.jit.script(net), directory / "script.pt")
    with zipfile.ZipFile(HERE / "lenet.pt") as plain, zipfile.ZipFile(directory / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.namelist():
            packed.writestr(entry, plain.read(entry))
    (directory / "arrays.pkl").write_bytes(pickle.dumps({name: tensor.numpy() for name, tensor in state.items()}))
    np.savez(directory / "arrays.npz", **{name: tensor.numpy() for name, tensor in state.items()})
    for name, expected in (
        ("script.pt", "a TorchScript program"),
        ("packed.pt", "the zip file is compressed"),
        ("arrays.pkl", "a Python pickle"),
        ("arrays.npz", "a NumPy archive"),
    ):
        written = follow(check_rejected(directory / name, expected), directory)
        check_equal(written, state)
        written.unlink()
