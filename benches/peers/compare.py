"""Runs lenet and its peers in turn and prints the table of docs/benchmarks.md: python compare.py DATA_DIR ROUNDS LOG [PROGRAM..].

Called by `run`, which builds the programs and creates the virtual environment. Every measurement is appended to the file LOG,
and the table covers all lines of that file, so that several calls add up. The epoch time of a run is the median of its epochs.
The range over the runs of one program shows how noisy the machine was. Use an idle machine: the threads of PyTorch spin, and
any other load slows PyTorch down tenfold.
"""
import json, os, platform, re, statistics, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..")
target = os.path.join(root, os.environ.get("CARGO_TARGET_DIR", "target"))
data, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2])
# Burn trains on a tenth of the images, and its times are multiplied by ten.
EPOCHS, TENTH = 5, 6000


def output(*command, cwd=None):
    environment = os.environ | {"LENET_DATA_DIR": data}
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def python(script, *arguments):
    return json.loads(output(sys.executable, os.path.join(here, script), data, *map(str, arguments)).splitlines()[-1])


def lenet():
    with tempfile.TemporaryDirectory() as directory:
        command = [os.path.join(target, "release", "lenet"), "train", "--epochs", str(EPOCHS), "--data", data, "--json"]
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=directory)
        events = [json.loads(line) for line in child.stdout]
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, command
        wall = time.perf_counter() - begin
    return {"version": "lenet, " + events[0]["device"], "epochs": [e["seconds"] for e in events if e["event"] == "epoch"],
        "wall": wall, "peak_mb": usage.ru_maxrss / 1024}


def evaluation():
    features = ["--no-default-features", "--features", "cli,ndarray"]
    return json.loads(output("cargo", "bench", "--quiet", "--bench", "evaluation", *features, cwd=root).splitlines()[-1])


def plain_burn():
    with tempfile.TemporaryDirectory() as directory:
        out = output(os.path.join(target, "release", "examples", "plain_burn"), str(TENTH), "2", cwd=directory)
    times = re.findall(r"Epoch \d/\d  ([\d.]+)(ms|s) ", out)
    return {"version": "plain Burn 0.21, ndarray", "epochs": [10 * float(n) / {"s": 1, "ms": 1000}[unit] for n, unit in times]}


def flex():
    """Trains with the newest Burn, whose losses must fall, on a tenth of the images."""
    run = json.loads(output(os.path.join(target, "flex", "release", "lenet-with-flex"), data, str(TENTH), "2"))
    assert run["losses"][0] > run["losses"][1], run
    return {"version": run["version"], "epochs": [10 * seconds for seconds in run["epochs"]]}


def seeds():
    """Measures eight seeds in parallel, one per core, and eight single runs in turn."""
    def seconds(*options):
        with tempfile.TemporaryDirectory() as directory:
            begin = time.perf_counter()
            output(os.path.join(target, "release", "lenet"), "train", "-q", "--epochs", str(EPOCHS), *options, cwd=directory)
            return time.perf_counter() - begin
    return {"parallel": seconds("--seeds", "1..8"), "single": sum(seconds("--seed", str(seed)) for seed in range(1, 9))}


PROGRAMS = {
    "lenet": lenet,
    "evaluation": evaluation,
    "eager": lambda: python("torch_lenet.py", 3, "eager"),
    "compiled": lambda: python("torch_lenet.py", 3, "compiled"),
    "NCHW": lambda: python("jax_lenet.py", 3, "NCHW"),
    "NHWC": lambda: python("jax_lenet.py", 3, "NHWC"),
    "keras": lambda: python("keras_lenet.py", EPOCHS),
    "burn": plain_burn,
    "flex": flex,
    "seeds": seeds,
}

log, selected = sys.argv[3], sys.argv[4:] or list(PROGRAMS)
for _ in range(rounds):
    for name in selected:
        line = json.dumps({"program": name} | PROGRAMS[name]())
        with open(log, "a") as file:
            print(line, file=file)

runs = {name: [] for name in PROGRAMS}
for line in open(log):
    run = json.loads(line)
    runs[run["program"]].append(run)
evaluations, pairs = runs.pop("evaluation"), runs.pop("seeds")
runs = {name: found for name, found in runs.items() if found}
epochs = {name: [statistics.median(run["epochs"]) for run in found] for name, found in runs.items()}
median = lambda name, value: statistics.median(run[value] for run in runs[name])

cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
print(f"{cpu}, {os.cpu_count()} cores, batch 32\n")
print("| | runs | seconds per epoch, median | minimum | range of the runs | whole command | peak memory |")
print("|---|---|---|---|---|---|---|")
for name, found in runs.items():
    minimum, medians = min(seconds for run in found for seconds in run["epochs"]), epochs[name]
    wall = f"{median(name, 'wall'):.2f} s" if name in ("lenet", "keras") else ""
    peak = f"{median(name, 'peak_mb'):.0f} MB" if "peak_mb" in found[0] else ""
    print(f"| {found[0]['version']} | {len(found)} | {statistics.median(medians):.3f} | {minimum:.3f} | "
        f"{min(medians):.3f} to {max(medians):.3f} | {wall} | {peak} |")
print()
for name in runs:
    if name != "lenet":
        ratios = [pick(epochs["lenet"]) / pick(epochs[name]) for pick in (statistics.median, min)]
        print(f"epoch / {runs[name][0]['version']}: {ratios[0]:.4f} for the medians, {ratios[1]:.4f} for the minima")
if "keras" in runs:
    print(f"5 epochs / Keras': {median('lenet', 'wall') / median('keras', 'wall'):.3f} (bound 0.08, goal 0.05)")
if evaluations:
    seconds = statistics.median(run["seconds"] for run in evaluations)
    ratio = seconds / median("eager", "evaluation")
    print(f"evaluation of 10,000 images: {seconds:.4f} s, / PyTorch's {ratio:.3f} (bound 0.15, goal 0.10)")
if pairs:
    ratios = [run["parallel"] / run["single"] for run in pairs]
    times = [statistics.median(run[name] for run in pairs) for name in ("parallel", "single")]
    print(f"eight seeds in parallel / in turn: {times[0]:.1f} s / {times[1]:.1f} s, ratio {statistics.median(ratios):.2f}, "
        f"{min(ratios):.2f} to {max(ratios):.2f} (bound 0.85, goal 0.70)")
