"""Golden values of metrics: results of scikit-learn for the same probabilities and truths.

    python make_metrics.py [FOLDER]

Writes metrics.json: a list of cases, each with its probabilities [rows, classes], truths, and figures under this
project's names. Among them are ties, a class that is never predicted, and one without rows.
"""
import json
import os
import sys

import numpy as np
import sklearn
from sklearn import metrics as m


def calibration_error(p, y, answers, bins=15):
    """Guo et al. 2017, eq. 5; scikit-learn has none. With two classes, that of the second's probability, as in its curve."""
    confidence = p[:, 1] if p.shape[1] == 2 else p[np.arange(len(y)), answers]
    right = y == (1 if p.shape[1] == 2 else answers)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    total = 0
    for b in range(bins):
        inside = place == b
        if inside.any():
            total += inside.sum() * abs(right[inside].mean() - confidence[inside].mean())
    return total / len(y)


def case(name, p, y):
    classes = p.shape[1]
    answers = (p[:, 1] > 0.5).astype(int) if classes == 2 else p.argmax(1)
    average = "binary" if classes == 2 else "macro"
    suffix = "" if classes == 2 else "-macro"
    values = {
        "accuracy": m.accuracy_score(y, answers),
        "balanced-accuracy": m.recall_score(y, answers, labels=np.unique(y), average="macro", zero_division=0),
        "precision" + suffix: m.precision_score(y, answers, average=average, zero_division=0),
        "recall" + suffix: m.recall_score(y, answers, average=average, zero_division=0),
        "f1" + suffix: m.f1_score(y, answers, average=average, zero_division=0),
        "f1-weighted": m.f1_score(y, answers, average="weighted", zero_division=0),
        "mcc": m.matthews_corrcoef(y, answers),
        "log-loss": m.log_loss(y, p, labels=range(classes)),
        "calibration-error": calibration_error(p, y, answers),
    }
    one_hot = np.eye(classes)[y]
    if classes == 2:
        values["roc-auc"] = m.roc_auc_score(y, p[:, 1])
        values["pr-auc"] = m.average_precision_score(y, p[:, 1])
        values["brier"] = m.brier_score_loss(y, p[:, 1])
    else:
        values["f1-micro"] = m.f1_score(y, answers, average="micro")
        present = [c for c in range(classes) if (y == c).any()]
        if len(present) == classes:
            values["roc-auc-macro"] = m.roc_auc_score(y, p, multi_class="ovr", average="macro")
            values["pr-auc-macro"] = m.average_precision_score(one_hot, p, average="macro")
        values["brier"] = m.brier_score_loss(y, p, labels=range(classes), scale_by_half=False)
        # Among equal probabilities scikit-learn takes the last class first, and this project the first.
        if classes > 3 and "ties" not in name:
            values["top-3-accuracy"] = m.top_k_accuracy_score(y, p, k=3, labels=range(classes))
    return dict(name=name, classes=classes, probabilities=p.ravel().tolist(), truths=y.tolist(), values=values,
                confusion=m.confusion_matrix(y, answers, labels=range(classes)).tolist())


def main(folder):
    rng = np.random.default_rng(5)

    def draw(rows, classes, sharpness, decimals=None):
        y = rng.integers(0, classes, rows)
        logits = rng.standard_normal((rows, classes)) + sharpness * np.eye(classes)[y]
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        if decimals:  # ties
            p = np.round(p, decimals) + 1e-3
            p /= p.sum(1, keepdims=True)
        return p, y

    cases = [case("binary", *draw(200, 2, 1.0)), case("binary with ties", *draw(200, 2, 1.0, 1)),
             case("four classes", *draw(300, 4, 1.5)), case("seven classes with ties", *draw(300, 7, 1.5, 1))]
    p, y = draw(120, 5, 2.0)
    p[:, 4] = 0.01
    p /= p.sum(1, keepdims=True)
    cases.append(case("a class that is never answered", p, y))
    p, y = draw(120, 4, 2.0)
    cases.append(case("a class that is not there", p, np.where(y == 3, 0, y)))
    with open(os.path.join(folder, "metrics.json"), "w") as file:
        json.dump({"made-with": f"scikit-learn {sklearn.__version__}", "cases": cases}, file)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
