"""Measures the defaults on fifteen tables, for Documentation/Defaults.md.

    python script/defaults.py FLAGS [FLAGS ...]      for example "" "--no-batch-norm" "--decay 2"

Each argument is a set of flags, tried with `tartine train` on every table and several seeds; the figure is the mean
of dev and test error in percent (for a regression, 100 (1 - R²)), on a split of each table itself: no test
file is ever read. TARTINE_DATA names the folder with adult-train.csv, housing-train.csv, digits.csv and titanic.csv;
TARTINE_ONLY names some of the tables. Needs pandas and scikit-learn, and a release build.
"""
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from sklearn import datasets

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMAND = os.path.join(ROOT, ".build", "release", "tartine")


def tables(folder):
    """Name, file, target, seeds, task; the small ones are generated, always equal."""
    data = os.environ["TARTINE_DATA"]
    made = {}

    def save(name, frame):
        made[name] = os.path.join(folder, name + ".csv")
        frame.to_csv(made[name], index=False)

    for name, load in dict(wine=datasets.load_wine, cancer=datasets.load_breast_cancer, iris=datasets.load_iris,
                           diabetes=datasets.load_diabetes).items():
        save(name, load(as_frame=True).frame)
    adult = pd.read_csv(data + "/adult-train.csv", skipinitialspace=True)
    housing = pd.read_csv(data + "/housing-train.csv")
    for rows in (200, 2000):
        save(f"adult{rows}", adult.sample(rows, random_state=1))
        save(f"housing{rows}", housing.sample(rows, random_state=1))
    rng = np.random.default_rng(0)
    x = rng.random((3000, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    save("friedman", pd.DataFrame(x).add_prefix("f").assign(y=y + rng.normal(size=3000)))
    for name, rows, classes, options in (
            ("synthetic", 5000, 3, dict(n_features=20, n_informative=8, flip_y=0.05, random_state=3)),
            ("large", 30000, 4, dict(n_features=25, n_informative=10, n_redundant=5, n_clusters_per_class=3,
                                     flip_y=0.03, class_sep=1.2, random_state=5))):
        x, y = datasets.make_classification(rows, n_classes=classes, **options)
        save(name, pd.DataFrame(x).add_prefix("f").assign(y=y))
    return [
        ("adult", data + "/adult-train.csv", "income", 8), ("housing", data + "/housing-train.csv",
                                                             "median_house_value", 4),
        ("digits", data + "/digits.csv", "digit", 3), ("titanic", data + "/titanic.csv", "Survived", 8),
        ("wine", made["wine"], "target", 10), ("cancer", made["cancer"], "target", 8),
        ("iris", made["iris"], "target", 10), ("diabetes", made["diabetes"], "target", 8),
        ("adult200", made["adult200"], "income", 10), ("adult2000", made["adult2000"], "income", 5),
        ("housing200", made["housing200"], "median_house_value", 8),
        ("housing2000", made["housing2000"], "median_house_value", 4), ("friedman", made["friedman"], "y", 3),
        ("synthetic", made["synthetic"], "y", 3), ("large", made["large"], "y", 2),
    ]


def figure(job):
    name, path, target, seed, flags = job
    folder = tempfile.mkdtemp()
    run = subprocess.run([COMMAND, "train", path, "--target", target, "--json", "--seed", str(100 + seed), "--threads",
                          "1", "--out", folder + "/run", *flags.split()], capture_output=True, text=True)
    shutil.rmtree(folder)
    if run.returncode:
        sys.exit(run.stderr)
    result = json.loads(run.stdout)
    return name, statistics.mean(p.get("error", 1 - p.get("r2", 0)) for p in (result["dev"], result["test"]))


with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
    only = os.environ.get("TARTINE_ONLY", "").split(",")
    chosen = [t for t in tables(folder) if only == [""] or t[0] in only]
    for flags in sys.argv[1:] or [""]:
        found = {}
        for name, value in pool.map(figure, [(n, p, t, s, flags) for n, p, t, k in chosen for s in range(k)]):
            found.setdefault(name, []).append(100 * value)
        means = {name: statistics.mean(values) for name, values in found.items()}
        overall = statistics.mean(math.log(max(mean, 0.1)) for mean in means.values())
        print(flags or "defaults", "|", ", ".join(f"{n} {m:.2f}" for n, m in means.items()), f"| mean log {overall:.4f}",
              flush=True)
