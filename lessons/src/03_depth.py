# %% [markdown]
# # 3. Signals that survive depth
#
# **After this lesson you can** train deep networks: you can say before the first step whether a signal will get through
# twenty layers, start them such that it does, and put in a layer that keeps it level afterwards.
#
# **You will build** initial weights of the right size (Xavier for tanh, He for ReLU) and a layer that puts the size
# right as it goes (LayerNorm), forward and backward. With them you train a net of 20 layers that without them does not
# learn at all.
#
# **You need** lesson 1 (the dense layer, ReLU and their gradients), and from statistics: the mean of a sum is the sum
# of the means, and the mean of a product of *independent* things is the product of the means. We write $\mathbb{E}[a]$
# for the mean of $a$. About 2.5 hours.
#
# ![Size of activations and gradients against the layer, for five starts; only two stay level](picture:03_signals)
#
# *The size of the activations on their way through 20 layers, and of the gradients on their way back, for five ways to
# start. You will be able to say where four of them end before they are drawn.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.data import load_data
from minivae.plot.lessons import lesson03 as drawings
from minivae.teach import check, given, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## How large is a signal?
#
# Take layers of width $n$, each a dense layer without bias and then a ReLU, $x \to a_1 \to h_1 \to a_2 \to h_2 \dots$:
#
# $$a_j = \sum_i x_i W_{ij}, \qquad h_j = \max(a_j, 0) ,$$
#
# and $h$ is the $x$ of the next layer.
#
# At the start the weights are random numbers. What counts for the size of a signal is its **mean square**: the mean of
# $\mathbb{E}[x_i^2]$ over all $n$ numbers of $x$. We call it $q_x$, and that of $a$ and $h$ in the same way $q_a$ and
# $q_h$. Its root is the size that is drawn above. For a signal of mean 0 it is the variance.
#
# **Given** is that all weights are independent of each other and of what comes in, have the mean 0 and the variance
# $\sigma^2$, and are as likely as their negatives (as normal numbers are). Given is also $q_x$ of the first input.
# **Wanted** is $q_a$ in layer number `depth`, where 1 is the first.
#
# ### Exercise 3.1: `mean_square_after`
#
# Derive it: first what one dense layer does to the mean square, then what ReLU does. The function takes `q` $= q_x$,
# the width `n`, the weights' standard deviation `std` $= \sigma$, and `depth`, which may be an array of layer numbers.
#
# <details><summary>Derivation, step 1: how large is one sum?</summary>
#
# The square of the sum is a double sum. Weights and input are independent, so the mean of each product is a product:
#
# $$\mathbb{E}[a_j^2] = \sum_{i k} \mathbb{E}[x_i x_k]\, \mathbb{E}[W_{ij} W_{kj}] .$$
#
# For $i \ne k$ the two weights are independent as well, and each has the mean 0: what is the mean of their product? And
# what is it for $i = k$? Then count the terms that are left, and use $q_x$ for the mean of $\mathbb{E}[x_i^2]$.
#
# </details>
#
# <details><summary>Derivation, step 2: what does ReLU leave?</summary>
#
# Exchange the sign of all weights of the layer: they are as likely as before, and $a$ becomes $-a$. So $a$ is positive
# or negative with equal chances and equal sizes. Split $\mathbb{E}[a^2]$ into the part with $a > 0$ and the part with
# $a < 0$. Which of the two is $\mathbb{E}[h^2]$, and how large is the other?
#
# </details>
#
# <details><summary>Derivation, step 3: what follows on what?</summary>
#
# Before the first $a$ there is a dense layer only. From each $a$ to the next there is a ReLU and a dense layer: one
# factor for both, the same each time. How often does it come in, up to layer number `depth`?
#
# </details>


# %%
def mean_square_after(q, n, std, depth):
    # Exercise 3.1: mean_square_after
    ### BEGIN SOLUTION
    # q_a = n std^2 q_x in one layer, and q_h = q_a / 2: q_a = q n std^2 (n std^2 / 2)^(depth - 1)
    return q * n * std**2 * (n * std**2 / 2) ** (depth - 1)
    ### END SOLUTION


# %%
check("3.1", mean_square_after)

