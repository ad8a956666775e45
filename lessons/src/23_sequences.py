# %% [markdown]
# # 23. Sequences
#
# **After this lesson you can** train a model of sequences and say how good it is beside the best possible one. You
# can take a gradient back through time, and see whether the z of a VAE of text says anything.
#
# **You will build** the entropy of a grammar, the mask and the loss of lines that differ in length, and a GRU: its
# step and its way back through time. With it you train a language model down to a floor that you know. Then you watch
# a VAE of lines collapse, and cure it.
#
# **You need** the chain rule of lesson 1, the ELBO of lesson 7 and the VAE of lesson 9. About 3 hours.
#
# ![Left: bars of nats above the floor, six models. Right: held-out nats of your GRU by epoch](picture:23_floor)
#
# *What a line costs. Left: six models, in nats above a floor that none can be below on average. Right: your GRU comes
# down to it. After four epochs it is below the entropy of the source, the dotted line. How can that be?*

# %%
import math
import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import Adam, check_gradients, fit, load_data
from minivae.data.expressions import MORE, OPERATORS, RULES, expressions, log_prob, mean_length
from minivae.data.expressions import entropy as library_entropy
from minivae.data.vocabulary import to_lines
from minivae.densities import log_mean_exp
from minivae.layers.lines import LineDecoder, Recurrent, trimmed
from minivae.layers.recurrent import GRU, GRUCell
from minivae.likelihoods import Tokens
from minivae.models import LanguageModel, SeqVAE
from minivae.plot.lessons import lesson23 as drawings
from minivae.schedules import cosine
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## Lines, token by token
#
# A *line* is a sequence of *tokens* $x_1, \dots, x_T$, here characters. A token is a whole number from 0 to $V - 1$;
# V is the size of the *vocabulary*. The last token of every line is 0, the *end mark*: so a model can say how long a
# line is, and lines of all lengths together have the probability 1.
#
# The probability of a line is a product, since $p(a, b) = p(a) \, p(b \mid a)$, as often as there are tokens:
#
# $$\log p(x) = \sum_{t=1}^{T} \log p(x_t \mid x_1, \dots, x_{t-1}) .$$
#
# So a *language model* needs to do one thing: given the tokens before, say how probable each token is now. Nothing is
# bounded or sampled, $\log p(x)$ is exact.
#
# ## A source whose entropy is known
#
# How good can such a model be? Of text that people wrote nobody knows. So we take lines that are drawn from a small
# *grammar*. It has *symbols* and *rules*; each rule says what may stand in the place of a symbol, and with which
# chance:
#
#     S   -> v = E_v                          v is a, b, c or d, 1/4 each: the style of the line
#     E_v -> F_v              0.32            an expression is a term,
#         |  F_v O_v E_v      0.68            or a term, an operator, and an expression
#     F_v -> ( E_v )          0.06            a term is an expression in parentheses,
#         |  a letter         0.47            mostly v,
#         |  a digit          0.47
#     O_v -> +  |  -  |  *                    with chances that depend on v
#
# One begins with S and replaces symbols until none is left. Some lines:


# %%
def drawn_lines():
    lines = expressions(8000, np.random.default_rng(0))
    print(*lines[:12], sep="   ")
    lengths = np.array([len(line) + 1 for line in lines])  # with the end mark
    print(f"tokens of a line: {lengths.mean():.2f} on average, half have {np.median(lengths):.0f} or fewer, "
          f"the longest {lengths.max()}")  # fmt: skip
    quoted("144", lengths.max())
    return lines


lines = drawn_lines()

# %% [markdown]
# The *entropy* of the source is the mean of $-\log p(x)$ over all its lines. A model $q$ that is not the source has a
# mean of $-\log q(x)$, its *NLL*, and by lesson 7
#
# $$\mathbb{E}[-\log q(x)] = \mathbb{E}[-\log p(x)] + \text{KL}(p \,\|\, q) \ge \text{entropy} .$$
#
# This is the floor. To know it, we need the entropy of a grammar.
#
# *Given*: S symbols and R rules. Rule r stands for one symbol, and is chosen with the chance $p_r$ when this symbol
# is replaced, whatever else is in the line. `left` (R, S) has a 1 where a rule has its left side, else 0; `right` (R,
# S) says how often each symbol stands on its right side. Different choices give different lines, so that the entropy
# of a line is that of all choices together. And the *chain rule of entropy*: what is uncertain about two things is
# what is uncertain about the first, and what is then uncertain about the second, on average,
#
# $$H(A, B) = H(A) + \sum_a p(a) \, H(B \mid A = a), \qquad H(A) = -\sum_a p(a) \log p(a) .$$
#
# *Wanted*: $H_i$, the entropy in nats of all that symbol $i$ becomes, for all $i$.
#
# ### Exercise 23.1: `entropy`
#
# Derive $H$. Then write it: `p` (R,), `left` and `right` (R, S) as above; return (S,).
#
# <details><summary>Derivation, step 1: what are A and B?</summary>
#
# A is the choice of the rule for symbol $i$. Its entropy is a sum over the rules of $i$. Call it $h_i$; `left` says
# which rules these are.
#
# </details>
#
# <details><summary>Derivation, step 2: and if the rule is known?</summary>
#
# Then its right side is known, and what is still uncertain is what each symbol of it becomes. They are replaced
# independently. The entropy of independent things is the sum of theirs: with `right[r, j]` symbols $j$ it is
# $\sum_j \text{right}_{rj} \, H_j$.
#
# </details>
#
# <details><summary>Derivation, step 3: H is on both sides. Now what?</summary>
#
# The chain rule averages step 2 over the rules of $i$, with their chances. Collect what multiplies $H_j$ into one
# number $M_{ij}$: how many symbols $j$ one symbol $i$ becomes in one replacement, on average. What you have is linear
# in $H$, and `np.linalg.solve(A, b)` finds the $y$ with $A y = b$.
#
# </details>


