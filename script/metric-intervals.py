"""Coverage of 95 % intervals of classification metrics: those of MetricIntervals and of the percentile bootstrap.

    python script/metric-intervals.py

Draws test sets from known confusion matrices, and scores from two normal distributions, and prints for each metric the coverage of
both intervals. Needs numpy; takes about ten minutes.
"""
import math

import numpy as np

rng = np.random.default_rng(0)
Z = 1.959963984540054


def wilson(share, n):
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return middle - half, middle + half


def newcombe(seen, yes, no):
    size = (yes + no) / 2 - 1
    a = np.linspace(0, 1, 4001)
    inside = np.abs(a - seen) <= Z * np.sqrt(a * (1 - a) * (1 + size * ((1 - a) / (2 - a) + a / (1 + a))) / (yes * no))
    return (a[inside].min(), a[inside].max()) if inside.any() else (seen, seen)


def figures(c):
    d, s, a = np.diagonal(c, axis1=-2, axis2=-1), c.sum(-1), c.sum(-2)
    with np.errstate(all="ignore"):
        f = np.where(s + a > 0, 2 * d / (s + a), 0)
        recall = np.where(s > 0, d / s, np.nan)
    total = c.sum((-1, -2))
    down = np.sqrt((total ** 2 - (s ** 2).sum(-1)) * (total ** 2 - (a ** 2).sum(-1)))
    mcc = np.where(down > 0, (d.sum(-1) * total - (s * a).sum(-1)) / np.where(down > 0, down, 1), 0)
    return {"f1": f[..., 1] if c.shape[-1] == 2 else f.mean(-1), "balanced accuracy": np.nanmean(recall, -1), "mcc": mcc}


def gamma(shapes, draws):
    shapes = np.broadcast_to(shapes, (draws,) + shapes.shape)
    return rng.gamma(np.where(shapes > 0, shapes, 1)) * (shapes > 0)


def confusion(shares, n, sets=500, draws=400):
    k = len(shares)
    truth = {name: v[0] for name, v in figures(shares[None]).items()}
    hits = {name: [0, 0] for name in truth}
    for _ in range(sets):
        c = rng.multinomial(n, shares.ravel()).reshape(k, k)
        by_truth = np.full((k, k), 0.25 / (k - 1))
        np.fill_diagonal(by_truth, 0.25)
        by_truth = by_truth * (c.sum(1) > 0)[:, None]
        own = [figures(gamma(c + prior, draws)) for prior in (np.full((k, k), 1 / k ** 2), by_truth)]
        boot = figures(1.0 * rng.multinomial(n, (c / n).ravel(), size=draws).reshape(draws, k, k))
        seen = figures(1.0 * c[None])
        for name in truth:
            ends = np.array([np.quantile(o[name], [0.025, 0.975]) for o in own])
            low, high = ends[:, 0].min(), ends[:, 1].max()
            hits[name][0] += min(low, seen[name][0]) <= truth[name] <= max(high, seen[name][0])
            low, high = np.quantile(boot[name], [0.025, 0.975])
            hits[name][1] += low - 1e-12 <= truth[name] <= high + 1e-12
    return {name: (h[0] / sets, h[1] / sets) for name, h in hits.items()}


def areas(y, s):
    order = np.argsort(-s)
    y = y[order]
    yes, no = y.sum(), (~y).sum()
    below = np.cumsum(~y)
    ranks = np.arange(1, len(y) + 1)
    return 1 - (below[y]).sum() / (yes * no), (np.cumsum(y)[y] / ranks[y]).mean()


def curves(distance, share, n, sets=500, draws=300):
    big_y = rng.random(200_000) < share
    truth = areas(big_y, rng.normal(size=big_y.size) + distance * big_y)
    hits, used = np.zeros((2, 2)), 0
    for _ in range(sets):
        y = rng.random(n) < share
        if y.all() or not y.any():
            continue
        used += 1
        s = rng.normal(size=n) + distance * y
        roc, average = areas(y, s)
        own = newcombe(roc, y.sum(), (~y).sum()), wilson(average, y.sum())
        drawn = []
        for _ in range(draws):
            rows = rng.integers(n, size=n)
            if y[rows].any() and not y[rows].all():
                drawn.append(areas(y[rows], s[rows]))
        boot = np.quantile(np.array(drawn), [0.025, 0.975], axis=0).T
        for place in range(2):
            hits[place, 0] += own[place][0] <= truth[place] <= own[place][1]
            hits[place, 1] += boot[place][0] <= truth[place] <= boot[place][1]
    return {"roc-auc": tuple(hits[0] / used), "average precision": tuple(hits[1] / used)}


