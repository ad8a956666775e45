# %% [markdown]
# # 4. Convolution and its mirror
#
# **After this lesson you can** make a network look at images: with the same few weights everywhere, forward and
# backward, and also the other way round, from a small image to a large one. You will see what filters see, and why some
# decoders draw checkerboards.
#
# **You will build** the convolution of images and its gradient, out of two rearrangements and one matrix product; and
# the transposed convolution, with which decoders make images larger.
#
# **You need** lesson 1 (the dense layer and its gradient) and NumPy slices with a step, `x[a:b:s]`. About 3 hours.
#
# ![A kernel slides along six numbers; the same as a banded matrix; and the transpose of that matrix](picture:04_line)
#
# *Left: a kernel of three numbers slides along x. Middle: that is a matrix. Right: the gradient is its transpose.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae.data import load_data, sprites
from minivae.plot.lessons import lesson04 as drawings  # of this lesson's pictures
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## In one dimension, by hand
#
# Take $n = 6$ numbers and a *kernel* of $m = 3$:
#
# $$x = (1, 2, 0, 1, 3, 1), \qquad w = (2, 1, -1) .$$
#
# Lay the kernel on the first three numbers, multiply, add. Then move it one to the right, and so on:
#
# $$y_0 = 2 \cdot 1 + 1 \cdot 2 - 1 \cdot 0 = 4, \quad y_1 = 2 \cdot 2 + 1 \cdot 0 - 1 \cdot 1 = 3, \quad
#   y_2 = -2, \quad y_3 = 4 . \qquad\qquad y_i = \sum_k w_k\, x_{i + k} .$$
#
# Four numbers, since the kernel fits at four places. Compare that with a dense layer from six numbers to four, which
# has 24 weights: here each output looks at three neighbors only, and all outputs look with *the same* three weights.
# What finds an edge on the left finds it on the right.
#
# Each $y_i$ is a sum of numbers of $x$ times weights, so all of it is a matrix, $y = A x$. Row $i$ of $A$ holds the
# kernel, beginning at column $i$; all else is 0. It is the banded matrix of the picture.
#
# Often one moves the kernel by more than one each time: by the *stride* $s$, $y_i = \sum_k w_k\, x_{s i + k}$. How many
# outputs are there, of $n$ numbers and a kernel of $m$? The *patch* of $y_i$, the part of $x$ that the kernel lies on,
# begins at $s i$ and must end inside: $s i + m \le n$. So $i$ goes from 0 to $\lfloor (n - m) / s \rfloor$:
#
# $$n_\text{out} = \lfloor (n - m) / s \rfloor + 1 .$$
#
# ### Exercise 4.1: `conv_matrix`
#
# Return `A` (n_out, n) for a kernel `w` (m,), a length `n` of x and a stride.


# %%
def conv_matrix(w, n, stride):
    # Exercise 4.1: conv_matrix
    ### BEGIN SOLUTION
    n_out = (n - len(w)) // stride + 1
    A = np.zeros((n_out, n))
    for i in range(n_out):
        A[i, i * stride : i * stride + len(w)] = w
    return A
    ### END SOLUTION


# %%
check("4.1", conv_matrix)

# %% [markdown]
# ### The gradient is the transpose
#
# From the right arrives `dy`: the derivative of the loss by each output. Wanted is `dx`, that by each number of x.
# Lesson 1 says what comes back through a matrix: $dx = A' dy$, where $A'$ is the transpose of $A$. Read it in two ways:
#
# - **By columns of A** (rows of $A'$): $x_2$ was used by $y_0$, $y_1$ and $y_2$, with the weights $w_2$, $w_1$ and
# $w_0$. So $dx_2 = w_2\, dy_0 + w_1\, dy_1 + w_0\, dy_2$: what is used several times gets the sum of what comes back.
# - **By rows of A**: $y_i$ came from the patch $x_i, x_{i+1}, x_{i+2}$. So $dy_i$ goes back to that patch, times the
# kernel, and is *added* to what is there. Forward gathers a patch into one number; backward spreads one number over a
# patch.
#
# The second way is how it is computed. With $dy = (1, 0, 2, -1)$ the patches are $(2, 1, -1)$ at 0, nothing at 1, $(4,
# 2, -2)$ at 2 and $(-2, -1, 1)$ at 3. Their sum is $dx = (2, 1, 3, 0, -3, 1)$.
#
# The kernel itself is used at every place. Its number $w_k$ is in every $y_i$, with the slope $x_{i + k}$:
#
# $$dw_k = \sum_i dy_i\, x_{i + k} .$$
#
# Here $dw = (0, 1, 5)$; for example $dw_2 = 1 \cdot 0 + 0 \cdot 1 + 2 \cdot 3 - 1 \cdot 1 = 5$.
#
# That looks like a convolution of $x$ again, with $dy$ in the place of the kernel. But it is one for $s = 1$ only. In
# general the slope is $x_{s i + k}$, so the numbers of $dy$ meet numbers of $x$ that are $s$ apart: with $s = 2$,
# $dw_0 = dy_0\, x_0 + dy_1\, x_2 + dy_2\, x_4 + \dots$