# %% [markdown]
# In formulas: a dense layer with $n_\text{in}$ inputs makes $q_a = n_\text{in}\, \sigma^2\, q_x$, and ReLU $q_h =
# \frac12 q_a$. (We never needed the mean of $h$ to be 0, which it is not. That is why we count mean squares and not
# variances.)
#
# A factor per layer is a power of the depth. With $n = 100$ and $\sigma = 0.05$ it is $1/8$ per layer; after 20 layers
# hardly anything is left. With $\sigma = 0.3$ it is 4.5. There is one value in between for which it is 1.
#
# ## The way back
#
# The gradient goes through the same weights: $dx_i = \sum_j da_j W_{ij}$. This is a sum of $n_\text{out}$ terms. The
# same calculation, with $da$ taken as independent of $W$, gives $q_{dx} = n_\text{out}\, \sigma^2\, q_{da}$. ReLU lets
# it pass where $a > 0$, in half of the places: $q_{da} = \frac12 q_{dh}$, if what arrives knows nothing of the sign of
# $a$. (Both assumptions are not quite true, since $da$ has to do with the net. The picture will tell whether they are
# good enough.) So there are two conditions for a level signal:
#
# | | forward | backward |
# |---|---|---|
# | tanh, near 0 where it is $h = a$ | $n_\text{in}\, \sigma^2 = 1$ | $n_\text{out}\, \sigma^2 = 1$ |
# | ReLU | $\frac12 n_\text{in}\, \sigma^2 = 1$ | $\frac12 n_\text{out}\, \sigma^2 = 1$ |
#
# - **Xavier** (Glorot and Bengio), for tanh: both at once is possible only if $n_\text{in} = n_\text{out}$. So take the
# mean of the two in the place of either: $\frac12 (n_\text{in} + n_\text{out})\, \sigma^2 = 1$, which is
# $\sigma^2 = 2 / (n_\text{in} + n_\text{out})$. They draw *uniform* numbers between $-r$ and $r$. The variance of these
# is $\int_{-r}^{r} \frac{w^2}{2r}\, dw = \frac{r^2}{3}$.
# - **He**, for ReLU: normal numbers by the forward condition, $\sigma^2 = 2 / n_\text{in}$. One condition is enough:
# then backward the factor of a layer is $n_\text{out} / n_\text{in}$. Where the next layer has $n_\text{in}$ equal to
# this one's $n_\text{out}$, the product over all layers is $n_\text{last} / n_\text{first}$, however many there are.
#
# ### Exercise 3.2: `initial_scales`
#
# Return `xavier_bound`, which is $r$, and `he_std`, which is $\sigma$. `n_in` and `n_out` are numbers, or arrays of
# them.


# %%
def initial_scales(n_in, n_out):
    # Exercise 3.2: xavier_bound, he_std
    ### BEGIN SOLUTION
    return np.sqrt(6 / (n_in + n_out)), np.sqrt(2 / n_in)
    ### END SOLUTION


# %%
check("3.2", initial_scales)

# %% [markdown]
# ## Twenty layers
#
# Each of width 100; $x$ and, at the other end, the gradient are normal numbers. Dashed is your `mean_square_after`,
# its root.


# %%
def xavier(rng, n_in, n_out):
    r, _ = initial_scales(n_in, n_out)
    return rng.uniform(-r, r, (n_in, n_out))


def he(rng, n_in, n_out):
    return initial_scales(n_in, n_out)[1] * rng.standard_normal((n_in, n_out))


def normal(std):
    return lambda rng, n_in, n_out: std * rng.standard_normal((n_in, n_out))


def size(a):
    return np.sqrt((a**2).mean())  # root of the mean square


RELU = lambda a: np.maximum(a, 0), lambda h: h > 0
TANH = np.tanh, lambda h: 1 - h**2
DEPTH, N, WIDTH = 20, 200, 100


