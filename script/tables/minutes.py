"""How well `tartine train --minutes` keeps its time, on an idle machine and on a loaded one.

    python script/tables/minutes.py boston spambase diamonds --minutes 0.5 1 3

Each table is trained with its own test part; loaded means one busy process for each processor beside it. Needs what collection.py
names, and a release build.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import collection
from compare import COMMAND, divisions


def timed(minutes, folder, table, task):
    start = time.monotonic()
    run = subprocess.run([COMMAND, "train", f"{folder}/train.csv", "--test", f"{folder}/test.csv", "--target", table.target,
                          "--task", task, "--json", "--quiet", "--minutes", str(minutes), "--out", f"{folder}/{start}"],
                         capture_output=True, text=True)
    seconds = time.monotonic() - start
    if run.returncode:
        raise RuntimeError(f"{table.name}: {run.stderr}")
    result = json.loads(run.stdout)
    with open(f"{folder}/{start}/recipe.json") as file:
        recipe = json.load(file)
    size = f"{recipe['network'].get('members', 1)} members{', refit' if recipe['refit'] else ''}, {recipe['seeds']} seeds"
    return seconds, result, size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--minutes", nargs="+", type=float, default=[0.5, 1, 3])
    parser.add_argument("--only", choices=["idle", "loaded"])
    options = parser.parse_args()
    print("| table | rows | minutes | machine | seconds | off | size | epochs | test |\n|---|---|---|---|---|---|---|---|---|")
    for name in options.tables:
        table = next(table for table in collection.TABLES if table.name == name)
        frame = collection.load(name)
        _, train, test = next(divisions(frame))
        task = table.task if table.task == collection.R else "multiclass" if train[table.target].nunique() > 2 else "binary"
        with tempfile.TemporaryDirectory() as folder:
            for part, rows in (("train", train), ("test", test)):
                rows.to_csv(f"{folder}/{part}.csv", index=False)
            for minutes in options.minutes:
                for state in [options.only] if options.only else ["idle", "loaded"]:
                    count = os.cpu_count() if state == "loaded" else 0
                    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
                    try:
                        seconds, result, size = timed(minutes, folder, table, task)
                    finally:
                        for process in busy:
                            process.kill()
                    error = result["test"].get("error", result["test"].get("rmse"))
                    print(f"| {name} | {len(frame)} | {minutes:g} | {state} | {seconds:.2f} | {seconds / 60 / minutes - 1:+.1%} | {size} | "
                          f"{result['epochs']} | {error:.4g} |", flush=True)


if __name__ == "__main__":
    main()
