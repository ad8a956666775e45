"""Exercises of lesson 17: a mixture's log density and its gradient, what the mean KL pays for, two laws of a prior."""

from ..exercise import Exercise
from .laws_slips import LAWS
from .prior_draws import components, encoder, for_gradient, heads, heads_of, posteriors, suspect
from .priors_by_hand import (
    best_gaussian,
    log_mixture,
    log_mixture_backward,
    prior_laws,
    pseudo_backward,
    surgery,
)
from .priors_slips import PRIORS

EXERCISES = (
    Exercise(
        "17.1",
        "log_mixture",
        "log_pz",
        components,
        log_mixture,
        hints=(
            "a = log_w[:, None] + log_density(z, mu, log_var) is (C, N): the weight's logarithm in every row.",
            "top = a.max(axis=0) is the largest of each z, (N,). Subtract it from a; now the largest exponential is 1.",
            "log_pz = top + the log of the sum over axis 0 of exp(a - top).",
        ),
        slips=PRIORS["17.1"],
    ),
    Exercise(
        "17.2",
        "surgery",
        "information, marginal_kl",
        posteriors,
        surgery,
        points=2,
        hints=(
            "log_density(z, mu, log_var) is (N, N). Which of its numbers are log q(z_n | x_n), with z_n in its own "
            "posterior?",
            "q(z) is a mixture of the N posteriors with equal weights: call your log_mixture, with which log_w?",
            "Subtract and add log q(z_n) in log q(z_n | x_n) - log p(z_n). Each half is averaged over n.",
        ),
        slips=PRIORS["17.2"],
    ),
    Exercise(
        "17.3",
        "best_gaussian",
        "mu_p, log_var_p",
        heads,
        best_gaussian,
        hints=(
            "Both formulas stand above; the means are over the examples, axis 0.",
            "np.var(mu, axis=0) is the mean of (mu - mu_p)^2, since mu_p is the mean of mu.",
        ),
        slips=PRIORS["17.3"],
    ),
    Exercise(
        "17.4",
        "log_mixture_backward",
        "dz, dmu, dlog_var",
        for_gradient,
        log_mixture_backward,
        value=lambda g, z, mu, log_var, log_w: (g * log_mixture(z, mu, log_var, log_w)).sum(),
        points=2,
        hints=(
            "First the derivative of log_pz in each a (C, N), holding the others: exp(a) over a sum. Compute it as "
            "np.exp(a - log_mixture(z, mu, log_var, log_w)), and multiply it with g.",
            "Then the derivative of a_c: -(z - mu_c) / v_c in z, the negative of that in mu_c, and two terms in "
            "log_var_c. Here v = exp(log_var), and z - mu[:, None] is (C, N, L).",
            "z is in all C Gaussians: sum over axis 0. mu_c is in the density of all N z: sum over axis 1.",
        ),
        slips=PRIORS["17.4"],
    ),
    Exercise(
        "17.5",
        "pseudo_backward",
        "da, dW1, dW2",
        encoder,
        pseudo_backward,
        value=heads_of,
        hints=(
            "Run the forward again: u, t, h. The heads are one array: np.concatenate([dmu, dlog_var], axis=1).",
            "dheads @ W2.T is dh. Through tanh it is multiplied with 1 - h^2, through the sigmoid with u (1 - u).",
            "A dense layer's dW is its input, transposed, times what comes from above: the inputs are u and h.",
        ),
        slips=PRIORS["17.5"],
    ),
    Exercise(
        "17.6",
        "prior_laws",
        "equal, score",
        suspect,
        prior_laws,
        hints=(
            "For equal, let q be the prior: kl(mu_p[None], log_var_p[None], mu_p, log_var_p) has one number, (1,).",
            "z = mu + exp(log_var / 2) eps is (K, N, L). log q(z) has mu and log_var, log p(z) has mu_p and log_var_p; "
            "their difference, summed over the latents, is (K, N).",
            "The standard error is that of lesson 7: the standard deviation over axis 0, divided by the root of K.",
        ),
        slips=LAWS["17.6"],
        tolerance=1e-5,
    ),
)  # fmt: skip
