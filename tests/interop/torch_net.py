"""LeNet, its loss and its images in PyTorch, for the other scripts of this directory."""

import gzip
import pathlib

import numpy as np
import torch
from torch import nn


def idx(path, header):
    """Returns the bytes after the header of a gzipped IDX file."""
    return torch.from_numpy(np.frombuffer(gzip.open(path).read(), np.uint8, offset=header).copy())


def samples(directory, prefix):
    """Returns the images [N, 1, 28, 28] and labels of one part of the data set; `prefix` is train or t10k."""
    images = idx(pathlib.Path(directory) / f"{prefix}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).float()
    return images, idx(pathlib.Path(directory) / f"{prefix}-labels-idx1-ubyte.gz", 8).long()


class LeNet(nn.Module):
    """LeNet as described in the book, with raw pixels as input and ten sigmoids as output."""

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


def probabilities(outputs):
    clipped = outputs.clip(1e-7, 1 - 1e-7)
    return clipped / clipped.sum(1, keepdim=True)


def loss_of(outputs, labels):
    return -probabilities(outputs).gather(1, labels[:, None]).log().mean()
