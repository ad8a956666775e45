"""Likelihoods p(x | z): what the decoder's raw output `out` means. They are layers, since they may own parameters.

The data x (..., D) are rows of D numbers; out (..., n_out * D) has n_out blocks of D, such as means, then variances.
"""

from .base import Likelihood
from .counts import NegativeBinomial, Poisson
from .grids import BetaBinomial, Categorical, DiscretizedLogisticMixture
from .mixed import Mixed, Softmax
from .pixels import Bernoulli
from .reals import STD, Gaussian, GaussianFixed, GaussianFull, StudentT
from .tokens import Tokens

LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "logistic-mixture": DiscretizedLogisticMixture,
    "beta-binomial": BetaBinomial,
    "gaussian": Gaussian,
    "gaussian-fixed": GaussianFixed,
    "gaussian-full": GaussianFull,
    "student-t": StudentT,
    "poisson": Poisson,
    "negative-binomial": NegativeBinomial,
    "softmax": Softmax,
}

__all__ = ["LIKELIHOODS", "STD", "Likelihood", "Mixed", "Tokens", *(cls.__name__ for cls in LIKELIHOODS.values())]
