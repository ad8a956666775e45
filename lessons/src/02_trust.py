# %% [markdown]
# # 2. Can you trust a gradient?
#
# **After this lesson you can** say of any gradient whether it is right, to the last digits that the numbers have, and
# find a mistake of 0.05 % that no training would show. And you know when *not* to believe such a check.
#
# **You will build** three numeric derivatives: a difference of two values, one of four, and the complex step. Then a
# check of a whole gradient along random directions.
#
# **You need** lesson 1 (the dense layer and the chain rule backward), the mean of a random number, complex numbers as
# far as $i^2 = -1$, and Taylor's formula, $f(x + h) = f + f' h + f'' h^2 / 2 + f''' h^3 / 6 + \dots$, where $f$ and its
# derivatives are taken at $x$. About 2.5 hours.
#
# ![The losses of two nets, both falling to about 0.03; beside it both fits, nearly the same](picture:02_nets)
#
# *Two nets, the same start, the same data. One of them is trained with a wrong gradient. Both learn, and the wrong one
# ends lower. A loss that falls proves nothing about a gradient.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.plot.lessons import lesson02 as drawings
from minivae.teach import check, given, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## Two gradients, one of them wrong
#
# The net is that of lesson 1 with a smooth bend: $h = \tanh(x W + b)$, $y = h V$. All its parameters are in one
# vector `theta`, so that its loss is a function of one array. The derivative of tanh is $1 - h^2$. Somebody has typed
# $1 - |h|$. Both are 1 at $h = 0$ and 0 at $h = \pm 1$, and both point downhill, more or less.

# %%
HIDDEN = 20


def start(seed=1):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.standard_normal(2 * HIDDEN), rng.standard_normal(HIDDEN) / HIDDEN**0.5])


def curve(dtype="float64"):
    x = np.linspace(-3, 3, 100)[:, None]
    return x.astype(dtype), (np.sin(2 * x) + 0.3 * x).astype(dtype)


def net(theta, x, bend=np.tanh):
    W, b, V = theta[:HIDDEN].reshape(1, -1), theta[HIDDEN : 2 * HIDDEN], theta[2 * HIDDEN :].reshape(-1, 1)
    h = bend(x @ W + b)  # (N, HIDDEN)
    return h, V, h @ V


def loss_of(theta, x, target, bend=np.tanh):
    return ((net(theta, x, bend)[2] - target) ** 2).sum() / len(x)


def gradient(theta, x, target, slope, bend=np.tanh):
    h, V, y = net(theta, x, bend)
    dy = 2 * (y - target) / len(x)
    da = dy @ V.T * slope(h)
    return np.concatenate([(x.T @ da).ravel(), da.sum(axis=0), (h.T @ dy).ravel()])


def right_slope(h):
    return 1 - h * h


def wrong_slope(h):
    return 1 - np.abs(h)


def train(slope, steps=3000, rate=0.03):
    theta, (x, target), losses = start(), curve(), []
    for _ in range(steps + 1):
        losses.append(loss_of(theta, x, target))
        theta = theta - rate * gradient(theta, x, target, slope)
    return losses, net(theta, x)[2]


runs = {"1 - h²": train(right_slope), "1 - |h|": train(wrong_slope)}
with picture("02_nets") as path:
    drawings.nets(path, *curve(), runs)
ends = [losses[-1] for losses, _ in runs.values()]
print(f"loss at first {runs['1 - h²'][0][0]:.2f}, at the end {ends[0]:.4f} (right) and {ends[1]:.4f} (wrong)")
quoted("0.62", runs["1 - h²"][0][0])
quoted("0.027", ends[0], within=0.002)
quoted("0.026", ends[1], within=0.002)
assert ends[1] < ends[0]

