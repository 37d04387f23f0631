"""Golden values: results of other frameworks for the same weights, batches and settings after 50 steps, in Double.

Networks and gradients are PyTorch's; the update steps are PyTorch's, or those of Keras, Optax or scikit-learn, whose
optimizers get the same gradients.

    python make_golden.py [FOLDER]

Writes one safetensors file for each case. Its metadata hold the case in the format of a recipe (`network`, `optimizer`,
`penalty`, `output`); its tensors hold the batches (`x`, `y`), the start (`initial.NAME`), the end
(`final.NAME`, `state.NAME`) and the loss of each step (`losses`), under this project's names and layouts:
weights are [inputs, outputs], PyTorch's transposed.

Needs torch, keras, optax, scikit-learn and safetensors; each file records their versions. On CPU.
"""
import json
import os
import sys

os.environ.update(KERAS_BACKEND="torch", JAX_PLATFORMS="cpu", JAX_ENABLE_X64="1", CUDA_VISIBLE_DEVICES="")

import jax
import keras
import numpy as np
import optax
import sklearn
import torch
from safetensors.numpy import save_file
from sklearn.neural_network import _stochastic_optimizers as sk
from torch import nn

STEPS, ROWS, INPUTS = 50, 8, 5
RATE = 0.01
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
keras.config.set_floatx("float64")

ACTIVATIONS = {
    "relu": nn.ReLU(), "leakyReLU": nn.LeakyReLU(0.01), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(),
    "gelu": nn.GELU(), "silu": nn.SiLU(), "selu": nn.SELU(), "elu": nn.ELU(0.7),
}
FIELDS = {"leakyReLU": {"slope": 0.01}, "elu": {"alpha": 0.7}}


def activation(kind):
    return {"layer": kind, **FIELDS.get(kind, {})}


def plain(kind, norm=False):
    """Two hidden layers of 7 and 6 units."""
    layers, description = [], []
    width = INPUTS
    for units in (7, 6):
        layers.append(nn.Linear(width, units, bias=not norm))
        description.append({"layer": "dense", "units": units, "initializer": "automatic"})
        if norm:
            layers.append(nn.BatchNorm1d(units))
            description.append({"layer": "batchNorm", "epsilon": 1e-5, "fraction": 0.1, "averages": "torch"})
        layers.append(ACTIVATIONS[kind])
        description.append(activation(kind))
        width = units
    return layers, width, description


class Guest:
    """Another library's optimizer over PyTorch's parameters and gradients."""

    def __init__(self, parameters, made_with):
        self.parameters, self.made_with = parameters, made_with

    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = None

    def step(self):
        values = self.updated([p.detach().numpy().copy() for p in self.parameters],
                              [p.grad.detach().numpy().copy() for p in self.parameters])
        with torch.no_grad():
            for parameter, value in zip(self.parameters, values):
                parameter.copy_(torch.from_numpy(np.array(value)))


class OfKeras(Guest):
    def __init__(self, parameters, optimizer):
        super().__init__(parameters, f"keras {keras.__version__}")
        self.optimizer = optimizer
        self.variables = [keras.Variable(p.detach().numpy().copy(), dtype="float64") for p in parameters]

    def updated(self, values, gradients):
        self.optimizer.apply([torch.from_numpy(g) for g in gradients], self.variables)
        return [v.value.detach().numpy().copy() for v in self.variables]


class OfOptax(Guest):
    def __init__(self, parameters, optimizer):
        super().__init__(parameters, f"optax {optax.__version__}")
        self.optimizer = optimizer
        self.state = optimizer.init([p.detach().numpy().copy() for p in parameters])

    def updated(self, values, gradients):
        updates, self.state = self.optimizer.update(gradients, self.state, values)
        return [np.asarray(v) for v in optax.apply_updates(values, updates)]


