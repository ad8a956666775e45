"""Features in which samples are compared with data: activations of a small classifier, or principal components.

        x (N, D) --body--> h (N, 64) --head--> logits (N, classes) --softmax--> p(y | x)

Two sets of rows are compared by their h: rows that look alike to somebody who tells the classes apart lie together.
Numbers in different features must not be compared; `about` says which they are.
"""

from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from ..backend import array_module, generator
from ..data.dataset import Split
from ..layers import Network, conv_encoder, dense_encoder
from ..likelihoods import Softmax
from ..metrics import mean_metrics
from ..models import Metric, Model
from ..optim import Adam
from ..train import fit

CHANNELS, WIDTH = (16, 32), 64  # of the convolutions; of h
RATE, BATCH, EPOCHS = 3e-3, 128, 3
COMPONENTS = 32


class Classifier(Model):
    """p(y | x) = softmax(head(body(x))), trained by loss = -log p(y | x), the mean over the rows.

    Parameters
    ----------
    network : Network
        x (..., D) -> logits (..., classes). Its last layer is the head, all before it the body.
    """

    metrics = {"loss": Metric("-log p(y | x)", "lower"), "accuracy": Metric("accuracy", "higher", "")}
    monitor = "accuracy"

    def __init__(self, network):
        *body, self.head = network.layers
        self.body = Network(*body)
        self.likelihood = Softmax()
        self.D = network.n_in
        self.bind()

    @classmethod
    def build(cls, shape, classes, rng):
        """For rows of `shape`: (h, w, c) of at least 4x4 pixels goes through convolutions, all else is dense."""
        if len(shape) == 3 and min(shape[:2]) >= 4:
            return cls(conv_encoder(shape, CHANNELS, (WIDTH,), classes, heads=1, rng=rng))
        return cls(dense_encoder(int(np.prod(shape)), (256, WIDTH), classes, heads=1, rng=rng))

    def draw_noise(self, rng, n, train=True):
        """None: nothing in a step is random."""

    def loss_and_grads(self, x, noise, y=None, t=0, grads=True):
        """Metrics of one step on x (N, D) and y (N,), means over the rows; the gradients of `loss` go into `grad`."""
        N, xp = len(x), array_module(x)
        h, c_body = self.body.forward(x, noise)
        logits, c_head = self.head.forward(h)
        one_hot = (y[:, None] == xp.arange(logits.shape[1])).astype(logits.dtype)
        log_py_x, c_y = self.likelihood.forward(one_hot, logits)  # (N,) nats
        if grads:
            self.zero_grad()
            g = xp.full(N, -1 / N, logits.dtype)  # d loss / d (one row's log p(y | x))
            self.body.backward(self.head.backward(self.likelihood.backward(g, c_y), c_head), c_body, need_dx=False)
        return {"loss": -log_py_x.sum() / N, "accuracy": (logits.argmax(axis=-1) == y).sum() / N}

    def features(self, x):
        """The activations before the head: x (N, D) -> h (N, 64)."""
        return self.in_parts(self.body, self.rows(x, "x", self.D))

    def accuracy(self, x, y):
        """The share of the rows x (N, D) whose class y (N,) has the largest logit."""
        return mean_metrics(self, x, y, None)["accuracy"]


def fit_classifier(x, y, shape, classes, *, epochs=EPOCHS, seed=0):
    """A Classifier of x (N, D), rows of `shape`, with y (N,) below `classes`: Adam, on NumPy."""
    model = Classifier.build(shape, classes, generator(seed, "weights"))
    fit(model, Adam(model, RATE), as_they_are(Split(x, y)), epochs=epochs, batch_size=BATCH, seed=seed, progress=False)
    return model


def as_they_are(train, validation=None):
    """Splits as `fit` takes them, of rows that are presented as they are."""
    return SimpleNamespace(train=train, validation=validation, present=lambda x, rng: x,
                           order=lambda rng, batch_size: rng.permutation(len(train.x)))  # fmt: skip


class Features(NamedTuple):
    """`of`: x (N, D) -> (N, d); `about`: what they are, as JSON can hold it."""

    of: Callable
    about: dict


def classifier_features(x, y, held_out, shape, classes, seed=0):
    """Features of a Classifier trained on x (N, D) and y (N,); its accuracy is that of held_out = (x, y)."""
    model = fit_classifier(x, y, shape, classes, seed=seed)
    p = model.accuracy(*held_out)
    about = {"kind": "classifier", "dimension": WIDTH, "trained_on": len(x), "epochs": EPOCHS, "seed": seed,
             "accuracy": p, "accuracy_standard_error": (p * (1 - p) / len(held_out[0])) ** 0.5,
             "weights": sha256(model.theta.tobytes()).hexdigest()}  # fmt: skip
    return Features(model.features, about)


def principal_features(x, seed=0):
    """The first 32 principal components of x (N, D), or fewer where N or D is smaller."""
    from sklearn.decomposition import PCA

    pca = PCA(min(COMPONENTS, *x.shape), random_state=seed).fit(x)
    about = {"kind": "principal components", "dimension": int(pca.n_components_), "trained_on": len(x), "seed": seed,
             "variance": float(pca.explained_variance_ratio_.sum()),
             "weights": sha256(pca.components_.tobytes()).hexdigest()}  # fmt: skip
    return Features(pca.transform, about)


def augmented_accuracy(x, y, made, held_out, shape, classes, *, steps, seed=0):
    """What samples are worth as further training rows: the accuracy on held_out of the same classifier, trained anew.

    Parameters
    ----------
    x, y : array (2 n, D), (2 n,)
        Real rows of `shape`, and their classes.
    made : array (n, D)
        Samples whose classes are those of the first n real rows.
    held_out : (array (M, D), array (M,))
    classes : int
    steps : int
        Of each training, about: it sees 2 n rows half as often as n.

    Returns
    -------
    dict of float
        Accuracies: "real", of the first n real rows; "made"; "both", of these and those; "twice_real", of all of x.
    """
    n = len(made)
    parts = {"real": (x[:n], y[:n]), "made": (made, y[:n]),
             "both": (np.concatenate([x[:n], made]), np.concatenate([y[:n], y[:n]])), "twice_real": (x, y)}  # fmt: skip
    accuracies = {}
    for name, (rows, labels) in parts.items():
        epochs = max(1, round(steps * BATCH / len(rows)))
        accuracies[name] = fit_classifier(rows, labels, shape, classes, epochs=epochs, seed=seed).accuracy(*held_out)
    return accuracies
