# %% [markdown]
# # 21. Codes
#
# **After this lesson you can** build a model whose latents are whole numbers, say why some of them are never used and
# cure that, and send a gradient through a choice in three ways, knowing what each is off by.
#
# **You will build** the nearest code of a code book, its straight-through gradient, code books that follow their
# places, and relaxed choices with their gradient. You train a *vector-quantized* VAE with them and draw new digits
# from its codes. For a model of one choice you compute the true gradient, and with it the error of every shortcut.
#
# **You need** lessons 8 and 10: the score function with its baseline, and a convolutional encoder and decoder. About
# 4 hours.
#
# ![Digits, below each a map of 16 numbers, and below that what the decoder makes of the numbers](picture:21_maps)
#
# *Held-out digits of 8 x 8 bits, and the only thing that the decoder is told of each: 16 whole numbers, one for each
# place of 2 x 2 pixels. Below, what it makes of them. The color of a number says how many pixels are white where it
# is used, from dark for none to light for all.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import dataclasses

import numpy as np

from minivae import Adam, fit, load_data
from minivae.data import Split
from minivae.evaluate import code_use
from minivae.models import VQVAE, GumbelVAE
from minivae.plot.lessons import lesson21 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

# %% [markdown]
# ## A code book
#
# So far a latent was a real number with some noise. But a word is one of many words, a note one of a few, and a line
# in a digit either goes up or does not. Let a latent be a *choice*, a whole number from 0 to K - 1.
#
# The encoder gives, for each of several *places* of an image, a row $z_n$ of $d$ numbers. The *code book* $e$ has K
# rows of $d$ numbers, the *codes*. Each place chooses the code that is nearest to it, and the decoder sees that code
# and nothing else:
#
# $$c_n = \arg\min_k \|z_n - e_k\|^2, \qquad z_{q,n} = e_{c_n} .$$
#
# (*argmin* is the $k$ at which something is least; $q$ is for *quantized*.) So an image of 16 places is passed on as
# 16 whole numbers below K.
#
# ### Exercise 21.1: `nearest`
#
# `z` is (N, d), `e` is (K, d). Return the numbers of the nearest codes, whole numbers (N,).


# %%
def nearest(z, e):
    # Exercise 21.1: codes
    ### BEGIN SOLUTION
    # ||z - e||^2 = ||z||^2 - 2 z e + ||e||^2, of which the first is the same for all codes
    return ((e**2).sum(axis=1) - 2 * z @ e.T).argmin(axis=1)
    ### END SOLUTION


# %%
check("21.1", nearest)

# %% [markdown]
# ## Straight through
#
# Training needs the slope of the loss in $z$. There is none: move $z_n$ a little, and the nearest code stays what it
# is; move it across a border, and $z_q$ jumps. The derivative is 0 or does not exist.
#
# Van den Oord and others (2017) act as if the choice were not there. Write sg[a], *stop gradient*, for a number that
# is $a$, but is treated as a constant when one differentiates. They decode
#
# $$z_q = z + \text{sg}[e_c - z] ,$$
#
# which is $e_c$, and whose slope in $z$ is 1. What arrives at $z_q$ from the decoder goes to $z$ *as it is*: straight
# through. This is not the gradient of the loss, which is 0 wherever it exists. It is the slope of $f$ at the code, in
# the place of that at $z$; where $f$ is smooth, the two differ the less the nearer $z$ is to its code. (How wrong such
# a shortcut can be we shall measure for another choice, one by chance, whose true gradient is known.) So there are two
# more parts in the loss, with a weight `commit`:
#
# $$\text{loss} = f(z_q) + \text{commit} \sum_n \|z_n - \text{sg}[e_{c_n}]\|^2
#   + \sum_n \|\text{sg}[z_n] - e_{c_n}\|^2 ,$$
#
# where $f$ is $-\log p(x \mid z_q)$. The second part, the *commitment*, pulls places to their codes, and the third
# pulls codes to their places. It is one squared distance, cut in two, so that the two pulls can have weights of their
# own.
#
# ### Exercise 21.2: `quantize_backward`
#
# `dz_q` (N, d) is what arrives, `z` (N, d), `e` (K, d), `codes` (N,), `commit` a number. Return `dz` (N, d), of the
# whole loss, and `de` (K, d). $f$ gives the codes nothing, since $e_c$ is inside sg[] there. Several places may have
# chosen the same code.


# %%
def quantize_backward(dz_q, z, e, codes, commit):
    # Exercise 21.2: dz, de
    ### BEGIN SOLUTION
    off = z - e[codes]
    de = np.zeros_like(e)
    np.add.at(de, codes, -2 * off)  # += for each place, also where codes repeat
    return dz_q + 2 * commit * off, de
    ### END SOLUTION


# %%
check("21.2", quantize_backward)

# %% [markdown]
# ## Codes that follow
#
# The third part of the loss needs no rate and no optimizer. The same paper has another way to let codes follow their
# places. Let $n_k$ places of a batch choose code $k$, and let $s_k$ be the sum of these places, d numbers. Keep
# moving averages of both, and take their quotient for the code:
#
# $$\text{count}_k \leftarrow \text{decay} \cdot \text{count}_k + (1 - \text{decay}) \, n_k, \qquad
#   \text{total}_k \leftarrow \text{decay} \cdot \text{total}_k + (1 - \text{decay}) \, s_k, \qquad
#   e_k = \frac{\text{total}_k}{\text{smoothed}_k} .$$
#
# If nobody chooses a code for very long, both numbers underflow, and in the end their quotient is 0 / 0. Hence counts
# are smoothed (Laplace), by a small number tiny, and scaled so that the new counts keep their sum,
# $S = \sum_j \text{count}_j$:
#
# $$\text{smoothed}_k = \frac{\text{count}_k + \text{tiny}}{S + K \, \text{tiny}} \, S .$$
#
# ### Exercise 21.3: `follow`
#
# `count` (K,), `total` (K, d), `z` (N, d), `codes` (N,), `decay` and `tiny` numbers. Return the new `count`, the new
# `total`, and `e`, which is made of the two new ones.


# %%
def follow(count, total, z, codes, decay, tiny):
    # Exercise 21.3: count, total, e
    ### BEGIN SOLUTION
    n, s = np.bincount(codes, minlength=len(count)), np.zeros_like(total)
    np.add.at(s, codes, z)
    count, total = decay * count + (1 - decay) * n, decay * total + (1 - decay) * s
    S = count.sum()
    smoothed = (count + tiny) / (S + len(count) * tiny) * S
    return count, total, total / smoothed[:, None]
    ### END SOLUTION


# %%
check("21.3", follow)