class OfSklearn(Guest):
    def __init__(self, parameters, make):
        super().__init__(parameters, f"scikit-learn {sklearn.__version__}")
        self.optimizer = make([p.detach().numpy() for p in parameters])

    def updated(self, values, gradients):
        self.optimizer.update_params(values, gradients)
        return values


class KerasBatchNorm(nn.Module):
    """Keras' layer, on its PyTorch backend, under PyTorch's names."""

    def __init__(self, width):
        super().__init__()
        self.layer = keras.layers.BatchNormalization(dtype="float64")
        self.layer.build((None, width))
        self.weight, self.bias = self.layer.gamma.value, self.layer.beta.value

    def forward(self, x):
        return self.layer(x, training=True)

    @property
    def running_mean(self):
        return self.layer.moving_mean.value.detach()

    @property
    def running_var(self):
        return self.layer.moving_variance.value.detach()


NORMS = (nn.BatchNorm1d, KerasBatchNorm)
ROW_LAYERS = {nn.LayerNorm: ("layerNorm", "gamma", "beta"), nn.GroupNorm: ("groupNorm", "gamma", "beta"),
              nn.RMSNorm: ("rmsNorm", "gamma"), nn.PReLU: ("prelu", "slope")}


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, *layers):
        super().__init__()
        self.block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.block(x)


class Members(nn.Module):
    """TabM's first step: each member's own scale of the input, one member's rows after the other's."""

    def __init__(self, members, width):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(members, width))

    def forward(self, x):
        return (self.scale[:, None] * x).flatten(0, 1)


class MemberScale(nn.Module):
    """Each member's own scale and shift."""

    def __init__(self, members, width):
        super().__init__()
        self.scale, self.bias = nn.Parameter(torch.ones(members, width)), nn.Parameter(torch.zeros(members, width))

    def forward(self, x):
        members, width = self.scale.shape
        return (self.scale[:, None] * x.view(members, -1, width) + self.bias[:, None]).flatten(0, 1)


class MemberLinear(nn.Module):
    """Each member's own linear layer."""

    def __init__(self, members, inputs, units):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(members, inputs, units) / inputs ** 0.5)
        self.bias = nn.Parameter(torch.zeros(members, units))

    def forward(self, x):
        members, inputs, _ = self.weight.shape
        return (torch.bmm(x.view(members, -1, inputs), self.weight) + self.bias[:, None]).flatten(0, 1)


MEMBER_LAYERS = {Members: ("members", "scale"), MemberScale: ("memberScale", "scale", "bias")}


def flat(net):
    """All modules in their order, those inside of blocks in place of the blocks."""
    for module in net:
        if isinstance(module, Residual):
            yield from flat(module.block)
        else:
            yield module


def philox(counter, key):
    """Philox 4x32-10 (Salmon et al. 2011): four words for each counter."""
    c = [np.asarray(x, dtype=np.uint64) for x in np.broadcast_arrays(*counter)]
    k, low = list(key), np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p, q = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(q >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), q & low, (p >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]),
             p & low]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


