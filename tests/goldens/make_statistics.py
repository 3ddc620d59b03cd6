"""Computes reference values of Welch's t-test and McNemar's test: python make_statistics.py > statistics.json  (scipy 1.17)"""

import csv
import json
import pathlib

from scipy import stats

groups = {}
peers = pathlib.Path(__file__).parents[2] / "benches/peers/accuracy.csv"
for row in csv.DictReader(peers.open()):
    groups.setdefault((row["what"], row["epochs"]), []).append(float(row["test_accuracy"]))
groups = [g for g in groups.values() if len(g) > 1]
pairs = list(zip(groups, groups[1:])) + [
    ([0.80, 0.81, 0.79, 0.82, 0.80], [0.900, 0.901, 0.899, 0.902, 0.900]),
    ([1.0, 2.0], [1.5, 1.6, 1.7]),
    ([0.5, 0.5, 0.6], [0.5, 0.55, 0.53, 0.57]),
]
welch = []
for a, b in pairs:
    result = stats.ttest_ind(a, b, equal_var=False)
    welch.append({"a": a, "b": b, "t": result.statistic, "df": result.df, "p": result.pvalue})
counts = [(1, 0), (3, 7), (5, 5), (0, 12), (101, 77), (250, 180), (1200, 1000), (900, 300), (40, 41)]
mcnemar = [{"a": a, "b": b, "p": stats.binomtest(a, a + b, 0.5).pvalue} for a, b in counts]
print(json.dumps({"welch": welch, "mcnemar": mcnemar}, indent=1))
