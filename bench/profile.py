"""python -m bench.profile WORK: where a training step spends its time, layer by layer, on one core."""

import argparse
import os

REPEAT = 50


def main():
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    from minivae.laboratory.timing import adding, seconds_of
    from minivae.layers import Layer
    from minivae.tables import markdown

    from .ours import Minivae, Products
    from .works import WORKS, arrays

    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    steps = [name for name, work in WORKS.items() if work.kind == "step"]
    parser.add_argument("work", choices=steps)
    work = WORKS[parser.parse_args().work]
    peer = Minivae(work, arrays(work), 1)
    spent = {}
    floor = seconds_of(Products(work, None, 1).run, REPEAT) / REPEAT
    for name, layer in peer.model.named(Layer).items():
        if list(layer.named(Layer)) == [""]:  # nothing but itself
            for way in {"forward", "backward", "kl", "kl_backward"} & set(dir(layer)):
                label = f"{name} {type(layer).__name__} {way}"
                setattr(layer, way, adding(getattr(layer, way), spent, label))
    peer.optimizer.step = adding(peer.optimizer.step, spent, "optimizer.step")
    seconds_of(peer.run, REPEAT)  # the first steps are slower
    spent.clear()
    whole = seconds_of(peer.run, REPEAT) / REPEAT
    spent = {name: value / REPEAT for name, value in spent.items()}
    spent["the model's own lines, noise, the loss as a float"] = whole - sum(spent.values())
    print(f"{work.name}: {whole * 1e3:.2f} ms a step, its matrix products alone {floor * 1e3:.2f} ms\n")
    parts = sorted(spent.items(), key=lambda pair: -pair[1])
    rows = [(name, f"{value * 1e3:.3f}", f"{value / whole:.0%}") for name, value in parts]
    print(markdown(("part", "ms", "of the step"), *rows))


if __name__ == "__main__":
    main()
