# %% [markdown]
# # 10. Images: a conv VAE
#
# **You will build** the encoder and the decoder of a convolutional VAE from arrays, and the encoder's gradient. Then
# you compare it with a dense VAE that has as many parameters, and see what the convolution knows about images, and what
# it costs.
#
# **You need** lesson 4 (convolution) and lesson 9 (the loss of a VAE and its gradient). An hour is enough.
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

from minivae import VAE, Adam, fit, plot
from minivae.data import Split, load_data, sprites
from minivae.evaluate import latents
from minivae.plot import BLUE, CLASSES, GREY, ORANGE, figure_to
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
# First the arithmetic, since every conv net begins with it. From lesson 4: a kernel of $k$ fits at
# $\lfloor (n - k) / s \rfloor + 1$ places, if it moves by $s$. A border of $p$ zeros on both sides makes $n + 2 p$ of
# $n$.
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
# The transposed convolution goes the other way: $n$ patches, each $s$ further than the one before it, the last begins
# at $(n - 1) s$ and is $k$ long. Then $p$ is cut off at both ends.
#
# ### Exercise 10.2: `transposed_side`


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


def draw_net(path, sides, channels=(1, 5, 8, 8, 5, 1), L=8):
    from matplotlib.patches import Rectangle

    with figure_to(path, (10, 2.4)) as figure:
        ax = figure.subplots()
        ax.set(xlim=(-0.5, 114.5), ylim=(-11, 13), aspect="equal")
        ax.axis("off")
        centers = [8, 27, 42, 71, 86, 106]
        for i, (x, n, c) in enumerate(zip(centers, sides, channels)):
            color = BLUE if i < 3 else ORANGE
            for k in reversed(range(c)):
                at = x - n / 2 + 0.35 * k, -n / 2 + 0.35 * k
                ax.add_patch(Rectangle(at, n, n, facecolor="white", edgecolor=color, lw=0.9))
            ax.text(x, -n / 2 - 1, f"{n} x {n} x {c}", ha="center", va="top")
        for x, text in ((55.5, "mu\nlog_var"), (62.5, "z")):
            ax.text(x, 0, text, ha="center", va="center", fontsize=11)
        ax.text(59, -5, f"{L} latents", ha="center", va="top")
        for start, end, text in ((16.8, 22.2, "conv"), (33.5, 39.2, "conv"), (47.3, 51.8, "dense"), (59, 61.5, ""),
                                 (63.7, 68.2, "dense"), (76.3, 81.2, "conv'"), (92.5, 97.3, "conv'")):  # fmt: skip
            ax.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "->", "color": GREY, "lw": 1.5})
            ax.text((start + end) / 2, 1, text, ha="center", fontsize=9)
        ax.text(26, 11.5, "encoder: sides are halved", color=BLUE, ha="center", fontsize=11)
        ax.text(88, 11.5, "decoder: sides are doubled", color=ORANGE, ha="center", fontsize=11)
        ax.text(59, 11.5, "sample", ha="center", fontsize=11)


with picture("10_net") as path:
    draw_net(path, all_sides())

# %% [markdown]
# ## Costs
#
# Two numbers say what a layer costs: how many **parameters** it has, and how many **products** of two numbers it
# computes for one image. For a dense layer they are nearly the same, since each weight is used once: $n_\text{in}
# n_\text{out}$ products, and $n_\text{out}$ biases besides.
#
# A convolution has $k \cdot k \cdot c_\text{in} \cdot c_\text{out}$ weights and $c_\text{out}$ biases, whatever the
# size of the image. But each weight is used at every place of the output, so with an output of side $n$ there are
# $n \cdot n$ times as many products as weights.
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
quoted("7.9", conv_products / dense_products)

# %% [markdown]
# 4,675 parameters against 4,576: equal, within a few percent. But the conv net computes 7.9 times as many products.
# Parameters are what has to be learned; products are what has to be waited for. Keep that in mind.
#
# ## The encoder
#
# What you wrote in lesson 4, with kernel 4, stride 2, padding 1:

# %%
conv_forward, conv_backward, conv_transpose = (exercise(number).reference for number in ("4.3", "4.5", "4.6"))
BORDER = (0, 0), (1, 1), (1, 1), (0, 0)


def halve(x, W, b):
    """x (N, 2 h, 2 w, c_in) -> y (N, h, w, c_out)."""
    return conv_forward(np.pad(x, BORDER), W, b, 2)


def halve_backward(dy, x, W):
    """The gradients dx, dW, db of halve."""
    dx, dW, db = conv_backward(dy, np.pad(x, BORDER), W, 2)
    return dx[:, 1:-1, 1:-1], dW, db


def double(x, W, b):
    """x (N, h, w, c_in) -> y (N, 2 h, 2 w, c_out)."""
    return conv_transpose(x, W, 2)[:, 1:-1, 1:-1] + b


def relu(a):
    return np.maximum(a, 0)


# %% [markdown]
# Outside of the networks an example is always a row, `x` (N, D), whatever it shows. So an encoder begins with a reshape
# to images, (N, side, side, 1) with side $= \sqrt D$, and ends flat:
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
# All of it in a mirror. A dense layer makes enough numbers for a small image with $c$ channels, where $c$ is the third
# axis of $W_2$; the image grows twice:
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
# From the right arrive `dmu` and `dlog_var` (lesson 9 has made them: one part from the reconstruction, one from the
# KL). Go back through the lines of `encode`, from the last to the first:
#
# - `mu` and `log_var` were cut out of `out`: put their gradients side by side, $d\text{out}$ (N, 2 L).
# - The dense layer: $dW_3 = \mathrm{flat}(h_2)'\, d\text{out}$, $db_3$ the sum over the examples, and
# $d\text{out}\, W_3'$ goes on.
# - Making it flat changed no number: give $d\text{out}\, W_3'$ the shape of $h_2$, and it is $dh_2$.
# - ReLU: times $[h_2 > 0]$. Then `halve_backward` with the input of that layer, $h_1$, gives $dh_1, dW_2, db_2$.
# - The same once more, with the images as input. What would be $dx$ is not needed.
#
# ### Exercise 10.6: `encode_backward`
#
# Return `dW1, db1, dW2, db2, dW3, db3`.


# %%
def encode_backward(dmu, dlog_var, x, W1, b1, W2, b2, W3, b3):
    # Exercise 10.6: dW1, db1, dW2, db2, dW3, db3
    ### BEGIN SOLUTION
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
# The decoder's gradient would be built in the same way; it is left to you (*More to try*). `VAE.build` of the library
# has both, and that they are yours is shown next.
#
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
    x, dmu, dlog_var = rng.random((5, 256)), rng.standard_normal((5, 8)), rng.standard_normal((5, 8))
    (mu, log_var), cache = model.encoder.forward(x)
    model.encoder.backward((dmu, dlog_var), cache)
    weights = arrays(model.encoder)
    mine = *encode(x, *weights), *encode_backward(dmu, dlog_var, x, *weights), decode(mu, *arrays(model.decoder))
    theirs = mu, log_var, *arrays(model.encoder, "grad"), model.decoder(mu)
    return max(np.abs(a - b).max() for a, b in zip(mine, theirs))


