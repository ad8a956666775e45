"""The pictures of figures.gpu."""

import numpy as np

from minivae.laboratory.parity import names_of
from minivae.laboratory.timing import quartiles, ratio
from minivae.plot import BLUE, CLASSES, GREY, ORANGE, figure_to

from .gpu_timing import PEERS, shares

FLOOR = 1e-17  # where equal bits are drawn
PARTS = (("kernels run", BLUE), ("the device waits for launches", ORANGE), ("it waits for something else", GREY))


def draw_parity(comparisons, limits, path):
    """{model: {comparison: Parity}}: the errors of every part with their limits, and the drift of the losses."""
    with figure_to(path, (15, 9.5)) as figure:
        counts = [len(names_of(pairs)) for pairs in comparisons.values()]
        axes = figure.subplots(2, len(comparisons), squeeze=False, sharey="row", height_ratios=(1.6, 1),
                               width_ratios=[n + 8 for n in counts])  # fmt: skip
        for (model, pairs), top, below in zip(comparisons.items(), *axes, strict=True):
            _draw_errors(top, model, pairs, limits)
            for color, p in zip(CLASSES, pairs.values(), strict=False):
                most = np.maximum(np.maximum.accumulate(p.drift), FLOOR)
                below.semilogy(1 + np.arange(len(most)), most, color=color)
            most = max(p.drift.max() for p in pairs.values())
            below.set(
                title=f"{model}: over {len(p.drift):,} steps the losses differ by {most:.1e} or less", xlabel="step"
            )
        axes[0, 0].set_ylabel("max abs(a - b) / max abs(b)")
        axes[1, 0].set_ylabel("largest relative difference so far")
        for row, top in zip(axes, (1e-2, None), strict=True):
            row[0].set_ylim(FLOOR / 4, top)
            decades = [10.0**k for k in range(-16, 0, 2) if 10.0**k < row[0].get_ylim()[1]]
            row[0].set_yticks([FLOOR, *decades], ["0", *(f"$10^{{{np.log10(d):.0f}}}$" for d in decades)])
            row[0].minorticks_off()
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels) // 2, fontsize=9)


def _draw_errors(ax, model, pairs, limits):
    names = names_of(pairs)
    above = total = 0
    for i, (color, (pair, p)) in enumerate(zip(CLASSES, pairs.items(), strict=False)):
        of_dtype = limits[pair.split()[1]]
        for errors, limit, marker, what in zip((p.values, p.gradients), of_dtype, "ox", ("values", "gradients"),
                                               strict=True):  # fmt: skip
            x = [names.index(name) + 0.25 * (i - (len(pairs) - 1) / 2) for name in errors]
            y = np.fromiter(errors.values(), float)
            ax.semilogy(x, np.maximum(y, FLOOR), marker, ms=4.5, color=color, label=f"{pair}, {what}")
            above += int((~(y <= limit)).sum())
            total += len(y)
    for dtype in {pair.split()[1]: None for pair in pairs}:
        for limit, what in dict(zip(limits[dtype], ("values", "gradients"), strict=True)).items():
            both = len(set(limits[dtype])) == 1
            ax.axhline(limit, color=GREY, lw=1, ls="--")
            label = f"limit of {dtype}" if both else f"limit of {dtype} {what}"
            ax.text(
                0.995, limit * 1.25, label, color="0.35", fontsize=8, ha="right", transform=ax.get_yaxis_transform()
            )
    ax.set_xticks(range(len(names)), names, rotation=90, fontsize=7.5)
    ax.set_xlim(-0.8, len(names) - 0.2)
    seen = (
        f"{above} of {total} errors are above their limit" if above else f"all {total} errors are within their limits"
    )
    ax.set_title(f"{model}: {seen}")


def draw_speed(rows, parts, path):
    """{(model, batch): {peer: ms per step of each block}}; {(model, batch): (ms of issuing, of the kernels)}."""
    models = list(dict.fromkeys(model for model, _ in rows))
    with figure_to(path, (6.5 * len(models), 9)) as figure:
        axes = figure.subplots(2, len(models), squeeze=False, height_ratios=(1.4, 1))
        for model, top, below in zip(models, *axes, strict=True):
            blocks = {N: times for (name, N), times in rows.items() if name == model}
            _draw_times(top, model, blocks)
            _draw_parts(below, model, blocks, {N: parts[model, N] for N in blocks if (model, N) in parts})
        axes[0, 0].set_ylabel("ms per step: median, quartiles")
        axes[1, 0].set_ylabel("part of minivae's step, %")
        axes[0, 0].legend()
        figure.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(PARTS))


def _draw_times(ax, model, blocks):
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    for color, label in zip((BLUE, ORANGE, CLASSES[2]), PEERS, strict=True):
        sizes = [N for N in blocks if label in blocks[N]]
        if sizes:
            low, middle, high = np.transpose([quartiles(blocks[N][label]) for N in sizes])
            ax.errorbar(
                sizes, middle, (middle - low, high - middle), fmt="-o", ms=4, capsize=3, color=color, label=label
            )
    ax.set(xscale="log", yscale="log", xlabel="batch size", title=model)
    ax.set_xticks(list(blocks), [f"{N:,}" for N in blocks])
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.minorticks_off()
    of = {N: ratio(times["minivae"], times["PyTorch eager"]).median
          for N, times in blocks.items() if {"minivae", "PyTorch eager"} <= times.keys()}  # fmt: skip
    if of:
        ax.set_title(f"{model}: {', '.join(f'{r:.2f}' for r in of.values())} of PyTorch eager's time")


def _draw_parts(ax, model, blocks, parts):
    bars = {N: shares(quartiles(blocks[N]["minivae"]).median, *parts[N]) for N in parts}
    bottom = np.zeros(len(bars))
    for i, (label, color) in enumerate(PARTS):
        height = np.array([100 * bar[i] for bar in bars.values()])
        ax.bar(range(len(bars)), height, 0.6, bottom, color=color, label=label)
        bottom += height
    ax.set(ylim=(0, 100), axisbelow=True)
    ax.set_xticks(range(len(bars)), [f"{N:,}\n{quartiles(blocks[N]['minivae']).median:.2f} ms" for N in bars])
    ax.set(xlabel="batch size, and a step", title=f"{model}: kernels run "
           + ", ".join(f"{bar[0]:.0%}" for bar in bars.values()) + " of the time")  # fmt: skip