# %% [markdown]
# ### Where does that end?
#
# *Given*: the same batch in every step, with the same choices (`z` and `codes` do not change), and tiny = 0, so that
# $e_k = \text{total}_k / \text{count}_k$. At the start count and total are some numbers, count above 0. decay is
# between 0 and 1. *Wanted*: what each $e_k$ tends to, after more and more steps. Some codes are chosen by places of
# the batch, and some by none: $n_k = 0$. Mind the second kind.
#
# ### Exercise 21.4: `settled`
#
# Derive both limits. Then write them: `count` (K,) and `total` (K, d) are those of the start. Return `e` (K, d).
#
# <details><summary>Derivation, step 1: what happens to count in two steps?</summary>
#
# Write $a$ for decay. After one step it is $a \, \text{count} + (1 - a) n$. Put that in again:
#
# $$a^2 \, \text{count} + a (1 - a) n + (1 - a) n .$$
#
# </details>
#
# <details><summary>Derivation, step 2: and in t steps?</summary>
#
# What was there at the start has been multiplied by $a$ in each. What was added are the terms of a geometric series,
# $(1 - a) n (1 + a + \dots + a^{t - 1})$, and you know its sum. The same holds for total, with $s_k$.
#
# </details>
#
# <details><summary>Derivation, step 3: what is the quotient?</summary>
#
# Write down total over count after $t$ steps. Where $n_k$ is not 0, let $t$ grow: which terms vanish? Where
# $n_k = 0$, $s_k$ is 0 as well. What is left above and below, and does it depend on $t$?
#
# </details>


# %%
def settled(count, total, z, codes):
    # Exercise 21.4: e
    ### BEGIN SOLUTION
    # (a^t total + (1 - a^t) s) / (a^t count + (1 - a^t) n): s / n in the limit; total / count at every t if n = 0
    n, s = np.bincount(codes, minlength=len(count))[:, None], np.zeros_like(total)
    np.add.at(s, codes, z)
    return np.where(n > 0, s / np.maximum(n, 1), total / count[:, None])
    ### END SOLUTION


# %%
check("21.4", settled)

# %% [markdown]
# Two things follow. A code that is chosen ends as the mean of its places. That is also where the third part of the
# loss is least: its slope in $e_k$ is $-2 (s_k - n_k e_k)$, and 0 there. Choose again, go to the means again, and so
# on: this is *k-means*, a method of 1957 to sort points into K groups. Neither step can raise the squared distance.
# The first takes the least for each place, and the second the best code for each group.
#
# And a code that is not chosen *does not move*. It stays where it began, and if that is far from all places, nobody
# chooses it. It is a *dead code*. (That is for tiny = 0. With a tiny above 0 such a code falls to 0 once its count has
# fallen to tiny, after about $\log(1 / \text{tiny}) / (1 - \text{decay})$ steps: 1,151 for the 0.00001 and the 0.99
# below, where a training has 200. From there places near 0 may choose it again.)
#
# Here are both, without any net: the places are the four pixels of every 2 x 2 block of the digits, 16 blocks each,
# with their grey levels from 0 to 1. (All other cells have bits, on or off.)


# %%
def load_digits():
    """Digits whose pixels are 1 where their grey level is above one half, else 0; and the grey levels to train on."""
    data = load_data("digits", likelihood="gaussian-fixed")
    train, validation = (Split((part.x > 0.5).astype("float32"), part.y) for part in (data.train, data.validation))
    return dataclasses.replace(data, train=train, validation=validation), data.train.x.astype(float)


def blocks(x):
    """The four pixels of each of 16 blocks: (N, 64) -> (16 N, 4)."""
    return x.reshape(-1, 4, 2, 4, 2).swapaxes(2, 3).reshape(-1, 4)


def alternate(z, e, rounds=8):
    """The mean squared distance after the last round of choosing and settling, and how many codes are chosen there."""
    distances = []
    for _ in range(rounds):
        codes = nearest(z, e)
        distances.append(((z - e[codes]) ** 2).sum(axis=1).mean())
        e = settled(np.ones(len(e)), e, z, codes)
    assert np.all(np.diff(distances) <= 1e-12)
    return distances[-1], len(np.unique(codes))


def long_run():
    """`follow`, many times with one batch, is `settled`."""
    rng = np.random.default_rng(0)
    z, codes = rng.standard_normal((50, 3)), rng.integers(0, 6, 50)
    count, total = np.ones(8), rng.standard_normal((8, 3))
    n, t = count, total
    for _ in range(500):
        n, t, e = follow(n, t, z, codes, 0.9, 0.0)
    return np.abs(e - settled(count, total, z, codes)).max()


def two_starts(K=64):
    z, rng = blocks(grey), np.random.default_rng(0)
    different = np.unique(z, axis=0)  # many blocks are all black
    places = different[rng.choice(len(different), K, replace=False)]
    starts = {"drawn from N(0, 1)": rng.standard_normal((K, 4)), "places of the data": places}
    return {name: alternate(z, e) for name, e in starts.items()}


data, grey = load_digits()  # grey levels from 0 to 1 for the blocks alone
print(f"500 steps of follow are off settled by {long_run():.0e}")
assert long_run() < 1e-12
starts = two_starts()
for name, (distance, used) in starts.items():
    print(f"codes that begin as {name:<19} squared distance {distance:.4f}, {used} of 64 codes chosen")

# %% [markdown]
# Of 64 codes that begin at random 13 are chosen in the end. The pixels are from 0 to 1, and most random codes are not
# near any of them. If they begin *as places of the data*, all 64 are used, and the distance is a third.

# %%
quoted("13", starts["drawn from N(0, 1)"][1])
quoted("64", starts["places of the data"][1])
quoted("0.33", starts["places of the data"][0] / starts["drawn from N(0, 1)"][0], within=0.03)

# %% [markdown]
# ## Train it
#
# Now with an encoder and a decoder, convolutions of the library: 8 x 8 pixels become 4 x 4 places of $d = 8$ numbers.
# All that is between the two is yours. One step: encode, `nearest`, decode, go back through the decoder,
# `quantize_backward`, go back through the encoder, Adam, `follow`. The loss is a mean over the N images of a batch,
# so that what arrives holds a factor $1 / N$, and commit gets it as well. The codes learn by `follow` alone, so `de`
# is not used.
#
# With a net, places *move*. All codes may begin near places, and be left behind when the encoder has found something
# else. So a code must be able to come back. A **restart**: whenever the moving count of a code falls below 3 % of what
# it would be if all codes were chosen alike, it gets a count of twice that, lest it dies at once, and the total of a
# place of the batch, drawn at random, times that count. The next `follow` puts the code there.
#
# How many codes are used is told by the *perplexity*: $\exp H$, where $H = -\sum_k p_k \log p_k$ is the entropy of
# their shares $p_k$ of all places. It is K if all are used alike, and 1 if only one is.


# %%
K, WIDTH, COMMIT, DECAY, TINY = 64, 8, 1.0, 0.99, 1e-5


