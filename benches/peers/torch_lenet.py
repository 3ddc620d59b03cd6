"""Trains the notebook's LeNet in PyTorch: python torch_lenet.py DATA_DIR EPOCHS MODE.

MODE is eager, or compiled: images in the layout `channels_last`, with the network, the loss and the update compiled by
`torch.compile`. Prints a line of JSON with the seconds of each epoch (forward, backward and update, without validation), the seconds to
evaluate the 10,000 test images with batch size 1000 (minimum of five), the wall time from loading to saving in seconds, and
the peak resident memory in MB.
"""
import json, resource, sys, tempfile, time
begin = time.perf_counter()
import torch
from torch_parts import lenet, load, loss_of

data, epochs, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
(x, y), (xv, yv), (xt, yt) = load(data)

torch.manual_seed(0)
net = lenet()
sgd = torch.optim.SGD(net.parameters(), lr=0.9)
training_loss, update = lambda images, labels: loss_of(net(images), labels), sgd.step
if mode == "compiled":
    net = net.to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last)
    training_loss, update = torch.compile(training_loss, dynamic=False), torch.compile(update)

def evaluate(images, labels):
    with torch.no_grad():
        outputs = torch.cat([net(batch) for batch in images.split(1000)])
        return loss_of(outputs, labels).item(), (outputs.argmax(1) == labels).float().mean().item()

seconds = []
for _ in range(epochs):
    start = time.perf_counter()
    for batch in torch.randperm(len(x)).split(32):
        sgd.zero_grad()
        training_loss(x[batch], y[batch]).backward()
        update()
    seconds.append(time.perf_counter() - start)
    evaluate(xv, yv)
evaluation = []
for _ in range(5):
    start = time.perf_counter()
    loss, accuracy = evaluate(xt, yt)
    evaluation.append(time.perf_counter() - start)
with tempfile.NamedTemporaryFile(suffix=".pt") as file:
    torch.save(net.state_dict(), file.name)
print(json.dumps({"version": f"PyTorch {torch.__version__}, {mode}", "epochs": seconds, "evaluation": min(evaluation),
    "wall": time.perf_counter() - begin, "accuracy": accuracy,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