# %%
def by_hand():
    x, w, dy = np.array([1.0, 2, 0, 1, 3, 1]), np.array([2.0, 1, -1]), np.array([1.0, 0, 2, -1])
    A = conv_matrix(w, len(x), 1)
    y, dx = A @ x, A.T @ dy
    dw = np.array([dy @ x[k : k + len(dy)] for k in range(len(w))])
    print("y ", y, "\ndx", dx, "\ndw", dw)
    assert (y.tolist(), dx.tolist(), dw.tolist()) == ([4, 3, -2, 4], [2, 1, 3, 0, -3, 1], [0, 1, 5])
    return x, y, A


with picture("04_line") as path:
    drawings.line(path, *by_hand())

# %% [markdown]
# The matrix is good to think with and bad to compute with: nearly all of it is 0. For images one does something else.
#
# ## Images
#
# From here on some letters mean something else: w is the width of an image, n the number of an example, and the kernel
# is a capital W. A batch of images is an array `x` (N, h, w, c): example, row, column, channel. A kernel now covers kh
# rows and kw columns, and **all** channels; and there are c_out of them, each with a bias. So `W` has the axes (kh, kw,
# c_in, c_out):
#
# $$y_{n i j d} = b_d + \sum_{k, l, c} x_{n,\; s i + k,\; s j + l,\; c}\; W_{k l c d} .$$
#
# For one place $(n, i, j)$ that is a dense layer: kh kw c_in numbers in, c_out numbers out. So we do what a dense layer
# does with a batch: write all patches into a matrix, one patch per row, and multiply once. Collecting the patches is
# called *im2col* (image to columns; in our layout they are rows).
#
# ### Exercise 4.2: `im2col`
#
# Return `columns` (N, h_out, w_out, kh, kw, c) with
#
# $$\text{columns}_{n i j k l c} = x_{n,\; s i + k,\; s j + l,\; c}, \qquad
#   h_\text{out} = \lfloor (h - k_h) / s \rfloor + 1, \quad w_\text{out} = \lfloor (w - k_w) / s \rfloor + 1 .$$
#
# You could loop over all patches. But there are few pixels in a kernel and many patches: loop over the kernel's pixels
# $(k, l)$ instead. For a fixed $(k, l)$, the pixels of all patches are one slice of x with step $s$.
#
# Mind where the slice ends: `x[:, k::s]` takes *all* rows that are left, which may be more than there are patches. If
# NumPy says that it could not broadcast, compare the two shapes that it names.


# %%
def im2col(x, kh, kw, stride):
    # Exercise 4.2: im2col
    ### BEGIN SOLUTION
    N, h, w, c = x.shape
    h_out, w_out = (h - kh) // stride + 1, (w - kw) // stride + 1
    columns = np.zeros((N, h_out, w_out, kh, kw, c))
    for k in range(kh):
        for l in range(kw):
            columns[:, :, :, k, l] = x[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride]
    return columns
    ### END SOLUTION


# %%
check("4.2", im2col)

# %% [markdown]
# ### Exercise 4.3: `conv_forward`
#
# Now the product. `x` (N, h, w, c_in), `W` (kh, kw, c_in, c_out), `b` (c_out,) give `y` (N, h_out, w_out, c_out).


# %%
def conv_forward(x, W, b, stride):
    # Exercise 4.3: conv_forward
    ### BEGIN SOLUTION
    kh, kw, c_in, c_out = W.shape
    columns = im2col(x, kh, kw, stride)
    rows = columns.reshape(-1, kh * kw * c_in)
    return (rows @ W.reshape(-1, c_out) + b).reshape(*columns.shape[:3], c_out)
    ### END SOLUTION


