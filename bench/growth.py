"""python -m bench.growth: time per example against each size of the work, minivae and PyTorch eager on one core.

Writes figures/speed_growth.png and prints its numbers.
"""

from matplotlib.ticker import LogLocator, NullFormatter

from minivae import plot
from minivae.laboratory.timing import quartiles
from minivae.tables import markdown

from .__main__ import HERE, measure
from .works import find

PANELS = {  # label: (key of the work with a place for the size, sizes)
    "batch size": ("mnist N={}", (1, 4, 16, 64, 256, 1024)),
    "hidden width": ("mnist hidden=({},)", (50, 100, 200, 400, 800, 1600)),
    "latents": ("mnist latent={}", (2, 5, 20, 50, 200, 800)),
    "image side, convolutional": ("conv shape=({0}, {0}, 1); N=32", (8, 16, 32, 64)),
    "samples K of log p(x)": ("evidence N=2; K={}", (1, 10, 100, 1000, 5000)),
}
PEERS = {"minivae": plot.BLUE, "torch": plot.ORANGE}


def microseconds(key):
    """{peer: median microseconds per example} of one work."""
    work = find(key)
    results = measure(key, 1, list(PEERS), rounds=5, seconds=0.2)
    return {peer: quartiles(r["times"]).median / work.unit[1] / work.N * 1e6 for peer, r in results.items()}


def main():
    times = {}
    print(markdown(("grows", "at", "minivae, us per example", "torch", "ratio")))
    for label, (key, sizes) in PANELS.items():
        times[label] = [microseconds(key.format(size)) for size in sizes]
        for size, t in zip(sizes, times[label], strict=True):
            ratio = t["minivae"] / t["torch"]
            print(f"| {label} | {size} | {t['minivae']:.3g} | {t['torch']:.3g} | {ratio:.2f} |", flush=True)
    with plot.figure_to(HERE.parent / "figures" / "speed_growth.png", (13, 3)) as figure:
        axes = figure.subplots(1, len(PANELS))
        for ax, (label, (_, sizes)) in zip(axes, PANELS.items(), strict=True):
            for peer, color in PEERS.items():
                name = {"torch": "PyTorch eager"}.get(peer, peer)
                ax.loglog(sizes, [t[peer] for t in times[label]], "-o", ms=4, color=color, label=name)
            ax.set_xlabel(label)
            ax.set_xticks(sizes[:: 1 if len(sizes) < 5 else 2], minor=False)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter(NullFormatter())
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes[0].set_ylabel("microseconds per example")
        axes[0].legend()


if __name__ == "__main__":
    main()