def class_areas(scores, truths):
    found = []
    for k in range(scores.shape[1]):
        own = truths == k
        yes, no = own.sum(), (~own).sum()
        if yes and no:
            ranks = scores[:, k].argsort().argsort() + 1.0
            found.append(((ranks[own].sum() - yes * (yes + 1) / 2) / (yes * no), yes, no))
    return np.array(found)


def macro_area(classes, distance, n, sets=300, draws=200):
    """Coverage of the macro area of even classes, each with its own score, `distance` standard deviations apart."""

    def draw(n):
        y = rng.integers(classes, size=n)
        x = rng.normal(size=(n, classes))
        x[np.arange(n), y] += distance
        p = np.exp(distance * x)
        return p / p.sum(1, keepdims=True), y

    truth = np.mean([class_areas(*draw(4_000))[:, 0].mean() for _ in range(10)])
    hits, seen, widths = [0, 0], [], []
    for _ in range(sets):
        p, y = draw(n)
        found = class_areas(p, y)
        value = found[:, 0].mean()
        ends = np.mean([newcombe(value, yes, no) for _, yes, no in found], axis=0)
        low, high = value + math.sqrt(2 / len(found)) * (ends - value)
        boot = [class_areas(p[rows], y[rows])[:, 0].mean() for rows in rng.integers(n, size=(draws, n))]
        a, b = np.quantile(boot, [0.025, 0.975])
        hits[0] += low <= truth <= high
        hits[1] += a <= truth <= b
        seen.append(value)
        widths.append(high - low)
    print(f"{classes} classes, {distance} apart, n {n}: {hits[0] / sets:.2f} ({hits[1] / sets:.2f}), width "
          f"{np.mean(widths) / (2 * Z * np.std(seen)):.2f} of what is needed", flush=True)


BINS = 15


def sums(confidence, hit):
    b = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    return [np.bincount(b, w, minlength=BINS) for w in (np.ones(len(b)), hit, confidence)]


def calibration_error(confidence, hit, draws=200):
    """The estimate and interval of CalibrationError, and the plug-in."""
    n, h, s = sums(confidence, hit)
    total, used = n.sum(), n > 0
    n, h, s = n[used], h[used], s[used]
    seen = np.abs(h - s).sum() / total
    p = (h + 2 * s / n) / (n + 2)
    drawn = (rng.binomial(n.astype(int), p, size=(draws, len(n))) - n * p) / total
    right = (rng.binomial(n.astype(int), s / n, size=(draws, len(n))) - s) / total
    least = (rng.binomial(n.astype(int), h / n, size=(draws, len(n))) - h) / total
    noise, other = np.abs(drawn).sum(1), np.abs(right).sum(1)
    low = max(0, seen - max(np.quantile(noise, 0.975), np.quantile(other, 0.975)))
    gaps = np.where(h < s, -1, 1) * n / total
    inside, outside = 0.0, 1.0
    for _ in range(25):
        middle = (inside + outside) / 2
        if max(np.mean(np.abs(middle * gaps + d).sum(1) <= seen) for d in (drawn, least)) >= 0.025:
            inside = middle
        else:
            outside = middle
    high = max(inside, low)
    return seen, min(max(math.sqrt(max(0, seen**2 - noise.mean() ** 2)), low), high), low, high


def probabilities(kind, slope, n):
    """The confidence of a model whose logits are `1/slope` times the true ones, and the true probability."""
    if kind == "four":
        z = rng.normal(0, 1.5, (n, 4))
        both = [np.exp(a * z) / np.exp(a * z).sum(1, keepdims=True) for a in (1, slope)]
        best = z.argmax(1)
        return both[0][np.arange(n), best], both[1][np.arange(n), best]
    if kind == "cautious":
        # Nearly always right, and never certain of it.
        c = rng.uniform(0.6, 0.97, n)
        side = rng.random(n) < 0.5
        return np.where(side, c, 1 - c), np.where(side, 0.99, 0.01)
    x = rng.normal(*{"even": (0, 1.5), "rare": (-3, 1)}[kind], n)
    return 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-slope * x))


def calibration(kind, slope, n, sets=200):
    c, p = probabilities(kind, slope, 300_000)
    count, h, s = sums(c, p)
    truth = np.abs(h - s).sum() / count.sum()
    found = []
    for _ in range(sets):
        c, p = probabilities(kind, slope, n)
        found.append(calibration_error(c, rng.random(n) < p))
    seen, value, low, high = np.array(found).T
    covered = np.mean((low <= truth) & (truth <= high))
    return f"truth {truth:.3f}, plug-in {seen.mean():.3f}, corrected {value.mean():.3f}, coverage {covered:.2f}"


