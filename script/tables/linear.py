"""Linear problems with known noise: the error of `tartine train` over that of least squares or logistic regression.

    python script/tables/linear.py                     the automatic recipe, ten seeds
    python script/tables/linear.py "--preset tabular"  other flags

Six regressions and six classifications of 50 to 2 000 rows: normal columns, some of them correlated, a linear target, and noise.
An error is the RMSE, or the share of wrong classes, on 20 000 rows drawn the same way; the peer is scikit-learn's
LinearRegression, or LogisticRegression with its defaults, on standardized columns. Each seed draws the problem anew, and splits
it with that seed. Results are kept in the file of --results, so that a command that was interrupted goes on; another version of
the command needs another file.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = os.environ.get("TARTINE", str(ROOT / ".build" / "release" / "tartine"))

# Rows, columns, and the standard deviation of the signal over that of the noise.
SIZES = [(50, 3, 2.0), (120, 5, 1.0), (300, 8, 1.5), (600, 10, 1.0), (1_000, 20, 2.0), (2_000, 12, 0.7)]
PROBLEMS = [(task, *size) for task in ("regression", "classification") for size in SIZES]


def drawn(task, rows, columns, signal, seed):
    random = np.random.default_rng([seed, rows, task == "regression"])
    mixing = np.eye(columns) + 0.4 * random.standard_normal((columns, columns)) / np.sqrt(columns)
    weights = random.standard_normal(columns)
    spread = np.sqrt(((mixing @ weights) ** 2).sum())

    def part(count):
        x = random.standard_normal((count, columns)) @ mixing
        z = signal * (x @ weights) / spread
        frame = pd.DataFrame(x, columns=[f"x{n + 1}" for n in range(columns)])
        # The probit and the logistic curve hardly differ; the logistic is the peer's own.
        frame["y"] = z + random.standard_normal(count) if task == "regression" else np.where(
            2 * z + random.logistic(size=count) > 0, "yes", "no")
        return frame

    return part(rows), part(20_000)


def ours(flags, task, train, test, seed, threads):
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in (("train", train), ("test", test)):
            frame.to_csv(f"{folder}/{name}.csv", index=False)
        run = subprocess.run(
            [COMMAND, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--target", "y", "--json", "--quiet",
             "--threads", str(threads), "--seed", str(seed), "--out", f"{folder}/run", *flags.split()],
            capture_output=True, text=True)
        if run.returncode: sys.exit(run.stderr)
        return json.loads(run.stdout)["test"]["rmse" if task == "regression" else "error"]


def peers(task, train, test):
    x, z = train.drop(columns="y"), test.drop(columns="y")
    if task == "regression":
        answers = LinearRegression().fit(x, train["y"]).predict(z)
        return float(np.sqrt(np.mean((answers - test["y"]) ** 2)))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, train["y"])
    return float(np.mean(model.predict(z) != test["y"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("flags", nargs="?", default="")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", default="linear.jsonl")
    # Flags of ours are one argument that begins with two dashes.
    own = ("--seeds", "--jobs", "--threads", "--results", "--help")
    options = parser.parse_args([" " + a if a.startswith("--") and a.split("=")[0] not in own else a for a in sys.argv[1:]])
    flags = options.flags.strip()
    known = {}
    if os.path.exists(options.results):
        for line in open(options.results):
            row = json.loads(line)
            known[row["flags"], row["task"], row["rows"], row["seed"]] = (row["ours"], row["peer"])

    def work(job):
        (task, rows, columns, signal), seed = job
        key = (flags, task, rows, seed)
        if key in known: return
        train, test = drawn(task, rows, columns, signal, seed)
        known[key] = (ours(flags, task, train, test, seed, options.threads), peers(task, train, test))
        with open(options.results, "a") as file:
            file.write(json.dumps(dict(flags=flags, task=task, rows=rows, seed=seed, ours=known[key][0], peer=known[key][1])) + "\n")

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(work, [(problem, seed) for problem in PROBLEMS for seed in range(options.seeds)]))
    print("| problem | rows | columns | error | peer's | ratio |\n|---|---|---|---|---|---|")
    for task, rows, columns, _ in PROBLEMS:
        pairs = [known[flags, task, rows, seed] for seed in range(options.seeds)]
        mine, other = (statistics.mean(column) for column in zip(*pairs))
        ratio = statistics.mean(one / two for one, two in pairs)
        print(f"| {task} | {rows} | {columns} | {mine:.4f} | {other:.4f} | {ratio:.3f} |")


if __name__ == "__main__":
    main()
