"""LeNet in JAX on the CPU, one `jit` for the step, trained as the notebook trains it: python jax_lenet.py DATA_DIR EPOCHS.

Prints one JSON line: seconds of each epoch, the first with compilation. A `lax.scan` over the epoch, the fastest way on a GPU, takes
three times as long on a CPU.
"""
import gzip, json, os, resource, sys, time
os.environ.setdefault("JAX_PLATFORMS", "cpu")
begin = time.perf_counter()
import numpy as np, jax, jax.numpy as jnp
from jax import lax

data, epochs = sys.argv[1], int(sys.argv[2])
idx = lambda name, offset: np.frombuffer(gzip.open(os.path.join(data, name)).read(), np.uint8, offset=offset)
x = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:54000].astype(np.float32)
y = idx("train-labels-idx1-ubyte.gz", 8)[:54000].astype(np.int32)
xt = jnp.asarray(idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28).astype(np.float32))
yt = idx("t10k-labels-idx1-ubyte.gz", 8).astype(np.int32)

shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (256, 120), (120, 84), (84, 10)]
def glorot(key, shape):
    fans = (shape[0] + shape[1]) * (25 if len(shape) == 4 else 1)
    limit = (6 / fans) ** 0.5
    return jax.random.uniform(key, shape, jnp.float32, -limit, limit)
keys = jax.random.split(jax.random.key(0), 5)
net = [(glorot(key, shape), jnp.zeros(shape[0] if len(shape) == 4 else shape[1])) for key, shape in zip(keys, shapes)]

def outputs(net, x):
    for w, b in net[:2]:
        x = lax.conv(x, w, (1, 1), "VALID") + b[:, None, None]
        x = jax.nn.sigmoid(lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"))
    x = x.reshape(len(x), -1)
    for w, b in net[2:]:
        x = jax.nn.sigmoid(x @ w + b)
    return x

def loss_of(net, x, y):
    o = jnp.clip(outputs(net, x), 1e-7, 1 - 1e-7)
    return (jnp.log(o.sum(1)) - jnp.log(jnp.take_along_axis(o, y[:, None], 1)[:, 0])).mean()

@jax.jit
def step(net, x, y):
    gradients = jax.grad(loss_of)(net, x, y)
    return jax.tree.map(lambda w, g: w - 0.9 * g, net, gradients)

shuffle, seconds = np.random.default_rng(0), []
for _ in range(epochs):
    start = time.perf_counter()
    order = shuffle.permutation(len(x))
    for at in range(0, len(x), 32):
        batch = order[at:at + 32]
        net = step(net, x[batch], y[batch])
    jax.block_until_ready(net)
    seconds.append(time.perf_counter() - start)
accuracy = float((np.asarray(jax.jit(outputs)(net, xt)).argmax(1) == yt).mean())
print(json.dumps({"version": f"JAX {jax.__version__}", "epochs": seconds, "wall": time.perf_counter() - begin, "accuracy": accuracy,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