def sizes(init, bend, seed=1):
    """Sizes of a in each layer, and of d loss / d (its input)."""
    rng, (f, slope) = np.random.default_rng(seed), bend
    h, layers, forward, backward = rng.standard_normal((N, WIDTH)), [], [], []
    for _ in range(DEPTH):
        W = init(rng, WIDTH, WIDTH)
        a = h @ W
        h = f(a)
        forward.append(size(a))
        layers.append((W, h))
    dh = rng.standard_normal((N, WIDTH))
    for W, h in reversed(layers):
        dh = (dh * slope(h)) @ W.T
        backward.append(size(dh))
    return forward, backward[::-1]


STARTS = {
    "ReLU, too small (0.05)": (normal(0.05), RELU),
    "ReLU, too large (0.3)": (normal(0.3), RELU),
    "ReLU, He (0.14)": (he, RELU),
    "ReLU, Xavier (0.1)": (xavier, RELU),
    "tanh, Xavier (0.1)": (xavier, TANH),
}


def predicted_sizes():
    layer, stds = np.arange(1, DEPTH + 1), (0.05, 0.3, initial_scales(WIDTH, WIDTH)[1], 0.1)
    return [np.sqrt(mean_square_after(1, WIDTH, std, layer)) for std in stds]


measured = {name: sizes(init, bend) for name, (init, bend) in STARTS.items()}
with picture("03_signals") as path:
    drawings.signals(path, measured, predicted_sizes())
ends = {name: (forward[-1], backward[0]) for name, (forward, backward) in measured.items()}
for name, (last, first) in ends.items():
    print(f"{name:<24} last activation {last:.1e}   first gradient {first:.1e}")
quoted("7", 1e10 * ends["ReLU, too small (0.05)"][0])
quoted("3", 1e-6 * ends["ReLU, too large (0.3)"][0])
quoted("0.79", ends["ReLU, He (0.14)"][0])
quoted("0.73", ends["ReLU, He (0.14)"][1])
quoted("0.16", ends["tanh, Xavier (0.1)"][0])
quoted("724", 2**9.5)
for std, name in ((0.05, "ReLU, too small (0.05)"), (0.3, "ReLU, too large (0.3)"), (0.1, "ReLU, Xavier (0.1)")):
    assert 0.5 < ends[name][0] / np.sqrt(mean_square_after(1, WIDTH, std, DEPTH)) < 1

# %% [markdown]
# **Read the picture.** On a logarithmic axis a factor per layer is a straight line, and the dashed predictions fit
# the measured sizes to within a factor of 2 after 20 layers. Weights a third of the right size leave $7 \cdot
# 10^{-10}$ of the signal; twice the right size makes it $3 \cdot 10^6$. He's stays: 0.79 at the end, and the
# gradient comes back with 0.73. Xavier's weights with ReLU lose a factor $\sqrt{1/2}$ in each of 19 layers, $2^{9.5}
# = 724$ in all. With tanh they lose little, down to 0.16: tanh is flatter than $h = a$, and the less so the smaller
# the signal gets. And the gradients mirror the activations, so the assumptions of the way back were good enough.
#
# ## Normalize
#
# The right start holds only at the start: training moves the weights. LayerNorm puts the size right in every forward.
# It takes one example's row of $n$ numbers, subtracts their mean, divides by their standard deviation, and then lets
# the net choose a size and a place for each feature, by parameters `gain` and `b`:
#
# $$m = \frac1n \sum_i x_i, \qquad v = \frac1n \sum_i (x_i - m)^2, \qquad s = \frac{1}{\sqrt{v + \text{tiny}}}, \qquad
#   u_i = s\, (x_i - m), \qquad y_i = \text{gain}_i\, u_i + b_i .$$
#
# `tiny` keeps a constant row from dividing by 0. Add a number to all $x_i$, or multiply them by a positive one: $u$
# stays what it is (up to tiny). Whatever size the weights before it have, $u$ has the mean square 1.
#
# ### Exercise 3.3: `layernorm_forward`
#
# `x` (N, n), `gain` and `b` (n,). Return `y` and what backward needs: `u` (N, n) and `s` (N, 1). No loops, here and
# below: a training uses it.


# %%
def layernorm_forward(x, gain, b, tiny=1e-5):
    # Exercise 3.3: layernorm_forward
    ### BEGIN SOLUTION
    centered = x - x.mean(axis=-1, keepdims=True)
    s = 1 / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + tiny)
    u = s * centered
    return gain * u + b, u, s
    ### END SOLUTION


