# %% [markdown]
# # 11. One code, two machines
#
# **After this lesson you can** write numerical code once and run it on a CPU and on a GPU, and you can tell rounding
# from a bug: you know how far apart two right machines may be, and where to look when they are further apart.
#
# **You will build** what this takes: an error between machines, a function that works on whichever array it gets, a
# fused operation beside its plain twin, and a sum whose order is fixed.
#
# **You need** the reparameterization of lesson 8 and the VAE of lesson 9. From elsewhere: binary numbers, and rules of
# the logarithm. You need *no GPU*: without one, float64 and float32 are the two machines, and nearly all that can go
# wrong between a CPU and a GPU can be seen between them. If there is a C compiler on your computer (`cc`, `gcc` or
# `clang`), every cell below also runs with compiled operations; with CuPy and a GPU, there as well. About 2.5 hours.
#
# ![Errors of float32 against float64 for each part of a VAE, and the drift of the loss in training](picture:11_parity)
#
# *A VAE in float32 beside the same VAE in float64: same weights, data and noise; and NumPy beside compiled operations.
# Left, how far apart every value and every gradient of one step are; right, how far apart the losses get while both
# train. By the end you can say why these numbers are right, and what wrong ones would look like.*

# %%
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import time
import tracemalloc

import numpy as np

from minivae import VAE, compiled, densities, kernels, load_data
from minivae.backend import array_module, generator, place, to_numpy
from minivae.laboratory.parity import machines, milliseconds, parity
from minivae.plot.lessons import lesson11 as drawings
from minivae.teach import check, hint, picture, progress, quoted, use_reference

print("this machine has " + ", ".join(" ".join(machine) for machine in machines()))

# %% [markdown]
# ## How equal is equal?
#
# A float32 has 24 binary digits, a float64 has 53. What does not fit is rounded to the nearest number that does, so
# every operation returns
#
# $$\mathrm{fl}(x \circ y) = (x \circ y)(1 + \delta), \qquad |\delta| \le u, \qquad
#   u = 2^{-24} \approx 6 \cdot 10^{-8} \text{ in float32},\quad
#   2^{-53} \approx 1.1 \cdot 10^{-16} \text{ in float64.}$$
#
# Two machines that add in a different order round differently. So do not ask whether $a = b$; ask how many digits they
# share. But not entry by entry: $1 - 1.0000001$ is left with hardly a right digit, and if it is an entry of an array
# whose other entries are near 1, nobody cares. What was rounded had the size of the large entries, so compare with
# them:
#
# $$\text{error}(a, b) = \frac{\max_i |a_i - b_i|}{\max_i |b_i|} ,$$
#
# where $b$ is what you take for true. It has no units, and a single wrong entry shows as soon as it matters.
#
# ### Exercise 11.1: `relative_error`
#
# `a` and `b` are arrays of one shape; return one number. If you are stuck, `hint("11.1")` has a first step; so has
# every exercise.


# %%
def relative_error(a, b):
    # Exercise 11.1: error
    ### BEGIN SOLUTION
    return np.abs(a - b).max() / np.abs(b).max()
    ### END SOLUTION


# %%
check("11.1", relative_error)


# %%
def rounding():
    x = np.random.default_rng(0).standard_normal(1000)
    rounded = relative_error(x.astype("float32"), x)
    print(f"float32 against float64: {rounded:.1e}, below u = {2.0**-24:.1e}")
    assert 0.1 * 2.0**-24 < rounded <= 2.0**-24
    ones, nearly = np.ones(3, "float32"), np.array([1.0, 1.0000001, 0.5])
    difference = ones - nearly.astype("float32")
    print(f"1 - 1.0000001 in float32: {difference[1]:.3e}, should be -1.000e-07: {difference[1] / -1e-7 - 1:.0%} off")
    print(f"as an entry of the array: error {relative_error(difference, 1 - nearly):.1e}")
    quoted("19", 100 * (difference[1] / -1e-7 - 1))
    assert relative_error(difference, 1 - nearly) < 1e-7


rounding()

