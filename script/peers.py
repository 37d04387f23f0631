"""Times training steps of another framework on a workload of tartine-benchmark, and prints the same JSON line.

    python script/peers.py FRAMEWORK WORKLOAD [--seconds S] [--threads T]

FRAMEWORK is torch, torch-compile, jax, jax-donate, keras, mlx or sklearn. The work is the same everywhere: float32 in memory, a
fresh shuffle each epoch, gather, forward, loss, backward, update; random rows, since the time does not depend on their
values. Each framework is used as its own documentation advises for speed: fused optimizers, jit, one call of fit.
"""
import argparse
import functools
import json
import os
import resource
import statistics
import sys
import time

BEGAN = time.time()

WORKLOADS = {
    "digits": dict(inputs=64, hidden=(64, 32), classes=10, rows=1437, batch=64),
    "tabular": dict(inputs=105, hidden=(256, 128), classes=2, rows=32768, batch=256, norm=True, keep=0.8),
    "mnist": dict(inputs=784, hidden=(512, 256), classes=10, rows=60000, batch=128, norm=True, keep=0.8),
    "mnist-plain": dict(inputs=784, hidden=(512, 256), classes=10, rows=60000, batch=128),
    "wide": dict(inputs=784, hidden=(2048, 2048, 2048), classes=10, rows=60000, batch=512, keep=0.5,
                 optimizer="momentum"),
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("framework", choices=["torch", "torch-compile", "jax", "jax-donate", "keras", "mlx", "sklearn"])
parser.add_argument("workload", choices=list(WORKLOADS))
parser.add_argument("--seconds", type=float, default=6)
parser.add_argument("--threads", type=int, default=os.cpu_count())
options = parser.parse_args()

# Before any of them is imported. Not all respect the variables.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ[variable] = str(options.threads)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", KERAS_BACKEND="tensorflow", JAX_PLATFORMS="cpu")

import numpy as np

work = {"norm": False, "keep": 1.0, "optimizer": "adam", **WORKLOADS[options.workload]}
making = time.time()
generator = np.random.default_rng(0)
inputs = generator.standard_normal((work["rows"], work["inputs"]), dtype=np.float32)
labels = generator.integers(0, work["classes"], work["rows"])
BEGAN += time.time() - making  # Random numbers do not count in the first step.


def sequential(nn, batch_norm):
    """The network in the modules that PyTorch and MLX name alike."""
    layers, width = [], work["inputs"]
    for units in work["hidden"]:
        layers.append(nn.Linear(width, units, bias=not work["norm"]))
        if work["norm"]:
            layers.append(batch_norm(units))
        layers.append(nn.ReLU())
        if work["keep"] < 1:
            layers.append(nn.Dropout(1 - work["keep"]))
        width = units
    return nn.Sequential(*layers, nn.Linear(width, work["classes"]))


class Torch:
    def __init__(self):
        import torch
        from torch import nn
        torch.set_num_threads(options.threads)
        network = sequential(nn, nn.BatchNorm1d)
        self.torch, self.inputs, self.labels = torch, torch.from_numpy(inputs), torch.from_numpy(labels)
        self.optimizer = (
            torch.optim.Adam(network.parameters(), 1e-3, fused=True) if work["optimizer"] == "adam" else
            torch.optim.SGD(network.parameters(), 1e-2, momentum=0.9, fused=True))

        def loss(x, y):
            return nn.functional.cross_entropy(network(x), y)

        self.loss = torch.compile(loss) if options.framework == "torch-compile" else loss

    def step(self, rows):
        rows = self.torch.from_numpy(rows)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.inputs[rows], self.labels[rows]).backward()
        self.optimizer.step()

    def wait(self):
        pass


class JAX:
    def __init__(self):
        import jax
        import jax.numpy as jnp
        import optax
        self.jax = jax
        key = jax.random.PRNGKey(0)
        widths = [work["inputs"], *work["hidden"], work["classes"]]
        parameters, averages = [], []
        for index, (below, units) in enumerate(zip(widths, widths[1:])):
            key, own = jax.random.split(key)
            layer = dict(w=jax.random.normal(own, (below, units)) * np.sqrt(2 / below), b=jnp.zeros(units))
            if work["norm"] and index < len(work["hidden"]):
                layer.update(gamma=jnp.ones(units))
            parameters.append(layer)
            averages.append((jnp.zeros(units), jnp.ones(units)))
        optimizer = optax.adam(1e-3) if work["optimizer"] == "adam" else optax.sgd(1e-2, momentum=0.9)
        self.state = parameters, averages, optimizer.init(parameters), key
        self.data = jnp.asarray(inputs), jnp.asarray(labels)

        def loss(parameters, averages, x, y, key):
            kept = []
            for layer, (mean, variance) in zip(parameters[:-1], averages):
                x = x @ layer["w"]
                if work["norm"]:
                    m, v = x.mean(0), x.var(0)
                    x = (x - m) * jax.lax.rsqrt(v + 1e-5) * layer["gamma"]
                    mean, variance = 0.9 * mean + 0.1 * m, 0.9 * variance + 0.1 * v
                kept.append((mean, variance))
                x = jax.nn.relu(x + layer["b"])
                if work["keep"] < 1:
                    key, own = jax.random.split(key)
                    x = jnp.where(jax.random.bernoulli(own, work["keep"], x.shape), x / work["keep"], 0)
            logits = x @ parameters[-1]["w"] + parameters[-1]["b"]
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), kept + averages[-1:]

        def update(parameters, averages, moments, key, x_all, y_all, rows):
            key, own = jax.random.split(key) if work["keep"] < 1 else (key, key)
            (_, averages), gradients = jax.value_and_grad(loss, has_aux=True)(
                parameters, averages, x_all[rows], y_all[rows], own)
            updates, moments = optimizer.update(gradients, moments)
            return optax.apply_updates(parameters, updates), averages, moments, key

        # Donating the old state's memory is faster for small networks, and slower for wide ones.
        donated = (0, 1, 2, 3) if options.framework == "jax-donate" else ()
        self.update = jax.jit(update, donate_argnums=donated)

    def step(self, rows):
        self.state = self.update(*self.state, *self.data, rows)

    def wait(self):
        self.jax.block_until_ready(self.state)