# %% [markdown]
# **Read the picture.** From 0.62 the right gradient comes down to 0.027, the wrong one to 0.026. No plot of losses
# tells which is which. Something else must decide: the loss function itself, asked at a few points.
#
# ## A derivative from two values
#
# Write Taylor's formula for both sides and subtract:
#
# $$f(x \pm h) = f \pm f' h + \tfrac12 f'' h^2 \pm \tfrac16 f''' h^3 + \dots
#   \qquad\Rightarrow\qquad f(x + h) - f(x - h) = 2 f' h + \tfrac13 f''' h^3 + \dots$$
#
# All even terms are gone. Divided by $2h$:
#
# $$D_h = \frac{f(x + h) - f(x - h)}{2 h} = f' + \tfrac16 f''' h^2 + \dots$$
#
# From one side, $(f(x + h) - f(x)) / h = f' + \frac12 f'' h + \dots$: there the error falls with $h$, here with $h^2$.
#
# ### Exercise 2.1: `central_difference`
#
# Return $D_h$. `x` is a number, or an array of points; `f` takes both, and so does your function without more ado.


# %%
def central_difference(f, x, h):
    # Exercise 2.1: central_difference
    ### BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    ### END SOLUTION


# %%
check("2.1", central_difference)

# %% [markdown]
# ## Four values are better
#
# One more term of Taylor, with $f'''''$ the fifth derivative:
#
# $$D_h = f' + \tfrac{1}{6} f''' h^2 + \tfrac{1}{120} f''''' h^4 + \dots$$
#
# **Given** is this, for every $h$. So a second quotient, with the step $2h$, has an error too, but a larger one.
# **Wanted** are two numbers $\alpha$ and $\beta$ such that $\alpha D_h + \beta D_{2h}$ is $f'$, with no term in $h^2$.
# What is then the first term that is left?
#
# ### Exercise 2.2: `four_points`
#
# Derive $\alpha$, $\beta$ and the term that is left. Then write $\alpha D_h + \beta D_{2h}$, with your
# `central_difference`.
#
# <details><summary>Derivation, step 1: what is the quotient with the double step?</summary>
#
# Put $2h$ in the place of $h$. The factor of $f'''$ becomes $2^2$ times as large, that of $f'''''$ becomes $2^4$ times
# as large. That of $f'$ stays 1.
#
# </details>
#
# <details><summary>Derivation, step 2: which two conditions do the numbers fulfill?</summary>
#
# Collect what stands before $f'$ in $\alpha D_h + \beta D_{2h}$: it must be 1. Collect what stands before
# $\tfrac16 f''' h^2$: it must be 0. Two equations for two numbers.
#
# </details>
#
# <details><summary>Derivation, step 3: what is left?</summary>
#
# Collect in the same way what stands before $\tfrac{1}{120} f''''' h^4$, and put your two numbers in. You will need
# this term below: it says how good four points are.
#
# </details>


# %%
def four_points(f, x, h):
    # Exercise 2.2: four_points
    ### BEGIN SOLUTION
    # alpha + beta = 1 and alpha + 4 beta = 0: 4/3 and -1/3; left is (alpha + 16 beta) / 120 = -1/30 times f''''' h^4
    return (4 * central_difference(f, x, h) - central_difference(f, x, 2 * h)) / 3
    ### END SOLUTION


# %%
check("2.2", four_points)

