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
a sum over all N rows, is 0.1 N. All classes are summed out; they share the noise of z, and the part of the encoder's
first layer that is of x alone: to it each class adds a row of weights.
"""

import math

import numpy as np

from ..backend import array_module, as_array, place
from ..densities import (
    choice_bound,
    choice_bound_backward,
    gaussian_log_prob,
    reparameterize,
    reparameterize_backward,
    softmax_log_prob,
    softmax_log_prob_backward,
)
from ..layers import Dense, Embedding, Join, Network
from ..numeric import softmax
from ..options import Option, read_arguments, real, switch, whole
from .base import BETA, METRICS, Metric, beta_of
from .labels import Labels
from .networks import NETWORKS, build_networks
from .vae import VAE

OF_LABELS = {"loss": METRICS["loss"], "error": Metric("error of q(y | x) on rows with labels", "lower", "%")}
LEAST = 1e-30  # of a probability whose logarithm is taken
ONE = 10.0  # in a one-hot row of y: so y learns ten times as fast as z, which would else take all and leave y nothing


class M2(VAE):
    """A VAE of x and its class y, which learns from many x and few y.

    Parameters
    ----------
    classifier : Network
        x (..., D) -> logits of q(y | x) (..., C).
    first, encoder : Network
        x (..., D) -> the first dense layer of the encoder without y (..., H); and (..., H) -> (mu, log_var) (..., L).
    decoder : Network
        (z, y) (..., L + C) -> out (..., D * likelihood.n_out).
    labels : Labels
        C classes.
    rng : numpy.random.Generator
        Draws what the classes add to `first`.
    likelihood, beta
        As for VAE.
    alpha : float
        Weight of -log q(y | x).
    labels_steps : int
        In so many steps at first q(y | x) learns from the labels alone, and the rest of the model from all rows.
    labels_only : bool
        Learn q(y | x) alone, from the rows with labels alone.

    Raises
    ------
    ValueError
        For labels that are no classes, and for norm = "batch": the classes of a row would be mixed.
    """

    options = NETWORKS | BETA | {
        "alpha": Option(real(closed=True), 0.1, "weight of -log q(y | x) of rows with labels", "X"),
        "labels_first": Option(whole(0), 0, "epochs at first in which q(y | x) learns from the labels alone", "N"),
        "labels_only": Option(switch, False, "learn q(y | x) alone, from the rows with labels alone"),
    }  # fmt: skip
    conditional = True
    infers_y = True
    latent = "point"  # q(z | x) is a mixture of Gaussians, one for each class
    monitor = "error"
    metrics = METRICS | {"kl": Metric("KL(q(y, z | x) || p(y, z))", "lower")} | OF_LABELS

    def __init__(self, classifier, first, encoder, decoder, labels, rng, likelihood=None, beta=1.0, alpha=0.1,
                 labels_steps=0, labels_only=False):  # fmt: skip
        self.labels = Labels.read(labels)
        self.alpha, labels_only = read_arguments(M2.options, alpha=alpha, labels_only=labels_only)
        if self.labels.kind != "classes":
            raise ValueError(f"labels: expected classes, got {self.labels.kind}")
        self.labels_steps = whole(0)("labels_steps", labels_steps)
        self.classifier = classifier
        self.first = first
        self.rows_of_y = Embedding(self.labels.count, first.layers[-1].b.data.size, rng)
        self.rows_of_y.W.data[...] = 0
        self.join = Join()
        super().__init__(encoder, decoder, likelihood, beta=beta)
        self.D = self.rows_of(first)
        if labels_only:
            self.generates = False
            self.metrics = OF_LABELS
            self.log_weights = None

    @classmethod
    def metrics_of(cls, settings):
        """{name: Metric} of a model with these options: q(y | x) alone has no bound."""
        return OF_LABELS if settings["labels_only"] else cls.metrics

    @classmethod
    def build(cls, shape, rng, *, labels=None, latent=20, norm="none", dropout=0.0, alpha=0.1, labels_first=0,
              labels_only=False, beta=1.0, beta_schedule="constant", beta_epochs=None, pass_steps=1,
              **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,), and of its classes: options as for the constructor and
        `build_networks`; `dropout` is the classifier's.

        At the start no class differs from another: labels, and not random weights, say what each class is.
        """
        labels = Labels.read(labels)
        if norm == "batch":
            raise ValueError("norm: expected one without statistics of the batch, which has every row once for each "
                             "class, such as layer; got batch")  # fmt: skip
        networks["norm"] = norm
        classifier, _, _ = build_networks(shape, rng, latent=labels.count, heads=1, dropout=dropout, **networks)
        encoder, _, likelihood = build_networks(shape, rng, latent=latent, **networks)
        _, decoder, _ = build_networks(shape, rng, latent=latent, given=labels.count, **networks)
        classifier.layers[-1].W.data[...] = 0
        decoder.layers[0].W.data[-labels.count :] = 0
        cut = 1 + next(i for i, layer in enumerate(encoder.layers) if isinstance(layer, Dense))
        first, encoder = Network(*encoder.layers[:cut]), Network(*encoder.layers[cut:])
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        (labels_first,) = read_arguments(cls.options, labels_first=labels_first)
        steps = labels_first * whole(1)("pass_steps", pass_steps)
        return cls(classifier, first, encoder, decoder, labels, rng, likelihood, beta, alpha, steps, labels_only)

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        C = self.labels.count
        return {
            "eps": rng.standard_normal((n, self.L), dtype="float32"),
            "cls": self.classifier.draw_noise(rng, n) if train else None,
            "enc": self.encoder.draw_noise(rng, C * n) if train else None,
            "dec": self.decoder.draw_noise(rng, C * n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`.

        y (N,) are classes, -1 where they are unknown; without y all are. `elbo` is -U(x) of every row, its `kl` that of
        y and z together; `error` is NaN where no row has a label.
        """
        xp = array_module(x)
        seen = self.seen(x)
        logits, c_cls = self.classifier.forward(seen, noise["cls"])  # (N, C)
        target = self._target(y, logits)  # (N, C): one-hot rows, of zeros where y is unknown
        known = target.sum(axis=-1)  # (N,): 1 or 0
        n_known = xp.maximum(known.sum(), 1)
        loss = -self.alpha * softmax_log_prob(logits, x=target).sum() / n_known
        dlogits = softmax_log_prob_backward(-self.alpha / n_known * known, logits, x=target)
        right = (target * self._target(logits.argmax(axis=-1), logits)).sum()
        error = xp.where(known.sum() > 0, 100 * (1 - right / n_known), math.nan)
        if grads:
            self.zero_grad()
        if not self.generates:
            metrics = {"loss": loss, "error": error}
        else:
            held = t < self.labels_steps
            q = noise["held"] if held and "held" in noise else logits
            metrics, more = self._bounds(x, seen, logits, q, target, known, noise, self.beta(t), grads)
            metrics |= {"loss": metrics["loss"] + loss, "error": error}
            dlogits = dlogits if held else dlogits + more
        if grads:
            self.classifier.backward(dlogits, c_cls, need_dx=False)
        return metrics

    def stopped(self, x, noise, y=None, t=0):
        """Adds `held`, the logits of the q(y | x) of U(x), while they learn from the labels alone."""
        if t >= self.labels_steps:
            return noise
        return noise | {"held": self.classifier.forward(self.seen(x), noise["cls"])[0]}

    def _bounds(self, x, seen, logits, q, target, known, noise, beta, grads):
        """(metrics of the mean of L(x, y) or U(x), where q are the logits of q(y | x); the gradient of it for q)."""
        eps, N = noise["eps"], len(x)
        (mu, log_var), caches = self._of_each_y(seen, noise["enc"])  # (C, N, L)
        z = reparameterize(mu, log_var, eps=eps[None])  # (C, N, L)
        out, c_dec = self.decoder.forward(self._beside_each_y(z), noise["dec"])  # (C, N, D * n_out)
        log_px_yz, c_x = self.likelihood.forward(x, out)  # (C, N) nats
        kl = self.prior.kl(mu, log_var)  # (C, N, L)
        log_joint = log_px_yz - math.log(self.labels.count)
        bound = (log_joint - beta * kl.sum(axis=-1)).T  # (N, C): -L(x, y) of every y
        each = (target * bound).sum(axis=-1) + (1 - known) * choice_bound(q, bound)  # (N,)
        dq, dbound = choice_bound_backward((known - 1) / N, q, bound)
        if grads:
            dbound = (dbound - target / N).T  # (C, N)
            dz = self.decoder.backward(self.likelihood.backward(dbound, c_x), c_dec)[..., : self.L]
            dmu, dlog_var = reparameterize_backward(dz, mu, log_var, eps=eps[None])
            dkl = array_module(kl).broadcast_to(-beta * dbound[..., None], kl.shape)
            dmu_kl, dlog_var_kl = self.prior.kl_backward(dkl, mu, log_var)
            c_first, c_y, c_enc = caches
            dh = self.encoder.backward((dmu + dmu_kl, dlog_var + dlog_var_kl), c_enc)  # (C, N, H)
            # forward added row c to every h_n, and h_n to every row, so now each gets the sum over the others
            self.rows_of_y.backward(ONE * dh.sum(axis=1), c_y)
            self.first.backward(dh.sum(axis=0), c_first, need_dx=False)
        elbo = choice_bound(logits, (log_joint - kl.sum(axis=-1)).T).sum() / N
        log_px_z = (softmax(logits.T) * log_px_yz).sum() / N
        return {"loss": -each.sum() / N, "elbo": elbo, "log_px_z": log_px_z, "kl": log_px_z - elbo}, dq

    def loss_law(self, metrics, t):
        """None: rows with labels count otherwise than the others."""
        return {}

    def log_terms(self, x, eps, y=None):
        """log p(x | y, z), log p(y, z), log q(y, z | x): x (N, D), eps (K, N, L) -> (K, N) nats each.

        They are means over y under p(y | x, z), z = (z_1, .., z_C) what eps gives for each class. So their sum is
        log sum_y p(x, y, z_y) / q(z_y | x, y), a log-weight of p(x), whatever y is given.
        """
        mu, log_var = (part[None] for part in self._of_each_y(self.seen(x))[0])  # (1, C, N, L)
        z = reparameterize(mu, log_var, eps=eps[:, None])  # (K, C, N, L)
        in_parts = lambda z: self.likelihood.forward(x, self.decoder(z))[0]  # noqa: E731
        log_px_yz = self.in_parts(in_parts, self._beside_each_y(z), 256)  # (K, C, N)
        log_pyz = self.prior.forward(z)[0] - math.log(self.labels.count)
        log_qz_xy = gaussian_log_prob(z, mu, log_var)
        p = softmax(log_px_yz + log_pyz - log_qz_xy)  # of y, the last axis but one
        log_qyz_x = log_qz_xy + array_module(p).log(array_module(p).maximum(p, LEAST))
        return tuple((p * term).sum(axis=-2) for term in (log_px_yz, log_pyz, log_qyz_x))

    def classify(self, x):
        """q(y | x): x (N, D) -> (N, C)."""
        return softmax(self.in_parts(self.classifier, self.seen(self.examples(x))).T).T

    def encode(self, x, y=None):
        """The mean of q(z | x, y): x (N, D) -> (N, L); of the likeliest y where it is -1, or there is none."""
        return self._posterior(x, y)[0]

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through y, or the likeliest, and z = mu or mu + std eps; `draw` as for `decode`."""
        mu, log_var, y = self._posterior(x, y)
        z = mu if eps is None else reparameterize(mu, log_var, eps=self.rows(eps, "eps", self.L, len(mu)))
        return self._x_hat(z, y, draw)

    def sample(self, n, rng, y=None, draw=None):
        """x_hat (n, D) of y (n,); without y the classes take turns: 0, 1, 2, ..."""
        return super().sample(n, rng, np.arange(whole(0)("n", n)) % self.labels.count if y is None else y, draw)

    def seen(self, x, y=None):
        """What the networks of x see: y comes later."""
        return self.likelihood.seen(x)

    def given(self, x, y):
        """z (..., N, L) -> (..., N, L + C): behind it y (N,), as one-hot rows."""
        self._check_generates()
        y = self.labels.checked(y, x.shape[-2])
        return self.join.forward((x, ONE * self._target(y, x)))[0]

    def _target(self, y, like):
        """One-hot rows (N, C) of classes y (N,), of zeros where they are -1, or there are none."""
        xp, N, C = array_module(like), like.shape[-2], self.labels.count
        if y is None:
            return xp.zeros((N, C), like.dtype)
        y = as_array(y, "y")
        self.labels.checked(y + (y == -1), N)
        return (place(y, like=like)[:, None] == xp.arange(C)).astype(like.dtype)

    def _of_each_y(self, seen, noise=None):
        """((mu, log_var) (C, N, L) of q(z | x, y) of every y, caches)."""
        self._check_generates()
        h, c_first = self.first.forward(seen)  # (N, H)
        rows, c_y = self.rows_of_y.forward(array_module(h).arange(self.labels.count))  # (C, H)
        q, c_enc = self.encoder.forward(h + ONE * rows[:, None], noise)
        return q, (c_first, c_y, c_enc)

    def _beside_each_y(self, z):
        """z (..., C, N, L) -> (..., C, N, L + C): behind it each class as a one-hot row."""
        one_hot = ONE * array_module(z).eye(self.labels.count, dtype=z.dtype)
        return self.join.forward((z, one_hot[:, None]))[0]

    def _posterior(self, x, y):
        """(mu, log_var) (N, L) of q(z | x, y), and y (N,), the likeliest where it is not known."""
        x = self.seen(self.examples(x))
        xp = array_module(x)
        likeliest = self.in_parts(self.classifier, x).argmax(axis=-1)
        target = self._target(y, x)
        y = xp.where(target.any(axis=-1), target.argmax(axis=-1), likeliest)
        q = self.in_parts(lambda x: tuple(part.swapaxes(0, 1) for part in self._of_each_y(x)[0]), x)  # (N, C, L)
        mu, log_var = (part[xp.arange(len(y)), y] for part in q)
        return mu, log_var, y

    def _check_generates(self):
        if not self.generates:
            raise ValueError("labels_only: expected a model that has learned p(x), this one has learned q(y | x) alone")
