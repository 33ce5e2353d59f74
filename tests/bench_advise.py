#!/usr/bin/env python3
"""bench_advise.py PROGRAMS MPIEXEC [-o DIR] [CASE ...] - what advise is worth.

Each of 20 kernels and sizes that differ in kind is run in all ways that the cores allow by `scale`, in five launches
with different orders; beside the medians stands what `advise` chose before. Then some whole commands, from file to file, likewise. Results are kept
in DIR, so that the cases (numbers from 1) can be run a few at a time; the table shows all that are there. Exit status:
1 where fewer than 18 of the 20 are within 10% of the best.
"""
import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

PHOTOGRAPH = "/usr/share/xplanet/images/earth.jpg"
WITHIN, GOAL, LAUNCHES = 1.10, 18, 5

# Chain, size (None: a range), type, and the file that scale takes its cells from.
CASES = [
    ("sumsq_range:n=1e4", None, None, None),
    ("sumsq_range:n=1e9", None, None, None),
    ("mandelbrot:height=300,width=400", None, None, None),
    ("nbody:n=1500", None, None, None),
    ("sumsq", "64x64x3", "u8", None),
    ("sumsq", "512x512", "f32", "gray32.h5"),
    ("sumsq", "8192x8192", "f32", "gray32.h5"),
    ("stats", "2048x2048x3", "u8", None),
    ("sobel", "64x64x3", "u8", None),
    ("gaussian:sigma=2 | sobel", "256x256x3", "u8", None),
    ("gaussian:sigma=2 | sobel", "3072x6144x3", "u8", None),
    ("scale:a=2,b=1", "6144x6144x3", "u8", None),
    ("heat:steps=10", "48x48", "f32", "gray32.h5"),
    ("heat:steps=200", "512x512", "f32", "gray32.h5"),
    ("median:size=5", "2048x2048x3", "u8", None),
    ("resize:width=800,height=600", "4096x4096x3", "u8", None),
    ("threshold | label", "2048x2048", "u8", "gray8.png"),
    ("quantile:q=0.5", "2048x2048", "f32", "gray32.h5"),
    ("gaussian:sigma=1", "32x256x256", "f32", "volume.h5"),
    ("transpose", "3000x3000", "f32", "gray32.h5"),
]

# Program, chain, input and output.
COMMANDS = [
    ("filter", "sobel", PHOTOGRAPH, "out.png"),
    ("filter", "median:size=9", "large.png", "out.png"),
    ("filter", "resize:width=800,height=600 | sharpen", "large.jpg", "out.jpg"),
    ("filter", "heat:steps=300", "large32.h5", "out.h5"),
    ("filter", "nlm:search=11", "gray8.png", "out.tif"),
    ("reduce", "stats", "large32.h5", None),
]


