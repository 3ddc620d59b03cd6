"""Fashion-MNIST's four IDX files as arrays of NumPy."""
import gzip, os
import numpy as np

def load(folder):
    """Images as uint8 [N, 28, 28] and labels as uint8 [N]: those to train with, then those to test with."""
    idx = lambda name, offset: np.frombuffer(gzip.open(os.path.join(folder, name)).read(), np.uint8, offset=offset)
    return [(idx(part + "-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx(part + "-labels-idx1-ubyte.gz", 8))
        for part in ("train", "t10k")]
