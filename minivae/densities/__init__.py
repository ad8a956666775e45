"""Log-probabilities, KL divergences and the reparameterization: value and gradient side by side.

Each operation is a pair: `f(*args)` and `f_backward(g, *args)`, the gradients of sum(g * f), one per argument and in
its shape; g has the shape of f. Data and noise are keyword arguments and get none. Log-probabilities sum over the last
axis only, (..., D) -> (...) nats; all earlier axes broadcast, and no constant is left out. `observed` (..., D) says
which terms of the sum count; x is any number where they do not.
"""

from .aggregate import aggregate_log_prob, aggregate_log_prob_backward
from .counts import (
    negative_binomial_log_prob,
    negative_binomial_log_prob_backward,
    poisson_log_prob,
    poisson_log_prob_backward,
)
from .experts import (
    mixture_of_experts,
    mixture_of_experts_backward,
    product_of_experts,
    product_of_experts_backward,
)
from .grids import (
    beta_binomial_log_prob,
    beta_binomial_log_prob_backward,
    logistic_log_prob,
    logistic_log_prob_backward,
    mixture_log_prob,
    mixture_log_prob_backward,
)
from .low_rank import (
    low_rank_log_prob,
    low_rank_log_prob_backward,
)
from .pixels import (
    bernoulli_log_prob,
    bernoulli_log_prob_backward,
    categorical_log_prob,
    categorical_log_prob_backward,
    softmax_log_prob,
    softmax_log_prob_backward,
)
from .reals import (
    LOG_2PI,
    gaussian_log_prob,
    gaussian_log_prob_backward,
    kl_gaussians,
    kl_gaussians_backward,
    kl_standard_normal,
    kl_standard_normal_backward,
    pairwise_gaussian_log_prob,
    pairwise_gaussian_log_prob_backward,
    standard_normal_log_prob,
    standard_normal_log_prob_backward,
    student_t_log_prob,
    student_t_log_prob_backward,
)
from .sampling import (
    choice_bound,
    choice_bound_backward,
    free_bits,
    free_bits_backward,
    gumbel_softmax,
    gumbel_softmax_backward,
    kl_uniform,
    kl_uniform_backward,
    log_mean_exp,
    log_mean_exp_backward,
    reparameterize,
    reparameterize_backward,
)

__all__ = [
    "LOG_2PI",
    "aggregate_log_prob",
    "aggregate_log_prob_backward",
    "bernoulli_log_prob",
    "bernoulli_log_prob_backward",
    "beta_binomial_log_prob",
    "beta_binomial_log_prob_backward",
    "categorical_log_prob",
    "categorical_log_prob_backward",
    "choice_bound",
    "choice_bound_backward",
    "free_bits",
    "free_bits_backward",
    "gaussian_log_prob",
    "gaussian_log_prob_backward",
    "gumbel_softmax",
    "gumbel_softmax_backward",
    "kl_gaussians",
    "kl_gaussians_backward",
    "kl_standard_normal",
    "kl_standard_normal_backward",
    "kl_uniform",
    "kl_uniform_backward",
    "log_mean_exp",
    "log_mean_exp_backward",
    "logistic_log_prob",
    "logistic_log_prob_backward",
    "low_rank_log_prob",
    "low_rank_log_prob_backward",
    "mixture_log_prob",
    "mixture_log_prob_backward",
    "mixture_of_experts",
    "mixture_of_experts_backward",
    "negative_binomial_log_prob",
    "negative_binomial_log_prob_backward",
    "pairwise_gaussian_log_prob",
    "pairwise_gaussian_log_prob_backward",
    "poisson_log_prob",
    "poisson_log_prob_backward",
    "product_of_experts",
    "product_of_experts_backward",
    "reparameterize",
    "reparameterize_backward",
    "softmax_log_prob",
    "softmax_log_prob_backward",
    "standard_normal_log_prob",
    "standard_normal_log_prob_backward",
    "student_t_log_prob",
    "student_t_log_prob_backward",
]
