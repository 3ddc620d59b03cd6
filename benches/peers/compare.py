"""Runs lenet, PyTorch, JAX and Keras in turn and prints the table of docs/benchmarks.md: python compare.py DATA_DIR ROUNDS.

Called by `run`, which creates the virtual environment. Each number is the median over the rounds, and the epoch time of a
run is its median epoch. Use an idle machine: PyTorch's threads spin, and any other load slows PyTorch down tenfold.
"""
import json, os, platform, resource, statistics, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..")
data, rounds, epochs = sys.argv[1], int(sys.argv[2]), 5

def python(script):
    out = subprocess.run([sys.executable, os.path.join(here, script), data, str(epochs)], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])

def lenet():
    program = os.path.join(root, os.environ.get("CARGO_TARGET_DIR", "target"), "release", "lenet")
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "train", "--epochs", str(epochs), "--data", data, "--json", "-o", os.path.join(directory, "model.mpk")]
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        events = [json.loads(line) for line in child.stdout]
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, command
        wall = time.perf_counter() - begin
    bench = subprocess.run(["cargo", "bench", "--quiet", "--bench", "evaluation", "--no-default-features", "--features", "cli,ndarray"],
        cwd=root, check=True, capture_output=True, text=True)
    return {"version": "lenet, " + events[0]["device"], "epochs": [e["seconds"] for e in events if e["event"] == "epoch"],
        "evaluation": json.loads(bench.stdout.splitlines()[-1])["seconds"], "wall": wall,
        "accuracy": next(e["accuracy"] for e in events if e["event"] == "test"), "peak_mb": usage.ru_maxrss / 1024}

def parallel_seeds_ratio():
    """Time of eight seeds trained in parallel, one per core, divided by the time of eight single runs in turn."""
    program = os.path.join(root, os.environ.get("CARGO_TARGET_DIR", "target"), "release", "lenet")
    def seconds(*options):
        begin = time.perf_counter()
        subprocess.run([program, "train", "-q", "--epochs", str(epochs), "--data", data, *options], check=True)
        return time.perf_counter() - begin
    parallel = seconds("--seeds", "1..8")
    with tempfile.TemporaryDirectory() as directory:
        sequential = sum(seconds("--seed", str(seed), "-o", os.path.join(directory, f"{seed}.mpk")) for seed in range(1, 9))
    return parallel / sequential

runs = {"lenet": [], "torch": [], "jax": [], "keras": []}
for _ in range(rounds):
    runs["lenet"].append(lenet())
    runs["torch"].append(python("torch_lenet.py"))
    runs["jax"].append(python("jax_lenet.py"))
    runs["keras"].append(python("keras_lenet.py"))

median = lambda name, value: statistics.median(value(run) for run in runs[name])
epoch = {name: median(name, lambda run: statistics.median(run["epochs"])) for name in runs}
wall = {name: median(name, lambda run: run["wall"]) for name in runs}
peak = {name: median(name, lambda run: run["peak_mb"]) for name in runs}
evaluation = {name: median(name, lambda run: run["evaluation"]) for name in ("lenet", "torch")}

cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
print(f"{cpu}, {os.cpu_count()} cores, {rounds} rounds in turn, {epochs} epochs each, batch 32\n")
print("| | seconds per epoch | 5 epochs, load to save | evaluate 10,000 images | peak memory |")
print("|---|---|---|---|---|")
for name in runs:
    third = f"{evaluation[name]:.3f} s" if name in evaluation else ""
    print(f"| {runs[name][0]['version']} | {epoch[name]:.2f} | {wall[name]:.1f} s | {third} | {peak[name]:.0f} MB |")
print(f"\nepoch / PyTorch's: {epoch['lenet'] / epoch['torch']:.3f} (bound 0.10, or 0.13 if PyTorch has AVX-512; goal 0.085, or 0.10)")
print(f"epoch / JAX's: {epoch['lenet'] / epoch['jax']:.3f}")
print(f"5 epochs / Keras': {wall['lenet'] / wall['keras']:.3f} (bound 0.10, goal 0.06)")
print(f"evaluation / PyTorch's: {evaluation['lenet'] / evaluation['torch']:.3f} (bound 0.35, goal 0.20)")
print(f"peak memory: {peak['lenet']:.0f} MB (bound 90, goal 70)")
print(f"eight seeds in parallel / in turn: {parallel_seeds_ratio():.2f} (bound 0.80, goal 0.65)")
