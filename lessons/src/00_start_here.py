# %% [markdown]
# # 0. Start here
#
# **After this lesson you can** read the shapes and the units of all that follows, and make new handwritten digits:
# badly, from a model of your own without any training, and well, from a variational autoencoder (VAE) that the library
# trains in seconds. When you have finished the course, you have written each line of it yourself.
#
# **You will build** four short array functions, whose ideas come back in later lessons, and with them a first model of
# handwritten digits. On the way you see how a lesson works: how `check` answers, what a hint is, and what to do when
# you are stuck.
#
# **You need** Python, a little NumPy (arrays, `sum`, `mean`), and what a probability is. About 1 hour.
#
# ![Left 32 digits that people wrote, right 32 digits that a VAE made up: most of them can be read](picture:00_new)
#
# *Nobody wrote the digits on the right. The second cell makes them.*
#
# ## How to run it
#
# `pip install -r requirements.txt`, in the folder in which that file is, installs what the lessons need.
#
# - **Jupyter.** Start `jupyter lab` in a terminal and open `00_start_here.ipynb`. Shift+Enter runs a cell and goes to
#   the next.
# - **VS Code.** Install the extensions *Python* and *Jupyter*, and open the notebook. *Select Kernel*, at the top
#   right, asks for the Python in which you installed the requirements. Shift+Enter is the same.
#
# No lesson needs a network or a GPU. Run the cells from the top; a cell knows what those before it have made. If you
# have lost track of what has run, restart the kernel (the menu *Kernel*, or *Restart* in VS Code) and run from the top
# again.

# %%
import math
import sys
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path.cwd().parents if (folder / "minivae/__init__.py").exists()][:1]

import numpy as np

from minivae import VAE, Adam, fit, load_data
from minivae.plot.lessons import lesson00 as drawings
from minivae.teach import NotYet, check, hint, picture, progress, quoted, use_reference
from minivae.teach.course import COURSE, SHORTEST

# %% [markdown]
# That was the first cell of every lesson: it finds minivae and imports what is needed.
#
# ## The end first
#
# This is where the course leads. The next cell trains a VAE on images of digits, 8 by 8 pixels, by calls of the
# library. Then it lets the VAE make up 32 new ones. You need not understand it yet.


# %%
def train_a_vae(epochs=400):
    model = VAE.build(data.shape, np.random.default_rng(0), hidden=(256,), latent=8)
    history = fit(model, Adam(model, lr=1e-3), data, epochs=epochs, progress=False)
    return model, history[-1]["validation"]["elbo"]


data = load_data("digits")
vae, elbo = train_a_vae()
with picture("00_new") as path:
    drawings.new_digits(path, data.train.x[:32], vae.sample(32, np.random.default_rng(1)))
print(f"a digit that it has not seen costs it at most {-elbo:.1f} nats")
quoted("23.5", -elbo, within=0.3)

# %% [markdown]
# **Read the picture.** On the left are digits that people wrote, on the right those of the VAE. Most of them could be
# in somebody's handwriting, some are none that one knows. It was never told which digit an image shows, nor that there
# are ten. It was told only to make the images that it saw *cheap*: 23.5 nats for an image that was kept back. What that
# means you will know at the end of this lesson, and have a first model of your own to compare with.
#
# At the end of lesson 9, every line behind these calls is your own: the network, its gradient, the noise, the loss. And
# you will have tested each of them, so that nothing has to be believed.
#
# ## The map

# %%
with picture("00_map") as path:
    drawings.course_map(path, COURSE, SHORTEST)

