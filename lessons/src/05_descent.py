# %% [markdown]
# # 5. Descending well
#
# **After this lesson you can** choose an optimizer and a learning rate for reasons. You know how large a rate can be,
# what momentum and Adam do to a step, and what to change when a training diverges, creeps or stalls.
#
# **You will build** what stands between a gradient and a trained model: momentum, Adam with its bias correction,
# clipping, and a rate that rises and falls. You will see each on a bowl that you can calculate, then on a VAE.
#
# **You need** lesson 1 (what a gradient is). From elsewhere: the geometric sum, and the mean and variance of a first
# course of statistics. About 2.5 hours.
#
# ![Three paths from the same start in a long narrow bowl](picture:05_bowl)
#
# *The same bowl, the same start, forty steps each. All three are told nothing but the gradient where they stand. By
# the end of the lesson you will have written them, and know why each goes as it does.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.plot.lessons import lesson05 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## A bowl, and the largest rate
#
# Gradient descent is one line, with the learning rate `lr`:
#
# $$\theta \leftarrow \theta - \text{lr} \cdot g, \qquad g = \frac{d\,\text{loss}}{d\theta} .$$
#
# How large may `lr` be? Take the simplest loss with a bottom, a bowl with the curvatures
# $\lambda_1, \lambda_2, \dots > 0$ along its axes:
#
# $$\text{loss} = \tfrac12 \sum_i \lambda_i \theta_i^2, \qquad g_i = \lambda_i \theta_i .$$
#
# (Near a minimum a smooth loss is as a rule such a bowl, once its axes are turned so that they are those of the bowl.
# The step $\theta - \text{lr}\, g$ does not care how the axes are turned, so this example is the general one.)
#
# Put $g_i$ into the step. Each coordinate goes its own way:
#
# $$\theta_i \leftarrow (1 - \text{lr}\,\lambda_i)\,\theta_i .$$
#
# From this line three things can be told before a single step is made. Write $\lambda_\min$ and $\lambda_\max$ for the
# smallest and the largest curvature.
#
# - The **limit**: every coordinate goes to 0, whatever the start, for all `lr` between 0 and a number. Which number?
# - The **best** rate: call *worst* the coordinate that shrinks least in a step. For which `lr` does the worst one
#   shrink most?
# - The **factor**: which part of the worst coordinate is then left after a step, a number between 0 and 1?
#
# ### Exercise 5.1: `best_rate`
#
# **Derive** all three as formulas in $\lambda_\min$ and $\lambda_\max$ alone. Then write them: `curvatures` (n,), in
# any order, gives `limit`, `best` and `factor`. If you are stuck, open the steps below one by one, or call
# `hint("5.1")`; every exercise has hints.
#
# <details><summary>Derivation, step 1: when does one coordinate go to 0?</summary>
#
# After $t$ steps it is $(1 - \text{lr}\,\lambda_i)^t\, \theta_i$. That goes to 0 if and only if
#
# $$-1 < 1 - \text{lr}\,\lambda_i < 1 .$$
#
# Solve it for lr. It must hold for every $i$ at once: which curvature asks for the smallest rate?
#
# </details>
#
# <details><summary>Derivation, step 2: which coordinate is the worst?</summary>
#
# What is left of coordinate $i$ is $|1 - \text{lr}\,\lambda_i|$. As a function of $\lambda_i$ this falls to 0 and rises
# again. So the worst one is at an end: the flattest coordinate, of which $1 - \text{lr}\,\lambda_\min$ is left, or the
# steepest, which comes back from the other side with $\text{lr}\,\lambda_\max - 1$.
#
# </details>
#
# <details><summary>Derivation, step 3: which rate is best for the worst of the two?</summary>
#
# As `lr` grows, the first of them falls and the second rises. The larger of the two is smallest where they are equal:
#
# $$1 - \text{lr}\,\lambda_\min = \text{lr}\,\lambda_\max - 1 .$$
#
# Solve it for lr, and put that rate into either side, over a common denominator.
#
# </details>


# %%
def best_rate(curvatures):
    # Exercise 5.1: limit, best, factor
    ### BEGIN SOLUTION
    # limit: lr max < 2; best: 1 - lr min = lr max - 1; factor: 1 - 2 min / (min + max)
    low, high = curvatures.min(), curvatures.max()
    return 2 / high, 2 / (low + high), (high - low) / (high + low)
    ### END SOLUTION