# %%
def entropy(p, left, right):
    # Exercise 23.1: entropy
    ### BEGIN SOLUTION
    # H = h + M H, with h_i = -sum_r left_ri p_r log p_r and M_ij = sum_r left_ri p_r right_rj
    h = left.T @ (-p * np.log(p))
    M = left.T @ (p[:, None] * right)
    return np.linalg.solve(np.eye(len(h)) - M, h)
    ### END SOLUTION


# %%
check("23.1", entropy)


# %%
def entropy_of_a_line():
    """Of the grammar above, with your function: its rules as arrays."""
    symbols = list(RULES)
    rules = [(p, name, right) for name, some in RULES.items() for p, right in some]
    p = np.array([p for p, _, _ in rules])
    left = np.array([[float(name == symbol) for symbol in symbols] for _, name, _ in rules])
    right = np.array([[float(made.count(symbol)) for symbol in symbols] for _, _, made in rules])
    H = dict(zip(symbols, entropy(p, left, right)))
    print(f"{len(rules)} rules of {len(symbols)} symbols; entropy of a line {H['S']:.4f} nats")
    print(*(f"{name}: {H[name]:.3f}" for name in ("E_a", "F_a", "O_a", "E_d", "F_d", "O_d")), sep="   ")
    assert abs(H["S"] - library_entropy()) < 1e-9  # the library's
    quoted("15.0041", H["S"])
    quoted("1.55", H["S"] / mean_length())
    return H["S"]


H_LINE = entropy_of_a_line()

# %% [markdown]
# 15.0041 nats a line, 1.55 nats a token. No model can cost less on average over all lines.
#
# But we have 2,000 lines to test on, not all lines. Their true $-\log p(x)$, which the grammar knows, is what a
# perfect model would get *on them*:

# %%
data = load_data(lines, tokens="characters", validation=2000)
VOCABULARY = data.protocol.vocabulary
WRITTEN = [to_lines(split.x, "characters", VOCABULARY) for split in (data.train, data.validation)]
TRUTH = np.array([log_prob(line) for line in WRITTEN[1]])  # log p(x) of each held-out line


def the_floor():
    error = TRUTH.std() / len(TRUTH) ** 0.5
    print(f"true -log p of {len(TRUTH)} held-out lines: {-TRUTH.mean():.2f} +- {error:.2f} nats; entropy {H_LINE:.2f}")
    quoted("14.63", -TRUTH.mean())
    quoted("0.29", error)
    quoted("0.37", H_LINE + TRUTH.mean())


the_floor()

# %% [markdown]
# These lines are 0.37 nats cheaper than the average of all lines. Their standard error is 0.29, so that is chance: a
# few long lines more, and it would be the other way round. So compare line by line. $\log p(x) - \log q(x)$, averaged
# over the lines, estimates $\text{KL}(p \,\|\, q)$: what a model lacks. Both terms are large where a line is long,
# and in the difference that cancels; its standard error is small. It may be below 0 by chance only.
#
# What do simple models lack? One that knows only how many tokens there are; one that counts how often each token is
# there; and some that count how often each comes behind the one, two or four tokens before it:


# %%
def counted(k):
    """log q(x) of the held-out lines, by counts of each token behind the k tokens before it, and 0.1 added to each."""
    pairs, before = Counter(), Counter()

    def places(line):
        line = "^" * k + line + "$"  # ^ is before the start, $ is the end mark
        return [(line[t - k : t], line[t]) for t in range(k, len(line))]

    for line in WRITTEN[0]:
        pairs.update(places(line))
        before.update(context for context, _ in places(line))
    V = len(VOCABULARY) - 1  # without the mark of an unknown token
    chances = [[(pairs[place] + 0.1) / (before[place[0]] + 0.1 * V) for place in places(line)] for line in WRITTEN[1]]
    return np.array([np.log(line).sum() for line in chances])


def lacks(log_q):
    """The mean of log p - log q over the held-out lines, and its standard error."""
    difference = TRUTH - log_q
    return difference.mean(), difference.std() / len(difference) ** 0.5


def simple_models():
    V = len(VOCABULARY) - 1
    alike = -np.log(V) * np.array([len(line) + 1 for line in WRITTEN[1]])
    models = {"all tokens alike": alike, "counts": counted(0), "counts behind a token": counted(1),
              "counts behind two": counted(2), "counts behind four": counted(4)}  # fmt: skip
    excess = {name: lacks(log_q) for name, log_q in models.items()}
    for name, (nats, error) in excess.items():
        print(f"{name:<22} {nats:6.2f} +- {error:.2f} nats above the floor")
    for text, name in zip(("14.1", "11.8", "3.7", "1.4", "4.1"), excess):
        quoted(text, excess[name][0])
    quoted("21", V)
    return excess


EXCESS = simple_models()

