#!/usr/bin/env python3
"""peers.py - nfold's results beside those of SciPy, scikit-image, OpenCV and Pillow.

usage: peers.py PEERS_NFOLD PROGRAMS [--write FILE] [-k PART]

PEERS_NFOLD is the program that answers requests (peers_nfold.c), PROGRAMS the folder of `filter` and
`reduce`. Each Row of peers_rows.py is one chain beside one peer: on every kind of array, element type
and border that it names, the largest difference is found, and the test fails where it exceeds what the
row allows. Rows of kernels that nfold has not got, and of peers that are not installed, are left out,
and counted. --write FILE writes the table; -k takes only the chains that contain PART.
Exit status: 0, 1 where a row fails, 77 where there is no peer at all.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
try:
    import numpy as np
except ImportError:
    print("skipped: no peers are installed "
          "(Debian: python3-scipy python3-skimage python3-opencv python3-pil)")
    sys.exit(77)

from peers_rows import BORDERS, KINDS, PEERS, ROWS, VALUE, array_for

FEW = 0.005  # of all cells: what `few` differences of a row may be
DTYPES = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32, "f64": np.float64}


class Nfold:
    """peers_nfold at the other end of two pipes."""

    def __init__(self, program):
        self.process = subprocess.Popen([program, "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, "OMP_WAIT_POLICY": "passive"})
        self.kernels = {}
        for word in self.line().split():
            name, parameters = word.split(":")
            self.kernels[name] = parameters.split(",")

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise SystemExit(f"peers_nfold ended with status {self.process.wait()}")
        return text.decode().rstrip("\n")

    def run(self, chain, kind, arrays):
        """The output array, or a dict of numbers, or a ValueError with nfold's message."""
        if arrays:
            array = arrays[0]
            ndim, channels = KINDS[kind]
            dims = ([1, 1, 1] + list(array.shape[:ndim]))[-3:]
            name = next(n for n, t in DTYPES.items() if t == array.dtype)
            head = [name, ndim, *dims, channels or array.shape[-1], len(arrays)]
        else:
            head = ["none", 1, 1, 1, 1, 1, 0]
        self.process.stdin.write((" ".join(map(str, head)) + " " + chain + "\n").encode())
        for array in arrays:
            self.process.stdin.write(np.ascontiguousarray(array).tobytes())
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        word, rest = self.line().split(" ", 1)
        if word == "error":
            raise ValueError(rest)
        if word == "numbers":
            return dict(self.number() for _ in range(int(rest)))
        name, *numbers = rest.split()
        ndim, z, y, x, channels = map(int, numbers)
        shape = [z, y, x][3 - ndim:] + ([channels] if channels > 1 else [])
        dtype = np.dtype(DTYPES[name])
        count = int(np.prod(shape)) * dtype.itemsize
        return np.frombuffer(self.process.stdout.read(count), dtype).reshape(shape)

    def number(self):
        name, *words = self.line().split()
        values = [float.fromhex(w) if "x" in w or "n" in w else int(w) for w in words]
        return name, values[0] if len(values) == 1 else np.array(values)


# ---- differences ----

class Difference:
    """Of two results of the same type: whole units of integers, units in the last place of floats."""

    def __init__(self, ours, theirs, at_least=0.0):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        if ours.shape != theirs.shape:
            raise ValueError(f"shapes {ours.shape} and {theirs.shape}")
        self.integer = ours.dtype.kind in "iu" and theirs.dtype.kind in "iu"
        equal = (ours == theirs) | ((ours != ours) & (theirs != theirs))
        if self.integer:
            error = np.abs(ours.astype(object) - theirs.astype(object)).astype(float)
        else:
            unit_type = np.float32 if ours.dtype == np.float32 else np.float64
            size = np.maximum(np.abs(theirs.astype(np.float64)), at_least).astype(unit_type)
            with np.errstate(invalid="ignore", over="ignore"):
                error = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)) / np.spacing(size)
            error = np.where(np.isnan(error), np.inf, error)
        error = np.where(equal, 0.0, error)
        self.worst = float(error.max()) if error.size else 0.0
        self.wrong, self.cells = int((error > 0).sum()), error.size

    def text(self):
        if self.worst == 0:
            return "0"
        if not self.integer:
            return f"{self.worst:.2g} ulp"
        if self.wrong > self.cells // 100:
            return f"{self.worst:.0f}"
        return f"{self.worst:.0f} in {self.wrong} of {self.cells}"


def numbers_difference(ours, theirs):
    """The worst of the numbers that the peer gives."""
    if "@" in theirs:  # the only one that there is, whatever its name
        theirs = {next(iter(ours)): theirs["@"]}
    differences = [Difference(ours[name], theirs[name]) for name in theirs]
    return max(differences, key=lambda d: d.worst)


