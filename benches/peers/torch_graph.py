"""LeNet in PyTorch on a CUDA GPU, its step captured in a CUDA graph: python torch_graph.py DATA_DIR EPOCHS BATCH_SIZE.

The data set, the epoch's order and the losses stay on the GPU; a replay of the graph is a step. Prints one JSON line: the
version and the card, the seconds of each epoch, the test accuracy; or what is missing.
"""
import json, sys, time

def missing(what):
    print(json.dumps({"missing": what}))
    sys.exit()

try:
    import torch
except ImportError as error:
    missing(f"PyTorch: {error}")
if not torch.cuda.is_available():
    missing("PyTorch sees no CUDA device")

from torch_parts import lenet, load, loss_of

data, epochs, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
device = torch.device("cuda")
(x, y), _, (xt, yt) = [(images.to(device), labels.to(device)) for images, labels in load(data)]

torch.manual_seed(0)
net = lenet().to(device)
sgd = torch.optim.SGD(net.parameters(), lr=0.9)

def step(places):
    sgd.zero_grad(set_to_none=False)
    loss = loss_of(net(x[places]), y[places])
    loss.backward()
    sgd.step()
    return loss

places = torch.arange(size, device=device)
total = torch.zeros((), device=device)
start = [p.detach().clone() for p in net.parameters()]
side = torch.cuda.Stream()
side.wait_stream(torch.cuda.current_stream())
with torch.cuda.stream(side):
    for _ in range(3):
        step(places)
torch.cuda.current_stream().wait_stream(side)
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph):
    total += step(places).detach()
with torch.no_grad():  # The steps that warmed up were none.
    for p, first in zip(net.parameters(), start):
        p.copy_(first)

seconds = []
for _ in range(epochs):
    torch.cuda.synchronize()
    begin = time.perf_counter()
    total.zero_()
    for batch in torch.randperm(len(x), device=device).split(size):
        if len(batch) == size:
            places.copy_(batch)
            graph.replay()
        else:
            total += step(batch).detach()
    total.item()
    seconds.append(time.perf_counter() - begin)
with torch.no_grad():
    accuracy = (net(xt).argmax(1) == yt).float().mean().item()
print(json.dumps({"version": f"PyTorch {torch.__version__}, CUDA graph, {torch.cuda.get_device_name()}", "epochs": seconds, "accuracy": accuracy}))