# %% [markdown]
# **Read the map.** An arrow goes from a lesson to one that uses it; one that follows from others is left out. So lesson
# 1 is needed by all that come after it. In brackets are the hours of somebody who writes every exercise, some 30 for
# lessons 0 to 12 and some 66 in all.
#
# **The shortest way to a VAE** is 00, 01, 07, 08, 09, eleven hours. What it leaves out:
#
# - 06: why new images cannot be drawn from codes without noise, which is why there is a VAE at all;
# - 02: why one may believe a `check`, and when not;
# - 03 and 05: what makes a training go well, the start and the steps;
# - 04 and 10: images, with networks that know what neighbors are.
#
# Lesson 11 asks what changes on another machine. Lesson 12 looks for bugs, with lesson 2 and a whole VAE in hand.
#
# In the frame below are the lessons for which you need a whole VAE, lesson 9. Lesson 13 says how good it is. Lessons 14
# to 18 make it better, and 19 to 24 are about what its latents are for, and about the models that stand beside it. Take
# them in the order that you like.
#
# ## Shapes
#
# Nearly all data here are tables: `x` has the shape (N, D), a row for each of N examples, a column for each of D
# numbers in it. We write the shape behind the name, x (N, D), everywhere, and the letters mean the same in all
# lessons: N examples, D pixels or numbers, L latents, K samples.
#
# `x.sum(axis=0)` adds up along axis 0, the examples: one number per column is left, shape (D,). `x.sum(axis=1)`, or
# `axis=-1`, adds up within each example, shape (N,). The axis that you name is the one that goes away.
#
# **Broadcasting.** Arrays of different shapes are matched from the last axis on; where one has 1, or nothing, it is
# repeated:
#
# | array | shape | array | shape |
# |---|---|---|---|
# | x | (N, D) | x[:, None, :] | (N, 1, D) |
# | m | (D,) | p | (M, D) |
# | x - m | (N, D) | x[:, None, :] - p | (N, M, D) |
#
# On the left, `m` is subtracted from every row. On the right, every row of `p` from every row of `x`: `None` puts in an
# axis of length 1 to be repeated.
#
# ## Standardize
#
# Let column $d$ of a table have the mean $m_d$ and the standard deviation $s_d$, both over the examples,
#
# $$m_d = \frac1N \sum_n x_{nd}, \qquad s_d^2 = \frac1N \sum_n (x_{nd} - m_d)^2 , \qquad
#   u_{nd} = \frac{x_{nd} - m_d}{s_d} .$$
#
# Then each column of $u$ has mean 0 and standard deviation 1, whatever its unit was:
#
# $$\frac1N \sum_n u_{nd} = \frac{m_d - m_d}{s_d} = 0, \qquad
#   \frac1N \sum_n u_{nd}^2 = \frac{1}{s_d^2} \cdot \frac1N \sum_n (x_{nd} - m_d)^2 = 1 .$$
#
# ### How `check` answers
#
# Exercise 0.1 will ask you for this function. Here is one who got it wrong:


# %%
def one_for_all(x):
    return (x - x.mean()) / x.std()


try:
    check("0.1", one_for_all)
except NotYet as answer:
    print(answer)

# %% [markdown]
# `check` called the function on arrays that it had not seen, and compared. It says how large the largest error is, in
# numbers and relative to the largest true value; where it is worst, what you have there and what is right; and, below,
# what kind of mistake gives exactly such numbers, if it knows one. It never shows the solution. (In your own cells the
# `try` is not needed: a wrong answer ends in that last line, without a traceback.)
#
# The line also names a hint. Each exercise has up to three; every call gives the next:

# %%
hint("0.1")

# %% [markdown]
# ### Exercise 0.1: `standardize`
#
# Replace the line `raise NotImplementedError(...)` by yours. `x` (N, D) gives `u` (N, D); `x.std` is the standard
# deviation as defined above. Then run the cell below it.


# %%
def standardize(x):
    # Exercise 0.1: standardize
    ### BEGIN SOLUTION
    return (x - x.mean(axis=0)) / x.std(axis=0)
    ### END SOLUTION


# %%
check("0.1", standardize)


# %% [markdown]
# A right answer says `right` for each array. Use the function, on people of whom height (m) and weight (g) are known:


