"""Compares the statistics of `lenet compare --json` for groups of seeds with those of scipy.

    python check_compare.py LENET RECORD..      (scipy 1.17)
"""

import json
import subprocess
import sys

import numpy as np
from scipy import stats

lenet, paths = sys.argv[1], sys.argv[2:]
found = json.loads(subprocess.run([lenet, "compare", *paths, "--json"], check=True, capture_output=True).stdout)
records = [json.load(open(path)) for path in paths]


def metric(record, name):
    kept = record["epochs"][record["kept_epoch"] - 1]
    return {
        "test_accuracy": record["test"]["accuracy"],
        "test_loss": record["test"]["loss"],
        "val_accuracy": kept["val_accuracy"],
        "val_loss": kept["val_loss"],
        "seconds": sum(epoch["seconds"] for epoch in record["epochs"]),
    }[name]


def close(a, b):
    assert np.isclose(a, b, rtol=1e-9, atol=0), (a, b)


def values(group, name):
    return [metric(records[run], name) for run in found["groups"][group]["runs"]]


assert len(found["tests"]) == 5, found["tests"]
for group, row in enumerate(found["groups"]):
    for name in ("test_accuracy", "test_loss", "val_accuracy", "val_loss", "seconds"):
        close(row[name]["mean"], np.mean(values(group, name)))
        close(row[name]["sd"], np.std(values(group, name), ddof=1))
for test in found["tests"]:
    expected = stats.ttest_ind(values(test["a"], test["figure"]), values(test["b"], test["figure"]), equal_var=False)
    for found_value, expected_value in ((test["t"], expected.statistic), (test["df"], expected.df), (test["p"], expected.pvalue)):
        close(found_value, expected_value)
    print(f"{test['figure']}: t {test['t']:.4f}, df {test['df']:.2f}, p {test['p']:.3g}, equal to scipy's")
assert found["pairs"]
for pair in found["pairs"]:
    n = pair["only_a"] + pair["only_b"]
    close(pair["p"], stats.binomtest(pair["only_a"], n, 0.5).pvalue if n else 1)
print(f"McNemar: {len(found['pairs'])} pairs equal to scipy's")
