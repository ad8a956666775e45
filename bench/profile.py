"""python -m bench.profile WORK: where a training step spends its time, layer by layer, on one core."""

import argparse
import os
import time
from collections import defaultdict

REPEAT = 50


def timed(f, name, spent):
    def call(*args, **kwargs):
        began = time.perf_counter()
        result = f(*args, **kwargs)
        spent[name] += time.perf_counter() - began
        return result

    return call


def seconds(run):
    """Of one repetition."""
    began = time.perf_counter()
    for i in range(REPEAT):
        run(i)
    return (time.perf_counter() - began) / REPEAT


def main():
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    from minivae.layers import Layer

    from .ours import Minivae, Products
    from .works import WORKS, arrays

    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    steps = [name for name, work in WORKS.items() if work.kind == "step"]
    parser.add_argument("work", choices=steps)
    work = WORKS[parser.parse_args().work]
    peer, spent = Minivae(work, arrays(work), 1), defaultdict(float)
    floor = seconds(Products(work, None, 1).run)
    for name, layer in peer.model.named(Layer).items():
        if list(layer.named(Layer)) == [""]:  # nothing but itself
            for way in {"forward", "backward", "kl", "kl_backward"} & set(dir(layer)):
                label = f"{name} {type(layer).__name__} {way}"
                setattr(layer, way, timed(getattr(layer, way), label, spent))
    peer.optimizer.step = timed(peer.optimizer.step, "optimizer.step", spent)
    seconds(peer.run)  # the first steps are slower
    spent.clear()
    whole = seconds(peer.run)
    spent = {name: value / REPEAT for name, value in spent.items()}
    spent["the model's own lines, noise, the loss as a float"] = whole - sum(spent.values())
    print(f"{work.name}: {whole * 1e3:.2f} ms a step, its matrix products alone {floor * 1e3:.2f} ms\n")
    print("| part | ms | of the step |\n|---|---|---|")
    for name, value in sorted(spent.items(), key=lambda pair: -pair[1]):
        print(f"| {name} | {value * 1e3:.3f} | {value / whole:.0%} |")


if __name__ == "__main__":
    main()
