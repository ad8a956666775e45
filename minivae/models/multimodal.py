r"""A VAE of a thing that is seen in two ways, x and its class y, of which any may be missing: the product of experts
(MVAE, Wu & Goodman 2018, 1802.05335) and the mixture of experts (MMVAE, Shi et al. 2019, 1911.03393).

        x --encoder--> N(mu_1, v_1) --+                                 +--decoder--> log p(x | z)
                                      +--> q(z | what is observed) --> z
        y --encoder--> N(mu_2, v_2) --+                                 +--decoder--> log p(y | z)

product:  q(z|X) \propto p(z) \prod_m N(z; mu_m, v_m), over those m that are observed            (MVAE, sec. 2.2)
mixture:  q(z|X) = 1/M \sum_m N(z; mu_m, v_m)                                                      (MMVAE, eq. 2)
ELBO(X) = E_{q(z|X)}[\sum_m \log p(x_m|z) + \log p(z) - \log q(z|X)] <= \log p(X)

The loss of a product is -ELBO(x, y) - ELBO(x) - ELBO(y): without the last two no expert learns to see alone (MVAE, eq.
4). That of a mixture is -ELBO(x, y), in which one z of each expert is decoded into both x and y (MMVAE, eq. 3).
"""

import math

from ..backend import array_module
from ..densities import (
    gaussian_log_prob,
    log_mean_exp,
    log_mean_exp_backward,
    mixture_of_experts,
    mixture_of_experts_backward,
    product_of_experts,
    product_of_experts_backward,
    reparameterize,
    reparameterize_backward,
)
from ..likelihoods import Softmax
from ..options import Option, one_of, read_arguments, real
from .base import METRICS, Metric
from .beta import BETA, beta_of
from .labels import Labels
from .modalities import SeenTwice, WithLabel, check_norm
from .networks import NETWORKS, build_networks
from .vae import VAE

EXPERTS = ("product", "mixture")