# %%
check("4.3", conv_forward)

# %% [markdown]
# ## What a filter sees
#
# Each of the c_out kernels makes one channel of y, a *feature map*: how well each place of the image fits the kernel.
# Here are four kernels that were designed by hand, on a drawing and on a scanned digit.


# %%
SOBEL = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])  # left minus right
FILTERS = {
    "left - right": SOBEL,
    "above - below": SOBEL.T,
    "mean": np.full((3, 3), 1 / 9),
    "center - mean": np.eye(9)[4].reshape(3, 3) - 1 / 9,
}


def drawing():
    square, _ = sprites(40, shape=[0], scale=[3], orientation=[0], x=[2], y=[2])
    heart, _ = sprites(40, shape=[2], scale=[5], orientation=[0], x=[28], y=[24])
    return np.maximum(square, heart)[..., None].astype("float64")  # (1, 40, 40, 1)


def look():
    """Two images, and what the four filters see in each, (h_out, w_out, 4)."""
    W = np.stack(list(FILTERS.values()), axis=-1)[:, :, None]  # (3, 3, 1, 4)
    digit = load_data("digits").train.x[:1].reshape(1, 8, 8, 1).astype("float64")
    images = drawing(), digit
    return [x[0] for x in images], [conv_forward(x, W, np.zeros(4), 1)[0] for x in images]


with picture("04_maps") as path:
    drawings.maps(path, *look(), FILTERS)

# %% [markdown]
# **Read the picture.** In the maps orange is positive, blue negative and white 0; each map has a color scale of its
# own. *Left - right* sees only vertical edges: orange where something bright ends to the right, blue where it begins.
# Along the square's upper and lower side it is 0. *Above - below* sees only horizontal edges. *Mean* blurs. *Center -
# mean* is 0 wherever the image is flat, and sees every edge, corners most. Each map is 2 smaller than the image, since
# a kernel of 3 fits at n - 2 places. The digit is a 0: left and right of its ring, outside and inside, the first map
# finds all four vertical edges.
#
# If the image moves, its maps move with it: the same weights look everywhere. (With stride $s$ that holds for moves by
# $s$ pixels, $2 s$, ..., and the maps move by 1, 2, ...) Test it with stride 1:


# %%
def move_and_look():
    x, W = drawing(), SOBEL[:, :, None, None]
    moved = np.roll(x, 3, axis=2)  # 3 columns to the right; the border is black
    y, y_moved = conv_forward(x, W, np.zeros(1), 1), conv_forward(moved, W, np.zeros(1), 1)
    return np.abs(np.roll(y, 3, axis=2) - y_moved).max()


print("largest difference between moved maps and maps of the moved image:", move_and_look())
assert move_and_look() == 0

# %% [markdown]
# ## Backward
#
# Forward was two steps: `columns = im2col(x)`, then a dense layer. Backward is their gradients in reverse order. The
# dense layer's you have since lesson 1. What is that of im2col?
#
# **Given** is what forward did: it copied,
#
# $$\text{columns}_{n i j k l c} = x_{n,\; s i + k,\; s j + l,\; c} ,$$
#
# and what arrives from the right, $d\text{columns}_{n i j k l c}$, the derivative of the loss by each copy. **Wanted**
# is the derivative of the loss by each pixel, $dx_{n p q c}$, with $p$ its row and $q$ its column.
#
# ### Exercise 4.4: `col2im`
#
# Derive $dx_{n p q c}$: it is a sum of some of the $d\text{columns}$. Of which? Then write the function: `dcolumns`
# (N, h_out, w_out, kh, kw, c) and the sides of the image give `dx` (N, h, w, c). Again two loops are enough, over the
# kernel's pixels $(k, l)$. If a pixel is in no patch, its gradient is 0.
#
# <details><summary>Derivation, step 1: where did one pixel go?</summary>
#
# Fix the pixel $(p, q)$. It was copied to place $(i, j)$, kernel pixel $(k, l)$, whenever $s i + k = p$ and
# $s j + l = q$. There are as many such $(i, j, k, l)$ as there are patches that cover the pixel: in the interior
# several, at some borders none.
#
# </details>
#
# <details><summary>Derivation, step 2: what comes back for something that was used several times?</summary>
#
# A loss $f(a, b)$ of two copies $a = x$, $b = x$ has by the chain rule the derivative $f_a \cdot 1 + f_b \cdot 1$: what
# comes back from each copy, added up. In one dimension, above, $x_2$ was in three patches, and $dx_2$ had three terms.
# Put the copies of step 1 into that sum, and you have the formula.
#
# </details>
#
# <details><summary>Derivation, step 3: how does the sum become slices?</summary>
#
# Do not ask of each pixel where its copies are. Ask of each copy where it came from, and add it there. For one
# $(k, l)$, the copies of all patches came from the slice that exercise 4.2 read; no two of them from the same pixel. So
# a whole slice can be added at once, and what overlaps meets in the next $(k, l)$.
#
# </details>