# %%
def two_units():
    rng = np.random.default_rng(0)
    height = 1.7 + 0.1 * rng.standard_normal(1000)
    x = np.stack([height, 22_000 * height**2 + 8_000 * rng.standard_normal(1000)], axis=1)  # (N, 2)
    u = standardize(x)
    for name, a in (("x", x), ("u", u)):
        (m0, m1), (s0, s1) = a.mean(axis=0).round(6) + 0.0, a.std(axis=0)
        print(f"{name}: means {m0:.2f} and {m1:.2f}, standard deviations {s0:.2f} and {s1:.2f}")
    correlation = (u[:, 0] * u[:, 1]).mean()
    print(f"and the mean of u_0 u_1 is their correlation, {correlation:.2f}")
    assert round(correlation, 2) == round(np.corrcoef(x.T)[0, 1], 2)


two_units()

# %% [markdown]
# ## All pairs
#
# How far is each of N examples from each of M others? The squared distance of rows $n$ and $m$,
#
# $$d_{nm} = \sum_d (x_{nd} - p_{md})^2 ,$$
#
# has three indices before the sum and two after it. So make an array (N, M, D) of all differences, by broadcasting as
# in the table above, and let the last axis go away.
#
# ### Exercise 0.2: `squared_distances`
#
# `x` (N, D) and `p` (M, D) give `d` (N, M). No loops.


# %%
def squared_distances(x, p):
    # Exercise 0.2: squared_distances
    ### BEGIN SOLUTION
    return ((x[:, None, :] - p) ** 2).sum(axis=-1)
    ### END SOLUTION


# %%
check("0.2", squared_distances)

# %% [markdown]
# Now digits, 8 by 8 pixels. The training images are grey, from 0 to 1: how probable a one is in each pixel. The
# validation images are bits, 0 or 1, drawn with such probabilities. All training images of one digit, averaged, are its
# *template*: how often each pixel is 1. Whose template is the nearest?


# %%
def templates(x, y):
    """The mean image of each digit: x (N, D), y (N,) -> (10, D).

    With half a one and half a zero more, so that no pixel is quite 0 or 1, where a logarithm would be infinite.
    """
    return np.stack([(x[y == digit].sum(axis=0) + 0.5) / ((y == digit).sum() + 1) for digit in range(10)])


def nearest_template(bits, p):
    return squared_distances(bits, p).argmin(axis=1)  # (250,)


p_digits = templates(*data.train)  # (10, D)
bits, labels = data.validation  # (250, D), (250,)
found = nearest_template(bits, p_digits)
share = (found == labels).mean()
print(f"the nearest template is the right one for {share:.0%} of {len(bits)} digits")
quoted("83", 100 * share)
with picture("00_nearest") as path:
    drawings.nearest(path, p_digits, bits[:10], labels[:10], found[:10])