def vqvae(seed, prior="uniform"):
    """The library's, whose networks we use; float32."""
    return VQVAE.build((8, 8, 1), np.random.default_rng(seed), arch="conv", channels=(16,), hidden=(), codes=K,
                       width=WIDTH, prior=prior)  # fmt: skip


def restart(count, total, z, rng, least):
    """Codes whose count is below `least` are put to places of the batch."""
    dead, born = count < least, z[rng.integers(len(z), size=K)]
    return np.where(dead, 2 * least, count), np.where(dead[:, None], 2 * least * born, total)


def step(net, optimizer, x, e):
    """Encoder and decoder go down; returns z (16 N, d), codes (16 N,), and the mean of log p(x | z)."""
    net.zero_grad()
    rows, c_enc = net.encoder.forward(x)
    z = rows.reshape(-1, WIDTH)
    codes = nearest(z, e)
    out, c_dec = net.decoder.forward(e[codes].reshape(rows.shape))
    log_px_z, c_x = net.likelihood.forward(x, out)
    dz_q = net.decoder.backward(net.likelihood.backward(np.full(len(x), -1 / len(x)), c_x), c_dec)
    dz, _ = quantize_backward(dz_q.reshape(z.shape), z, e, codes, COMMIT / len(x))
    net.encoder.backward(dz.reshape(rows.shape), c_enc, need_dx=False)
    optimizer.step()
    return z, codes, log_px_z.mean()


def held_out(net, e):
    """Codes (N, 16) of the validation digits, and the mean of log p(x | z)."""
    x = data.validation.x.astype(float)
    rows = net.encoder(x)
    codes = nearest(rows.reshape(-1, WIDTH), e)
    log_px_z, _ = net.likelihood.forward(x, net.decoder(e[codes].reshape(rows.shape)))
    return codes.reshape(len(x), -1), log_px_z.mean()


def train(seed, restarts, epochs=20, batch=125):
    """net, e, and for each epoch (used codes, perplexity, log p(x | z)) of the validation digits."""
    net, rng, x = vqvae(seed).bind("float64"), np.random.default_rng(seed), data.train.x.astype(float)
    optimizer, count, total, log = Adam(net, lr=4e-3), np.ones(K), rng.standard_normal((K, WIDTH)), []
    e = total
    for _ in range(epochs):
        for rows in rng.permutation(len(x)).reshape(-1, batch):
            z, codes, _ = step(net, optimizer, x[rows], e)
            count, total, e = follow(count, total, z, codes, DECAY, TINY)
            if restarts:
                count, total = restart(count, total, z, rng, 0.03 * len(z) / K)
        codes, log_px_z = held_out(net, e)
        use = code_use(codes, K)
        log.append((use.used, use.perplexity, log_px_z))
    return net, e, np.array(log)


def at_first():
    """Before any training: mean squared lengths of places and of codes, and how many codes any place chooses."""
    z, e = vqvae(0).encoder(data.train.x).reshape(-1, WIDTH), np.random.default_rng(0).standard_normal((K, WIDTH))
    return (z**2).sum(axis=1).mean(), (e**2).sum(axis=1).mean(), len(np.unique(nearest(z, e)))


runs = {restarts: [train(seed, restarts) for seed in range(3)] for restarts in (False, True)}
for restarts, trained in runs.items():
    for *_, log in trained:
        print(f"restarts: {restarts!s:<5}  used {log[-1][0]:2.0f} of {K}, perplexity {log[-1][1]:4.1f}, "
              f"log p(x | z) {log[-1][2]:.1f} nats")  # fmt: skip
print("at first: squared length of places {:.1f}, of codes {:.1f}; {} codes are chosen".format(*at_first()))
last = {restarts: np.array([log[-1] for *_, log in trained]) for restarts, trained in runs.items()}
quoted("1151", np.log(1 / TINY) / (1 - DECAY))
quoted("200", 20 * len(data.train.x) / 125)
quoted("2.5", at_first()[0])
quoted("8.2", at_first()[1])
quoted("24", at_first()[2], within=1)
assert all(7 <= log[0][0] <= 15 and log[-1][0] - log[0][0] <= 5 for *_, log in runs[False])
assert all(log[-1][2] > log[-3][2] for trained in runs.values() for *_, log in trained)
assert 5 < last[False][:, 0].min() < last[False][:, 0].max() < 20 < 50 < last[True][:, 0].min()
assert last[False][:, 1].max() < 20 < 25 < last[True][:, 1].min()
quoted("-9", last[False][:, 2].mean(), within=2)
quoted("-4", last[True][:, 2].mean(), within=1.5)

# %%
with picture("21_dead") as path:
    drawings.dead(path, [[log for *_, log in trained] for trained in runs.values()], K)

# %% [markdown]
# **Read the picture.** Without restarts some 8 to 15 of the 64 codes are used after 20 epochs. Why? At first the
# codes have a squared length of 8.2 on average, being drawn from N(0, I) in 8 dimensions, and the places of 2.5. So
# the nearest code is one of the short ones: before any training only 24 are chosen, by all places of 1,250 digits
# together. The other 40 are dead at once, and of the 24 about half are lost in the first epoch; hardly any come back.
# With restarts more than 50 are used, and the perplexity is over 25. After 20 epochs log p(x | z) is about -4 nats in
# the place of -9, and all curves at the right still rise. That is not yet the ELBO: more codes have to be told apart,
# too. We come back to that when there is a $p(z)$.

# %% [markdown]
# Here is the picture of the beginning, from your own training with restarts. Below it, what the numbers mean. For
# each of the twelve codes that are used most: above, the mean of the 4 x 4 pixels around the places that chose it;
# below, at which of the 4 x 4 places it is chosen, and how often.


# %%
def around_places(x):
    """The 4 x 4 pixels around each 2 x 2 block: (N, 64) -> (N, 16, 4, 4)."""
    wide = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    return np.stack([wide[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] for i in range(4) for j in range(4)], axis=1)


def maps_of(net, e):
    """Validation digits, their codes, reconstructions, and how white the places of each code are (K,)."""
    x, (codes, _) = data.validation.x, held_out(net, e)
    white = np.array([blocks(x)[codes.reshape(-1) == k].mean() if k in codes else 0 for k in range(K)])
    x_hat = net.likelihood.mean(net.decoder(e[codes].reshape(len(x), -1)))
    return x, codes, x_hat, white


def meanings(x, codes, count=12):
    """Of the codes used most: (mean surroundings (4, 4), shares of the places (4, 4))."""
    use = code_use(codes, K)
    most = np.argsort(-use.shares)[:count]
    around = around_places(x)
    return [(k, around[codes == k].mean(axis=0), use.place_shares[:, k].reshape(4, 4)) for k in most], use.shares[most]


