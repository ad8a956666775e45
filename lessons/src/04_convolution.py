# %% [markdown]
# # 4. Convolution and its mirror
#
# **You will build** the convolution of images, forward and backward, out of two rearrangements and one matrix product,
# and the transposed convolution, which decoders use to make images larger. You will see what filters see, and why some
# decoders draw checkerboards.
#
# **You need** lesson 1 (the dense layer and its gradient) and NumPy slices with a step, `x[a:b:s]`. An hour is enough.
#
# ![A kernel slides along six numbers; the same as a banded matrix; and the transpose of that matrix](picture:04_line)
#
# *Left: a kernel of three numbers slides along x. Middle: that is a matrix. Right: the gradient is its transpose.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from minivae.data import load_data, sprites
from minivae.plot import BLUE, CLASSES, GREY, ORANGE, figure_to
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## In one dimension, by hand
#
# Take six numbers and a *kernel* of three:
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
# Often one moves the kernel by more than one each time: by the *stride* $s$, $y_i = \sum_k w_k\, x_{s i + k}$. How
# many outputs are there? The last patch must end inside: $s i + k \le n$ for a kernel of length $k$, so $i$ goes from
# 0 to $\lfloor (n - k) / s \rfloor$:
#
# $$n_\text{out} = \lfloor (n - k) / s \rfloor + 1 .$$
#
# ### Exercise 4.1: `conv_matrix`
#
# Return `A` (n_out, n) for a kernel `w` (k,), a length `n` and a stride.


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
# From the right arrives `dy`, one number per output. Lesson 1 says what comes back through a matrix: $dx = A' dy$.
# Read it in two ways:
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
# That is again a convolution, of $x$ with the kernel $dy$.


# %%
def by_hand():
    x, w, dy = np.array([1, 2, 0, 1, 3, 1]), np.array([2, 1, -1]), np.array([1, 0, 2, -1])
    A = conv_matrix(w, len(x), 1)
    y, dx = A @ x, A.T @ dy
    dw = np.array([dy @ x[k : k + len(dy)] for k in range(len(w))])
    print("y ", y, "\ndx", dx, "\ndw", dw)
    assert (y.tolist(), dx.tolist(), dw.tolist()) == ([4, 3, -2, 4], [2, 1, 3, 0, -3, 1], [0, 1, 5])
    return x, y, A


def bare(ax, title):
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def draw_numbers(ax, matrix, weights, title):
    """Numbers in boxes, one color per weight of the kernel."""
    color = dict(zip(weights, (BLUE, ORANGE, CLASSES[2])))
    for (i, j), value in np.ndenumerate(matrix):
        ax.text(j, i, f"{value:g}", ha="center", va="center", color=color.get(value, GREY), alpha=1 if value else 0.5)
    ax.imshow(matrix != 0, cmap="Greys", vmin=0, vmax=9)
    bare(ax, title)


def draw_line(path, x, y, A):
    with figure_to(path, (10, 3.4)) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1.5, 1, 0.75))
        left.set(xlim=(-1.2, 5.6), ylim=(-0.8, 1.6), title="y: the kernel 2, 1, -1 slides along x")
        left.axis("off")
        box = {"boxstyle": "square,pad=0.45", "facecolor": "white", "edgecolor": GREY}
        for row, name, values, start in ((1, "x", x, 0), (0, "y", y, 1)):
            left.text(-1, row, name, ha="center", va="center", fontsize=12)
            for i, value in enumerate(values):
                left.text(start + i, row, f"{value:g}", ha="center", va="center", bbox=box, fontsize=12)
        for i in range(len(y)):
            for k, color in enumerate((BLUE, ORANGE, CLASSES[2])):
                left.plot([i + k, i + 1], [0.8, 0.2], color=color, lw=1.6)
        for k, color in enumerate((BLUE, ORANGE, CLASSES[2])):
            left.text(1.7 + k, -0.65, f"times {A[0, k]:g}", color=color, ha="center")
        draw_numbers(middle, A, A[0, :3], "forward: y = A x")
        draw_numbers(right, A.T, A[0, :3], "backward: dx = A' dy")


