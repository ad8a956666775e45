r"""Denoising diffusion (Ho, Jain & Abbeel 2020, "Denoising Diffusion Probabilistic Models", 2006.11239).

        x = x_0 --q--> x_1 --q--> ... --q--> x_T ~ N(0, I)        q(x_t | x_{t-1}) adds noise, and learns nothing
        x = x_0 <--p-- x_1 <--p-- ... <--p-- x_T                  p(x_{t-1} | x_t) by a network that finds the noise

x_t  = \sqrt{abar_t} x_0 + \sqrt{1 - abar_t} eps,  eps ~ N(0, I), t any of 1..T                              (eq. 4)
loss = E_{t, eps} |eps - network(x_t, t)|^2 / D                                                             (eq. 14)
elbo = E_q[\log p(x_0 | x_1)] - \sum_{t > 1} KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) - KL(q(x_T | x_0) || N(0, I))
     <= \log p(x)                                                                                            (eq. 5)

A hierarchical VAE of T levels as wide as x, whose encoder is fixed. The loss weighs the parts of the bound otherwise.
p(x_{t-1} | x_t) = N(mean, v_t I), v_t what fits the errors of the network best, see `Noising`.
"""

import math

from ..backend import array_module, place
from ..densities import standard_normal_log_prob
from ..likelihoods import GaussianFixed
from ..numeric import cut
from ..options import read_arguments, whole
from ..params import Constant
from ..priors import StandardNormal
from .base import METRICS, Metric, Model
from .denoiser import DENOISER, build_denoiser
from .grey import DENSITY

AT_ONCE = 256  # rows that go through the network together, outside of training