# %% [markdown]
# In formulas, with the term that is left:
#
# $$\frac{4 D_h - D_{2h}}{3} = f' - \tfrac{1}{30} f''''' h^4 + \dots$$
#
# Four values of $f$ instead of two, and the error falls with $h^4$.
#
# ## Why not take h very small?
#
# Because a computer does not give $f$, but $f$ rounded. Call the largest error of one value $R$. Two values in the
# difference may be wrong by $2 R$ together, and this is divided by $2h$. The smaller $h$, the worse:
#
# $$|D_h - f'| \le E(h) = \underbrace{\tfrac16 |f'''| h^2}_{\text{truncation}} + \underbrace{R / h}_{\text{rounding}}.$$
#
# The best $h$ is where the slope of this sum is zero:
#
# $$E'(h) = \tfrac13 |f'''| h - R / h^2 = 0 \quad\Rightarrow\quad h = \left(\frac{3 R}{|f'''|}\right)^{1/3},
#   \qquad E = \tfrac12 |f'''| h^2 ,$$
#
# the last since $R / h = \frac13 |f'''| h^2$ there.
#
# The four points have weights: $D_h$ is taken $\frac43$ times and $D_{2h}$, whose rounding is $R / 2h$, $\frac13$
# times. Together $\frac43 \frac{R}{h} + \frac13 \frac{R}{2h} = \frac32 \frac{R}{h}$:
#
# $$E(h) = \tfrac{1}{30} |f'''''| h^4 + \tfrac32 R / h .$$
#
# **Given** is this $E(h)$. **Wanted** is the $h$ at which it is lowest, by $R$ and $|f'''''|$, and $E$ there.
#
# ### Exercise 2.3: `best_step`
#
# Derive both, as it was done for two points, and return `h, error`. `R` and `fifth`, which is $|f'''''|$, are positive
# numbers, or arrays of them.
#
# <details><summary>Derivation, step 1: what holds where the sum is lowest?</summary>
#
# For small $h$ the second term is large, for large $h$ the first. In between the sum is lowest where its slope is 0:
# there the slopes of both terms cancel. (That is not where the terms are equal.)
#
# </details>
#
# <details><summary>Derivation, step 2: what are the two slopes?</summary>
#
# The slope of $h^4$ is $4 h^3$, that of $1 / h$ is $-1 / h^2$. Set the sum of both, with their factors, to 0 and
# multiply by $h^2$. Then $h$ occurs in one power only, and the rest is $R / |f'''''|$ with a number. Take the root.
#
# </details>
#
# <details><summary>Derivation, step 3: and the error?</summary>
#
# Put this $h$ into $E(h)$. In the code you need no formula for it: compute `h`, then both terms with it.
#
# </details>


# %%
def best_step(R, fifth):
    # Exercise 2.3: h, error
    ### BEGIN SOLUTION
    # E'(h) = 4 |f'''''| h^3 / 30 - 1.5 R / h^2 = 0: h^5 = 1.5 * 30 / 4 * R / |f'''''|
    h = (11.25 * R / fifth) ** (1 / 5)
    return h, fifth * h**4 / 30 + 1.5 * R / h
    ### END SOLUTION


# %%
check("2.3", best_step)

# %% [markdown]
# In formulas: $h = (11.25\, R / |f'''''|)^{1/5}$, and $E = \frac16 |f'''''| h^4$ there, since $\frac32 R / h$ is then
# $\frac{4}{30} |f'''''| h^4$.
#
# ## A derivative without a difference
#
# What hurts is the subtraction: of two nearly equal numbers it leaves the digits that rounding has spoiled. There is a
# way around. Take the step in the **imaginary** direction, $i^2 = -1$:
#
# $$f(x + i h) = f + i f' h - \tfrac12 f'' h^2 - \tfrac{i}{6} f''' h^3 + \dots
#   \qquad\Rightarrow\qquad \frac{\operatorname{Im} f(x + i h)}{h} = f' - \tfrac16 f''' h^2 + \dots$$
#
# The value $f$ is in the real part, the derivative in the imaginary part, and nothing is subtracted. So $h$ may be as
# small as one likes. With $h = 10^{-20}$ the error $h^2$ is nothing, and rounding is what it is in any product: some
# $10^{-16}$ of the result.
#
# ### Exercise 2.4: `complex_step`
#
# `f` computes with complex numbers if it gets them; NumPy's `sin`, `exp`, `@` and so on do.


# %%
def complex_step(f, x, h=1e-20):
    # Exercise 2.4: complex_step
    ### BEGIN SOLUTION
    return np.imag(f(x + 1j * h)) / h
    ### END SOLUTION


# %%
check("2.4", complex_step)