# %% [markdown]
# **Read the picture.** A template is a blurred digit, grey where people differ. 83 % of the digits are nearest to their
# own. That is a classifier; but a distance in pixels says nothing about how *probable* an image is, and cannot make new
# ones. For both one needs probabilities.
#
# ## Nats
#
# How surprising is an event of probability $p$? Let its cost be $c(p)$, such that two independent events, which
# together have the probability $p q$, cost what each costs: $c(p q) = c(p) + c(q)$. Logarithms do that:
#
# $$c(p) = -\log p .$$
#
# What is sure costs 0, what is impossible costs infinitely much. The base is a matter of the unit: $-\log_2 p$ is in
# **bits**, one for a fair coin, and $-\ln p$ in **nats**. Since $\ln p = \ln 2 \cdot \log_2 p$,
#
# $$1 \text{ bit} = \ln 2 = 0.693 \text{ nats} .$$
#
# Derivatives are simpler with the natural logarithm, so everything here is in nats, per example, and `log` means the
# natural one, as in NumPy.
#
# Take D coins. Coin $d$ shows 1 with probability $p_d$, and 0 with probability $1 - p_d$. If all of them are fair, each
# costs $\ln 2$, whatever it shows, and all together $D \ln 2$. That is the **chance level**: what each example costs
# somebody who knows nothing. For the 64 pixels here it is 44.36 nats; for the 784 pixels of MNIST 543.43 nats, that is
# 784 bits. Remember the second number. A VAE that has been trained and does worse has a bug.
#
# What if they are not fair? **Given** are the $p_d$, and that the coins are independent: what one shows says nothing
# about the others. **Wanted** is $\log p(x)$, where $x_d$ is what coin $d$ shows, in one formula that holds for all
# $x$ of zeros and ones.
#
# ### Exercise 0.3: `coin_log_prob`
#
# Derive $\log p(x)$, with $x_d$ and $p_d$ in it. Then write it: `x` are bits and `p` probabilities, (..., D) both, of
# shapes that broadcast. Add up over the **last** axis only: x (N, D) and p (D,) give `log_px` (N,); x (N, 1, D) and p
# (M, D) give (N, M). In nats.
#
# In each lesson two exercises ask for a derivation, like this one. Try it with paper first. The steps are folded below;
# a click opens one. Open as few as you need.
#
# <details><summary>Derivation, step 1: what does one coin cost?</summary>
#
# There are two cases. If it shows 1, the logarithm is $\log p_d$. If it shows 0, it is that of the other probability.
#
# </details>
#
# <details><summary>Derivation, step 2: how do two cases become one formula?</summary>
#
# By a switch for each: a factor that is 1 in its own case and 0 in the other. $x_d$ is such a factor for the first
# case. Which expression in $x_d$ is 1 where $x_d = 0$, and 0 where $x_d = 1$? The sum of both cases, each times its
# switch, is the formula for one coin.
#
# </details>
#
# <details><summary>Derivation, step 3: and D of them?</summary>
#
# Probabilities of independent events are multiplied. The logarithm of a product is the sum of the logarithms.
#
# </details>


# %%
def coin_log_prob(x, p):
    # Exercise 0.3: coin_log_prob
    ### BEGIN SOLUTION
    # log p(x) = sum over d of x_d log p_d + (1 - x_d) log(1 - p_d)
    return (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=-1)
    ### END SOLUTION


# %%
check("0.3", coin_log_prob)

# %%
quoted("0.693", math.log(2))
quoted("44.36", 64 * math.log(2))
quoted("543.43", 784 * math.log(2))

# %% [markdown]
# In formulas: $\log p(x) = \sum_d x_d \log p_d + (1 - x_d) \log (1 - p_d)$. That is a **likelihood**, the one that most
# VAEs have: the network says how probable a 1 is, pixel by pixel.
#
# ## Sums of very small numbers
#
# Ten templates are ten ways how an image may come about. Say that a digit $c$ is drawn first, each with probability
# $\tfrac1{10}$, then the pixels by its template. What is the probability of an image, if nobody tells which digit it
# is? The ten ways exclude each other, so their probabilities add up:
#
# $$p(x) = \sum_{c=0}^{9} \tfrac{1}{10}\, p(x | c), \qquad
#   \log p(x) = \log \sum_c e^{a_c}, \qquad a_c = \log \tfrac1{10} + \log p(x | c) .$$
#
# ($p(x | c)$, "of x, given c", is the probability of $x$ if it is known that the digit is $c$.) Written down like that,
# it fails for larger images: $e^{-800}$ is 0 to a computer.

# %%
print(math.exp(-700), math.exp(-800))