# %%
check("5.1", best_rate)

# %% [markdown]
# The limit is $2 / \lambda_\max$: **one steep direction limits the rate for all.** And the flattest direction creeps:
# the factor $(\lambda_\max - \lambda_\min) / (\lambda_\max + \lambda_\min)$ is near 1 where the bowl is narrow.
#
# Is it true? Our bowl from now on has the curvatures 1 and 30. `descend` takes any method as a function that makes a
# step and carries along whatever it remembers, its `state`:


# %%
def descend(method, lr, steps, curvatures=(1.0, 30.0), start=(-4.0, 1.0)):
    """All positions, (steps + 1, 2)."""
    theta, state = np.array(start), None
    path = [theta]
    for t in range(steps):
        theta, state = method(theta, state, np.array(curvatures) * theta, t, lr)
        path.append(theta)
    return np.array(path)


def plain(theta, state, g, t, lr):
    return theta - lr * g, state


def steps_needed(path, part=1000):
    """How many steps until the distance to the bottom is 1 / part of what it was, for good."""
    distance = np.linalg.norm(path, axis=1)
    return int(np.flatnonzero(distance > distance[0] / part)[-1]) + 1


limit, best, factor = best_rate(np.array([1.0, 30.0]))
for lr in (0.98 * limit, 1.02 * limit):
    print(f"rate {lr:.4f}: after 200 steps the steep coordinate is {descend(plain, lr, 200)[-1, 1]:.3g}")
print(f"at the best rate a step keeps {factor:.3f}; {steps_needed(descend(plain, best, 400))} steps to 1/1000")
quoted("0.067", limit)
quoted("0.935", factor)
quoted("104", steps_needed(descend(plain, best, 400)))
assert abs(descend(plain, 0.98 * limit, 200)[-1, 1]) < 1e-3 < 1e3 < abs(descend(plain, 1.02 * limit, 200)[-1, 1])

# %% [markdown]
# Two percent below the limit of 0.067 it arrives, two percent above it flies away. And at its best, with a factor of
# 0.935 per step, the way to a thousandth of the distance takes 104 steps.
#
# ## Momentum
#
# Across the bowl the gradient changes its sign from step to step; along it, it hardly changes. So *add up* the
# gradients of the last steps: what alternates cancels, what persists grows. Keep a velocity, and forget slowly:
#
# $$\text{velocity} \leftarrow b \cdot \text{velocity} + g, \qquad
#   \theta \leftarrow \theta - \text{lr} \cdot \text{velocity}, \qquad 0 \le b < 1 .$$
#
# Unroll it, from velocity 0 at the start. After $t$ steps
#
# $$\text{velocity}_t = g_t + b\, g_{t-1} + b^2 g_{t-2} + \dots = \sum_{k=0}^{t-1} b^k g_{t-k} .$$
#
# A gradient that is $k$ steps old counts $b^k$: an *exponential* memory. All weights together are the geometric sum
#
# $$1 + b + \dots + b^{t-1} = \frac{1 - b^t}{1 - b} \;\longrightarrow\; \frac{1}{1 - b} ,$$
#
# since $(1 - b)(1 + b + \dots + b^{t-1}) = 1 - b^t$: all between cancels. So $(1 - b) \cdot$ velocity is, after the
# first steps, an average over about the last $1 / (1 - b)$ gradients. With $b = 0.9$:
#
# - gradients that are all equal add up to $10\, g$: ten times the rate;
# - gradients $g, -g, g, \dots$ add up to $g (1 - b + b^2 - \dots) = g / (1 + b) = 0.53\, g$: about half the rate.
#
# ### Exercise 5.2: `momentum_step`
#
# Return the new `theta` and the new `velocity`. Here as in the library the velocity is the *sum*; others write
# $(1 - b)\, g$ in the place of $g$, and then need a rate that is $1 / (1 - b)$ times as large.


# %%
def momentum_step(theta, velocity, g, lr, momentum):
    # Exercise 5.2: theta, velocity
    ### BEGIN SOLUTION
    velocity = momentum * velocity + g
    return theta - lr * velocity, velocity
    ### END SOLUTION


# %%
check("5.2", momentum_step)

