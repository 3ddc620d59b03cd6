"""The network, its loss and an SGD step, shared by the JAX scripts."""
import jax, jax.numpy as jnp
from jax import lax

SHAPES = [(6, 1, 5, 5), (16, 6, 5, 5), (256, 120), (120, 84), (84, 10)]

def lenet(key):
    """Returns the weights (Glorot uniform) and biases (zero) of each layer."""
    def layer(key, shape):
        fans = (shape[0] + shape[1]) * (25 if len(shape) == 4 else 1)
        limit = (6 / fans) ** 0.5
        return jax.random.uniform(key, shape, minval=-limit, maxval=limit), jnp.zeros(shape[0] if len(shape) == 4 else shape[1])
    return [layer(k, shape) for k, shape in zip(jax.random.split(key, 5), SHAPES)]

def outputs(net, images):
    """Computes the outputs for images of shape [N, 1, 28, 28] and any dtype."""
    x = images.astype(jnp.float32)
    for w, b in net[:2]:
        x = lax.conv(x, w, (1, 1), "VALID") + b[:, None, None]
        x = jax.nn.sigmoid(lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"))
    x = x.reshape(len(x), -1)
    for w, b in net[2:]:
        x = jax.nn.sigmoid(x @ w + b)
    return x

def step(net, images, labels):
    """Returns the network after an SGD step with learning rate 0.9, and the loss of the batch before the step."""
    def loss(net):
        o = jnp.clip(outputs(net, images), 1e-7, 1 - 1e-7)
        return (jnp.log(o.sum(1)) - jnp.log(jnp.take_along_axis(o, labels[:, None], 1)[:, 0])).mean()
    value, gradients = jax.value_and_grad(loss)(net)
    return jax.tree.map(lambda w, g: w - 0.9 * g, net, gradients), value
