# %% [markdown]
# # 1. A dense layer and its gradient
#
# **After this lesson you can** take the gradient of a network by hand, whatever its layers are, and train it: all later
# lessons use what you find here. Nothing is differentiated for you, and nothing stays a black box.
#
# **You will build** the two layers that most networks are made of, *dense* and *ReLU*, forward and backward, then a
# chain of them, and fit a curve with it.
#
# **You need** Python and NumPy arrays (`@`, `sum(axis=0)`, broadcasting: lesson 0 repeats them), and the chain rule of
# a first course of calculus. About 1.5 hours.
#
# ![A chain x, a, h, y, loss: the value of each above it, the derivative of the loss by it below](picture:01_chain)
#
# *The whole lesson in one picture. Values go to the right: each node is computed from the one before. Derivatives go
# to the left: each is the one to its right, times the slope of one step. A cell below computes every number in it.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.plot import draw_chain
from minivae.plot.lessons import lesson01 as drawings
from minivae.teach import check, given, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## One number at a time
#
# Take a net with one input, one hidden unit and one output, and the squared error as its loss:
#
# $$a = w\,x + b, \qquad h = \max(a, 0), \qquad y = v\,h, \qquad \text{loss} = (y - t)^2 .$$
#
# The numbers $w$, $b$ and $v$ are the *parameters*, which training will change; $t$ is the *target*, what $y$ should
# be. How does the loss change when $w$ changes a little? By the chain rule, as the product of the slopes on the way:
#
# $$\frac{d\,\text{loss}}{dw} = \underbrace{2 (y - t)}_{\text{loss by } y} \cdot
#   \underbrace{v}_{y \text{ by } h} \cdot \underbrace{[a > 0]}_{h \text{ by } a} \cdot
#   \underbrace{x}_{a \text{ by } w} .$$
#
# Here $[a > 0]$ is 1 where $a > 0$, and 0 elsewhere. From now on we write $dy$, in the code `dy`, for
# $d\,\text{loss}/dy$. It is the same for every quantity, in all lessons: the derivative *of the loss* by that whose
# name follows the d.
#
# Two habits follow from this product, and a third comes with whole arrays, in exercise 1.2:
#
# - **Start at the end.** Everything before $y$ needs $dy$. Compute it once, then $dh = dy \cdot v$ from it, then
#   $da = dh \cdot [a > 0]$, and so on to the left.
# - **Each step needs only its own slope** and the derivative that arrives from the right. It needs to know nothing of
#   the loss.


# %%
def one_number_at_a_time(x=2.0, w=0.75, b=-0.5, v=1.5, t=1.0):
    a = w * x + b
    h = max(a, 0.0)
    y = v * h
    loss = (y - t) ** 2

    dy = 2 * (y - t)
    dh = dy * v
    da = dh * (a > 0)
    dx, dw, db, dv = da * w, da * x, da, dy * h

    print(f"d loss / dw = {dw:g}, d loss / db = {db:g}, d loss / dv = {dv:g}")
    quoted("3", dw)  # says so if the number in the text is not this one
    return [("x", x, dx), ("a", a, da), ("h", h, dh), ("y", y, dy), ("loss", loss, 1)]


with picture("01_chain") as path:
    draw_chain(
        one_number_at_a_time(),
        path,
        "a = w x + b,   h = max(a, 0),   y = v h,   loss = (y - t)²;   w 0.75, b -0.5, v 1.5, t 1",
    )

# %% [markdown]
# In the picture, values are blue, above; derivatives are orange, below. Do not believe them. Change $w$ a little, up
# and down, and see by how much the loss changes; divided by the change of $w$, that must be $dw = 3$:


# %%
def loss_of_w(w, x=2.0, b=-0.5, v=1.5, t=1.0):
    return (v * max(w * x + b, 0.0) - t) ** 2


small = 1e-4
slope = (loss_of_w(0.75 + small) - loss_of_w(0.75 - small)) / (2 * small)
print(slope)
quoted("3", slope, within=1e-6)

# %% [markdown]
# That is a *numeric gradient*, and the test behind every `check` of a gradient: it is right if the function itself says
# so.
#
# ## From numbers to matrices: the dense layer
#
# A batch of $N$ examples with $n_\text{in}$ numbers each is an array `x` (N, n_in). A *dense* layer has a weight for
# every pair of an input $i$ and an output $j$, and a bias for every output:
#
# $$y_{nj} = \sum_i x_{ni} W_{ij} + b_j \qquad\text{or, for the whole batch,}\qquad y = x W + b .$$
#
# ### Exercise 1.1: `dense_forward`
#
# Write it: `x` (N, n_in), `W` (n_in, n_out), `b` (n_out,) give `y` (N, n_out).


