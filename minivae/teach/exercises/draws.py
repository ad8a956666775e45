"""What the draws and the slips of several lessons have in common."""


def one_of(rng, *sizes):
    """Another of three for each of the seeds that an answer is tried on; the first one comes first."""
    return sizes[-1 - rng.permutation(3)[-1]]


def turned(W):
    """W transposed, where it has as many rows as columns: there a wrong transpose has the right shape."""
    return W.T if W.shape[0] == W.shape[1] else W
