"""The drawings of lesson 23, Sequences."""

import numpy as np

from ..lines import draw_lines, repeated
from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

CUT = 13  # letters of a line in the table of walks


def floor(path, excess, curve, truth, entropy):
    """Nats above the truth, {name: (nats, their standard error)}; the NLL of a model by epoch on the same lines."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for i, (nats, error) in enumerate(excess.values()):
            left.barh(i, nats, xerr=error, color=ORANGE if i == len(excess) - 1 else GREY, height=0.65)
            left.text(nats + 0.35, i, f"{nats:.2f}", va="center")
        left.set(title="what a line costs above the floor", xlabel="nats per line", xlim=(0, 17),
                 yticks=range(len(excess)), yticklabels=list(excess))  # fmt: skip
        left.invert_yaxis()
        left.grid(axis="y", visible=False)
        epochs = np.arange(1, len(curve) + 1)
        right.plot(epochs, curve, "o-", color=ORANGE, label="your GRU")
        right.axhline(entropy, color=GREY, ls=":", label=f"entropy: {entropy:.2f}, a mean over all lines")
        right.axhline(truth, color=BLUE, ls="--", label=f"the true -log p of these lines: {truth:.2f}")
        right.fill_between([0.8, len(curve) + 0.2], truth - 0.25, truth, color=BLUE, alpha=0.12, lw=0)
        right.set(title="held-out lines: the floor is that of the same lines", xlabel="epoch", ylabel="nats per line",
                  xlim=(0.8, len(curve) + 0.2), ylim=(truth - 0.25, curve[0] + 0.6), xticks=epochs)  # fmt: skip
        right.legend(loc="upper right", fontsize=9)


def reach(path, lengths, units):
    """The length of the gradient at a state, by how many steps lie between: {name: (T,)}; u of each unit, sorted."""
    with figure_to(path, (10, 3.4)) as figure:
        left, right = figure.subplots(1, 2)
        for (name, length), color in zip(lengths.items(), (GREY, ORANGE), strict=True):
            left.semilogy(np.arange(len(length)), length, "o-", ms=4, color=color, label=name)
        left.set(title="how far back a gradient reaches", xlabel="steps back from the place whose token is charged",
                 ylabel="length, of that at the place", xticks=range(0, 21, 5))  # fmt: skip
        left.legend()
        for (name, u), color in zip(units.items(), (GREY, ORANGE), strict=True):
            right.plot(np.arange(1, len(u) + 1), np.sort(u), ".", color=color, label=name)
        right.set(title="u: how much of its state a unit keeps", xlabel="unit, in the order of u", ylabel="mean of u",
                  ylim=(0, 1))  # fmt: skip
        right.legend()


def collapse(path, kls, costs):
    """The KL of each epoch {name: (epochs,)}; nats above the truth, {name: (by log p(x), by the ELBO)}."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for i, (name, kl) in enumerate(kls.items()):
            left.semilogy(np.arange(1, len(kl) + 1), kl, "o-", color=CLASSES[i], label=name)
        left.set(title="what z says", xlabel="epoch", ylabel="KL, nats per line", xticks=range(1, len(kl) + 1))
        left.legend(fontsize=9, ncols=2, loc="lower left")
        for i, (by_log_px, by_elbo) in enumerate(costs.values()):
            right.barh(i, by_elbo, color=CLASSES[i], height=0.65, alpha=0.35)
            right.barh(i, by_log_px, color=CLASSES[i], height=0.65)
            right.text(by_elbo + 0.05, i, f"{by_log_px:.2f} to {by_elbo:.2f}", va="center")
        right.set(title="what it costs above the floor", xlim=(0, 2.9), yticks=range(len(costs)),
                  yticklabels=list(costs), xlabel="nats per line; full: log p(x) by 20 samples, with pale: ELBO",
                  )  # fmt: skip
        right.invert_yaxis()
        right.grid(axis="y", visible=False)


def walks(path, ends, walked):
    """Lines at equal steps of z, [{name: lines}] for each pair of `ends`; grey where a line is the one before."""
    rows = []
    for of_models in walked:
        for name, lines in of_models.items():
            rows.append([name, *repeated(list(map(_cut, lines)))])
        rows.append([])
    shares = np.linspace(0, 1, len(rows[0]) - 1)
    between = ", then ".join(f"from {start} to {end}" for start, end in ends)
    draw_lines(rows[:-1], ("", *(f"{share:.2f}" for share in shares)), path,
               f"Decoded between the means of two lines: {between}. Grey: the same line again")  # fmt: skip


def _cut(line):
    return line if len(line) <= CUT else f"{line[: CUT - 1]}\N{HORIZONTAL ELLIPSIS}"