# %% [markdown]
# Now all three on a function of which everything is known: $f = \sin$ at $x = 1$. Its derivatives are $f' = \cos 1$,
# $f''' = -\cos 1$, $f''''' = \cos 1$. And $R$: float64 has 53 binary digits. Around 1, rounding $x + h$ errs by up to
# $2^{-53}$, which moves $f$ by $\cos 1 = 0.54$ times that; rounding $f$ itself, between ½ and 1, errs by about
# $2^{-54}$. That makes $R \approx 2^{-53} \approx 10^{-16}$ in all.


# %%
def u_curves(x=1.0):
    steps = 10.0 ** np.arange(-18, 0.01, 0.1)
    methods = {"two points": central_difference, "four points": four_points, "complex step": complex_step}
    errors = {name: np.array([abs(f(np.sin, x, h) - np.cos(x)) for h in steps]) for name, f in methods.items()}
    return steps, errors


def predicted_minima(x=1.0, R=2.0**-53):
    third = fifth = np.cos(x)
    h2 = (3 * R / third) ** (1 / 3)
    return {"two points": (h2, third * h2**2 / 2), "four points": best_step(R, fifth)}


with picture("02_curve") as path:
    steps, errors = u_curves()
    drawings.curve(path, steps, errors, predicted_minima(), rounding=2.0**-53 / steps)
for name, (h, error) in predicted_minima().items():
    print(f"{name}: predicted best h {h:.1e}, error {error:.0e}")
quoted("8.5", 1e6 * predicted_minima()["two points"][0])
quoted("1.2", 1e3 * predicted_minima()["four points"][0])
quoted("2.0", 1e11 * predicted_minima()["two points"][1])
quoted("1.8", 1e13 * predicted_minima()["four points"][1])
assert u_curves()[1]["complex step"][:100].max() < 1e-15  # for all h below 1e-8
print("complex step of |x| at x = 2:", complex_step(np.abs, 2.0))
assert complex_step(np.abs, 2.0) == 0

# %% [markdown]
# **Read the picture.** Each difference makes a U; the right branch of the two points falls with $h^2$, that of the
# four points with $h^4$. The left branches are rounding, below the line $R / h$ or near it. The stars are where
# your formula puts the minima: $h = 8.5 \cdot 10^{-6}$ with an error of $2.0 \cdot 10^{-11}$ for two points,
# $h = 1.2 \cdot 10^{-3}$ with $1.8 \cdot 10^{-13}$ for four. That is why checks use four points and $h = 10^{-3}$. On
# the far left $x + h$ is $x$, the difference is 0, and the error is the derivative itself. The complex step falls with
# $h^2$ as two points do, and has no left branch.
#
# Why not use it always, then? Because $f$ must be a formula that goes on into the complex numbers. The last line that
# was printed is the derivative of $|x|$ at 2, and should be 1. But the absolute value of a complex number is its
# length, which a tiny imaginary part does not change: no error, no warning, a wrong answer. Stable code for softplus
# has an `abs` in it. (NumPy's `maximum` goes by the real part; the library's complex step makes `abs` do so, too.)
# Differences need no such care.
#
# ## From one number to a whole gradient
#
# A loss has many parameters: $f(\theta)$ with $\theta$ of $n$ numbers and $g$ its gradient by hand. Go a way $s$ along
# a direction $v$. By the chain rule, the slope there is a number that $g$ predicts:
#
# $$\left.\frac{d}{ds} f(\theta + s v)\right|_{s = 0} = \sum_i g_i v_i = \langle g, v \rangle .$$
#
# So *one* numeric derivative, four calls of $f$, checks all $n$ numbers at once. Which $v$?
#
# - **One coordinate at a time** sees everything, and costs $n$ such checks. Fine for 60 parameters, not for 100,000.
# - **All ones** is blind where mistakes add up to 0: if $\delta$ is what is wrong with $g$, it sees $\sum_i \delta_i$.
# - **Random signs**, each $v_i$ either $+1$ or $-1$. A mistake in one coordinate moves $\langle g, v \rangle$ by
# $|\delta_i|$, always: no coordinate has a small weight. And whatever $\delta$ is, it stays unseen in at most half of
# all directions. For take some $i$ with $\delta_i \ne 0$ and fix all signs but $v_i$. The two values of $v_i$ give two
# different sums $\sum_j \delta_j v_j$, and at most one of them is 0. Four directions miss with at most
# $(1/2)^4 = 1/16$, and most mistakes never.
#
# **How large may the difference be?** With $a = \langle g, v \rangle$ by hand and $D$ the numeric slope, $|a - D|$
# alone says nothing: it has the units of the loss, and a loss in pence is wrong by 100 times as much as one in pounds.
# So divide by the size of the slope. Of which? If $g$ was never computed, $a = 0$, and $|a - D| / |a|$ is a division
# by 0; if the true slope is 0, $|a - D| / |D|$ is. With the **larger** one, $\max(|a|, |D|)$, the error is 1 for a
# missing gradient, ½ for a factor of 2, and 2 for the wrong sign.
#
# One thing is left: $a$ and $D$ may both be small by chance, where the signs of $v$ cancel, and then rounding looks
# large. How large is $\langle g, v \rangle$ usually? Signs are independent, so the mean of $v_i v_j$ is 0 for
# $i \ne j$, and $v_i^2 = 1$:
#
# $$\mathbb{E} \langle g, v \rangle^2 = \sum_{ij} g_i g_j\, \mathbb{E}[v_i v_j] = \sum_i g_i^2 = |g|^2 .$$
#
# So $|g|$ is the usual size, and the error is measured by nothing smaller:
#
# $$\text{error} = \frac{|a - D|}{\max(|a|, |D|, |g|)} .$$
#
# ### Exercise 2.5: `directional_check`
#
# `g` and `x` are (n,), `directions` (K, n), one direction per row. Return three arrays (K,): `hand`, `numeric` (by
# your `four_points`) and `error`. `along(f, x, v)` is given: $f(x + s v)$ as a function of $s$.


