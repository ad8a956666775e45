"""Exercises of lesson 21: nearest codes, straight-through, moving averages, Gumbel, the exact gradient of a choice."""

from ..exercise import Exercise
from . import codes_by_hand as by_hand
from . import codes_draws as draws
from .choices_slips import CHOICES
from .codes_by_hand import softmax
from .codes_slips import CODES


def _of_y(dy, logits, gumbel, temperature):
    return (dy * softmax((logits + gumbel) / temperature)).sum()


EXERCISES = (
    Exercise(
        "21.1",
        "nearest",
        "codes",
        draws.places,
        by_hand.nearest,
        indices=True,
        hints=(
            "z[:, None] - e has the shape (N, K, d): place n less code k. What is left to do with its last axis?",
            "Squares, summed over d, are the squared distances (N, K). For each n the k with the least one is wanted.",
            "np.argmin(..., axis=1) gives whole numbers (N,).",
        ),
        slips=CODES["21.1"],
    ),
    Exercise(
        "21.2",
        "quantize_backward",
        "dz, de",
        draws.back,
        by_hand.quantize_backward,
        value=by_hand.objective,
        points=2,
        hints=(
            "dz has two parts: dz_q as it is, and the derivative of commit ||z - e||^2 with e held.",
            "For one place the last part of the loss gives its code -2 (z - e), whatever commit is.",
            "Several places may have chosen one code, and their parts add up: np.add.at(de, codes, parts), or a loop "
            "over the places. de[codes] += parts keeps only one of them.",
        ),
        slips=CODES["21.2"],
    ),
    Exercise(
        "21.3",
        "follow",
        "count, total, e",
        draws.smoothed,
        by_hand.follow,
        points=2,
        hints=(
            "n_k: np.bincount(codes, minlength=len(count)). s_k: np.add.at(s, codes, z) on zeros (K, d).",
            "Both averages are decay times the old plus (1 - decay) times the new.",
            "The smoothed counts are made of the new count; their sum is that of count. Then e = total / smoothed, "
            "where a [:, None] gives each row its own.",
        ),
        slips=CODES["21.3"],
    ),
    Exercise(
        "21.4",
        "settled",
        "e",
        draws.averages,
        by_hand.settled,
        points=2,
        hints=(
            "Write down count after one step, after two, after three, with n_k the same in each. What is left of the "
            "first count, and what has been added in all?",
            "What was there at the start is multiplied with decay in each step, and what was added is a geometric "
            "series. Which of the two is left in the quotient after very many steps? And which if n_k and s_k are 0?",
            "np.where(n[:, None] > 0, a, b) takes rows from a or b. np.maximum(n, 1) avoids a division by 0.",
        ),
        slips=CODES["21.4"],
    ),
    Exercise(
        "21.5",
        "exact_gradient",
        "dlogits",
        draws.choices,
        by_hand.exact_gradient,
        value=lambda logits, f: (softmax(logits) * f).sum(),
        points=2,
        hints=(
            "p_k = exp(l_k) / S with S = sum_j exp(l_j). A logit is in the numerator of its own p and in every S.",
            "The derivative of p_k in l_j is p_k (1 if k = j else 0) - p_k p_j. Put that into the sum over k.",
            "One of the two sums that come out is E itself. What does it say of a logit whose f is above the average?",
        ),
        slips=CHOICES["21.5"],
    ),
    Exercise(
        "21.6",
        "gumbel_softmax",
        "z, y",
        draws.noise,
        by_hand.gumbel_softmax,
        hints=(
            "scores = logits + gumbel. z is 1 where a row of them is largest: np.eye(K)[scores.argmax(axis=1)].",
            "y is the softmax over the K values of scores / temperature: exponentials over the sum of their row.",
        ),
        slips=CHOICES["21.6"],
    ),
    Exercise(
        "21.7",
        "gumbel_softmax_backward",
        "dlogits",
        draws.relaxed,
        by_hand.gumbel_softmax_backward,
        value=_of_y,
        hints=(
            "In 21.5 the numbers f did not depend on the logits, and what was differentiated was sum_k p_k f_k. Which "
            "numbers stand in the place of f and of p here?",
            "The softmax gets (logits + gumbel) / temperature: the chain rule brings one more factor.",
        ),
        slips=CHOICES["21.7"],
    ),
)