# %% [markdown]
# The small difference is 19 % off; as one entry beside a large one, that is an error below $10^{-7}$.
#
# ## The array decides
#
# NumPy works on the memory of the CPU. CuPy has the same functions under the same names for arrays on a GPU. Code that
# begins with `np.` is bound to one of them. So ask the array:
#
#     xp = array_module(x)      # numpy for a NumPy array, cupy for a CuPy array
#     xp.exp(x)                 # runs where x lies
#
# You need `xp` for functions and for new arrays (`xp.zeros`). Operators and methods (`x + y`, `x @ W`, `x.sum()`) are
# the array's own already. There is no copy to the other machine anywhere, and there must be none: it would wait for
# the device, and cost more than the work.
#
# minivae has a third kind of array, `compiled`: NumPy's arrays, in the memory of the CPU, whose class says that some
# operations have a faster program, compiled from C on your computer. All others are NumPy's.
#
# How do you test that without a GPU? With a stand-in: an array that only its own module can read.


# %%
class DeviceArray:
    """Numbers on another machine: NumPy's functions and arrays have no access."""

    __array_ufunc__ = None  # np.exp(x) is a TypeError, and so is x + a NumPy array

    def __init__(self, numbers):
        self._numbers = np.asarray(numbers)
        self.shape, self.dtype = self._numbers.shape, self._numbers.dtype

    def __len__(self):
        return len(self._numbers)

    def __array__(self, *args, **kwargs):
        raise TypeError("this array lies on a device; NumPy cannot read it")

    def get(self):
        """The way back, as CuPy calls it."""
        return self._numbers


def on_device(f):
    def run(*args, **kwargs):
        if any(isinstance(a, np.ndarray) for a in args):
            raise TypeError("a device array and a NumPy array in one operation")
        return DeviceArray(f(*(a._numbers if isinstance(a, DeviceArray) else a for a in args), **kwargs))

    return run


def make_device():
    """A module "device" with some of NumPy's functions for DeviceArray, and methods and operators on it."""
    device = type(sys)("device")
    for name in ("exp", "log", "max", "sum", "mean", "maximum", "zeros", "ones"):
        setattr(device, name, on_device(getattr(np, name)))
    for name in ("max", "sum", "mean", "__add__", "__radd__", "__sub__", "__mul__", "__rmul__", "__truediv__"):
        setattr(DeviceArray, name, on_device(getattr(np.ndarray, name)))
    DeviceArray.__module__ = "device"  # where array_module looks
    sys.modules["device"] = device


make_device()
x = DeviceArray(np.arange(3.0))
print(array_module(x).__name__, to_numpy(array_module(x).exp(x)))
for wrong in (lambda: np.exp(x), lambda: x + np.ones(3)):
    try:
        wrong()
    except TypeError as error:
        print("TypeError:", error)

# %% [markdown]
# (CuPy forwards some NumPy functions to its own; mixed arrays it refuses as well.)

# %% [markdown]
# <!-- only with solutions -->
# The stand-in of minivae's tests, `tests/strict.py`, is this idea with all details.

# %% [markdown]
# ### A function that is right in float64 only
#
# Take $\log \frac1K \sum_k e^{w_k}$, which you will meet wherever likelihoods are averaged: $w_k$ is the logarithm of a
# probability, and of an image that may well be $-600$. Then $e^{-600} \approx 10^{-261}$ fits into a float64, but the
# smallest float32 is about $10^{-45}$. There the sum is 0 and its logarithm $-\infty$.
#
# The result itself is a harmless number, somewhere below the largest $w_k$. So wanted is another formula for it, equal
# for all $w$, in which nothing overflows and the logarithm is never that of 0. It may use
# $w_\text{top} = \max_k w_k$.
#
# ### Exercise 11.2: `log_mean_exp`
#
# **Derive** that formula. Then write it: `log_w` (K, N) gives (N,), over the first axis, each column with its own
# largest; on whichever machine the array lies.
#
# <details><summary>Derivation, step 1: what makes the terms so small?</summary>
#
# All of them have a factor in common that is extreme, while what differs between them is not. Split each exponent in
# two, $w_k = w_\text{top} + (w_k - w_\text{top})$:
#
# $$e^{w_k} = e^{w_\text{top}} \cdot e^{w_k - w_\text{top}} .$$
#
# </details>
#
# <details><summary>Derivation, step 2: what can be done with a common factor?</summary>
#
# It does not depend on $k$, so it can stand in front of the mean:
#
# $$\log \frac1K \sum_k e^{w_k} = \log \Big( e^{w_\text{top}} \cdot \frac1K \sum_k e^{w_k - w_\text{top}} \Big) .$$
#
# And what is the logarithm of a product?
#
# </details>