# %%
def along(f, x, v):
    return lambda s: f(x + s * v)


def directional_check(f, g, x, directions, h=1e-3):
    # Exercise 2.5: hand, numeric, error
    ### BEGIN SOLUTION
    hand = directions @ g
    numeric = np.array([four_points(along(f, x, v), 0.0, h) for v in directions])
    scale = np.maximum(np.maximum(np.abs(hand), np.abs(numeric)), np.linalg.norm(g))
    return hand, numeric, np.abs(hand - numeric) / scale
    ### END SOLUTION


# %%
check("2.5", directional_check)

# %% [markdown]
# ## The verdict
#
# The two gradients of the beginning, and two smaller mistakes: everything 0.05 % too large, and one single coordinate
# of 60, the largest, 5 % too large. The worst error of four directions decides. The limit that the library uses in
# float64 is $10^{-7}$.


# %%
def signs(K, n, dtype="float64", seed=2):
    return np.random.default_rng(seed).choice((-1.0, 1.0), (K, n)).astype(dtype)


def verdicts(dtype="float64", h=1e-3, limit=1e-7):
    x, target = curve(dtype)
    theta = start().astype(dtype)
    g = gradient(theta, x, target, right_slope)
    one_wrong = g.copy()
    one_wrong[np.abs(g).argmax()] *= 1.05
    gradients = {"right": g, "1 - |h| for 1 - h²": gradient(theta, x, target, wrong_slope),
                 "0.05 % too large": 1.0005 * g, "one of 60, 5 %": one_wrong}  # fmt: skip
    worst = {}
    for name, hand in gradients.items():
        *_, error = directional_check(lambda th: loss_of(th, x, target), hand, theta, signs(4, len(theta), dtype), h)
        worst[name] = float(error.max())
        print(f"{name:<20} {worst[name]:.1e}  {'ok' if worst[name] < limit else 'NOT OK'}")
    return worst


worst = verdicts()
assert worst["right"] < 1e-9
quoted("5.0", 1e4 * worst["0.05 % too large"])
quoted("9", 100 * worst["1 - |h| for 1 - h²"])

