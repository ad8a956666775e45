"""log p(x, z) and its slope in z, by the hand-written backward passes; no parameter gets a gradient."""

from ..backend import array_module


def log_px_z_and_gradient(model, x, z, y=None):
    """log p(x | z) and its gradient by z (..., L): x (..., D), z in as many axes or more."""
    out, c_dec = model.decoder.forward(model.given(z, y))
    log_px_z, c_x = model.likelihood.forward(x, out)
    g = array_module(z).ones_like(log_px_z)
    dz = model.decoder.backward(model.likelihood.backward(g, c_x, accumulate=False), c_dec, accumulate=False)
    return log_px_z, dz[..., : z.shape[-1]]


def joint_terms(model, x, z, y=None):
    """log p(x | z), its gradient by z, log p(z), its gradient by z; arguments as above."""
    log_px_z, dz = log_px_z_and_gradient(model, x, z, y)
    prior = model.prior_of(y, z.shape[-2])
    log_pz, c_z = prior.forward(z)
    return log_px_z, dz, log_pz, prior.backward(array_module(z).ones_like(log_pz), c_z, accumulate=False)