class Dropout(nn.Module):
    """Inverted dropout with this project's masks, recomputed here from their definition.

    Column c of a row takes 16 bits: field (c mod 64) div 8 of the block whose counter is
    ((c div 64) · 8 + c mod 8, row, step, 4 + 256 · node), under the seed 0.
    """

    def __init__(self, keep, node):
        super().__init__()
        self.keep, self.node, self.step = keep, node, 0

    def forward(self, x):
        column, row = np.meshgrid(np.arange(x.shape[1]), np.arange(x.shape[0]))
        words = np.stack(philox((column // 64 * 8 + column % 8, row, self.step, 4 + 256 * self.node), (0, 0)))
        field = column % 64 // 8
        word = np.take_along_axis(words, (field // 2)[None].astype(np.int64), 0)[0]
        bits = (word >> (16 * (field % 2)).astype(np.uint64)) & np.uint64(0xFFFF)
        threshold = round(self.keep * 65536)
        self.step += 1
        return x * torch.from_numpy((bits < threshold) * (65536 / threshold))


def outputs(name):
    """Width of the output layer, the targets' maker, and the loss."""
    if name == "softmax":
        return 3, lambda r: r.integers(0, 3, STEPS * ROWS).astype(np.float64), \
            lambda z, y: nn.functional.cross_entropy(z, y.long())
    if name == "sigmoid":
        return 1, lambda r: r.integers(0, 2, (STEPS * ROWS, 1)).astype(np.float64), \
            lambda z, y: nn.functional.binary_cross_entropy_with_logits(z, y)
    if name == "labels":
        return 4, lambda r: r.integers(0, 2, (STEPS * ROWS, 4)).astype(np.float64), \
            lambda z, y: nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1).mean()
    if name == "rates":
        return 2, lambda r: r.poisson(2, (STEPS * ROWS, 2)).astype(np.float64), None
    return 2, lambda r: r.standard_normal((STEPS * ROWS, 2)).astype(np.float32).astype(np.float64), \
        lambda z, y: 0.5 * ((z - y) ** 2).sum(1).mean()


LOSSES = {  # name -> (output, the recipe's words, the loss of logits and targets)
    "smoothing": ("softmax", {"kind": "cross-entropy", "smoothing": 0.1},
                  lambda z, y: nn.functional.cross_entropy(z, y.long(), label_smoothing=0.1)),
    "smoothing-labels": ("labels", {"kind": "cross-entropy", "smoothing": 0.1},
                         lambda z, y: 4 * keras.losses.BinaryCrossentropy(
                             from_logits=True, label_smoothing=0.1, dtype="float64")(y, z)),
    "focal": ("softmax", {"kind": "focal", "gamma": 2},
              lambda z, y: keras.losses.CategoricalFocalCrossentropy(
                  alpha=1.0, gamma=2.0, from_logits=True, dtype="float64")(nn.functional.one_hot(y.long(), 3), z)),
    "absolute": ("values", {"kind": "absolute"}, lambda z, y: 2 * nn.functional.l1_loss(z, y)),
    "huber": ("values", {"kind": "huber", "delta": 0.5}, lambda z, y: 2 * nn.functional.huber_loss(z, y, delta=0.5)),
    "poisson": ("rates", {"kind": "poisson"}, lambda z, y: 2 * nn.functional.poisson_nll_loss(z, y)),
}


def make(folder, name, *, kind="tanh", norm=False, output="softmax", network=None, optimizer=None,
         loss=None, settings=None, schedule=None, penalty=None, members=1,
         gradient_penalty=True, clip=None, same_rows=False, steps=STEPS, tolerance=1e-8):
    """Trains one case and writes it.

    `same_rows` gives every step the same batch;
    `optimizer` takes the weights and the other parameters, `schedule` the optimizer; `gradient_penalty` says
    whether the penalty's gradient is added here, or by the optimizer; `tolerance` is 2e-6 where the peer
    holds a coefficient in Float.
    """
    seed = sum(map(ord, name))
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    layers, width, description = network() if network else plain(kind, norm)
    if loss:
        output, loss, loss_of = LOSSES[loss]
    count, targets, usual = outputs(output)
    loss_of = loss_of if loss else usual
    last = nn.Linear(width, count) if members == 1 else MemberLinear(members, width, count)
    net = nn.Sequential(*layers, last)
    names = {}  # ours -> (tensor, transposed)
    counts = {}
    for module in flat(net):
        if isinstance(module, nn.Linear):
            counts["dense"] = counts.get("dense", 0) + 1
            own = "output" if module is net[-1] else f"dense{counts['dense']}"
            names[f"{own}.weight"] = (module.weight, True)
            if module.bias is not None:
                names[f"{own}.bias"] = (module.bias, False)
        elif isinstance(module, MemberLinear):
            names["output.weight"], names["output.bias"] = (module.weight, False), (module.bias, False)
        elif isinstance(module, tuple(MEMBER_LAYERS)):
            kind, *fields = MEMBER_LAYERS[type(module)]
            counts[kind] = counts.get(kind, 0) + 1
            for field in fields:
                names[f"{kind}{counts[kind]}.{field}"] = (getattr(module, field), False)
        elif isinstance(module, NORMS):
            counts["norm"] = counts.get("norm", 0) + 1
            own = f"batchNorm{counts['norm']}"
            names[f"{own}.gamma"] = (module.weight, False)
            names[f"{own}.beta"] = (module.bias, False)
        elif isinstance(module, tuple(ROW_LAYERS)):
            kind, *fields = ROW_LAYERS[type(module)]
            counts[kind] = counts.get(kind, 0) + 1
            for field, tensor in zip(fields, (module.weight, getattr(module, "bias", None))):
                names[f"{kind}{counts[kind]}.{field}"] = (tensor, False)
    with torch.no_grad():  # values that are exact in Float, so that both precisions start equal
        for parameter in filter(lambda p: p.requires_grad, net.parameters()):
            parameter.copy_(parameter + 0.1 * torch.randn_like(parameter))
            parameter.copy_(parameter.float().double())

    def ours(tensor, transposed):
        array = tensor.detach().numpy()
        return np.ascontiguousarray(array.T if transposed else array).copy()

    x = rng.standard_normal((STEPS * ROWS, INPUTS))[:steps * ROWS].astype(np.float32).astype(np.float64)
    y = targets(rng)[:steps * ROWS]
    if same_rows:
        x, y = np.concatenate([x[:ROWS]] * steps), np.concatenate([y[:ROWS]] * steps)
    tensors = {"x": x, "y": y}
    tensors |= {f"initial.{key}": ours(*value) for key, value in names.items()}
    weights = [t for key, (t, _) in names.items() if key.endswith("weight")]
    others = [t for key, (t, _) in names.items() if not key.endswith("weight")]
    opt = (optimizer or (lambda w, o: torch.optim.SGD(w + o, RATE)))(weights, others)
    sched = schedule(opt) if schedule else None
    losses = []
    for step in range(steps):
        rows = slice(step * ROWS, (step + 1) * ROWS)
        opt.zero_grad()
        # The mean of the members' losses.
        cost = loss_of(net(torch.from_numpy(x[rows])), torch.cat([torch.from_numpy(y[rows])] * members))
        cost.backward()
        losses.append(cost.item())
        if clip:
            # Like clip_grad_norm_, but without the 1e-6 that it adds to the norm.
            total = torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))
            for p in net.parameters():
                p.grad *= min(1, clip.get("clip", torch.inf) / total)
                p.grad *= min(1, clip.get("clipNorm", torch.inf) / p.grad.norm())
                bound = clip.get("clipValue", torch.inf)
                p.grad.clamp_(-bound, bound)
        if penalty and gradient_penalty:
            for w in weights:
                w.grad += penalty.get("l1", 0) * w.detach().sign() + penalty.get("l2", 0) * w.detach()
        opt.step(*([lambda: cost] if isinstance(opt, torch.optim.LBFGS) else []))
        if isinstance(sched, torch.optim.lr_scheduler.ReduceLROnPlateau):
            sched.step(losses[-1])
        elif sched:
            sched.step()
    tensors |= {f"final.{key}": ours(*value) for key, value in names.items()}
    norms = [m for m in flat(net) if isinstance(m, NORMS)]
    for number, module in enumerate(norms, 1):
        tensors[f"state.batchNorm{number}.movingMean"] = module.running_mean.numpy().copy()
        tensors[f"state.batchNorm{number}.movingVariance"] = module.running_var.numpy().copy()
    tensors["losses"] = np.array(losses)
    recipe = {"algorithm": "sgd", "learningRate": RATE, "schedule": "constant", **(settings or {})}
    recipe.update(clip or {})
    metadata = {
        "network": json.dumps({"layers": description}), "optimizer": json.dumps(recipe),
        "penalty": json.dumps(penalty or {}), "output": output, "loss": json.dumps(loss or {}), "tolerance": str(tolerance), "made-with": ", ".join(
            [f"torch {torch.__version__.split('+')[0]}"] + ([opt.made_with] if isinstance(opt, Guest) else [])),
    }
    save_file(tensors, os.path.join(folder, f"{name}.safetensors"), metadata)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    o = torch.optim
    for kind in ACTIVATIONS:
        make(folder, f"activation-{kind}", kind=kind, optimizer=lambda w, b: o.Adam(w + b, RATE),
             settings={"algorithm": "adam"})
    for output in ("softmax", "sigmoid", "labels", "values"):
        make(folder, f"output-{output}", output=output)
    for loss in LOSSES:
        make(folder, f"loss-{loss}", loss=loss, 
             tolerance=2e-6 if loss in ("focal", "smoothing-labels") else 1e-8)
    make(folder, "layer-batchNorm", kind="relu", norm=True, optimizer=lambda w, b: o.Adam(w + b, RATE),
         settings={"algorithm": "adam"})
    # Layers in an order that cannot be fused, and a norm after an activation.
    make(folder, "layer-order", network=lambda: (
        [nn.BatchNorm1d(INPUTS), nn.Linear(INPUTS, 7), nn.ReLU(), nn.Tanh(), nn.BatchNorm1d(7), nn.Linear(7, 4),
         nn.Sigmoid()], 4,
        [{"layer": "batchNorm", "epsilon": 1e-5, "fraction": 0.1, "averages": "torch"},
         {"layer": "dense", "units": 7, "initializer": "automatic"}, activation("relu"), activation("tanh"),
         {"layer": "batchNorm", "epsilon": 1e-5, "fraction": 0.1, "averages": "torch"},
         {"layer": "dense", "units": 4, "initializer": "automatic"}, activation("sigmoid")]))

    make(folder, "layer-batchNorm-keras", network=lambda: (
        [nn.Linear(INPUTS, 6, bias=False), KerasBatchNorm(6), nn.Tanh()], 6,
        [{"layer": "dense", "units": 6}, {"layer": "batchNorm", "averages": "keras"}, activation("tanh")]),
        tolerance=2e-6)

    make(folder, "layer-rows", network=lambda: (
        [nn.Linear(INPUTS, 8), nn.LayerNorm(8), nn.PReLU(8), nn.Linear(8, 6), nn.GroupNorm(2, 6, eps=1e-3), nn.Tanh(),
         nn.RMSNorm(6, eps=1e-5)], 6,
        [{"layer": "dense", "units": 8}, {"layer": "layerNorm"}, {"layer": "prelu"}, {"layer": "dense", "units": 6},
         {"layer": "groupNorm", "groups": 2, "epsilon": 1e-3}, activation("tanh"), {"layer": "rmsNorm"}]))

    make(folder, "layer-residual", network=lambda: (
        [Residual(nn.Linear(INPUTS, INPUTS), nn.Tanh()), nn.Linear(INPUTS, 6), nn.ReLU(),
         Residual(nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 6)),
         Residual(nn.LayerNorm(6), nn.Linear(6, 6), nn.PReLU(6)), nn.BatchNorm1d(6)], 6,
        [{"layer": "residual", "layers": [{"layer": "dense", "units": INPUTS}, activation("tanh")]},
         {"layer": "dense", "units": 6}, activation("relu"),
         {"layer": "residual", "layers": [
             {"layer": "batchNorm", "averages": "torch"}, activation("relu"), {"layer": "dense", "units": 4},
             {"layer": "layerNorm"}, activation("tanh"), {"layer": "dense", "units": 6}]},
         {"layer": "residual", "layers": [{"layer": "layerNorm"}, {"layer": "dense", "units": 6}, {"layer": "prelu"}]},
         {"layer": "batchNorm", "averages": "torch"}]))

    # TabM's mini form, and TabM.
    make(folder, "layer-members", members=3, network=lambda: (
        [Members(3, INPUTS), nn.Linear(INPUTS, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU()], 6,
        [{"layer": "members", "count": 3}, {"layer": "dense", "units": 7}, activation("relu"),
         {"layer": "dense", "units": 6}, activation("relu")]),
        optimizer=lambda w, b: o.AdamW([{"params": w, "weight_decay": 0.1}, {"params": b, "weight_decay": 0}], RATE),
        settings={"algorithm": "adamw", "decay": 0.1})
    make(folder, "layer-memberScale", members=4, output="values", network=lambda: (
        [Members(4, INPUTS), nn.Linear(INPUTS, 7, bias=False), MemberScale(4, 7), nn.ReLU(), MemberScale(4, 7),
         nn.Linear(7, 6, bias=False), MemberScale(4, 6), nn.Tanh()], 6,
        [{"layer": "members", "count": 4, "scales": "normal"}, {"layer": "dense", "units": 7, "bias": False},
         {"layer": "memberScale", "bias": True}, activation("relu"), {"layer": "memberScale", "bias": True},
         {"layer": "dense", "units": 6, "bias": False}, {"layer": "memberScale", "bias": True}, activation("tanh")]),
        optimizer=lambda w, b: o.Adam(w + b, RATE), settings={"algorithm": "adam"})

    make(folder, "layer-dropout", network=lambda: (
        [nn.Linear(INPUTS, 70), nn.Tanh(), Dropout(0.6, 0), nn.Linear(70, 6), nn.ReLU(), Dropout(0.9, 1)], 6,
        [{"layer": "dense", "units": 70}, activation("tanh"), {"layer": "dropout", "keep": 0.6},
         {"layer": "dense", "units": 6}, activation("relu"), {"layer": "dropout", "keep": 0.9}]))

    make(folder, "optimizer-sgd")
    make(folder, "optimizer-momentum-torch", optimizer=lambda w, b: o.SGD(w + b, RATE, momentum=0.9),
         settings={"algorithm": "momentum", "variant": "torch"})
    make(folder, "optimizer-nesterov-torch",
         optimizer=lambda w, b: o.SGD(w + b, RATE, momentum=0.9, nesterov=True),
         settings={"algorithm": "nesterov", "variant": "torch"})
    make(folder, "optimizer-rmsprop", optimizer=lambda w, b: o.RMSprop(w + b, RATE, alpha=0.9),
         settings={"algorithm": "rmsprop"})
    make(folder, "optimizer-adam", optimizer=lambda w, b: o.Adam(w + b, RATE), settings={"algorithm": "adam"})
    make(folder, "optimizer-adamw",
         optimizer=lambda w, b: o.AdamW([{"params": w, "weight_decay": 0.1},
                                         {"params": b, "weight_decay": 0}], RATE),
         settings={"algorithm": "adamw", "decay": 0.1})
    make(folder, "optimizer-rmsprop-torch", optimizer=lambda w, b: o.RMSprop(w + b, RATE),
         settings={"algorithm": "rmsprop", "variant": "torch"})
    make(folder, "optimizer-rmsprop-options",
         optimizer=lambda w, b: o.RMSprop(w + b, RATE, alpha=0.9, centered=True, momentum=0.8),
         settings={"algorithm": "rmsprop", "centered": True, "momentum": 0.8})
    make(folder, "optimizer-rmsprop-centered", optimizer=lambda w, b: o.RMSprop(w + b, RATE, alpha=0.9, centered=True),
         settings={"algorithm": "rmsprop", "centered": True})
    # Fewer steps: at the minimum the gradient is only noise, and so is the direction.
    make(folder, "optimizer-lbfgs-torch", optimizer=lambda w, b: o.LBFGS(w + b, lr=0.5, max_iter=1, history_size=10),
         settings={"algorithm": "lbfgs", "variant": "torch", "learningRate": 0.5}, penalty={"l2": 0.02}, same_rows=True, steps=20)
    make(folder, "optimizer-adagrad", optimizer=lambda w, b: o.Adagrad(w + b, RATE), settings={"algorithm": "adagrad"})
    make(folder, "optimizer-amsgrad", optimizer=lambda w, b: o.Adam(w + b, RATE, amsgrad=True),
         settings={"algorithm": "amsgrad"})
    make(folder, "optimizer-nadam", optimizer=lambda w, b: o.NAdam(w + b, RATE), settings={"algorithm": "nadam"})
    make(folder, "optimizer-radam", optimizer=lambda w, b: o.RAdam(w + b, RATE), settings={"algorithm": "radam"})

    k = keras.optimizers
    for name, make_optimizer in {
        "momentum": lambda: k.SGD(RATE, momentum=0.9), "nesterov": lambda: k.SGD(RATE, momentum=0.9, nesterov=True),
        "rmsprop": lambda: k.RMSprop(RATE), "adagrad": lambda: k.Adagrad(RATE), "adam": lambda: k.Adam(RATE),
        "amsgrad": lambda: k.Adam(RATE, amsgrad=True), "nadam": lambda: k.Nadam(RATE),
    }.items():
        make(folder, f"optimizer-{name}-keras", optimizer=lambda w, b: OfKeras(w + b, make_optimizer()),
             settings={"algorithm": name, "variant": "keras"})
    make(folder, "optimizer-rmsprop-options-keras",
         optimizer=lambda w, b: OfKeras(w + b, k.RMSprop(RATE, momentum=0.8, centered=True)),
         settings={"algorithm": "rmsprop", "variant": "keras", "centered": True, "momentum": 0.8})
    make(folder, "optimizer-lion", optimizer=lambda w, b: OfOptax(w + b, optax.lion(RATE, weight_decay=0)),
         settings={"algorithm": "lion"})
    make(folder, "optimizer-lion-decay",
         optimizer=lambda w, b: OfOptax(w + b, optax.lion(
             RATE, weight_decay=0.1, mask=[True] * len(w) + [False] * len(b))),
         settings={"algorithm": "lion", "decay": 0.1})
    make(folder, "optimizer-adam-optax", optimizer=lambda w, b: OfOptax(w + b, optax.adam(RATE)),
         settings={"algorithm": "adam"})
    make(folder, "optimizer-radam-optax", optimizer=lambda w, b: OfOptax(w + b, optax.radam(RATE)),
         settings={"algorithm": "radam"}, tolerance=2e-6)
    for name, make_optimizer in {
        "momentum": lambda p: sk.SGDOptimizer(p, RATE, momentum=0.9, nesterov=False),
        "nesterov": lambda p: sk.SGDOptimizer(p, RATE, momentum=0.9, nesterov=True),
        "adam": lambda p: sk.AdamOptimizer(p, RATE),
    }.items():
        make(folder, f"optimizer-{name}-sklearn", optimizer=lambda w, b: OfSklearn(w + b, make_optimizer),
             settings={"algorithm": name, "variant": "sklearn"})
    # PyTorch's own decay is this L2, on weights only as here.
    make(folder, "penalty-l2",
         optimizer=lambda w, b: o.SGD([{"params": w, "weight_decay": 0.05}, {"params": b}], RATE),
         gradient_penalty=False, penalty={"l2": 0.05})
    make(folder, "penalty-l1-l2", optimizer=lambda w, b: o.Adam(w + b, RATE), settings={"algorithm": "adam"},
         penalty={"l1": 0.01, "l2": 0.05})
    make(folder, "penalty-torch", optimizer=lambda w, b: o.SGD(w + b, RATE, weight_decay=0.05),
         gradient_penalty=False, penalty={"l2": 0.05, "biases": True})
    make(folder, "clip", clip={"clip": 0.3})
    make(folder, "clip-norm", clip={"clipNorm": 0.2})
    make(folder, "clip-value", clip={"clipValue": 0.05})
    make(folder, "clip-all", clip={"clip": 0.3, "clipNorm": 0.2, "clipValue": 0.05})

    s = torch.optim.lr_scheduler
    make(folder, "schedule-inverse-time", schedule=lambda p: s.LambdaLR(p, lambda t: 1 / (1 + 0.5 * t)),
         settings={"schedule": "inverse-time", "scheduleDecay": 0.5})
    make(folder, "schedule-exponential", schedule=lambda p: s.ExponentialLR(p, 0.95),
         settings={"schedule": "exponential", "scheduleFactor": 0.95})
    make(folder, "schedule-staircase", schedule=lambda p: s.StepLR(p, 10, 0.5),
         settings={"schedule": "staircase", "scheduleFactor": 0.5, "scheduleEvery": 10})
    make(folder, "schedule-cosine", schedule=lambda p: s.CosineAnnealingLR(p, STEPS, 0.001),
         settings={"schedule": "cosine", "scheduleEnd": 0.001, "warmup": 0})
    make(folder, "schedule-warmup-cosine", schedule=lambda p: s.SequentialLR(
        p, [s.LinearLR(p, 0.1, 1, total_iters=9), s.CosineAnnealingLR(p, STEPS - 10)], [10]),
        settings={"schedule": "cosine", "warmup": 0.2})
    make(folder, "schedule-inverse-square-root", schedule=lambda p: s.LambdaLR(p, lambda t: (1 + t) ** -0.5),
         settings={"schedule": "inverse-square-root"})
    make(folder, "schedule-polynomial", schedule=lambda p: s.PolynomialLR(p, STEPS, 2),
         settings={"schedule": "polynomial", "schedulePower": 2})
    make(folder, "schedule-cosine-restarts", schedule=lambda p: s.CosineAnnealingWarmRestarts(p, 5, 2, 0.001),
         settings={"schedule": "cosine-restarts", "scheduleEvery": 5, "scheduleFactor": 2, "scheduleEnd": 0.001})
    make(folder, "schedule-log-cosine", schedule=lambda p: s.LambdaLR(
        p, lambda t: 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t / STEPS)))), settings={"schedule": "log-cosine"})
    make(folder, "schedule-one-cycle", optimizer=lambda w, b: o.Adam(w + b, RATE),
         schedule=lambda p: s.OneCycleLR(p, RATE, STEPS), settings={"algorithm": "adam", "schedule": "one-cycle"})
    make(folder, "schedule-one-cycle-momentum", optimizer=lambda w, b: o.SGD(w + b, RATE, momentum=0.9),
         schedule=lambda p: s.OneCycleLR(p, RATE, STEPS, pct_start=0.4, div_factor=10, final_div_factor=100),
         settings={"algorithm": "momentum", "variant": "torch", "schedule": "one-cycle", "scheduleShare": 0.4,
                   "scheduleStartDivisor": 10, "scheduleEndDivisor": 100})
    make(folder, "schedule-plateau", schedule=lambda p: s.ReduceLROnPlateau(p, factor=0.5, patience=2),
         settings={"schedule": "plateau", "scheduleFactor": 0.5, "schedulePatience": 2})
    make(folder, "schedule-joined", schedule=lambda p: s.SequentialLR(
        p, [s.ConstantLR(p, 1), s.StepLR(p, 5, 0.5), s.PolynomialLR(p, 20)], [10, 30]),
        settings={"schedule": "joined", "scheduleParts": [
            {"share": 0.2, "schedule": "constant"},
            {"share": 0.4, "schedule": "staircase", "scheduleFactor": 0.5, "scheduleEvery": 5},
            {"share": 0.4, "schedule": "polynomial"}]})
    make(folder, "schedule-stable-decay", schedule=lambda p: s.SequentialLR(
        p, [s.ConstantLR(p, 1), s.PolynomialLR(p, 20)], [30]),
        settings={"schedule": "stable-decay", "scheduleShare": 0.4, "warmup": 0})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
