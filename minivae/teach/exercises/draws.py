"""What the draws and the slips of several lessons have in common."""

from functools import partial

from scipy.special import logsumexp

log_sum_exp = partial(logsumexp, axis=0)


def one_of(rng, *sizes):
    """Another of three for each of the seeds that an answer is tried on; the first one comes first."""
    return sizes[-1 - rng.permutation(3)[-1]]


def turned(W):
    """W transposed, where it has as many rows as columns: there a wrong transpose has the right shape."""
    return W.T if W.shape[0] == W.shape[1] else W


def as_it_is(a, *_):
    """In the place of a step that is left out."""
    return a


def summed(a):
    """Over the latents, the last axis."""
    return a.sum(axis=-1)


def averaged(a):
    """Over the latents, where their sum is wanted."""
    return a.mean(axis=-1)
