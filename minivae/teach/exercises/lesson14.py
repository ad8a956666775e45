"""Exercises of lesson 14: what a latent is worth; the two pulls on mu; warm-up, free bits, a capacity."""

from ..exercise import Exercise
from . import collapse_draws as draws
from .collapse_by_hand import best_latent, best_q, capacity, free_bits, ledger, warm_up
from .collapse_slips import LATENTS
from .cures_slips import CURES

EXERCISES = (
    Exercise(
        "14.1",
        "best_q",
        "a, log_var",
        draws.decoder,
        best_q,
        points=2,
        hints=(
            "Differentiate the loss once by a and once by v, with w held. Each derivative is 0 at the best place.",
            "By a: -w (1 - w a) lam / var_x + beta a lam = 0. What happens to lam? By v: w^2 / var_x + beta - beta / v "
            "= 0.",
            "Solve both, and bring beta var_x to the top: for beta = 1 you must find lesson 7's posterior again.",
        ),
        slips=LATENTS["14.1"],
    ),
    Exercise(
        "14.2",
        "best_latent",
        "w, kl",
        draws.directions,
        best_latent,
        points=2,
        hints=(
            "Put c = w^2 + beta var_x. Then a = w / c, v = beta var_x / c and 1 - w a = v. Write the loss as a "
            "function of c alone.",
            "Up to the factor beta / 2 and constants, lam / c + log c is left. Where is its derivative 0? And can c be "
            "that, if lam is less than beta var_x?",
            "Now the KL, with c = lam: what is a^2 lam + v then? Only a logarithm is left. And np.maximum takes care "
            "of the latents that are worth nothing.",
        ),
        slips=LATENTS["14.2"],
    ),
    Exercise(
        "14.3",
        "ledger",
        "reconstruction, kl, cosine",
        draws.pulled,
        ledger,
        hints=(
            "N dmu is the gradient of each example's own loss. The KL's part of it is beta mu; the rest is the "
            "reconstruction's.",
            "Root mean square over the examples: square, mean(axis=0), root. One number per latent.",
            "The cosine of two columns: the mean of their product, divided by both root mean squares.",
        ),
        slips=LATENTS["14.3"],
    ),
    Exercise(
        "14.4",
        "warm_up",
        "beta_t",
        draws.steps,
        warm_up,
        hints=("t / steps is the share of the rise that is done. It must not go on beyond 1.", "np.minimum(..., 1)"),
        slips=CURES["14.4"],
    ),
    Exercise(
        "14.5",
        "free_bits",
        "cost, dkl",
        draws.some_free,
        free_bits,
        value=lambda kl, beta, least: free_bits(kl, beta, least)[0],
        hints=(
            "mean = kl.mean(axis=0), one number per latent; np.maximum with least; the sum; times beta.",
            "Of a latent whose mean is the larger one, each of the N entries has the share 1 / N. Of the others, none.",
            "(mean >= least) is 1 or 0 for each latent; np.broadcast_to(..., kl.shape) repeats it for the examples.",
        ),
        slips=CURES["14.5"],
    ),
    Exercise(
        "14.6",
        "capacity",
        "cost, dkl",
        draws.held,
        capacity,
        value=lambda kl, gamma, C: capacity(kl, gamma, C)[0],
        hints=(
            "KL = kl.sum() / len(kl): all latents, averaged over the examples. One number, before the absolute value.",
            "The derivative of |u| is the sign of u. u = KL - C, and each entry of kl has the share 1 / N in it.",
            "np.sign(...) is +1, -1 or 0; np.full_like(kl, number) has the shape.",
        ),
        slips=CURES["14.6"],
    ),
)
