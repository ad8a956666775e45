# %% [markdown]
# # 10. Images: a conv VAE
#
# **After this lesson you can** build a VAE of images whose every multiplication you wrote yourself, train it, and say
# what a convolution knows about images, when that helps, and what it costs.
#
# **You will build** the encoder and the decoder of a convolutional VAE from arrays, and their gradients. You train it
# with your own convolution beside the library's, and then let it compete with a dense VAE that has as many parameters.
#
# **You need** lesson 4 (convolution) and lesson 9 (the loss of a VAE and its gradient). About 2.5 hours.
#
# ![Boxes from a 16 x 16 image over 8 x 8 x 5 and 4 x 4 x 8 down to 8 latents, and the same way back](picture:10_net)
#
# *The network of this lesson. Sides are halved while channels grow; in the middle are the latents; then all of it
# backward.*

# %%
import dataclasses
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import SGD, VAE, Adam, fit, plot
from minivae.data import Split, load_data, sprites
from minivae.evaluate import latents
from minivae.plot.lessons import lesson10 as drawings
from minivae.teach import check, exercise, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## What a dense layer does not know
#
# A dense layer gets an image as a row of numbers. Shuffle the pixels, in the same way for all images, shuffle the rows
# of its W too, and the output is the same as before: to a dense layer, pixels that touch are as good as any two
# pixels. And what it learned about a heart on the left says nothing about a heart on the right, for these are other
# inputs with other weights.
#
# A convolution knows both: it looks at neighbors, and everywhere with the same weights. Is that worth something? We
# shall give two VAEs as many parameters each and see.
#
# ## Sides
#
# First the arithmetic, since every conv net begins with it. From lesson 4: a kernel of $m \times m$ weights that moves
# by $s$ fits at $\lfloor (n - m) / s \rfloor + 1$ places along a side of $n$ pixels. Often a border of $p$ zeros is put
# around the image first, on all of its sides.
#
# ### Exercise 10.1: `conv_side`
#
# The side of the output. `n` is a whole number or an array of such; `//` rounds down, each number by itself.


# %%
def conv_side(n, kernel, stride, padding):
    # Exercise 10.1: conv_side
    ### BEGIN SOLUTION
    return (n + 2 * padding - kernel) // stride + 1
    ### END SOLUTION


# %%
check("10.1", conv_side)

# %% [markdown]
# The transposed convolution goes the other way: it paints $n$ patches of length $m$, each $s$ further than the one
# before it. Then $p$ pixels are cut off at both ends.
#
# ### Exercise 10.2: `transposed_side`
#
# The side of the output, of one whole number `n` or an array of such, as before.


# %%
def transposed_side(n, kernel, stride, padding):
    # Exercise 10.2: transposed_side
    ### BEGIN SOLUTION
    return (n - 1) * stride + kernel - 2 * padding
    ### END SOLUTION


# %%
check("10.2", transposed_side)

# %% [markdown]
# With kernel 4, stride 2 and padding 1 these are $\lfloor n / 2 \rfloor$ and $2 n$. So two such layers take 16 to 8 to
# 4, and two transposed ones 4 to 8 to 16.


# %%
def all_sides():
    down = [16]
    for _ in range(2):
        down.append(conv_side(down[-1], 4, 2, 1))
    up = [down[-1]]
    for _ in range(2):
        up.append(transposed_side(up[-1], 4, 2, 1))
    print("encoder", down, " decoder", up)
    assert (down, up) == ([16, 8, 4], [4, 8, 16])
    return down + up


with picture("10_net") as path:
    drawings.net(path, all_sides())

# %% [markdown]
# ## Costs
#
# Two numbers say what a layer costs: how many **parameters** it has, and how many **products** of two numbers it
# computes for one image. For a dense layer they are nearly the same, since each weight is used once: $n_\text{in}
# n_\text{out}$ products, and $n_\text{out}$ biases besides.
#
# The images inside a network have several *channels*, that is, several numbers for each pixel; a grey image has one. A
# convolution turns $c_\text{in}$ channels into $c_\text{out}$, and each of them looks at all that come in.
#
# So it has $m \cdot m \cdot c_\text{in} \cdot c_\text{out}$ weights and $c_\text{out}$ biases, whatever the size of the
# image. But each weight is used at every place of the output, so with an output of side $n$ there are $n \cdot n$ times
# as many products as weights. (Products with the zeros of the border are counted too, and later those whose pixels are
# cut off: the plain loops compute them.)
#
# ### Exercise 10.3: `conv_cost`
#
# `side` is that of the output; return `parameters, products`.


# %%
def conv_cost(side, kernel, c_in, c_out):
    # Exercise 10.3: parameters, products
    ### BEGIN SOLUTION
    weights = kernel * kernel * c_in * c_out
    return weights + c_out, side * side * weights
    ### END SOLUTION


# %%
check("10.3", conv_cost)