# %%
def col2im(dcolumns, h, w, stride):
    # Exercise 4.4: col2im
    ### BEGIN SOLUTION
    # dx[n, p, q, c] = sum of dcolumns[n, i, j, k, l, c] over all i, j, k, l with s i + k = p and s j + l = q
    N, h_out, w_out, kh, kw, c = dcolumns.shape
    dx = np.zeros((N, h, w, c))
    for k in range(kh):
        for l in range(kw):
            dx[:, k : k + stride * h_out : stride, l : l + stride * w_out : stride] += dcolumns[:, :, :, k, l]
    return dx
    ### END SOLUTION


# %%
check("4.4", col2im)

# %% [markdown]
# Now the whole. Let $X$ be the patches as a matrix (N h_out w_out, kh kw c_in), $V$ the kernels as a matrix (kh kw
# c_in, c_out), and $Y$ the output as a matrix (N h_out w_out, c_out), of which $dY$ is the incoming gradient. **Given**
# is that forward was
#
# $$Y = X V + b, \qquad b \text{ added to every row.}$$
#
# **Wanted** are $dV$, $db$ and $dX$, as products or sums of $X$, $V$ and $dY$, and from them `dW`, `db` and `dx`.
#
# ### Exercise 4.5: `conv_backward`
#
# Derive the three (lesson 1 has done it for a dense layer; do it once more for one entry), and write the function.
# Return `dx, dW, db`, each in the shape of `x`, `W` and `b`.
#
# <details><summary>Derivation, step 1: what is one entry of Y?</summary>
#
# Call the rows $r$, one for each place of each image, the entries of a patch $t$, and the output channels $d$:
# $Y_{r d} = \sum_t X_{r t} V_{t d} + b_d$. That is a dense layer with as many examples as there are rows.
#
# </details>
#
# <details><summary>Derivation, step 2: where is one weight used?</summary>
#
# $V_{t d}$ is in $Y_{r d}$ for every row $r$, with the slope $X_{r t}$, and in nothing else. So $dV_{t d}$ is the sum
# over the rows of $dY_{r d}$ times that slope. Which of the two matrices must be transposed, so that a matrix product
# sums over the rows? And $b_d$: in which of the $Y$ is it, with which slope?
#
# </details>
#
# <details><summary>Derivation, step 3: where is one entry of a patch used?</summary>
#
# $X_{r t}$ is in $Y_{r d}$ for every $d$, with the slope $V_{t d}$. So $dX_{r t}$ is a sum over the output channels:
# again a matrix product, with $V$ transposed. It is the gradient of the *patches*. What takes it back to the image you
# wrote in exercise 4.4.
#
# </details>


# %%
def conv_backward(dy, x, W, stride):
    # Exercise 4.5: dx, dW, db
    ### BEGIN SOLUTION
    # dV = X' dY, db = the sum of the rows of dY, dX = dY V'
    N, h, w, _ = x.shape
    kh, kw, c_in, c_out = W.shape
    columns = im2col(x, kh, kw, stride)
    rows, drows = columns.reshape(-1, kh * kw * c_in), dy.reshape(-1, c_out)
    dW = (rows.T @ drows).reshape(W.shape)
    dcolumns = (drows @ W.reshape(-1, c_out).T).reshape(columns.shape)
    return col2im(dcolumns, h, w, stride), dW, drows.sum(axis=0)
    ### END SOLUTION


# %%
check("4.5", conv_backward)

