"""A prior that a flow takes to N(0, I)."""

from ..densities import standard_normal_log_prob, standard_normal_log_prob_backward
from .base import Prior


class FlowPrior(Prior):
    """log p(z) = log N(f(z); 0, I) + log |det df / dz|, f a bijector; a draw is f^{-1}(eps)   (Dinh et al. 2017)."""

    def __init__(self, flow, L):
        super().__init__(L)
        self.flow = flow

    def forward(self, z):
        (e, log_det), c_flow = self.flow.forward(z)
        return standard_normal_log_prob(e) + log_det, (e, c_flow)

    def backward(self, g, cache, accumulate=True):
        e, c_flow = cache
        # forward was the density of e plus log_det, so now both get g
        dz, _ = self.flow.backward(standard_normal_log_prob_backward(g, e), g, c_flow, accumulate)
        return dz

    def draw(self, noise):
        return self.flow.inverse(noise)
