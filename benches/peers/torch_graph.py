"""Trains LeNet in PyTorch on a GPU with the step captured in a CUDA graph: python torch_graph.py DATA_DIR EPOCHS BATCH_SIZE.

The data set, the order of the images and the losses stay on the GPU, and each replay of the graph is a step. Prints a line of
JSON with the version, the GPU, the seconds of each epoch and the test accuracy, or with the missing requirement.
"""
import json, sys, time

def exit_missing(requirement):
    print(json.dumps({"missing": requirement}))
    sys.exit()

try:
    import torch
except ImportError as error:
    exit_missing(f"PyTorch: {error}")
if not torch.cuda.is_available():
    exit_missing("PyTorch found no CUDA device")

from torch_parts import lenet, load, loss_of

data, epochs, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
device = torch.device("cuda")
(x, y), _, (xt, yt) = [(images.to(device), labels.to(device)) for images, labels in load(data)]

torch.manual_seed(0)
net = lenet().to(device)
sgd = torch.optim.SGD(net.parameters(), lr=0.9)

def step(indices):
    sgd.zero_grad(set_to_none=False)
    loss = loss_of(net(x[indices]), y[indices])
    loss.backward()
    sgd.step()
    return loss

indices = torch.arange(size, device=device)
total = torch.zeros((), device=device)
start = [p.detach().clone() for p in net.parameters()]
side = torch.cuda.Stream()
side.wait_stream(torch.cuda.current_stream())
with torch.cuda.stream(side):
    for _ in range(3):
        step(indices)
torch.cuda.current_stream().wait_stream(side)
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph):
    total += step(indices).detach()
with torch.no_grad():  # Undo the warm-up steps.
    for p, first in zip(net.parameters(), start):
        p.copy_(first)

seconds = []
for _ in range(epochs):
    torch.cuda.synchronize()
    begin = time.perf_counter()
    total.zero_()
    for batch in torch.randperm(len(x), device=device).split(size):
        if len(batch) == size:
            indices.copy_(batch)
            graph.replay()
        else:
            total += step(batch).detach()
    total.item()
    seconds.append(time.perf_counter() - begin)
with torch.no_grad():
    accuracy = (net(xt).argmax(1) == yt).float().mean().item()
print(json.dumps({"version": f"PyTorch {torch.__version__}, CUDA graph, {torch.cuda.get_device_name()}", "epochs": seconds, "accuracy": accuracy}))
