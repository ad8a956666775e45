"""One peer in a process of its own, pinned: reads commands, one a line, and answers each with a line of JSON.

python -m bench.worker PEER WORK THREADS FILE    then    save | check | block REPETITIONS | memory

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
    "products": ("ours", "Products", "numpy"),
    "torch": ("pytorch", "Torch", "torch"),
    "torch fused": ("pytorch", "TorchFused", "torch"),
    "torch compile": ("pytorch", "TorchCompiled", "torch"),
    "jax": ("jaxpeer", "Jax", "jax"),
}
OURS = ("minivae", "products")


def memory(field):
    """VmRSS or VmHWM (its peak) of this process in MiB."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def save(peer, path):
    """What the other peers need: our first weights, and what we compute with them."""
    np.savez(path, **peer.check(), **{"weights/" + name: array for name, array in peer.weights.items()})


def compare(peer, path):
    """Largest difference of what this peer computes from what we did, as a part of our largest value."""
    found, worst = peer.check(), 0.0
    for name, expected in np.load(path).items():
        if not name.startswith("weights/"):
            expected = peer.translate(name, expected)
            worst = max(worst, float(np.abs(found[name] - expected).max() / np.abs(expected).max()))
    return worst


def main():
    name, key, threads, path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    work = find(key)
    data = arrays(work)
    if name not in OURS:
        data["weights"] = {n.removeprefix("weights/"): a for n, a in np.load(path).items() if n.startswith("weights/")}
    module, cls, _ = PEERS[name]
    peer = getattr(importlib.import_module("." + module, __package__), cls)(work, data, threads)
    base = memory("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again from here
    commands = {
        "check": lambda: compare(peer, path),
        "save": lambda: save(peer, path),
        "memory": lambda: memory("VmHWM") - base,
    }
    answers, i = sys.stdout, 0
    sys.stdout = sys.stderr
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        command, _, repetitions = line.strip().partition(" ")
        if command == "block":
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
