"""The figures of SampledFigureTests: the posterior's 97.5 % point of two seeds' mean on all rows of a set.

    python Tests/Golden/make_seed_deviation.py        needs NumPy and SciPy; made with 2.4 and 1.17
"""

import numpy
from scipy.optimize import brentq
from scipy.stats import norm


def leg(first, second, rows):
    """Two seeds with errors on this many of the first rows."""
    outcomes = numpy.zeros((2, rows))
    outcomes[0, :first] = outcomes[1, :second] = 1
    seeds, by_row = outcomes.mean(1), outcomes.mean(0)
    c = ((outcomes - by_row - seeds[:, None] + seeds.mean()) ** 2).sum() / (rows - 1)
    spread = seeds.var(ddof=1)
    middle = numpy.log(0.04 * c**0.5)
    # Student's prior with 3 degrees of freedom and scale 0.5, and the seeds' likelihood; the same ends as the grid's.
    sigma = numpy.linspace(middle - 4, max(middle, 0.5 * numpy.log(spread)) + 4, 100_001)
    expected = numpy.exp(2 * sigma) + c / rows
    posterior = -2 * numpy.log(1 + ((sigma - middle) / 0.5) ** 2 / 3) - 0.5 * (numpy.log(expected) + spread / expected)
    weights = numpy.exp(posterior - posterior.max())
    weights /= weights.sum()
    deviations = numpy.sqrt(expected / 2)
    return brentq(lambda end: weights @ norm.sf(end / deviations) - 0.025, 1e-4, 50)


print("4 and 12 of 200: ", leg(4, 12, 200))
print("0 and 100 of 200:", leg(0, 100, 200))