# %% [markdown]
# How much does it help on the bowl? Take one coordinate with the curvature $\lambda$. The velocity before the step is
# $(\theta_{t-1} - \theta_t) / \text{lr}$, since that is how $\theta_t$ was made. So
#
# $$\theta_{t+1} = \theta_t - \text{lr}\,(b \cdot \text{velocity}_t + \lambda \theta_t)
#   = (1 + b - \text{lr}\,\lambda)\,\theta_t - b\,\theta_{t-1} .$$
#
# Try $\theta_t = r^t$. It fits if $r^2 - (1 + b - \text{lr}\,\lambda)\, r + b = 0$: two roots with the product $b$.
# Where they are a complex pair, both have the size $|r| = \sqrt b$, **whatever the curvature**. That is so where the
# discriminant is negative, $(1 + b - \text{lr}\,\lambda)^2 < 4 b$, which is
#
# $$(1 - \sqrt b)^2 < \text{lr}\,\lambda < (1 + \sqrt b)^2 .$$
#
# Choose `lr` and $b$ so that $\lambda_\min$ and $\lambda_\max$ sit at the two ends. Root and divide:
# $\sqrt{\lambda_\max / \lambda_\min} = (1 + \sqrt b) / (1 - \sqrt b)$, so
#
# $$\sqrt b = \frac{\sqrt{\lambda_\max} - \sqrt{\lambda_\min}}{\sqrt{\lambda_\max} + \sqrt{\lambda_\min}}, \qquad
#   \text{lr} = \Big(\frac{2}{\sqrt{\lambda_\max} + \sqrt{\lambda_\min}}\Big)^2 .$$
#
# Compare with the factor of Exercise 5.1: the same formula, with the *roots* of the curvatures. A bowl that is 30
# times as steep across as along now feels like one of 5.5 times.


# %%
def with_momentum(b):
    def method(theta, velocity, g, t, lr):
        return momentum_step(theta, np.zeros_like(theta) if velocity is None else velocity, g, lr, b)

    return method


def best_momentum(low=1.0, high=30.0):
    low, high = low**0.5, high**0.5
    return ((high - low) / (high + low)) ** 2, (2 / (high + low)) ** 2


def needed_with_momentum():
    b, lr = best_momentum()
    print(f"momentum {b:.3f}, rate {lr:.4f}: a step keeps {b**0.5:.3f}")
    return b, steps_needed(descend(with_momentum(b), lr, 200))


b, needed = needed_with_momentum()
print(f"{needed} steps to 1/1000")
quoted("0.691", b**0.5)
quoted("26", needed)
quoted("19", np.log(1000) / -np.log(b**0.5), within=0.5)
quoted("5.5", 30**0.5)
quoted("10", 1 / (1 - 0.9))
quoted("0.53", 1 / (1 + 0.9))