# %%
def dense_forward(x, W, b):
    # Exercise 1.1: dense_forward
    ### BEGIN SOLUTION
    return x @ W + b
    ### END SOLUTION


# %%
check("1.1", dense_forward)

# %% [markdown]
# `check` called your function on arrays of several sizes. If it is not right, it says how far off it is, where, and
# what kind of mistake that looks like. `hint("1.1")` prints a first step, again a second; with `dense_forward =
# use_reference("1.1")` you go on with ours.
#
# ### Backward
#
# Now the same for a whole batch. **Given** is what forward did,
#
# $$y_{nj} = \sum_i x_{ni} W_{ij} + b_j ,$$
#
# and `dy` (N, n_out), which arrives from the right: $dy_{nj}$ is the derivative of the loss by $y_{nj}$. **Wanted** are
# `dx`, `dW` and `db`: the derivatives of the loss by every entry of `x`, `W` and `b`, and so each in its shape.
#
# ### Exercise 1.2: `dense_backward`
#
# Derive it: write $dW_{ij}$, $dx_{ni}$ and $db_j$ as sums, made of $dy$, $x$ and $W$. Then return `dx, dW, db`. Loops
# count as well, but products of matrices are shorter, and much faster.
#
# Try it with paper first. If you do not get on, open the first step, and only then the next.
#
# <details><summary>Derivation, step 1: where does one weight act?</summary>
#
# Take one weight, $W_{ij}$. It is used in $y_{nj}$, for **every** example $n$, and in no other output. How fast does
# $y_{nj}$ change with it? The derivative of $\sum_i x_{ni} W_{ij} + b_j$ by this one weight is $x_{ni}$.
#
# </details>
#
# <details><summary>Derivation, step 2: what if something acts in several places?</summary>
#
# Change $W_{ij}$ by a small $\delta$. Then $y_{nj}$ changes by $x_{ni} \delta$, and the loss by
# $dy_{nj} x_{ni} \delta$, for each $n$. All these changes happen at once, so they add up. Divide the sum by $\delta$:
# that is $dW_{ij}$.
#
# </details>
#
# <details><summary>Derivation, step 3: and one input, and one bias?</summary>
#
# The same two questions. The input $x_{ni}$ is used in $y_{nj}$, for every **output** $j$: with which slope? And the
# bias $b_j$: in which of the $y_{nj}$ is it, with which slope? Add up over the places where each of them acts.
#
# </details>
#
# <details><summary>Derivation, step 4: how does a sum become a product of matrices?</summary>
#
# A product $A B$ sums over the last index of $A$ and the first index of $B$. So write each sum such that the index that
# is summed stands in the middle. Where it does not, transpose: $x_{ni}$ is the entry $(i, n)$ of `x.T`. Then look at
# the shapes: `dW` must come out as (n_in, n_out).
#
# </details>


# %%
def dense_backward(dy, x, W):
    # Exercise 1.2: dx, dW, db
    ### BEGIN SOLUTION
    # dx_ni = sum over j of dy_nj W_ij, dW_ij = sum over n of x_ni dy_nj, db_j = sum over n of dy_nj
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION


# %%
check("1.2", dense_backward)

# %% [markdown]
# Read the last number of each line: your gradient and the numeric one differ by some $10^{-12}$ only. Nothing in the
# numeric one knows your formula: it only calls the forward. Lesson 2 is about how far one can trust that.
#
# The third habit: **whatever is used several times gets the sum of what comes back.** All three of your sums say this.
#
# <details><summary>What you have found, as products of matrices</summary>
#
# With a prime for transposed: $dx = dy\, W'$, $dW = x' dy$, and $db$ is the sum of the rows of $dy$.
#
# </details>
#
# ## ReLU
#
# Two dense layers in a row are no more than one: $(x W_1) W_2 = x (W_1 W_2)$, and $W_1 W_2$ is a matrix again.
# Something must bend between them. The simplest bend is called *ReLU* (rectified linear unit):
#
# $$h = \max(a, 0), \qquad \text{with the slope } \begin{cases} 1 & \text{where } a > 0, \\ 0 & \text{where } a < 0 .
#   \end{cases}$$
#
# It works entry by entry: $h_{nj}$ depends on $a_{nj}$ alone, so nothing is summed. At $a = 0$ there is a kink and no
# slope; 0 is taken, one of the two beside it. Since $h > 0$ exactly where $a > 0$, backward needs only `h`.
#
# ### Exercises 1.3 and 1.4: `relu_forward`, `relu_backward`
#
# First `a` gives `h`, of the same shape; then `dh` and `h` give `da`. Leave the arrays that you are handed as they are,
# and return a new one.


