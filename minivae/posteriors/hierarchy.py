"""Posteriors of levels of latents, z = [z1, z2, ..]: from the data upward, or from the top down along the prior."""

from ..backend import array_module, unbroadcast
from ..layers import Split
from ..numeric import side_by_side, sigmoid, softplus
from ..options import each, whole
from .base import DiagonalGaussian, Posterior


class _Levels(Posterior):
    """What both have in common."""

    latent = "point"

    def log_levels(self, cache):
        """[log q of z1, log q of z2, ..], (K, N) each, of a forward call: their sum is log q(z | x)."""
        return cache[0]

    def describe(self, heads):
        eps = array_module(heads[0]).zeros((*heads[0].shape[:-1], self.L), heads[0].dtype)
        return self.forward(heads, eps)[0][0]


class BottomUp(_Levels):
    """q(z | x) = q(z1 | x) q(z2 | z1) q(z3 | z2) .., each a diagonal Gaussian (Burda et al. 2016, sec. 2).

    The heads are (mu, log_var) of z1, (N, L1) each. networks[0] makes (mu, log_var) of z2 of z1, and so on; `levels`
    are the widths of z1, z2, ...
    """

    def __init__(self, levels, networks):
        levels = each(whole(1))("levels", levels)
        self.L = sum(levels)
        self.networks = list(networks)
        self.split = Split(levels)
        self.base = DiagonalGaussian()

    def forward(self, heads, eps):
        z, log_q, caches = [], [], []
        for i, own in enumerate(self.split(eps)):
            c_net = None
            if i:
                heads, c_net = self.networks[i - 1].forward(z[-1])
            (z_i, log_q_i), c_base = self.base.forward(heads, own)
            z.append(z_i)
            log_q.append(log_q_i)
            caches.append((c_base, c_net))
        return (side_by_side(z), sum(log_q)), (log_q, caches)

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        _, caches = cache
        dabove = 0.0
        # forward went from z1 upward, so now the gradient of a level comes down with that of the network above it
        for i, dz_i in reversed(list(enumerate(self.split(dz)))):
            c_base, c_net = caches[i]
            dheads = self.base.backward(dz_i + dabove, dlog_qz_x, c_base)
            if i:
                dabove = self.networks[i - 1].backward(dheads, c_net, accumulate)
        return dheads


class TopDown(_Levels):
    """q(z | x) = q(zm | x) .. q(z2 | z3, x) q(z1 | z2, x): what x says of a level, times what the prior says of it.

    The heads are (mu, log_var) of z1, of z2, .., (N, L_i) each. The highest level has them as they are. Those below
    are combined with the prior's Gaussian given the level above (Soenderby et al. 2016, 1602.02282, sec. 2):

        1 / var_q = 1 / var + 1 / var_p,    mu_q = var_q (mu / var + mu_p / var_p)

    The networks are those of `prior`, a Hierarchy: its parameters learn from both.
    """

    def __init__(self, prior):
        self.prior = prior
        self.L = prior.L
        self.n_heads = 2 * len(prior.levels)
        self.base = DiagonalGaussian()

    def forward(self, heads, eps):
        heads = self._checked(heads)
        split, networks = self.prior.split, self.prior.networks
        eps = split(eps)
        (above, log_q_i), c_base = self.base.forward(heads[-2:], eps[-1])
        z, log_q, caches = [above], [log_q_i], [(c_base, None, None)]
        for i in reversed(range(len(networks))):
            own = heads[2 * i : 2 * i + 2]
            of_prior, c_net = networks[i].forward(z[0])
            combined, c_both = _combine(own, of_prior)
            (z_i, log_q_i), c_base = self.base.forward(combined, eps[i])
            z.insert(0, z_i)
            log_q.insert(0, log_q_i)
            caches.insert(0, (c_base, c_both, c_net))
        return (side_by_side(z), sum(log_q)), (log_q, caches)

    def backward(self, dz, dlog_qz_x, cache, accumulate=True):
        _, caches = cache
        dheads, dbelow = (), 0.0
        # forward went from the top down, so now the gradient of a level goes up to the one that it was drawn from
        for i, dz_i in enumerate(self.prior.split(dz)):
            c_base, c_both, c_net = caches[i]
            down = self.base.backward(dz_i + dbelow, dlog_qz_x, c_base)
            if c_both is not None:
                down, of_prior = _combine_backward(*down, c_both)
                dbelow = self.prior.networks[i].backward(of_prior, c_net, accumulate)
            dheads += down
        return dheads


def _combine(own, of_prior):
    """((mu_q, log_var_q), cache) of the product of two Gaussians, (mu, log_var) each: (N, L) and (K, N, L)."""
    (mu, log_var), (mu_p, log_var_p) = own, of_prior
    t = log_var_p - log_var
    w = sigmoid(t)  # 1 / var of 1 / var + 1 / var_p
    d = mu - mu_p
    return (mu_p + w * d, log_var_p - softplus(t)), (w, d, mu.shape)


def _combine_backward(dmu_q, dlog_var_q, cache):
    """(dmu, dlog_var) of the heads (N, L), and those of the prior (K, N, L).

    Forward took mu_q = mu_p + w d with d = mu - mu_p and w = sigmoid(t), and log_var_q = log_var_p - softplus(t), whose
    slope in t is -w; so now dt = w (1 - w) d dmu_q - w dlog_var_q, with t = log_var_p - log_var.
    """
    w, d, shape = cache
    dmu = w * dmu_q
    dt = (dmu_q - dmu) * d * w - w * dlog_var_q
    return (unbroadcast(dmu, shape), unbroadcast(-dt, shape)), (dmu_q - dmu, dlog_var_q + dt)