# %% [markdown]
# `db` is a sum over examples *and* places, since the bias is added at every place. And in `dx`, pixel $(p, q)$ got the
# sum over all $i, j, k, l$ with $s i + k = p$ and $s j + l = q$: one term for each patch that covers it.
#
# ## Train it: find a filter from examples
#
# Make two edge images of every digit, with the kernels *left - right* and *above - below* of the picture above, and
# forget the kernels. Can they be found again from the images? Start from two random kernels and compare your maps with
# those edge images. The loss is the squared difference, summed over places and both channels, and the mean over the
# images. Then go down: subtract a small part of the gradient from the weights, again and again. The loss is 0 for the
# two kernels that made the images, and for no others: the digits have so many different patches that two different
# kernels give different maps. So these two should come out.


# %%
def learn_filters(steps=300, rate=0.01):
    rng = np.random.default_rng(0)
    x = load_data("digits").train.x[:50].reshape(-1, 8, 8, 1).astype("float64")
    truth = np.stack([SOBEL, SOBEL.T], axis=-1)[:, :, None]  # (3, 3, 1, 2)
    target = conv_forward(x, truth, np.zeros(2), 1)
    W, b = rng.standard_normal(truth.shape), np.zeros(2)
    losses, kernels = [], {}
    for step in range(steps + 1):
        difference = conv_forward(x, W, b, 1) - target
        losses.append((difference**2).sum() / len(x))
        if step in (0, 20, steps):
            kernels[f"after {step} steps"] = W[:, :, 0, 0]
        _, dW, db = conv_backward(2 * difference / len(x), x, W, 1)
        W, b = W - rate * dW, b - rate * db
    return losses, kernels, np.abs(W - truth).max()


losses, kernels, error = learn_filters()
print(f"loss {losses[0]:.0f} at first, {losses[20]:.1f} after 20 steps, {losses[-1]:.4f} after {len(losses) - 1}")
print(f"largest error of a weight: {error:.3f}")
quoted("319", losses[0])  # compares with the number in the text
quoted("4.1", losses[20])
quoted("0.0005", losses[-1], within=0.0001)
quoted("0.011", error, within=0.001)


with picture("04_learned") as path:
    drawings.learned(path, kernels | {"the true kernel": SOBEL}, losses)

# %% [markdown]
# **Read the picture.** After 20 steps the signs of the left and the right column are right; after 300 the largest error
# of any weight, of either kernel, is 0.011 (the picture shows the first of the two). The loss went from 319 to 4.1 and
# then to 0.0005. In neural nets nobody designs filters: they are learned, by two lines: your `conv_backward`
# and the step after it.
#
# ## The mirror: transposed convolution
#
# An encoder makes images smaller, by convolutions of stride 2. A decoder must make them larger. We have something that
# does: $A$ takes six numbers to four, so $A'$ takes four to six. The way from dy to dx, used as a layer of its own, is
# the *transposed convolution*. Every pixel of a small image paints the kernel, times its value, onto a large image; the
# next pixel paints it s further; where patches overlap, they are added:
#
# $$y_{n,\; s i + k,\; s j + l,\; d} \mathrel{+}= \sum_c x_{n i j c}\, W_{k l c d} \quad \text{for all } i, j, k, l .$$
#
# The last patch begins at $(h - 1) s$ and is kh long, so
#
# $$h_\text{out} = (h - 1)\, s + k_h, \qquad w_\text{out} = (w - 1)\, s + k_w .$$
#
# As for any layer, W is (kh, kw, c_in, c_out) with the channels of *its own* input and output. The convolution that it
# mirrors goes from c_out channels to c_in.
#
# ### Exercise 4.6: `conv_transpose`
#
# `x` (N, h, w, c_in) and `W` (kh, kw, c_in, c_out) give `y` (N, h_out, w_out, c_out). No bias here: it would be added
# at the end, as everywhere.


# %%
def conv_transpose(x, W, stride):
    # Exercise 4.6: conv_transpose
    ### BEGIN SOLUTION
    N, h, w, c_in = x.shape
    kh, kw, _, c_out = W.shape
    columns = np.einsum("nijc,klcd->nijkld", x, W)  # every pixel's patch
    return col2im(columns, (h - 1) * stride + kh, (w - 1) * stride + kw, stride)
    ### END SOLUTION


# %%
check("4.6", conv_transpose)

# %% [markdown]
# ### The adjoint identity
#
# Write $\langle a, b \rangle$ for the sum of all products $a_i b_i$. For a matrix,
#
# $$\langle A x, y \rangle = (A x)' y = x' A' y = \langle x, A' y \rangle \qquad \text{for every } x \text{ and } y .$$
#
# The converse is true too: with $x$ and $y$ that are 1 at one place and 0 elsewhere, the left side is $A_{ij}$ and the
# right side is entry $(j, i)$ of the other matrix. So a function that fits for all x and y *is* the transpose. That is
# a test of a linear layer's backward, and much sharper than a numeric gradient: nothing is approximated, only rounded.


