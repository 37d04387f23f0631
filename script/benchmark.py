"""Runs tartine-benchmark and the peers in turn, several rounds, and prints tables of ratios. See script/benchmark."""
import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCHMARK = os.path.join(ROOT, ".build", "release", "tartine-benchmark")
PACKAGES = {"torch": "torch", "torch-compile": "torch", "jax": "jax", "jax-donate": "jax", "keras": "keras", "mlx": "mlx",
            "sklearn": "scikit-learn"}

parser = argparse.ArgumentParser(prog="script/benchmark", description="Times Tartine beside other frameworks.")
parser.add_argument("workloads", nargs="*", help="some of digits, tabular, mnist, mnist-plain, wide")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seconds", type=float, default=3, help="seconds to measure each, in each round")
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
                    else os.cpu_count())
parser.add_argument("--peers", default=",".join(PACKAGES),
                    help=f"some of {','.join(PACKAGES)}; none: only Tartine")
options = parser.parse_args()
options.workloads = options.workloads or ["digits", "tabular", "mnist", "wide"]
# A misspelt word should not end an hour of waiting.
for workload in options.workloads:
    if workload not in ("digits", "tabular", "mnist", "mnist-plain", "wide"):
        parser.error(f"there is no workload '{workload}'; there are digits, tabular, mnist, mnist-plain and wide.")
for peer in filter(None, options.peers.split(",")):
    if peer not in PACKAGES:
        parser.error(f"there is no peer '{peer}'; there are {', '.join(PACKAGES)}.")


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def run(command, name):
    print(f"  {name}…", end="", file=sys.stderr, flush=True)
    result = subprocess.run([*command, "--seconds", str(options.seconds), "--threads", str(options.threads)],
                            capture_output=True, text=True)
    if result.returncode and name == "tartine":
        sys.exit(" " + result.stderr)
    if result.returncode:
        print(" " + (result.stderr.strip().splitlines() or ["failed"])[-1], file=sys.stderr)
        return None
    line = json.loads(result.stdout.strip().splitlines()[-1])
    print(f" {line['us_per_step']:.0f} µs", file=sys.stderr)
    return line


def processor():
    if sys.platform == "darwin":
        return subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True).stdout.strip()
    with open("/proc/cpuinfo") as file:
        found = re.search(r"model name\s*:\s*(.*)", file.read())
    return found.group(1) if found else platform.machine()


def with_spread(values, digits=2):
    if len(values) == 1:
        return f"{values[0]:.{digits}f} (once)"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def measure(workload):
    """Measures all in turn, round by round."""
    entries = {"tartine": [BENCHMARK, workload], "floor": [BENCHMARK, f"floor:{workload}"],
               "products": [BENCHMARK, f"products:{workload}"]}
    for peer in filter(None, options.peers.split(",")):
        if version(PACKAGES[peer]):
            entries[peer] = [sys.executable, os.path.join(ROOT, "script", "peers.py"), peer, workload]
    rounds = []
    for number in range(options.rounds):
        print(f"{workload}, round {number + 1} of {options.rounds}", file=sys.stderr)
        rounds.append({})
        for name, command in list(entries.items()):
            line = run(command, name)
            if line:
                rounds[-1][name] = line
            # A workload that fails would fail again, and a framework far behind need not be measured exactly.
            if not line or line["us_per_step"] > 1e4 + 20 * rounds[-1]["tartine"]["us_per_step"]:
                del entries[name]
    return rounds


rows, fastest, memory = [], [], []
for workload in options.workloads:
    rounds = measure(workload)
    names = [name for name in rounds[0] if name not in ("tartine", "floor", "products")]

    def ratios(name, over="tartine"):
        return [r[name]["us_per_step"] / r[over]["us_per_step"] for r in rounds if name in r and over in r]

    own = [r["tartine"] for r in rounds]
    cells = [workload, f"{statistics.median(line['us_per_step'] for line in own):.0f}"]
    for floor in ("floor", "products"):
        values = ratios("tartine", floor)
        cells.append(with_spread(values) if values else "–")
    cells += [with_spread(ratios(name), 1) if name in names else "–" for name in PACKAGES]
    rows.append(cells)
    shortest = {n: min(r[n]["us_per_step"] for r in rounds if n in r) for n in rounds[0]}
    fastest.append([workload, f"{shortest['tartine']:.0f}"] + [
        f"{shortest['tartine'] / shortest[n]:.2f}" if n in shortest else "–" for n in ("floor", "products")] + [
        f"{shortest[n] / shortest['tartine']:.1f}" if n in shortest else "–" for n in PACKAGES])
    medians = {"tartine": own, **{n: [r[n] for r in rounds if n in r] for n in names}}
    for field in ("first_step_s", "peak_rss_mib"):
        memory.append([workload, "first step, s" if field == "first_step_s" else "peak memory, MiB"] + [
            f"{statistics.median(line[field] for line in medians[n]):.3g}" if n in medians else "–"
            for n in ("tartine", *PACKAGES)])

versions = ", ".join(f"{p} {version(p)}" for p in dict.fromkeys(PACKAGES.values()) if version(p))
print(f"{datetime.date.today()}, {processor()}, {options.threads} threads, {platform.system()}, Python "
      f"{platform.python_version()}; {versions}. Medians of {options.rounds} rounds in turn, with the lowest and the highest.\n")


def print_table(head, body):
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for cells in body:
        print("| " + " | ".join(cells) + " |")


head = ["workload", "step, µs", "step / floor", "step / own products", *(f"{name} / step" for name in PACKAGES)]
print_table(head, rows)
print("\nThe fastest round of each, which others on the machine disturbed least:\n")
print_table(head, fastest)
print()
print_table(["workload", "", "tartine", *PACKAGES], memory)
