"""Optuna's tuners on the judging tasks: asked here, tried by the evidence program.

    python tuners.py EVIDENCE LOG {functions|networks} TRIALS SEEDS [TUNER ...]

EVIDENCE is the program that defines the tasks and runs the trials. Trials in LOG are not repeated.
"""

import json
import subprocess
import sys
import time
import warnings

import optuna

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

TUNERS = {
    "optuna-tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "optuna-gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "optuna-random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "optuna-sobol": lambda seed: optuna.samplers.QMCSampler(seed=seed, scramble=True),
}


# The numbers of trials at which tuners are compared.
COUNTS = [8, 16, 32, 64]


def suggest(trial, space):
    values = {}
    for domain in space:
        name, is_log = domain["name"], domain.get("scale") == "log"
        if "choices" in domain:
            values[name] = trial.suggest_categorical(name, domain["choices"])
        elif domain.get("integer"):
            values[name] = trial.suggest_int(name, domain["low"], domain["high"], log=is_log)
        elif domain.get("scale") == "reverse-log":
            # Optuna has no such scale; its users tune the logarithm of the distance from 1.
            far = trial.suggest_float("1 - " + name, 1 - domain["high"], 1 - domain["low"], log=True)
            values[name] = 1 - far
        else:
            values[name] = trial.suggest_float(name, domain["low"], domain["high"], log=is_log)
    return values


def main():
    evidence, log, kind, trials, seeds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    chosen = sys.argv[6:] or list(TUNERS)
    lines = subprocess.run([evidence, "tuning-spaces"], capture_output=True, text=True, check=True).stdout.splitlines()
    tasks = [task for task in map(json.loads, lines) if task["isNetwork"] == (kind == "networks")]
    server = subprocess.Popen([evidence, "tuning-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def worth(task, seed, values, verdict=False):
        server.stdin.write(json.dumps({"task": task, "seed": seed, "values": values, "verdict": verdict}) + "\n")
        server.stdin.flush()
        return float(server.stdout.readline())

    done = set()
    try:
        with open(log) as file:
            for line in file:
                entry = json.loads(line)
                done.add((entry["task"], entry["tuner"], entry["seed"]))
    except FileNotFoundError:
        pass
    with open(log, "a") as file:
        for tuner in chosen:
            for task in tasks:
                for seed in range(task["firstSeed"], task["firstSeed"] + seeds):
                    if (task["task"], tuner, seed) in done:
                        continue
                    study = optuna.create_study(sampler=TUNERS[tuner](seed))
                    values, settings, seconds = [], [], 0.0
                    for _ in range(trials):
                        start = time.perf_counter()
                        trial = study.ask()
                        setting = suggest(trial, task["space"])
                        seconds += time.perf_counter() - start
                        value = worth(task["task"], seed, setting)
                        start = time.perf_counter()
                        study.tell(trial, value)
                        seconds += time.perf_counter() - start
                        values.append(value)
                        settings.append(setting)
                    verdict = None
                    if task["isNetwork"]:
                        verdict = worth(task["task"], seed, settings[study.best_trial.number], verdict=True)
                    # JSON has no infinity.
                    best = [min([1e300] + values[:count]) for count in COUNTS]
                    entry = {"task": task["task"], "tuner": tuner, "seed": seed, "best": best, "seconds": seconds}
                    if verdict is not None:
                        entry["verdict"] = min(verdict, 1e300)
                    file.write(json.dumps(entry) + "\n")
                    file.flush()


main()
