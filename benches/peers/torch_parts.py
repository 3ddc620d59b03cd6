"""The data set, the network and its loss, shared by the PyTorch scripts."""
import numpy as np, torch
from torch import nn
import fashion_mnist

def load(directory):
    """Returns images (float32 [N, 1, 28, 28], 0 to 255) and labels (int64) for training (54,000), validation (6,000) and test (10,000)."""
    (x, y), (xt, yt) = [(torch.from_numpy(x[:, None].astype(np.float32)), torch.from_numpy(y.astype(np.int64)))
        for x, y in fashion_mnist.load(directory)]
    return (x[:54000], y[:54000]), (x[54000:], y[54000:]), (xt, yt)

def lenet(activation=nn.Sigmoid, gains=(1,) * 5):
    """Returns the network with `activation` after each layer. `gains` scale the Glorot limits of the five layers."""
    net = nn.Sequential(nn.Conv2d(1, 6, 5), activation(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), activation(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), activation(), nn.Linear(120, 84), activation(), nn.Linear(84, 10), activation())
    for layer, gain in zip((layer for layer in net if hasattr(layer, "weight")), gains):
        nn.init.xavier_uniform_(layer.weight, gain=gain)
        nn.init.zeros_(layer.bias)
    return net

def loss_of(outputs, labels):
    """Computes Keras' cross-entropy for outputs that are not probabilities, by dividing them by their sum."""
    o = outputs.clamp(1e-7, 1 - 1e-7)
    return (o.sum(1).log() - o.gather(1, labels[:, None])[:, 0].log()).mean()
