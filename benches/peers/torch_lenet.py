"""LeNet in PyTorch eager, trained as the notebook trains it: python torch_lenet.py DATA_DIR EPOCHS.

Prints one JSON line: seconds of each epoch (forward, backward, update; no validation), seconds to evaluate the
10,000 test images at batch 1000 (least of five), wall seconds from load to save, peak resident memory in MB.
"""
import gzip, json, os, resource, sys, tempfile, time
begin = time.perf_counter()
import numpy as np, torch
from torch import nn

data, epochs = sys.argv[1], int(sys.argv[2])
idx = lambda name, offset: np.frombuffer(gzip.open(os.path.join(data, name)).read(), np.uint8, offset=offset)
images = lambda name: torch.from_numpy(idx(name, 16).reshape(-1, 1, 28, 28).astype(np.float32))
labels = lambda name: torch.from_numpy(idx(name, 8).astype(np.int64))
x, y = images("train-images-idx3-ubyte.gz"), labels("train-labels-idx1-ubyte.gz")
xt, yt = images("t10k-images-idx3-ubyte.gz"), labels("t10k-labels-idx1-ubyte.gz")
x, xv, y, yv = x[:54000], x[54000:], y[:54000], y[54000:]

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.Sigmoid(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(256, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10), nn.Sigmoid())
for layer in net:
    if hasattr(layer, "weight"):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
sgd = torch.optim.SGD(net.parameters(), lr=0.9)

def loss_of(outputs, labels):
    o = outputs.clamp(1e-7, 1 - 1e-7)
    return (o.sum(1).log() - o.gather(1, labels[:, None])[:, 0].log()).mean()

def evaluate(images, labels):
    with torch.no_grad():
        outputs = torch.cat([net(batch) for batch in images.split(1000)])
        return loss_of(outputs, labels).item(), (outputs.argmax(1) == labels).float().mean().item()

seconds = []
for _ in range(epochs):
    start = time.perf_counter()
    for batch in torch.randperm(len(x)).split(32):
        sgd.zero_grad()
        loss_of(net(x[batch]), y[batch]).backward()
        sgd.step()
    seconds.append(time.perf_counter() - start)
    evaluate(xv, yv)
evaluation = []
for _ in range(5):
    start = time.perf_counter()
    loss, accuracy = evaluate(xt, yt)
    evaluation.append(time.perf_counter() - start)
with tempfile.NamedTemporaryFile(suffix=".pt") as file:
    torch.save(net.state_dict(), file.name)
print(json.dumps({"version": "PyTorch " + torch.__version__, "epochs": seconds, "evaluation": min(evaluation),
    "wall": time.perf_counter() - begin, "accuracy": accuracy,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
