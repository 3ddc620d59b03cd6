"""The network, its loss and an SGD step, shared by the JAX scripts."""
import jax, jax.numpy as jnp
from jax import lax

SHAPES = [(6, 1, 5, 5), (16, 6, 5, 5), (256, 120), (120, 84), (84, 10)]
DIMENSIONS = {"NCHW": ("NCHW", "OIHW", "NCHW"), "NHWC": ("NHWC", "HWIO", "NHWC")}

def lenet(key, layout="NCHW"):
    """Returns the weights (Glorot uniform) and biases (zero) of each layer, for images in `layout`."""
    def layer(key, shape):
        fans = (shape[0] + shape[1]) * (25 if len(shape) == 4 else 1)
        limit = (6 / fans) ** 0.5
        weight = jax.random.uniform(key, shape, minval=-limit, maxval=limit)
        if layout == "NHWC" and len(shape) == 4:
            weight = weight.transpose(2, 3, 1, 0)
        return weight, jnp.zeros(shape[0] if len(shape) == 4 else shape[1])
    return [layer(k, shape) for k, shape in zip(jax.random.split(key, 5), SHAPES)]

def outputs(net, images, layout="NCHW"):
    """Computes the outputs for images of any dtype and shape [N, 1, 28, 28], or [N, 28, 28, 1] for the layout NHWC."""
    x = images.astype(jnp.float32)
    window = tuple(2 if axis in "HW" else 1 for axis in layout)
    for w, b in net[:2]:
        x = lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=DIMENSIONS[layout])
        x = x + (b[:, None, None] if layout == "NCHW" else b)
        x = jax.nn.sigmoid(lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID"))
    x = x.reshape(len(x), -1)
    for w, b in net[2:]:
        x = jax.nn.sigmoid(x @ w + b)
    return x

def step(net, images, labels, layout="NCHW"):
    """Returns the network after an SGD step with learning rate 0.9, and the loss of the batch before the step."""
    def loss(net):
        o = jnp.clip(outputs(net, images, layout), 1e-7, 1 - 1e-7)
        return (jnp.log(o.sum(1)) - jnp.log(jnp.take_along_axis(o, labels[:, None], 1)[:, 0])).mean()
    value, gradients = jax.value_and_grad(loss)(net)
    return jax.tree.map(lambda w, g: w - 0.9 * g, net, gradients), value