class Bench:
    def __init__(self, args):
        self.programs, self.mpiexec, self.dir = pathlib.Path(args.programs).resolve(), args.mpiexec, args.output
        self.cores = len(os.sched_getaffinity(0))
        self.dir.mkdir(parents=True, exist_ok=True)
        os.chdir(self.dir)
        self.make_files()

    def run(self, *command, ranks=0):
        command = [str(part) for part in command]
        command[0] = str(self.programs / command[0])
        if ranks:
            command = [self.mpiexec, "-n", str(ranks), "--bind-to", "none"] + command
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def make_files(self):
        def make(name, chain, source, *more):
            if not pathlib.Path(name).exists():
                self.run("filter", "-q", *more, "-k", chain, source, name)
        make("gray8.png", "gray", PHOTOGRAPH)
        make("gray32.h5", "gray | cast:to=f32", PHOTOGRAPH)
        make("gray8.raw", "gray", PHOTOGRAPH)
        make("volume.h5", "cast:to=f32", "gray8.raw", "--shape", "32x256x256", "--dtype", "u8")
        make("large.png", "resize:width=6000,height=3000", PHOTOGRAPH)
        make("large.jpg", "resize:width=6000,height=3000", PHOTOGRAPH)
        make("large32.h5", "resize:width=4000,height=4000 | gray | cast:to=f32", PHOTOGRAPH)

    def ways(self):
        counts = [w for w in (1, 2, 4, 8, 16, 32, 64, 128) if w < self.cores] + [self.cores]
        return [(r, t) for r in counts for t in counts if r * t <= self.cores]

    def scale(self, chain, size, source):
        """Medians by (ranks, threads), of launches that take the points in different orders."""
        counts = ",".join(str(w) for w in sorted({r for r, _ in self.ways()}))
        where = ["--input", source] if source else []
        if size and source != "volume.h5":
            where += ["--size", "x".join(size.split("x")[:2])]
        medians = {}
        for seed in range(LAUNCHES):
            self.run("scale", "-q", "--strong", "--no-ceilings", "--ranks", counts, "--threads", counts, "--reps", 15,
                     "--seed", seed, "-k", chain, "-o", "study", *where, ranks=self.cores)
            with open("study/points.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            if any(row["valid"] != "1" for row in rows):
                sys.exit(f"{chain}: a point is invalid")
            for row in rows:
                if row["oversubscribed"] == "0":
                    medians.setdefault((int(row["ranks"]), int(row["threads"])), []).append(float(row["median_s"]))
        return {way: statistics.median(each) for way, each in medians.items()}

    def case(self, number):
        chain, size, dtype, source = CASES[number - 1]
        begun = time.time()
        where = ["--size", size, "--dtype", dtype] if size else []
        advised = json.loads(self.run("advise", "-q", "--json", "-k", chain, *where))
        choice = (advised["choice"]["ranks"], advised["choice"]["threads"])
        told = {(c["ranks"], c["threads"]): c["run"] for c in advised["choices"]}
        self.keep(f"case{number:02}", f"{chain}, {size + ' ' + dtype if size else 'a range'}", choice, told,
                  self.scale(chain, size, source), begun)

    def command(self, number):
        program, chain, source, output = COMMANDS[number - 1]
        begun = time.time()
        files = [source] + ([output] if output else [])
        advised = json.loads(self.run("advise", "-q", "--json", "-k", chain, *files))
        told = {(c["ranks"], c["threads"]): c["seconds"] for c in advised["choices"]}
        ways = [way for way in self.ways() if way in told]
        times = {way: [] for way in ways}
        for _ in range(7):
            for ranks, threads in ways:
                start = time.perf_counter()
                self.run(program, "-q", "-t", threads, "-k", chain, *files, ranks=ranks if ranks > 1 else 0)
                times[ranks, threads].append(time.perf_counter() - start)
        self.keep(f"command{number}", f"{program} {chain}, {pathlib.Path(source).name} {output or ''}",
                  (advised["choice"]["ranks"], advised["choice"]["threads"]), told,
                  {way: statistics.median(list_) for way, list_ in times.items()}, begun)

    def keep(self, name, text, choice, told, measured, begun):
        best = min(measured, key=measured.get)
        row = {"text": text, "choice": choice, "best": best, "chosen_s": measured[choice], "best_s": measured[best],
               "ratio": measured[choice] / measured[best], "told_s": told[choice],
               "measured": [[*way, s] for way, s in measured.items()], "load": os.getloadavg()[0],
               "took": time.time() - begun}
        pathlib.Path(name + ".json").write_text(json.dumps(row))
        print(line(row), flush=True)


def seconds(value):
    for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value * 1e9:.3g} ns"


def way(ranks, threads):
    return "serial" if ranks * threads == 1 else f"{ranks}x{threads}"


def line(row):
    rest = "  ".join(f"{way(r, t)} {seconds(s)}" for r, t, s in row["measured"])
    return (f"{row['text'][:58]:58} {way(*row['choice']):>6} {seconds(row['chosen_s']):>8} {way(*row['best']):>6} "
            f"{seconds(row['best_s']):>8} {row['ratio']:5.2f}{'  ' if row['ratio'] <= WITHIN else ' !'} "
            f"{seconds(row['told_s']):>8} {row['load']:5.1f}  {rest}")


def table(folder, pattern, title):
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob(pattern))]
    if not rows:
        return 0, 0
    print(f"\n{title:58} {'chosen':>6} {'its time':>8} {'best':>6} {'its time':>8} {'ratio':>5}   {'told':>8} "
          f"{'load':>5}  all ways")
    for row in rows:
        print(line(row))
    good = sum(row["ratio"] <= WITHIN for row in rows)
    print(f"within {WITHIN - 1:.0%} of the best: {good} of {len(rows)}")
    return good, len(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    parser.add_argument("mpiexec")
    parser.add_argument("-o", dest="output", type=pathlib.Path, default=pathlib.Path("bench-advise"))
    parser.add_argument("cases", nargs="*", type=int)
    args = parser.parse_intermixed_args()
    bench = Bench(args)
    for number in args.cases or range(1, len(CASES) + len(COMMANDS) + 1):
        bench.case(number) if number <= len(CASES) else bench.command(number - len(CASES))
    good, n = table(pathlib.Path("."), "case*.json", f"ranks x threads on {bench.cores} cores; medians of 5 x 15")
    table(pathlib.Path("."), "command*.json", "whole commands; medians of 7")
    if n == len(CASES):
        print(f"goal: {GOAL} of {n}: {'reached' if good >= GOAL else 'missed'}")
        sys.exit(good < GOAL)


main()