# %% [markdown]
# A step keeps 0.691, and 26 steps do what took 104. (Two roots that are equal, as at both ends, cost a factor $t$
# besides $r^t$; without it 19 steps would do.) For a real loss nobody knows the curvatures. One takes $b = 0.9$, and
# tries rates.
#
# ## Adam
#
# Another cure for unequal curvatures: give **each coordinate its own rate**, from the size of its own gradients. Adam
# keeps two exponential averages per coordinate, of $g$ and of $g^2$, both 0 at the start:
#
# $$m_t = b_1 m_{t-1} + (1 - b_1)\, g_t, \qquad v_t = b_2 v_{t-1} + (1 - b_2)\, g_t^2, \qquad
#   b_1 = 0.9,\; b_2 = 0.999 .$$
#
# ### The bias, exactly
#
# Let the gradients be random, from different mini-batches, all with the same expectation $E[g]$. An average of them
# should have that expectation, too. But $m_1 = (1 - b_1)\, g_1$ is a tenth of $g_1$: the zero at the start is still in
# it, and for some time $m_t$ is too small. Its expectation is $E[g]$ times a number that depends on $b_1$ and $t$ only.
# A number that is known can be divided by. So wanted are the two divisors in
#
# $$\hat m = \frac{m_t}{?}, \qquad \hat v = \frac{v_t}{?}, \qquad\text{such that}\qquad
#   E[\hat m] = E[g], \qquad E[\hat v] = E[g^2] .$$
#
# With them Adam's step is
#
# $$\theta \leftarrow \theta - \text{lr}\, \frac{\hat m}{\sqrt{\hat v} + \text{adam\_eps}} .$$
#
# `t` counts from 1. `adam_eps` ($10^{-8}$) only keeps a coordinate without gradients from 0 / 0.
#
# ### How long is a step?
#
# If the gradient is always the same $g$, then $\hat m = g$ and $\hat v = g^2$: the step is $\text{lr} \cdot g / |g|$,
# so $+\text{lr}$ or $-\text{lr}$. The *size* of the gradient has gone. In general, multiply all gradients of a
# coordinate by $c > 0$: $\hat m$ becomes $c\, \hat m$, $\sqrt{\hat v}$ becomes $c \sqrt{\hat v}$, and the step stays
# as it is. For gradients that vary, $\hat m$ is about their mean and $\hat v$ their mean square, which is the square
# of the mean plus the variance:
#
# $$\frac{|\hat m|}{\sqrt{\hat v}} \approx \frac{|E[g]|}{\sqrt{E[g]^2 + \mathrm{Var}[g]}} \le 1 .$$
#
# So a step is about `lr` where the gradient is clear, and shorter where it is mostly noise.
#
# ### Exercise 5.3: `adam_step`
#
# **Derive** the two divisors. Then return the new `theta`, `m` and `v` (the averages as they are kept, not corrected).
#
# <details><summary>Derivation, step 1: which gradients are in m, with which weights?</summary>
#
# Unroll $m$ as the velocity above:
#
# $$m_t = (1 - b_1) \sum_{k=0}^{t-1} b_1^k\, g_{t-k} .$$
#
# </details>
#
# <details><summary>Derivation, step 2: what is its expectation?</summary>
#
# An expectation goes through a sum, and every gradient has the same:
#
# $$E[m_t] = (1 - b_1) \Big( \sum_{k=0}^{t-1} b_1^k \Big) E[g] .$$
#
# </details>
#
# <details><summary>Derivation, step 3: and the sum?</summary>
#
# It is the geometric sum of the section on momentum. Put it in, and cancel: what is left in front of $E[g]$ is the
# first divisor. For $v$ the same holds with $b_2$ and $E[g^2]$.
#
# </details>


# %%
def adam_step(theta, m, v, g, t, lr, b1=0.9, b2=0.999, adam_eps=1e-8):
    # Exercise 5.3: theta, m, v
    ### BEGIN SOLUTION
    # E[m_t] = (1 - b1^t) E[g], E[v_t] = (1 - b2^t) E[g^2]
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + adam_eps), m, v
    ### END SOLUTION


# %%
check("5.3", adam_step)

# %% [markdown]
# The divisors are $1 - b_1^t$ and $1 - b_2^t$: the weights of $t$ steps add up to that, not yet to 1.
#
# Two consequences that you can verify to many digits. On a bowl $g_i = \lambda_i \theta_i$, and Adam does not see the
# factor $\lambda_i$: its path in the narrow bowl is the one in a round bowl. And without the correction of the bias
# the first step would be $(1 - b_1) / \sqrt{1 - b_2}$ times as long.


# %%
def with_adam(theta, state, g, t, lr):
    m, v = (np.zeros_like(theta), np.zeros_like(theta)) if state is None else state
    theta, m, v = adam_step(theta, m, v, g, t + 1, lr)
    return theta, (m, v)


def of_adam():
    narrow, round_one = (descend(with_adam, 0.3, 40, curvatures) for curvatures in ((1.0, 30.0), (1.0, 1.0)))
    first, m, v = adam_step(np.zeros(3), np.zeros(3), np.zeros(3), np.array([1000.0, 1.0, -0.001]), 1, 0.3)
    print(f"first step for gradients 1000, 1 and -0.001, rate 0.3: {first}")
    print(f"narrow bowl against round bowl, 40 steps: {np.abs(narrow - round_one).max():.1e}")
    print(f"after 10 steps v holds {1 - 0.999**10:.1%} of what it should")
    assert np.allclose(first, [-0.3, -0.3, 0.3], rtol=1e-4)
    assert np.abs(narrow - round_one).max() < 1e-5
    uncorrected = m / np.sqrt(v)
    assert np.allclose(np.abs(uncorrected), 0.1 / 0.001**0.5)
    return uncorrected[0], 1 - 0.999**10


uncorrected, share = of_adam()
quoted("3.16", uncorrected)
quoted("0.010", share)

# %% [markdown]
# The first step is 0.3 in each coordinate, for the gradients 1000 and 0.001. Without the correction it would be 3.16
# times that: $v$ starts slower than $m$, and after ten steps still holds only 1.0 % of what it should.
#
# ## The three in the bowl