# %%
def adjoint_identity():
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((6, 12, 10, 3)), rng.standard_normal((4, 4, 3, 5))  # from 3 channels to 5
    y = rng.standard_normal((6, 5, 4, 5))
    left = (conv_forward(x, W, np.zeros(5), 2) * y).sum()
    right = (x * conv_transpose(y, W.swapaxes(2, 3), 2)).sum()  # back from 5 to 3
    return left, right


left, right = adjoint_identity()
print(f"<conv(x), y> = {left:.12f}\n<x, conv_transpose(y)> = {right:.12f}")
assert abs(left - right) < 1e-12 * abs(left)

# %% [markdown]
# Two numbers, made of thousands of products in two ways, agree to 12 digits and more. And since the transpose of
# the transpose is the matrix itself, the gradient of `conv_transpose` by its input needs no new code: it is
# `conv_forward`, with the two channel axes of W exchanged and b = 0. The gradient by W waits until lesson 10.
#
# A warning about names: this layer is sometimes called "deconvolution". But it does not undo a convolution: in general
# $A' A$ is not the identity, and the numbers of $A' A x$ are not those of $x$. At most the *shape* comes back, and that
# only if the last patch ends with the image.
#
# ## The checkerboard
#
# How many patches cover a pixel of the output? Let an image of ones go through a kernel of ones, and every pixel counts
# them.


# %%
def coverage(kernel):
    """How many patches of stride 2 cover each pixel."""
    return conv_transpose(np.ones((1, 4, 5, 1)), np.ones((kernel, kernel, 1, 1)), 2)[0, :, :, 0]


def spread_of_row(kernel, row=4, draws=4000):
    """Standard deviation of the pixels in a row, an image of ones, over random kernels: one output channel for each."""
    W = np.random.default_rng(0).standard_normal((kernel, kernel, 1, draws))
    return conv_transpose(np.ones((1, 4, 5, 1)), W, 2)[0, row].std(axis=-1)


counts = {kernel: coverage(kernel) for kernel in (3, 4)}
measured = {kernel: spread_of_row(kernel) for kernel in (3, 4)}
expected = {kernel: np.sqrt(counts[kernel][4]) for kernel in (3, 4)}
with picture("04_checkerboard") as path:
    drawings.checkerboard(path, counts, measured, expected)

three, four = (np.unique(counts[kernel][2:-2, 2:-2]) for kernel in (3, 4))
print("patches over a pixel, inside: kernel 3", three, "kernel 4", four)
assert (three.tolist(), four.tolist()) == ([1, 2, 4], [4])
quoted("1.41", measured[3][5], within=0.07)
quoted("2", measured[3][6], within=0.1)
quoted("2", measured[4][5], within=0.1)

# %% [markdown]
# **Read the picture.** With kernel 3 and stride 2 the patches overlap by one pixel: away from the border some pixels
# are covered 4 times, some twice, some once, in a checkerboard. A sum of four independent random numbers is twice as
# large as one (its standard deviation is $\sqrt 4$), so a decoder that knows nothing yet draws this pattern on
# everything: in the fifth row the sizes of neighbors (their standard deviations) are as 2 to 1.41. With kernel 4, whose
# length is a multiple of the stride, every pixel inside is covered 4 times and the dots lie on one level.
#
# That is why the networks of minivae halve and double images with kernel 4 and stride 2. It does not *forbid*
# checkerboards: neighboring pixels are made by different weights of the kernel, which may learn one. But the decoder
# does not start with one that it has to unlearn.
#
# ## Padding, and the same in minivae
#
# One thing is missing. With a border of p zeros around the image (`np.pad`), the kernel fits at more places:
#
# $$h_\text{out} = \lfloor (h + 2 p - k_h) / s \rfloor + 1; \qquad k_h = 4,\ s = 2,\ p = 1: \quad h_\text{out} = h / 2
#   \text{ for even } h .$$
#
# Writing zeros around is a copy, so its backward is easy: cut the border off dx. And the transposed convolution cuts it
# off its output: $(h - 1) s + k_h - 2 p = 2 h$.

