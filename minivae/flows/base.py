"""What every bijector is, and bijectors one after another."""

from ..layers.base import Layer


class Bijector(Layer):
    """A map of rows of L latents, which can be inverted: there is one z for each z'.

    z (..., L), context (..., H) -> z' (..., L) and log_det = log |det df / dz| (...) in nats. The context is what the
    map may depend on beside z: one row for each example, which several samples of it may share.
    """

    def forward(self, z, context=None):
        """((z', log_det), cache)."""
        raise NotImplementedError

    def backward(self, dz, dlog_det, cache, accumulate=True):
        """(dz (..., L) of the input, dcontext), from dz of z' and dlog_det (...); dcontext None without a context."""
        raise NotImplementedError

    def inverse(self, z, context=None):
        """The z (..., L) that `forward` takes to this z'; ValueError where there is no closed form."""
        raise NotImplementedError


class Chain(Bijector):
    """Bijectors one after another, all with the same context; log_det (...) is the sum of their log_dets."""

    def __init__(self, *flows):
        self.flows = list(flows)

    def forward(self, z, context=None):
        caches = []
        total = 0
        for flow in self.flows:
            (z, log_det), cache = flow.forward(z, context)
            caches.append(cache)
            total = total + log_det
        return (z, total), caches

    def backward(self, dz, dlog_det, cache, accumulate=True):
        total = None
        # forward added every log_det to the sum and gave every flow the context, so now each gets all of dlog_det, and
        # dcontext is the sum of theirs
        for flow, c_flow in zip(self.flows[::-1], cache[::-1], strict=True):
            dz, dcontext = flow.backward(dz, dlog_det, c_flow, accumulate)
            if dcontext is not None:
                total = dcontext if total is None else total + dcontext
        return dz, total

    def inverse(self, z, context=None):
        for flow in self.flows[::-1]:
            z = flow.inverse(z, context)
        return z
