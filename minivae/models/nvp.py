r"""RealNVP: a density of x itself, by a map to N(0, I) that can be inverted (Dinh, Sohl-Dickstein & Bengio 2017,
"Density estimation using Real NVP", 1605.08803).

        x --f_1--> ... --f_T--> z ~ N(0, I),    x = f_1^{-1}( ... f_T^{-1}(z))

loss = -\log p(x) = -\log N(z; 0, I) - \log |\det dz / dx|

log p(x) is exact. There is no decoder beside the map: z has as many numbers as x, and each x its own z. Of grey levels
k among K, x = (k + u) / K with u uniform in [0, 1), so that log p(x) - D log K is below log P(k) in expectation (Theis
et al. 2016, sec. 3.1). A logit takes these x to the reals first; before it, which is not in the paper, each pixel may
learn how often it has each level (`Bins`), for no coupling makes a Gaussian of a pixel that is mostly black.
"""

import numpy as np

from ..backend import array_module, place
from ..flows import ActNorm, Bins, Chain, Logit, conv_coupling, dense_coupling
from ..likelihoods import Likelihood
from ..options import Option, each, one_of, read_arguments, real, whole
from ..priors import StandardNormal
from .base import METRICS, Metric, Model
from .exact import Exact
from .grey import DENSITY
from .networks import MOST, is_small

ALPHA = 1e-4


def _hidden(settings):
    """Widths of the couplings' networks, where none are given."""
    return [64, 64] if is_small(settings) else [256, 256]


class RealNVP(Exact, Model):
    """A flow of couplings between the data and N(0, I).

    Parameters
    ----------
    flow : Bijector
        x (..., D) -> z (..., D).
    D : int
    """

    options = DENSITY | {
        "arch": Option(one_of(("dense", "conv")), "dense", "kind of networks of the couplings", "dense|conv"),
        "hidden": Option(each(whole(1, MOST)), None, "widths of a dense coupling's network (default: 256 256; of few "
                         "numbers 64 64)", "N", True, fill=_hidden),
        "channels": Option(each(whole(1, MOST)), None, "of the residual blocks of a conv coupling (default: 16 16)",
                           "N", True, fill=lambda settings: [16, 16], needs=("arch", ("conv",)), optional=True),
        "flows": Option(whole(1, 10_000), 8, "couplings, one after another", "T"),
        "logit_alpha": Option(real(below=0.5), None, "of grey levels: the first map is logit(alpha + (1 - 2 alpha) x) "
                              "(default: 1e-4)", "X", fill=lambda settings: ALPHA, needs=("dequantize", (True,)),
                              optional=True),
        "bins": Option(whole(1, MOST), None, "of grey levels: before it each pixel learns how often each is; 1 leaves "
                       "that out (default: 256; digits 17)", "K", fill=lambda settings: 17 if settings["data"] ==
                       "digits" else 256, needs=("dequantize", (True,)), optional=True, older=None),
    }  # fmt: skip
    metrics = {"loss": METRICS["loss"], "log_px": Metric("log p(x)", "higher")}
    latent = "point"

    def __init__(self, flow, D):
        self.flow = flow
        self.D = self.L = D
        self.prior = StandardNormal(D)
        self.likelihood = Likelihood()  # real numbers, none of them missing: given z there is but one x
        self.bind()

    @classmethod
    def build(cls, shape, rng, *, likelihood="gaussian", dequantize=False, arch="dense", hidden=(256, 256),
              channels=None, flows=8, logit_alpha=None, bins=None, pass_steps=1):  # fmt: skip
        """A model of data of `shape`, (h, w, c) or (D,); with `dequantize` of values in [0, 1].

        Each coupling stands behind an ActNorm, and one more is the last. Raises ValueError for values that the options
        of these names do not take, and for conv on rows.
        """
        names = {"likelihood": likelihood, "dequantize": dequantize, "arch": arch, "hidden": hidden, "flows": flows}
        read_arguments(cls.options, **names)
        shape = each(whole(1))("shape", shape)
        if len(shape) not in (1, 3) or (arch == "conv" and len(shape) == 1):
            wanted = "(h, w, c)" if arch == "conv" else "(h, w, c) or (D,)"
            raise ValueError(f"shape: expected {wanted} for arch {arch}, got {tuple(shape)}")
        D = int(np.prod(shape))
        if D == 1:
            raise ValueError("shape: expected two numbers or more in a row, half of which a coupling keeps, got 1")
        maps = [Bins(D, bins)] if dequantize and (bins or 1) > 1 else []
        maps += [Logit(logit_alpha or ALPHA)] if dequantize else []
        for t in range(flows):
            maps.append(ActNorm(D))
            if arch == "conv":
                maps.append(conv_coupling(shape, channels or [16, 16], rng, odd=bool(t % 2)))
            else:
                maps.append(dense_coupling(shape, hidden, rng, odd=bool(t % 2)))
        return cls(Chain(*maps, ActNorm(D)), D)

    def draw_noise(self, rng, n, train=True):
        """Nothing is random in a step."""
        return {}

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D), means over the examples in nats; the gradients of `loss` go into `grad`."""
        N = len(x)
        (z, log_det), c_flow = self.flow.forward(x)  # (N, D), (N,)
        log_pz, c_z = self.prior.forward(z)  # (N,) nats
        log_px = (log_pz + log_det).sum() / N
        if grads:  # backward
            self.zero_grad()
            g = array_module(z).full(N, -1 / N, z.dtype)  # d loss / d (one example's log p(x))
            self.flow.backward(self.prior.backward(g, c_z), g, c_flow)
        return {"loss": -log_px, "log_px": log_px}

    def log_terms(self, x, eps, y=None):
        """log |det dz / dx|, log N(z; 0, I), 0: x (N, D), eps (K, N, 0) -> (K, N) nats each."""
        z, log_det = self.flow.forward(x)[0]
        K = eps.shape[:-1]
        terms = (array_module(x).broadcast_to(part, K) for part in (log_det, self.prior.forward(z)[0]))
        return (*terms, array_module(x).zeros(K, z.dtype))

    def encode(self, x, y=None):
        """The z of x, (N, D) -> (N, D)."""
        return self.in_parts(lambda x: self.flow.forward(x)[0][0], self.examples(x))

    def decode(self, z, y=None, draw=None):
        """The x of z, (..., D) -> (..., D); given z nothing is left for `draw` to draw."""
        return self.in_parts(self.flow.inverse, self.rows(z, "z", self.L))

    def sample(self, n, rng, y=None, draw=None):
        """x (n, D) of z ~ N(0, I)."""
        noise = self.prior.draw_noise(rng, whole(0)("n", n))
        return self.decode(self.prior.draw(place(noise, like=self.theta)))

    def reconstruct(self, x, eps=None, y=None, draw=None):
        """x (N, D) -> x_hat (N, D), there and back: x itself up to rounding."""
        return self.decode(self.encode(x))