# %% [markdown]
# With 21 tokens all alike a line costs 14.1 nats above the floor. Counts bring that to 11.8, counts behind a token to
# 3.7, behind two tokens to 1.4. Behind four it is worse again, 4.1: most fours are too rare to count. What is missing
# is memory: the style $v$ is said at the first token, and matters at all others.
#
# ## The mask
#
# A batch is an array x (N, T): N lines, each with T places. Most are shorter. What stands behind the end of a line is
# *padding*: it is in the array because an array is a rectangle, and it must cost nothing and teach nothing.
#
# ### Exercise 23.2: `mask`
#
# `x` (N, T), whole numbers. Return `counts` (N, T): 1 at each place up to the first end mark 0, that place included,
# and 0 behind it. Do not rely on what stands behind it. A line without an end mark counts to its last place.


# %%
def mask(x):
    # Exercise 23.2: mask
    ### BEGIN SOLUTION
    ends = x == 0
    return (np.cumsum(ends, axis=1) - ends == 0).astype(float)
    ### END SOLUTION


# %%
check("23.2", mask)

# %% [markdown]
# ## The loss of lines
#
# The model gives *logits* $o_{nt} \in \mathbb{R}^V$ at each place, and the probability of token $k$ is
# $p_k = e^{o_k} / \sum_j e^{o_j}$, the *softmax*. With $s_{nt}$ for the mask,
#
# $$\text{loss} = -\frac1N \sum_{n=1}^{N} \sum_{t=1}^{T} s_{nt} \log p(x_{nt}), \qquad
#   \log p_k = o_k - \log \sum_j e^{o_j} .$$
#
# It is a mean over the *lines*: nats per line, what the floor is in, and what an ELBO is made of. A mean over the
# places would depend on the padding; a mean over the tokens of the batch would make a token of a short batch weigh
# more, and in a VAE it would change the price of the KL, which is paid once per line.
#
# **The gradient.** Take one place, whose token is $k$. $\log p_k$ has $o_k$ by itself, which gives 1 to $o_k$ and 0
# to the others; and $-\log \sum_j e^{o_j}$, whose derivative in $o_i$ is $-e^{o_i} / \sum_j e^{o_j} = -p_i$. So
#
# $$\frac{\partial \log p_k}{\partial o_i} = [i = k] - p_i, \qquad
#   \frac{\partial \, \text{loss}}{\partial o_{nti}} = \frac{s_{nt}}{N} \big( p_{nti} - [i = x_{nt}] \big) .$$
#
# A place behind the end has $s = 0$, and so no gradient.
#
# Three things for the code. $e^{900}$ is infinite; the largest logit of a place may be taken off all its logits
# before, since $p$ does not change. Take $\log p_k$ by its formula, not as the logarithm of $p_k$: a $p_k$ that is very
# small is rounded to 0. And `np.arange(V) == x[..., None]` is (N, T, V), true where the token is.
#
# ### Exercise 23.3: `token_loss`
#
# `logits` (N, T, V), `x` (N, T), `counts` (N, T), the mask. Return `loss`, a number, and `dlogits` (N, T, V).