# %% [markdown]
# Then the sum is 0 and its logarithm $-\infty$, though the true one is a number like -800. And with large numbers in
# the exponents, which come up later, the sum is infinite.
#
# **Given** are numbers $a_1, \dots, a_K$, however far below 0 or above it. **Wanted** is the number
# $\log \sum_c e^{a_c}$, written in such a way that no exponent is above 0 and the largest of them is 0 itself.
#
# ### Exercise 0.4: `log_sum_exp`
#
# Derive such a form. Then write it: `log_w` (K, N) gives `log_sum` (N,), the logarithm of the sum over the **first**
# axis of exp(log_w), for each column by itself.
#
# <details><summary>Derivation, step 1: what may be taken out of a sum?</summary>
#
# A factor that all of its terms have. For any number $m$, each term has the factor $e^m$, since
# $e^{a_c} = e^{m} e^{a_c - m}$. Take it out.
#
# </details>
#
# <details><summary>Derivation, step 2: what does the logarithm do with that?</summary>
#
# It is now the logarithm of a product of two things, of which one is $e^m$. Write it as a sum of two logarithms. One of
# them is simple.
#
# </details>
#
# <details><summary>Derivation, step 3: which m?</summary>
#
# In the sum that is left, the exponents are $a_c - m$. None of them shall be above 0, and one shall be 0. That leaves
# one choice of $m$. The sum is then at least 1, and its logarithm is no problem. Each column has its own $m$.
#
# </details>


# %%
def log_sum_exp(log_w):
    # Exercise 0.4: log_sum_exp
    ### BEGIN SOLUTION
    # log sum_c exp(a_c) = m + log sum_c exp(a_c - m), with m = max_c a_c
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).sum(axis=0))
    ### END SOLUTION


# %%
check("0.4", log_sum_exp)

# %% [markdown]
# ## A first model
#
# Now the nats per digit, on the validation digits, of three who know more and more: one who knows nothing, one with a
# single template for all digits, and one with ten.


# %%
def three_models():
    nothing = coin_log_prob(bits, np.full(64, 0.5))  # (N,)
    single = coin_log_prob(bits, p_digits.mean(axis=0))
    each = coin_log_prob(bits[:, None, :], p_digits)  # (N, 10), log p(x | c)
    ten = log_sum_exp((each - math.log(10)).T)
    costs = {"chance": -nothing, "one template": -single, "ten templates": -ten}
    for (name, cost), text in zip(costs.items(), ("44.4", "27.3", "24.2")):
        print(f"{name:<14} {cost.mean():5.1f} nats = {cost.mean() / math.log(2):5.1f} bits per digit")
        quoted(text, cost.mean())
    return costs, p_digits[np.random.default_rng(1).integers(0, 10, 8)]


costs, chosen = three_models()
with picture("00_nats") as path:
    drawings.nats(path, costs, (np.random.default_rng(2).random(chosen.shape) < chosen).astype(float))

# %% [markdown]
# **Read the picture.** Knowing how often each pixel is 1 saves 17 nats of the 44.4. Knowing that there are ten kinds of
# images saves 3.1 more. What you know is worth a number of nats. No digit costs as much as chance: both models
# find even the strangest one more probable than that.
#
# On the right, a digit is drawn, then each pixel for itself. One can guess some of them; they are frayed, since real
# pixels are not independent, even when the digit is known. The VAE of the beginning needs at most 23.5 nats for the
# same digits, less than ten templates, though nobody has told it which images show the same digit.
#
# You have just built a *latent variable model*: a hidden $c$ that says what an image is about, a likelihood, and a sum
# over all $c$. In a VAE the hidden variable is not one of ten digits that somebody labeled. It is a vector $z$ of a few
# numbers, nobody says what they mean, and the sum over all of them is an integral that cannot be computed. How one
# trains it all the same is what the lessons are about.
#
# ## The same in minivae

# %%
from minivae.densities import bernoulli_log_prob, log_mean_exp


