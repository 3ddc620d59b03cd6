"""Loads the four IDX files of Fashion-MNIST as NumPy arrays."""
import gzip, os
import numpy as np

def load(directory):
    """Returns images (uint8 [N, 28, 28]) and labels (uint8 [N]) of the training set, then those of the test set."""
    idx = lambda name, offset: np.frombuffer(gzip.open(os.path.join(directory, name)).read(), np.uint8, offset=offset)
    return [(idx(part + "-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx(part + "-labels-idx1-ubyte.gz", 8))
        for part in ("train", "t10k")]
