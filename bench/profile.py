"""python -m bench.profile WORK: where a training step spends its time, layer by layer."""

import os
import sys
import time
from collections import defaultdict

from .works import WORKS, arrays


def timed(f, name, spent):
    def call(*args, **kwargs):
        began = time.perf_counter()
        result = f(*args, **kwargs)
        spent[name] += time.perf_counter() - began
        return result

    return call


def main():
    work = WORKS[sys.argv[1]]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(os.environ.get("OPENBLAS_NUM_THREADS", 1))])
    from minivae.layers.base import Layer

    from .ours import Minivae, Products

    peer, spent = Minivae(work, arrays(work), 1), defaultdict(float)
    leaves = {n: m for n, m in peer.model.named(Layer).items() if not m.named(Layer).keys() - {""}}
    for name, layer in leaves.items():
        label = f"{name} {type(layer).__name__}"
        for way in ("forward", "backward", "kl", "kl_backward"):
            if hasattr(layer, way):
                setattr(layer, way, timed(getattr(layer, way), f"{label} {way}", spent))
    peer.optimizer.step = timed(peer.optimizer.step, "optimizer.step", spent)
    for i in range(3):
        peer.run(i)
    spent.clear()
    began = time.perf_counter()
    for i in range(work.repeat):
        peer.run(i)
    whole = time.perf_counter() - began
    products = Products(work, None, 1)
    began = time.perf_counter()
    for i in range(work.repeat):
        products.run(i)
    floor = time.perf_counter() - began
    ms = [seconds / work.repeat * 1e3 for seconds in (whole, floor)]
    print("{}: {:.2f} ms a step, its matrix products alone {:.2f} ms\n".format(work.name, *ms))
    print("| part | ms | of the step |\n|---|---|---|")
    spent["the model's own lines, noise, the loss as a float"] = whole - sum(spent.values())
    for name, seconds in sorted(spent.items(), key=lambda pair: -pair[1]):
        print(f"| {name} | {seconds / work.repeat * 1e3:.3f} | {seconds / whole:.0%} |")


if __name__ == "__main__":
    main()
