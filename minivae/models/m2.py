r"""Semi-supervised learning with a VAE: M2 (Kingma, Rezende, Mohamed & Welling 2014, 1406.5298).

        x --classifier--> q(y | x)         y is known, or every class in turn
                                           |
                  +------------------------+---------------+
                  v                                        v
        x --(x, y)--encoder--> mu, log_var --> z --(z, y)--decoder--> out --likelihood--> log p(x | y, z)

-L(x, y) = E_{q(z|x,y)}[\log p(x|y,z)] + \log p(y) - \beta KL(q(z|x,y) || p(z)) <= \log p(x, y) for \beta = 1  (eq. 6)
-U(x) = \sum_y q(y|x) (-L(x, y)) + H(q(y|x)) <= \log p(x) for \beta = 1                                        (eq. 7)

loss = mean over the rows of a batch of L(x, y), where y is known, or else U(x)
       + \alpha mean over its rows with labels of -\log q(y|x)                                          (eq. 8 and 9)

A row counts as often as it is presented, see `Dataset.order`: so few labels come again and again. The paper's alpha, of
a sum over all N rows, is 0.1 N. All classes are summed out, with the same noise of z.
"""

import math

from ..backend import array_module
from ..densities import (
    choice_bound,
    choice_bound_backward,
    gaussian_log_prob,
    log_mean_exp,
    reparameterize,
    reparameterize_backward,
    softmax_log_prob,
    softmax_log_prob_backward,
)
from ..layers import of_each_class
from ..numeric import softmax
from ..options import Option, read_arguments, real, switch, whole
from .base import METRICS, Metric
from .beta import BETA, beta_of
from .inferred import InferredY
from .labels import Labels
from .networks import NETWORKS, build_networks
from .vae import VAE

OF_LABELS = {"loss": METRICS["loss"], "error": Metric("error of q(y | x)", "lower", "%")}