# %%
check("3.3", layernorm_forward)

# %% [markdown]
# ## LayerNorm backward
#
# **Given** is what forward did, here once more for row number $r$,
#
# $$y_{ri} = \text{gain}_i\, u_{ri} + b_i, \qquad u_{ri} = s_r\, (x_{ri} - m_r), \qquad
#   s_r = (v_r + \text{tiny})^{-1/2} ,$$
#
# with the mean $m_r$ and the variance $v_r$ of the row $x_r$; and $dy$, which arrives from the right. **Wanted** are
# $d\text{gain}_i$ and $db_i$, and for each row $dx_{ri}$, by $dy$, $u$, $s$ and gain.
#
# ### Exercise 3.4: `layernorm_backward`
#
# Derive them. The first two are like a weight and a bias of lesson 1. The third is the hardest derivative so far: every
# $x_j$ of a row acts on every $u_i$ of it, directly, through the mean and through the variance. Then return
# `dx, dgain, db`.
#
# <details><summary>Derivation, step 1: what comes before the hard part?</summary>
#
# $y = \text{gain} \cdot u + b$ is entry by entry, so $du = dy \cdot \text{gain}$. A $\text{gain}_i$ and a $b_i$ are
# used by every row: with which slope? Add up what comes back from all of them.
#
# </details>
#
# <details><summary>Derivation, step 2: how does a small change of the row reach mean and variance?</summary>
#
# Let one row change by a small $\Delta x$. Write $\langle \cdot \rangle$ for the mean over the row, and $c = x - m$, so
# that $u = s c$ and $\langle c \rangle = 0$.
#
# - $\Delta c = \Delta x - \langle \Delta x \rangle$.
# - $v = \langle c^2 \rangle$, so $\Delta v = 2 \langle c\, \Delta c \rangle = 2 \langle c\, \Delta x \rangle$. The part
#   with $\langle \Delta x \rangle$ has dropped out: it is multiplied by $\langle c \rangle = 0$.
# - $s = (v + \text{tiny})^{-1/2}$, so $\Delta s = -\frac12 s^3 \Delta v = - s^3 \langle c\, \Delta x \rangle$.
#
# </details>
#
# <details><summary>Derivation, step 3: how does u change?</summary>
#
# By the product rule $\Delta u = s\, \Delta c + c\, \Delta s$. Put in what you have, and use $s c = u$ twice:
#
# $$\Delta u = s\, \big( \Delta x - \langle \Delta x \rangle - u\, \langle u\, \Delta x \rangle \big),
#   \qquad\text{or}\qquad \frac{\partial u_i}{\partial x_j} = s \Big( [i = j] - \frac1n - \frac{u_i u_j}{n} \Big) .$$
#
# ($[i = j]$ is 1 where $i = j$, else 0.)
#
# </details>
#
# <details><summary>Derivation, step 4: and backward?</summary>
#
# Backward sums over what $x_j$ acts on: $dx_j = \sum_i du_i\, \partial u_i / \partial x_j$. Exchange $i$ and $j$ in the
# last bracket of step 3: what changes? So what does the sum over $i$ do to $du$, if the sum over $j$ did to $\Delta x$
# what the first formula of step 3 says?
#
# </details>


# %%
def layernorm_backward(dy, u, s, gain):
    # Exercise 3.4: dx, dgain, db
    ### BEGIN SOLUTION
    # dx = s (du - <du> - u <u du>) with du = dy gain, row by row; dgain = sum over rows of dy u, db = that of dy
    du = dy * gain
    dx = s * (du - du.mean(axis=-1, keepdims=True) - u * (du * u).mean(axis=-1, keepdims=True))
    return dx, (dy * u).sum(axis=0), dy.sum(axis=0)
    ### END SOLUTION


# %%
check("3.4", layernorm_backward)