class MLX:
    def __init__(self):
        import mlx.core as mx
        from mlx import nn
        from mlx import optimizers
        self.network = sequential(nn, nn.BatchNorm)
        self.optimizer = (optimizers.Adam(1e-3) if work["optimizer"] == "adam" else optimizers.SGD(1e-2, momentum=0.9))
        self.mx, self.inputs, self.labels = mx, mx.array(inputs), mx.array(labels)
        loss = nn.value_and_grad(
            self.network, lambda network, x, y: nn.losses.cross_entropy(network(x), y, reduction="mean"))
        self.state = [self.network.state, self.optimizer.state, mx.random.state]

        @functools.partial(mx.compile, inputs=self.state, outputs=self.state)
        def update(x, y):
            value, gradients = loss(self.network, x, y)
            self.optimizer.update(self.network, gradients)
            return value

        self.update = update

    def step(self, rows):
        rows = self.mx.array(rows)
        self.update(self.inputs[rows], self.labels[rows])
        self.mx.eval(self.state)

    def wait(self):
        pass


def measure_steps(framework):
    def batches():
        while True:
            order = generator.permutation(work["rows"])
            for start in range(0, work["rows"] - work["batch"] + 1, work["batch"]):
                yield order[start:start + work["batch"]]

    stream = batches()
    framework.step(next(stream))
    framework.wait()
    first = time.time() - BEGAN
    # A framework that takes seconds per step is not waited for as long as one that takes microseconds.
    began, warm = time.perf_counter(), 0
    while warm < 20 and time.perf_counter() - began < 10:
        framework.step(next(stream))
        warm += 1
    framework.wait()
    rates, began = [], time.perf_counter()
    while len(rates) < 10 and (len(rates) < 3 or time.perf_counter() - began < 4 * options.seconds):
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < options.seconds / 10:
            framework.step(next(stream))
            steps += 1
        framework.wait()
        rates.append(steps * work["batch"] / (time.perf_counter() - start))
    return first, rates


def measure_epochs(fit, rows):
    """Measures a framework that trains whole epochs; `fit(n)` trains on n rows once."""
    fit(work["batch"])
    first = time.time() - BEGAN
    fit(rows)
    rates, end = [], time.time() + options.seconds
    while time.time() < end or len(rates) < 3:
        start = time.perf_counter()
        fit(rows)
        rates.append(rows / (time.perf_counter() - start))
    return first, rates


def keras():
    import tensorflow as tf
    import keras
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    layers = [keras.Input((work["inputs"],))]
    for units in work["hidden"]:
        layers.append(keras.layers.Dense(units, use_bias=not work["norm"]))
        if work["norm"]:
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.ReLU())
        if work["keep"] < 1:
            layers.append(keras.layers.Dropout(1 - work["keep"]))
    network = keras.Sequential([*layers, keras.layers.Dense(work["classes"])])
    network.compile(
        keras.optimizers.Adam(1e-3) if work["optimizer"] == "adam" else keras.optimizers.SGD(1e-2, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True), steps_per_execution=32)
    # Long enough epochs, so that their overhead is small.
    repeats = 200000 // work["rows"] if options.workload == "digits" else 1
    x, y = (np.tile(inputs, (repeats, 1)), np.tile(labels, repeats)) if repeats > 1 else (inputs, labels)
    rows = 20000 if options.workload == "wide" else len(x)  # An epoch of it takes half a minute.
    return measure_epochs(lambda rows: network.fit(x[:rows], y[:rows], batch_size=work["batch"], verbose=0), rows)


def sklearn():
    from sklearn.neural_network import MLPClassifier
    if work["norm"] or work["keep"] < 1:
        raise SystemExit("scikit-learn has neither batch norm nor dropout")
    network = MLPClassifier(work["hidden"], batch_size=work["batch"], alpha=0)
    classes = np.arange(work["classes"])
    return measure_epochs(lambda rows: network.partial_fit(inputs[:rows], labels[:rows], classes=classes), work["rows"])


if options.framework in ("keras", "sklearn"):
    first_step, speeds = {"keras": keras, "sklearn": sklearn}[options.framework]()
else:
    first_step, speeds = measure_steps(
        {"torch": Torch, "torch-compile": Torch, "jax": JAX, "jax-donate": JAX, "mlx": MLX}[options.framework]())
speed = statistics.median(speeds)
print(json.dumps({
    "framework": options.framework, "workload": options.workload, "samples_per_s": round(speed, 1),
    "us_per_step": round(1e6 * work["batch"] / speed, 1), "first_step_s": round(first_step, 3),
    "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << (20 if sys.platform == "darwin" else 10)),
    "threads": options.threads}))