# %%
def log_mean_exp(log_w):
    # Exercise 11.2: log_mean
    ### BEGIN SOLUTION
    # w_top + log(1/K sum_k exp(w_k - w_top))
    xp = array_module(log_w)
    top = log_w.max(axis=0)
    return top + xp.log(xp.exp(log_w - top).mean(axis=0))
    ### END SOLUTION


# %%
check("11.2", log_mean_exp)

# %% [markdown]
# With the largest taken out, one term of the sum is $e^0 = 1$ and none is larger: nothing overflows, and the logarithm
# is that of a number between $1/K$ and 1.


# %%
def on_every_machine():
    log_w = 3 * np.random.default_rng(0).standard_normal((5, 4)) - 600
    truth = log_mean_exp(log_w)
    with np.errstate(divide="ignore"):
        naive = {dtype: np.log(np.exp(log_w.astype(dtype)).mean(axis=0))[0] for dtype in ("float64", "float32")}
    print(f"without the shift: {naive['float64']:.3f} in float64, {naive['float32']} in float32; true {truth[0]:.3f}")
    assert naive["float32"] == -np.inf
    on_stand_in = log_mean_exp(DeviceArray(log_w))
    print(f"{'stand-in':<16} error {relative_error(to_numpy(on_stand_in), truth):.1e}")
    assert np.array_equal(to_numpy(on_stand_in), truth)
    for backend, dtype in machines():
        model = VAE.build((4,), np.random.default_rng(0), hidden=(2,), latent=1).bind(dtype, backend)
        there = log_mean_exp(place(log_w, like=model.theta))
        assert there.dtype == dtype  # nothing in it has turned float32 into float64
        print(f"{backend + ' ' + dtype:<16} error {relative_error(to_numpy(there).astype('float64'), truth):.1e}")
        assert relative_error(to_numpy(there), truth) < 1e-6


on_every_machine()

# %% [markdown]
# A trap that this test would catch: a NumPy *scalar* has a dtype, a Python number has none.


# %%
def a_trap():
    x = np.ones(3, "float32")
    print(f"x * 0.5: {(x * 0.5).dtype},  x * np.sqrt(0.25): {(x * np.sqrt(0.25)).dtype}")
    assert (x * 0.5).dtype == "float32"
    assert (x * np.sqrt(0.25)).dtype == "float64"


a_trap()

# %% [markdown]
# `np.sqrt(0.25)` is a float64, and everything after it is: twice the memory, and on most GPUs a fraction of the speed.
# Constants of a formula are Python floats (`math.sqrt`).
#
# ## Moving a model
#
# A model moves in three lines, all at its edges:
#
#     model.bind("float32", "cupy")         # or "compiled"; parameters and gradients: two flat vectors, there
#     x = place(x, like=model.theta)        # data and noise, to the same machine and dtype
#     to_numpy(metrics)                     # numbers, back
#
# Between these lines, `loss_and_grads` and `optimizer.step()` are the same lines for every machine. To compare two
# machines, give both the same weights, data *and noise*: in minivae noise is an argument of the step, so NumPy can
# draw it for both.


# %%
data = load_data("digits")
bits = (data.train.x > 0.5).astype("float32")


def build(rng):
    return VAE.build(data.shape, rng, hidden=(64,), latent=8)


def gradients_on(backend, dtype, n=128):
    """{parameter: gradient} of one step on the first n examples, in host memory."""
    model = build(generator(0, "weights")).bind(dtype, backend)
    x = place(bits[:n], like=model.theta)
    noise = place(model.draw_noise(generator(0, "noise"), n), like=model.theta)
    with kernels.of_any_size():  # the arrays are too small to gain by compiled operations: here they are used, too
        model.loss_and_grads(x, noise)
    return to_numpy({name: param.grad for name, param in model.params.items()})


def my_parity():
    """{machine: {parameter: error of its gradient}}, float64 on NumPy taken for true."""
    truth = gradients_on("numpy", "float64")
    found = {}
    for machine in machines()[1:]:
        there = gradients_on(*machine)
        found[" ".join(machine)] = {name: relative_error(there[name].astype("float64"), truth[name]) for name in truth}
    return found


mine = my_parity()
for machine, errors in mine.items():
    print(machine)
    for name, error in errors.items():
        print(f"  {name:<22} {error:.1e}")
        assert error < (1e-12 if machine.endswith("float64") else 2e-6)