# %%
def three_paths():
    """(title, line, positions) of each panel, and how far from the bottom each ends."""
    paths = (
        ("gradient descent: to and fro", "rate 0.06", descend(plain, 0.06, 40)),
        ("momentum: long swings, soon home", "b 0.7, rate 0.03", descend(with_momentum(0.7), 0.03, 40)),
        ("Adam: as if the bowl were round", "rate 0.3", descend(with_adam, 0.3, 40)),
    )
    away = [np.linalg.norm(positions[-1]) for _, _, positions in paths]
    return [(title, f"{how}; after 40 steps {end:.1g} away", p) for (title, how, p), end in zip(paths, away)], away


panels, away = three_paths()
with picture("05_bowl") as path:
    drawings.bowl(path, panels)
for text, value in zip(("0.3", "0.002", "0.09"), away):
    quoted(text, value)

# %% [markdown]
# **Read the picture.** (The vertical axis is stretched: the bowl is narrower than it looks.) Gradient descent jumps
# from wall to wall; that soon dies out, and then it creeps along the floor, 0.3 from the bottom after forty steps.
# Momentum still swings, but each swing carries it on; it ends at 0.002. Adam begins on a diagonal, since both
# coordinates move by the same 0.3 a step, overshoots because $m$ remembers, and ends at 0.09: its step hardly shrinks
# with the gradient. It needs a rate that falls. That comes below.
#
# ## Clipping
#
# Sometimes one gradient is far longer than all others: the first of a training, or that of one odd batch. A step
# along it throws away what was learned. So limit its length. Which way?
#
# Multiply the *whole* gradient by one number $c$ with $0 < c \le 1$, so that its norm is at most `largest`:
#
# $$g \leftarrow c\, g, \qquad c = \min\Big(1, \frac{\text{largest}}{|g|}\Big), \qquad
#   |g| = \sqrt{\textstyle\sum_i g_i^2} .$$
#
# Then $|c\,g| = \min(|g|, \text{largest})$, and **the direction is the same**: all entries keep their proportions. To
# first order a step $-\text{lr}\; c\, g$ changes the loss by $-\text{lr}\; c\, |g|^2$, still the steepest way down for
# its length. Clipping each entry by itself turns the gradient: of $(3, 0.1)$ with the limit 0.1 it makes
# $(0.1, 0.1)$, 43 degrees away.
#
# ### Exercise 5.4: `clip_by_norm`
#
# `g` is the flat vector of all gradients. Should it be all 0, it stays so.


# %%
def clip_by_norm(g, largest):
    # Exercise 5.4: clipped
    ### BEGIN SOLUTION
    norm = np.sqrt((g * g).sum())
    return g * min(1, largest / norm) if norm > 0 else g
    ### END SOLUTION


# %%
check("5.4", clip_by_norm)


# %%
def degrees_between(a, b):
    cosine = (a @ b) / np.sqrt((a @ a) * (b @ b))
    return np.degrees(np.arccos(min(cosine, 1.0)))


def two_ways_to_clip():
    g = np.array([3.0, 0.1])
    by_norm, by_entry = clip_by_norm(g, 0.1), np.clip(g, -0.1, 0.1)
    print(f"by norm {by_norm}: turned by {degrees_between(g, by_norm):.0f} degrees")
    print(f"by entry {by_entry}: turned by {degrees_between(g, by_entry):.0f} degrees")
    quoted("43", degrees_between(g, by_entry))
    assert np.isclose(np.linalg.norm(by_norm), 0.1)
    assert degrees_between(g, by_norm) < 1e-3


two_ways_to_clip()