# %%
def relu_forward(a):
    # Exercise 1.3: relu_forward
    ### BEGIN SOLUTION
    return np.maximum(a, 0)
    ### END SOLUTION


# %%
check("1.3", relu_forward)


# %%
def relu_backward(dh, h):
    # Exercise 1.4: relu_backward
    ### BEGIN SOLUTION
    return dh * (h > 0)
    ### END SOLUTION


# %%
check("1.4", relu_backward)

# %% [markdown]
# ## The loss
#
# The squared error, summed over the outputs and averaged over the examples; $t_{nj}$ is the target of $y_{nj}$:
#
# $$\text{loss} = \frac1N \sum_n \sum_j (y_{nj} - t_{nj})^2 .$$
#
# ### Exercise 1.5: its gradient
#
# This time there is no function to write. `given` hands you two arrays, `y` and `target`, both (N, n_out). Make `dy`
# (N, n_out) from them, the derivative of this loss by each $y_{nj}$.

# %%
y, target = given("1.5")
# Exercise 1.5: dy
### BEGIN SOLUTION
dy = 2 * (y - target) / len(y)
### END SOLUTION

# %%
check("1.5", dy=dy)

# %% [markdown]
# ## A chain of two
#
# Now both together, with the *hidden units* $h$ in the middle:
#
# $$a = x W_1 + b_1, \qquad h = \max(a, 0), \qquad y = h W_2 + b_2 .$$
#
# **Given** are the arrays $x, W_1, b_1, W_2, b_2$, and $dy$, which arrives from the right. **Wanted** are the
# derivatives of the loss by all four parameters, $dW_1, db_1, dW_2, db_2$.
#
# ### Exercise 1.6: `net_backward`
#
# Derive them: which of your backward functions is called first, with which arrays? What comes out of it, and where does
# that go? Then write it, with the functions that you have. What the backward needs of the forward you compute again; a
# real net keeps it (the *cache*).
#
# <details><summary>Derivation, step 1: what is the picture of this chain?</summary>
#
# As at the beginning of this lesson, with arrays in the place of numbers: $x \to a \to h \to y \to$ loss. Below each
# belongs a derivative of the same shape: $dx, da, dh, dy$. The last one is given. So begin at the right end.
#
# </details>
#
# <details><summary>Derivation, step 2: what does the last layer need, and what does it give?</summary>
#
# It is a dense layer whose input is $h$ and whose weights are $W_2$. So its backward takes $dy$, $h$ and $W_2$. It
# gives the gradients of these weights and of its bias, two of the four, and that of its input, which is $dh$.
#
# </details>
#
# <details><summary>Derivation, step 3: what is left?</summary>
#
# Two steps of the chain: from $dh$ to $da$, through the ReLU, and from $da$ to the gradients of $W_1$ and $b_1$,
# through the first dense layer. What is the input of that layer? Nobody asks for $dx$.
#
# </details>


# %%
def net_forward(x, W1, b1, W2, b2):
    return dense_forward(relu_forward(dense_forward(x, W1, b1)), W2, b2)


def net_backward(dy, x, W1, b1, W2, b2):
    # Exercise 1.6: dW1, db1, dW2, db2
    ### BEGIN SOLUTION
    # dW2 = h' dy and db2 = the sum of the rows of dy; with da = (dy W2') [h > 0], dW1 = x' da and db1 = that of da
    h = relu_forward(dense_forward(x, W1, b1))
    dh, dW2, db2 = dense_backward(dy, h, W2)
    _, dW1, db1 = dense_backward(relu_backward(dh, h), x, W1)
    return dW1, db1, dW2, db2
    ### END SOLUTION


# %%
check("1.6", net_backward)

# %% [markdown]
# ## Train it
#
# A net with 40 hidden units, 200 points of a curve, and the plainest way down: subtract from each parameter a little of
# its gradient, again and again. How little is the *rate*. Each turn of the loop is a *step*; the net and its gradient
# in it are yours.


# %%
def fit_curve(steps=4000, rate=0.02):
    rng = np.random.default_rng(1)
    x = np.linspace(-3, 3, 200)[:, None]
    target = np.sin(2 * x) + 0.3 * x
    W1, b1 = rng.standard_normal((1, 40)), 2 * rng.standard_normal(40)
    parameters = [W1, b1, rng.standard_normal((40, 1)) / 40**0.5, np.zeros(1)]
    losses, curves = [], {}
    for step in range(steps + 1):
        y = net_forward(x, *parameters)
        losses.append(((y - target) ** 2).sum() / len(x))
        if step in (0, 200, steps):
            curves[step] = y
        gradients = net_backward(2 * (y - target) / len(x), x, *parameters)
        parameters = [p - rate * g for p, g in zip(parameters, gradients)]
    return x, target, losses, curves