# %% [markdown]
# The right gradient is right to ten digits. The typing slip, which no loss curve shows, is off by 9 %; 0.05 % shows as
# $5.0 \cdot 10^{-4}$, 5,000 times the limit. There is nothing in between to argue about.
#
# ## float32 cries wolf
#
# The same check in float32, in which nets are trained, with $h = 10^{-4}$:

# %%
print("float32, the limit of float64:")
strict = verdicts("float32", h=1e-4)
print("\nfloat32, a limit that the right gradient passes:")
loose = verdicts("float32", h=1e-4, limit=1e-3)
assert 1e-5 < loose["right"] < 1e-3
assert loose["0.05 % too large"] < 1e-3
quoted("6", 1e8 * 2.0**-24)
print("\nfloat32, a larger h:")
assert 1e-7 < verdicts("float32", h=1e-2)["right"] < 1e-5

# %% [markdown]
# A **false alarm**: the gradient is right, and fails. In float32 $R$ is near $2^{-24}$ = 6e-8 of the loss, and $R / h$
# is far above the limit. People then raise the limit until the right gradient passes; and then a gradient that is
# wrong by 0.05 % passes too, as the second table shows. A larger $h$ helps: near $10^{-2}$ this loss gets to some
# $10^{-6}$, still above the limit, and the best $h$ is another for every loss. The way out is neither a wider limit nor
# a lucky $h$ but float64: train in float32, check in float64.
#
# ## A kink
#
# ReLU has no Taylor formula at 0. Let $f(s) = \max(s, 0)$ at a small $a > 0$. The gradient is 1, without doubt. But if
# $h > a$, the left point is on the other side of the kink, where $f = 0$:
#
# $$D_h = \frac{(a + h) - 0}{2h} = \frac12 + \frac{a}{2h} \ne 1 .$$
#
# The gradient is right and the quotient is wrong, by nearly ½ if $h$ is much larger than $a$. As soon as $h < a$, it
# is exactly right.


# %%
def relu(a):
    return np.maximum(a, 0)


def around_a_kink(a=0.02, h=0.1):
    """f and a chord of it, the quotient of this step, and those of many steps."""
    s, ends, steps = np.linspace(-0.13, 0.16, 200), np.array([a - h, a + h]), 10.0 ** np.arange(-4, 0.01, 0.02)
    quotients = np.array([central_difference(relu, a, float(h)) for h in steps])
    beyond = 0.5 + a / (2 * np.maximum(steps, a))
    return a, (s, relu(s)), (ends, relu(ends)), central_difference(relu, a, h), steps, quotients, beyond


with picture("02_kink") as path:
    drawings.kink(path, *around_a_kink())
quoted("0.6", central_difference(relu, 0.02, 0.1))

# %% [markdown]
# **Read the picture.** The blue slope is 1. The orange chord leans on a point on the flat side and says 0.6. To the
# left of $h = a$ the quotient is exact, for a straight piece has no $f'''$.
#
# A ReLU net is full of kinks: here 20 units times 100 points make 2,000. How can you tell a kink from a mistake? A
# mistake is in $g$; a kink is in $f$. So ask $f$ alone: **do the slopes with $h$ and with $h/2$ agree?** Where $f$ is
# smooth, they do, to many digits; across a kink, they do not. Then take a smaller $h$. Never a wider limit.


# %%
def relu_net_check(h, K=200):
    """(worst error, share of false alarms, how many of them the slopes of h and h / 2 do not give away)."""
    x, target = curve()
    theta = start()
    g = gradient(theta, x, target, lambda h: h > 0, relu)
    v = signs(K, len(theta), seed=3)
    _, numeric, error = directional_check(lambda th: loss_of(th, x, target, relu), g, theta, v, h)
    _, finer, _ = directional_check(lambda th: loss_of(th, x, target, relu), g, theta, v, h / 2)
    alarm = error > 1e-7
    kink = np.abs(numeric - finer) > 1e-8 * np.maximum(np.abs(numeric), np.linalg.norm(g))
    return error.max(), alarm.mean(), (alarm & ~kink).sum()