# %% [markdown]
# ## A rate that rises and falls
#
# **Why it must fall.** A mini-batch gives a gradient with noise, $g = \lambda \theta + \sigma \eta$, where $\eta$ has
# mean 0 and variance 1 and is new in every step. On one coordinate of the bowl
#
# $$\theta \leftarrow (1 - \text{lr}\,\lambda)\,\theta - \text{lr}\,\sigma\,\eta .$$
#
# Let $s^2$ be the variance of $\theta$. The two terms are independent, so their variances add, and where it has settled
# it reproduces itself:
#
# $$s^2 = (1 - \text{lr}\,\lambda)^2 s^2 + \text{lr}^2 \sigma^2 \quad\Longrightarrow\quad
#   s^2 = \frac{\text{lr}^2 \sigma^2}{1 - (1 - \text{lr}\,\lambda)^2}
#       = \frac{\text{lr}\;\sigma^2}{\lambda\,(2 - \text{lr}\,\lambda)} .$$
#
# It does not go to 0. The loss stays at $\tfrac12 \lambda s^2 = \text{lr}\,\sigma^2 / (2 (2 - \text{lr}\,\lambda))$, a
# *floor* that is proportional to the rate while the rate is small. A large rate is fast and ends high, a small one is
# slow and ends low. Start with the first and end with the second: let the rate follow half a cosine from `lr` to 0,
# $\tfrac12 (1 + \cos(\pi t / \text{steps}))$.
#
# **Why it should rise first.** The first gradients are long and noisy, and the averages of momentum and Adam rest on
# few of them. Adam's first step is `lr` in *every* coordinate, noise or not. So begin with small steps: a factor that
# rises in equal parts over the first `warm` steps, $1 / \text{warm}$ at $t = 0$ and 1 from $t = \text{warm} - 1$ on.
#
# ### Exercise 5.5: `rate_at`
#
# `lr` times both factors. The steps count from 0 here; `t` may be one step or an array of them. After the end the
# rate stays 0.


# %%
def rate_at(t, lr, warm, steps):
    # Exercise 5.5: rate
    ### BEGIN SOLUTION
    return lr * np.minimum((t + 1) / warm, 1) * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1)))
    ### END SOLUTION


# %%
check("5.5", rate_at)


# %%
def noisy_bowl(rates, copies=20000):
    """Mean loss before each step of gradient descent on theta^2 / 2 with noise of variance 1."""
    rng, theta, losses = np.random.default_rng(0), np.full(copies, 3.0), []
    for lr in rates:
        losses.append(0.5 * (theta**2).mean())
        theta = theta - lr * (theta + rng.standard_normal(copies))
    return np.array(losses)


rates = {"0.5": np.full(400, 0.5), "0.05": np.full(400, 0.05)}
rates["rising, then falling"] = rate_at(np.arange(400), 0.5, 20, 400)
losses = {name: noisy_bowl(rate) for name, rate in rates.items()}
with picture("05_schedule") as path:
    drawings.schedule(path, rates, losses, floors=[lr / (2 * (2 - lr)) for lr in (0.5, 0.05)])
for text, name in (("0.167", "0.5"), ("0.0128", "0.05")):
    quoted(text, losses[name][-100:].mean(), within=0.01 * float(text))  # 1 %: 4 standard errors and more
assert losses["rising, then falling"][-1] < 0.5 * losses["0.05"][-1]

# %% [markdown]
# **Read the picture.** The dotted lines are the formula: $0.5 / (2 \cdot 1.5) = 0.167$ and
# $0.05 / (2 \cdot 1.95) = 0.0128$. Both constant rates end on their line and stay there. The third is at first nearly
# as fast as the large one; then its floor sinks with the rate, and it ends below half of the small one.
#
# ## On a VAE
#
# Now a loss of thousands of parameters, with a different shape in each direction: a small VAE on the digits. (What it
# is you will build in lessons 6 to 9; here it is a loss with a gradient, no more.) The gradient is the library's, each
# step is yours. Every method gets every rate of a list, since to compare methods at one rate says nothing.

# %%
from minivae import VAE, load_data
from minivae.backend import place

data = load_data("digits")
bits = data.settle(data.train.x, np.random.default_rng(0)).astype("float64")


def train(method, rate, steps=200, largest=None, clipped_steps=200, seed=1):
    """(loss in nats, norm of the gradient) of every step; shorter if the loss is no longer finite."""
    model = VAE.build(data.shape, np.random.default_rng(seed), hidden=(48,), latent=6).bind("float64")
    rng, state, losses, norms = np.random.default_rng([seed, 1]), None, [], []
    with np.errstate(all="ignore"):
        for t in range(steps):
            rows = bits[50 * t % len(bits) :][:50]
            noise = place(model.draw_noise(rng, len(rows)), like=model.theta)
            loss = float(model.loss_and_grads(rows, noise)["loss"])
            if not np.isfinite(loss):
                break
            losses.append(loss)
            norms.append(np.linalg.norm(model.grad))
            g = clip_by_norm(model.grad, largest) if largest and t < clipped_steps else model.grad
            model.theta[...], state = method(model.theta, state, g, t, rate(t))
    return np.array(losses), np.array(norms)


