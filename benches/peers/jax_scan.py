"""LeNet in JAX, an epoch as one compiled scan: python jax_scan.py DATA_DIR EPOCHS BATCH_SIZE [DEVICE].

DEVICE is gpu unless it is given. Prints one JSON line: the version and the device, the seconds of each epoch, the test
accuracy; or what is missing.
"""
import gzip, json, os, sys, time

def missing(what):
    print(json.dumps({"missing": what}))
    sys.exit()

try:
    import numpy as np, jax
except ImportError as error:
    missing(f"JAX: {error}")
data, epochs, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
try:
    device = jax.devices(sys.argv[4] if len(sys.argv) > 4 else "gpu")[0]
except RuntimeError:
    missing("JAX sees no GPU")

import jax.numpy as jnp
from jax import lax

jax.config.update("jax_default_device", device)
idx = lambda name, offset: np.frombuffer(gzip.open(os.path.join(data, name)).read(), np.uint8, offset=offset)
images = lambda name: jnp.asarray(idx(name, 16).reshape(-1, 1, 28, 28))
labels = lambda name: jnp.asarray(idx(name, 8).astype(np.int32))
x, y = images("train-images-idx3-ubyte.gz")[:54000], labels("train-labels-idx1-ubyte.gz")[:54000]
xt, yt = images("t10k-images-idx3-ubyte.gz"), labels("t10k-labels-idx1-ubyte.gz")

key = jax.random.key(0)
shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (256, 120), (120, 84), (84, 10)]
def layer(key, shape):
    taps = shape[2] * shape[3] if len(shape) == 4 else 1
    limit = (6 / ((shape[0] + shape[1]) * taps)) ** 0.5
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit), jnp.zeros(shape[0] if len(shape) == 4 else shape[1])
parameters = [layer(k, shape) for k, shape in zip(jax.random.split(key, 5), shapes)]

def forward(parameters, images):
    z = images.astype(jnp.float32)
    for w, b in parameters[:2]:
        z = jax.nn.sigmoid(lax.conv(z, w, (1, 1), "VALID") + b[:, None, None])
        z = lax.reduce_window(z, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    z = z.reshape(len(z), -1)
    for w, b in parameters[2:]:
        z = jax.nn.sigmoid(z @ w + b)
    return z

def loss(parameters, images, labels):
    o = jnp.clip(forward(parameters, images), 1e-7, 1 - 1e-7)
    return (jnp.log(o.sum(1)) - jnp.log(jnp.take_along_axis(o, labels[:, None], 1)[:, 0])).mean()

def step(parameters, places):
    value, gradients = jax.value_and_grad(loss)(parameters, x[places], y[places])
    return jax.tree.map(lambda w, g: w - 0.9 * g, parameters, gradients), value

@jax.jit
def epoch(parameters, key):
    order = jax.random.permutation(key, len(x))
    whole = len(x) // size * size
    parameters, losses = lax.scan(step, parameters, order[:whole].reshape(-1, size))
    if whole < len(x):
        parameters, last = step(parameters, order[whole:])
    return parameters, losses.mean()

seconds = []
compiled = epoch.lower(parameters, key).compile()
for k in jax.random.split(key, epochs):
    begin = time.perf_counter()
    parameters, mean = compiled(parameters, k)
    mean.block_until_ready()
    seconds.append(time.perf_counter() - begin)
accuracy = float((jax.jit(forward)(parameters, xt).argmax(1) == yt).mean())
print(json.dumps({"version": f"JAX {jax.__version__}, scan, {device.device_kind}", "epochs": seconds, "accuracy": accuracy}))