with picture("04_line") as path:
    draw_line(path, *by_hand())

# %% [markdown]
# The matrix is good to think with and bad to compute with: nearly all of it is 0. For images one does something else.
#
# ## Images
#
# A batch of images is an array `x` (N, h, w, c): example, row, column, channel. A kernel now covers kh rows and kw
# columns, and **all** channels; and there are c_out of them, each with a bias. So `W` has the axes (kh, kw, c_in,
# c_out):
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
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE])
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


def draw_maps(path):
    W = np.stack(list(FILTERS.values()), axis=-1)[:, :, None]  # (3, 3, 1, 4)
    digit = load_data("digits").train.x[:1].reshape(1, 8, 8, 1).astype("float64")
    with figure_to(path, (10, 4.4)) as figure:
        for images, axes in zip((drawing(), digit), figure.subplots(2, 5)):
            maps = conv_forward(images, W, np.zeros(4), 1)[0]  # (h_out, w_out, 4)
            axes[0].imshow(images[0], cmap="gray", vmin=0, vmax=1)
            bare(axes[0], f"x, {images.shape[1]} x {images.shape[2]}")
            for ax, name, i in zip(axes[1:], FILTERS, range(4)):
                top = np.abs(maps[..., i]).max()
                ax.imshow(maps[..., i], cmap=SIGNED, vmin=-top, vmax=top)
                bare(ax, f"{name}, {maps.shape[0]} x {maps.shape[1]}")


with picture("04_maps") as path:
    draw_maps(path)

# %% [markdown]
# **Read the picture.** Orange is positive, blue negative, white 0. *Left - right* sees only upright edges: where white
# ends to the right, orange; where it begins, blue. Along the horizontal sides of the square it is white. *Above -
# below* is the same, turned. *Mean* blurs. *Center - mean* is 0 wherever the image is flat, and sees every edge,
# corners most. Each map is 2 smaller than the image, since a kernel of 3 fits at n - 2 places. The digit is a 0: left
# and right of its ring, outside and inside, the first map finds all four upright edges.
#
# If the image moves, its maps move with it: the same weights look everywhere. Test it:


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
# im2col copies. Pixel $(s i + k, s j + l)$ of x went to $\text{columns}_{n i j k l c}$, for every $(i, j, k, l)$ that
# gives this pixel: as often as there are patches that cover it. *Whatever is used several times gets the sum of what
# comes back*:
#
# $$dx_{n, p, q, c} = \sum_{\substack{i, k:\; s i + k = p \\ j, l:\; s j + l = q}} d\text{columns}_{n i j k l c} .$$
#
# So: start from zeros, and add every number back to where it was copied from. Pixels that no patch covers keep 0.
#
# ### Exercise 4.4: `col2im`
#
# `dcolumns` (N, h_out, w_out, kh, kw, c) and the sides of the image give `dx` (N, h, w, c). Again loop over $(k, l)$
# only: within one of them, no two patches meet in a pixel, so a slice can be added at once.


# %%
def col2im(dcolumns, h, w, stride):
    # Exercise 4.4: col2im
    ### BEGIN SOLUTION
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
# c_in, c_out), and $dY$ the incoming gradient as a matrix (N h_out w_out, c_out). Forward was $Y = X V + b$, so by
# lesson 1
#
# $$dV = X' dY, \qquad db = \sum_\text{rows} dY, \qquad dX = dY\, V' .$$
#
# `dV`, in the shape of W, is `dW`. `dX`, in the shape of the columns, goes through `col2im` and is `dx`. Note that `db`
# is a sum over examples *and* places, since the bias is added at every place.
#
# ### Exercise 4.5: `conv_backward`
#
# Return `dx, dW, db`.


# %%
def conv_backward(dy, x, W, stride):
    # Exercise 4.5: dx, dW, db
    ### BEGIN SOLUTION
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
# ## Train it: find a filter from examples
#
# Someone made an edge image of every digit, with a kernel that we do not know. Start from random numbers, compare your
# maps with theirs, go down. The kernel of the picture above should come out, for there is no better one.


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
quoted("319", losses[0])
quoted("4.1", losses[20])
quoted("0.0005", losses[-1], within=0.0001)
quoted("0.011", error, within=0.001)