assert max(mine["numpy float32"].values()) > 2.0**-25

# %% [markdown]
# In float32 all gradients are right to six or seven digits: the largest errors are a few $u$, after a chain of four
# matrix products and sums over 128 examples. `minivae.laboratory.parity` does the same for every part of the model, and
# lets both train.
#
# To know what a mistake would look like, plant one: a ReLU that returns 1.001 times too much, in float32 only, as a
# sloppy kernel might.

# %%
from minivae.layers import ReLU


class SloppyReLU(ReLU):
    """A part that is wrong on one of two machines."""

    def forward(self, x, noise=None):
        y, cache = super().forward(x, noise)
        return (1.001 * y if y.dtype == "float32" else y), cache


def build_sloppy(rng):
    model = build(rng)
    model.decoder.layers[1] = SloppyReLU()
    return model


found = parity(build, bits, steps=150)
sloppy = parity(build_sloppy, bits, steps=150)["numpy float32 / numpy float64"]
float32 = found.pop("numpy float32 / numpy float64")
with picture("11_parity") as path:
    right = {"numpy float32 / numpy float64": float32}
    drawings.parity(path, right | {"float32 with a sloppy ReLU": sloppy} | found)
print(
    f"loss after 150 steps: {float32.reference[-1]:.3f}; float32 {float32.loss[-1]:.3f}, sloppy {sloppy.loss[-1]:.3f}"
)
print(f"largest drift: {float32.drift.max():.1e}, sloppy {sloppy.drift.max():.1e}")
assert max(*float32.values.values(), *float32.gradients.values()) < 2e-6
assert float32.drift.max() < 1e-5
assert sloppy.values["decoder.layers.0"] < 2e-6
quoted("0.001", sloppy.values["decoder.layers.1"], within=1e-5)
for run in (float32.reference, float32.loss, sloppy.loss):
    quoted("27.27", run[-1], within=0.01)
for title, p in found.items():  # other machines against NumPy in their dtype
    print(f"{title}: largest error {max(*p.values.values(), *p.gradients.values()):.1e}, drift {p.drift.max():.1e}")
    assert max(*p.values.values(), *p.gradients.values()) < (1e-12 if "float64" in title else 2e-6)

# %% [markdown]
# **Read the picture.** Blue, right code: every value and gradient is within a few $u$ of the other machine, and the
# error does not grow along the chain by more than that. The losses of two trainings keep five digits and more. Further
# colors, where you have further machines: each against NumPy in the same dtype. They lie at the $u$ of this dtype, or
# are missing, where all bits are equal.
#
# Orange, the sloppy ReLU: what comes before it has the right values, its own value (`decoder.layers.1`) is wrong by
# 0.001, and so is what follows. The gradients are wrong everywhere, since all of them come back through what it has
# spoiled. So look for the *first value*, in the order in which they are computed, that stands above the others. In the
# loss nobody would see it: after 150 steps all three trainings are at 27.27 nats.
#
# Is a small drift a law? No. Near the largest learning rate that a training stands, a difference of $u$ can grow
# exponentially, and two right trainings part. So compare one step, part by part; not the ends of two trainings.
#
# ## A fused operation, and its twin
#
# After the encoder of a VAE come these lines (per latent, `kl` not yet summed):


# %%
def sample_and_kl(mu, log_var, eps):
    xp = array_module(mu)
    std = xp.exp(0.5 * log_var)
    z = mu + std * eps
    kl = 0.5 * (mu * mu + std * std - 1 - log_var)
    return z, kl


