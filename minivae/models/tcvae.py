r"""beta-TCVAE (Chen, Li, Grosse & Duvenaud 2018, "Isolating Sources of Disentanglement in VAEs", 1802.04942).

        x --encoder--> mu, log_var --> z = mu + std eps --decoder--> out --likelihood--> log p(x | z)

E_x KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || \prod_l q(z_l)) + \sum_l KL(q(z_l) || p(z_l))                  (eq. 2)
loss = -E \log p(x|z) + I(x; z) + \beta TC + dimension-wise KL, TC the second term                           (eq. 4)

q(z), the mean of q(z | x_m) over the data, is estimated in the batch of N, of M training examples:

    weighted    1/N \sum_m q(z_n | x_m), in the paper divided by M, a constant without a gradient          (sec. 4)
    stratified  1/M q(z_n | x_n) + (1 - 1/M) / (N - 1) \sum_{m != n} q(z_n | x_m), whose mean is q(z_n)    (app. C)

The second differs from the paper's, which gives one example of the batch what is left, by symmetry alone. Under both
the log makes I(x; z) and TC depend on the size of the batch: those of training and of validation are not to be
compared. `evaluate --measure latents` estimates both from thousands of rows.
"""

import math

from ..backend import array_module
from ..densities import (
    aggregate_log_prob,
    aggregate_log_prob_backward,
    gaussian_log_prob,
    gaussian_log_prob_backward,
    reparameterize,
    reparameterize_backward,
)
from ..options import Option, one_of, whole
from .base import METRICS, Metric
from .beta import BETA, beta_of
from .networks import NETWORKS, build_networks
from .vae import VAE

ESTIMATORS = ("weighted", "stratified")


class TCVAE(VAE):
    """VAE whose KL is charged in three parts, of which `beta` weighs the total correlation alone.

    Parameters
    ----------
    encoder, decoder, likelihood, prior, beta
        As for VAE.
    estimator : {"weighted", "stratified"}
        Of q(z) in the batch.
    n_train : int, optional
        M, the number of training examples; for "stratified".

    Raises
    ------
    ValueError
        As for VAE, or if the estimator is none, or lacks M.
    """

    options = NETWORKS | BETA | {
        "estimator": Option(one_of(ESTIMATORS), "weighted", "of q(z) in the batch", "|".join(ESTIMATORS)),
    }  # fmt: skip
    metrics = METRICS | {
        "mi": Metric("I(x; z) in the batch", "lower"),
        "tc": Metric("total correlation in the batch", "lower"),
        "dim_kl": Metric("KL(q(z_l) || p(z_l)), summed", "lower"),
    }
    counts_data = True
    pairs_examples = True

    def __init__(self, encoder, decoder, likelihood=None, prior=None, beta=1.0, estimator="weighted", n_train=None):
        stratified = one_of(ESTIMATORS)("estimator", estimator) == "stratified"
        if stratified and n_train is None:
            raise ValueError("n_train: expected the number of training examples for estimator stratified, got none")
        self.M = whole(1)("n_train", n_train) if stratified else None
        super().__init__(encoder, decoder, likelihood, prior, beta)

    @classmethod
    def build(cls, shape, rng, *, estimator="weighted", n_train=None, beta=1.0, beta_schedule="constant",
              beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of `n_train` examples of `shape`, (h, w, c) or (D,): options as for VAE.build."""
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, beta=beta, estimator=estimator, n_train=n_train)

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        eps, beta, N, xp = noise["eps"], self.beta(t), len(x), array_module(x)
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # (N, L)
        z = reparameterize(mu, log_var, eps=eps)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # (N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # (N,) nats
        log_pz, c_z = self.prior.forward(z)
        log_qz_x = gaussian_log_prob(z, mu, log_var)
        log_weights = self.log_weights_of(N, z)
        log_q = aggregate_log_prob(z, mu, log_var, log_weights=log_weights)  # (N, 1 + L): q(z), then every q(z_l)
        log_qz, log_qz_l = log_q[:, 0], log_q[:, 1:].sum(axis=-1)
        mi, tc, dim_kl = (part.sum() / N for part in (log_qz_x - log_qz, log_qz - log_qz_l, log_qz_l - log_pz))
        log_px_z = log_px_z.sum() / N
        if grads:
            self.zero_grad()
            g = xp.full(N, 1 / N, out.dtype)
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            dz = dz + self.prior.backward(-g, c_z)
            dz_x, dmu_x, dlog_var_x = gaussian_log_prob_backward(g, z, mu, log_var)
            # forward was mi + beta tc + dim_kl, so now log q(z) gets beta - 1, and each log q(z_l) gets 1 - beta
            dlog_q = xp.full(log_q.shape, (1 - beta) / N, out.dtype)
            dlog_q[:, 0] = (beta - 1) / N
            dz_q, dmu_q, dlog_var_q = aggregate_log_prob_backward(dlog_q, z, mu, log_var, log_weights=log_weights)
            dmu, dlog_var = reparameterize_backward(dz + dz_x + dz_q, mu, log_var, eps=eps)
            self.encoder.backward((dmu + dmu_x + dmu_q, dlog_var + dlog_var_x + dlog_var_q), c_enc, need_dx=False)
        kl = self.prior.kl(mu, log_var).sum() / N
        return {"loss": mi + beta * tc + dim_kl - log_px_z, "elbo": log_px_z - kl, "log_px_z": log_px_z, "kl": kl,
                "mi": mi, "tc": tc, "dim_kl": dim_kl}  # fmt: skip

    def log_weights_of(self, N, like):
        """log N w (N, N), w_mn the weight of q(z | x_m) in q(z_n)."""
        xp = array_module(like)
        if self.M is None or N == 1:
            return xp.zeros((N, N), like.dtype)
        own, other = math.log(N / self.M), math.log(N * (1 - 1 / self.M) / (N - 1)) if self.M > 1 else -math.inf
        return xp.where(xp.eye(N, dtype=bool), own, other).astype(like.dtype)

    def loss_law(self, metrics, t):
        loss = metrics["mi"] + self.beta(t) * metrics["tc"] + metrics["dim_kl"] - metrics["log_px_z"]
        return {"loss = mi + beta tc + dim_kl - log_px_z": loss}
