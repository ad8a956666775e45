"""What every bijector is, and bijectors one after another."""

from ..backend import array_module, unbroadcast
from ..layers.base import Layer
from ..numeric import cut, side_by_side
from ..params import Param


class Bijector(Layer):
    """A map of rows of L latents, which can be inverted: there is one z for each z'.

    z (..., L), context (..., H) -> z' (..., L) and log_det = log |det df / dz| (...) in nats. The context is what the
    map may depend on beside z: one row for each example, which several samples of it may share.
    `H` is how many columns the context has, None where the map takes none.
    """

    H = None

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
    """Bijectors one after another; log_det (...) is the sum of their log_dets.

    All have the same context; or with `own` each has its own `H` columns of it, in their order.
    """

    def __init__(self, *flows, own=False):
        self.flows = list(flows)
        self.own = own
        self.H = sum(flow.H for flow in flows) if own else next((f.H for f in flows if f.H is not None), None)

    def forward(self, z, context=None):
        caches = []
        total = 0
        for flow, columns in zip(self.flows, self._contexts(context), strict=True):
            (z, log_det), cache = flow.forward(z, columns)
            caches.append(cache)
            total = total + log_det
        return (z, total), caches

    def backward(self, dz, dlog_det, cache, accumulate=True):
        # forward added every log_det to the sum, so now each gets all of dlog_det
        dcontexts = []
        for flow, c_flow in zip(self.flows[::-1], cache[::-1], strict=True):
            dz, dcontext = flow.backward(dz, dlog_det, c_flow, accumulate)
            dcontexts.append(dcontext)
        if self.own:  # it had cut the context into columns
            return dz, side_by_side(dcontexts[::-1])
        given = [dcontext for dcontext in dcontexts if dcontext is not None]
        return dz, sum(given[1:], start=given[0]) if given else None  # or had given the same one to every flow

    def inverse(self, z, context=None):
        for flow, columns in zip(self.flows[::-1], self._contexts(context)[::-1], strict=True):
            z = flow.inverse(z, columns)
        return z

    def _contexts(self, context):
        """The context of each flow."""
        if not self.own:
            return [context] * len(self.flows)
        return cut(context, [flow.H for flow in self.flows])


class Unconditional(Bijector):
    """A bijector whose context (H,) is a parameter, the same for all z: a flow by itself, without an encoder.

    It starts near 0, where planar and radial flows are the identity: many that are not would fold the space.
    """

    def __init__(self, flow, rng):
        self.flow = flow
        self.context = Param(0.1 * rng.standard_normal(flow.H))

    def forward(self, z, context=None):
        rows = array_module(z).broadcast_to(self.context.data, (*z.shape[:-1], self.flow.H))
        return self.flow.forward(z, rows)

    def backward(self, dz, dlog_det, cache, accumulate=True):
        dz, dcontext = self.flow.backward(dz, dlog_det, cache, accumulate)
        if accumulate:
            self.context.grad += unbroadcast(dcontext, self.context.data.shape)  # forward gave it to all rows
        return dz, None

    def inverse(self, z, context=None):
        return self.flow.inverse(z, array_module(z).broadcast_to(self.context.data, (*z.shape[:-1], self.flow.H)))