def at_borders(chain, border):
    constant = f"border={border}" + (f",value={VALUE}" if border == "constant" else "")
    stages = [s.strip() for s in chain.split("|")]
    return " | ".join(s + ("," if ":" in s else ":") + constant for s in stages)


def each_channel(call, array, border):
    planes = [call(array[..., c], border) for c in range(array.shape[-1])]
    return np.stack(planes, axis=-1)


def one_case(nfold, row, kind, dtype, border):
    array = row.array(kind, dtype)
    chain = row.chain if border is None else at_borders(row.chain, border)
    arrays = [array, row.second(kind, dtype)] if row.two else [array]
    ours = nfold.run(chain, kind, arrays)
    if row.two:
        theirs = row.call(*arrays)
    elif border is None:
        theirs = row.call(array)
    elif kind == "rgb" and row.by_channel:
        theirs = each_channel(row.call, array, border)
    else:
        theirs = row.call(array, border)
    if isinstance(ours, dict):
        return numbers_difference(ours, theirs)
    inner = (slice(row.inner, -row.inner),) * KINDS[kind][0] if row.inner else ()
    if row.ours is not None:
        ours = row.ours(ours)
    largest = float(np.abs(array.astype(np.float64)).max())
    return Difference(ours[inner], theirs[inner], row.gain * largest)


class Outcome:
    """What a row came to: the worst difference of each element type, and what went wrong."""

    def __init__(self, row):
        self.row, self.worst, self.problems, self.cases = row, {}, [], 0

    def add(self, kind, dtype, border, difference):
        self.cases += 1
        allowed = self.row.allowed(dtype)
        where = f"{kind} {dtype} {border or ''}".rstrip()
        too_many = self.row.few and difference.integer and difference.wrong > difference.cells * FEW
        if difference.worst > allowed or too_many:
            self.problems.append(f"{self.row.chain} and {self.row.peer}, {where}: {difference.text()}, "
                                 f"at most {allowed} is allowed"
                                 + (f", in {FEW:.1%} of all cells" if too_many else ""))
        if dtype not in self.worst or difference.worst > self.worst[dtype].worst:
            self.worst[dtype] = difference

    def run(self, nfold):
        for kind in self.row.kinds:
            for dtype in self.row.dtypes:
                for border in self.row.borders or [None]:
                    try:
                        self.add(kind, dtype, border, one_case(nfold, self.row, kind, dtype, border))
                    except Exception as problem:  # a peer's own exceptions are of many types
                        self.problems.append(f"{self.row.chain} and {self.row.peer}, {kind} {dtype} "
                                             f"{border}: {type(problem).__name__}: {problem}")
        return self


# ---- the programs as a user runs them ----

def program_problems(nfold, programs):
    """`filter` and `reduce`, through files, give what peers_nfold gives."""
    try:
        from PIL import Image
    except ImportError:
        return []
    problems = []
    array = array_for("rgb", "u8")
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "in.png")
        Image.fromarray(array).save(name)
        for chain in ["gaussian:sigma=2 | sobel", "median:size=5", "gray | threshold:value=99"]:
            out = os.path.join(folder, "out.png")
            subprocess.run([os.path.join(programs, "filter"), "-k", chain, name, out], check=True)
            if not np.array_equal(np.array(Image.open(out)), nfold.run(chain, "rgb", [array])):
                problems.append(f"filter -k '{chain}' and peers_nfold differ")
        told = subprocess.run([os.path.join(programs, "reduce"), "-k", "stats", "--json", name], check=True,
                              capture_output=True).stdout
        if json.loads(told)["results"]["stats"] != nfold.run("stats", "rgb", [array]):
            problems.append("reduce -k stats --json and peers_nfold differ")
    return problems


# ---- the table ----

def escape(text):
    return text.replace("|", "\\|")


def shown(worst, row, dtype):
    text, allowed = worst.text(), row.allowed(dtype)
    return text if allowed == row.usual(dtype) or text == "0" else f"{text} (≤ {allowed:g})"


def worse(a, b):
    return b if a is None or b is not None and b.worst > a.worst else a


