"""log p(x, z) and its slope in z, by the hand-written backward passes; no parameter gets a gradient."""

from ..backend import array_module


def joint_terms(model, x, z, y=None):
    """log p(x | z), its gradient by z (..., L), log p(z), its gradient by z: x (..., D), z in as many axes or more."""
    log_px_z, dz = model.log_px_z_and_slope(x, z, y)
    prior = model.prior_of(y, z.shape[-2])
    log_pz, c_z = prior.forward(z)
    return log_px_z, dz, log_pz, prior.backward(array_module(z).ones_like(log_pz), c_z, accumulate=False)
