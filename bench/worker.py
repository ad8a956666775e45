"""One peer in a process of its own, pinned: reads commands, one a line, and answers each with a line of JSON.

python -m bench.worker PEER WORK THREADS    then    check FILE | block REPETITIONS | memory
"""

import importlib
import json
import os
import sys
import time

PEERS = {  # name: (module, class, what must be installed)
    "minivae": ("ours", "Minivae", "numpy"),
    "products": ("ours", "Products", "numpy"),
    "torch": ("pytorch", "Torch", "torch"),
    "torch fused": ("pytorch", "TorchFused", "torch"),
    "torch compile": ("pytorch", "TorchCompiled", "torch"),
    "jax": ("jaxpeer", "Jax", "jax"),
}


def memory(field):
    """VmRSS or VmHWM (its peak) of this process in MiB."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def compare(peer, path):
    """Largest difference of what this peer computes from what ours did, as a part of ours' largest value; or save it."""
    import numpy as np

    found = peer.check()
    if not hasattr(peer, "translate"):
        np.savez(path, **found)
        return 0.0
    worst = 0.0
    for name, expected in np.load(path).items():
        expected = peer.translate(name, expected)
        worst = max(worst, float(np.abs(found[name] - expected).max() / np.abs(expected).max()))
    return worst


def main():
    name, key, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    from .works import WORKS, arrays

    module, cls, _ = PEERS[name]
    peer = getattr(importlib.import_module("." + module, __package__), cls)(WORKS[key], arrays(WORKS[key]), threads)
    base = memory("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again from here
    answers, i = sys.stdout, 0
    sys.stdout = sys.stderr
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "check":
            answer = compare(peer, argument)
        elif command == "memory":
            answer = memory("VmHWM") - base
        else:
            began = time.perf_counter()
            for _ in range(int(argument)):
                peer.run(i)
                i += 1
            answer = time.perf_counter() - began
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