class M2(InferredY, VAE):
    """A VAE of x and its class y, which learns from many x and few y.

    Parameters
    ----------
    classifier : Network
        x (..., D) -> logits of q(y | x) (..., C).
    encoder : EachClass
        x (N, D) -> (mu, log_var) of q(z | x, y) of each class y, (C, N, L) each.
    decoder : Network
        (z, y) (..., L + C) -> out (..., D * likelihood.n_out).
    labels : Labels
        C classes.
    likelihood, beta
        As for VAE.
    alpha : float
        Weight of -log q(y | x).
    labels_steps : int
        In so many steps at first q(y | x) learns from the labels alone, and the rest of the model from all rows.
    labels_only : bool
        Learn q(y | x) alone, from the rows with labels alone.
    """

    options = NETWORKS | BETA | {
        "alpha": Option(real(closed=True), 0.1, "weight of -log q(y | x) of rows with labels", "X"),
        "labels_first": Option(whole(0), 0, "epochs at first in which q(y | x) learns from the labels alone", "N"),
        "labels_only": Option(switch, False, "learn q(y | x) alone, from the rows with labels alone"),
    }  # fmt: skip
    monitor = "error"
    metrics = METRICS | {"kl": Metric("KL(q(y, z | x) || p(y, z))", "lower")} | OF_LABELS

    def __init__(self, classifier, encoder, decoder, labels, likelihood=None, beta=1.0, alpha=0.1, labels_steps=0,
                 labels_only=False):  # fmt: skip
        self.labels = Labels.read(labels)
        if self.labels.kind != "classes":
            raise ValueError(f"labels: expected classes, got {self.labels.kind}")
        self.alpha, labels_only = read_arguments(M2.options, alpha=alpha, labels_only=labels_only)
        self.labels_steps = whole(0)("labels_steps", labels_steps)
        self.classifier = classifier
        super().__init__(encoder, decoder, likelihood, beta=beta)
        self.D = self.rows_of(encoder)
        if labels_only:
            self.generates, self.metrics, self.log_weights = False, OF_LABELS, None

    @classmethod
    def metrics_of(cls, settings):
        """{name: Metric} of a model with these options: q(y | x) alone has no bound."""
        return OF_LABELS if settings["labels_only"] else cls.metrics

    @classmethod
    def build(cls, shape, rng, *, labels=None, latent=20, norm="none", dropout=0.0, alpha=0.1, labels_first=0,
              labels_only=False, beta=1.0, beta_schedule="constant", beta_epochs=None, pass_steps=1,
              **networks):  # fmt: skip
        """As VAE.build, of the data's `labels`. `dropout` is the classifier's. At first all classes are alike: what
        each of them is labels say, and not random weights."""
        C = Labels.read(labels).count
        if norm == "batch":
            raise ValueError("norm: expected one without statistics of the batch, which has every row once for each "
                             "class, such as layer; got batch")  # fmt: skip
        networks["norm"] = norm
        (labels_first,) = read_arguments(cls.options, labels_first=labels_first)
        classifier, _, _ = build_networks(shape, rng, latent=C, heads=1, dropout=dropout, **networks)
        encoder, _, likelihood = build_networks(shape, rng, latent=latent, **networks)
        _, decoder, _ = build_networks(shape, rng, latent=latent, given=C, **networks)
        classifier.layers[-1].W.data[...] = 0
        decoder.layers[0].W.data[-C:] = 0
        encoder = of_each_class(encoder, C, rng)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        steps = labels_first * whole(1)("pass_steps", pass_steps)
        return cls(classifier, encoder, decoder, labels, likelihood, beta, alpha, steps, labels_only)

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        return {
            "eps": rng.standard_normal((n, self.L), dtype="float32"),
            "cls": self.classifier.draw_noise(rng, n) if train else None,
            "enc": self.encoder.draw_noise(rng, n) if train else None,
            "dec": self.decoder.draw_noise(rng, self.labels.count * n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`.

        y (N,) are classes, -1 where they are unknown; without y all are. `elbo` is -U(x) of every row, its `kl` that of
        y and z together; `error` is NaN where no row has a label.
        """
        xp, held = array_module(x), t < self.labels_steps
        logits, c_cls = self.classifier.forward(self.seen(x), noise["cls"])  # (N, C)
        target = self._target(y, logits)  # (N, C): one-hot rows, of zeros where y is unknown
        known = target.sum(axis=-1)  # (N,): 1 or 0
        n_known = xp.maximum(known.sum(), 1)
        loss = -self.alpha * softmax_log_prob(logits, x=target).sum() / n_known
        dlogits = softmax_log_prob_backward(-self.alpha / n_known * known, logits, x=target)
        metrics = {"loss": loss}
        if grads:
            self.zero_grad()
        if self.generates:
            q = noise["held"] if held and "held" in noise else logits
            bound, more = self._bounds(x, noise, logits, q, target, self.beta(t), grads)
            metrics |= bound | {"loss": bound["loss"] + loss}
            dlogits = dlogits if held else dlogits + more
        if grads:
            self.classifier.backward(dlogits, c_cls, need_dx=False)
        right = (target * self._target(logits.argmax(axis=-1), logits)).sum()
        return metrics | {"error": xp.where(known.sum() > 0, 100 * (1 - right / n_known), math.nan)}

    def _bounds(self, x, noise, logits, q, target, beta, grads):
        """(metrics of the mean of L(x, y) or U(x), where q are the logits of q(y | x); the gradient of it for q)."""
        eps, N, known = noise["eps"][None], len(x), target.sum(axis=-1)
        (mu, log_var), c_enc = self.encoder.forward(self.seen(x), noise["enc"])  # (C, N, L)
        z = reparameterize(mu, log_var, eps=eps)  # (C, N, L)
        out, c_dec = self.decoder.forward(self._beside_each(z), noise["dec"])  # (C, N, D * n_out)
        log_px_yz, c_x = self.likelihood.forward(x, out)  # (C, N) nats
        kl = self.prior.kl(mu, log_var)  # (C, N, L)
        log_joint = log_px_yz - math.log(self.labels.count)
        bound = (log_joint - beta * kl.sum(axis=-1)).T  # (N, C): -L(x, y) of every y
        each = (target * bound).sum(axis=-1) + (1 - known) * choice_bound(q, bound)  # (N,)
        dq, dbound = choice_bound_backward((known - 1) / N, q, bound)
        if grads:
            dbound = (dbound - target / N).T  # (C, N)
            dz = self.decoder.backward(self.likelihood.backward(dbound, c_x), c_dec)[..., : self.L]
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps)
            dkl = array_module(kl).broadcast_to(-beta * dbound[..., None], kl.shape)
            dmu_kl, dlog_var_kl = self.prior.kl_backward(dkl, mu, log_var)
            self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc, need_dx=False)
        elbo = choice_bound(logits, (log_joint - kl.sum(axis=-1)).T).sum() / N
        log_px_z = (softmax(logits.T) * log_px_yz).sum() / N
        return {"loss": -each.sum() / N, "elbo": elbo, "log_px_z": log_px_z, "kl": log_px_z - elbo}, dq

    def stopped(self, x, noise, y=None, t=0):
        """Adds `held`, the logits of the q(y | x) of U(x), while they learn from the labels alone."""
        held = {"held": self.classifier.forward(self.seen(x), noise["cls"])[0]} if t < self.labels_steps else {}
        return noise | held

    def loss_law(self, metrics, t):
        """None: rows with labels count otherwise than the others."""
        return {}

    def log_terms(self, x, eps, y=None):
        """log p(x | y, z), log p(y, z), log q(y, z | x): x (N, D), eps (K, N, L) -> (K, N) nats each.

        They are means over y under p(y | x, z), z = (z_1, .., z_C) what eps gives for each class. So their sum is
        log sum_y p(x, y, z_y) / q(z_y | x, y), a log-weight of p(x), whatever y is given.
        """
        mu, log_var = (part[None] for part in self.encoder(self.seen(x)))  # (1, C, N, L)
        z = reparameterize(mu, log_var, eps=eps[:, None])  # (K, C, N, L)
        log_px_yz = self.in_parts(lambda z: self.likelihood.forward(x, self.decoder(z))[0], self._beside_each(z), 256)
        log_pyz = self.prior.forward(z)[0] - math.log(self.labels.count)  # (K, C, N)
        log_qz_xy = gaussian_log_prob(z, mu, log_var)
        log_w = (log_px_yz + log_pyz - log_qz_xy).swapaxes(0, 1)  # (C, K, N)
        log_py_xz = (log_w - log_mean_exp(log_w) - math.log(self.labels.count)).swapaxes(0, 1)
        p = array_module(z).exp(log_py_xz)
        return tuple((p * term).sum(axis=1) for term in (log_px_yz, log_pyz, log_qz_xy + log_py_xz))