class DDPM(Model):
    """Denoising diffusion.

    Parameters
    ----------
    network : Layer
        (x_t (N, D), times (N, E)) -> the noise in x_t (N, D).
    times : array (T, E)
        What the network is told of each t.
    noising : Noising
    D : int
        Values in a row of x.
    unit : bool
        Whether x lies in [0, 1]: then the network sees 2 x - 1.
    jumps : int
        Steps of `encode` and `decode`, at most T.
    """

    options = DENSITY | DENOISER
    metrics = {"loss": Metric("squared error of the noise", "lower", ""), "elbo": METRICS["elbo"]}
    latent = "point"
    draws_terms = True
    sampled = "draws from N(0, I), step by step"

    def __init__(self, network, times, noising, D, unit=False, jumps=50):
        if jumps > noising.T:
            raise ValueError(f"jumps: expected at most {noising.T}, as many as times, got {jumps}")
        self.network, self.noising, self.jumps = network, noising, jumps
        self.D = self.L = D
        self.T = noising.T
        self.scale = 2.0 if unit else 1.0
        std = math.sqrt(noising.moves.data[0])  # of p(x_0 | x_1), where errors are 1
        self.likelihood = GaussianFixed(std / self.scale)
        self.prior = StandardNormal(D)  # of x_T
        self.times = Constant(times)
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, jumps=50, likelihood="gaussian", dequantize=False, pass_steps=1, **networks):
        """A model of data of `shape`, (h, w, c) or (D,): options as for `build_denoiser`.

        With `dequantize` x lies in [0, 1].
        """
        jumps, _ = read_arguments(cls.options, jumps=jumps, likelihood=likelihood)
        network, times, noising = build_denoiser(shape, rng, **networks)
        return cls(network, times, noising, math.prod(shape), dequantize, jumps)

    def draw_noise(self, rng, n, train=True):
        """`u` (n,) in [0, 1) says which t an example gets; `eps` (n, D) is the noise that is to be found."""
        return {"u": rng.random(n, dtype="float32"), "eps": rng.standard_normal((n, self.D), dtype="float32")}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D): the error for each number of x, and of the bound an estimate in nats."""
        xp, (N, D) = array_module(x), x.shape
        eps, x_0 = noise["eps"], self._inside(x)
        i = xp.minimum((noise["u"] * self.T).astype("int64"), self.T - 1)  # t - 1, (N,)
        share, spread = self.noising.shares.data[:, i][..., None]  # (N, 1) each
        eps_hat, c_network = self.network.forward((share * x_0 + spread * eps, self.times.data[i]))
        error = eps_hat - eps  # (N, D)
        squares = (error * error).sum(axis=-1)  # (N,)
        loss = squares.sum() / (N * D)
        elbo = (self._known(x_0) - self.T * self.noising.weight()[i] * squares).sum() / N
        if grads:  # backward
            self.zero_grad()
            self.network.backward(2 / (N * D) * error, c_network, need_dx=False)
            self.noising.follow(i, squares / D)
        return {"loss": loss, "elbo": elbo}

    def _inside(self, x):
        """x_0 as the network sees it."""
        return x if self.scale == 1 else self.scale * x - 1

    def _outside(self, x_0):
        return x_0 if self.scale == 1 else (x_0 + 1) / self.scale

    def _known(self, x_0):
        """What no error in the noise decides of the bound, nats (N,)."""
        return x_0.shape[-1] * math.log(self.scale) - self.noising.constant(x_0)

    def _noise_in(self, x_t, t, clip=False):
        """What the network finds in x_t (..., D), all at the same t; with `clip` what puts x_0 into the range of x."""
        times = self.times.data[t - 1 : t]

        def found(rows):
            return self.network((rows, array_module(rows).broadcast_to(times, (len(rows), times.shape[1]))))

        eps = self.in_parts(found, x_t.reshape(-1, self.D), AT_ONCE).reshape(x_t.shape)
        if not clip or self.scale == 1:
            return eps
        share, spread = math.sqrt(self.noising.abar[t]), math.sqrt(1 - self.noising.abar[t])
        return (x_t - share * ((x_t - spread * eps) / share).clip(-1, 1)) / spread

    def draw_eps(self, rng, K, n):
        """The noise of K whole ways from x_0 to x_T for each of n examples, (K, n, T D)."""
        return rng.standard_normal((n, K, self.T * self.D), dtype="float32").swapaxes(0, 1)

    def log_terms(self, x, eps, y=None):
        """log p(x_0 | x_1), log p(x_1 .. x_T), log q(x_1 .. x_T | x_0) of ways: x (N, D), eps (K, N, T D) -> (K, N)."""
        D, steps = self.D, self.noising
        xp, std = array_module(x), self.noising.variance() ** 0.5
        x_0 = xp.broadcast_to(self._inside(x), (*eps.shape[:-1], D))
        log_px_z, log_pz, log_qz_x = 0.0, 0.0, 0.0
        for t, own in enumerate(cut(eps, [D] * self.T), 1):
            x_t = steps.noised(x_0, own, t)
            log_qz_x = log_qz_x + standard_normal_log_prob(own) - 0.5 * D * math.log(steps.beta[t])
            back = (x_0 - steps.mean(x_t, self._noise_in(x_t, t), t)) / std[t - 1]
            log_p = standard_normal_log_prob(back) - D * xp.log(std[t - 1])
            if t == 1:
                log_px_z = log_p + D * math.log(self.scale)
            else:
                log_pz = log_pz + log_p
            x_0 = x_t
        return log_px_z, log_pz + standard_normal_log_prob(x_0), log_qz_x

    def log_weights(self, x, eps, y=None):
        """log p(x_0 .. x_T) - log q(x_1 .. x_T | x_0), x (N, D), eps (K, N, T D) -> (K, N) nats: see VAE."""
        log_px_z, log_pz, log_qz_x = self.log_terms(x, eps, y)
        return log_px_z + log_pz - log_qz_x

    def encode(self, x, y=None):
        """x_T (N, D) that `decode` takes to x (N, D), but for what the jumps lose: nothing is drawn."""
        return self._jumped(self._inside(self.examples(x)), self._stops())

    def decode(self, z, y=None, draw=None):
        """x_T (..., D) -> x_hat (..., D) by the map without noise (Song et al. 2021, DDIM); `draw` changes nothing."""
        return self._outside(self._jumped(self.rows(z, "z", self.L), self._stops()[::-1]))

    def sample(self, n, rng, y=None, draw=None, jumps=None):
        """Generate x (n, D) from noise in T steps, or without noise on the way in `jumps`; see `decode`.

        The last step gives the mean of p(x_0 | x_1), or with the generator `draw` a draw of it. On the way, an x_0
        that is found outside of [0, 1] is clipped where x is not, as in the paper's code; `log_weights` does not.
        """
        n = whole(0)("n", n)
        x = place(rng.standard_normal((n, self.D), dtype="float32"), like=self.theta)
        if jumps is not None:
            return self._outside(self._jumped(x, self._stops(whole(1, self.T)("jumps", jumps))[::-1]))
        std = self.noising.variance() ** 0.5
        for t in range(self.T, 0, -1):
            x = self.noising.mean(x, self._noise_in(x, t, clip=True), t)
            source = rng if t > 1 else draw
            if source is not None:
                eps = place(source.standard_normal((n, self.D), dtype="float32"), like=self.theta)
                x = x + std[t - 1] * eps
        return self._outside(x)

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), to noise and back by the map without noise; or with eps (N, T D) there by q.

        What q leaves of x is next to nothing: then x_hat is a sample.
        """
        if eps is None:
            return self.decode(self.encode(x, y), y)
        x_t, eps = self._inside(self.examples(x)), self.rows(eps, "eps", self.T * self.D, len(x))
        for t, own in enumerate(cut(eps, [self.D] * self.T), 1):
            x_t = self.noising.noised(x_t, own, t)
        return self.decode(x_t, y)

    def _stops(self, jumps=None):
        """The t of the map without noise, from 0 to T in about equal steps."""
        jumps = self.jumps if jumps is None else jumps
        return [round(i * self.T / jumps) for i in range(jumps + 1)]

    def _jumped(self, x, stops):
        for t, s in zip(stops[:-1], stops[1:], strict=True):
            x = self.noising.moved(x, self._noise_in(x, max(t, 1), clip=s < t), t, s)
        return x
