r"""The importance weighted autoencoder (Burda, Grosse & Salakhutdinov 2016, "Importance Weighted Autoencoders",
1509.00519).

        x --encoder--> mu, log_var --> z_k = mu + std eps_k --decoder--> out_k --likelihood--> log p(x | z_k)
                                       ^
                              eps_1 .. eps_K ~ N(0, I)

\mathcal{L}_K(x) = E[\log 1/K \sum_k w_k] <= \log p(x), w_k = p(x, z_k) / q(z_k | x); \mathcal{L}_1 is the ELBO  (eq. 8)

Its gradient is that of sum_k v_k log w_k, v_k = w_k / sum_j w_j held constant (eq. 14). The doubly reparameterized one
has the same mean and, for the encoder, a smaller variance (Tucker et al. 2019, 1810.04152, eq. 8): the encoder gets
sum_k v_k^2 d log w_k / d z_k through z_k alone, with the parameters of q held constant in log w_k. Where beta weighs
log p(z) - log q(z|x), the weights are (1 - beta) v_k + beta v_k^2, by the same derivation.

With bound = "elbo" every sample counts alike, v_k = 1 / K: the VAE of K samples that the paper compares with (table 1).
"""

from ..backend import array_module
from ..densities import log_mean_exp, log_mean_exp_backward
from ..options import Option, one_of, whole
from ..params import Param
from ..posteriors import DiagonalGaussian
from .base import METRICS, Metric
from .beta import BETA, beta_of
from .networks import NETWORKS, build_networks
from .vae import VAE

# of a model whose prior or posterior has no KL in closed form, which one sample estimates
ONE_SAMPLE = NETWORKS | BETA | {"samples": Option(whole(1, 100_000), 1, "samples inside the logarithm", "K")}
GRADIENTS = ("reparameterized", "doubly")
BOUNDS = ("iwae", "elbo")