# %% [markdown]
# A transposed convolution is the same in a mirror: its W is used at every place of its *input*. Now both networks,
# layer by layer. The dense one has one hidden layer of 8 units on each side; that many make its parameters as many as
# the conv net's.


# %%
def dense_cost(n_in, n_out):
    return n_in * n_out + n_out, n_in * n_out


def mirror_cost(side, kernel, c_in, c_out):
    """Of a transposed convolution whose input has this side: as of the mirrored convolution, but for the biases."""
    parameters, products = conv_cost(side, kernel, c_out, c_in)
    return parameters - c_in + c_out, products


def costs():
    conv = {
        "conv 16x16x1 to 8x8x5": conv_cost(8, 4, 1, 5),
        "conv 8x8x5 to 4x4x8": conv_cost(4, 4, 5, 8),
        "dense 128 to 16": dense_cost(128, 16),
        "dense 8 to 128": dense_cost(8, 128),
        "conv' 4x4x8 to 8x8x5": mirror_cost(4, 4, 8, 5),
        "conv' 8x8x5 to 16x16x1": mirror_cost(8, 4, 5, 1),
    }
    dense = {
        "dense 256 to 8": dense_cost(256, 8),
        "dense 8 to 16": dense_cost(8, 16),
        "dense 8 to 8": dense_cost(8, 8),
        "dense 8 to 256": dense_cost(8, 256),
    }
    totals = []
    for net in (conv, dense):
        for name, (parameters, products) in net.items():
            print(f"{name:<24} {parameters:6,} parameters {products:8,} products")
        totals.append(tuple(np.sum(list(net.values()), axis=0).tolist()))
        print(f"{'all':<24} {totals[-1][0]:6,} parameters {totals[-1][1]:8,} products\n")
    return totals


(conv_parameters, conv_products), (dense_parameters, dense_products) = costs()
quoted("4675", conv_parameters)
quoted("4576", dense_parameters)
quoted("3216", sum(dense_cost(128, 16)[:1] + dense_cost(8, 128)[:1]))
quoted("7.9", conv_products / dense_products)

# %% [markdown]
# 4,675 parameters against 4,576: equal, within a few percent. But the conv net computes 7.9 times as many products.
# Parameters are what has to be learned; products are what has to be waited for. Keep that in mind.
#
# ## The encoder
#
# All of this lesson stands on the convolution of lesson 4, with kernel 4, stride 2 and padding 1. If you wrote it,
# paste your `im2col`, `col2im`, `conv_forward`, `conv_backward` and `conv_transpose` into the next cell, in the place
# of its first line; then the net that is trained below is your own down to the last product. Or go on with the
# course's, which that line takes.

# %%
conv_forward, conv_backward, conv_transpose = (exercise(number).reference for number in ("4.3", "4.5", "4.6"))
BORDER = (0, 0), (1, 1), (1, 1), (0, 0)


def halve(x, W, b):
    """x (N, 2 h, 2 w, c_in), W (4, 4, c_in, c_out), b (c_out,) -> y (N, h, w, c_out)."""
    return conv_forward(np.pad(x, BORDER), W, b, 2)


def halve_backward(dy, x, W):
    """The gradients dx, dW, db of halve."""
    dx, dW, db = conv_backward(dy, np.pad(x, BORDER), W, 2)
    return dx[:, 1:-1, 1:-1], dW, db


def double(x, W, b):
    """x (N, h, w, c_in), W (4, 4, c_in, c_out), b (c_out,) -> y (N, 2 h, 2 w, c_out)."""
    return conv_transpose(x, W, 2)[:, 1:-1, 1:-1] + b


def relu(a):
    return np.maximum(a, 0)


# %% [markdown]
# Outside of the networks an example is always a row, `x` (N, D), whatever it shows. So an encoder begins with a reshape
# to images, (N, side, side, 1) with side $= \sqrt D$, and ends flat. Images are arrays (N, rows, columns, channels),
# and flat means a row for each example, in that order: row, column, channel.
#
# $$h_1 = \mathrm{relu}(\mathrm{halve}(x, W_1, b_1)), \quad h_2 = \mathrm{relu}(\mathrm{halve}(h_1, W_2, b_2)), \quad
#   (\mu, \log \sigma^2) = \mathrm{flat}(h_2)\, W_3 + b_3 .$$
#
# The last layer makes $2 L$ numbers for each example; the first $L$ are `mu`, the others `log_var`.
#
# ### Exercise 10.4: `encode`
#
# Return `mu, log_var`, (N, L) each.


# %%
def encode(x, W1, b1, W2, b2, W3, b3):
    # Exercise 10.4: mu, log_var
    ### BEGIN SOLUTION
    side = int(x.shape[1] ** 0.5)
    h1 = relu(halve(x.reshape(len(x), side, side, 1), W1, b1))
    h2 = relu(halve(h1, W2, b2))
    out = h2.reshape(len(x), -1) @ W3 + b3
    L = out.shape[1] // 2
    return out[:, :L], out[:, L:]
    ### END SOLUTION