x_held, codes_held, x_hat_held, white = maps_of(*runs[True][0][:2])
one_of_each = [np.flatnonzero(data.validation.y == y)[0] for y in range(10)]
with picture("21_maps") as path:
    drawings.maps(path, x_held[one_of_each], codes_held[one_of_each], x_hat_held[one_of_each], white)

# %%
found, shares = meanings(x_held, codes_held)
_, around, places = found[0]
assert around.mean() < 0.15
assert places[:, [0, 3]].sum() > 0.7 * places.sum()
with picture("21_where") as path:
    drawings.where(path, found, shares)

# %% [markdown]
# **Read the picture.** Codes are parts of strokes: a corner, an edge with white to its right, the end of a line. The
# one that is used most is black and sits at the left and right border. A convolution treats all places alike, but for
# the zeros around the image: where a code is used says where such pixels are.
#
# ## A prior over codes
#
# To draw a new digit, draw 16 codes and decode them. From which $p(z)$? If all codes are as likely at all places,
# $-\log p(z) = 16 \log 64 = 66.5$ nats for every digit. That is no more than the length of a number in a list: with
# it one could tell any of $64^{16}$ maps from any other. Most of them are no digits.
#
# So learn $p(z)$, after or beside the rest. A better $p(z)$ gives the maps of digits a higher probability, which is
# fewer nats. The library has a *PixelCNN*: place after place it gives K probabilities, by convolutions that see only
# the places before, in the order of reading. Sampling goes in the same order. The loss of the prior is $-\log p(z)$
# of the codes of the training digits, and has a plain gradient, since the codes are data to it.
#
# The bound is that of lesson 7. The posterior of a VQ-VAE puts all on one map of codes, so that $\log q = 0$:
# $\text{ELBO} = \log p(x \mid z) + \log p(z)$. The KL *is* the length of the codes.


# %%
def lengths(model):
    """Nats of a validation digit's codes under four priors, each one learned from the training digits."""
    z, z_train = model.encode(data.validation.x), model.encode(data.train.x)
    counts = np.stack([np.bincount(column, minlength=K) for column in z_train.T]) + 1  # (16, K), none is 0
    shares, of_all = counts / counts.sum(axis=1, keepdims=True), counts.sum(axis=0) / counts.sum()
    return shares, {
        "uniform": 16 * np.log(K),
        "shares of the codes": -np.log(of_all[z]).sum(axis=1).mean(),
        "shares at each place": -np.log(shares[np.arange(16), z]).sum(axis=1).mean(),
        "PixelCNN": -model.prior.forward(z)[0].mean(),
    }


def drawn(model, shares, n=250):
    """Codes from three priors, decoded: {name: x_hat (n, 64)}."""
    rng = np.random.default_rng(0)
    by_place = np.stack([rng.choice(K, n, p=p) for p in shares], axis=1)
    return {"PixelCNN": model.sample(n, rng), "shares at each place": model.decode(by_place),
            "uniform": model.decode(rng.integers(0, K, (n, 16)))}  # fmt: skip


def to_nearest(x):
    """In how many of 64 pixels rows of bits differ from the training digit that is nearest, a mean and its error."""
    pixels = np.array([(data.train.x != (row > 0.5)).sum(axis=1).min() for row in x])
    return pixels.mean(), pixels.std() / len(x) ** 0.5


def with_a_prior():
    model = VQVAE.build((8, 8, 1), np.random.default_rng(0), arch="conv", channels=(16,), hidden=(), codes=K,
                        width=WIDTH, prior_width=32, prior_blocks=1)  # fmt: skip
    history = fit(model, Adam(model, lr=4e-3), data, epochs=25, batch_size=125, progress=False)
    shares, nats = lengths(model)
    images = {"held-out digits": data.validation.x} | drawn(model, shares)
    return model, history[-1], nats, images, {name: to_nearest(x) for name, x in images.items()}


quantized, last_epoch, nats, images, distances = with_a_prior()
for name, length in nats.items():
    print(f"{name:<21} {length:5.1f} nats")
for name, (mean, error) in distances.items():
    print(f"{name:<21} {mean:5.1f} +- {error:.1f} pixels from the nearest training digit")
quoted("66.5", nats["uniform"])
quoted("58", nats["shares of the codes"], within=3)
quoted("42", nats["shares at each place"], within=3)
assert nats["PixelCNN"] < 30
quoted("3.6", distances["held-out digits"][0])
quoted("15", distances["uniform"][0], within=1.5)
quoted("7", distances["shares at each place"][0], within=1)
quoted("5.6", distances["PixelCNN"][0], within=1)
assert distances["held-out digits"][0] < distances["PixelCNN"][0] < distances["shares at each place"][0] - 0.5
with picture("21_samples") as path:
    drawings.samples(path, images)

# %% [markdown]
# **Read the picture.** Uniform codes are no digits: they differ from the nearest digit in some 15 pixels of 64. If
# each place draws from its own shares, the middle is white and the border black, but the parts do not fit each other:
# some 7 pixels. With the PixelCNN they are nearest, with some 5.6, though not as near as held-out digits, with 3.6, and
# many are blobs rather than digits. In nats, of a held-out digit: 66.5 if all maps of codes are alike, some 58 by how
# often a code is used, 42 by how often at each place, and less than 30 if the places before are seen as well. What the
# prior knows is what a map of codes of a digit has in common with others.
#
# And what are restarts worth, in the ELBO? Take the three trainings with and the three without, and the shares at each
# place as the prior of each:


# %%
def elbo_by_place(net, e):
    """Mean ELBO and -log p(z) of validation digits; p(z) is the shares of the training codes at each place."""
    codes, log_px_z = held_out(net, e)
    train_codes = nearest(net.encoder(data.train.x.astype(float)).reshape(-1, WIDTH), e).reshape(-1, 16)
    counts = np.stack([np.bincount(column, minlength=K) for column in train_codes.T]) + 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    length = -np.log(shares[np.arange(16), codes]).sum(axis=1).mean()
    return log_px_z - length, length


def worth_of_restarts():
    found = {key: np.array([elbo_by_place(net, e) for net, e, _ in trained]) for key, trained in runs.items()}
    for restarts, rows in found.items():
        print(f"restarts: {restarts!s:<5}", *(f"ELBO {elbo:.1f}, length {length:.1f};" for elbo, length in rows))
    without, having = (found[restarts].mean(axis=0) for restarts in (False, True))
    assert found[False][:, 0].min() > found[True][:, 0].max()
    quoted("-34", without[0], within=2.5)
    quoted("-45", having[0], within=3)
    quoted("25", without[1], within=3)
    quoted("42", having[1], within=3)


worth_of_restarts()