class IWAE(VAE):
    """Importance weighted autoencoder: K samples inside the logarithm, any prior, any posterior.

    With samples = 1 it is a VAE whose KL is sampled: for priors and posteriors that have none in closed form.

    Parameters
    ----------
    encoder : Network
        x (..., D) -> as many heads (..., L) as the posterior asks for.
    decoder, likelihood, prior, beta
        As for VAE.
    posterior : Posterior, optional
        None: a new DiagonalGaussian.
    samples : int
        K, the number of samples inside the logarithm.
    gradient : {"reparameterized", "doubly"}
        What the encoder gets. The second needs a posterior that has a `score`, and a prior without the encoder's
        parameters.
    bound : {"iwae", "elbo"}
        What is maximized: the log of the mean weight, or the mean of the log weights, a VAE of K samples.

    Raises
    ------
    ValueError
        If the posterior or the prior does not allow the doubly reparameterized gradient, or K is below 1.
    """

    options = NETWORKS | BETA | {
        "samples": Option(whole(1, 100_000), 5, "samples inside the logarithm", "K"),
        "gradient": Option(one_of(GRADIENTS), "reparameterized", "of the encoder: reparameterized or doubly; gumbel: "
                           "relaxed, straight-through or score", "NAME"),
        "bound": Option(one_of(BOUNDS), "iwae", "what is maximized; elbo is a VAE of K samples", older="iwae"),
    }  # fmt: skip
    monitor = "iwae"
    metrics = {"loss": METRICS["loss"], "iwae": Metric("importance weighted bound", "higher")} | METRICS

    def __init__(self, encoder, decoder, likelihood=None, prior=None, posterior=None, beta=1.0, samples=5,
                 gradient="reparameterized", bound="iwae"):  # fmt: skip
        self.posterior = DiagonalGaussian() if posterior is None else posterior
        self.K = whole(1)("samples", samples)
        self.doubly = one_of(GRADIENTS)("gradient", gradient) == "doubly"
        self.averages_logs = one_of(BOUNDS)("bound", bound) == "elbo"
        super().__init__(encoder, decoder, likelihood, prior, beta)
        self.latent = self.posterior.latent
        self.spreads_z = True
        if self.doubly:
            self._check_doubly()
            self.objectives = {"loss": ("decoder", "likelihood", "prior"), "loss_encoder": ("encoder", "posterior")}
            self.metrics = self.metrics | {"loss_encoder": Metric("what the encoder descends", "lower")}

    @property
    def n_samples(self):
        return self.K

    @classmethod
    def build(cls, shape, rng, *, samples=5, gradient="reparameterized", bound="iwae", beta=1.0,
              beta_schedule="constant", beta_epochs=None, pass_steps=1, **networks):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,): options as for the constructor and `build_networks`."""
        encoder, decoder, likelihood = build_networks(shape, rng, **networks)
        beta = beta_of(beta, beta_schedule, beta_epochs, pass_steps)
        return cls(encoder, decoder, likelihood, beta=beta, samples=samples, gradient=gradient, bound=bound)

    def draw_noise(self, rng, n, train=True):
        """All that is random in a step on `n` examples; `train=False` leaves out dropout and its like."""
        return {
            "eps": rng.standard_normal((self.K, n, self.L), dtype="float32"),
            "enc": self.encoder.draw_noise(rng, n) if train else None,
            "dec": self.decoder.draw_noise(rng, self.K * n) if train else None,
        }

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`.

        Under `doubly` those of the encoder are the gradients of `loss_encoder`.
        """
        eps, beta, N = noise["eps"], self.beta(t), len(x)
        heads, c_enc = self.encoder.forward(self.seen(x, y), noise["enc"])  # encode: (N, L) each
        (z, log_qz_x), c_q = self.posterior.forward(heads, eps)  # sample: (K, N, L), (K, N)
        out, c_dec = self.decoder.forward(self.given(z, y), noise["dec"])  # decode: (K, N, D * n_out)
        log_px_z, c_x = self.likelihood.forward(x, out)  # loss: (K, N) nats
        log_pz, c_z = self.prior.forward(z)  # (K, N)
        log_w = log_px_z + log_pz - log_qz_x
        log_w_beta = log_w if beta == 1 else log_px_z + beta * (log_pz - log_qz_x)
        if self.averages_logs:
            g = array_module(out).full((self.K, N), 1 / (N * self.K), out.dtype)
            loss = -log_w_beta.sum() / (N * self.K)
        else:
            g = log_mean_exp_backward(array_module(out).full(N, 1 / N, out.dtype), log_w_beta)  # (K, N): v_k / N
            loss = -log_mean_exp(log_w_beta).sum() / N
        metrics = {"loss": loss, "iwae": log_mean_exp(log_w).sum() / N, "elbo": log_w.sum() / (N * self.K),
                   "log_px_z": log_px_z.sum() / (N * self.K)}  # fmt: skip
        metrics["kl"] = metrics["log_px_z"] - metrics["elbo"]
        metrics |= self.more_metrics(c_q, c_z)
        if self.doubly:
            v, score = noise["held"] if "held" in noise else (N * g, beta * self.posterior.score(c_q))
            log_joint = log_px_z + beta * log_pz - (score * z).sum(axis=-1)  # its slope in z is that of log_w_beta
            power = 1 - beta + beta * v  # v_k^2 in the place of v_k for beta = 1
            metrics["loss_encoder"] = -(v * power * log_joint).sum() / N
        if grads:  # backward
            self.zero_grad()
            dz = self.decoder.backward(self.likelihood.backward(-g, c_x), c_dec)[..., : self.L]
            dz = dz + self.prior.backward(-beta * g, c_z)
            dlog_qz_x = beta * g
            if self.doubly:  # other weights, and log q through z alone
                dz = power[..., None] * (dz + g[..., None] * score)
                dlog_qz_x = 0 * g
            self.encoder.backward(self.posterior.backward(dz, dlog_qz_x, c_q), c_enc, need_dx=False)
        return metrics

    def more_metrics(self, c_q, c_z):
        """{name: mean} of what else a variant's metrics are, from the caches of its posterior and its prior."""
        return {}

    def stopped(self, x, noise, y=None, t=0):
        """Adds `held`, the constants of the doubly reparameterized gradient: v (K, N), beta times score (K, N, L)."""
        if not self.doubly:
            return noise
        heads, _ = self.encoder.forward(self.seen(x, y), noise["enc"])
        (z, log_qz_x), c_q = self.posterior.forward(heads, noise["eps"])
        out, _ = self.decoder.forward(self.given(z, y), noise["dec"])
        log_w = self.likelihood.forward(x, out)[0] + self.beta(t) * (self.prior.forward(z)[0] - log_qz_x)
        v = log_mean_exp_backward(array_module(out).ones(len(x), out.dtype), log_w)
        return noise | {"held": (v, self.beta(t) * self.posterior.score(c_q))}

    def loss_law(self, metrics, t):
        """None with another beta than 1: the loss is then not the bound."""
        name = "elbo" if self.averages_logs else "iwae"
        return {f"loss = -{name}": -metrics[name]} if self.beta(t) == 1 else {}

    def log_terms(self, x, eps, y=None):
        """log p(x | z), log p(z), log q(z | x) of the z that eps gives: x (N, D), eps (K, N, L) -> (K, N) nats each."""
        (z, log_qz_x), _ = self.posterior.forward(self.encoder(self.seen(x, y)), eps)
        log_px_z = self.in_parts(lambda z: self.likelihood.forward(x, self.decoder(z))[0], self.given(z, y), 256)
        log_pz, _ = self.prior.forward(z)
        return log_px_z, log_pz, log_qz_x

    def encode(self, x, y=None):
        """What is known of z: x (N, D) -> (mu, log_var) of a Gaussian, (N, L) each; else the z (N, L) of eps = 0."""
        x = self.seen(self.examples(x), y)
        return self.in_parts(lambda x: self.posterior.describe(self.encoder(x)), x)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), through the z of eps = 0, or of eps (..., N, L); `draw` as for `decode`."""
        heads = self.in_parts(self.encoder, self.seen(self.examples(x), y))
        if eps is None:
            eps = array_module(heads[0]).zeros((*heads[0].shape[:-1], self.L), heads[0].dtype)
        (z, _), _ = self.posterior.forward(heads, self.rows(eps, "eps", self.L, len(x)))
        return self._x_hat(z, y, draw)

    def _check_doubly(self):
        """ValueError where the doubly reparameterized gradient is not known, or would not be the encoder's alone."""
        if self.averages_logs:
            raise ValueError("gradient: doubly is known for the bound iwae, got bound elbo")
        if self.posterior.score is None:
            raise ValueError(f"gradient: doubly needs a posterior with a score, got {type(self.posterior).__name__}")
        shared = set(map(id, self.prior.named(Param).values())) & set(map(id, self.encoder.named(Param).values()))
        if shared:
            name = type(self.prior).__name__
            raise ValueError(f"gradient: doubly needs a prior of its own parameters, {name} has the encoder's")