checked = {h: relu_net_check(h) for h in (1e-2, 1e-3, 1e-4, 1e-5)}
for h, (error, alarms, unexplained) in checked.items():
    print(f"h = {h:.0e}: worst error {error:.0e}, {alarms:.0%} false alarms, {unexplained} of them without a kink")
assert checked[1e-3][1:] == (1, 0)
assert checked[1e-4][1] == 0

# %% [markdown]
# With $h = 10^{-3}$ all 200 directions are false alarms, since some of the 2,000 kinks is always in the way. All 200
# are given away by the function itself. With $h = 10^{-4}$ there is not one.
#
# ## Reading curves
#
# The error against $h$ is the portrait of a gradient and of the function that it is checked on. Four checks along one
# direction, with your code:


# %%
def four_curves():
    steps = 10.0 ** np.arange(-11, 0.01, 0.1)
    x, target = curve()
    theta, v = start(), signs(1, 3 * HIDDEN, seed=3)
    g = gradient(theta, x, target, right_slope)
    x32, target32 = curve("float32")
    cases = (
        (lambda th: loss_of(th, x32, target32), g.astype("float32"), theta.astype("float32"), v.astype("float32")),
        (lambda th: loss_of(th, x, target), g, theta, v),
        (lambda th: loss_of(th, x, target, relu), gradient(theta, x, target, lambda h: h > 0, relu), theta, v),
        (lambda th: loss_of(th, x, target), 1.0005 * g, theta, v),
    )
    return steps, [[directional_check(*case, float(h))[2][0] for h in steps] for case in cases]


with picture("02_four") as path:
    drawings.four(path, *four_curves())

# %% [markdown]
# ### Exercise 2.6: which is which?
#
# One is a right gradient in float64, on a smooth function: `"right"`. One is wrong by 0.05 %: `"wrong"`. One is right,
# but the function has kinks: `"kink"`. One is right, but computed in float32: `"float32"`. Put the four words in.

# %%
# Exercise 2.6: A, B, C, D
### BEGIN SOLUTION
A, B, C, D = "float32", "right", "kink", "wrong"
### END SOLUTION

# %%
check("2.6", A=A, B=B, C=C, D=D)

# %% [markdown]
# ## The same in minivae
#
# The library's laboratory has your functions, with the kinks found and the step made smaller by themselves:

# %%
from minivae.gradcheck import Problem, check_complex_step, check_directions, check_gradients, diagnose
from minivae.gradcheck.complex_step import derivative
from minivae.gradcheck.kinks import quotient
from minivae.layers import Dense, Sequential, Tanh


def same_as_the_library():
    x, target = curve()
    theta, v = start(), signs(1, 3 * HIDDEN)[0]
    g = gradient(theta, x, target, right_slope)
    problem = Problem(lambda values: loss_of(values["theta"], x, target), {"theta": theta}, {"theta": g})
    on_line = along(lambda th: loss_of(th, x, target), theta, v)
    print("four points: ", four_points(on_line, 0.0, 1e-3), quotient(on_line, 1e-3))
    print("complex step:", complex_step(on_line, 0.0), derivative(problem, "theta", v))
    np.testing.assert_allclose(four_points(on_line, 0.0, 1e-3), quotient(on_line, 1e-3), rtol=1e-11)
    np.testing.assert_allclose(complex_step(on_line, 0.0), derivative(problem, "theta", v), rtol=1e-14)
    rng = np.random.default_rng(1)
    print(check_directions(problem, rng), check_complex_step(problem, rng), sep="\n")


same_as_the_library()

# %% [markdown]
# For a layer or a model, `check_gradients` does all of it in one call: every parameter, and the input. Here are three
# nets: a right one, one with a slip like that of the beginning in its middle, and one with 0.05 % too much at its end.
# `diagnose` follows the chain backward to the first link that is wrong, and looks the mistake up in a dictionary of
# well-known ones.


# %%
class SlippedTanh(Tanh):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return dy * (1 - cache)  # 1 - h for 1 - h²