# %% [markdown]
# With restarts the codes say more, and it costs more to write them down: 42 nats in the place of 25. Under this prior
# that is more than the reconstruction gains, and the ELBO falls from about -34 to about -45: the
# best of three trainings with restarts is below the worst without. So *more codes are no aim* in themselves. They pay
# where it is the reconstruction that counts. Whether they pay under a PixelCNN you can try below.
#
# ## Choices by chance
#
# The nearest code is a rule. A VAE has a distribution: let the encoder give K logits $l_k$, and choose $k$ with the
# probability $p_k = e^{l_k} / \sum_j e^{l_j}$, the softmax. A choice $k$ costs $f_k$, in a VAE $-\log p(x \mid k)$.
# (Some letters change their meaning here: this $e$ is the number 2.718..., not the code book, and $p$ without an
# argument is this softmax. Below, $S$ is the sum of exponentials, and $z$ the one-hot row of a choice.) Unlike a
# Gaussian $z$, one choice has only K values, and the average is a sum:
#
# $$E = \sum_k p_k f_k .$$
#
# *Given* are the logits and the costs $f_k$, which do not depend on them. *Wanted* is the gradient of $E$ in each
# logit $l_j$, made of $p$ and $f$.
#
# ### Exercise 21.5: `exact_gradient`
#
# Derive it. Then write it: `logits` and `f` are (N, K), N examples with K values each. Return `dlogits` (N, K), the
# gradient of the sum of all N averages. Logits may be large: `softmax` is given.
#
# <details><summary>Derivation, step 1: where is a logit?</summary>
#
# Let $S = \sum_j e^{l_j}$, so that $p_k = e^{l_k} / S$. The logit $l_j$ is in the numerator of $p_j$ alone, and in
# $S$, that is in all $p_k$. The derivative of $S$ in $l_j$ is $e^{l_j}$.
#
# </details>
#
# <details><summary>Derivation, step 2: what is the derivative of one probability?</summary>
#
# By the rule of the quotient, for $k = j$ and for $k \ne j$:
#
# $$\frac{\partial p_j}{\partial l_j} = \frac{e^{l_j}}{S} - \frac{e^{l_j} e^{l_j}}{S^2}, \qquad
#   \frac{\partial p_k}{\partial l_j} = - \frac{e^{l_k} e^{l_j}}{S^2} .$$
#
# Write both with $p$ in the place of the exponentials.
#
# </details>
#
# <details><summary>Derivation, step 3: what is the sum over k?</summary>
#
# Multiply each by $f_k$ and add. The second kind of term is there for all $k$, also for $k = j$. It has the factor
# $p_j$ in common; what is left in its sum is a quantity that has a name above.
#
# </details>


