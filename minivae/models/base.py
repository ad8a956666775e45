"""What every model is: options, a loss with its gradients, metrics with their units, and what it knows of z."""

import math

import numpy as np

from ..backend import array_module, as_array, keep_freed_memory, on_host, place, tree_map
from ..numeric import all_known, at_once
from ..params import Module
from .metric import COLLAPSED as COLLAPSED
from .metric import METRICS
from .metric import Metric as Metric


class Model(Module):
    """A module with a loss. Its parameters are views of flat vectors, which neither deepcopy nor pickle keeps.

    Attributes
    ----------
    options : {name: Option}
        What `build` takes, and with it the command line, configurations and checkpoints.
    objectives : {loss: name prefixes}
        Which parameters each loss trains.
    metrics : {name: Metric}
        What `loss_and_grads` returns.
    monitor : str or None
        The metric of the validation split by which the best checkpoint is chosen. None: there is no such metric, as
        where players are against each other; the last checkpoint counts, and nothing stops early.
    latent : {"gaussian", "point", "codes", "prior", None}
        What `encode` gives: (mu, log_var) of a Gaussian q(z | x), or one z for each x; of "codes" whole numbers (N, T)
        below `K`, which are names and nothing to compute with. "prior": z is drawn and decoded, and nothing encodes x;
        then x is a function of z, without noise to draw. None: there is no z.
    sampled : str
        What `sample` decodes, for the titles of pictures.
    levels : list of int, optional
        Widths of the levels z1, z2, .. that are the columns of z, where only z1 is decoded. See `priors.Hierarchy`.
    counts_data : bool
        Whether `build` is given `n_train`, the number of training examples.
    pairs_examples : bool
        Whether a step compares each example of a batch with each other one: then its memory grows with the square of N.
    adam_betas : {objective: (b1, b2)}
        Adam's betas, of objectives that need others than (0.9, 0.999).
    """

    options = {}
    objectives = {"loss": ("",)}
    metrics = METRICS
    monitor = "elbo"
    latent = "gaussian"
    sampled = "draws from the prior"
    conditional = False  # whether a model of this class is given y
    decodes_y = True  # whether its decoder is given y as well
    counts_data = False
    pairs_examples = False
    n_samples = 1  # of z, that a step has for each example
    adam_betas = {}
    infers_y = False  # whether it does without: y may be None, or -1 for some rows, and the evidence is not given it
    explains_y = False  # whether it generates y as well, so that its evidence is log p(x, y) of what is known
    reads_text = False  # whether x are lines of tokens
    generates = True  # whether it has learned x, and not what y is alone
    levels = None
    labels = None  # what y must be, for a model that is given one
    D = None  # values in a row of x, where the encoder fixes it
    modalities = None  # the two ways in which a thing is seen, each a `Modality`; of a model of such things
    experts = None  # how what they say comes together, "product" or "mixture"
    quantizer = None  # what finds the nearest codes, where there is a codebook
    choices = None  # a method, where q(z | x) is of T independent choices: their probabilities (N, T, K)
    spreads_z = False  # of latent "point": whether z given x is a distribution, of which `encode` gives a mean
    draws_terms = False  # whether a step's ELBO is of a few of its terms, which are drawn; `log_weights` have them all
    solve = None  # a method of the training rows x (N, D), where the best parameters are known without a step
    log_weights = None  # a method, where there is an evidence p(x) to estimate; `log_terms` is there, and of codes

    def __reduce_ex__(self, protocol):
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled; build it again and restore a checkpoint")

    @property
    def evidence(self):
        """Of what `log_weights` are: "log p(x)", "log p(x | y)" of a model that has to be given y, or "log p(x, y)"."""
        if self.explains_y:
            return "log p(x, y)"
        return "log p(x)" if self.labels is None or self.infers_y else "log p(x | y)"

    @property
    def missing(self):
        """Whether NaN in x stands for what is not known."""
        return self.likelihood.missing

    @property
    def better(self):
        """Which values of `monitor` are better, "higher" or "lower"; None without one."""
        return self.monitor and self.metrics[self.monitor].better

    @property
    def exact(self):
        """Whether log p(x) is known without samples of z: the `log_weights` of K samples are then K times the same."""
        return "log_px" in self.metrics

    @property
    def has_kl(self):
        """Whether there is a KL of each latent by itself, `kl` of the prior and the (mu, log_var) of `encode`."""
        prior = getattr(self, "prior", None)
        return self.latent == "gaussian" and prior is not None and prior.kl is not None

    @classmethod
    def metrics_of(cls, settings):
        """{name: Metric} of a model with these options, where it depends on them what `loss_and_grads` returns."""
        return cls.metrics

    def loss_law(self, metrics, t):
        """{formula in words: its value} of the loss, computed from the other metrics, for tests of laws."""
        return {}

    def given(self, x, y):
        """x or z (..., n); in a conditional model with y behind it, as further columns."""
        return x

    def prior_of(self, y, n):
        """The prior of n rows as tools ask it: p(z), or p(z | y) where the model learns one for each y."""
        return self.prior

    def seen(self, x, y=None):
        """What the encoder sees: y, and of x (N, D) what the likelihood says, zeros and a mask for missing values."""
        return self.given(self.likelihood.seen(x), y)

    def rows_of(self, encoder, given=0):
        """D, the values in a row of x, of an encoder that sees them and `given` columns of y; None if it takes any."""
        n = encoder.n_in
        return None if n is None else (n - given) // (1 + self.likelihood.missing)  # beside each value stands its mask

    def log_px_z(self, x, z, y=None):
        """log p(x | z) in nats: x (..., D), z in as many axes or more."""
        return self.likelihood.forward(x, self.decoder(self.given(z, y)))[0]

    def log_px_z_and_slope(self, x, z, y=None):
        """The same and its gradient by z (..., L); no parameter gets one."""
        out, c_dec = self.decoder.forward(self.given(z, y))
        log_px_z, c_x = self.likelihood.forward(x, out)
        g = array_module(z).ones_like(log_px_z)
        dz = self.decoder.backward(self.likelihood.backward(g, c_x, accumulate=False), c_dec, accumulate=False)
        return log_px_z, dz[..., : z.shape[-1]]

    def stopped(self, x, noise, y=None, t=0):
        """The noise, and added to it all that a step treats as a constant: a gradient check must not move it."""
        return noise

    def examples(self, x):
        """A user's x (..., D), as `rows` gives it; NaN stays where the model takes it for a missing value."""
        return self.rows(x, "x", self.D, missing=self.missing)

    def rows(self, x, name, width, n=None, missing=False):
        """A user's array (..., n, width) on the model's device, in its dtype; ValueError for another shape, or NaN."""
        with np.errstate(over="ignore"):  # finiteness is tested instead
            x = place(as_array(x, name), like=self.theta)
        if x.ndim < 2 or width not in (None, x.shape[-1]) or (n is not None and x.shape[-2] not in (1, n)):
            count = "" if n is None else f"{n} "
            raise ValueError(f"{name}: expected {count}rows of {width or 'D'} values, got shape {x.shape}")
        if isinstance(x, np.ndarray) and not all_known(x, missing):  # a GPU would wait
            raise ValueError(f"{name}: expected finite {self.theta.dtype} values, got NaN or infinity")
        return x.astype(self.theta.dtype, copy=False)

    def code_rows(self, codes, name="z"):
        """A user's codes (..., T) on the model's device; ValueError for what are none."""
        codes = place(as_array(codes, name), like=self.theta)
        if codes.dtype.kind not in "iu" or codes.ndim < 2 or codes.shape[-1] != self.T:
            raise ValueError(f"{name}: expected whole numbers (N, {self.T}), got {codes.dtype}, shape {codes.shape}")
        if isinstance(codes, np.ndarray) and codes.size and not (0 <= codes.min() and codes.max() < self.K):
            raise ValueError(f"{name}: expected codes from 0 to {self.K - 1}, got {codes.min()} to {codes.max()}")
        return codes

    def _x_hat(self, z, y, draw=None):
        """x_hat (..., D), the mean of p(x | z); or a sample of it, whose noise the generator `draw` draws."""
        z = self.given(z, y)
        if draw is None:
            return self.in_parts(lambda z: self.likelihood.mean(self.decoder(z)), z)
        out = self.in_parts(self.decoder, z)
        noise = self.likelihood.draw_noise(draw, (*out.shape[:-1], out.shape[-1] // self.likelihood.n_out))
        return self.likelihood.draw(out, place(noise, like=out))

    def in_parts(self, f, x, n=1024):
        """f(x), an array or a tuple of arrays, of at most n rows of x (N, ..., D) or z (N, ..., L) at a time."""
        n = max(1, at_once(n, max(x.shape[-1], self.D or 0)) // max(1, math.prod(x.shape[1:-1])))
        if len(x) <= n or not on_host(x):
            return f(x)
        keep_freed_memory()
        result = tree_map(lambda a: array_module(a).empty((len(x), *a.shape[1:]), a.dtype), f(x[:1]))
        for i in range(0, len(x), n):
            y = f(x[i : i + n])
            if isinstance(y, tuple):
                for array, part in zip(result, y, strict=True):
                    array[i : i + n] = part
            else:
                result[i : i + n] = y
        return result