class _ExpertsVAE(SeenTwice, VAE):
    """A VAE of a thing with two `modalities`; q(z | x, y) is the product or the mixture of what their encoders say."""

    options = NETWORKS | BETA | {
        "experts": Option(one_of(EXPERTS), "product", "how q(z | x) and q(z | y) come together", "|".join(EXPERTS)),
    }  # fmt: skip

    def __init__(self, encoder, decoder, likelihood=None, experts="product", beta=1.0):
        (self.experts,) = read_arguments(_ExpertsVAE.options, experts=experts)
        super().__init__(encoder, decoder, likelihood, beta=beta)
        if self.experts == "mixture":
            self.latent = "point"  # q(z | x, y) is no Gaussian

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        noise = {"eps": rng.standard_normal((n, self.L), dtype="float32")}
        decoded = {"dec": 1, "alone": 1} if self.experts == "product" else {"dec": 2}
        for part in self.modalities:
            noise["enc" + part.name] = part.encoder.draw_noise(rng, n) if train else None
            for call, times in decoded.items():
                noise[call + part.name] = part.decoder.draw_noise(rng, times * n) if train else None
        return noise

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`.

        y (N,) are classes, -1 where they are unknown; a row of x that is all NaN is unknown as well. `elbo` is that of
        log p of what is known. Every z has the same noise.
        """
        seen, known = self._views(x, y)
        heads, c_enc = zip(*(part.encoder.forward(part.likelihood.seen(v), noise["enc" + part.name])
                             for part, v in zip(self.modalities, seen, strict=True)), strict=True)  # fmt: skip
        q = [array_module(x).stack(parts) for parts in zip(*heads, strict=True)]  # mu, log_var (2, N, L)
        if grads:
            self.zero_grad()
        step = self._product if self.experts == "product" else self._mixture
        metrics, dq = step(seen, known, q, noise, self.beta(t), grads)
        if grads:
            for part, cache, *dheads in zip(self.modalities, c_enc, *dq, strict=True):
                part.encoder.backward(tuple(dheads), cache, need_dx=False)
        return metrics

    def _product(self, seen, known, q, noise, beta, grads):
        """(metrics, (dmu, dlog_var) (2, N, L)) of ELBO(x, y), ELBO(x) and ELBO(y)."""
        eps, N, metrics, dq = noise["eps"], len(seen[0]), {}, 0
        both = known.prod(axis=0)
        xp = array_module(both)
        alone = both * xp.eye(2, dtype=both.dtype)[:, :, None]  # (2, 2, N): x, y; nothing where only one is known
        for i, observed in enumerate((known, *alone)):
            mu, log_var = product_of_experts(*q, observed=observed)
            z = reparameterize(mu, log_var, eps=eps)  # (N, L)
            kl = self.prior.kl(mu, log_var)
            call, which = ("alone", (i - 1,)) if i else ("dec", (0, 1))
            log_p, weighted, dz = self._decoded(seen, observed / N, z, noise, which, grads, call)
            kl_mean = kl.sum() / N
            if i == 0:
                metrics = {"loss": 0, "elbo": log_p - kl_mean, "log_px_z": log_p, "kl": kl_mean}
            metrics["loss"] = metrics["loss"] + beta * kl_mean - weighted
            if grads:
                d = zip(reparameterize_backward(dz, mu, log_var, eps=eps),
                        self.prior.kl_backward(xp.full_like(kl, beta / N), mu, log_var), strict=True)  # fmt: skip
                dq = dq + xp.stack(product_of_experts_backward(xp.stack([a + b for a, b in d]), *q, observed=observed))
        return metrics, dq

    def _mixture(self, seen, known, q, noise, beta, grads):
        """(metrics, (dmu, dlog_var) (2, N, L)) of ELBO(x, y), of one z from each expert."""
        eps, N = noise["eps"][None], len(seen[0])
        (mu, log_var), share, takes = self._shares(q, known)
        z = reparameterize(mu, log_var, eps=eps)  # (2, N, L)
        log_pz, c_z = self.prior.forward(z)
        log_qz = mixture_of_experts(z, mu, log_var, observed=takes)  # (2, N)
        g = share / N
        log_p, weighted, dz = self._decoded(seen, known[:, None] * g, z, noise, (0, 1), grads, "dec")
        kl = (g * (log_qz - log_pz)).sum()
        metrics = {"loss": beta * kl - weighted, "elbo": log_p - kl, "log_px_z": log_p, "kl": kl}
        if not grads:
            return metrics, None
        dz_q, dmu_q, dlog_var_q = mixture_of_experts_backward(beta * g, z, mu, log_var, observed=takes)
        dz = dz + self.prior.backward(-beta * g, c_z) + dz_q
        dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
        return metrics, (known[..., None] * (dmu + dmu_q), known[..., None] * (dlog_var + dlog_var_q))

    def log_terms(self, x, eps, y=None):
        """log p(x, y | z), log p(z), log q(z | x, y): x (N, D), eps (K, N, L) -> (K, N) nats each, of what is known.

        Of a mixture there is a z_m of each expert for each eps. The terms are means over them, under p(z_m | x, y), so
        that their sum is log 1/M sum_m p(x, y, z_m) / q(z_m | x, y): its exp has the mean p(x, y) as well.
        """
        seen, known, q = self._experts(x, y)
        if self.experts == "product":
            mu, log_var = product_of_experts(*q, observed=known)
            z = reparameterize(mu, log_var, eps=eps)  # (K, N, L)
            return self._log_p(seen, known, z), self.prior.forward(z)[0], gaussian_log_prob(z, mu, log_var)
        (mu, log_var), _, takes = self._shares(q, known)
        z = reparameterize(mu[:, None], log_var[:, None], eps=eps[None])  # (2, K, N, L)
        log_p, log_pz = self._log_p(seen, known, z), self.prior.forward(z)[0]  # (2, K, N)
        log_qz = mixture_of_experts(z, mu, log_var, observed=takes)
        xp = array_module(z)
        log_w = xp.where(takes[:, None] > 0, log_p + log_pz - log_qz, -math.inf)
        p = log_mean_exp_backward(xp.ones(eps.shape[:-1], z.dtype), log_w)
        total = log_mean_exp(log_w) - xp.log(takes.mean(axis=0))  # (K, N)
        log_p, log_pz = (p * log_p).sum(axis=0), (p * log_pz).sum(axis=0)
        return log_p, log_pz, log_p + log_pz - total


class Multimodal(WithLabel, _ExpertsVAE):
    """A VAE of x and its class y, which finds one from the other.

    Parameters
    ----------
    encoder, decoder, likelihood, beta
        As for VAE, of x.
    label_encoder : Network
        One-hot rows of y (..., C) -> (mu, log_var), each (..., L).
    label_decoder : Network
        z (..., L) -> logits of p(y | z) (..., C).
    labels : Labels
        C classes.
    experts : {"product", "mixture"}
        What q(z | x, y) is of what both encoders say.
    label_weight : float
        Weight of log p(y | z) in `loss`; in `elbo` it is always 1.
    """

    options = _ExpertsVAE.options | {
        "label_weight": Option(real(closed=True), 10.0, "weight of log p(y | z) in the loss", "X"),
    }
    metrics = METRICS | {
        "log_px_z": Metric("reconstruction, log p(x, y | z)", "higher"),
        "kl": Metric("KL(q(z | x, y) || p(z))", "lower"),
    }

    def __init__(self, encoder, decoder, label_encoder, label_decoder, labels, likelihood=None, experts="product",
                 label_weight=10.0, beta=1.0):  # fmt: skip
        classes = Labels.read(labels)
        if classes.kind != "classes":
            raise ValueError(f"labels: expected classes, got {classes.kind}")
        (self.label_weight,) = read_arguments(self.options, label_weight=label_weight)
        self.label_encoder, self.label_decoder, self.label_likelihood = label_encoder, label_decoder, Softmax()
        super().__init__(encoder, decoder, likelihood, experts, beta)
        self.labels = classes

    @classmethod
    def build(cls, shape, rng, *, labels=None, experts="product", label_weight=10.0, beta=1.0, beta_schedule="constant",
              beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """As VAE.build, of the data's `labels`; the networks of y have the dense layers of those of x."""
        C = Labels.read(labels).count
        check_norm(networks.get("norm"), "y")
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        alike = {name: networks[name] for name in ("hidden", "latent", "activation", "norm", "dropout")
                 if name in networks}  # fmt: skip
        of_y = build_networks((C,), rng, likelihood="softmax", **alike)[:2]
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, *of_y, labels, likelihood, experts, label_weight, beta)
