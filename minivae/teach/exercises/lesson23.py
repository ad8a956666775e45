"""Exercises of lesson 23: an entropy, the mask and the loss of lines; a GRU's step and its way back through time."""

from functools import partial

import numpy as np

from ...numeric import sigmoid
from ..exercise import Exercise
from . import gru_by_hand as gru
from . import lines_by_hand as by_hand
from . import lines_draws as draws
from .draws import as_it_is
from .gru_by_hand import gate_gradients, gru_step, through_time
from .lines_by_hand import entropy, mask, token_loss


def _sizes(dh_new, **_):
    return {"sizes": dict(zip("NH", dh_new.shape, strict=True))}


def _sizes_of_time(dy, **_):
    return {"sizes": dict(zip("TNH", dy.shape, strict=True))}


def _nothing(a, *_):
    return 0 * a


def _interleaved(a):
    return [a[..., i::3] for i in range(3)]


_entropy, _loss = partial(partial, by_hand.entropy_variant), partial(partial, by_hand.loss_variant)
_forward, _gate, _back = (partial(partial, f) for f in (gru.step_variant, gru.gates_variant, gru.time_variant))

EXERCISES = (
    Exercise(
        "23.1",
        "entropy",
        "H",
        draws.grammar,
        entropy,
        points=2,
        hints=(
            "What is uncertain about symbol i? Which rule is chosen first; and then, given the rule, what "
            "each symbol on its right side becomes.",
            "The chain rule adds both. The second part is an average over the rules of symbol i, with their chances, "
            "of a sum of entropies H_j. So H stands on both sides: H = h + M H, with numbers h_i and M_ij.",
            "h_i is a sum over the rules of symbol i: left.T @ (one number per rule). M_ij as well: left.T @ (one row "
            "per rule). np.linalg.solve(A, h) solves A H = h.",
        ),
        slips={
            "that is the choice of the first rule alone: its right side goes on": _entropy(
                solve=lambda A, h: h),
            "H = h + M h stops after two rules; the symbols go on, so H stands on both sides": _entropy(
                solve=by_hand.one_step),
            "the sign: log p is negative, an entropy is not": _entropy(sign=1),
            "in bits: nats have the natural logarithm": _entropy(log=np.log2),
            "log p is not averaged: each rule counts with its chance p": _entropy(weight=np.ones_like),
            "the I is missing: from H = h + M H follows (I - M) H = h": _entropy(solve=by_hand.without_I),
            "the rules of a symbol are averaged with their chances p, not as if all were alike, in M": (
                lambda p, left, right: by_hand.entropy_variant(
                    p, left, right, in_M=lambda p: np.full_like(p, left.shape[1] / len(p)))),
            "a right side counts with the chance of its rule: p is missing in M": _entropy(in_M=np.ones_like),
            "M is transposed: M_ij is how many j a symbol i becomes": _entropy(turn=np.transpose),
            "the sign of M: from H = h + M H follows (I - M) H = h": _entropy(stays=1),
            "a symbol that stands twice in a rule counts twice": _entropy(of_right=lambda right: np.minimum(right, 1)),
            "each symbol has its own rules: M sums over those of all symbols": _entropy(
                turn=lambda M: np.ones_like(M) * M.sum(axis=0)),
            "a rule with p counts p log p, not p^2 log p": _entropy(weight=np.square),
            "the chance of a rule is p, not p^2, in M": _entropy(in_M=np.square),
            "divided by the number of symbols: each of them is said": _entropy(
                of_right=lambda right: right / np.maximum(right.sum(axis=1, keepdims=True), 1)),
        },
    ),
    Exercise(
        "23.2",
        "mask",
        "counts",
        draws.lines,
        mask,
        hints=(
            "ends = x == 0 is True at each end mark. np.cumsum(ends, axis=1) is how many there were up to a place.",
            "A place counts where there was no end mark before it. Before it: leave the place itself out of the sum.",
        ),
        slips={
            "the end mark counts as well: a model must say where a line ends": lambda x: (
                (np.cumsum(x == 0, axis=1) == 0).astype(float)),
            "that is where tokens are not 0: behind the end anything may stand": lambda x: (x != 0).astype(float),
            "the other way round: 1 is where a place counts": lambda x: 1 - mask(x),
            "one place too many: the end mark is the last that counts": lambda x: np.concatenate(
                [np.ones((len(x), 1)), mask(x)[:, :-1]], axis=1),
            "a line without an end mark counts to its last place: argmax finds nothing there, and says 0": lambda x: (
                (np.arange(x.shape[1]) <= (x == 0).argmax(axis=1)[:, None]).astype(float)),
            "that is the last end mark of a line; the first ends it": lambda x: (
                (np.cumsum((x == 0)[:, ::-1], axis=1)[:, ::-1] > 0) | ~(x == 0).any(axis=1, keepdims=True)
            ).astype(float),
            "the sum goes over the lines: axis 1 is that of the places": lambda x: (
                (np.cumsum(x == 0, axis=0) - (x == 0) == 0).astype(float)),
            "every place counts: what is behind the end is no part of the line": lambda x: np.ones(x.shape),
            "only the end marks count: the tokens before it are to be said as well": lambda x: (
                (x == 0) * mask(x)),
            "1 from the end mark on: it is 1 up to there": lambda x: (np.cumsum(x == 0, axis=1) > 0).astype(float),
            "behind the end it goes on, up to the next 0: leave the place itself out of the sum": lambda x: (
                (np.cumsum(x == 0, axis=1) <= 1).astype(float)),
            "how many tokens are not 0 is not where the line ends: behind the end anything may stand": lambda x: (
                (np.arange(x.shape[1]) <= (x != 0).sum(axis=1, keepdims=True)).astype(float)),
            "a line without an end mark counts to its last place, and not nothing": lambda x: (
                mask(x) * (x == 0).any(axis=1, keepdims=True)),
            "the end mark is left out, and a line without one counts nothing: argmax says 0 there": lambda x: (
                (np.arange(x.shape[1]) < (x == 0).argmax(axis=1)[:, None]).astype(float)),
            "how many end marks there were, not whether there were none": lambda x: (
                np.cumsum(x == 0, axis=1) - (x == 0)),
        },
    ),
    Exercise(
        "23.3",
        "token_loss",
        "loss, dlogits",
        draws.predicted,
        token_loss,
        value=lambda logits, x, counts: token_loss(logits, x, counts)[0],
        points=2,
        hints=(
            "log_p = logits - log sum exp of them, along the last axis; take the largest off before, since exp(900) is "
            "infinite. np.take_along_axis(log_p, x[..., None], axis=-1) has the token that is there.",
            "Multiply with counts, sum, divide by the number of lines, len(x), and turn the sign.",
            "dlogits: exp(log_p), less 1 where the token is, all times counts[..., None] / len(x).",
        ),
        slips={
            "exp overflows: take the largest logit off first": lambda logits, x, counts: (np.nan, 0 * logits + np.nan),
            "that is the logarithm of a p that is rounded to 0: take log p_k = o_k - log sum exp(o)": lambda *args: (
                np.inf, token_loss(*args)[1]),
            **{f"p + {eps:g} in the logarithm: some p are smaller; take log p_k = o_k - log sum exp(o)": _loss(
                score=partial(by_hand.log_of_sum, eps)) for eps in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)},
            "the logarithm is missing: the loss is made of -log p, not of -p": _loss(score=np.exp),
            "p log p is added up: the token that is there is known, so its log p alone": _loss(
                pick=lambda one_hot, log_p: np.exp(log_p)),
            "the largest logit is taken off in the sum of exp alone: it belongs off o_k as well":
                by_hand.without_the_largest,
            "a mean over the places of each line: they are added up": _loss(
                in_loss=by_hand.shared, in_gradient=by_hand.shared),
            "1 is subtracted for every token: it is only where the token is": lambda logits, x, counts: (
                token_loss(logits, x, counts)[0],
                by_hand.loss_variant(logits, x, counts, hot=0)[1] - counts[..., None] / len(x)),
            "divided by the number of tokens: the mean is over the lines": _loss(over=np.sum),
            "divided by the number of all places: the mean is over the lines": _loss(over=np.size),
            "that is the sum over the lines: their mean is wanted": _loss(over=lambda counts: 1),
            "divided by the length T: the mean is over the lines": _loss(over=lambda counts: counts.shape[1]),
            "dlogits is not divided by N, the loss is": _loss(dover=lambda counts: 1),
            "dlogits is divided by the number of tokens, the loss by N": _loss(dover=np.sum),
            "the sign of the loss: it is -log p": _loss(sign=-1),
            "the sign of dlogits: the token that is there gets p - 1": _loss(dsign=-1),
            "both signs: that is log p, and its gradient": _loss(sign=-1, dsign=-1),
            "the mask is missing in the loss: padded places cost nothing": _loss(in_loss=np.ones_like),
            "the mask is missing in dlogits: padded places have no gradient": _loss(in_gradient=np.ones_like),
            "the mask is missing": _loss(in_loss=np.ones_like, in_gradient=np.ones_like),
            "the other way round: those are the padded places": _loss(
                in_loss=lambda counts: 1 - counts, in_gradient=lambda counts: 1 - counts),
            "1 is not subtracted where the token is: dlogits is p less one-hot": _loss(hot=0),
            "the logits are multiplied with the mask: logits of 0 cost log V": _loss(
                before=lambda a, counts: a * counts, in_loss=np.ones_like, in_gradient=np.ones_like),
            "softmax goes along the places; it belongs along the tokens, the last axis": _loss(axis=1),
            "in bits: nats have the natural logarithm": _loss(log=np.log(2)),
            "the token is that of the place before: each place has its own in x": _loss(shift=1),
            "the token is that of the place behind: each place has its own in x": _loss(shift=-1),
        },
    ),
    Exercise(
        "23.4",
        "gru_step",
        "h_new, r, u, m, n",
        draws.step,
        gru_step,
        hints=(
            "g = h @ U, (N, 3 H). The blocks: a[:, :H], a[:, H : 2 * H], a[:, 2 * H :], and those of g as well. "
            "np.split(a, 3, axis=1) gives all three.",
            "Line by line as in the text: r, u, m, n, h_new. m = g_n + c stands inside the product with r.",
        ),
        slips={
            "u keeps the old state: u and 1 - u are exchanged": _forward(of_h=lambda u: 1 - u, of_n=lambda u: u),
            "the reset gate multiplies m, the product with U: here it multiplies h before": _forward(
                seen=lambda r, h: r * h, reset=lambda r, m: m),
            "c stands outside the product with r: it belongs to m": _forward(bias=_nothing, late=1),
            "c is missing": _forward(bias=_nothing),
            "r is missing in n": _forward(reset=lambda r, m: m),
            "r is added to m: it multiplies it": _forward(reset=lambda r, m: r + m),
            "tanh is missing": _forward(candidate=as_it_is),
            "n has a tanh: sigmoid is for the gates": _forward(candidate=sigmoid),
            "gates have a sigmoid: tanh is for n": _forward(gate=np.tanh),
            "r and u are exchanged: the blocks, and what is returned, are in the order r, u, n": _forward(
                order=(1, 0, 2)),
            "the blocks are read in the order n, r, u: they are in the order r, u, n": _forward(order=(1, 2, 0)),
            "a block is H columns beside each other, not every third": _forward(cut=_interleaved),
            "the old state is missing: u h": _forward(of_h=_nothing),
            "n counts 1 - u, not 1": _forward(of_n=np.ones_like),
            "n counts 1 - u, not u: both get u": _forward(of_n=lambda u: u),
            "the old state counts u, not 1": _forward(of_h=np.ones_like),
            "h_new is n alone: u says how much of n, and how much of the old state": _forward(
                of_n=np.ones_like, of_h=_nothing),
            "the block of a is missing in n": _forward(of_a=0),
            "the gates see h as well: h U is missing in r and u": _forward(of_g=0),
            "c is added in the gates: it stands in m alone": _forward(c_in_gates=1),
            "c stands in n once more: it is in m already": _forward(late=1),
            "r multiplies m in n; here it is u": _forward(of_reset=lambda r, u: u),
            "u weighs n and the old state; here it is r": _forward(of_update=lambda r, u: r),
            "m is returned with r: r multiplies it in n, m is h U_n + c": lambda *args: gru.m_with_r(gru_step(*args)),
            "the blocks of U are transposed: it is h U_r, and so on": _forward(of_U=gru.turned_blocks),
            "n takes the block of g that is r's": _forward(in_n=lambda g: g[0]),
            "n takes the block of g that is u's": _forward(in_n=lambda g: g[1]),
        },
    ),
    Exercise(
        "23.5",
        "gate_gradients",
        "da_r, da_u, da_n, dm",
        draws.gates,
        gate_gradients,
        value=gru.gates_value,
        points=2,
        hints=(
            "Go back from h_new = (1 - u) n + u h. What are the derivatives in n and in u?",
            "In terms of its own value tanh has the derivative 1 - n^2, and sigmoid s (1 - s).",
            "The sum inside tanh is a_n + r m. So a_n gets what the sum gets, m r times it, and r m times it, "
            "from which a_r is one sigmoid away.",
        ),
        slips={
            "the sign in da_u: u multiplies h, 1 - u multiplies n": _gate(away=lambda h, n: n - h),
            "da_u: u stands in both terms, and the one with n is forgotten": _gate(away=lambda h, n: h),
            "da_u: u stands in both terms, and the one with h is forgotten": _gate(away=lambda h, n: -n),
            "n has the factor 1 - u in h_new, not u": _gate(to_n=as_it_is),
            "the factor 1 - u of n in h_new is missing": _gate(to_n=np.ones_like),
            "the derivative of tanh is missing": _gate(tanh=np.ones_like),
            "the derivative of tanh is 1 - n^2, not n (1 - n)": _gate(tanh=lambda n: n * (1 - n)),
            "the derivative of tanh is 1 - n^2, not (1 - n)^2": _gate(tanh=lambda n: (1 - n) ** 2),
            "the derivative of tanh is 1 - n^2, not 1 - n": _gate(tanh=lambda n: 1 - n),
            "the derivative of tanh is 1 - n^2 of its value: tanh is applied once more": _gate(
                tanh=lambda n: 1 - np.tanh(n) ** 2),
            "the derivative of the sigmoid is missing in da_u": _gate(gate_u=np.ones_like),
            "the derivative of the sigmoid is u (1 - u), not 1 - u^2": _gate(gate_u=lambda u: 1 - u**2),
            "the derivative of the sigmoid is u (1 - u) of its value: sigmoid is applied once more": _gate(
                gate_u=lambda u: sigmoid(u) * (1 - sigmoid(u)), gate_r=lambda r: sigmoid(r) * (1 - sigmoid(r))),
            "da_u: the derivative of the sigmoid is u (1 - u), and u is missing": _gate(gate_u=lambda u: 1 - u),
            "da_u: the derivative of the sigmoid is u (1 - u), and 1 - u is missing": _gate(gate_u=as_it_is),
            "da_r: the derivative of the sigmoid is r (1 - r), and r is missing": _gate(gate_r=lambda r: 1 - r),
            "dm: no sigmoid is between m and the sum in tanh, so r alone": _gate(to_m=lambda r: r * (1 - r)),
            "the derivative of the sigmoid is missing in da_r": _gate(gate_r=np.ones_like),
            "the derivative of the sigmoid is r (1 - r), not 1 - r^2": _gate(gate_r=lambda r: 1 - r**2),
            "da_r: r was multiplied by m, and m is missing": _gate(to_r=lambda m, n, r: 1),
            "da_r: r was multiplied by m, not by n": _gate(to_r=lambda m, n, r: n),
            "m and r are exchanged: each factor gets what the product gets, times the other one": gru.gates_exchanged,
            "da_r: r was multiplied by m, not by h": lambda dh_new, h, r, u, m, n: gru.gates_variant(
                dh_new, h, r, u, m, n, to_r=lambda m, n, r: h),
            "da_r: m and r, not m alone: r is in dm, not in da_r": _gate(to_r=lambda m, n, r: m * r),
            "dm: m was multiplied by r, and r is missing": _gate(to_m=np.ones_like),
            "dm: m was multiplied by r, not by 1 - r": _gate(to_m=lambda r: 1 - r),
            "m and r are inside tanh: its derivative is in dm and da_r as well": _gate(behind=0),
            "summed over the lines: a number per entry is wanted": _gate(total=lambda d: d.sum(axis=0)),
            "averaged over the lines": _gate(total=lambda d: d / len(d)),
        },
        around=_sizes,
    ),
    Exercise(
        "23.6",
        "through_time",
        "da, dU, dc, dh_0",
        draws.time,
        through_time,
        value=gru.time_value,
        points=2,
        hints=(
            "Start with dh = 0 and go through t = T - 1, ..., 0. First add dy[t]: then dh is what states[t + 1] gets.",
            "gate_gradients(dh, states[t], r[t], u[t], m[t], n[t]) gives four arrays. dg = np.concatenate([da_r, da_u, "
            "dm], axis=1); da[t] has da_n in the place of dm.",
            "dU += states[t].T @ dg and dc += dm.sum(axis=0). The state before gets dh * u[t] + dg @ U.T.",
        ),
        slips={
            "the direct way is missing: h' holds u h": _back(direct=_nothing),
            "the direct way has u, not 1 - u": _back(direct=lambda u: 1 - u),
            "the direct way is multiplied by u: h' = (1 - u) n + u h": _back(direct=np.ones_like),
            "the way through U is missing": _back(through=0),
            "only the last dy is used: every state had an output": _back(used=lambda t, T: t == T - 1),
            "dy is used at the first step alone: every state had an output": _back(used=lambda t, T: t == 0),
            "what comes from the later step is dropped: dh is that and dy[t]": _back(carried=0),
            "dy[t] goes on as well: the direct way has dh without it": _back(lacks=1),
            "dU and dc are those of one step: all steps share U and c, so their gradients add up": _back(summed=0),
            "dU takes the state behind the step: U multiplied states[t]": _back(at=1),
            "the gates take the state behind the step: u multiplied states[t]": _back(seen=1),
            "U's third block gets dm, not da_n: r stands between them": _back(in_g=lambda da_n, dm: da_n),
            "dc is the sum of dm, not of da_n": _back(in_c=lambda da_n, dm: da_n),
            "da's third block is da_n, not dm": _back(block=lambda da_n, dm: dm),
            "dh_0 is one step off: that is the gradient of states[1]": _back(last=False),
            "the time runs forward: a gradient goes from the last step to the first": _back(upward=True),
            "the last dy is left out: every state had an output": _back(used=lambda t, T: t < T - 1),
            "the last dy is used twice: as the start of dh and again in its step": _back(
                used=lambda t, T: 1 + (t == T - 1)),
            "dy[t] is added to the state before as well: it belongs to states[t + 1]": _back(again=1),
            "dh_0 gets no dy: states[0] was the output of no step": gru.dh_0_with_dy,
            "dh_0 gets no dy: dy[t - 1] is the last one at t = 0": partial(gru.dh_0_with_dy, step=-1),
            "the blocks of U are not transposed on the way back: a dense layer gives dg U^T": _back(
                of_U=gru.turned_blocks),
            "the block of n is missing on the way through U: m holds h as well": _back(ways=(1, 1, 0)),
            "the blocks of the gates are missing on the way through U: r and u hold h as well": _back(ways=(0, 0, 1)),
            "dU and dc are divided by T: they are sums over the steps": _back(over=lambda T: T),
        },
        around=_sizes_of_time,
    ),
)  # fmt: skip