print(f"largest difference between yours and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12
assert (conv_vae().theta.size, dense_vae().theta.size) == (conv_parameters, dense_parameters)

# %% [markdown]
# ## Train them
#
# The images are small *sprites*, drawn by formula: a square, an ellipse or a heart, upright or turned, at 16 x 16
# places. That is 1,536 images with one sprite. We make two data sets of 1,200 images each, of which 1,000 are for
# training: one with one sprite in each image, one with two.
#
# Mind the difference. Of all images with one sprite, most are in the training data, and a held-out one has neighbors
# there, a place further on. Of the pairs there are about a million: what comes in validation is like nothing that has
# been seen, except that its *parts* have.


# %%
def scenes(n_sprites):
    places = list(range(0, 32, 2))
    images, _ = sprites(side=16, scale=[2], orientation=[0, 5], x=places, y=places)
    quoted("1536", len(images))
    rng = np.random.default_rng(n_sprites)
    chosen = np.stack([rng.permutation(len(images))[:1200] for _ in range(n_sprites)])  # (n_sprites, 1200)
    return load_data(images[chosen].max(axis=0)[..., None], split_order="tail")


def shuffled(data):
    order = np.random.default_rng(0).permutation(256)
    train, validation = (Split(part.x[:, order], None) for part in (data.train, data.validation))
    return dataclasses.replace(data, train=train, validation=validation)


one, two = scenes(1), scenes(2)
assert (len(two.train.x), len(two.validation.x)) == (1000, 200)
assert 1536**2 / 2 > 1e6

# %% [markdown]
# Who trains? The conv VAE, for 12 epochs. The dense one, for 48, since its epochs are several times as fast.
# The same conv VAE on images whose pixels were shuffled, in the same way for all. And a dense VAE with 34 hidden units,
# which has four times the parameters. Learning rates were tried first, 0.005, 0.01 and 0.02, lest the comparison be one
# of rates: with two sprites 0.01 is the best for each net, or within a nat of it, and with one sprite 0.02.


# %%
def train(model, data, epochs, rate):
    return fit(model, Adam(model, lr=rate), data, epochs=epochs, batch_size=32, progress=False)


def contest():
    models = {"conv": conv_vae(), "dense": dense_vae()}
    of_two = {
        "conv": train(models["conv"], two, 12, 0.01),
        "conv, pixels shuffled": train(conv_vae(), shuffled(two), 12, 0.01),
        "dense": train(models["dense"], two, 48, 0.01),
        "dense, 4 x parameters": train(dense_vae(hidden=34), two, 24, 0.01),
    }
    of_one = {"conv": train(conv_vae(), one, 12, 0.02), "dense": train(dense_vae(), one, 24, 0.02)}
    return models, of_two, of_one


def elbos(histories):
    """{name: validation ELBO after each epoch}; prints the last one, and the seconds."""
    for name, lines in histories.items():
        seconds = sum(line["seconds"] for line in lines)
        print(f"{name:<23} {len(lines)} epochs {seconds:5.1f} s   ELBO {lines[-1]['validation']['elbo']:6.1f} nats")
    return {name: [line["validation"]["elbo"] for line in lines] for name, lines in histories.items()}


models, of_two, of_one = contest()
print("two sprites in an image")
of_two = elbos(of_two)
print("one sprite in an image")
of_one = elbos(of_one)
print(f"dense after 12 epochs: two sprites {of_two['dense'][11]:.1f} nats, one {of_one['dense'][11]:.1f} nats")

# another order of rounding, on another machine, moves a training of so few steps by some 0.1 nats: quoted within 1
quoted("-29.5", of_two["conv"][-1], within=1)
quoted("-36.6", of_two["conv, pixels shuffled"][-1], within=1)
quoted("-39.1", of_two["dense"][11], within=1)
quoted("-33.4", of_two["dense"][-1], within=1)
quoted("-29.1", of_two["dense, 4 x parameters"][11], within=1)
quoted("-27.6", of_two["dense, 4 x parameters"][-1], within=1)
quoted("-15.9", of_one["conv"][-1], within=1)
quoted("-18.2", of_one["dense"][11], within=1)
quoted("-14.6", of_one["dense"][-1], within=1)
quoted("7", of_two["conv"][-1] - of_two["conv, pixels shuffled"][-1], within=1)
quoted("4.0", dense_vae(hidden=34).theta.size / conv_parameters)


# %%
def draw_contest(path):
    colors = dict(zip(of_two, (BLUE, GREY, ORANGE, CLASSES[3])))
    with figure_to(path, (10, 3.8)) as figure:
        left, right = figure.subplots(1, 2)
        for ax, curves in ((left, of_two), (right, of_one)):
            for name, values in curves.items():
                ax.plot(range(1, len(values) + 1), values, color=colors[name], label=name)
            ax.set(xlabel="epoch", ylabel="validation ELBO, nats")
            ax.legend(loc="lower right")
        left.set(title="two sprites: conv is ahead at equal parameters", ylim=(-72, -24))
        right.set(title="one sprite: a head start, no more", ylim=(-40, -12))


with picture("10_contest") as path:
    draw_contest(path)

# %% [markdown]
# **Read the picture.** Left, two sprites:
#
# - *Equal parameters, equal epochs*: conv -29.5, dense -39.1 nats. Give the dense net four times the epochs, which
# took it no more time, and it comes to -33.4. It has 8 hidden units to say where two things are.
# - *Shuffled pixels* cost the conv net 7 nats: it ends at -36.6. The number of weights is the same, and so is the
# information in the images. What is lost is that neighbors belong together and that all places are alike. A dense net
# would not notice the shuffling.
# - *Parameters or seconds?* A dense net with 4.0 times the parameters comes to -29.1 in as many epochs, each of which
# takes it much less time, and to -27.6 after 24. If seconds on this processor are what you pay, it is the better buy
# here; if you pay for parameters, conv is. (All this with one seed; another one moves each net by up to some 3 nats.)
#
# Right, one sprite: conv is ahead after 12 epochs, -15.9 against -18.2. But dense has done 24 before conv has done 12,
# and is at -14.6, ahead. Most images with one sprite were in the training data, so there is little that a net must
# conclude from one place to another.
#
# So "conv is better for images" is not a law. It knows two things about images in advance; that is worth more, the more
# places there are and the less of all combinations has been seen. With the side of the image the dense net's weights
# grow as its square, and a conv layer's do not grow at all. On MNIST, 28 x 28, conv is clearly ahead: see the README's
# table.
#
# ## Reconstructions and samples
#
# Now with your own `encode` and `decode`, and the weights that the training has found.


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


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
quoted("8.2", kl.sum(), within=1)
assert kl.min() > 0.3

# %% [markdown]
# **Read the picture.** All eight latents are in use; together they carry 8.2 nats. Some have a meaning that one can
# name: one moves everything from left to right, one from top to bottom, some pull the two sprites apart, each along
# another direction. Nobody told them to. But none of them is "the row of the first sprite": to the likelihood there is
# no first and second sprite, only pixels.
#
# ## More to try
#
# 1. Other seeds: `conv_vae(1)`, `dense_vae(1)`. By how much do the results move, and does the order change?
# 2. Shuffle the pixels for the dense VAE. What must come out, but for luck?
# 3. `dense_vae` at the rates 0.005 and 0.02 with two sprites: how much better does conv look against a bad rate?
# 4. Train conv on two sprites with 300 training images in the place of 1,000, and the wide dense net too. Who suffers
# more?
# 5. Three sprites in an image: `scenes(3)`. Are 8 latents enough?
# 6. Write `decode_backward`: from `dout` to `dz` and the six gradients. The backward of `double` by its input is
# `halve` with the channels of W exchanged and no bias. Compare with `model.decoder.backward`.
#
# ## Questions
#
# <details><summary>Kernel 4, stride 2, padding 1: what becomes of a side of 7, and what comes back?</summary>7 becomes
# (7 + 2 - 4) // 2 + 1 = 3, and 3 becomes 2 times 3 = 6. For an odd side the decoder must add a row: the library's
# output_padding.</details>
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
# - `minivae/layers/builders.py`: conv_encoder and conv_decoder for any side; `minivae/cli/pictures.py`: `minivae
# traverse` for your own runs.

# %%
progress()