# %% [markdown]
# In formulas, for each row, with the mean over the row in brackets:
#
# $$dx = s\, \big( du - \langle du \rangle - u\, \langle u\, du \rangle \big) .$$
#
# Two **projections** are removed from $du$: what lies along $(1, 1, \dots, 1)$, and what lies along $u$. They are the
# two directions in which $x$ can move without moving $u$: all entries up together, or all away from their mean
# together. A loss behind $u$ cannot depend on them, so $dx$ must not either. Look whether it does:


# %%
def what_is_left():
    rng = np.random.default_rng(1)
    x, dy = 5 + 3 * rng.standard_normal((2, 100)), rng.standard_normal((2, 100))
    _, u, s = layernorm_forward(x, np.ones(100), np.zeros(100))
    dx, _, _ = layernorm_backward(dy, u, s, np.ones(100))
    return np.abs(dx.sum(axis=-1)).max(), np.abs((dx * u).sum(axis=-1)).max(), np.abs(dx).sum(axis=-1).max()


print("along the ones {:.0e}, along u {:.0e}, sum of |dx| {:.0f}".format(*what_is_left()))
assert what_is_left()[0] < 1e-12
assert what_is_left()[1] < 1e-4

# %% [markdown]
# Along the ones nothing is left, but for rounding. Along $u$ a trace is: with tiny, $\langle u^2 \rangle = v / (v +
# \text{tiny})$ is not quite 1.
#
# ## A block
#
# Dense, LayerNorm, ReLU: $a = x W$, $y = \text{LayerNorm}(a)$, $h = \max(y, 0)$. The dense layer has no bias here: what
# moves each feature is LayerNorm's `b`.
#
# ### Exercise 3.5: `block_backward`
#
# From `dh` to `dx, dW, dgain, db`. Of the forward, `x`, `u`, `s` and `h` were kept.


# %%
def block_forward(x, W, gain, b):
    y, u, s = layernorm_forward(x @ W, gain, b)
    return np.maximum(y, 0), u, s


def block_backward(dh, x, W, gain, u, s, h):
    # Exercise 3.5: dx, dW, dgain, db
    ### BEGIN SOLUTION
    da, dgain, db = layernorm_backward(dh * (h > 0), u, s, gain)
    return da @ W.T, x.T @ da, dgain, db
    ### END SOLUTION


# %%
check("3.5", block_backward)

# %% [markdown]
# ## Twenty layers, normalized


# %%
def normalized_sizes(init, seed=1):
    """Sizes of h after each block, and of d loss / d (its input)."""
    rng, gain, b = np.random.default_rng(seed), np.ones(WIDTH), np.zeros(WIDTH)
    h, blocks, forward, backward = rng.standard_normal((N, WIDTH)), [], [], []
    for _ in range(DEPTH):
        x, W = h, init(rng, WIDTH, WIDTH)
        h, u, s = block_forward(x, W, gain, b)
        forward.append(size(h))
        blocks.append((x, W, gain, u, s, h))
    dh = rng.standard_normal((N, WIDTH))
    for block in reversed(blocks):
        dh, *_ = block_backward(dh, *block)
        backward.append(size(dh))
    return forward, backward[::-1]


NORMED = {"too small (0.05)": normal(0.05), "He (0.14)": he, "too large (0.3)": normal(0.3)}
with picture("03_norm") as path:
    drawings.normalized(
        path,
        {name: normalized_sizes(init) for name, init in NORMED.items()},
        {name: sizes(init, RELU) for name, init in NORMED.items()},
    )
level = {std: normalized_sizes(normal(std)) for std in (0.05, 0.3)}
quoted("0.7", level[0.05][0][-1], within=0.05)
quoted("0.75", level[0.05][1][0], within=0.05)
np.testing.assert_allclose(level[0.05], level[0.3], rtol=1e-3)

# %% [markdown]
# **Read the picture.** The three thick lines lie on each other: the size of the weights has dropped out. After every
# block $h$ has the size 0.7, the root of one half, since $u$ has the mean square 1 and ReLU halves it. The gradients
# come back with 0.75 of what was sent. No start had to be found for it.
#
# ## Train it
#
# Digits of 8 times 8 pixels, which of ten it is, 20 hidden layers of 64 units. Softmax makes ten probabilities $p$ of
# what comes out, and the loss is $-\log p$ of the right digit, in nats (the *cross-entropy*). Who knows nothing pays
# $\ln 10 = 2.30$. The loss and its gradient, $p - [\text{label}]$, are given. Everything between is yours.


