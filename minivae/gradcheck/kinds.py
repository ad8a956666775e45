"""What a part is, by its class: that decides how it is called, and what its gradients are."""

from ..flows import Bijector
from ..likelihoods import Likelihood
from ..models.base import Model
from ..posteriors import Posterior
from ..priors import Prior

KINDS = {Model: "model", Likelihood: "likelihood", Prior: "prior", Posterior: "posterior", Bijector: "bijector"}


def kind_of(part):
    """model, likelihood, prior, posterior or bijector; anything else is a layer."""
    return next((kind for cls, kind in KINDS.items() if isinstance(part, cls)), "layer")


def outputs_of(part, model, n):
    """Names of the n things that `part` gives in a call by `model`."""
    if kind_of(model) == "model" and model.latent == "gaussian" and part is getattr(model, "encoder", None):
        return "mu", "log_var"
    known = {"posterior": ("z", "log_qz_x"), "bijector": ("z", "log_det")}
    return known.get(kind_of(part)) or tuple(f"(its output {j})" for j in range(n))
