"""Measures the intervals of single predictions over tables: how often they hold the truth, and how wide they are.

    python script/tables/intervals.py choosing [TABLE,TABLE…]

Each table is divided ten times into three quarters for training and a quarter for test. For a number the width is compared with
that of an interval of one width for all rows that holds as many of the test truths. Needs what collection.py names.
"""
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np

import collection
from compare import COMMAND


def measure(table, seed, coverages):
    rows = collection.load(table.name).sample(frac=1, random_state=200 + seed).reset_index(drop=True)
    rows = rows[:12_000]
    cut = len(rows) // 4
    train, test = rows[cut:], rows[:cut]
    task = table.task if table.task == collection.R else "multiclass" if train[table.target].nunique() > 2 else "binary"
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("train", train), ("test", test)):
            part.to_csv(f"{folder}/{name}.csv", index=False)
        base = [f"{folder}/train.csv", "--target", table.target, "--task", task, "--seed", str(seed), "--split-seed", str(seed)]
        subprocess.run([COMMAND, "train", *base, "--out", f"{folder}/run", "--quiet", "--json", *os.environ.get("FLAGS", "").split()],
                       capture_output=True, check=True)
        for coverage in coverages:
            run = subprocess.run([COMMAND, "predict", f"{folder}/run", f"{folder}/test.csv", "--interval", str(coverage), "--keep",
                                  table.target], capture_output=True, text=True)
            if run.returncode: continue
            answers = list(csv.DictReader(run.stdout.splitlines()))
            if task == collection.R:
                truth = np.array([float(a[table.target]) for a in answers])
                low, high, middle = (np.array([float(a[c]) for a in answers]) for c in ("lower", "upper", "prediction"))
                held = float(np.mean((truth >= low) & (truth <= high)))
                constant = 2 * np.quantile(np.abs(truth - middle), held)
                found.append((coverage, held, float(np.mean(high - low) / constant) if constant > 0 else math.nan))
            else:
                sets = [a["set"].split("|") for a in answers]
                held = statistics.mean(a[table.target] in s for a, s in zip(answers, sets))
                top = statistics.mean(a[table.target] == a["prediction"] for a in answers)
                found.append((coverage, held, top))
    return found


def main():
    half, names = sys.argv[1], sys.argv[2].split(",") if len(sys.argv) > 2 else None
    tables = [t for t in collection.TABLES if half in ("all", collection.half(t.name)) and (names is None or t.name in names)]
    sums = {}
    for table in tables:
        runs = [measure(table, seed, (0.8, 0.9, 0.95)) for seed in range(10)]
        line = table.name.ljust(18)
        for coverage in (0.8, 0.9, 0.95):
            own = [r for run in runs for r in run if r[0] == coverage]
            if not own: continue
            held, other = statistics.mean(r[1] for r in own), statistics.mean(r[2] for r in own)
            sums.setdefault((table.task, coverage), []).append((held, other))
            line += f"  {coverage}: {held:.3f} ({other:.2f})"
        print(line, flush=True)
    for (task, coverage), values in sorted(sums.items()):
        print(f"{task} {coverage}: held {statistics.mean(v[0] for v in values):.4f} in the mean of {len(values)} tables, least "
              f"{min(v[0] for v in values):.3f}; {'width over one width' if task == collection.R else 'accuracy'} "
              f"{statistics.mean(v[1] for v in values):.3f}")


main()