def log_and_brier(q):
    return np.array([-np.log(q), (1 - q) ** 2])


def mean_losses(shift, slope, n, sets=200, draws=300):
    """Coverage of MeanLossInterval and of the bootstrap: two classes whose logits lie `shift` from 0, and are 1/slope times the
    true ones."""

    def draw(n):
        z = rng.normal(0, 1, n) + np.where(rng.random(n) < 0.5, shift, -shift)
        hit = (z > 0) == (rng.random(n) < 1 / (1 + np.exp(-slope * z)))
        confidence = 1 / (1 + np.exp(-np.abs(z)))
        return np.clip(np.where(hit, confidence, 1 - confidence), 1e-12, 1), confidence, hit

    truth = log_and_brier(draw(2_000_000)[0]).mean(1)
    hits = np.zeros((2, 2))
    for _ in range(sets):
        q, confidence, hit = draw(n)
        losses, errors = log_and_brier(q), (~hit).sum()
        wrong = np.clip(1 - confidence, 1e-12, 1)
        unseen = (log_and_brier(wrong) * wrong).sum(1) / wrong.sum()
        boot = losses[:, rng.integers(n, size=(draws, n))].mean(2)
        own = []
        for _ in range(draws):
            a, b = rng.gamma(errors + 0.5), rng.gamma(n - errors + 0.5)
            w, v = rng.gamma(np.ones(errors + 1)), rng.gamma(np.ones(max(1, n - errors)))
            of_errors = (np.c_[losses[:, ~hit], unseen] * w).sum(1) / w.sum()
            of_others = (losses[:, hit] * v).sum(1) / v.sum() if errors < n else 0
            own.append((a * of_errors + b * of_others) / (a + b))
        value = losses.mean(1)
        ends = np.quantile(np.array(own), [0.025, 0.975], axis=0)
        hits[:, 0] += (np.minimum(ends[0], value) <= truth) & (truth <= np.maximum(ends[1], value))
        ends = np.quantile(boot, [0.025, 0.975], axis=1)
        hits[:, 1] += (ends[0] <= truth) & (truth <= ends[1])
    return {name: tuple(hits[place] / sets) for place, name in enumerate(("log loss", "Brier score"))}


def show(what, result):
    print(what, ", ".join(f"{name} {own:.2f} ({boot:.2f})" for name, (own, boot) in result.items()), flush=True)


def two(share, recall, specificity):
    return np.array([[(1 - share) * specificity, (1 - share) * (1 - specificity)], [share * (1 - recall), share * recall]])


def three(rare, accuracy):
    m = np.full((3, 3), (1 - accuracy) / 2)
    np.fill_diagonal(m, accuracy)
    return np.array([(1 - rare) / 2, (1 - rare) / 2, rare])[:, None] * m


print("coverage, and in brackets the bootstrap's")
for n in (30, 100, 300):
    show(f"n {n:3}, two classes, 2 % errors:", confusion(two(0.5, 0.98, 0.98), n))
    show(f"n {n:3}, two classes, one of 10 %:", confusion(two(0.1, 0.8, 0.98), n))
    show(f"n {n:3}, three classes, one of 5 %, 5 % errors:", confusion(three(0.05, 0.95), n))
    show(f"n {n:3}, three classes, one of 5 %, 30 % errors:", confusion(three(0.05, 0.7), n))
    for distance in (1, 2.5, 4):
        for share in (0.5, 0.1):
            show(f"n {n:3}, scores {distance} deviations apart, a share of {share}:", curves(distance, share, n, sets=300))
print("macro areas")
for classes in (3, 6, 10):
    for distance in (0.5, 1, 2):
        for n in (60, 300):
            macro_area(classes, distance, n)
for shift in (1, 3, 5, 6):
    for slope in (1, 0.6):
        for n in (30, 100, 300, 1000):
            show(f"logits {shift} from 0, slope {slope}, n {n}:", mean_losses(shift, slope, n))
print("calibration error")
for kind, slopes in (("even", (1, 0.6, 0.3)), ("rare", (1, 0.6, 0.3)), ("four", (1, 0.6, 0.3)), ("cautious", (1,))):
    for slope in slopes:
        for n in (50, 200, 1000):
            print(f"{kind}, slope {slope}, n {n}:", calibration(kind, slope, n), flush=True)