METHODS = {
    "gradient descent": (plain, None),
    "momentum 0.9": (with_momentum(0.9), None),
    "momentum 0.9, clipped at 5": (with_momentum(0.9), 5.0),
    "Adam": (with_adam, None),
}
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)


def try_all(steps=200):
    """{method: {rate: losses}}, and their means over the last pass over the data, NaN where one diverged."""
    runs = {
        name: {lr: train(method, lambda t, lr=lr: lr, steps, largest)[0] for lr in RATES}
        for name, (method, largest) in METHODS.items()
    }
    ends = {
        name: {lr: losses[-25:].mean() if len(losses) == steps else np.nan for lr, losses in of.items()}
        for name, of in runs.items()
    }
    for name, of in ends.items():
        print(f"{name:<28}" + "".join(f"{end:8.2f}" for end in of.values()))
    return runs, ends


print(f"{'rate':<28}" + "".join(f"{lr:8g}" for lr in RATES))
runs, ends = try_all()


# %%
def over_a_pass(losses):
    """Means over 25 steps, one pass over the data."""
    return np.convolve(losses, np.ones(25) / 25, "valid")


def best_of_each():
    """{method: (its best rate, its curve)}."""
    rates = {name: min((end, lr) for lr, end in of.items() if np.isfinite(end))[1] for name, of in ends.items()}
    return {name: (lr, over_a_pass(runs[name][lr])) for name, lr in rates.items()}


constant, _ = train(with_adam, lambda t: 0.03, 400)
scheduled, _ = train(with_adam, lambda t: rate_at(t, 0.03, 50, 400), 400)
long = {"Adam, rate 0.03": over_a_pass(constant), "Adam, up to 0.03 and down": over_a_pass(scheduled)}
with picture("05_vae") as path:
    drawings.training(path, ends, best_of_each(), long)
constant, scheduled = constant[-25:].mean(), scheduled[-25:].mean()
print(f"400 steps of Adam: rate 0.03 {constant:.2f}, with warm-up and cosine {scheduled:.2f} nats")
_, norms = train(with_momentum(0.9), lambda t: 0.01)
print(f"norm of the gradient: {norms[0]:.0f} at first, median {np.median(norms):.1f}")
at_first, _ = train(with_momentum(0.9), lambda t: 0.01, largest=5.0, clipped_steps=5)
print(f"momentum, clipped in the first five steps only: {at_first[-25:].mean():.2f} nats")
quoted("26.4", min(ends["gradient descent"].values()))
quoted("26.2", ends["momentum 0.9"][0.01])
quoted("25.4", ends["momentum 0.9, clipped at 5"][0.01])
quoted("25.1", ends["Adam"][0.01])
quoted("25.1", constant)
quoted("24.0", scheduled)
quoted("25.4", at_first[-25:].mean())
quoted("25", norms[0])
quoted("3.8", np.median(norms))
assert np.isnan([ends[name][0.3] for name in ("gradient descent", "momentum 0.9")]).all()

# %% [markdown]
# **Read the picture.** Left, the wall is where the first section put it: beyond some rate plain descent and momentum
# diverge, here at 0.3. (There is no single curvature here; it changes on the way, so the wall is found by trying.)
#
# Middle, at its best rate each (every curve is a mean over 25 steps, one pass over the data): gradient descent 26.4
# nats, momentum 26.2, momentum with clipping 25.4, Adam 25.1. Why does clipping help so much? The first gradient has
# the norm 25, the median one 3.8, and momentum carries the first long steps on for ten more. To clip the first
# *five* steps and no other gives 25.4 as well: it is that throw which does the harm. Clipping starts slowly, as a
# warm-up does.
#
# Right, the rate 0.03 is too large to stay with: Adam ends at 25.1 after twice as many steps as before. The *same*
# largest rate, reached slowly and left slowly, ends at 24.0.
#
# One seed, a small net and a short run: the order may change with each of these. That you should try several rates for
# each method will not.
#
# ## The same in minivae
#
# The library's `Adam` does not keep $m$ and $v$ but sums, as the velocity is one: $S_t = b_1 S_{t-1} + g_t$, so
# $m_t = (1 - b_1) S_t$. Then
#
# $$\hat m = \frac{1 - b_1}{1 - b_1^t}\, S_t = \frac{S_t}{1 + b_1 + \dots + b_1^{t-1}} :$$
#
# a weighted mean, divided by the sum of its weights. The factors are single numbers and go into the rate. That
# leaves fewer passes over long vectors; the steps must be yours. Ten of them, with clipping and the schedule:

# %%
from minivae import Adam
from minivae.optim import SGD
from minivae.schedules import cosine, warm_up


def ten_steps_of_both(theirs, mine, lr):
    """Largest difference between the parameters after ten steps from the same start."""
    models = [VAE.build(data.shape, np.random.default_rng(3), hidden=(16,), latent=4).bind("float64") for _ in "ab"]
    optimizer = theirs(models[0], lr=warm_up(cosine(lr, 20), 5), clip=5.0)
    rng, state = np.random.default_rng(4), None
    for t in range(10):
        noise = place(models[0].draw_noise(rng, 50), like=models[0].theta)
        for model in models:
            model.loss_and_grads(bits[:50], noise)
        optimizer.step()
        theta, state = mine(models[1].theta, state, clip_by_norm(models[1].grad, 5.0), t, rate_at(t, lr, 5, 20))
        models[1].theta[...] = theta
    return np.abs(models[0].theta - models[1].theta).max()


for theirs, mine, lr in ((Adam, with_adam, 0.01), (SGD, with_momentum(0.9), 0.03)):
    difference = ten_steps_of_both(theirs, mine, lr)
    print(f"{theirs.__name__}: largest difference after ten steps {difference:.1e}")
    assert difference < 1e-6  # room for a tiny number in your clipping, largest / (norm + 1e-6)

# %% [markdown]
# ## More to try
#
# 1. Take `best_momentum()` in `three_paths`: 26 steps to a thousandth, but look where the path goes first. Why?
# 2. Turn the bowl by 45 degrees (the gradient is then $A \theta$ with a full symmetric matrix $A$). Whose path changes,
# and whose does not? What is it that Adam rescales?
# 3. Leave the bias correction out of `adam_step` and train the VAE again. In which steps do you see it?
# 4. Let a coordinate have the gradient 0 for ten thousand steps and then once 1. How long is Adam's next step, in units
# of `lr`? You have met the number above.
# 5. Nesterov's momentum moves by $g + b \cdot \text{velocity}$ with the new velocity. Write down the recurrence of
# $\theta_{t+1}$ for it. For which rates does it converge?
#
# ## Questions
#
# <details><summary>Loss times 100, gradient descent: what must happen to the rate? And with Adam?</summary>All
# curvatures are 100 times as large, so the limit 2 / max curvature, and with it the rate, is a hundredth. Adam's steps
# do not change: the factor cancels in m_hat / sqrt(v_hat).</details>
#
# <details><summary>You go from momentum 0.9 to 0.99 and keep the rate. What do you expect?</summary>Gradients that
# persist now add up to 100 g, no longer 10 g: steps that are ten times as long. Start with a tenth of the
# rate.</details>
#
# <details><summary>Why is m divided by 1 - b1^t, not by 1 - b1?</summary>The weights (1 - b1) b1^k of the t gradients
# so far add up to 1 - b1^t. Dividing by their sum makes it a weighted mean, for every t.</details>
#
# <details><summary>Why is the norm taken over all parameters, not layer by layer?</summary>One factor for all keeps
# the proportions between the layers, so the direction of the whole step. A factor per layer would turn it.</details>
#
# <details><summary>Training stalls at a loss with noise around it. What is the first thing to try?</summary>A smaller
# rate: the floor of a noisy descent is about proportional to it. If the loss falls at once, that was
# it.</details>
#
# ## Further reading
#
# - B. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR Computational Mathematics and
# Mathematical Physics 4(5) (1964): momentum, and the formula with the roots.
# - I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep learning*,
# ICML 2013, section 2.
# - D. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, sections 2 and 3 (the bias).
# - R. Pascanu, T. Mikolov, Y. Bengio, *On the difficulty of training recurrent neural networks*, ICML 2013, section
# 3.2: clipping by the norm.
# - I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017, equation 5: the cosine.
# - `minivae/optim.py` and `minivae/schedules.py`: what you wrote, as the library has it.

# %% [markdown]
# <!-- only with solutions -->
# - `figures/practice.md`: rates, clipping and schedules, measured over five seeds.

# %%
progress()