class SlippedDense(Dense):
    def backward(self, dy, cache, accumulate=True, need_dx=True):
        return 1.0005 * super().backward(dy, cache, accumulate)


def ask_the_laboratory():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6, 3))
    nets = (
        Sequential(Dense(3, 5, rng), Tanh(), Dense(5, 2, rng)),
        Sequential(Dense(3, 5, rng), SlippedTanh(), Dense(5, 2, rng)),
        Sequential(Dense(3, 5, rng), Tanh(), SlippedDense(5, 2, rng)),
    )
    findings = []
    for net in nets:
        checks, found = check_gradients(net, x), " ".join(map(str, diagnose(net, x)))
        print(checks, found or "nothing is wrong", sep="\n", end="\n\n")
        findings.append((checks.ok, found))
    return findings


findings = ask_the_laboratory()
assert [ok for ok, _ in findings] == [True, False, False]
assert "layers.1.backward returns: the factor 1 + y is in it once too seldom" in findings[1][1]
assert "layers.2.backward returns: it is off by exactly the factor 1.0005" in findings[2][1]

# %% [markdown]
# Since $1 - h^2 = (1 - h)(1 + h)$, what the second net lacks is the factor $1 + h$, in the library's words $1 + y$. The
# last layer's own parameters are right in all three nets; everything that was computed from a wrong number is wrong
# too. That is how to read such a table by hand: going back from the loss, the first wrong one is next to the culprit.
#
# What no gradient check sees is a wrong *function*: the right gradient of the wrong loss passes. Lesson 12 is about
# that.
#
# ## More to try
#
# 1. Put the one-sided quotient into `u_curves`. Derive its best step, $2 \sqrt{R / |f''|}$, and look.
# 2. Use `np.ones` as the direction, and a gradient to which $(1, -1, 0, 0, \dots)$ was added. What does the check say?
# 3. Make a mistake in two coordinates, of the same size. How many of 100 directions of random signs do not see it?
# 4. Check the ReLU net with the complex step. Does it need a small $h$ because of the kinks? Why not?
# 5. With $h$ and $2h$ we removed $h^2$. Remove $h^4$ as well, with $4h$. How far down does the curve go now?
#
# ## Questions
#
# <details><summary>Why does the central difference err by h² and the one-sided one by h?</summary>The term with f'' is
# the same on both sides and cancels in the difference. From one side nothing cancels it.</details>
#
# <details><summary>Your check says 3e-4 at h = 1e-3. How do you find out whether the gradient is wrong?</summary>Look
# at other steps. If the slopes at h and h/2 agree and are not what you have by hand, it is wrong. If they do not agree,
# it is a kink, truncation or rounding: take a smaller h for the first two, float64 for the third.</details>
#
# <details><summary>Why is the larger of |a| and |D| in the denominator?</summary>One of them may be 0 through the very
# mistake that is looked for. The larger one is 0 only if both are, and then there is no error.</details>
#
# <details><summary>Why may h be 1e-20 in the complex step?</summary>Because x + ih keeps x and ih apart, in two
# numbers, and nothing is subtracted. In a difference x + 1e-20 is x.</details>
#
# <details><summary>A check along four directions passes. Is the gradient right?</summary>At this point, almost surely:
# a mistake is missed with probability 1/16 at most, and a typical one never. At other points (another branch, a clamp)
# nothing was asked. And the function may be the wrong one.</details>
#
# ## Further reading
#
# - W. Squire, G. Trapp, *Using complex variables to estimate derivatives of real functions*, SIAM Review 40 (1998): the
# complex step on three pages.
# - J. Nocedal, S. Wright, *Numerical Optimization* (2006), chapter 8.1: difference quotients and their best steps.
# - `minivae/gradcheck/`: `kinks.py`, `directional.py`, `complex_step.py`, `coordinates.py`, the library's own.

# %% [markdown]
# <!-- only with solutions -->
# What they measure on whole models is in `figures/laboratory.md`.

# %%
progress()
