"""Trains LeNet in JAX with each epoch as one compiled scan: python jax_scan.py DATA_DIR EPOCHS BATCH_SIZE [DEVICE].

DEVICE defaults to gpu. Prints a line of JSON with the version, the device, the seconds of each epoch and the test accuracy,
or with the missing requirement.
"""
import json, sys, time

def exit_missing(requirement):
    print(json.dumps({"missing": requirement}))
    sys.exit()

try:
    import numpy as np, jax
except ImportError as error:
    exit_missing(f"JAX: {error}")
data, epochs, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
try:
    device = jax.devices(sys.argv[4] if len(sys.argv) > 4 else "gpu")[0]
except RuntimeError:
    exit_missing("JAX found no GPU")

import jax.numpy as jnp
from jax import lax
import fashion_mnist, jax_parts

jax.config.update("jax_default_device", device)
(x, y), (xt, yt) = [(jnp.asarray(x[:, None]), jnp.asarray(y.astype(np.int32))) for x, y in fashion_mnist.load(data)]
x, y = x[:54000], y[:54000]

key = jax.random.key(0)
parameters = jax_parts.lenet(key)

def step(parameters, indices):
    return jax_parts.step(parameters, x[indices], y[indices])

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
accuracy = float((jax.jit(jax_parts.outputs)(parameters, xt).argmax(1) == yt).mean())
print(json.dumps({"version": f"JAX {jax.__version__}, scan, {device.device_kind}", "epochs": seconds, "accuracy": accuracy}))
