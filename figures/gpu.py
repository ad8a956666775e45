"""All that needs a GPU in one command: `python -m figures.gpu [--out FOLDER]` writes gpu.md and its pictures.

Without a GPU (a minute) it compares NumPy's dtypes and the tests' stand-in for a GPU, times nothing, and says so. The
page is written after every topic, so that a run that is stopped leaves what it has. Exit code 1 if a `gpu` test, a
limit of the parity or a whole topic failed.
"""

import argparse
import importlib
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # always the same bits

import numpy as np

from bench import ours
from bench.__main__ import LIMIT, versions
from bench.works import arrays, find
from minivae.data import load_data
from minivae.laboratory.parity import machines, parity
from minivae.laboratory.timing import quartiles, ratio
from minivae.optim import Adam
from minivae.tables import markdown
from minivae.train import fit

from .gpu_plots import draw_parity, draw_speed
from .gpu_timing import PEERS, ROUNDS, STEPS, Gpu, OnDevice, first_line, measure, shares

HERE = Path(__file__).parent
WORKS = {"dense": find("mnist"), "conv": find("conv")}
LIMITS = {"float32": (1e-5, 1e-4), "float64": (1e-12, 1e-12)}  # of a value, of a gradient
DRIFT, DRIFT_HERE, ROWS = 1000, 100, 32  # steps with and without a GPU, on batches of so many
SIZES = (128, 1024, 8192)  # of timed batches; at the first one the peers are checked, and have goals:
GOALS = {"dense": 0.8, "conv": 1.2}  # of PyTorch eager's time
EPOCHS = 4
NO_GPU = """\
**There was no GPU on this machine: no figure below is one of a GPU.** Compared are NumPy's float32 and float64, and
`strict`, the stand-in of the tests: CuPy's interface on the CPU, refusing what a GPU would do badly. With a GPU the
same command also runs the tests marked `gpu`, compares CuPy with NumPy, and times steps, beside PyTorch's, and epochs.

NumPy {numpy}."""
PARITY = """\
The same weights, bits and noise, batches of {ROWS}. An error is max abs(a - b) / max abs(b), of what a part of the
model returns, or of a gradient: the one that arrives at a part, or a parameter's.

{errors}

Losses in nats per example; their difference is relative. Training amplifies rounding, so it grows and has no limit.

{drifts}"""
COUNTED = """\
Counted on the stand-in, in training steps whose batches lie on the device, noise and Adam included. An array operation
is at least one launch; views and new memory are none. The kernels of [kernels/](../minivae/kernels/__init__.py)
replace lines of NumPy.

{rows}

The most frequent:

{most}"""
TIMED = """\
Milliseconds per step, float32 without TF32: medians and quartiles of {ROUNDS} blocks of {STEPS} steps, in turns in one
process, each block waited for at its end only. Data lie on the GPU, noise is drawn there. PyTorch has the fused Adam;
compiled is `torch.compile(mode="reduce-overhead")`. Before, at batch {first}, the first gradients and ten losses of
every peer were compared with NumPy's (limit {LIMIT:.0e}).

{times}

{notes}What a step of minivae consists of, ms. Kernels: what the device needs for a step all of which waits in its
queue. Issuing: what the host needs to put it there. In the rest of the step the device waits; for launches, as long as
the host is still issuing.

{steps}"""


class Section(NamedTuple):
    """What a topic puts on the page, whether all in it is as it must be, and what draws its picture, f(path)."""

    text: str
    ok: bool = True
    draw: Callable | None = None


