"""One peer in a process of its own, pinned: reads commands, one a line, and answers each with a line of JSON.

python -m bench.worker PEER WORK THREADS FILE    then    save | check | block REPETITIONS | forget | memory

FILE is what minivae saves for the others: its weights, and what it computes with them.
"""

import importlib
import json
import os
import sys
import time

import numpy as np

from .works import arrays, find

PEERS = {  # name: (module, class, what must be installed)
    "minivae": ("ours", "Minivae", "numpy"),
    "compiled": ("ours", "Compiled", "numpy"),
    "products": ("ours", "Products", "numpy"),
    "torch": ("pytorch", "Torch", "torch"),
    "torch fused": ("pytorch", "TorchFused", "torch"),
    "torch compile": ("pytorch", "TorchCompiled", "torch"),
    "jax": ("jaxpeer", "Jax", "jax"),
}
OURS = ("minivae", "compiled")  # the columns of which there are ratios


def memory(field):
    """VmRSS or VmHWM (its peak) of this process in MiB, without the pages of files, such as libraries."""
    with open("/proc/self/status") as lines:
        kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Vm", "Rss"))}
    return (kib[field] - kib["RssFile"]) / 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def save(peer, path):
    """What the other peers need: our first weights, and what we compute with them."""
    np.savez(path, **peer.check(), **{"weights/" + name: array for name, array in peer.weights.items()})


def compare(peer, path):
    """Largest difference of what this peer computes from what we did, as a part of our largest value."""
    values = peer.check()
    differences = []
    for name, expected in np.load(path).items():
        if not name.startswith("weights/"):
            if values[name].shape != expected.shape:
                raise ValueError(f"{name}: expected shape {expected.shape}, got {values[name].shape}")
            differences.append(np.abs(values[name] - expected).max() / np.abs(expected).max())
    return float(np.max(differences))  # NaN if one is


def main():
    name, key, threads, path = sys.argv[1:]
    threads = int(threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    work = find(key)
    data = arrays(work)
    if name not in (*OURS, "products"):
        data["weights"] = {n.removeprefix("weights/"): a for n, a in np.load(path).items() if n.startswith("weights/")}
    module, cls, _ = PEERS[name]
    make = getattr(importlib.import_module("." + module, __package__), cls)
    base = memory("VmRSS")
    try:
        peer = make(work, data, threads)
    except ValueError as error:  # the backend is not there, or nobody has written this model
        raise SystemExit(f"bench: {error}") from None
    commands = {
        "check": lambda: compare(peer, path),
        "save": lambda: save(peer, path),
        "forget": forget_peak,
        "memory": lambda: memory("VmHWM") - base,
    }
    answers = os.fdopen(os.dup(1), "w")
    i = 0
    os.dup2(2, 1)  # whatever a library prints goes to the error stream
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        command, _, repetitions = line.strip().partition(" ")
        if command == "block":  # timed here, by hand: the process of another peer imports nothing of minivae
            began = time.perf_counter()
            for _ in range(int(repetitions)):
                peer.run(i)
                i += 1
            answer = time.perf_counter() - began
        else:
            answer = commands[command]()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
