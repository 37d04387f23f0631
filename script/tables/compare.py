"""Compares settings of `tartine train`, and its peers, over the tables of collection.py.

    python script/tables/compare.py choosing hgb "" "--members 8"           errors over the first one's
    python script/tables/compare.py judging hgb "--preset tabular" --markdown

A model is a peer (hgb, mlp: scikit-learn; lightgbm, catboost; realmlp, tabm: pytabkit; each with its defaults) or flags
of `tartine train`. Every table is divided three times into three quarters for training and a quarter for test, above 5 000
rows once. An error is the RMSE, or the share of wrong classes, on the test part; results are kept in the file of
--results, so that a command that was interrupted goes on. Needs what collection.py names, and a release build.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

import collection

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = os.environ.get("TARTINE", str(ROOT / ".build" / "release" / "tartine"))


def divisions(frame):
    """The train and test parts of a table."""
    for seed in range(3 if len(frame) < 5_000 else 1):
        rows = frame.sample(frac=1, random_state=100 + seed).reset_index(drop=True)
        cut = len(rows) // 4
        yield seed, rows[cut:].reset_index(drop=True), rows[:cut].reset_index(drop=True)


def ours(flags, train, test, table, threads, seed):
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("train", train), ("test", test)):
            part.to_csv(f"{folder}/{name}.csv", index=False)
        task = table.task if table.task == collection.R else "multiclass" if train[table.target].nunique() > 2 else "binary"
        start = time.monotonic()
        run = subprocess.run([COMMAND, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--target", table.target,
                              "--task", task, "--json", "--quiet", "--threads", str(threads), "--seed", str(seed),
                              "--out", f"{folder}/run", *flags.split()], capture_output=True, text=True)
        seconds = time.monotonic() - start
        if run.returncode:
            raise RuntimeError(f"{table.name}: {run.stderr}")
        part = json.loads(run.stdout)["test"]
    return part["rmse" if table.task == collection.R else "error"], seconds


def peer(name, train, test, table, threads, seed):
    isNumber = table.task == collection.R
    x, y = train.drop(columns=table.target), train[table.target]
    z, truth = test.drop(columns=table.target), test[table.target]
    if not isNumber:
        names = {value: place for place, value in enumerate(sorted(y.unique(), key=str))}
        y, truth = y.map(names), truth.map(names)
    texts = [c for c in x if x[c].dtype.kind not in "iufb"]
    start = time.monotonic()
    answers = fitted(name, x, y, texts, isNumber, threads, seed, z)
    seconds = time.monotonic() - start
    if isNumber:
        return float(np.sqrt(np.mean((np.asarray(answers, float).ravel() - truth) ** 2))), seconds
    return float(np.mean(np.asarray(answers).ravel() != truth)), seconds


def fitted(name, x, y, texts, isNumber, threads, seed, z):
    kinds = {c: pd.CategoricalDtype(sorted(x[c].dropna().unique())) for c in texts}
    if name == "hgb":
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        model = (HistGradientBoostingRegressor if isNumber else HistGradientBoostingClassifier)(
            categorical_features="from_dtype", random_state=seed)
        return model.fit(x.astype(kinds), y).predict(z.astype(kinds))
    if name == "lightgbm":
        import lightgbm
        model = (lightgbm.LGBMRegressor if isNumber else lightgbm.LGBMClassifier)(
            random_state=seed, n_jobs=threads, verbose=-1)
        clean = {c: "".join(k if k.isalnum() else "_" for k in str(c)) + str(n) for n, c in enumerate(x)}
        return model.fit(x.astype(kinds).rename(columns=clean), y).predict(z.astype(kinds).rename(columns=clean))
    if name == "catboost":
        import catboost
        model = (catboost.CatBoostRegressor if isNumber else catboost.CatBoostClassifier)(
            random_seed=seed, thread_count=threads, verbose=0, cat_features=texts, allow_writing_files=False)
        filled = {c: "missing" for c in texts}
        return model.fit(x.fillna(filled), y).predict(z.fillna(filled))
    if name in ("realmlp", "tabm"):
        import pytabkit
        kind = {"realmlp": "RealMLP_TD", "tabm": "TabM_D"}[name] + ("_Regressor" if isNumber else "_Classifier")
        numbers = [c for c in x if c not in texts]
        means = x[numbers].mean()
        model = getattr(pytabkit, kind)(device="cpu", random_state=seed, n_threads=threads)
        return model.fit(x.fillna(means), y, cat_col_names=texts).predict(z.fillna(means))
    if name == "mlp":
        from sklearn.compose import make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler
        ready = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()), [c for c in x if c not in texts]),
            (OneHotEncoder(handle_unknown="ignore"), texts), sparse_threshold=0)
        if not isNumber:
            return make_pipeline(ready, MLPClassifier(random_state=seed)).fit(x, y).predict(z)
        model = make_pipeline(ready, MLPRegressor(random_state=seed)).fit(x, (y - y.mean()) / y.std())
        return model.predict(z) * y.std() + y.mean()
    sys.exit(f"there is no peer '{name}'")


PEERS = ["hgb", "mlp", "lightgbm", "catboost", "realmlp", "tabm"]


def measured(results, chosen, models, jobs, threads, most):
    """The error and seconds by (table, model), each the mean over the divisions."""
    known = {}
    if os.path.exists(results):
        for line in open(results):
            row = json.loads(line)
            known[row["table"], row["model"], row["seed"]] = (row["error"], row["seconds"])

    def work(table):
        found = []
        frame = None
        for model in models:
            for seed in range(most):
                if (table.name, model, seed) in known: continue
                frame = collection.load(table.name) if frame is None else frame
                part = next(((train, test) for s, train, test in divisions(frame) if s == seed), None)
                if part is None: break
                try:
                    error, seconds = (peer if model in PEERS else ours)(model, *part, table, threads, seed)
                except Exception as problem:
                    print(f"{table.name}, {model}: {str(problem)[:300]}", file=sys.stderr)
                    continue
                found.append(dict(table=table.name, model=model, seed=seed, error=error, seconds=round(seconds, 2)))
                with open(results, "a") as file: file.write(json.dumps(found[-1]) + "\n")
        return found

    with ThreadPoolExecutor(jobs) as pool:
        for rows in pool.map(work, chosen):
            for row in rows: known[row["table"], row["model"], row["seed"]] = (row["error"], row["seconds"])
    means = {}
    for table in chosen:
        for model in models:
            values = [value for (name, kind, seed), value in known.items() if (name, kind) == (table.name, model) and seed < most]
            if values: means[table.name, model] = tuple(statistics.mean(column) for column in zip(*values))
    return means


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("half", choices=["choosing", "judging", "all"])
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a peer or flags; the first is compared with")
    parser.add_argument("--results", default="tables.jsonl")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--divisions", type=int, default=3, help="at most so many divisions of a table")
    parser.add_argument("--only", default="", help="some of the tables, separated by commas")
    parser.add_argument("--markdown", action="store_true", help="print a line for every table")
    # Flags of ours begin with two dashes, and are one argument.
    options, models = parser.parse_known_args([a if not a.startswith("--") or " " not in a else " " + a for a in sys.argv[1:]])
    models = [m.strip() for m in options.models + models]
    only = options.only.split(",")
    chosen = [t for t in collection.TABLES if options.half in ("all", collection.half(t.name)) and (only == [""] or t.name in only)]
    means = measured(options.results, chosen, models, options.jobs, options.threads, options.divisions)
    base = models[0]
    if options.markdown:
        print("| table |" + "".join(f" {m or 'defaults'} |" for m in models) + "\n|---|" + "---|" * len(models))
        for table in chosen:
            row = [means.get((table.name, m)) for m in models]
            scale = 1 if table.task == collection.R else 100
            print(f"| {table.name} |" + "".join(f" {v[0] * scale:.4g} |" if v else " |" for v in row))
    for model in models:
        pairs = [(means[t.name, model], means[t.name, base], t) for t in chosen if {(t.name, model), (t.name, base)} <= set(means)]
        # Of a share of wrong classes of nearly 0 the ratio says nothing.
        ratios = {t.name: (one[0] + (1e-3 if t.task == collection.C else 0)) / (two[0] + (1e-3 if t.task == collection.C else 0))
                  for one, two, t in pairs}
        if not ratios: continue
        worst = sorted(ratios.items(), key=lambda pair: -pair[1])
        print(f"{model or 'defaults':40} {len(ratios):3} tables  geometric mean {statistics.geometric_mean(ratios.values()):.4f}  "
              f"wins {sum(r < 1 for r in ratios.values())}  median s {statistics.median(one[1] for one, _, _ in pairs):.1f}  "
              f"most s {max(one[1] for one, _, _ in pairs):.0f}  worst {', '.join(f'{n} {r:.2f}' for n, r in worst[:5])}; "
              f"best {', '.join(f'{n} {r:.2f}' for n, r in worst[-4:])}")


if __name__ == "__main__":
    main()
