"""Trials per hour: Tartine and Optuna with PyTorch, on the same rows, networks and epochs, two trials at a time.

    python throughput.py TARTINE ADULT_TRAIN_CSV [ROUNDS]

64 trials of a network of 256 and 128 units with batch norm and dropout, 16 000 train and 4 000 dev rows, batches of 256,
5 epochs of Adam. Optuna's trials are split between two processes that share a study in a file, each with one thread of
PyTorch. Both keep the last epoch and measure dev once. Rounds alternate; the time is from the first trial's start to
the last one's end, as recorded in the study, so that starting Python, importing and reading count for neither.
"""

import csv
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime

TRIALS, EPOCHS, BATCH, TRAIN, DEV, TEST = 64, 5, 256, 16000, 4000, 1000
UNITS = (256, 128)


def read(path):
    """Rows of the file, and additional ones for Tartine's test set; and inputs, standardized or one-hot, with labels, as arrays."""
    import numpy

    with open(path, newline="") as file:
        header, *rows = list(csv.reader(file, skipinitialspace=True))
    rest, rows = rows[TRAIN + DEV : TRAIN + DEV + TEST], rows[: TRAIN + DEV]
    columns = []
    for place in range(len(header) - 1):
        values = [row[place] for row in rows]
        try:
            numbers = numpy.array(values, dtype="float32")
            columns.append(((numbers - numbers[:TRAIN].mean()) / numbers[:TRAIN].std())[:, None])
        except ValueError:
            levels = sorted(set(values[:TRAIN]))
            columns.append(numpy.array([[float(v == level) for level in levels] for v in values], dtype="float32"))
    labels = numpy.array([row[-1].startswith(">") for row in rows], dtype="float32")
    return header, rows, rest, numpy.concatenate(columns, axis=1), labels


def train(inputs, labels, rate, beta, keep):
    import torch

    layers, width = [], inputs.shape[1]
    for units in UNITS:
        layers += [torch.nn.Linear(width, units), torch.nn.BatchNorm1d(units), torch.nn.ReLU(), torch.nn.Dropout(1 - keep)]
        width = units
    network = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
    optimizer = torch.optim.Adam(network.parameters(), rate, betas=(beta, 0.999), fused=True)
    cost = torch.nn.BCEWithLogitsLoss()
    for _ in range(EPOCHS):
        order = torch.randperm(TRAIN)
        for first in range(0, TRAIN, BATCH):
            rows = order[first : first + BATCH]
            optimizer.zero_grad(set_to_none=True)
            cost(network(inputs[rows])[:, 0], labels[rows]).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        answers = network(inputs[TRAIN:])[:, 0] > 0
    return float((answers != (labels[TRAIN:] > 0.5)).float().mean())


def work(path, csv_path, trials, seed):
    import optuna
    import torch

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)
    _, _, _, inputs, labels = read(csv_path)
    inputs, labels = torch.from_numpy(inputs), torch.from_numpy(labels)
    # The first step compiles everything before the clock starts.
    train(inputs, labels, 1e-3, 0.9, 0.8)
    study = optuna.load_study(
        study_name="peer", storage=f"sqlite:///{path}", sampler=optuna.samplers.TPESampler(seed=seed)
    )

    def cost(trial):
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        beta = 1 - trial.suggest_float("1 - beta", 0.01, 0.3, log=True)
        return train(inputs, labels, rate, beta, trial.suggest_float("keep", 0.5, 1))

    study.optimize(cost, n_trials=trials)


def optuna_seconds(csv_path, folder, seed):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = f"{folder}/peer-{seed}.db"
    study = optuna.create_study(study_name="peer", storage=f"sqlite:///{path}")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(path, csv_path, TRIALS // 2, 10 * seed + k)) for k in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    trials = optuna.load_study(study_name="peer", storage=f"sqlite:///{path}").trials
    assert len(trials) == TRIALS and all(trial.value is not None for trial in trials)
    seconds = (max(t.datetime_complete for t in trials) - min(t.datetime_start for t in trials)).total_seconds()
    return seconds, min(trial.value for trial in trials)


def our_seconds(tartine, csv_path, folder, seed):
    import sqlite3

    space = [
        {"name": "optimizer.learningRate", "low": 1e-4, "high": 1e-1, "scale": "log"},
        {"name": "optimizer.beta1", "low": 0.7, "high": 0.99, "scale": "reverse-log"},
        {"name": "network.keepProb", "low": 0.5, "high": 1},
    ]
    with open(f"{folder}/space.json", "w") as file:
        json.dump(space, file)
    out = f"{folder}/ours-{seed}"
    call = [tartine, "tune", csv_path, "--target", "income", "--split-by", "fixed:part", "--bins", "0", "--hidden", "256,128"]
    call += ["--batch-norm", "--batch-size", str(BATCH), "--epochs", str(EPOCHS), "--optimizer", "adam", "--keep-last"]
    call += ["--jobs", "2", "--trials", str(TRIALS), "--space", f"{folder}/space.json", "--seed", str(seed), "--finalists", "1"]
    call += ["--fresh-seeds", "2", "--out", out, "--json"]
    best = json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)["best"]["value"]
    database = sqlite3.connect(f"{out}/study.db")
    first, last = database.execute("SELECT MIN(datetime_start), MAX(datetime_complete) FROM trials").fetchone()
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds(), best


def main():
    tartine, source = os.path.abspath(sys.argv[1]), sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    with tempfile.TemporaryDirectory() as folder:
        csv_path = f"{folder}/adult.csv"
        header, rows, rest, inputs, _ = read(source)
        with open(csv_path, "w", newline="") as file:
            parts = ["train"] * TRAIN + ["dev"] * DEV + ["test"] * TEST
            csv.writer(file).writerows([[*header, "part"], *([*row, part] for row, part in zip(rows + rest, parts))])
        ours, theirs = [], []
        for seed in range(rounds):
            ours.append(our_seconds(tartine, csv_path, folder, seed))
            theirs.append(optuna_seconds(source, folder, seed))
    ratios = sorted(b[0] / a[0] for a, b in zip(ours, theirs))
    print(f"{TRIALS} trials, {inputs.shape[1]} inputs, {rounds} rounds in turn, median:\n")
    print("| | s | trials an hour | best dev error, % |\n|---|---|---|---|")
    for name, results in [("tartine", ours), ("Optuna with PyTorch", theirs)]:
        seconds = statistics.median(r[0] for r in results)
        error = statistics.median(r[1] for r in results)
        print(f"| {name} | {seconds:.1f} | {3600 * TRIALS / seconds:,.0f} | {100 * error:.2f} |")
    print(f"\nRatio of the trials an hour: {statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}).")


if __name__ == "__main__":
    main()
