"""Test accuracy against seconds: python accuracy.py LENET DATA_DIR SEEDS.

Called by `accuracy`. Trains with each recipe of lenet, and the notebook in Keras, for several numbers of epochs from
seeds 1 to SEEDS; writes every run to accuracy.csv beside this file and the plot to accuracy.svg in DATA_DIR, prints
the table. Seconds go from the start of the program to the trained model, loading included: lenet's are those of the
whole command, test and saving included; Keras' stop at the end of the epoch. Keras trains once a seed and is measured
on the way, which is fair since its rate is constant; lenet trains anew for each number of epochs.
"""
import csv, json, pathlib, statistics, subprocess, sys, tempfile, time

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt

here = pathlib.Path(__file__).parent
program, data, seeds = sys.argv[1], pathlib.Path(sys.argv[2]), range(1, int(sys.argv[3]) + 1)
EPOCHS = {"lenet, tuned": (1, 2, 5, 10, 20), "lenet, classic": (1, 2, 5, 10, 20), "Keras": (1, 2, 5, 10)}
COLOURS = {"lenet, tuned": "#0b6e4f", "lenet, classic": "#3a7ca5", "Keras": "#c8553d"}


def lenet(recipe, epochs, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "train", "--recipe", recipe, "--epochs", str(epochs), "--seed", str(seed),
                   "--data", str(data), "--json", "-o", f"{folder}/model.mpk"]
        begin = time.perf_counter()
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - begin
    events = map(json.loads, out.splitlines())
    return seconds, next(event["accuracy"] for event in events if event["event"] == "test")


def keras(seed):
    marks = map(str, EPOCHS["Keras"])
    command = [sys.executable, here / "keras_lenet.py", data, str(max(EPOCHS["Keras"])), str(seed), *marks]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])["marks"]


def runs():
    for seed in seeds:
        for name in EPOCHS:
            if name == "Keras":
                for mark in keras(seed):
                    yield name, mark["epochs"], seed, mark["seconds"], mark["accuracy"]
            else:
                for epochs in EPOCHS[name]:
                    yield name, epochs, seed, *lenet(name.split()[-1], epochs, seed)


with open(here / "accuracy.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["what", "epochs", "seed", "seconds", "test_accuracy"])
    for name, epochs, seed, seconds, accuracy in runs():
        writer.writerow([name, epochs, seed, f"{seconds:.2f}", f"{accuracy:.4f}"])
        file.flush()

points = {name: {epochs: [] for epochs in EPOCHS[name]} for name in EPOCHS}
for row in csv.DictReader(open(here / "accuracy.csv")):
    points[row["what"]][int(row["epochs"])].append((float(row["seconds"]), float(row["test_accuracy"])))

print("| epochs |", " | ".join(f"{name}: seconds | accuracy" for name in points), "|")
print("|" + "---|" * (2 * len(points) + 1))
for epochs in sorted(set().union(*EPOCHS.values())):
    cells = []
    for name in points:
        found = points[name].get(epochs)
        if found is None:
            cells += ["", ""]
            continue
        seconds, accuracies = zip(*found)
        spread = f" ± {statistics.stdev(accuracies):.3f}" if len(accuracies) > 1 else ""
        cells += [f"{statistics.median(seconds):.1f}", f"{statistics.mean(accuracies):.3f}{spread}"]
    print("|", epochs, "|", " | ".join(cells), "|")

# Text stays text, and one result gives one file.
plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "lenet", "font.family": "sans-serif", "font.size": 11}
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for name, series in points.items():
    x = [statistics.median(seconds for seconds, _ in found) for found in series.values()]
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
axes.set_title(f"LeNet on Fashion-MNIST, two cores: mean and range of {len(seeds)} seeds", loc="left", fontsize=12)
axes.grid(color="#dddddd")
axes.spines[["top", "right"]].set_visible(False)
figure.savefig(data / "accuracy.svg", metadata={"Date": None})
