"""What the trainings in PyTorch share: the data set, the network and its loss."""
import numpy as np, torch
from torch import nn
import fashion_mnist

def load(folder):
    """Images as float32 [N, 1, 28, 28] of 0 to 255 and labels as int64: 54,000 to train, 6,000 to validate, 10,000 to test."""
    (x, y), (xt, yt) = [(torch.from_numpy(x[:, None].astype(np.float32)), torch.from_numpy(y.astype(np.int64)))
        for x, y in fashion_mnist.load(folder)]
    return (x[:54000], y[:54000]), (x[54000:], y[54000:]), (xt, yt)

def lenet(activation=nn.Sigmoid, gains=(1,) * 5):
    """The network with this behind each layer, and so much times Glorot's limit for the weights of each."""
    net = nn.Sequential(nn.Conv2d(1, 6, 5), activation(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), activation(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), activation(), nn.Linear(120, 84), activation(), nn.Linear(84, 10), activation())
    for layer, gain in zip((layer for layer in net if hasattr(layer, "weight")), gains):
        nn.init.xavier_uniform_(layer.weight, gain=gain)
        nn.init.zeros_(layer.bias)
    return net

def loss_of(outputs, labels):
    """Keras' cross-entropy of outputs that are no probabilities: they are divided by their sum."""
    o = outputs.clamp(1e-7, 1 - 1e-7)
    return (o.sum(1).log() - o.gather(1, labels[:, None])[:, 0].log()).mean()