# %% [markdown]
# Ten operations. Each goes through whole arrays: it reads its arguments from memory, computes one thing per number,
# and writes a whole array, which the next operation reads again. The arithmetic is nothing. **The time is that of the
# memory**, and, for small arrays, that of starting ten operations (a *launch* on a GPU, a call on a CPU).
#
# How much is it? Count the bytes that go between memory and arithmetic: each array that is read and each that is
# written, every time. There are two sorts of operations: with one array as the argument ($e^x$, $0.5\,x$, $x\,x$), and
# with two ($x + y$). Each operation is one launch.
#
# *Fused* means: one operation, one launch. It reads each input once, keeps everything between in registers, where it
# costs no memory traffic, and writes each output once: one pass over the memory.
#
# ### Exercise 11.3: `traffic`
#
# **Derive** how many bytes are moved, `plain` and `fused`, for arrays of `n` numbers of `itemsize` bytes. The formula
# has `unary` operations with one array and `binary` ones with two, and as a whole so many `inputs` and `outputs`. `n`
# may be an array of sizes.
#
# <details><summary>Derivation, step 1: what does one operation move?</summary>
#
# Follow $y = e^x$: $x$ comes from memory, $y$ goes there. How many arrays are that? Then the same for $x + y$, whose
# result is an array as well.
#
# </details>
#
# <details><summary>Derivation, step 2: and all of them, or the fused one?</summary>
#
# Plain: the counts of step 1 times `unary` and `binary`, added. Fused: of which arrays does the operation say that it
# reads or writes them? Each array is `n` numbers of `itemsize` bytes.
#
# </details>


# %%
def traffic(n, itemsize, unary, binary, inputs, outputs):
    # Exercise 11.3: plain, fused
    ### BEGIN SOLUTION
    # one argument: read 1, write 1; two: read 2, write 1; fused: each input and each output once
    return n * itemsize * (2 * unary + 3 * binary), n * itemsize * (inputs + outputs)
    ### END SOLUTION


# %%
check("11.3", traffic)


# %%
def of_sample_and_kl():
    """One argument: 0.5 x, exp, mu mu, std std, - 1, 0.5 x; two: std eps, mu +, +, - log_var."""
    plain, fused = traffic(1_000_000, 4, unary=6, binary=4, inputs=3, outputs=2)
    print(f"a million float32 latents: plain {plain / 1e6:.0f} MB in 10 launches, fused {fused / 1e6:.0f} MB in 1")
    quoted("96", plain / 1e6)
    quoted("20", fused / 1e6)
    return plain / fused


quoted("4.8", of_sample_and_kl())

# %% [markdown]
# 96 megabytes against 20, a factor of 4.8. The fused operation is a *kernel*: a little program for one number, run for
# all of them. This is the library's for the first of the two outputs, as text:

# %%
start = kernels.KERNELS.index("// z = mu")
print(kernels.KERNELS[start : kernels.KERNELS.index("\n}", start) + 2])
for machine, text in ("GPU", kernels.cuda("")), ("CPU", kernels.c_source("", "float32")):
    print(machine, next(line for line in text.splitlines() if line.startswith("#define EACH_ROW")))

# %% [markdown]
# There is no second text for the other machine. The words in capitals are defined twice, such as `EACH_ROW` of other
# kernels. With `EACH_NUMBER`, each thread of a GPU takes a number; on a CPU it is a loop, and the C compiler makes
# instructions of it that take several numbers at once. The formula is the same for both, and is read once.
#
# NumPy cannot fuse, but it can do what a cache wants: take a **block** of the arrays that fits into it, do all
# operations on the block with `out=` buffers, go on with the next block. Main memory then sees each input once and
# each output once.
#
# How do you know that the fused operation is right? You keep the plain one. It is the *twin*: it says what is
# computed, runs where there is no kernel, and must agree. If the fused operation does the **same operations in the
# same order** for each number, every rounding is the same, and the results agree **to the last bit**. Not to seven
# digits: equal. (Two things need care in a kernel: compilers like to replace $a\,b + c$ by one operation that rounds
# once, which minivae forbids, and their `exp` may round otherwise than NumPy's.)
#
# ### Exercise 11.4: `sample_and_kl_fused`
#
# Flat arrays (n,), a `block` length that need not divide n. Same order as the twin: `mu mu`, `+ std std`, `- 1`,
# `- log_var`, `0.5 *`. `xp.multiply(a, b, out=c)` writes into `c`, a slice of an array is a view. This time `check`
# wants equal bits: an error of $10^{-16}$ means another order.


# %%
def sample_and_kl_fused(mu, log_var, eps, block=16384):
    # Exercise 11.4: z, kl
    ### BEGIN SOLUTION
    xp = array_module(mu)
    z, kl, buffer = xp.empty_like(mu), xp.empty_like(mu), xp.empty(block, mu.dtype)
    for start in range(0, len(mu), block):
        part = slice(start, start + block)
        m, l, z_part, kl_part = mu[part], log_var[part], z[part], kl[part]
        std = buffer[: len(m)]
        xp.multiply(l, 0.5, out=std)
        xp.exp(std, out=std)
        xp.multiply(std, eps[part], out=z_part)
        z_part += m
        xp.multiply(m, m, out=kl_part)
        std *= std
        kl_part += std
        kl_part -= 1
        kl_part -= l
        kl_part *= 0.5
    return z, kl
    ### END SOLUTION


