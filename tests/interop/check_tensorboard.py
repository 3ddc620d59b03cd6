"""Reads the event files of `lenet train --tensorboard DIR` with TensorBoard's reader and compares each scalar with the
run record next to the model.

    python check_tensorboard.py DIR MODEL.json      (tensorboard 2.20)
"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

runs, record = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
epochs = record["epochs"]
recipe = record["settings"]["recipe"]


def rate(epoch):
    """Returns the learning rate in the middle of an epoch, counted from 1."""
    if recipe["schedule"] == "constant":
        return recipe["learning_rate"]
    warm_up = recipe["schedule"]["linear"]["warm_up"]
    done = (epoch - 0.5) / record["settings"]["epochs"]
    if done < warm_up:
        return recipe["learning_rate"] * done / warm_up
    return recipe["learning_rate"] * (1 - done) / (1 - warm_up)


expected = {
    "train": {
        "loss": [e["loss"] for e in epochs],
        "accuracy": [e["accuracy"] for e in epochs],
        "learning_rate": [rate(e["epoch"]) for e in epochs],
    },
    "validation": {
        "loss": [e["val_loss"] for e in epochs],
        "accuracy": [e["val_accuracy"] for e in epochs],
    },
}
for run, tags in expected.items():
    events = EventAccumulator(str(runs / run)).Reload()
    assert sorted(events.Tags()["scalars"]) == sorted(tags), events.Tags()
    for tag, values in tags.items():
        found = events.Scalars(tag)
        assert [s.step for s in found] == [e["epoch"] for e in epochs], (run, tag, found)
        for scalar, value in zip(found, values):
            # The files hold 32-bit floats.
            assert abs(scalar.value - value) <= 1e-6 * max(1, abs(value)), (run, tag, scalar, value)
        times = [s.wall_time for s in found]
        assert times == sorted(times) and times[0] > 1.6e9, times
        print(f"{run}/{tag}: {len(found)} epochs equal to the run record")