def same_as_the_library():
    x, logits = bits[:, None, :], np.log(p_digits) - np.log(1 - p_digits)  # p = 1 / (1 + exp(-logits))
    each = coin_log_prob(x, p_digits)
    ours, theirs = log_sum_exp(each.T) - math.log(10), log_mean_exp(each.T)
    return max(np.abs(bernoulli_log_prob(logits, x=x) - each).max(), np.abs(ours - theirs).max())


print(f"largest difference between your functions and the library's: {same_as_the_library():.1e}")
assert same_as_the_library() < 1e-10

# %% [markdown]
# ## When you are stuck
#
# 1. Read what `check` printed. An error of the shape comes first: print the shapes of what you have.
# 2. Redo it with numbers so small that you can do them by hand: N = 2, D = 1.
# 3. `hint("0.3")`, a second time, a third time.
# 4. `coin_log_prob = use_reference("0.3")` gives you ours, and the rest of the lesson works. Come back later.

# %% [markdown]
# <!-- only with solutions -->
# 5. The whole lesson with solutions and all outputs is in the folder `solutions`.

# %% [markdown]
# None of this is a defeat, and nothing is recorded but what `progress()` prints, and that only until you close the
# notebook.
#
# ## More to try
#
# 1. Write down what `check("0.2", ...)` says to `lambda x, p: x @ p.T`, before you run it.
# 2. Classify by the largest log p(x | c) instead of the nearest template. Is it better than 83 %?
# 3. Which ten digits cost most under ten templates? Draw them.
# 4. Make two templates per digit: order its training images by the sum of the left half of the image minus that of
#    the right one, and average the first and the last half of them. How many nats is that worth? And if they are
#    ordered by the sum of all pixels?
# 5. Let the digits have their true frequencies instead of 1/10 each. Is that worth a nat? Why not?
#
# ## Questions
#
# <details><summary>x is (N, D). What is the shape of x.mean(axis=0), and what of x[:, None, :]?</summary>(D,), one mean
# per column; and (N, 1, D).</details>
#
# <details><summary>How many nats is a byte, eight bits?</summary>8 ln 2 = 5.55 nats.</details>
#
# <details><summary>Two models are trained on images of 28 by 28 bits. One reports 0.15, the other 96. Which is
# better?</summary>One cannot say before the units are known. 0.15 nats per pixel are 0.15 times 784 = 118 nats per
# image, more than 96. Here it is always nats per example.</details>
#
# <details><summary>Why may the largest term be taken out of a log of a sum of exps?</summary>exp(m) is a factor of
# every term, so of the sum, and its logarithm is m.</details>
#
# <details><summary>Why is p(x) a sum over the digits, and not the largest of the ten?</summary>The image may have come
# about in each of the ten ways, which exclude each other, and probabilities of such events add up. The largest alone is
# less.</details>
#
# ## Further reading
#
# - C. Shannon, *A mathematical theory of communication*, Bell System Technical Journal 27 (1948), section 6: why the
#   logarithm, and only it.
# - D. MacKay, *Information Theory, Inference, and Learning Algorithms* (2003), chapters 2 and 4; free to read online.
# - The NumPy manual, *Broadcasting*: the rules, with pictures.
# - `minivae/densities/`: `bernoulli_log_prob`, `log_mean_exp`, the library's own.

# %% [markdown]
# <!-- only with solutions -->
# The README's table says where in minivae each step of a VAE is.

# %%
quoted("30", sum(lesson.hours for number, lesson in COURSE.items() if number <= 12), within=1)
quoted("66", sum(lesson.hours for lesson in COURSE.values()), within=1)
quoted("11", sum(COURSE[number].hours for number in SHORTEST))
assert -elbo < costs["ten templates"].mean()
quoted("5.55", 8 * math.log(2))
quoted("118", 0.15 * 784)
assert max(cost.max() for name, cost in costs.items() if name != "chance") < costs["chance"].min()
quoted("17", costs["chance"].mean() - costs["one template"].mean())
quoted("3.1", costs["one template"].mean() - costs["ten templates"].mean())
progress()