# %%
def cross_entropy(out, label):
    """(mean loss in nats, d loss / d out)."""
    out = out - out.max(axis=1, keepdims=True)
    log_p = out - np.log(np.exp(out).sum(axis=1, keepdims=True))
    one_hot = np.eye(10)[label]
    return -(one_hot * log_p).sum(axis=1).mean(), (np.exp(log_p) - one_hot) / len(out)


DIGITS = load_data("digits", binarize="none").train


def train(init, norm, steps=150, rate=0.02, n=64, seed=1):
    rng = np.random.default_rng(seed)
    data = (DIGITS.x - DIGITS.x.mean()) / DIGITS.x.std()
    blocks = [[init(rng, n, n), np.ones(n), np.zeros(n)] for _ in range(DEPTH)]  # W, gain, b; n = 64 pixels, too
    V, losses = xavier(rng, n, 10), []
    for _ in range(steps):
        batch = rng.integers(0, len(data), 50)
        h, kept = data[batch].astype("float64"), []
        for W, gain, b in blocks:
            x, u, s = h, None, None
            if norm:
                h, u, s = block_forward(x, W, gain, b)
            else:
                h = np.maximum(x @ W + b, 0)
            kept.append((x, W, gain, u, s, h))
        loss, dout = cross_entropy(h @ V, DIGITS.y[batch])
        losses.append(loss)
        if not loss < 50:
            break
        dh, dV = dout @ V.T, h.T @ dout
        V = V - rate * dV
        for i, cache in reversed(list(enumerate(kept))):
            if norm:
                dh, *gradients = block_backward(dh, *cache)
            else:
                x, W, *_, h = cache
                da = dh * (h > 0)
                dh, gradients = da @ W.T, (x.T @ da, 0, da.sum(axis=0))
            blocks[i] = [p - rate * g for p, g in zip(blocks[i], gradients)]
    return losses


INITS = {"too small (0.05)": normal(0.05), "Xavier (0.125)": xavier, "He (0.18)": he, "too large (0.3)": normal(0.3)}
runs = {(name, False): train(init, False) for name, init in INITS.items()}
runs |= {(name, True): train(init, True) for name, init in INITS.items() if init is not xavier}
large = runs.pop(("too large (0.3)", False))
print(f"too large, without LayerNorm: {large[0]:.0f} nats at the first step, stopped")
with picture("03_training") as path:
    drawings.training(path, runs, INITS)
at_end = {run: np.mean(losses[-20:]) for run, losses in runs.items()}
for (name, norm), loss in at_end.items():
    print(f"{name:<17}{'LayerNorm' if norm else '':<10} {loss:.2f} nats at the end")
quoted("2.30", at_end["too small (0.05)", False], within=0.02)
quoted("2.30", at_end["Xavier (0.125)", False], within=0.05)
quoted("0.9", at_end["He (0.18)", False], within=0.3)  # wide: single batches jump, and rounding decides which
quoted("1.0", at_end["He (0.18)", True], within=0.3)
quoted("1.3", at_end["too large (0.3)", True], within=0.4)
assert at_end["too small (0.05)", True] > at_end["too large (0.3)", True]
quoted("12.5", (initial_scales(64, 64)[1] / 0.05) ** 2)
quoted("35000", large[0], within=5000)

# %% [markdown]
# **Read the picture.** Without LayerNorm, only He's start learns, to about 0.9 nats. The other two stay at 2.30: hardly
# anything of the image arrives at the end, and hardly any gradient at the beginning. For Xavier's weights that is
# ReLU's missing factor of 2 per layer. The largest start is not drawn: its first loss is 35,000 nats, and we stopped
# there.
#
# With LayerNorm, He's comes to about 1.0, and the too large start learns as well, to about 1.3. The too small one
# comes down for a while and is thrown back to where it began. This is worth a thought, since its signals were fine
# in the picture before. The loss does not change if $W$ is multiplied by a number $c$: LayerNorm divides it out
# again. So $\text{loss}(cW) = \text{loss}(W)$, and differentiating both sides by $W$, the gradient at $cW$ is $1/c$
# times that at $W$. Small weights have a *large* gradient, and a step goes $1/c$ times as far, which is $1/c^2$
# times as far relative to their size. From He's 0.18 to 0.05 that is as if the rate were 12.5 times as large: the
# steps are too long. LayerNorm forgives a wrong size in the signal, not in the step. (The first experiment below tries
# a smaller rate.)
#
# ## The same in minivae