# %%
def token_loss(logits, x, counts):
    # Exercise 23.3: loss, dlogits
    ### BEGIN SOLUTION
    logits = logits - logits.max(axis=-1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    one_hot = np.arange(logits.shape[-1]) == x[..., None]
    loss = -((log_p * one_hot).sum(axis=-1) * counts).sum() / len(x)
    return loss, (np.exp(log_p) - one_hot) * counts[..., None] / len(x)
    ### END SOLUTION


# %%
check("23.3", token_loss)


# %%
def padded(places=5):
    """The same lines with more padding."""
    rng = np.random.default_rng(0)
    x, logits = rng.integers(0, 6, (4, 7)), rng.standard_normal((4, 7, 6))
    x_long = np.concatenate([x, rng.integers(0, 6, (4, places))], axis=1)
    x[:, -1] = x_long[:, 6] = 0
    logits_long = np.concatenate([logits, rng.standard_normal((4, places, 6))], axis=1)
    losses = [token_loss(o, tokens, mask(tokens))[0] for o, tokens in ((logits, x), (logits_long, x_long))]
    print(f"nats per line: {losses[0]:.6f}, with {places} places of padding more {losses[1]:.6f}")
    assert abs(losses[0] - losses[1]) < 1e-12


padded()

# %% [markdown]
# ## A memory: the GRU
#
# At each step a network gets one token more. What it knows of those before must be in its *state* h, H numbers. A
# *gated recurrent unit* (Cho and others, 2014) makes the next state of the old one and of a *candidate* n:
#
# $$r = \sigma(a_r + h U_r), \quad u = \sigma(a_u + h U_u), \quad m = h U_n + c, \quad n = \tanh(a_n + r \, m),$$
#
# $$h' = (1 - u) \, n + u \, h .$$
#
# Products of two (N, H) are taken entry by entry, and $\sigma(s) = 1 / (1 + e^{-s})$. The *gates* r (reset) and u
# (update) are between 0 and 1, for each unit its own. With $u = 1$ a unit keeps what it has; with $u = 0$ it forgets
# and takes n. r says how much of the old state the candidate sees.
#
# $a = x W + b$ is what the token brings, a dense layer (lesson 1), and can be computed for all steps at once. It has
# three blocks beside each other, for r, u and n, each (N, H): `a` is (N, 3 H). `U` is (H, 3 H) in the same way, and
# `c` (H,). (In the paper z is the name of u, and some books exchange u and 1 - u.)
#
# ### Exercise 23.4: `gru_step`
#
# `a` (N, 3 H), `h` (N, H), `U` (H, 3 H), `c` (H,). Return `h_new, r, u, m, n`, all (N, H): the way back will need
# them.


# %%
def sigmoid(s):
    return 0.5 * (1 + np.tanh(0.5 * s))  # the same as 1 / (1 + exp(-s)), and never overflows


# %%
def gru_step(a, h, U, c):
    # Exercise 23.4: h_new, r, u, m, n
    ### BEGIN SOLUTION
    a_r, a_u, a_n = np.split(a, 3, axis=1)
    g_r, g_u, g_n = np.split(h @ U, 3, axis=1)
    r, u = sigmoid(a_r + g_r), sigmoid(a_u + g_u)
    m = g_n + c
    n = np.tanh(a_n + r * m)
    return (1 - u) * n + u * h, r, u, m, n
    ### END SOLUTION


# %%
check("23.4", gru_step)

# %% [markdown]
# ### Back through the gates
#
# *Given*: `dh_new` (N, H), the gradient of the loss in $h'$; and what the step computed, $h, r, u, m, n$. Two slopes
# are known from their own values: $\tanh'(s) = 1 - \tanh^2(s)$ and $\sigma'(s) = \sigma(s) (1 - \sigma(s))$. Call the
# sums inside the gates $s_r = a_r + h U_r$ and $s_u = a_u + h U_u$. Since $a_r$ stands in $s_r$ with the factor 1,
# `da_r` is the gradient in $s_r$ as well; the same holds for u.
#
# *Wanted*: `da_r`, `da_u`, `da_n` and `dm`, made of the six arrays above. Take h as fixed: what it gets comes later.
#
# ### Exercise 23.5: `gate_gradients`
#
# Derive the four. Then write them; each is (N, H).
#
# <details><summary>Derivation, step 1: where do n and u stand in the new state?</summary>
#
# $h' = (1 - u) n + u h$. n is in one term. u is in two terms, one with a minus.
#
# </details>
#
# <details><summary>Derivation, step 2: from n and u to their sums?</summary>
#
# n is the tanh of the sum $a_n + r m$, and u the sigmoid of $s_u$. Multiply what n and u get by the slopes, which are
# given by their own values. The sum inside tanh has $a_n$ with the factor 1.
#
# </details>
#
# <details><summary>Derivation, step 3: and r and m?</summary>
#
# In the sum inside tanh they stand as the product $r m$. Each factor of a product gets what the product gets, times
# the other factor. Then r is one sigmoid away from its sum.
#
# </details>


# %%
def gate_gradients(dh_new, h, r, u, m, n):
    # Exercise 23.5: da_r, da_u, da_n, dm
    ### BEGIN SOLUTION
    # h' = (1 - u) n + u h,  u = sigmoid(s_u),  n = tanh(a_n + r m),  r = sigmoid(s_r)
    da_u = dh_new * (h - n) * u * (1 - u)
    da_n = dh_new * (1 - u) * (1 - n**2)
    da_r = da_n * m * r * (1 - r)
    return da_r, da_u, da_n, da_n * r
    ### END SOLUTION


# %%
check("23.5", gate_gradients)

# %% [markdown]
# ### Back through time
#
# Unroll the step: states $h_0, h_1, \dots, h_T$, where $h_{t+1}$ is made of $a_t$ and $h_t$, and $h_{t+1}$ is also
# the output of step t. One U and one c serve all steps.
#
# Let $\bar h_{t+1}$ be the gradient of the loss in $h_{t+1}$, through everything that comes after it. $h_{t+1}$ was
# used twice, as an output, whose gradient $\text{dy}_t$ the layers above give; and by the next step. So the gradient
# of a state is a sum of two, and it is known only when all later steps are done: we go from the last to the first.
#
# What does $h_t$ get from step t? It entered in two ways. *Directly*, in the term $u h$: that gives $\bar h_{t+1} u$.
# And *through U*: all three products $h U_r$, $h U_u$ and $h U_n$ are blocks of $g = h U$, a dense layer. Their
# gradients are those of the sums in which they stand, which are `da_r`, `da_u` and `dm`, and a dense layer gives
# $\bar g \, U^T$ to its input. Hence, with $\bar g_t = (\text{da}_r, \text{da}_u, \text{dm})$ of step t,
#
# $$\bar h_t = \text{dy}_{t-1} + \bar h_{t+1} \, u_t + \bar g_t \, U^T .$$
#
# For U each step is a dense layer with input $h_t$, and since U served all of them, its gradients add up; so do those
# of c, which stood beside $h U_n$ in m:
#
# $$\bar U = \sum_t h_t^T \, \bar g_t, \qquad \bar c = \sum_t \sum_{\text{lines}} \text{dm}_t .$$
#
# The direct way is why a GRU learns over many steps. Go back k steps along it alone and the gradient is multiplied by
# k values of u: near 1 where a unit keeps its state. Through U it is multiplied by slopes as well, of tanh at most 1
# and of a gate at most a quarter.
#
# ### Exercise 23.6: `through_time`
#
# `dy` (T, N, H): `dy[t]` is the gradient in `states[t + 1]` as an output. `states` (T + 1, N, H), `r, u, m, n` (T, N,
# H), and `U`. Return `da` (T, N, 3 H), the blocks da_r, da_u, da_n of each step; `dU`; `dc`; and `dh_0` (N, H), which
# the first state gets from step 0.


# %%
def through_time(dy, states, r, u, m, n, U):
    # Exercise 23.6: da, dU, dc, dh_0
    ### BEGIN SOLUTION
    da, dU, dc, dh = [], 0, 0, 0
    for t in reversed(range(len(dy))):
        dh = dh + dy[t]
        da_r, da_u, da_n, dm = gate_gradients(dh, states[t], r[t], u[t], m[t], n[t])
        dg = np.concatenate([da_r, da_u, dm], axis=1)
        da.insert(0, np.concatenate([da_r, da_u, da_n], axis=1))
        dU, dc = dU + states[t].T @ dg, dc + dm.sum(axis=0)
        dh = dh * u[t] + dg @ U.T
    return np.array(da), dU, dc, dh
    ### END SOLUTION


# %%
check("23.6", through_time)

# %% [markdown]
# ## Train it
#
# Around your functions we put what you know: an *embedding*, a row of numbers for each token; the dense layer that
# makes `a` of it; and one that makes logits of each state. The network is given the token *before* each place, first
# the start mark, and is to say the token *at* it. In training these are the true tokens, whatever it would have said
# itself: *teacher forcing*.


# %%
class MyGRU(GRU):
    """The library's parameters with your step and your way back."""

    def forward(self, x, noise=None):
        (x, h), cell = x, self.cell
        states, kept = [h], []
        for a in (x @ cell.W.data + cell.b.data).swapaxes(0, 1):  # a (N, 3 H) of each step
            h_new, *gates = gru_step(a, states[-1], cell.U.data, cell.c.data)
            states.append(h_new)
            kept.append(gates)
        states = np.array(states)  # (T + 1, N, H)
        return states[1:].swapaxes(0, 1), (x, states, *map(np.array, zip(*kept)))

    def backward(self, dy, cache, accumulate=True, need_dx=True):
        (x, *of_time), cell = cache, self.cell
        da, dU, dc, dh_0 = through_time(dy.swapaxes(0, 1), *of_time, cell.U.data)
        da = da.swapaxes(0, 1)  # (N, T, 3 H)
        cell.U.grad += dU
        cell.c.grad += dc
        cell.W.grad += np.tensordot(x, da, ([0, 1], [0, 1]))
        cell.b.grad += da.sum(axis=(0, 1))
        return da @ cell.W.data.T, dh_0


class MyLanguageModel(LanguageModel):
    """The library's model with your mask and your loss."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        x = trimmed(x)  # without places that are behind the end of all lines
        out, cache = self.decoder.forward((x, np.zeros((len(x), 0))), noise["dec"])
        loss, dlogits = token_loss(out.reshape(*x.shape, -1), x.astype(int), mask(x))
        if grads:
            self.zero_grad()
            self.decoder.backward(dlogits.reshape(out.shape), cache, need_dx=False)
        return {"loss": loss, "log_px": -loss}


def my_model(H, kind=MyLanguageModel, gru=MyGRU, E=16):
    rng, V, (T,) = np.random.default_rng(0), len(VOCABULARY), data.shape
    body = Recurrent(E, (H,), rng)
    body.layers = [gru(E, H, rng)]
    return kind(LineDecoder(V, E, 0, body, H, T, rng), Tokens(V)).bind("float64")


def gradients_are_right():
    """Every gradient against differences, on a small model and six short lines; then against the library's model."""
    short = data.train.x[(data.train.x != 0).sum(axis=1) < 12]
    checks = check_gradients(my_model(5), short[:6].astype("float64"), np.random.default_rng(0))
    worst = max(each.error for each in checks.values())
    mine, theirs = my_model(48), my_model(48, LanguageModel, GRU)
    x = data.train.x[:64].astype("float64")
    losses = [
        model.loss_and_grads(x, model.draw_noise(np.random.default_rng(0), 64))["loss"] for model in (mine, theirs)
    ]
    apart = np.abs(mine.grad - theirs.grad).max()
    print(f"largest error of a gradient {worst:.1e}; your loss {losses[0]:.6f}, the library's {losses[1]:.6f}, "
          f"gradients at most {apart:.1e} apart")  # fmt: skip
    assert checks.ok
    assert max(abs(losses[0] - losses[1]), apart) < 1e-9


gradients_are_right()


# %%
def trained():
    model = my_model(48)
    rate = cosine(1.2e-2, 4 * (len(data.train.x) // 64 + 1))  # falls to 0 (lesson 5)
    history = fit(model, Adam(model, lr=rate), data, epochs=4, batch_size=64, progress=False)
    curve = [float(line["validation"]["loss"]) for line in history]
    nats, error = lacks(model.log_px(data.validation.x.astype("float64")))
    print("held-out nats per line:", *(f"{loss:.2f}" for loss in curve))
    print(f"{nats:.2f} +- {error:.2f} nats above the floor")
    quoted("14.9", curve[-1], within=0.1)  # training: on another machine the last digits differ
    quoted("0.3", nats, within=0.1)
    quoted("0.01", error, within=0.01)
    assert nats > 4 * error
    assert curve[-1] < H_LINE
    return model, curve, (nats, error)


my_gru, CURVE, OF_GRU = trained()
with picture("23_floor") as path:
    drawings.floor(path, EXCESS | {"your GRU": OF_GRU}, CURVE, -TRUTH.mean(), H_LINE)

# %% [markdown]
# **Read the picture.** Your GRU ends some 0.3 nats a line above the floor, where the best counts had 1.4. Its
# held-out NLL is about 14.9, *below* the entropy of the source. That answers the question of the beginning: the
# entropy is the floor of the mean over all lines, and these 2,000 are cheaper by chance. *Their* floor is the dashed
# line. An NLL below the entropy proves nothing; the difference on the same lines has an error of 0.01 only.
#
# Does it write lines of the grammar? A sample is drawn token by token, each from the probabilities that the network
# gives after those before.


# %%
def samples(n=500):
    made = to_lines(my_gru.sample(n, np.random.default_rng(0)), "characters", VOCABULARY)
    wrong = [line for line in made if math.isinf(log_prob(line))]
    nested = sum("(" in line or ")" in line for line in wrong)
    print(*made[:10], sep="   ")
    print(f"{len(wrong)} of {n} are no lines of the grammar; {nested} of these have a parenthesis")
    quoted("0.14", len(wrong) / n, within=0.06)
    assert nested > 0.8 * len(wrong)
    quoted("0.17", np.mean(["(" in line for line in WRITTEN[0]]))
    return wrong[:5]


print("not of the grammar:", *samples(), sep="   ")

# %% [markdown]
# Most samples are. Some 14 % are not, and nearly all of these have a parenthesis: how many are open must be kept in
# the state, too, and of the training lines only 17 % have any.
#
# ### How far back?
#
# What is charged at place t has a gradient in the state of k steps before: your `through_time` on the last k steps
# gives it, as `dh_0`. Here for the loss of one token, 20 places into a line, before and after training:


# %%
def reach(model, T=21):
    """The length of d loss at the last place / d state, k = 0 .. T - 1 steps before; the mean of u of each unit."""
    x = data.validation.x[(data.validation.x != 0).sum(axis=1) >= T, :T].astype("float64")
    out, (_, (of_gru,), c_out, shape) = model.decoder.forward((x, np.zeros((len(x), 0))))
    last = np.zeros(x.shape)
    last[:, -1] = 1
    _, dlogits = token_loss(out.reshape(shape), x.astype(int), last)
    dy = model.decoder.out.backward(dlogits, c_out, accumulate=False).swapaxes(0, 1)
    (_, states, *kept), U = of_gru, model.decoder.body.layers[0].cell.U.data
    found = [dy[-1]]
    for k in range(1, T):
        found.append(through_time(dy[-k:], states[-k - 1 :], *(a[-k:] for a in kept), U)[3])
    lengths = np.linalg.norm(found, axis=-1).mean(axis=-1)
    return lengths / lengths[0], kept[1].mean(axis=(0, 1))


def before_and_after():
    found = {"before training": reach(my_model(48)), "after training": reach(my_gru)}
    for name, (lengths, u) in found.items():
        print(f"{name}: 19 steps back {lengths[19]:.4f} is left, 20 steps back {lengths[20]:.4f}; "
              f"mean of u from {u.min():.2f} to {u.max():.2f}")  # fmt: skip
    (early, u_early), (late, u_late) = found.values()
    quoted("0.001", early[19], within=0.0005)
    quoted("0.4", late[19], within=0.15)
    quoted("0.9", u_late.max(), within=0.05)
    assert late[20] < 0.7 * late[19]
    assert u_late.min() < 0.2
    assert np.abs(u_early - 0.5).max() < 0.05
    return {name: lengths for name, (lengths, _) in found.items()}, {name: u for name, (_, u) in found.items()}


with picture("23_reach") as path:
    drawings.reach(path, *before_and_after())

# %% [markdown]
# **Read the picture.** Before training all u are near one half, and every step back takes a share of the gradient: 19
# steps back a thousandth of it is left. After training it is some 0.4. The units have parted: some have a u near 0
# and look at the last token; some have a u of up to 0.9 and keep what they have. Why does the curve fall at its end?
# The style is the first token. 19 steps back is the state that has just read it; 20 steps back is the state before,
# and what it holds matters less.
#
# ## A VAE of lines
#
# Now one z for each line (Bowman and others, 2016). The *encoder* is a GRU that reads the line; the state at the end
# mark gives mu and log_var. The *decoder* is the language model, which is given z at every place beside the token
# before.
#
# $$\text{ELBO} = \mathbb{E}_q\Big[ \sum_t \log p(x_t \mid x_1, \dots, x_{t-1}, z) \Big]
#   - \text{KL}(q(z \mid x) \,\|\, p(z)) .$$
#
# What could z be good for? The style, or the length: things that hold for the whole line. But this decoder can do
# without. It sees all tokens before, and we know that tokens alone come near the floor. The ELBO is at most
# $\log p(x)$, whose mean is at most minus the entropy: so no z can lift it above the floor either. A z that says
# nothing has a KL of 0 and costs nothing. At the beginning, when z is mostly noise, that is also the nearest thing to
# learn. This is the *collapse*: the encoder says nothing, and the VAE is a language model again.
#
# Three cures:
#
# - **A rising beta.** The KL counts beta times, from 0 to 1 during the first three epochs: first learn to use z, then
#   pay for it.
# - **Word dropout.** In training the decoder does not see half of the tokens before; the mark of an unknown token
#   stands there. Then z has something to tell.
# - **Free bits.** A latent whose mean KL is below 0.5 nats is charged 0.5 whatever it says. So up to there z is free.
#
# Four trainings, that of no cure first. ELBO and $\log p(x)$ are those of the model as it is, with beta 1, all tokens
# seen and every nat charged, on 500 held-out lines beside their true $\log p(x)$. $\log p(x)$ is bounded by 20
# samples of z (lesson 7), so that what is lacking is at most this.

# %%
CURES = {
    "no cure": {},
    "rising beta": {"beta_schedule": "linear", "beta_epochs": 3},
    "word dropout": {"word_dropout": 0.5},
    "free bits": {"free_bits": 0.5},
}


def vae(cure):
    """A model, and its KL on the held-out lines after each epoch."""
    model = SeqVAE.build(data.shape, np.random.default_rng(0), vocabulary=len(VOCABULARY), hidden=(48,), embedding=16,
                         latent=8, pass_steps=len(data.train.x) // 64 + 1, **cure)  # fmt: skip
    history = fit(model, Adam(model, lr=5e-3), data, epochs=4, batch_size=64, progress=False)
    return model, [float(line["validation"]["kl"]) for line in history]


def worth(model, n=500, K=20):
    """Nats above the floor by K samples, and by the ELBO; the share of lines whose mean is decoded into their style."""
    x = data.validation.x[:n]
    log_w = model.log_weights(x, model.draw_eps(np.random.default_rng(0), K, n)).astype("float64")
    above = [float((TRUTH[:n] - bound).mean()) for bound in (log_mean_exp(log_w), log_w.mean(axis=0))]
    style = (model.decode(model.encode(x)[0])[:, 0] == x[:, 0]).mean()
    return above, float(style)


def all_cures():
    models, kls, costs, styles = {}, {}, {}, {}
    print("              KL by epoch               above the floor: log p(x)   ELBO   style is right")
    for name, cure in CURES.items():
        models[name], kls[name] = vae(cure)
        costs[name], styles[name] = worth(models[name])
        by_epoch = " ".join(f"{kl:5.2f}" for kl in kls[name])
        print(f"{name:<13} {by_epoch} {costs[name][0]:26.2f} {costs[name][1]:6.2f} {styles[name]:16.0%}")
    texts = {"no cure": ("0.01", "0.4", "0.4"), "rising beta": ("0.3", "0.4", "0.5"),
             "word dropout": ("0.8", "0.7", "0.8"), "free bits": ("3.7", "1.0", "2.1")}  # fmt: skip
    for name, (kl, log_px, elbo) in texts.items():
        quoted(kl, kls[name][-1], within=0.03 if name == "no cure" else 0.25)
        quoted(log_px, costs[name][0], within=0.15)
        quoted(elbo, costs[name][1], within=0.25)
    quoted("2.1", kls["rising beta"][0], within=0.4)
    quoted("0.25", costs["word dropout"][0] - costs["no cure"][0], within=0.2)
    assert costs["no cure"][1] < costs["word dropout"][1] < costs["free bits"][1]
    assert styles["no cure"] < 0.5
    assert min(styles["word dropout"], styles["free bits"]) > 0.85
    assert np.all(np.diff(kls["rising beta"]) < 0)
    assert kls["free bits"][-1] < 8 * 0.5
    assert min(above for pair in costs.values() for above in pair) > 0
    return models, kls, costs


MODELS, KLS, COSTS = all_cures()
with picture("23_collapse") as path:
    drawings.collapse(path, KLS, COSTS)

# %% [markdown]
# **Read the picture.** It is one training of each; look at the large differences only.
#
# - *No cure*: after four epochs z says 0.01 nats. When the mean of a line's z is decoded, the style is right no more
#   often than by chance, about one time in four. The model has collapsed. Yet with 0.4 nats above the floor it is as
#   good a model of lines as any of the four: it is a language model, and has lost nothing but its code.
# - *Rising beta*: z says 2.1 nats at first, while it is cheap. As beta comes to 1 it falls, to 0.3 nats, and is still
#   falling. Here a rise postpones the collapse; it does not prevent it.
# - *Word dropout*: 0.8 nats, and nearly all styles are right. The price is some 0.25 nats of $\log p(x)$: the decoder
#   has learned on lines with holes, and is tested on whole ones.
# - *Free bits*: 3.7 nats, nearly all that is free, $8 \times 0.5 = 4$. The model is now 1.0 nats above the floor by
#   20 samples, and 2.1 by the ELBO. What lies between is a gap of the bound, not a loss of the model.
#
# No bar ends below 0: nothing is below the floor. And where z says much, the model costs more. A cure is worth its
# price if you want the code, to search, to change or to compare lines. For the density alone take the language model.
#
# ## Walks
#
# Take the means of two lines, go from one to the other in equal steps, and write at each of seven points the line
# that is decoded: at each place the likeliest token.


# %%
def walk(model, start, end, steps=7):
    """Lines decoded between the means of two lines."""
    numbers = {token: i for i, token in enumerate(VOCABULARY)}
    x = np.zeros((2, *data.shape), "float32")
    for row, line in zip(x, (start, end)):
        row[: len(line)] = [numbers[token] for token in line]
    mu, _ = model.encode(x)
    z = mu[0] + np.linspace(0, 1, steps)[:, None] * (mu[1] - mu[0])
    return to_lines(model.decode(z.astype("float32")), "characters", VOCABULARY)


def walks(ends=(("a=a+1", "c=7*c*c"), ("b=b-b-2", "d=4"))):
    walked = [{name: walk(MODELS[name], *pair) for name in ("no cure", "free bits")} for pair in ends]
    for pair, lines in zip(ends, walked):
        assert len(set(lines["no cure"])) < len(set(lines["free bits"]))
        assert [lines["free bits"][i][0] for i in (0, -1)] == [line[0] for line in pair]
        ended = {name: sum(len(line) < data.shape[0] - 1 for line in some) for name, some in lines.items()}
        assert ended["no cure"] < ended["free bits"]
    quoted("0.54", MORE * OPERATORS["a"][0])
    quoted("0.32", 1 - MORE)
    quoted("0.27", MORE * OPERATORS["d"][0])
    return ends, walked


with picture("23_walks") as path:
    drawings.walks(path, *walks())

# %% [markdown]
# **Read the picture.** Without a cure the steps of z change nothing, or hardly anything. With free bits a walk goes
# from the style of one line to that of the other, and the lines become shorter and longer on the way: z says the
# style, and something of the length. It does not say the letters; four nats are far fewer than the 15 that a line
# has.
#
# And why do some lines not end? In style a a term is followed by + with the chance $0.68 \cdot 0.8 = 0.54$, and by
# the end with 0.32. The likeliest token is + every time, for ever. In style d each operator is rarer, + has 0.27, and
# the line ends at once. So the likeliest token at each place does not give the likeliest line, and not a typical one
# either; to see those, draw. A z that says something of the length helps: with free bits more of these lines end.
#
# ## The same in minivae
#
# Your step is `GRUCell` in `minivae/layers/recurrent.py`, your way back the loop of `GRU` below it, which works in
# place and puts the products of all steps together. Your mask and loss are `Tokens` in
# `minivae/likelihoods/tokens.py`. Above, `gradients_are_right` compared the loss and every gradient of a whole model
# with the library's. And your `entropy` of the grammar is the floor that the library names when it loads the set
# `expressions`.


# %%
def beside_the_library():
    """The largest difference of your step and your loss from the library's."""
    rng, H, V = np.random.default_rng(0), 5, 7
    cell = GRUCell(H, H, rng)
    x, h = rng.standard_normal((2, 4, H))
    a = x @ cell.W.data + cell.b.data
    steps = np.abs(gru_step(a, h, cell.U.data, cell.c.data)[0] - cell((x, h))).max()
    tokens, logits = rng.integers(0, V, (4, 6)), rng.standard_normal((4, 6, V))
    log_px, _ = Tokens(V).forward(tokens, logits.reshape(4, 6 * V))
    losses = abs(token_loss(logits, tokens, mask(tokens))[0] + log_px.mean())
    print(f"largest difference: steps {steps:.1e}, losses {losses:.1e}")
    assert max(steps, losses) < 1e-6


beside_the_library()

# %% [markdown]
# On the command line:
#
#     python -m minivae train --model lm --data expressions --hidden 128 --out runs/lm
#     python -m minivae train --model seqvae --data expressions --free-bits 0.25 --out runs/lines

# %% [markdown]
# <!-- only with solutions -->
# With more lines, more units and more epochs the floor is nearer, and the KL of a VAE without a cure as small; see
# `figures/sequences.md` and `figures/collapse.md`, also for names, words and molecules.

# %% [markdown]
# ## More to try
#
# 1. Set c to 0 and let r multiply h before the product with U_n, as in the published version of the paper. Derive the
#    gradients and check them. How many products does a step need now?
# 2. Take the direct way out of `through_time` and train. How far does the model come, and what does `reach` look
#    like?
# 3. Let the loss be a mean over the tokens of a batch. Nothing seems to change in the language model. What does it do
#    to the VAE, whose KL is paid once per line?
# 4. Free bits 0.1, 0.25 and 1. Draw the KL against the nats above the floor.
# 5. `aggressive=3` in `vae` gives the encoder three steps of its own behind each step of all, in the first epochs (He
#    and others, 2019). Does it cure this collapse?
# 6. Change `MORE` of the grammar to 0.9. What becomes of the entropy, and of your M? At which value does it become
#    infinite, and what do the lines do there?
#
# ## Questions
#
# <details><summary>Why does a model have to say the end mark?</summary>Without it, it gives a probability to the
# beginnings of lines, not to lines; the probabilities of all lines would not add up to 1. And how long a line is
# costs nats, too.</details>
#
# <details><summary>A model has 14.9 nats on held-out lines, the source has 15.0. Is there a mistake?</summary>Not
# necessarily: some lines are cheaper than the average. Compare with the true log p of the same lines. If the mean of
# log p(x) - log q(x) is below 0 by many of its standard errors, there is a mistake, such as tokens that the model
# could see.</details>
#
# <details><summary>Why does the gradient of a state come from two places, and in two ways from one of
# them?</summary>A state is an output and the input of the next step. In that step it stands in the term u h, and in
# the product with U, which makes both gates and m.</details>
#
# <details><summary>Batches are padded with the token a instead of 0. Does the mask still work?</summary>Yes. It looks
# for the first end mark; what stands behind does not matter. But each line must have its end mark.</details>
#
# <details><summary>The KL of a text VAE is 0.01 nats and its ELBO is good. What has been learned?</summary>A language
# model: the decoder says everything from the tokens before. z says nothing, and all codes are alike.</details>
#
# ## Further reading
#
# - K. Cho and others, *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation*
#   (2014), arXiv 1406.1078: the GRU, in its section 2.3.
# - S. Bowman and others, *Generating Sentences from a Continuous Space* (2016), arXiv 1511.06349: the VAE of lines,
#   its collapse, a rising weight of the KL and word dropout.
# - D. P. Kingma and others, *Improving Variational Inference with Inverse Autoregressive Flow* (2016), arXiv
#   1606.04934, appendix C.8: free bits.
# - J. He and others, *Lagging Inference Networks and Posterior Collapse in Variational Autoencoders* (2019), arXiv
#   1901.05534: why the encoder lags behind.
# - C. E. Shannon, *Prediction and Entropy of Printed English* (1951): the entropy of a source that nobody can write
#   down.
# - `minivae/layers/recurrent.py`, `minivae/data/expressions.py`, `minivae/models/seqvae.py`.

# %%
progress()
