"""Exercises of lesson 19: what the KL is spent on, total correlation, the gap of information, and one seed of each."""

from functools import partial

import numpy as np

from ..exercise import Exercise
from . import factors_by_hand as by_hand
from .factors_by_hand import aggregate, entropy, gaussian_tc, kl_parts, mig, mutual_information, wrong_order


def _logs(rng):
    N, L = rng.integers((20, 3), (60, 9))
    log_qz_l, log_pz_l = rng.standard_normal((2, N, L)) - 1
    log_qz = log_qz_l.sum(axis=1) + rng.random(N)
    return {"log_qz_x": log_qz + 2 * rng.random(N), "log_qz": log_qz, "log_qz_l": log_qz_l, "log_pz_l": log_pz_l - 0.3}


def _covariance(rng):
    L = rng.integers(2, 7)
    A = rng.standard_normal((L, L + 2))
    return {"C": A @ A.T / L * np.exp(0.5 * rng.standard_normal())}


def _batch(rng):
    N, L = rng.integers((5, 2), (14, 6))
    mu, log_var, eps = rng.standard_normal((3, N, L))
    z = mu + np.exp(0.5 * log_var) * eps
    return {"z": z, "mu": mu, "log_var": log_var, "M": int(rng.integers(30, 90))}


def _two(rng):
    """Whole numbers, of which some pairs never come together."""
    N, A, B = rng.integers((60, 4, 3), (120, 9, 8))
    a = rng.integers(A, size=N)
    b = np.where(rng.random(N) < 0.5, a % B, rng.integers(B, size=N) // 2)
    return {"a": a, "b": b}


def _codes(rng):
    N, L, F = rng.integers((150, 5, 2), (300, 9, 5))
    factors = rng.integers((3, 4, 5, 6, 7)[:F], size=(N, F))
    near = factors[:, rng.integers(F, size=L)]
    codes = np.where(rng.random((N, L)) < rng.uniform(0.2, 0.9, L), near, rng.integers(6, size=(N, L)))
    return {"codes": codes, "factors": factors}


def _scores(rng):
    n, m = rng.integers((4, 9), (9, 15))
    return {"a": rng.integers(2, 9, n) / 10, "b": rng.integers(0, 8, m) / 10}


_parts, _gaussian = partial(partial, by_hand.parts_variant), partial(partial, by_hand.gaussian_variant)
_density, _information = partial(partial, by_hand.aggregate_variant), partial(partial, by_hand.information_variant)
_mig, _order = partial(partial, by_hand.mig_variant), partial(partial, by_hand.order_variant)


def _weights(**changed):
    return _density(w=partial(by_hand.weights, **changed))


EXERCISES = (
    Exercise(
        "19.1",
        "kl_parts",
        "first, second, third",
        _logs,
        kl_parts,
        points=2,
        hints=(
            "Each of the three is a mean of a difference of two logarithms, and what one part subtracts the next one "
            "has in front.",
            "The chain begins with log q(z | x) and ends with log p(z), which is a sum over the latents. Two densities "
            "stand between: q(z), and the product of all q(z_l).",
        ),
        slips={
            "sums over the draws where means are wanted": _parts(total=np.sum),
            "averaged over the latents: logarithms of a product of densities add up": _parts(over=np.mean),
            "the sign of the first: q(z | x) is the narrower density": _parts(mi=-1),
            "the sign of the second: q(z) stands in front": _parts(tc=-1),
            "the sign of the third: the q(z_l) stand in front": _parts(dim_kl=-1),
            "the first is the whole KL: it compares q(z | x) with q(z)": _parts(
                first=lambda q_x, q, product, p: q_x - p),
            "the first compares q(z | x) with q(z), not with the product of the q(z_l)": _parts(
                first=lambda q_x, q, product, p: q_x - product),
            "the second is 0 where latents are independent; that is 0 only where q(z) is the prior": _parts(
                second=lambda q_x, q, product, p: q - p),
            "the second compares q(z) with the product of the q(z_l), not q(z | x)": _parts(
                second=lambda q_x, q, product, p: q_x - product),
            "the third looks at each latent alone; that has q(z) in front": _parts(
                third=lambda q_x, q, product, p: q - p),
            "the third compares with the prior; that is the negative second": _parts(
                third=lambda q_x, q, product, p: product - q),
            "the third has q(z | x) in front": _parts(third=lambda q_x, q, product, p: q_x - p),
        },
    ),
    Exercise(
        "19.2",
        "gaussian_tc",
        "tc",
        _covariance,
        gaussian_tc,
        points=2,
        hints=(
            "Write log q(z) and log q(z_l) of a Gaussian, and take the mean of both under q. The means of both squares "
            "are known.",
            "What is left are logarithms of a determinant and of variances. np.linalg.det or slogdet, np.diag.",
        ),
        slips={
            "the half is missing": _gaussian(half=1),
            "the sign: the total correlation is never negative": _gaussian(sign=-1),
            "the variances of the single latents are forgotten: that is for variances of 1": _gaussian(single=0),
            "the determinant is forgotten": _gaussian(joint=lambda C: 0),
            "standard deviations where variances should be": _gaussian(
                marginal=lambda C: np.sqrt(np.diag(C))),
            "log(2 pi) is left over: it cancels": _gaussian(const=by_hand.LOG_2PI),
            "the squares are left over: their means are L in both, and cancel": _gaussian(const=1),
            "the logarithm of the sum of the variances: the logarithms add up": _gaussian(
                log=lambda a: np.log(a.sum()), total=np.mean),
            "averaged over the latents, not summed": _gaussian(total=np.mean),
            "the determinant without its logarithm": _gaussian(joint=np.linalg.det),
            "the variances without their logarithm": _gaussian(log=lambda a: a),
            "in bits: natural logarithms are wanted": _gaussian(half=0.5 / np.log(2)),
            "the determinant is that of the inverse": _gaussian(joint=lambda C: -np.linalg.slogdet(C)[1]),
        },
    ),
    Exercise(
        "19.3",
        "aggregate",
        "log_qz, log_qz_l",
        _batch,
        aggregate,
        points=2,
        hints=(
            "z[:, None] - mu is (N, N, L): [n, m] is draw n seen from posterior m. Log-densities of a latent there.",
            "log_w (N, N) has log(1 / M) on the diagonal, where n = m. np.eye(N, dtype=bool) and np.where make it.",
            "log_qz: sum log_q over the latents first, then log_sum_exp over m. log_qz_l: log_sum_exp over m for each "
            "latent by itself, with log_w[..., None].",
        ),
        slips={
            "the weight of one's own belongs on the diagonal; here it fills a column": _weights(
                where=by_hand.first_column),
            "the weight of one's own belongs on the diagonal; here it fills a row": _weights(
                where=lambda N: by_hand.first_column(N).T),
            "all weights are 1 / N: a draw's own posterior is one of M, not one of N": _density(w=by_hand.equal),
            "all weights are 1 / M: the others stand for M - 1 images": _weights(other=lambda N, M: 1 / M),
            "one's own weight is 1 / M, not 1 / N": _weights(own=lambda N, M: 1 / N),
            "one's own posterior is left out": _weights(own=lambda N, M: 0.0),
            "the two weights are exchanged": _weights(
                own=lambda N, M: (M - 1) / (M * (N - 1)), other=lambda N, M: 1 / M),
            "the others' weight: they are N - 1, not N": _weights(other=lambda N, M: (M - 1) / (M * N)),
            "the others' weight has the factor (M - 1) / M: together all weights are 1": _weights(
                other=lambda N, M: 1 / (N - 1)),
            "the others' weight is divided among N - 1": _weights(other=lambda N, M: (M - 1) / M),
            "one's own weight, for M images, is 1 / M, not 1": _weights(own=lambda N, M: 1.0),
            "turned: the sum is over the posteriors, not over the draws": _density(turn=True),
            "log q(z) is the mean of products; that is the product of means, so that all latents are independent":
                _density(late=True),
            "log(2 pi) is missing": _density(const=0),
            "the half is missing": _density(half=1),
            "log_var is missing in the log-density": _density(height=0),
            "standard deviation for variance: exp(log_var) is the variance": _density(
                variance=lambda log_var: np.exp(log_var / 2)),
            "log q(z) is a sum over the latents, not their mean": _density(inner=np.mean),
            "log_qz_l is wanted for each latent, not summed": _density(each=lambda a: a.sum(axis=1)),
            "the mean of the logarithms; the logarithm of the mean is wanted": _density(
                log_mean=lambda a, axis: a.mean(axis=axis)),
        },
    ),
    Exercise(
        "19.4",
        "mutual_information",
        "information",
        _two,
        mutual_information,
        hints=(
            "p[i, j] is the share of rows with a = i and b = j: np.add.at(p, (a, b), 1 / len(a)) counts them.",
            "p.sum(axis=1) are the shares of a, p.sum(axis=0) those of b. Leave out the pairs with p = 0: "
            "0 log 0 is 0.",
        ),
        slips={
            "in bits: the natural logarithm is wanted": _information(sign=1 / np.log(2)),
            "the sign: it is never negative": _information(sign=-1),
            "that is H(a): the shares of b, and of the pairs, are missing": _information(joint=0, of_b=0),
            "that is H(b): the shares of a, and of the pairs, are missing": _information(joint=0, of_a=0),
            "that is the entropy of the pair": _information(of_a=0, of_b=0, sign=-1),
            "that is H(a) + H(b), without the pairs": _information(joint=0),
            "the shares of a are missing: that is the entropy of a that is left, with a minus": _information(of_a=0),
            "the shares of b are missing: that is the entropy of b that is left, with a minus": _information(of_b=0),
            "counts where shares should be": _information(size=0),
            "averaged over all pairs: each counts as often as it comes": _information(
                weigh=lambda p: np.full(p.shape, 1 / p.size)),
            "weighed by the product of the shares; the pairs come with p": _information(
                weigh=lambda p: p.sum(axis=1, keepdims=True) * p.sum(axis=0)),
            "divided by the entropy of b; that comes in the next exercise": lambda a, b: (
                mutual_information(a, b) / entropy(b)),
        },
    ),
    Exercise(
        "19.5",
        "mig",
        "gap",
        _codes,
        mig,
        hints=(
            "A matrix (L, F) first: mutual_information(codes[:, j], factors[:, k]). Then np.sort over the latents.",
            "For each factor the largest less the second, over the factor's entropy; entropy(v) is "
            "mutual_information(v, v). Then the mean over the factors.",
        ),
        slips={
            "not divided by the entropies of the factors": _mig(over=lambda codes, factors, ordered: 1),
            "divided by the mean entropy: each factor has its own": _mig(
                over=lambda codes, factors, ordered: np.mean([entropy(v) for v in factors.T])),
            "divided by the largest information, not by the entropy": _mig(
                over=lambda codes, factors, ordered: ordered[-1]),
            "divided by the entropy's upper limit, the logarithm of the number of values": _mig(
                over=lambda codes, factors, ordered: np.log(factors.max(axis=0) + 1)),
            "the gap is between the two best latents of a factor, not the two best factors of a latent": _mig(
                axis=1, over=lambda codes, factors, ordered: np.array([entropy(a) for a in codes.T])),
            "reshape is no transpose: the numbers are in wrong rows": _mig(
                shape=lambda a: a.T.reshape(a.shape)),
            "the best less the third: the second is the rival": _mig(second=-3),
            "the best less the worst: the second is the rival": _mig(second=0),
            "the best alone: the second is not subtracted": _mig(gap=lambda best, other: best),
            "the sign: the best less the second": _mig(gap=lambda best, other: other - best),
            "the ratio of the second to the best; the gap is a difference": _mig(
                gap=lambda best, other: other / best, over=lambda codes, factors, ordered: 1),
            "the sum over the factors; their mean is wanted": _mig(total=np.sum),
            "one number for each factor; their mean is wanted": _mig(total=lambda a: a),
        },
    ),
    Exercise(
        "19.6",
        "wrong_order",
        "share",
        _scores,
        wrong_order,
        hints=(
            "There are n m pairs: a[:, None] and b side by side make a table (n, m).",
            "The mean of (b > a) over the table, and a half for each pair with b = a.",
        ),
        slips={
            "that is how often a is above b; asked is b above a": _order(swap=True),
            "ties are not counted; half of them are": _order(tie=0),
            "ties are counted in full; half of them are": _order(tie=1),
            "the number of pairs; their share is wanted": _order(total=np.sum),
            "in percent; the share is wanted": _order(scale=100),
            "twice as much as it is": _order(twice=2),
            "compared with the mean of a; take each seed by itself": lambda a, b: (b > a.mean()).mean(),
            "that compares the means; asked is one seed of each": lambda a, b: float(b.mean() > a.mean()),
            "the first seeds of both side by side; every seed of a may meet every one of b": lambda a, b: (
                np.sign(b[: len(a)] - a[: len(b)]).mean() + 1) / 2,
        },
    ),
)  # fmt: skip