# %%
from minivae.layers import Conv2d, ConvTranspose2d


def same_as_the_library():
    rng = np.random.default_rng(1)
    x, inside = rng.standard_normal((2, 8, 6, 3)), (slice(None), slice(1, -1), slice(1, -1))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    conv = Conv2d(3, 5, 4, rng, stride=2, padding=1).bind("float64")
    W, b = conv.W.data, conv.b.data
    y, cache = conv.forward(x)  # (2, 4, 3, 5)
    dy = rng.standard_normal(y.shape)
    dx, dW, db = conv_backward(dy, padded, W, 2)
    pairs = [(conv_forward(padded, W, b, 2), y), (dx[inside], conv.backward(dy, cache))]
    pairs += [(dW, conv.W.grad), (db, conv.b.grad)]

    mirror = ConvTranspose2d(5, 3, 4, rng, stride=2, padding=1).bind("float64")
    y, cache = mirror.forward(dy)  # (2, 8, 6, 3)
    pairs += [(conv_transpose(dy, mirror.W.data, 2)[inside], y)]
    pairs += [(conv_forward(padded, mirror.W.data.swapaxes(2, 3), np.zeros(5), 2), mirror.backward(x, cache))]
    return max(np.abs(mine - theirs).max() for mine, theirs in pairs)


print(f"largest difference between yours and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12

# %% [markdown]
# The last pair is what was said above: the library's backward of its transposed convolution is your `conv_forward`,
# with the two channel axes of W exchanged and b = 0.
#
# ## More to try
#
# 1. Print `conv_matrix(np.array([1, 2, 3]), 9, 2)` and its transpose. Where do you see, in the columns, that kernel 3
# and stride 2 cover unevenly?
# 2. Let `learn_filters` find a kernel of 5 x 5 for the same targets (cut the targets' border). What does it learn?
# Take 3,000 steps: after 300 its rim is not yet 0.
# 3. Write `im2col` without a loop: `np.lib.stride_tricks.sliding_window_view`, then a slice with step. Which is faster,
# and why does it need no memory until you reshape it?
# 4. In `learn_filters`, replace the two Sobel kernels by two that look for the diagonals. Then let it learn from 3
# images only, in 3,000 steps. Why are 3 enough? (Count the patches, and the weights.)
# 5. Make larger images without a transposed convolution: repeat every pixel twice both ways (`np.repeat`), pad, and
# convolve with kernel 3, stride 1. Count the coverage. Write its backward.
#
# ## Questions
#
# <details><summary>A dense layer from an 8 x 8 image to 36 outputs, and a convolution with one 3 x 3 kernel: how many
# weights?</summary>64 times 36 = 2,304 and 9, without the biases. The convolution's matrix has the same shape, but only
# 9 different numbers in it, and zeros.</details>
#
# <details><summary>Why must col2im add, and not assign?</summary>A pixel is in several patches, so it was used several
# times, and its gradient is the sum of what comes back from all of them.</details>
#
# <details><summary>Images of 7 and of 8 rows give the same number of outputs with kernel 3 and stride 2. Which does
# the transposed convolution give back?</summary>(7 - 3) // 2 + 1 = (8 - 3) // 2 + 1 = 3, and (3 - 1) 2 + 3 = 7: the
# smallest. Where 8 is wanted, one row is added at the end, by the argument output_padding.</details>
#
# <details><summary>What is remembered between forward and backward, the patches or the image?</summary>The image is
# enough: the patches of a 4 x 4 kernel with stride 2 are 4 times as many numbers, and copying them again is cheap
# beside the products.</details>
#
# <details><summary>Mathematics mirrors the kernel in a convolution, x[i - k] in the place of x[i + k]. Why do neural
# nets not?</summary>The kernel is learned, so it comes out mirrored or not by itself. What we compute is called
# cross-correlation elsewhere.</details>
#
# ## Further reading
#
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning* (2016), arXiv 1603.07285: all cases of
# stride and padding, drawn.
# - A. Odena, V. Dumoulin, C. Olah, *Deconvolution and checkerboard artifacts*, Distill (2016).
# - K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for document processing*, IWFHR
# (2006): convolution as one matrix product.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), chapter 9.
# - `minivae/layers/patches.py` and `conv.py`: what you wrote, in parts that stay in the processor's cache;
# `minivae/gradcheck/adjoint.py`: the identity as a test of any linear layer.

# %%
progress()