# %%
check("10.4", encode)

# %% [markdown]
# ## The decoder
#
# All of it in a mirror. A dense layer makes enough numbers for a small image with $c$ channels, where $c$ is the length
# of the third axis of $W_2$; as image$(h_1)$, (N, side, side, $c$), they stand in the order (row, column, channel). The
# image grows twice:
#
# $$h_1 = \mathrm{relu}(z W_1 + b_1), \quad h_2 = \mathrm{relu}(\mathrm{double}(\mathrm{image}(h_1), W_2, b_2)), \quad
#   \text{out} = \mathrm{flat}(\mathrm{double}(h_2, W_3, b_3)) .$$
#
# `out` are the logits of the pixels, so nothing is applied to them.
#
# ### Exercise 10.5: `decode`
#
# `z` (N, L) gives `out` (N, D). The small image is square.


# %%
def decode(z, W1, b1, W2, b2, W3, b3):
    # Exercise 10.5: out
    ### BEGIN SOLUTION
    h1 = relu(z @ W1 + b1)
    c = W2.shape[2]
    side = int((h1.shape[1] // c) ** 0.5)
    h2 = relu(double(h1.reshape(len(z), side, side, c), W2, b2))
    return double(h2, W3, b3).reshape(len(z), -1)
    ### END SOLUTION


# %%
check("10.5", decode)

# %% [markdown]
# ## The encoder's gradient
#
# From the right arrive `dmu` and `dlog_var`, (N, L) each (lesson 9 has made them: one part from the reconstruction, one
# from the KL). **Given** are also the lines of `encode`, and `halve_backward(dy, x, W)`, which returns the gradients
# `dx, dW, db` of `halve(x, W, b)`. **Wanted** are the gradients of $W_1, b_1, W_2, b_2, W_3, b_3$. The gradient of $x$
# is not needed.
#
# ### Exercise 10.6: `encode_backward`
#
# Derive the six, from the last line of `encode` to the first. Return `dW1, db1, dW2, db2, dW3, db3`.
#
# <details><summary>Derivation, step 1: what is the gradient of the last layer's output?</summary>
#
# Call that output $\text{out}$ (N, 2 L). Each of its numbers is in `mu` or in `log_var`, once, unchanged. So each
# number of $d\text{out}$ is one of `dmu` or of `dlog_var`. In which order?
#
# </details>
#
# <details><summary>Derivation, step 2: what does the dense layer give, and what does it send on?</summary>
#
# $\text{out} = \mathrm{flat}(h_2)\, W_3 + b_3$ is the dense layer of lesson 1, whose input is $\mathrm{flat}(h_2)$:
# that gives $dW_3$, $db_3$ and the gradient of $\mathrm{flat}(h_2)$. Making it flat changed no number and no order. So
# the gradient of $h_2$ has the same numbers, in the shape of $h_2$.
#
# </details>
#
# <details><summary>Derivation, step 3: what does a ReLU let through?</summary>
#
# Where $h_2 > 0$, it was the identity, with the slope 1; elsewhere the slope is 0. What is left is the gradient of what
# `halve` has returned. `halve_backward` turns it into $dW_2$, $db_2$ and $dh_1$. What was the input of that `halve`?
#
# </details>
#
# <details><summary>Derivation, step 4: and the first layer?</summary>
#
# The same again, one layer earlier: a ReLU, then `halve_backward`. This time the input is the images.
#
# </details>


# %%
def encode_backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3):
    # Exercise 10.6: dW1, db1, dW2, db2, dW3, db3
    ### BEGIN SOLUTION
    # dout = (dmu, dlog_var), dW3 = flat(h2)' dout, dh2 = dout W3'; then twice: times [h > 0], halve_backward
    side = int(x.shape[1] ** 0.5)
    images = x.reshape(len(x), side, side, 1)
    h1 = relu(halve(images, W1, b1))
    h2 = relu(halve(h1, W2, b2))
    dout = np.concatenate([dmu, dlog_var], axis=1)
    dW3, db3 = h2.reshape(len(x), -1).T @ dout, dout.sum(axis=0)
    dh2 = (dout @ W3.T).reshape(h2.shape)
    dh1, dW2, db2 = halve_backward(dh2 * (h2 > 0), h1, W2)
    _, dW1, db1 = halve_backward(dh1 * (h1 > 0), images, W1)
    return dW1, db1, dW2, db2, dW3, db3
    ### END SOLUTION


# %%
check("10.6", encode_backward)

# %% [markdown]
# ## The gradient of the transposed convolution
#
# For the decoder one thing is missing: the way back through `double`. **Given** is what it does (what falls outside of
# the large image is cut off):
#
# $$y_{n,\; 2 i + k - 1,\; 2 j + l - 1,\; d} \mathrel{+}= \sum_c x_{n i j c}\, W_{k l c d} \quad
#   \text{for all } i, j, k, l, \qquad \text{then } + b_d .$$
#
# From the right arrives $dy$, in the shape of $y$. **Wanted** are $dx$, $dW$ and $db$. It takes no new loop: `halve`
# and `halve_backward` do nearly all of it.
#
# ### Exercise 10.7: `double_backward`
#
# Derive the three, and return `dx, dW, db`. `x` is (N, h, w, c_in), `W` (4, 4, c_in, c_out), `dy` (N, 2 h, 2 w, c_out).
#
# <details><summary>Derivation, step 1: one number that holds all three</summary>
#
# Let $S$ be the sum of all products $dy \cdot y$, with $dy$ as fixed numbers. Its gradients are what is wanted. Put in
# what $y$ is, and let $dy$ be 0 outside of the image:
#
# $$S = \sum_{n i j k l c d} x_{n i j c}\, W_{k l c d}\, dy_{n,\; 2 i + k - 1,\; 2 j + l - 1,\; d}
#   + \sum_{n p q d} dy_{n p q d}\, b_d .$$
#
# Each gradient is what stands beside the letter in question. For $b_d$ you can read it off.
#
# </details>
#
# <details><summary>Derivation, step 2: what stands beside one number of x?</summary>
#
# $dx_{n i j c} = \sum_{k l d} W_{k l c d}\, dy_{n,\; 2 i + k - 1,\; 2 j + l - 1,\; d}$. That gathers a patch of $dy$
# into one number, with stride 2 and a border of 1: it is `halve` of $dy$. But `halve` sums over the *third* axis of the
# kernel that it is given, and here the sum is over $d$. Which kernel must it get, and which bias?
#
# </details>
#
# <details><summary>Derivation, step 3: what stands beside one weight?</summary>
#
# $dW_{k l c d} = \sum_{n i j} x_{n i j c}\, dy_{n,\; 2 i + k - 1,\; 2 j + l - 1,\; d}$. Compare that with the weights
# of $v = \mathrm{halve}(u, V)$, which goes from $d$ to $c$ channels:
# $dV_{k l d c} = \sum_{n i j} dv_{n i j c}\, u_{n,\; 2 i + k - 1,\; 2 j + l - 1,\; d}$. Which of our arrays stands in
# the place of $u$, and which in that of $dv$? And mind the order of the last two axes.
#
# </details>


# %%
def double_backward(dy, x, W):
    # Exercise 10.7: dx, dW, db
    ### BEGIN SOLUTION
    # dx = halve(dy, V, 0) with V[k, l, d, c] = W[k, l, c, d]; dV = sum of x and patches of dy; db = the sum of dy
    V = W.swapaxes(2, 3)
    dx = halve(dy, V, np.zeros(V.shape[3]))
    _, dV, _ = halve_backward(x, dy, V)
    return dx, dV.swapaxes(2, 3), dy.sum(axis=(0, 1, 2))
    ### END SOLUTION


# %%
check("10.7", double_backward)

# %% [markdown]
# The backward of `double` by its input is `halve`, with the channels of W exchanged: the mirror of a mirror. With it
# the decoder's gradient is as short as the encoder's. This one is given:


# %%
def decode_backward(dout, z, W1, b1, W2, b2, W3, b3):
    """dz, dW1, db1, dW2, db2, dW3, db3: the lines of decode, from the last to the first."""
    h1 = relu(z @ W1 + b1)
    c = W2.shape[2]
    side = int((h1.shape[1] // c) ** 0.5)
    image = h1.reshape(len(z), side, side, c)
    h2 = relu(double(image, W2, b2))
    dh2, dW3, db3 = double_backward(dout.reshape(len(z), 4 * side, 4 * side, 1), h2, W3)
    dimage, dW2, db2 = double_backward(dh2 * (h2 > 0), image, W2)
    dh1 = dimage.reshape(h1.shape) * (h1 > 0)
    return dh1 @ W1.T, z.T @ dh1, dh1.sum(axis=0), dW2, db2, dW3, db3


# %% [markdown]
# ## The same in minivae


# %%
def arrays(network, which="data"):
    """W1, b1, W2, b2, W3, b3 of an encoder or decoder of the library, or their gradients."""
    layers = [layer for layer in network.layers if hasattr(layer, "W")]
    return [getattr(param, which) for layer in layers for param in (layer.W, layer.b)]


def conv_vae(seed=0):
    return VAE.build((16, 16, 1), np.random.default_rng(seed), arch="conv", channels=(5, 8), hidden=(), latent=8)


def dense_vae(seed=0, hidden=8):
    return VAE.build((16, 16, 1), np.random.default_rng(seed), arch="dense", hidden=(hidden,), latent=8)


def same_as_the_library():
    rng, model = np.random.default_rng(1), conv_vae().bind("float64")
    x, dmu, dlog_var, dout = (rng.standard_normal((5, n)) for n in (256, 8, 8, 256))
    (mu, log_var), cache = model.encoder.forward(x)
    model.encoder.backward((dmu, dlog_var), cache)
    out, cache = model.decoder.forward(mu)
    dz = model.decoder.backward(dout, cache)
    encoder, decoder = arrays(model.encoder), arrays(model.decoder)
    mine = *encode(x, *encoder), *encode_backward(dmu, dlog_var, x, *encoder)
    mine += decode(mu, *decoder), *decode_backward(dout, mu, *decoder)
    theirs = mu, log_var, *arrays(model.encoder, "grad"), out, dz, *arrays(model.decoder, "grad")
    return max(np.abs(a - b).max() for a, b in zip(mine, theirs))


print(f"largest difference between yours and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12
assert (conv_vae().theta.size, dense_vae().theta.size) == (conv_parameters, dense_parameters)

# %% [markdown]
# ## The data
#
# The images are small *sprites*, drawn by formula: a square, an ellipse or a heart, upright or turned, at 16 x 16
# places. That is 1,536 images with one sprite, of which 1,351 are different: at the border two places may give the same
# image. We make two data sets of 1,200 images each, of which 1,000 are for training and 200 for validation: one with
# one sprite in each image, one with two.
#
# Mind the difference. Of all images with one sprite, most are in the training data. A held-out one has neighbors there,
# a place further on, and 32 of the 200 are in the training data themselves, pixel for pixel. With two sprites none is.
# Of the pairs there are about a million: what comes in validation is like nothing that has been seen, except that its
# *parts* have.


# %%
def scenes(n_sprites):
    places = list(range(0, 32, 2))
    images, _ = sprites(side=16, scale=[2], orientation=[0, 5], x=places, y=places)
    quoted("1536", len(images))
    quoted("1351", len(np.unique(images.reshape(len(images), -1), axis=0)))
    rng = np.random.default_rng(n_sprites)
    chosen = np.stack([rng.permutation(len(images))[:1200] for _ in range(n_sprites)])  # (n_sprites, 1200)
    return load_data(images[chosen].max(axis=0)[..., None], split_order="tail")


def shuffled(data):
    order = np.random.default_rng(0).permutation(256)
    train, validation = (Split(part.x[:, order], None) for part in (data.train, data.validation))
    return dataclasses.replace(data, train=train, validation=validation)


def seen(data):
    """How many validation images are in the training data."""
    known = {x.tobytes() for x in data.train.x}
    return sum(x.tobytes() in known for x in data.validation.x)


one, two = scenes(1), scenes(2)
quoted("32", seen(one))
assert seen(two) == 0
assert (len(two.train.x), len(two.validation.x)) == (1000, 200)
assert 1536**2 / 2 > 1e6

# %% [markdown]
# ## Train it with your own convolution
#
# All parts are there. One step: encode, sample, decode; the ELBO, which is the log-probability of the pixels minus the
# KL; and back. The formulas between your two networks are those of lesson 9. A pixel $x$ with the logit $l$ has the
# log-probability $x\, l - \log(1 + e^l)$, with the slope $x - \mathrm{sigmoid}(l)$. Training makes the negative of the
# ELBO small, as a mean over the $N$ images of the batch. So the sign turns, and the gradient of a logit is
# $(\mathrm{sigmoid}(l) - x) / N$. The derivative of the KL in $\mu$ is $\mu$, and in $\log \sigma^2$ it is $\frac12
# (\sigma^2 - 1)$; both are divided by $N$, too. And the sample is $z = \mu + \sigma \epsilon$: what arrives as $dz$
# adds $dz$ to the gradient of $\mu$, and $\frac12\, dz\, \epsilon\, \sigma$ to that of $\log \sigma^2$.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def elbo_and_grads(x, eps, encoder, decoder):
    """The mean ELBO of a batch, and the gradients of its negative by all twelve parameters."""
    mu, log_var = encode(x, *encoder)
    std = np.exp(0.5 * log_var)
    z = mu + std * eps
    logits = decode(z, *decoder)
    log_px_z = (x * logits - np.logaddexp(0, logits)).sum(axis=1)
    kl = 0.5 * (mu**2 + std**2 - 1 - log_var).sum(axis=1)
    dz, *d_decoder = decode_backward((sigmoid(logits) - x) / len(x), z, *decoder)
    dmu, dlog_var = dz + mu / len(x), 0.5 * dz * eps * std + 0.5 * (std**2 - 1) / len(x)
    return (log_px_z - kl).mean(), [*encode_backward(dmu, dlog_var, x, *encoder), *d_decoder]


def side_by_side(steps=20, rate=0.002):
    """The ELBO of each step of gradient descent, (steps, 2): yours, and the library's, with the same noise."""
    model, rng = conv_vae().bind("float64"), np.random.default_rng(5)
    optimizer, elbos = SGD(model, lr=rate, momentum=0), []
    encoder, decoder = ([a.copy() for a in arrays(part)] for part in (model.encoder, model.decoder))
    for step in range(steps):
        x = two.train.x[32 * step : 32 * (step + 1)].astype("float64")
        noise = model.draw_noise(rng, len(x))
        elbo, gradients = elbo_and_grads(x, noise["eps"], encoder, decoder)
        for parameter, gradient in zip([*encoder, *decoder], gradients):
            parameter -= rate * gradient
        elbos.append((elbo, model.loss_and_grads(x, noise)["elbo"]))
        optimizer.step()
    return np.array(elbos)


descent = side_by_side()
for step, (mine, theirs) in enumerate(descent, 1):
    print(f"step {step:>2}   your ELBO {mine:.10f}   the library's {theirs:.10f} nats")
assert np.abs(descent[:, 0] - descent[:, 1]).max() < 1e-10
quoted("-181.5", descent[0, 0])
quoted("-72.4", descent[-1, 0])
quoted("177.4", 256 * np.log(2))

# %% [markdown]
# Twenty steps down, from -181.5 to -72.4 nats, and the two agree to ten digits at each. At chance, where each pixel is
# 0 or 1 with probability one half, an image of 256 pixels would cost $256 \log 2 = 177.4$ nats. What follows uses the
# library: it computes the same, in less time, and with Adam, the optimizer that lesson 9 used.
#
# ## The contest
#
# Who trains? With two sprites the conv VAE, for 24 epochs, and the dense one, for 48, since its epochs are several
# times as fast. Both again on images whose pixels were shuffled, in the same way for all. And a dense VAE with 34
# hidden units, which has four times the parameters, for 48. With one sprite conv and dense train for 24 epochs each.
# Learning rates were tried first, 0.005, 0.01 and 0.02, with three seeds each, lest the comparison be one of rates:
# with two sprites 0.01 is the best for each net, or about a nat from it. With one sprite it is 0.02, the largest that
# was tried, so a still larger one may be better.
#
# A result of one training says little: with other initial weights, other noise and another order of the examples it
# would be another. So each is trained five times, with the seeds 0 to 4.


# %%
def train(model, data, epochs, rate, seed):
    optimizer = Adam(model, lr=rate)
    return fit(model, optimizer, data, epochs=epochs, batch_size=32, seed=seed, progress=False)


def contest(seed):
    """Two trained models, and {net: its lines} with two sprites, and with one."""
    models = {"conv": conv_vae(seed), "dense": dense_vae(seed)}
    of_two = {
        "conv": train(models["conv"], two, 24, 0.01, seed),
        "conv, pixels shuffled": train(conv_vae(seed), shuffled(two), 24, 0.01, seed),
        "dense": train(models["dense"], two, 48, 0.01, seed),
        "dense, pixels shuffled": train(dense_vae(seed), shuffled(two), 48, 0.01, seed),
        "dense, 4 x parameters": train(dense_vae(seed, hidden=34), two, 48, 0.01, seed),
    }
    of_one = {
        "conv": train(conv_vae(seed), one, 24, 0.02, seed),
        "dense": train(dense_vae(seed), one, 24, 0.02, seed),
    }
    return models, of_two, of_one


def elbos(runs):
    """{net: validation ELBO (seeds, epochs)}; prints the mean of the last, the lowest and highest, and the seconds."""
    found = {}
    for name in runs[0]:
        lines = [run[name] for run in runs]
        found[name] = np.array([[line["validation"]["elbo"] for line in history] for history in lines])
        last, seconds = found[name][:, -1], np.mean([sum(line["seconds"] for line in history) for history in lines])
        print(f"{name:<23} {found[name].shape[1]} epochs {seconds:4.1f} s   ELBO {last.mean():.1f} nats, "
              f"{last.min():.1f} to {last.max():.1f}")  # fmt: skip
    return found


all_models, runs_of_two, runs_of_one = zip(*[contest(seed) for seed in range(5)])
print("two sprites in an image, the mean of five trainings")
of_two = elbos(runs_of_two)
print("one sprite in an image")
of_one = elbos(runs_of_one)
models = all_models[0]


# %%
def after(epochs, curves, name):
    """The mean over the seeds."""
    return curves[name][:, epochs - 1].mean()


print(f"dense after 12 epochs: two sprites {after(12, of_two, 'dense'):.1f}, one {after(12, of_one, 'dense'):.1f} nats")

# another order of rounding, on another machine, moves a training of so few steps by some 0.1 nats: quoted within 1
quoted("-29.9", after(12, of_two, "conv"), within=1)
quoted("-38.4", after(12, of_two, "conv, pixels shuffled"), within=1)
quoted("-39.3", after(12, of_two, "dense"), within=1)
quoted("-34.4", after(48, of_two, "dense"), within=1)
quoted("-34.5", after(48, of_two, "dense, pixels shuffled"), within=1)
quoted("-29.4", after(12, of_two, "dense, 4 x parameters"), within=1)
quoted("-27.9", after(24, of_two, "dense, 4 x parameters"), within=1)
quoted("-27.7", after(48, of_two, "dense, 4 x parameters"), within=1)
quoted("-27.2", after(24, of_two, "conv"), within=1)
quoted("-33.6", after(24, of_two, "conv, pixels shuffled"), within=1)
quoted("-16.5", after(12, of_one, "conv"), within=1)
quoted("-18.8", after(12, of_one, "dense"), within=1)
quoted("-14.8", after(24, of_one, "conv"), within=1)
quoted("-14.9", after(24, of_one, "dense"), within=1)
quoted("8.5", after(12, of_two, "conv") - after(12, of_two, "conv, pixels shuffled"), within=1)
quoted("6.4", after(24, of_two, "conv") - after(24, of_two, "conv, pixels shuffled"), within=1)
quoted("4.0", dense_vae(hidden=34).theta.size / conv_parameters)
spread = {name: np.ptp(values[:, -1]) for name, values in of_two.items()}
quoted("0.8", spread["conv"], within=1)
quoted("2.4", spread["dense"], within=1)
quoted("8", spread["dense, pixels shuffled"], within=2)
ahead = of_two["conv"][:, 11:24] - [of_two[name][:, 11:24] for name in ("dense", "conv, pixels shuffled")]
assert ahead.min() > 3  # with each seed, from epoch 12 to 24
gained = {name: curves[:, 23] - curves[:, 17] for name, curves in of_two.items() if curves.shape[1] >= 24}
late = of_two["dense, 4 x parameters"][:, 47] - of_two["dense, 4 x parameters"][:, 23]
print(
    f"conv from epoch 18 to 24: {gained['conv'].mean():+.2f}, the wide dense net from 24 to 48: {late.mean():+.2f} nats"
)
assert gained["conv"].mean() > 0.5 > late.mean()

# %%
with picture("10_contest") as path:
    drawings.contest(path, of_two, of_one)

# %% [markdown]
# **Read the picture.** Thin lines are the five trainings, the thick one is their mean. They differ at the end by 0.8
# nats (conv) to 8 nats (the dense net on shuffled pixels), so smaller differences than that, of one training each,
# would mean nothing. All numbers here are means of five. Left, two sprites:
#
# - *Equal parameters, equal epochs*: after 12 epochs conv is at -29.9, dense at -39.3 nats, and conv is ahead with each
# of the five seeds. Give the dense net four times the epochs, which take it about as long as conv its 12, and it comes
# to -34.4. It has 8 hidden units to say where two things are.
# - *Shuffled pixels* cost the conv net 8.5 nats after 12 epochs, where it is at -38.4, and 6.4 after 24, at -33.6; it
# is worse with each seed. The number of weights is the same, and so is the information in the images. What is lost is
# that neighbors belong together and that all places are alike. To the dense net shuffling is no more than another draw
# of its initial weights: the means are -34.4 and, shuffled, -34.5. Its five trainings are further apart there, 8 nats
# against 2.4; that is chance too.
# - *Parameters or seconds?* A dense net with 4.0 times the parameters comes to -29.4 in 12 epochs, as far as conv, and
# each of them takes it much less time: before conv has done its 12, it has done 24 and is at -27.9. But there it nearly
# stays, -27.7 after 48. Conv is at -27.2 after 24 epochs and is still rising. So here, on a processor, the wide net is
# the better buy for about the first second. With more time conv is, at a quarter of the parameters.
#
# Right, one sprite: conv is ahead after 12 epochs, -16.5 against -18.8 on average, though not with every seed. After 24
# they are equal, -14.8 and -14.9, and for that dense took a fraction of the time. Most images with one sprite were in
# the training data, so there is little that a net must conclude from one place to another.
#
# So "conv is better for images" is not a law. It knows two things about images in advance; that is worth more, the more
# places there are and the less of all combinations has been seen. A dense layer that looks at the image has weights
# that grow as the square of its side; a conv layer's do not grow at all. (Our conv net has dense layers too, between
# the smallest images and the latents: with 3,216 parameters most of its own, and these grow in the same way.) On MNIST,
# 28 x 28, conv is clearly ahead.
#
# ## Reconstructions and samples
#
# Now with your own `encode` and `decode`, and the weights that the training with seed 0 has found.


# %%
def draw_images(path, n=14):
    x, z = two.validation.x[:n], np.random.default_rng(3).standard_normal((n, 8))
    mu, _ = encode(x, *arrays(models["conv"].encoder))
    bands = {
        "x": x,
        "conv": sigmoid(decode(mu, *arrays(models["conv"].decoder))),
        "dense": models["dense"].reconstruct(x),
        "conv, samples": sigmoid(decode(z, *arrays(models["conv"].decoder))),
        "dense, samples": models["dense"].decode(z),
    }
    title = "held-out images, their reconstructions, and decoded draws from the prior"
    plot.walks(list(bands.values()), two.shape, path, title, list(bands))


with picture("10_images") as path:
    draw_images(path)

# %% [markdown]
# **Read the picture.** The conv VAE puts two spots in the right places where there are two; where they are close, it
# draws one long spot. None of the shapes is right: square or heart is worth few pixels at this size. The dense VAE,
# after its 48 epochs, finds most places, too, but its spots are blurred, and where it is in doubt they are faint or an
# arc joins them. Most of conv's samples are one or two spots, or two that touch; a few are crooked lines, which no
# training image has. Those of the dense VAE are rounder and softer.
#
# ## What each latent does
#
# Take one image, and move one of its latents from -3 to 3 while the others stay. The latents with the largest KL come
# first: they carry most.


# %%
def draw_walks(path):
    encoder, decoder = arrays(models["conv"].encoder), arrays(models["conv"].decoder)
    mu, log_var = encode(two.validation.x, *encoder)
    kl = (0.5 * (mu**2 + np.exp(log_var) - 1 - log_var)).mean(axis=0)  # (L,) nats
    order = np.argsort(-kl)
    z = latents.traverse(mu[0], order, np.linspace(-3, 3, 13))  # (L, 13, L)
    x_hat = sigmoid(decode(z.reshape(-1, 8), *decoder)).reshape(8, 13, 256)
    labels = [f"z[{i}], {kl[i]:.2f} nats" for i in order]
    plot.walks(list(x_hat), two.shape, path, "one latent at a time, from -3 to 3", labels, ["-3", *[""] * 11, "3"])
    return kl[order]


with picture("10_walks") as path:
    kl = draw_walks(path)

print(f"KL of the latents, together {kl.sum():.1f} nats")
quoted("9.3", kl.sum(), within=1)
assert kl.min() > 0.3

# %% [markdown]
# **Read the picture.** All eight latents are in use; together they carry 9.3 nats. Some have a meaning that one can
# name: one moves everything from top to bottom, one a little from left to right, some pull the two sprites apart, each
# along another direction. Nobody told them to. But none of them is "the row of the first sprite": to the likelihood
# there is no first and second sprite, only pixels.
#
# ## More to try
#
# 1. Train with your own functions to the end: 12 epochs, with Adam (lesson 5) in the place of plain descent. How much
# of the library's speed do you lose?
# 2. `dense_vae` at the rates 0.005 and 0.02 with two sprites: how much better does conv look against a bad rate?
# 3. Train conv on two sprites with 300 training images in the place of 1,000, and the wide dense net too: once for as
# many epochs as here, and once for as many steps. Who suffers more?
# 4. Three sprites in an image: `scenes(3)`. Are 8 latents enough?
# 5. Check `dx` of `double_backward` by the adjoint identity of lesson 4: without its bias, `double` is linear in x. In
# what else is it linear, and so could be checked in the same way?
#
# ## Questions
#
# <details><summary>Kernel 4, stride 2, padding 1: what becomes of a side of 7, and what comes back?</summary>7 becomes
# (7 + 2 - 4) // 2 + 1 = 3, and 3 becomes 2 times 3 = 6. For an odd side the decoder must add a row and a column: the
# library's output_padding.</details>
#
# <details><summary>Twice the side of the image: what happens to the parameters and the products of a conv layer, and of
# a dense layer from the image to 8 units?</summary>Conv: the same parameters, 4 times the products. Dense: 4 times of
# both.</details>
#
# <details><summary>In which layer of the conv net are most parameters, and in which most products?</summary>Most
# parameters are in the dense layer from 128 to 16, most products in the two convolutions between 8 and 5 channels. That
# is typical.</details>
#
# <details><summary>Why is there no ReLU after the last layer of encoder and decoder?</summary>mu, log_var and logits
# may be negative. After a ReLU every variance would be at least 1, and no pixel less probable than a half.</details>
#
# <details><summary>The conv net is ahead at equal parameters. Why is that not yet a reason to use it?</summary>Because
# parameters are not what it costs. Ask what is scarce: examples, memory, seconds; and compare at equal amounts of
# that.</details>
#
# ## Further reading
#
# - Y. LeCun and others, *Backpropagation applied to handwritten zip code recognition*, Neural Computation 1 (1989): why
# to share weights, with counts of parameters.
# - A. Radford, L. Metz, S. Chintala, *Unsupervised representation learning with deep convolutional generative
# adversarial networks* (2016), arXiv 1511.06434, section 3: strides in the place of pooling, both ways.
# - C. Burgess and others, *Understanding disentangling in beta-VAE* (2018), arXiv 1804.03599: traversals of sprites, by
# conv VAEs with kernel 4 and stride 2.
# - `minivae/layers/builders.py`: conv_encoder and conv_decoder for any side; `minivae/cli/walks.py`: `minivae
# traverse` for your own runs.

# %%
progress()