def draw_learned(path):
    with figure_to(path, (10, 2.6)) as figure:
        *axes, last = figure.subplots(1, 5, width_ratios=(1, 1, 1, 1, 1.6))
        for ax, (title, kernel) in zip(axes, [*kernels.items(), ("the true kernel", SOBEL)]):
            ax.imshow(kernel, cmap=SIGNED, vmin=-2, vmax=2)
            for (k, l), weight in np.ndenumerate(kernel):
                ax.text(l, k, f"{weight:.2f}", ha="center", va="center")
            bare(ax, title)
        last.semilogy(losses, color=BLUE)
        last.set(title="squared error", xlabel="step", ylabel="loss")


with picture("04_learned") as path:
    draw_learned(path)

# %% [markdown]
# **Read the picture.** After 20 steps the signs of the left and the right column are right; after 300 the largest error
# of any weight, of either kernel, is 0.011. The loss went from 319 to 4.1 and then to 0.0005. Nobody designs filters
# any more: they are learned, by the two lines that call your `conv_backward`.
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
# `conv_forward`.
#
# A warning about names: this layer is sometimes called "deconvolution". It undoes nothing. $A' A$ is not the identity;
# only the *shape* comes back.
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


def draw_checkerboard(path):
    with figure_to(path, (10, 3.6)) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.15))
        for ax, kernel, color in ((left, 3, ORANGE), (middle, 4, BLUE)):
            counts, spread = coverage(kernel), spread_of_row(kernel)
            ax.imshow(counts, cmap="Blues", vmin=0, vmax=7)
            for (i, j), n in np.ndenumerate(counts):
                ax.text(j, i, f"{n:g}", ha="center", va="center", fontsize=9)
            bare(ax, f"kernel {kernel}: patches per pixel")
            right.plot(spread, "o", color=color, label=f"kernel {kernel}, measured")
            right.plot(np.sqrt(counts[4]), color=color, lw=1, label="root of the count")
        right.set(title="random kernels: spread in the fifth row", xlabel="column", ylabel="standard deviation")
        right.set_ylim(0.8, 2.7)
        right.legend(ncols=2, fontsize=8, loc="upper center")
    return coverage(3)[2:-2, 2:-2], coverage(4)[2:-2, 2:-2]


with picture("04_checkerboard") as path:
    three, four = draw_checkerboard(path)

print("patches over a pixel, inside: kernel 3", np.unique(three), "kernel 4", np.unique(four))
assert (np.unique(three).tolist(), np.unique(four).tolist()) == ([1, 2, 4], [4])
quoted("1.41", spread_of_row(3)[5], within=0.07)
quoted("2", spread_of_row(3)[6], within=0.1)
quoted("2", spread_of_row(4)[5], within=0.1)

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
# The last pair is what was said above: the library's backward of its transposed convolution is your `conv_forward`.
#
# ## More to try
#
# 1. Print `conv_matrix(np.array([1, 2, 3]), 9, 2)` and its transpose. Where do you see, in the columns, that kernel 3
# and stride 2 cover unevenly?
# 2. Let `learn_filters` find a kernel of 5 x 5 for the same targets (cut the targets' border). What does it learn?
# 3. Write `im2col` without a loop: `np.lib.stride_tricks.sliding_window_view`, then a slice with step. Which is faster,
# and why does it need no memory until you reshape it?
# 4. In `learn_filters`, replace the two Sobel kernels by two that look for the diagonals. Then let it learn from 3
# images only.
# 5. Make larger images without a transposed convolution: repeat every pixel twice both ways (`np.repeat`), pad, and
# convolve with kernel 3, stride 1. Count the coverage. Write its backward.
# 6. Write `conv_transpose_backward`, for x, W and b. Check it by the adjoint identity and by a numeric gradient.
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