class Line:
    """Rows of one kernel and one peer that are told in the same words, as one line of the table."""

    def __init__(self, row):
        self.row, self.kinds, self.arguments = row, [], []
        self.worst = dict.fromkeys(DTYPES)

    def add(self, outcome):
        row = outcome.row
        self.kinds += [kind for kind in row.kinds if kind not in self.kinds]
        self.arguments.append(row.label or row.chain.partition(":")[2])
        for dtype in DTYPES:
            self.worst[dtype] = worse(self.worst[dtype], outcome.worst.get(dtype))

    def told(self):
        """`size=3` and `size=5` are `size=3 5`."""
        text = ""
        for several in sorted({a.rpartition("=")[0] for a in self.arguments}, key=str):
            ends = [a.rpartition("=")[2] for a in self.arguments if a.rpartition("=")[0] == several]
            ends = list(dict.fromkeys(ends))
            if several.count("=") + several.count(",") == 0 or len(ends) == 1:
                text += "; " + (several + "=" if several else "") + ("; ", " ")[several != ""].join(ends)
            else:
                text += "".join(f"; {several}={end}" for end in ends)
        return text.strip("; ")

    def text(self):
        row = self.row
        name = row.chain.partition(":")[0].strip()
        borders = "all" if row.borders == BORDERS else " ".join(row.borders)
        kinds = "all" if set(self.kinds) == set(KINDS) else " ".join(self.kinds)
        cells = [shown(self.worst[d], row, d) if self.worst[d] else "" for d in DTYPES]
        why = ("\\* " if row.gain else "") + escape(row.why)
        return "| " + " | ".join([f"{name} {escape(self.told())}".strip(), row.peer, kinds, borders, *cells,
                                  why.strip()]) + " |"


def lines_of(outcomes):
    lines = {}
    for o in outcomes:
        row = o.row
        key = (row.chain.partition(":")[0].strip(), row.peer, tuple(row.borders), row.why, bool(row.gain),
               tuple(row.allowed(d) for d in DTYPES), bool(set(row.kinds) - {"rgb"}))
        lines.setdefault(key, Line(row)).add(o)
    return [line.text() for line in lines.values()]


def table(outcomes, left_out):
    head = ["# nfold beside its peers", "",
            "Made by `cmake --build build --target peers-table`; the test `ctest -L peers` fails where a "
            "difference is larger than what stands after ≤; where nothing does, than 0 in integers and "
            "where nothing is ever rounded, and 2 in other floats.", "",
            "Each line shows the largest difference over all the arrays and borders that it names.",
            "Integers: in units; and in how many cells, where in at most 1%.",
            "Floats: in units in the last place of the element type, at the result; where a line says *, at "
            "the largest that its terms could add up to, as they may cancel.",
            "*In f64*: the peer computes on the values as doubles, and the result is rounded once, as nfold "
            "rounds.", "",
            "Peers: " + ", ".join(f"{name} {version}" for name, version in PEERS.items() if version) + ".",
            "Arrays: " + ", ".join(f"{kind} {'x'.join(map(str, array_for(kind, 'u8').shape))}"
                                   for kind in KINDS) + f"; the constant border is {VALUE}. "
            "Borders a peer has not got are put around its array before.", "",
            "| nfold | peer | arrays | borders | u8 | u16 | f32 | f64 | why they differ |",
            "|---|---|---|---|---|---|---|---|---|"]
    lines = head + lines_of([o for o in outcomes if o.cases])
    if left_out:
        lines += ["", "Left out: " + "; ".join(left_out) + "."]
    return "\n".join(lines) + "\n"


def unknown(nfold, chain):
    """What a chain asks for that nfold has not got."""
    for stage in chain.split("|"):
        kernel, _, given = stage.strip().partition(":")
        if kernel not in nfold.kernels:
            yield kernel
            continue
        for parameter in re.findall(r"(\w+)=", given):
            if parameter not in nfold.kernels[kernel]:
                yield f"{kernel}:{parameter}="


def choose(nfold, part):
    """The rows to run, and a sentence for each reason why others are left out."""
    rows, missing, absent = [], set(), set()
    for row in ROWS:
        lacking = list(unknown(nfold, row.chain))
        if not PEERS[row.peer.split()[0]]:
            absent.add(row.peer.split()[0])
        elif lacking:
            missing.update(lacking)
        elif part in row.chain:
            rows.append(row)
    reasons = [f"{name} is not installed" for name in sorted(absent)]
    if missing:
        reasons.append("nfold has no " + ", ".join(sorted(missing)))
    return rows, reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("peers_nfold")
    parser.add_argument("programs")
    parser.add_argument("--write", metavar="FILE")
    parser.add_argument("-k", metavar="PART", default="")
    options = parser.parse_args()
    if not any(version for name, version in PEERS.items() if name != "numpy"):
        print("skipped: no peers are installed "
              "(Debian: python3-scipy python3-skimage python3-opencv python3-pil)")
        return 77
    nfold = Nfold(options.peers_nfold)
    rows, left_out = choose(nfold, options.k)
    outcomes = [Outcome(row).run(nfold) for row in rows]
    problems = [p for o in outcomes for p in o.problems] + program_problems(nfold, options.programs)
    for problem in problems:
        print("FAILED:", problem)
    for reason in left_out:
        print("left out:", reason)
    print(f"{sum(o.cases for o in outcomes)} comparisons in {len(outcomes)} rows, {len(problems)} failures")
    if options.write:
        with open(options.write, "w", encoding="utf-8") as file:
            file.write(table(outcomes, left_out))
    return 1 if problems or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