# %%
def softmax(a):
    weight = np.exp(a - a.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def exact_gradient(logits, f):
    # Exercise 21.5: dlogits
    ### BEGIN SOLUTION
    # dE / dl_j = p_j f_j - p_j sum_k p_k f_k
    p = softmax(logits)
    return p * (f - (p * f).sum(axis=1, keepdims=True))
    ### END SOLUTION


# %%
check("21.5", exact_gradient)

# %% [markdown]
# Read it: a logit should fall if its value costs more than the average, the faster the more often it is chosen. With
# one choice this is all one needs. But T choices have $K^T$ values together, and nobody computes that many costs. One
# has to draw, and to find a slope for what is drawn.
#
# ## Gumbel: where to put the noise
#
# In lesson 8 a Gaussian sample was made of $\mu$, std and noise that has no parameters. For a choice this does it:
# add to each logit a number $g_k$ of its own, and take the largest,
#
# $$k = \arg\max_k \, (l_k + g_k), \qquad P(g \le a) = e^{-e^{-a}} .$$
#
# This is the *Gumbel distribution*; $-\log(-\log u)$ is a draw from it if $u$ is uniform between 0 and 1.
#
# **Value $k$ wins with probability $p_k$.** Let $s_j = l_j + g_j$. Then $P(s_j \le s) = e^{-e^{l_j - s}}$, and the
# density of $s_k$ is its derivative, $e^{l_k - s} \, e^{-e^{l_k - s}}$. Value $k$ wins if $s_k$ is some $s$ and all
# others are below:
#
# $$P(k \text{ wins}) = \int e^{l_k - s} \, e^{-e^{l_k - s}} \prod_{j \ne k} e^{-e^{l_j - s}} \, ds
#   = \int e^{l_k - s} \, e^{-S e^{-s}} \, ds, \qquad S = \sum_j e^{l_j} .$$
#
# Substitute $u = e^{-s}$, so $du = -e^{-s} ds$, and $s$ from $-\infty$ to $\infty$ is $u$ from $\infty$ to 0:
#
# $$P(k \text{ wins}) = e^{l_k} \int_0^\infty e^{-S u} \, du = \frac{e^{l_k}}{S} = p_k .$$
#
# Now the noise is an input. But argmax has no slope. Jang and others, and Maddison and others, both in 2017, put a
# softmax in its place, whose *temperature* says how hard it is:
#
# $$z = \text{one-hot}(\arg\max_k (l_k + g_k)), \qquad
#   y_k = \frac{e^{(l_k + g_k) / \text{temperature}}}{\sum_j e^{(l_j + g_j) / \text{temperature}}} .$$
#
# (*one-hot*: a row of zeros with a 1 at $k$.) $y$ is a *relaxed* choice: K numbers above 0 with the sum 1, which come
# near $z$ as the temperature goes to 0.
#
# ### Exercise 21.6: `gumbel_softmax`
#
# `logits` and `gumbel` are (N, K), `temperature` a number. Return `z` and `y`, (N, K) each, made of the same noise.
# Temperatures may be very low: then an exponential is infinite, unless the largest number of its row is subtracted
# first, which leaves the quotient as it is. The `softmax` above does that.


# %%
def gumbel_softmax(logits, gumbel, temperature):
    # Exercise 21.6: z, y
    ### BEGIN SOLUTION
    scores = logits + gumbel
    return np.eye(logits.shape[1])[scores.argmax(axis=1)], softmax(scores / temperature)
    ### END SOLUTION


# %%
check("21.6", gumbel_softmax)

# %% [markdown]
# ### Exercise 21.7: `gumbel_softmax_backward`
#
# From the right arrives `dy` (N, K). Return `dlogits` (N, K), made of `dy`, `y` and `temperature`. You have derived
# the slopes of a softmax in 21.5, in terms of its result $p$. Here the result is `y`, already at hand; what is new is
# what the softmax gets.


# %%
def gumbel_softmax_backward(dy, y, temperature):
    # Exercise 21.7: dlogits
    ### BEGIN SOLUTION
    return y * (dy - (y * dy).sum(axis=1, keepdims=True)) / temperature
    ### END SOLUTION


# %%
check("21.7", gumbel_softmax_backward)

# %% [markdown]
# ## How wrong are the shortcuts?
#
# A decoder takes any K numbers, not only one-hot rows. Let $F(z)$ be its cost, so that $f_k = F(\text{one-hot}_k)$,
# and $F'(z)$ its slope in $z$, K numbers. One draw can then say, of the gradient in the logits:
#
# - **relaxed**: decode $y$, and send $F'(y)$ back through $y$. It is the exact gradient of $\mathbb{E}[F(y)]$, which
#   is another function than $E = \mathbb{E}[F(z)]$.
# - **straight-through**: decode $z$, and send $F'(z)$ back as if it were that of $p$, through the softmax at
#   temperature 1.
# - **score function** (lesson 8): $(F(z) - b) \, \partial \log p_k / \partial l$. Since $\log p_k = l_k - \log S$,
#   that slope is $z - p$. Its mean is exact, whatever the baseline $b$ is, if only $b$ does not depend on the draw.
#
# The first two use the slope of $F$ at one point, where what counts is the *difference* of $F$ between K points. If
# $F$ is linear, its slope is the same everywhere: it is the row of the costs $f_k$, up to a constant. Then
# straight-through is your `exact_gradient`. But no decoder with a likelihood behind it is linear.
#
# **Two values and one pixel.** The decoder's mean is 0 for value 0 and 2 for value 1, in general $2 z_1$. The pixel
# is $x = 0.9$ with the variance 0.5: $F(z) = (0.9 - 2 z_1)^2$ and a constant. So value 0 is better, $f_0 = 0.81$ and
# $f_1 = 1.21$, and the logit of value 1 should fall:
#
# $$\frac{\partial E}{\partial l_1} = p_0 p_1 (f_1 - f_0) = 0.4 \, p_0 p_1 .$$
#
# Along the way from value 0 to 1 the slope of $F$ is $F'_1 - F'_0 = -4 (0.9 - 2 z_1)$: at value 0 it is $-3.6$, at
# value 1 it is $4.4$. Straight-through sees the one or the other, with the probabilities $p_0$ and $p_1$. Its mean is
# a finite sum:
#
# $$p_0 p_1 \, (-3.6 \, p_0 + 4.4 \, p_1) .$$
#
# It is the exact gradient for $p_1 = 0.5$ alone. Below $p_1 = 0.45$ it has the *wrong sign*, and pushes value 1 up.
#
# For relaxed choices the mean is an integral over the noise. With two values only the difference $g_1 - g_0$ counts.
# It is below $a$ as often as value 0 wins with the logits $a$ and 0, that is with probability $1 / (1 + e^{-a})$; its
# density is the derivative of that. So a sum over a fine grid gives the mean to many digits: *quadrature*.


# %%
def pixel_cost_slope(z, x=0.9, var=0.5):
    """F'(z) of one pixel whose mean is 2 z_1: (N, 2) -> (N, 2)."""
    return np.stack([0 * z[:, 1], -2 * (x - 2 * z[:, 1]) / var], axis=1)


def by_quadrature(logit, temperature, n=20_001):
    """Mean gradient in l_1 of relaxed choices, logits (0, logit)."""
    a = np.linspace(-40, 40, n)
    weight = np.exp(-np.abs(a)) / (1 + np.exp(-np.abs(a))) ** 2 * (a[1] - a[0])
    _, y = gumbel_softmax(np.tile([0, logit], (n, 1)), np.stack([0 * a, a], axis=1), temperature)
    return weight @ gumbel_softmax_backward(pixel_cost_slope(y), y, temperature)[:, 1]


def by_enumeration(logit):
    """Mean gradient in l_1 of straight-through choices: both values, times their probabilities."""
    p = softmax(np.tile([0.0, logit], (2, 1)))
    return p[0] @ gumbel_softmax_backward(pixel_cost_slope(np.eye(2)), p, 1.0)[:, 1]


def two_values():
    """p_1, and {name: mean gradient in l_1}."""
    p1 = np.linspace(0.01, 0.99, 99)
    logits, costs = np.log(p1 / (1 - p1)), np.array([[0.81, 1.21]])
    slopes = {"exact": [exact_gradient(np.array([[0, a]]), costs)[0, 1] for a in logits],
              "straight-through": [by_enumeration(a) for a in logits]}  # fmt: skip
    for temperature in (1.0, 0.5, 0.1):
        slopes[f"relaxed, {temperature:g}"] = [by_quadrature(a, temperature) for a in logits]
    slopes = {name: np.array(values) for name, values in slopes.items()}
    np.testing.assert_allclose(slopes["exact"], 0.4 * p1 * (1 - p1), rtol=1e-9)
    np.testing.assert_allclose(slopes["straight-through"], p1 * (1 - p1) * (-3.6 * (1 - p1) + 4.4 * p1), atol=1e-12)
    return p1, slopes


# %% [markdown]
# **Four values and two pixels.** Now a model with some room: $K = 4$, and $F(z) = \|x - z W\|^2$ and a constant,
# where $W$ has a row of two means for each value. The exact gradient is a sum of four terms, straight-through is
# enumerated, and the others are averaged over 200,000 draws.

# %%
W = np.array([[0, 0], [2, 0], [0, 2], [2.2, 2]])
X, LOGITS = np.array([0.9, 0.7]), np.array([[0.5, 0, -0.5, 0.3]])
VAR = 0.5


def cost(z):
    """F(z) = -log p(x | z): (N, 4) -> (N,) nats."""
    return ((X - z @ W) ** 2).sum(axis=1) / (2 * VAR) + np.log(2 * np.pi * VAR)


def cost_slope(z):
    return -(X - z @ W) @ W.T / VAR


COSTS = cost(np.eye(4))[None]  # (1, 4)


def draws(how, logits, gumbel, temperature):
    """What each draw says of dE / dlogits: logits (1, 4), gumbel (M, 4) -> (M, 4)."""
    logits = np.broadcast_to(logits, gumbel.shape)
    z, y = gumbel_softmax(logits, gumbel, temperature)
    if how == "relaxed":
        return gumbel_softmax_backward(cost_slope(y), y, temperature)
    p = softmax(logits)
    if how == "straight-through":
        return gumbel_softmax_backward(cost_slope(z), p, 1.0)
    f = cost(z)
    baseline = (f.sum() - f) / (len(f) - 1) if how == "score, baseline" else 0.0
    return (f - baseline)[:, None] * (z - p)


HOW = "straight-through", "score function", "score, baseline"


def bias_and_variance(M=200_000):
    """Relative to the exact gradient: {how: (bias, its error, variance of a draw)}, for relaxed at each temperature."""
    gumbel, temperatures = np.random.default_rng(0).gumbel(size=(M, 4)), np.geomspace(0.05, 5, 9)
    exact = exact_gradient(LOGITS, COSTS)[0]
    size = np.linalg.norm(exact)

    def measured(how, temperature=1.0):
        d = draws(how, LOGITS, gumbel, temperature)
        variance = d.var(axis=0).sum()
        return np.linalg.norm(d.mean(axis=0) - exact) / size, (variance / M) ** 0.5 / size, variance / size**2

    found = {how: measured(how) for how in HOW}
    p = softmax(LOGITS)[0]
    enumerated = p @ gumbel_softmax_backward(cost_slope(np.eye(4)), np.tile(p, (4, 1)), 1.0)
    true_bias = np.linalg.norm(enumerated - exact) / size
    assert abs(found["straight-through"][0] - true_bias) < 4 * found["straight-through"][1]
    for how in HOW[1:]:
        assert found[how][0] < 3 * found[how][1]
    found["straight-through"] = true_bias, 0.0, found["straight-through"][2]
    relaxed = np.array([measured("relaxed", t) for t in temperatures])
    return temperatures, relaxed, found


temperatures, relaxed, others = bias_and_variance()
p1, slopes = two_values()
for t, (bias, error, variance) in zip(temperatures, relaxed):
    print(f"relaxed at {t:<8.2g}  bias {bias:.3f} +- {error:.3f}   variance of a draw {variance:8.2f}")
for how, (bias, error, variance) in others.items():
    print(f"{how:<19}  bias {bias:.3f} +- {error:.3f}   variance of a draw {variance:8.2f}")
quoted("0.45", p1[np.flatnonzero(slopes["straight-through"] > 1e-9)[0] - 1])
quoted("0.38", p1[np.flatnonzero(slopes["relaxed, 1"] > 0)[0]], within=0.01)
quoted("0.42", others["straight-through"][0])
quoted("0.86", relaxed[-1, 0])
assert relaxed[0, 0] < 0.1
quoted("0.01", relaxed[-1, 2])
quoted("96", relaxed[0, 2], within=2)
assert 0.8 < relaxed[0, 2] * temperatures[0] / (relaxed[2, 2] * temperatures[2]) < 1.25  # like 1 / temperature
quoted("36", others["score function"][2])
quoted("1.2", others["score, baseline"][2])
quoted("12.6", others["straight-through"][2], within=0.2)
quoted("0.36", p1[np.flatnonzero(slopes["relaxed, 0.5"] > 0)[0]], within=0.01)
assert slopes["relaxed, 0.1"].min() > 0
with picture("21_bias") as path:
    drawings.bias(path, p1, slopes, temperatures, relaxed, others)

# %% [markdown]
# **Read the picture.** Left: the exact gradient (black) is positive everywhere. Straight-through crosses 0 at
# $p_1 = 0.45$, relaxed at temperature 1 at 0.38 and at 0.5 at 0.36, and there a descent comes to rest. What they like
# is a mixture: with $z_1 = 0.45$ the mean is $2 z_1 = 0.9$, which is the pixel. But no choice is a mixture. At a
# temperature of 0.1 the sign is right everywhere. Middle and right, with four values: straight-through is off by 0.42
# of the gradient's length. Relaxed is off by 0.86 of it at the temperature 5 and by less than 0.1 at 0.05, where a part
# of what is measured is chance (bars: two standard errors, printed is one). But its variance grows from 0.01 to 96
# squared lengths on the way. The score function has no bias. Its variance is 36 without a baseline. With the mean cost
# of all other draws for one, which is practically $E$ with 200,000 of them, it is 1.2, a tenth of straight-through's
# 12.6.
#
# ## What a bias costs
#
# Let $q = \text{softmax}(l)$ be the posterior of this model and $1/4$ the prior of each value. The loss of a VAE is
# $E + \text{KL}(q \,\|\, p)$ with $\text{KL} = \sum_k q_k \log (4 q_k)$. By lesson 7 it is $-\log p(x)$ plus a gap,
# the KL to the true posterior, which here is $e^{-f_k}$, divided by the sum of these: the gap can be closed. The
# gradient of the KL is exact for all: it is your `exact_gradient` with $\log (4 q_k)$ for the costs. (That cost
# depends on $q$, but its mean slope is 0: $\sum_k q_k \, \partial \log q_k = \partial \sum_k q_k = \partial 1 = 0$.)
# So far $p$ was what is $q$ here. Go down with 10 draws a step; the baseline is the mean cost of the other 9 then.


# %%
def gap(logits):
    """KL to the true posterior, nats."""
    q, posterior = softmax(logits)[0], softmax(-COSTS)[0]
    return (q * np.log(q / posterior)).sum()


def descend(how, temperature, seed, M=10, steps=400, rate=0.2):
    """The gap at each step."""
    rng, logits, gaps = np.random.default_rng(seed), np.zeros((1, 4)), []
    for _ in range(steps):
        gaps.append(gap(logits))
        if how == "exact":
            slope = exact_gradient(logits, COSTS)
        else:
            slope = draws(how, logits, rng.gumbel(size=(M, 4)), temperature).mean(axis=0)
        logits = logits - rate * (slope + exact_gradient(logits, np.log(4 * softmax(logits))))
    return np.array(gaps)


def descents():
    """{name: gaps (5 seeds, steps)}."""
    ways = {"straight-through": ("straight-through", 1.0), "relaxed, 1": ("relaxed", 1.0),
            "relaxed, 0.1": ("relaxed", 0.1), "score, baseline": ("score, baseline", 1.0),
            "exact": ("exact", 1.0)}  # fmt: skip
    return {name: np.array([descend(*way, seed) for seed in range(5)]) for name, way in ways.items()}


gaps = descents()
rests = {name: runs[:, 200:].mean() for name, runs in gaps.items()}
for name, rest in rests.items():
    print(f"{name:<17} gap {rest:.4f} nats in the second half")
quoted("0.13", rests["straight-through"])
quoted("0.09", rests["relaxed, 1"], within=0.01)
quoted("0.03", rests["relaxed, 0.1"], within=0.01)
quoted("0.001", rests["score, baseline"], within=0.0005)
with picture("21_descent") as path:
    drawings.descent(path, gaps)

# %% [markdown]
# **Read the picture.** Straight-through rests 0.13 nats above the best loss, relaxed at 1 some 0.09, and at 0.1 some
# 0.03, with much noise. The score function with a baseline comes within about 0.001, and stays there since each of
# its steps is noisy. A smaller rate or more draws help against noise, but not against a bias: there the mean gradient
# is 0 at a wrong place.
#
# ## The same in minivae
#
# Your first four functions are one layer, `Quantize`, whose code book is a `State`, and the last ones
# `gumbel_softmax` and its gradient. A step of each, on the same numbers:

# %%
from minivae import densities
from minivae.layers import Quantize


def same_as_the_library():
    rng = np.random.default_rng(0)
    layer = Quantize(5, 3, 4, rng, revive=0.0).bind("float64")
    z, dz_q = rng.standard_normal((2, 6, 12))
    count, total = rng.uniform(1, 3, 5), rng.standard_normal((5, 3))
    layer.count.data[...], layer.total.data[...] = count, total
    e, rows = layer.codes(), z.reshape(-1, 3)
    codes = nearest(rows, e)
    noise = layer.draw_noise(rng, 6)
    _, cache = layer.forward(z, noise)
    dz = layer.backward((dz_q, np.full(6, 0.3), np.zeros(6)), cache)
    for state in layer.states.values():
        state.step()
    mine = (
        quantize_backward(dz_q.reshape(-1, 3), rows, e, codes, 0.3)[0],
        *follow(count, total, rows, codes, 0.99, 1e-5),
    )
    theirs = dz.reshape(-1, 3), layer.count.data, layer.total.data, layer.codes()
    logits, gumbel, dy = rng.standard_normal((3, 6, 5))
    y = gumbel_softmax(logits, gumbel, 0.7)[1]
    mine += y, gumbel_softmax_backward(dy, y, 0.7)
    theirs += (densities.gumbel_softmax(logits, gumbel=gumbel, temperature=0.7),)
    theirs += (densities.gumbel_softmax_backward(dy, logits, gumbel=gumbel, temperature=0.7),)
    return max(np.abs(a - b).max() for a, b in zip(mine, theirs, strict=True))


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-12

# %% [markdown]
# (The library has straight-through in the form that sends the slope at $z$ back through $y$.) And a whole model:
# `GumbelVAE` with ten choices among ten, on the digits, with the three gradients of its encoder, two trainings each.
# ($10^{10}$ values: no sum over these.) The temperature of relaxed falls from 1 to 0.5 in ten epochs, that of
# straight-through stays 1, and the score function has a baseline, $\log p(x \mid z)$ of the likeliest $z$. The ELBO is
# that of one-hot $z$ for all three, and their KL is exact.


# %%
def three_gradients():
    """{gradient: validation ELBO of two trainings}."""
    found = {}
    falling = {"temperature": 1.0, "temperature_end": 0.5, "temperature_epochs": 10}
    fixed = {"temperature": 1.0, "temperature_end": 1.0}
    for gradient, more in (("relaxed", falling), ("straight-through", fixed), ("score", {})):
        elbos = []
        for seed in range(2):
            model = GumbelVAE.build((8, 8, 1), np.random.default_rng(seed), arch="dense", hidden=(64,), latent=10,
                                    categories=10, gradient=gradient, **more)  # fmt: skip
            history = fit(model, Adam(model, lr=4e-3), data, epochs=20, batch_size=125, seed=seed, progress=False)
            elbos.append(history[-1]["validation"]["elbo"])
        print(f"{gradient:<17} ELBO", *(f"{elbo:.2f}" for elbo in elbos), "nats")
        found[gradient] = np.array(elbos)
    return found


elbos = three_gradients()
mean_elbo = {gradient: values.mean() for gradient, values in elbos.items()}
assert elbos["score"].max() < elbos["straight-through"].min() < elbos["relaxed"].min()
quoted("2", mean_elbo["relaxed"] - mean_elbo["score"], within=0.6)

# %% [markdown]
# Here the order is the other way around: the relaxed gradient, which is biased, is better by some 2 nats than the score
# function, which is not, and straight-through is between. In each image ten choices are made at once, and there is only
# one cost. The score function cannot say which choice was at fault; lesson 8 has shown how its noise grows with the
# number of latents. A slope can. Bias and variance both cost nats, and which one costs more has to be measured.

# %% [markdown]
# <!-- only with solutions -->
# On MNIST, with 20 choices, it is the same order: -104.2 nats relaxed, -107.4 straight-through and -121.9 by the score
# function (`figures/variants.md`).

# %% [markdown]
# ## More to try
#
# 1. `train` with commit 0, 0.1 and 10: how far are places from their codes, and what is log p(x | z)?
# 2. Let the codes learn by `de` and a rate of their own, in the place of `follow`. Which rate is as good?
# 3. Restarts under the PixelCNN: `VQVAE.build(..., revive=0.0)` has none. Which ELBO is higher, over three seeds? And
#    with K = 8 and K = 512?
# 4. Straight-through at the relaxed slope: send $F'(z)$ back through $y$ at a temperature, not through $p$. Add it to
#    the picture of bias and variance. This is what `gradient="straight-through"` of the library does.
# 5. For two values and a quadratic $F$, the mean of the slopes at *both* ends is exact. Write an estimator for K
#    values that decodes $z$ and uses this: half the slope at $z$ and half of what? (Liu and others, 2023, have an
#    answer.)
# 6. Give the score function in `descend` no baseline. How many draws a step does it need to come as near?
#
# ## Questions
#
# <details><summary>Why does a dead code stay dead?</summary>It moves only by places that choose it: count and total
# shrink by the same factor, so their quotient stays (as long as tiny is small beside count). The loss with de says the
# same, a gradient of 0.</details>
#
# <details><summary>What does straight-through assume?</summary>That moving z by a little moves z_q by as much, so
# that the slope of the loss at the code is that at z. It looks at the loss near one code, and not at what another
# code would cost.</details>
#
# <details><summary>Why is the KL of a VQ-VAE the length of its codes?</summary>q puts probability 1 on one map of
# codes, so log q = 0, and KL = log q - log p(z) = -log p(z).</details>
#
# <details><summary>Why not simply take a very low temperature?</summary>The bias goes away with it, and the variance
# grows like 1 / temperature: most draws say nearly nothing, and a few a lot.</details>
#
# <details><summary>Why add noise to logits, if one can draw from softmax(logits) directly?</summary>The draw is the
# same. But with the noise as an input the choice is a function of the logits, which can be relaxed and
# differentiated.</details>
#
# ## Further reading
#
# - A. van den Oord, O. Vinyals, K. Kavukcuoglu, *Neural Discrete Representation Learning* (2017), arXiv 1711.00937:
#   sections 3.1 to 3.3, and appendix A.1 for the moving averages.
# - E. Jang, S. Gu, B. Poole, *Categorical Reparameterization with Gumbel-Softmax* (2017), arXiv 1611.01144; C.
#   Maddison, A. Mnih, Y. W. Teh, *The Concrete Distribution* (2017), arXiv 1611.00712: the same idea twice.
# - Y. Bengio, N. Leonard, A. Courville, *Estimating or Propagating Gradients Through Stochastic Neurons* (2013),
#   arXiv 1308.3432: straight-through.
# - A. Mnih, K. Gregor, *Neural Variational Inference and Learning in Belief Networks* (2014), arXiv 1402.0030: the
#   score function with baselines.
# - A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, *Pixel Recurrent Neural Networks* (2016), arXiv 1601.06759:
#   PixelCNN.
# - L. Liu and others, *Bridging Discrete and Backpropagation: Straight-Through and Beyond* (2023), arXiv 2304.08612.
# - `minivae/layers/quantize.py`, `minivae/models/vqvae.py`, `minivae/models/gumbel.py`, `minivae/priors/codes.py`.

# %%
progress()
