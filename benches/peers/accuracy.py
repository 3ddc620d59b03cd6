"""Measures test accuracy against training time: python accuracy.py LENET DATA_DIR [NAME..].

Called by `accuracy`. Trains both recipes of lenet, the tuned recipe in PyTorch, and the notebook's model in Keras, for the
numbers of epochs and seeds in RUNS. Writes every run to accuracy.csv in this directory and the plot to accuracy.svg in
DATA_DIR, and prints the table. With names of RUNS, it measures only these and keeps the other rows of accuracy.csv.

Seconds count from the start of the program to the trained model, including loading. For lenet they cover the whole command,
including the test and saving. For PyTorch they end after the test, for Keras at the end of the epoch. Keras trains once per
seed and is evaluated after several epochs, which is fair because its learning rate is constant. The others train a separate
run for each number of epochs.
"""
import csv, json, pathlib, statistics, subprocess, sys, tempfile, time

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt

here = pathlib.Path(__file__).parent
program, data, wanted = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
# The number of seeds for each number of epochs.
RUNS = {
    "lenet, tuned": {1: 5, 2: 5, 3: 30, 5: 5, 10: 5, 20: 10},
    # Without validation images: all 60,000 images are trained on.
    "lenet, tuned, all images": {20: 10, 60: 10, 180: 10},
    "lenet, classic": {1: 5, 2: 5, 5: 5, 10: 5, 20: 5},
    "PyTorch, tuned": {3: 3},
    "Keras": {1: 3, 2: 3, 5: 3},
}
COLOURS = {"lenet, tuned": "#0b6e4f", "lenet, tuned, all images": "#5aa02c", "lenet, classic": "#3a7ca5", "Keras": "#c8553d", "PyTorch, tuned": "#8a5a9e"}


def lenet(name, epochs, seed):
    recipe, *all_images = name.split(", ")[1:]
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "train", "--recipe", recipe, "--epochs", str(epochs), "--seed", str(seed),
                   "--data", str(data), "--json", "-o", f"{directory}/model.mpk"]
        command += ["--validation-split", "0"] if all_images else []
        begin = time.perf_counter()
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - begin
    events = map(json.loads, out.splitlines())
    return seconds, next(event["accuracy"] for event in events if event["event"] == "test")


def python(script, *args):
    command = [sys.executable, here / script, data, *map(str, args)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def runs():
    for seed in range(1, max(seeds for counts in RUNS.values() for seeds in counts.values()) + 1):
        for name, counts in RUNS.items():
            if wanted and name not in wanted:
                continue
            epochs = [epochs for epochs, seeds in counts.items() if seed <= seeds]
            if name == "Keras" and epochs:
                for mark in python("keras_lenet.py", max(epochs), seed, *epochs)["marks"]:
                    yield name, mark["epochs"], seed, mark["seconds"], mark["accuracy"]
            elif name == "PyTorch, tuned":
                for found in (python("torch_tuned.py", n, seed) for n in epochs):
                    yield name, found["epochs"], seed, found["seconds"], found["accuracy"]
            elif name != "Keras":
                for n in epochs:
                    yield name, n, seed, *lenet(name, n, seed)


kept = [list(row.values()) for row in csv.DictReader(open(here / "accuracy.csv")) if wanted and row["what"] not in wanted]
with open(here / "accuracy.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["what", "epochs", "seed", "seconds", "test_accuracy"])
    writer.writerows(kept)
    for name, epochs, seed, seconds, accuracy in runs():
        writer.writerow([name, epochs, seed, f"{seconds:.2f}", f"{accuracy:.4f}"])
        file.flush()

points = {name: {epochs: [] for epochs in RUNS[name]} for name in RUNS}
for row in csv.DictReader(open(here / "accuracy.csv")):
    # A row without seconds is a run that shared the machine with others.
    seconds = float(row["seconds"]) if row["seconds"] else None
    points[row["what"]].setdefault(int(row["epochs"]), []).append((seconds, float(row["test_accuracy"])))


def median_seconds(found):
    measured = [seconds for seconds, _ in found if seconds is not None]
    return statistics.median(measured) if measured else None


print("| epochs |", " | ".join(f"{name}: seconds | accuracy" for name in points), "|")
print("|" + "---|" * (2 * len(points) + 1))
for epochs in sorted(set().union(*points.values())):
    cells = []
    for name in points:
        found = points[name].get(epochs)
        if found is None:
            cells += ["", ""]
            continue
        accuracies = [accuracy for _, accuracy in found]
        n = len(accuracies)
        error = f" ± {statistics.stdev(accuracies) / n ** 0.5:.4f}" if n > 1 else ""
        seconds = median_seconds(found)
        cells += ["" if seconds is None else f"{seconds:.2f}", f"{statistics.mean(accuracies):.4f}{error} ({n})"]
    print("|", epochs, "|", " | ".join(cells), "|")

# Keep text as text, and make the file deterministic.
plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "lenet", "font.family": "sans-serif", "font.size": 11}
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for name, series in points.items():
    series = {epochs: found for epochs, found in series.items() if found and median_seconds(found) is not None}
    if not series:
        continue
    x = [median_seconds(found) for found in series.values()]
    y = [[accuracy for _, accuracy in found] for found in series.values()]
    axes.fill_between(x, [min(a) for a in y], [max(a) for a in y], color=COLOURS[name], alpha=0.15, linewidth=0)
    axes.plot(x, [statistics.mean(a) for a in y], color=COLOURS[name], marker="o", linewidth=2)
    axes.annotate(name, (x[-1], statistics.mean(y[-1])), xytext=(8, 0), textcoords="offset points", va="center",
                  color=COLOURS[name], fontweight="bold")
    for epochs, seconds, accuracies in zip(series, x, y):
        axes.annotate(str(epochs), (seconds, statistics.mean(accuracies)), xytext=(0, 7), textcoords="offset points",
                      ha="center", fontsize=9, color="#555555")
axes.set_xscale("log")
ticks = [1, 2, 5, 10, 20, 50, 100]
axes.set_xticks(ticks, map(str, ticks))
axes.minorticks_off()
axes.set_xlim(right=axes.get_xlim()[1] * 2.2)
axes.set_xlabel("seconds, from start to trained model (numbers at the points: epochs)")
axes.set_ylabel("test accuracy")
axes.set_title(f"LeNet on Fashion-MNIST, two cores: mean and range over the seeds", loc="left", fontsize=12)
axes.grid(color="#dddddd")
axes.spines[["top", "right"]].set_visible(False)
figure.savefig(data / "accuracy.svg", metadata={"Date": None})