# %%
check("11.4", sample_and_kl_fused)


# %%
def latents(n, backend="numpy", dtype="float32"):
    """mu, log_var, eps, each (n,)."""
    rng, like = np.random.default_rng(0), build(np.random.default_rng(0)).bind(dtype, backend).theta
    return place(tuple(rng.standard_normal(n) for _ in range(3)), like=like)


def peak_of(f, *args):
    """Most memory that was held at a time while f ran, in arrays of the size of the first argument."""
    f(*args)
    tracemalloc.start()
    f(*args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / args[0].nbytes


def twins():
    for backend, dtype in machines():
        arrays = latents(50_000, backend, dtype)
        pairs = zip(to_numpy(sample_and_kl(*arrays)), to_numpy(sample_and_kl_fused(*arrays)))
        equal = [np.array_equal(a, b) for a, b in pairs]
        print(f"{backend} {dtype}: z equal {equal[0]}, kl equal {equal[1]}")
        assert all(equal)
    arrays = latents(1_000_000)
    peaks = peak_of(sample_and_kl, *arrays), peak_of(sample_and_kl_fused, *arrays)
    print(f"most memory at a time: plain {peaks[0]:.1f} arrays, fused {peaks[1]:.1f}")
    assert peaks[0] > 1.5 * peaks[1], "right, but not fused: it makes arrays of full length besides z and kl"
    return peaks


peaks = twins()
quoted("2.0", peaks[1])

# %% [markdown]
# Equal, all of them. And the fused one holds 2.0 arrays at most: its two outputs and a small buffer. The plain one
# needs about twice that.
#
# ## Why the order of a sum matters
#
# Entry by entry, machines can agree to the bit. In sums they rarely do: they add in another order, and in floating
# point $(a + b) + c \ne a + (b + c)$.
#
# Follow one number $x_i$ on its way into the sum. Every addition that it goes through multiplies what is there by a
# factor $1 + \delta$, $|\delta| \le u$. If it goes through $d$ of them, its share in the result is
# $x_i (1 + \delta_1) \cdots (1 + \delta_d)$, which is off by at most about $d\, u\, |x_i|$. So
#
# $$|\text{error}| \lesssim d\, u \sum_i |x_i|, \qquad d = \text{the longest way.}$$
#
# - **One after the other**, $x_1$ goes through all $n - 1$ additions: $d = n - 1$.
# - **As a tree**, halves added to halves until one is left, every number goes through exactly $\log_2 n$ of them: $d =
# \log_2 n$. For a million numbers that is 20.
#
# A GPU adds as a tree anyway, since all additions of a level can be done at once. Which tree is free, and so it should
# be **fixed**: the bits are then the same in every run. (A GPU can also let its threads add to one number as they
# come, *atomically*. Then the order, and the last bits, change from run to run, and no bug can be found twice.)
#
# ### Exercise 11.5: `tree_sum`
#
# `x` (n, m), with n a power of two, gives the sums of its columns (m,): add the second half of the rows to the first,
# and again, until one row is left. That is the order of `block_sum` in minivae's kernels. `check` wants equal bits, on
# numbers that make every other order fail.


# %%
def tree_sum(x):
    # Exercise 11.5: total
    ### BEGIN SOLUTION
    while len(x) > 1:
        half = len(x) // 2
        x = x[:half] + x[half:]
    return x[0]
    ### END SOLUTION


# %%
check("11.5", tree_sum)


# %%
def errors_of_sums(powers=range(2, 21, 2), columns=8):
    """[(n, error one after the other, error of the tree)] for float32 numbers between 0 and 1."""
    rows = []
    for k in powers:
        x = np.random.default_rng(k).random((2**k, columns), dtype="float32")
        truth = x.sum(axis=0, dtype="float64")
        running = np.cumsum(x, axis=0)[-1]  # each is the one before plus one number
        rows.append((2**k, relative_error(running, truth), relative_error(tree_sum(x), truth)))
    return np.array(rows)


def different_sums(orders=200, n=1024):
    """How many different sums the same float32 numbers have in that many orders; the tree's of one order."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 1)).astype("float32")
    shuffled = {float(tree_sum(rng.permutation(x))[0]) for _ in range(orders)}
    return len(shuffled), len({float(tree_sum(x)[0]) for _ in range(orders)})


rows = errors_of_sums()
with picture("11_sums") as path:
    drawings.sums(path, *rows.T)
print(f"a million numbers: {rows[-1, 1]:.1e} one after the other, {rows[-1, 2]:.1e} as a tree")
many, one = different_sums()
print(f"1,024 numbers in 200 orders: {many} different sums; in one order, 200 times: {one}")
print(f"16777216 + 1 in float32: {np.float32(16777216) + np.float32(1):.0f}")
assert (rows[:, 1] <= rows[:, 0] * 2.0**-24).all()
assert (rows[:, 2] <= np.log2(rows[:, 0]) * 2.0**-24).all()
quoted("1.8", 1e5 * rows[-1, 1])
quoted("0.8", 1e7 * rows[-1, 2])
quoted("16777216", np.float32(16777216) + np.float32(1))
assert one == 1
quoted("5", many)

# %% [markdown]
# **Read the picture.** Both stay below their bounds. The running sum of a million numbers is wrong by
# $1.8 \cdot 10^{-5}$: a number added late meets a sum that is a million times as large, and most of its digits fall off
# the end. (At $2^{24} = 16777216$ the sum stops for good: adding 1 changes nothing.) The tree stays at
# $0.8 \cdot 10^{-7}$, about $u$, at every length: its roundings are few, and they cancel in part. And the same 1,024
# numbers have 5 different sums in 200 orders, but one in a fixed order.
#
# ## Time
#
# This picture you must make on your own machine, since it shows *times*. No number in it is the same twice; look at the
# shapes.


# %%
def seconds_of(f, *args, repeats=7):
    """The shortest of several runs: what disturbs can only make it longer."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        f(*args)
        times.append(time.perf_counter() - began)
    return min(times)


def library_s(mu, log_var, eps):
    return densities.reparameterize(mu, log_var, eps=eps), densities.kl_standard_normal(mu, log_var)


def nanoseconds(sizes):
    """{function: of one number, by the size of the array}; the library's where its two kernels can be compiled."""
    functions = {"sample_and_kl": (sample_and_kl, "numpy"), "sample_and_kl_fused": (sample_and_kl_fused, "numpy")}
    if ("compiled", "float32") in machines():
        functions["two compiled kernels"] = (library_s, "compiled")
    found = {}
    with kernels.of_any_size():
        for name, (f, backend) in functions.items():
            arrays = latents(sizes[-1], backend)
            found[name] = [1e9 * seconds_of(f, *(a[:n] for a in arrays)) / n for n in sizes]
    return found


sizes, batch_sizes = [4**k for k in range(3, 11)], (8, 32, 128, 512)
steps = milliseconds(build, bits, batch_sizes, seconds=0.15)
with picture("11_time") as path:
    drawings.times(path, sizes, nanoseconds(sizes), batch_sizes, steps)
print(f"minivae starts a compiled kernel for {compiled.SMALL:,} numbers and more")
quoted("16384", compiled.SMALL)

# %% [markdown]
# **Read the picture.** Left, three regions. Small arrays are expensive per number: ten calls cost what they cost,
# whatever is in the arrays, and with its slices the fused function even makes a few more. In the middle both curves are
# flat and near each other: everything is in the cache, only arithmetic is left. For long arrays they rise, as the
# arrays leave the cache.
#
# The third curve, where there is a compiler, is that of the library's two kernels. To start them costs as well: their
# addresses and those of the arrays are looked up, and handed over to C. In short arrays one sees nothing else, and
# NumPy's lines are faster. In long ones two passes over memory count, in the place of ten, and that C takes several
# numbers at once, through $e^x$ too. Where do the curves cross on your computer? minivae takes NumPy's lines below
# 16384 numbers, and kernels from there on.
#
# Right, the same law for a whole step: for small batches the time hardly depends on the batch, since it is that of the
# calls; for large ones it grows with the batch. In a net as small as this one few arrays have 16384 numbers, and
# NumPy takes a little longer for arrays of another class: compiled kernels are for larger nets. On a GPU the flat part
# is far longer: each launch costs some microseconds, and thousands of numbers are computed in that time. That is why
# minivae's kernels exist, and why a GPU wants large batches.
#
# ## The same in minivae
#
# Your functions are in the library: the error as `laboratory.parity.error`, the twin as `reparameterize` and the KL of
# the prior. Those two have kernels; so this cell also compares kernel and twin on every machine that has them.

# %%
from minivae.laboratory.parity import error


def same_as_the_library():
    a, b = np.random.default_rng(2).standard_normal((2, 5, 3))
    assert relative_error(a, b) == error(a, b)
    assert np.array_equal(log_mean_exp(a), densities.log_mean_exp(a))
    assert all(mine["numpy float32"][name] == float32.gradients[name] for name in mine["numpy float32"])
    for backend, dtype in machines():
        mu, log_var, eps = latents(50_000, backend, dtype)
        z, kl = sample_and_kl_fused(mu, log_var, eps)
        z_there = densities.reparameterize(mu[None], log_var[None], eps=eps[None])[0]
        kl_there = densities.kl_standard_normal(mu, log_var)
        z_error, kl_error = (relative_error(to_numpy(a), to_numpy(b)) for a, b in ((z_there, z), (kl_there, kl)))
        print(f"{backend} {dtype}: z {z_error:.1e}, kl {kl_error:.1e}")
        assert max(z_error, kl_error) < (1e-14 if dtype == "float64" else 1e-6)


same_as_the_library()

# %% [markdown]
# `kl` differs in the last bit: the library computes $e^{\text{log\_var}}$, you squared $e^{\text{log\_var} / 2}$. Both
# are right, and they are not equal. Only twins are.
#
# ## More to try
#
# 1. Write `np.exp` in the place of `xp.exp` in `log_mean_exp`. Which cell sees it, and which does not?
# 2. Make the ReLU sloppy in `backward` only. What do you see in the picture, in values and in gradients? How small may
# the mistake be until it drowns?
# 3. `seconds_of(sample_and_kl_fused, *latents(4**10), block)` for blocks from 256 to a million. Where is the best, and
# how large is your cache?
# 4. Fuse the lines of an optimizer in the same way, and compare the bits with a plain twin. What does `traffic` say?
# 5. `x.sum(axis=0)` and `x.T.copy().sum(axis=-1)` of the float32 numbers of `errors_of_sums`: which of them is NumPy's
# tree, and which a running sum?
# 6. Kahan's sum carries along what each addition lost. Write it, and put it into the picture.
#
# ## Questions
#
# <details><summary>Two runs with the same seed on a CPU and a GPU end in different losses. Is that a bug?</summary>Not
# by itself: sums are added in other orders, and training can amplify that. Compare one step part by part, with the
# same weights, data and noise: errors of a few u are none, a part that stands out is one.</details>
#
# <details><summary>Why is the noise of a step drawn before the step, and not inside it?</summary>So that it can be
# given to two machines. Their own generators draw different numbers, and nothing could be compared.</details>
#
# <details><summary>Why does relative_error divide by the largest entry, not entry by entry?</summary>What was rounded
# on the way had the size of the large entries. An entry that is small by cancellation keeps that absolute error, and
# relative to itself it may be of any size.</details>
#
# <details><summary>When does fusing not help?</summary>Where the arithmetic is the cost, as in a matrix product, which
# uses each number many times; and little on a CPU where the arrays fit into the cache anyway, or are so small that the
# start of an operation is all that it costs.</details>
#
# <details><summary>The twin runs everywhere. Why keep the kernel at all, and why the twin?</summary>The kernel for the
# launches that it saves on a GPU, and the passes over memory on both machines; the twin because it can be read, checked
# against a numeric gradient, and compared with the kernel.</details>
#
# ## Further reading
#
# - D. Goldberg, *What every computer scientist should know about floating-point arithmetic*, ACM Computing Surveys
# 23(1) (1991), sections 1 and 2.
# - N. Higham, *The accuracy of floating point summation*, SIAM Journal on Scientific Computing 14(4) (1993): the bounds
# above, and more orders.
# - S. Williams, A. Waterman, D. Patterson, *Roofline: an insightful visual performance model for multicore
# architectures*, Communications of the ACM 52(4) (2009): arithmetic against memory.
# - `minivae/backend.py`, `minivae/kernels/`: the two machines and the kernels. `minivae/laboratory/parity.py`, and the
# command `minivae parity`: the comparison for any model.

# %%
progress()
