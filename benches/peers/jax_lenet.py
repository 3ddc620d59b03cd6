"""Trains the notebook's LeNet in JAX on the CPU with one `jit`-compiled step: python jax_lenet.py DATA_DIR EPOCHS LAYOUT.

LAYOUT is NCHW or NHWC. Prints a line of JSON with the seconds of each epoch, the first including compilation. A `lax.scan`
over the epoch is fastest on a GPU, but takes three times as long on a CPU.
"""
import json, os, resource, sys, time
os.environ.setdefault("JAX_PLATFORMS", "cpu")
begin = time.perf_counter()
import numpy as np, jax, jax.numpy as jnp
import fashion_mnist, jax_parts

data, epochs, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
(x, y), (xt, yt) = [(np.expand_dims(x, layout.index("C")), y.astype(np.int32)) for x, y in fashion_mnist.load(data)]
x, y = x[:54000].astype(np.float32), y[:54000]
net = jax_parts.lenet(jax.random.key(0), layout)
step = jax.jit(lambda net, images, labels: jax_parts.step(net, images, labels, layout)[0])

shuffle, seconds = np.random.default_rng(0), []
for _ in range(epochs):
    start = time.perf_counter()
    order = shuffle.permutation(len(x))
    for at in range(0, len(x), 32):
        batch = order[at:at + 32]
        net = step(net, x[batch], y[batch])
    jax.block_until_ready(net)
    seconds.append(time.perf_counter() - start)
accuracy = float((np.asarray(jax.jit(lambda net, images: jax_parts.outputs(net, images, layout))(net, jnp.asarray(xt))).argmax(1) == yt).mean())
print(json.dumps({"version": f"JAX {jax.__version__}, {layout}", "epochs": seconds, "wall": time.perf_counter() - begin, "accuracy": accuracy,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