x, target, losses, curves = fit_curve()
print(f"loss {losses[0]:.2f} at first, {losses[200]:.2f} after 200 steps, {losses[-1]:.4f} after {len(losses) - 1}")
quoted("1.19", losses[0])
quoted("0.14", losses[200])
quoted("0.004", losses[-1])
with picture("01_fit") as path:
    drawings.fit(path, x, target, curves, losses)

# %% [markdown]
# **Read the picture.** The curve after training is made of straight pieces. Each of the 40 hidden units, as x grows, is
# a straight line with one kink, and a weighted sum of them is a polygon with at most 40 corners. A unit that is 0 for
# all points (a *dead* one) has no gradient, and as long as that is so it does not change.
#
# The loss falls from 1.19 to 0.14 in the first 200 steps, and needs the other 3,800 to reach 0.004. The rough shape is
# found soon, then the corners move slowly into place; at both ends the curve still misses. Four times the loss rises
# again, above twice its smallest value so far, and comes back. Nothing in the gradient is wrong: the steps are a little
# too long. With half the rate it never rises so far:


# %%
def rises(losses):
    """How many times the loss rises above twice its smallest value so far."""
    high = np.array(losses) > 2 * np.minimum.accumulate(losses)
    return int((high[1:] & ~high[:-1]).sum())


slower = fit_curve(8000, 0.01)[2]
print(f"rises: {rises(losses)} with the rate 0.02, {rises(slower)} with 0.01")
quoted("4", rises(losses))
quoted("0", rises(slower))

# %% [markdown]
# Lesson 5 is about going down well, lesson 3 about where to start.
#
# ## The same in minivae
#
# In the library these functions are layers. `forward` returns a cache besides its result, and `backward` takes it. The
# call `bind("float64")` puts all parameters of a net into memory, as numbers of that type. Then `W.data` holds the
# numbers of a parameter `W`, and `W.grad` its gradient, which `backward` writes there. It is the same as yours:

# %%
from minivae.layers import Dense, ReLU, Sequential


def same_as_the_library():
    rng = np.random.default_rng(1)
    net = Sequential(Dense(3, 5, rng), ReLU(), Dense(5, 2, rng)).bind("float64")
    x, dy = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    y, cache = net.forward(x)
    net.backward(dy, cache)
    first, _, last = net.layers
    mine = net_backward(dy, x, first.W.data, first.b.data, last.W.data, last.b.data)
    theirs = first.W.grad, first.b.grad, last.W.grad, last.b.grad
    return max(np.abs(a - b).max() for a, b in zip(mine, theirs))


print(f"largest difference between your gradients and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12, "your functions differ from the library's; do they compute in float64?"

# %% [markdown]
# ## More to try
#
# Change the cell of `fit_curve`, or copy it, and run it again. `quoted` then says that the text has another number than
# you; the text is about the curve above, so that is no mistake.
#
# 1. Fit a step: `np.sign(x)` in the place of `np.sin(2 * x)`. Where do the corners go?
# 2. Start with all of `b1` at 0. Where are all the kinks then, and what does the curve look like at first?
# 3. Put a third dense layer into the net, with your functions. By how many lines does each direction get longer?
# 4. In a new cell: `fit_curve(rate=0.05)[2][:12]`, the first losses with a larger rate. What happens, and in which of
#    them do you see it first?
#
# <details><summary>What happens in 4?</summary>The loss after the first step is larger than before it, and each step
# makes it larger still, because it goes too far, and further each time. Soon it is `inf`, too large for a float64, and
# then `nan`, "not a number": nothing can be computed from it any more.</details>
#
# ## Questions
#
# <details><summary>Why is db a sum over the examples, and dx is not?</summary>b is used by every example, so what
# comes back from all of them adds up. Each row of x is used by its own example only.</details>
#
# <details><summary>The loss is a mean over examples. Where is the factor 1/N in dense_backward?</summary>Nowhere. It
# is in dy already; dx, dW and db are sums of dy times slopes, so they have it, too.</details>
#
# <details><summary>What is the shape of dW, always?</summary>That of W: there is one derivative per number.</details>
#
# <details><summary>Why must something bend between two dense layers?</summary>Without it (x W1) W2 = x (W1 W2): two
# layers compute what one can.</details>
#
# <details><summary>How much more work is backward than forward?</summary>Forward is one matrix product per layer,
# backward two of the same size (dx and dW): about twice as much.</details>
#
# ## Further reading
#
# - D. Rumelhart, G. Hinton, R. Williams, *Learning representations by back-propagating errors*, Nature 323 (1986):
#   four pages, still clear.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), chapter 6.5: the same for any graph.
# - `minivae/layers/dense.py` and `activations.py`: what you wrote, as the library has it.

# %%
progress()