def stand_in():
    """tests/strict.py, by the name under which its arrays find it."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    try:
        return importlib.import_module("strict")
    finally:
        del sys.path[0]


# ---- Topics: f(device) -> Section; the device is None without a GPU


def machine(device):
    if device is None:
        return Section(NO_GPU.format(numpy=np.__version__))
    text = ", ".join(f"{name} {version}" for name, version in versions().items())
    return Section(f"{device.describe()}.\n\n{text}.")


def tests(device):
    """Those marked `gpu`, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True)
    *_, last = run.stdout.splitlines() or [""]
    counts = {what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", last)}
    text = ", ".join(f"{n} {what}" for what, n in counts.items()) or f"none ran, exit code {run.returncode}"
    worst = [f"- `{line}`" for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    ok = run.returncode == 0 and counts.get("passed", 0) > 0
    return Section("\n".join([f"`python -m pytest -m gpu`: {text}.", "", *worst[:20]]).strip(), ok)


def compare(device):
    """The largest error of each comparison, and of which part; the drift of the losses."""
    steps = DRIFT if device else DRIFT_HERE
    comparisons = {}
    ok = True
    errors = [("model", "comparison", "largest error of a value", "limit", "of a gradient", "limit", "")]
    drifts = [("model", "comparison", f"loss after {steps:,} steps", "the other's", "largest difference")]
    with nullcontext() if device else stand_in().registered():
        pairs = [pair for pair in machines() if pair[0] != "compiled"]  # `minivae parity` compares it, without a GPU
        for model, work in WORKS.items():
            work = replace(work, N=ROWS)
            x = np.concatenate(arrays(work)["x"])
            comparisons[model] = parity(lambda rng, work=work: ours.build(work), x, steps, ROWS, on=pairs)
            for pair, p in comparisons[model].items():
                limits = LIMITS[pair.split()[1]]
                cells = []
                fine = True
                for of_parts, limit in zip((p.values, p.gradients), limits, strict=True):
                    part = max(of_parts, key=lambda name: np.nan_to_num(of_parts[name], nan=np.inf))
                    cells += [f"{of_parts[part]:.1e} ({part})" if of_parts[part] else "0", f"{limit:.0e}"]
                    fine = fine and all(e <= limit for e in of_parts.values())  # a NaN is none of them
                ok = ok and fine
                errors.append((model, pair, *cells, "OK" if fine else "**NOT OK**"))
                losses = f"{p.loss[-1]:.6f}", f"{p.reference[-1]:.6f}", f"{p.drift.max():.1e}" if p.drift.any() else "0"
                drifts.append((model, pair, *losses))
    text = PARITY.format(ROWS=ROWS, errors=markdown(*errors), drifts=markdown(*drifts))
    return Section(text, ok, lambda path: draw_parity(comparisons, LIMITS, path))


def operations(device):
    """Transfers, waits and array operations of a step: to know them takes no GPU."""
    strict = stand_in()
    most = []
    ok = True
    rows = [("model", "transfers", "waits", "array operations", "with the kernels", "of these kernels")]
    with strict.registered():
        for model, work in WORKS.items():
            work = replace(work, N=2)
            counts = []
            peer = OnDevice(work, arrays(work), "strict")
            with strict.recorded() as events:
                for i in range(3):
                    peer.issue(i)
            for kernels in (False, True):
                with strict.launched(kernels) as launched:
                    peer.issue(0)
                counts.append(launched)
            of = strict.count(events)
            lines, both = counts
            own = sum(n for name, n in both.items() if name not in lines)
            ok = ok and not events
            rows.append((model, of["transfer"], of["wait"], lines.total(), both.total(), own))
            frequent = ", ".join(f"{n} {name}" for name, n in both.most_common(6))
            most.append(f"- {model}, with the kernels: {frequent}.")
    return Section(COUNTED.format(rows=markdown(*rows), most="\n".join(most)), ok)


def speed(device):
    """Milliseconds per step of the peers, and what a step of minivae consists of."""
    rows, parts, left_out = measure(WORKS, SIZES, device)
    notes = [f"- {what} left out of {'; '.join(where)}. {why}" for (what, why), where in left_out.items()]
    labels = [label for label in PEERS if any(label in times for times in rows.values())]
    against = [label for label in labels if label != "minivae"]
    times = [("model", "batch", *labels, *(f"/ {label}" for label in against), "goal")]
    steps = [("model", "batch", "step", "kernels", "issuing", "the device waits", "for launches")]
    for (model, N), blocks in rows.items():
        cells = ["{1:.3f} ({0:.3f}-{2:.3f})".format(*quartiles(blocks[k])) if k in blocks else "" for k in labels]
        of = {k: ratio(blocks["minivae"], blocks[k]) for k in against if {k, "minivae"} <= blocks.keys()}
        cells += ["{1:.2f} ({0:.2f}-{2:.2f})".format(*of[k]) if k in of else "" for k in against]
        goal = ""
        if N == SIZES[0] and "PyTorch eager" in of:
            met = of["PyTorch eager"].median <= GOALS[model]
            goal = f"{GOALS[model]} of eager: {'met' if met else 'not met'}"
        times.append((model, f"{N:,}", *cells, goal))
        if (model, N) in parts:
            issue, busy = parts[model, N]
            wall = quartiles(blocks["minivae"]).median
            ms = wall, busy, issue, max(wall - busy, 0), shares(wall, issue, busy)[1] * max(wall, busy)
            steps.append((model, f"{N:,}", *(f"{v:.3f}" for v in ms)))
    ok = any("minivae" in blocks for blocks in rows.values())
    text = TIMED.format(ROUNDS=ROUNDS, STEPS=STEPS, LIMIT=LIMIT, first=SIZES[0], times=markdown(*times),
                        steps=markdown(*steps), notes="\n".join([*notes, "", ""] if notes else []))  # fmt: skip
    return Section(text, ok, lambda path: draw_speed(rows, parts, path))


def epochs(device):
    """Seconds per epoch of a training on MNIST."""
    try:
        data = load_data("mnist")
    except (OSError, ValueError, ImportError) as error:
        return Section(f"MNIST is not here, so no epoch was timed. {first_line(error)}")
    rows = [("model", "first epoch, s", "median of the others, s", "validation ELBO, nats")]
    for model, work in WORKS.items():
        vae = ours.build(work).bind("float32", device.backend)
        history = fit(vae, Adam(vae), data, epochs=EPOCHS, batch_size=128, progress=False)
        first, *others = [line["seconds"] for line in history]
        elbo = history[-1]["validation"]["elbo"]
        rows.append((model, f"{first:.2f}", f"{np.median(others):.2f}", f"{elbo:.2f} after {EPOCHS}"))
    text = f"`fit`, {len(data.train.x):,} examples in batches of 128, bits drawn anew, the validation split included."
    return Section(f"{text}\n\n{markdown(*rows)}")


# ---- The page


TOPICS = {  # title: (f, whether it needs a GPU, (picture, what it shows))
    "Machine": (machine, False, None),
    "Tests": (tests, True, None),
    "Parity": (compare, False, ("gpu_parity.png", "Largest error of every part, and how far the losses drift apart")),
    "A training step, counted": (operations, False, None),
    "A training step, timed": (speed, True, ("gpu_speed.png", "Time per step against the batch size, and its parts")),
    "An epoch of MNIST": (epochs, True, None),
}


def write(folder, device):
    """gpu.md and its pictures, into a folder. Whether all is as it must be."""
    page = ["# What needs a GPU", "Written by `python -m figures.gpu`."]
    ok = True
    for title, (topic, needs_gpu, picture) in TOPICS.items():
        if needs_gpu and device is None:
            continue
        try:
            section = topic(device)
        except Exception as error:
            traceback.print_exc()
            section = Section(f"**Failed.** {first_line(error)}", False)
        shown = [f"## {title}", section.text]
        if section.draw:
            try:
                section.draw(folder / picture[0])
                shown.insert(1, f"![{picture[1]}]({picture[0]})")
            except Exception:  # the numbers stay
                traceback.print_exc()
        page += shown
        ok = ok and section.ok
        print(*shown, sep="\n\n", end="\n\n", flush=True)
        (folder / "gpu.md").write_text("\n\n".join(page) + "\n")
    return ok


def main():
    parser = argparse.ArgumentParser(prog="python -m figures.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, metavar="FOLDER", help="default: figures/")
    folder = parser.parse_args().out
    if not folder.is_dir():
        parser.error(f"out: expected a folder that exists, got {folder}")
    try:
        device = Gpu()
    except ValueError as reason:
        print(reason)
        device = None
        there = folder / "gpu.md"
        if there.exists() and NO_GPU.partition(".")[0] not in there.read_text():
            parser.error(f"out: {there} holds figures of a GPU; expected another folder for a page without")
    sys.exit(not write(folder, device))


if __name__ == "__main__":
    main()
