"""The drawings of lesson 14, When latents die."""

import numpy as np

from ..style import BLUE, CLASSES, GREY, ORANGE, figure_to

COLORS = {"no cure": CLASSES[3], "warm-up": BLUE, "free bits": CLASSES[2], "capacity": ORANGE,
          "one hidden layer": CLASSES[4]}  # fmt: skip


def linear(path, lam, var_x, found, betas, curve, formula):
    """Nats of each latent against the variance of its direction; rate against distortion.

    `found` {beta: (nats (L,), distortion)} as trained; `curve` (rates, distortions) at `betas`; `formula(lam, beta)`.
    """
    with figure_to(path, (10, 3.9)) as figure:
        left, right = figure.subplots(1, 2)
        many = np.geomspace(lam.min() / 1.3, lam.max() * 1.3, 300)
        for (beta, (nats, distortion)), color in zip(found.items(), CLASSES, strict=False):
            left.plot(many, formula(many, beta), color=color, lw=1.4)
            left.plot(lam, nats, "o", color=color, ms=5, label=f"beta {beta}")
            right.plot(nats.sum(), distortion, "o", color=color, ms=6, zorder=3)
            right.annotate(f"beta {beta}", (nats.sum(), distortion), (7, 4), textcoords="offset points", fontsize=9)
        left.set(title=f"dots: trained; lines: formula, noise {var_x}", xscale="log", ylabel="KL of its latent, nats",
                 xlabel="variance of the direction, lam")  # fmt: skip
        left.set_xticks(lam, [f"{v:g}" for v in lam])
        left.minorticks_off()
        left.legend(fontsize=9)
        rate, lost = curve
        right.plot(rate, lost, color=GREY, label="best models, all beta")
        best = np.abs(betas - 1).argmin()
        line = np.array([2.2, 7.6])
        right.plot(line, rate[best] + lost[best] - line, color=GREY, ls="--", lw=1.2, label="the best ELBO: slope -1")
        right.set(title="the same trainings: what the code costs, and saves", xlabel="rate: KL, nats", xlim=(-0.3, 8),
                  ylabel="distortion: -log p(x | z), nats", ylim=(0, 36))  # fmt: skip
        right.legend(fontsize=9)


def ledger(path, found):
    """Both pulls on mu after each epoch: {name: (the KL's, the reconstruction's against it)}, (epochs,) each."""
    with figure_to(path, (10, 3.4)) as figure:
        axes = figure.subplots(1, len(found), sharey=True)
        for ax, (name, (kl, against)) in zip(axes, found.items(), strict=True):
            epochs = np.arange(1, len(kl) + 1)
            ax.plot(epochs, kl, color=ORANGE, label="the KL, toward the prior")
            ax.plot(epochs, against, color=BLUE, label="the reconstruction, against it")
            ax.set(title=name, xlabel="epoch")
        axes[0].set_ylabel("pull on mu, nats per unit of mu")
        axes[0].legend(fontsize=9)


def cures(path, nats):
    """{name: nats of each latent after each epoch (epochs, L)}: their sums over the epochs; each at the end."""
    with figure_to(path, (10, 3.6)) as figure:
        left, right = figure.subplots(1, 2)
        for i, (name, line) in enumerate(nats.items()):
            epochs, L = np.arange(1, len(line) + 1), line.shape[1]
            left.plot(epochs, line.sum(axis=1), color=COLORS[name], label=name)
            place = np.arange(L) + 0.2 * (i - 1.5)
            right.bar(place, np.sort(line[-1])[::-1], 0.2, color=COLORS[name], label=name)
        left.set(title="KL of the whole code", xlabel="epoch", ylabel="nats")
        left.legend(fontsize=9)
        right.set(title="of each of its eight latents in the end, the largest first", xlabel="latent", ylabel="nats")
        right.set_xticks(range(L), range(1, L + 1))
        right.grid(axis="x", visible=False)
        right.legend(fontsize=9)


def rate(path, curve, points):
    """What the code costs against what is lost: {beta: (elbo, rate, distortion)}, {name: [the same of each run]}."""
    with figure_to(path, (10, 5)) as figure:
        ax = figure.subplots()
        rates, lost = np.array([found[1:] for found in curve.values()]).T
        ax.plot(rates, lost, "o-", color=GREY, ms=5, label="one hidden layer, by beta")
        for beta, r, d in zip(curve, rates, lost, strict=True):
            place = (-22, -18) if beta == 1.4 else (5, 4)  # where no point and no line is
            ax.annotate(f"{beta:g}", (r, d), place, textcoords="offset points", color=GREY, fontsize=9)
        best = max(elbo for elbo, *_ in curve.values())
        line = np.array([0.2, 9.0])
        ax.plot(line, -best - line, color=GREY, ls="--", lw=1.2, label=f"ELBO {best:.1f}, the best of them")
        colors = COLORS | {"2 free nats each": CLASSES[8], "capacity, gamma 20": CLASSES[5]}
        for name, found in points.items():
            _, r, d = np.array(found).T
            ax.plot(r, d, "^", color=colors[name], ms=8, label=f"five hidden layers, {name}")
        ax.set(title="rate and distortion of VAEs of the digits", xlabel="rate: KL, nats",
               ylabel="distortion: -log p(x | z), nats", ylim=(15.5, 29))  # fmt: skip
        ax.legend(fontsize=9)