# %%
from minivae import layers


def same_as_the_library():
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((2, 6, 9))
    layer = layers.LayerNorm(9).bind("float64")
    layer.gain.data[:], layer.b.data[:] = rng.standard_normal((2, 9))
    theirs, cache = layer.forward(x)
    mine, u, s = layernorm_forward(x, layer.gain.data, layer.b.data)
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    theirs = layer.backward(dy, cache), layer.gain.grad, layer.b.grad
    mine = layernorm_backward(dy, u, s, layer.gain.data)
    difference = max(np.abs(a - b).max() for a, b in zip(mine, theirs))

    r, std = initial_scales(300, 50)
    uniform = layers.glorot(np.random.default_rng(1), (300, 50), 300, 50)
    gaussian = layers.he(np.random.default_rng(1), (300, 50), 300, 50)
    print(f"LayerNorm differs by {difference:.0e}; glorot: largest weight {np.abs(uniform).max():.4f}, r {r:.4f}")
    assert difference < 1e-12
    assert 0.999 * r < np.abs(uniform).max() < 1.00001 * r
    drawn = np.random.default_rng(1).standard_normal((300, 50), dtype="float32")
    np.testing.assert_allclose(gaussian, std * drawn, rtol=1e-6)


same_as_the_library()

# %% [markdown]
# `Dense(n_in, n_out, rng)` starts with Xavier's weights, `Dense(n_in, n_out, rng, he)` with He's.
#
# ## More to try
#
# 1. `train(normal(0.05), True, rate=0.02 / 12.5)`: does it learn now? Compare with He's curve.
# 2. tanh with `normal(0.3)`: its outputs h stay below 1. What do the gradients do, and why?
# 3. Make `sizes` go through widths 100, 400, 100, 400 ... with He. Which of the two signals stays level, which one
# swings, and where does it end?
# 4. Leave the mean alone and divide by the root of the mean square only (RMSNorm). Derive its backward: which
# projection is left?
# 5. Add $x$ to each block's output, $h = x + \text{block}(x)$ (a residual net). How do the sizes grow now, by a factor
# or by a term?
#
# ## Questions
#
# <details><summary>Why must initial weights be random, and not all 0 or all equal?</summary>Units with equal weights
# compute the same and get the same gradient. They stay equal for ever, and are one unit.</details>
#
# <details><summary>Where does the 2 in He's variance come from?</summary>ReLU keeps half of the mean square, since
# positive and negative inputs are equally likely. The weights make up for it.</details>
#
# <details><summary>Why do we follow the mean square, and not the variance?</summary>What comes out of ReLU has a mean
# above 0. The next output's mean square is a sum of E[x²], whatever the mean of x is.</details>
#
# <details><summary>What is the sum of dx over a row behind LayerNorm, and why?</summary>0. Adding the same number to
# all entries of x changes nothing behind it, and the sum of dx is the slope in that direction.</details>
#
# <details><summary>BatchNorm takes its means over the batch, for each feature. What does that change?</summary>The
# examples of a batch depend on each other, and evaluation needs statistics from somewhere else. With LayerNorm each row
# is by itself, in training and after.</details>
#
# ## Further reading
#
# - X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS (2010),
# section 4.2: the two conditions and their compromise, equation 16.
# - K. He, X. Zhang, S. Ren, J. Sun, *Delving deep into rectifiers*, ICCV (2015), section 2.2: ReLU's factor, forward
# and backward.
# - J. Ba, J. Kiros, G. Hinton, *Layer normalization* (2016), sections 3 and 5.1: what it does not depend on.
# - `minivae/layers/initialize.py` and `norm.py`: what you wrote, as the library has it, and BatchNorm beside it.

# %%
progress()
