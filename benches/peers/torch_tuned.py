"""Trains lenet's tuned recipe in eager PyTorch: python torch_tuned.py DATA_DIR EPOCHS SEED.

The network, scaling, initialisation, schedule, augmentation and update rule are those of src/train/recipe.rs and
src/optim.rs. Prints a line of JSON with the wall time from loading to the test in seconds, and the test accuracy.
"""
import json, sys, time
begin = time.perf_counter()
import torch
from torch import nn
from torch_parts import lenet, load, loss_of

data, epochs, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
scale = lambda x: (x - 72.94) / 90.02
(x, y), (xv, yv), (xt, yt) = [(scale(images), labels) for images, labels in load(data)]
background, shoes = scale(torch.tensor(0.0)), (y == 5) | (y == 7) | (y == 9)

torch.manual_seed(seed)
net = lenet(nn.Tanh, [3.0 * factor for factor in (0.5, 0.25, 0.25, 0.25, 0.25)])
matrices = [net[3].weight, net[7].weight, net[9].weight]
others = [p for p in net.parameters() if not any(p is m for m in matrices)]
sgd = torch.optim.SGD([{"params": [p for p in others if p.ndim > 1], "weight_decay": 1e-3},
    {"params": [p for p in others if p.ndim == 1]}], lr=0.02, momentum=0.9, nesterov=True)
velocities = [torch.zeros_like(m) for m in matrices]

@torch.no_grad()
def muon(rate):
    for w, v in zip(matrices, velocities):
        v.mul_(0.9).add_(w.grad)
        d = (w.grad + 0.9 * v).flatten(1)
        d = d / d.norm().clamp(min=1e-7)
        for _ in range(3):
            g = d @ d.T
            d = 3.4445 * d + (-4.775 * g + 2.0315 * g @ g) @ d
        scale = (max(d.shape) / min(d.shape)) ** 0.5
        w -= rate * (scale * d.view_as(w) + 0.07 * w)

def accuracy(images, labels):
    with torch.no_grad():
        return (torch.cat([net(batch) for batch in images.split(1000)]).argmax(1) == labels).float().mean().item()

def augmented(epoch):
    if epoch > epochs - 3:
        return x
    is_flipped = (torch.arange(len(x)) + epoch) % 2 == 1
    flipped = torch.where((is_flipped & ~shoes)[:, None, None, None], x.flip(3), x)
    padded = nn.functional.pad(flipped, (1, 1, 1, 1), value=background.item())
    down, right = torch.randint(3, (2, len(x), 1, 1, 1))
    rows, columns = torch.arange(28)[None, None, :, None] + 2 - down, torch.arange(28)[None, None, None, :] + 2 - right
    return padded[torch.arange(len(x))[:, None, None, None], 0, rows, columns]

steps = epochs * -(-len(x) // 128)
step = 0
for epoch in range(1, epochs + 1):
    images = augmented(epoch)
    for batch in torch.randperm(len(x)).split(128):
        done = (step + 0.5) / steps
        rate = 0.02 * (done / 0.05 if done < 0.05 else (1 - done) / 0.95)
        for group in sgd.param_groups:
            group["lr"] = rate
        net.zero_grad()
        loss_of((net(images[batch]) + 1) / 2, y[batch]).backward()
        sgd.step()
        muon(rate)
        step += 1
    accuracy(xv, yv)
test = accuracy(xt, yt)
print(json.dumps({"epochs": epochs, "seconds": time.perf_counter() - begin, "accuracy": test}))
