"""Directions of latent space for an attribute: where codes go that change it, and how far.

An attribute is read off a code by a linear function, r(z) = w z + b. The way that it changes is another direction d:
the one in which codes differ when the attribute does. Only the component along d changes:

    z' = z + d (target - r(z)) / (w d),   r(z') = target

Along w itself r changes fastest, but what is decoded hardly does: w also points against what goes along with the
attribute by chance, to where no codes are (Haufe et al. 2014, "On the interpretation of weight vectors").
"""

import math
from typing import NamedTuple

import numpy as np

from ..backend import place, to_numpy

SURE = 0.999  # the probability of a class at which it is reached


class Direction(NamedTuple):
    """How an attribute is read off codes, r(z) = w z + b, and the direction d in which it changes, w d > 0."""

    w: np.ndarray
    b: float
    d: np.ndarray

    def read(self, z):
        """r of z (N, L) -> (N,)."""
        return z @ self.w + self.b

    def move(self, z, target):
        """z (N, L) moved along d to where r is the target, a number or (N,)."""
        far = (target - self.read(z)) / (self.w @ self.d)
        return (z + far[:, None] * self.d).astype(z.dtype)


def class_direction(z, members):
    """Of being in a class: r is the log-odds of a logistic regression, d the mean code of its members less the others'.

    Parameters
    ----------
    z : array (N, L)
    members : array (N,) of bool

    Raises
    ------
    ValueError
        If all or none are members, or no code differs between them and the others.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if members.all() or not members.any():
        raise ValueError(f"members: expected some of {len(z)} examples, got {'all' if members.any() else 'none'}")
    z = z.astype("float64")
    unit = StandardScaler().fit(z)
    fit = LogisticRegression(max_iter=1000).fit(unit.transform(z), members)
    w = fit.coef_[0] / unit.scale_
    return _checked(w, fit.intercept_[0] - unit.mean_ @ w, z[members].mean(axis=0) - z[~members].mean(axis=0))


def to_class(direction, z):
    """z (N, L) moved to where the class has the probability `SURE`; what is beyond it already stays."""
    return direction.move(z, np.maximum(direction.read(z), math.log(SURE / (1 - SURE))))


def to_label(model, z, y, targets):
    """z (N, L) of labels y as z of the labels `targets`: at the same place of p(z | targets) as of p(z | y).

    With the mean and the standard deviation of both, z' = mean' + std' (z - mean) / std; where p(z) is the same for all
    labels z stays.
    """
    z = place(z, like=model.theta)
    own, other = (model.prior_of(label, len(z)) for label in (y, targets))
    mean, one_up = own.draw(0 * z), own.draw(0 * z + 1)
    return to_numpy(other.draw((z - mean) / (one_up - mean)))


def value_direction(z, values):
    """Of a number: r is its linear regression on codes z (N, L), d their covariances with its values (N,).

    Raises ValueError if the values, or all codes with them, never change.
    """
    from sklearn.linear_model import LinearRegression

    z, values = z.astype("float64"), values.astype("float64")
    if not np.ptp(values):
        raise ValueError(f"values: expected two or more, all are {values[0]:g}")
    fit = LinearRegression().fit(z, values)
    return _checked(fit.coef_, fit.intercept_, (z - z.mean(axis=0)).T @ (values - values.mean()) / len(z))


def _checked(w, b, d):
    """The Direction; ValueError unless r rises along it."""
    if not w @ d > 0:
        raise ValueError("z: expected codes that change with the attribute, these tell nothing of it")
    return Direction(w, float(b), d)
