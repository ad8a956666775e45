"""Trees of arrays keep their types; memory is kept; generators draw where an array lies."""

import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from minivae import backend


class Split(NamedTuple):
    x: object
    y: object


def test_trees_keep_their_types():
    """A split of the data is a named tuple, and None in it is no array."""
    like = np.zeros(1, "float64")
    tree = {"a": Split(np.ones(2, "float32"), None), "b": [Split(np.arange(2), (np.ones(1, "float32"), 3))], "c": ()}
    placed = backend.place(tree, like=like)
    assert type(placed["a"]) is Split
    assert placed["a"].x.dtype == "float64"
    assert placed["a"].y is None
    assert type(placed["b"]) is list
    assert type(placed["b"][0]) is Split
    assert placed["b"][0].x.dtype.kind == "i"
    assert placed["b"][0].y[1] == 3
    assert placed["c"] == ()
    assert backend.to_numpy(Split(1.5, None)) == Split(1.5, None)


def test_kernels_are_asked_of_the_first_array(monkeypatch):
    """Of nested tuples, such as the gradients that an encoder gets; whole numbers have none."""
    marked, whole = np.ones(2).view(backend.CompiledArray), np.arange(2).view(backend.CompiledArray)
    assert backend.has_kernels(((marked, np.ones(2)), whole))
    assert not backend.has_kernels((whole, marked))
    assert not backend.has_kernels((np.ones(2), marked))
    monkeypatch.setattr(backend, "ON_HOST", ())  # as if they lay on a GPU
    monkeypatch.setattr(backend, "array_module", lambda x: type("Module", (), {"RawModule": None}))
    assert backend.has_kernels(((np.ones(2), np.ones(2)), np.arange(2)))
    assert not backend.has_kernels((np.arange(2), np.ones(2)))


ALLOCATED = """
import numpy, tracemalloc
import scipy, tqdm
tracemalloc.start()
import minivae.backend
print(tracemalloc.get_traced_memory()[1])
minivae.backend.keep_freed_memory()
print(tracemalloc.get_traced_memory()[1])
"""


def test_importing_allocates_no_large_block():
    result = subprocess.run([sys.executable, "-c", ALLOCATED], capture_output=True, text=True, check=True)
    importing, asked = map(int, result.stdout.split())
    assert importing < 10 * 2**20
    assert asked > 30 * 2**20


def test_a_generator_draws_where_the_array_lies(device):
    """The same key, the same numbers; another epoch or purpose, others; of the right mean and variance."""
    like = backend.place(np.zeros(1, "float32"), like=backend.load_backend(device).zeros(1, "float32"))

    def draws(purpose, epoch):
        rng = backend.generator(0, purpose, epoch, like=like)
        shape = (200, 50)
        eps, u = rng.standard_normal(shape, dtype="float32"), rng.random(shape, dtype="float32")
        return eps, u, rng.integers(5, size=shape)

    first = draws("noise", 3)
    assert {backend.array_module(a) for a in first} == {backend.array_module(like)}
    assert [a.dtype.name for a in first] == ["float32", "float32", "int64"]
    eps, u, offsets = (a.astype("float64") for a in backend.to_numpy(first))
    for again, same in ((("noise", 3), True), (("noise", 4), False), (("present", 3), False)):
        for a, b in zip(backend.to_numpy(draws(*again)), backend.to_numpy(first), strict=True):
            assert np.array_equal(a, b) == same
    for x, mean, variance in ((eps, 0, 1), (u, 1 / 2, 1 / 12), (offsets, 2, 2)):
        assert abs(x.mean() - mean) < 4 * np.sqrt(variance / x.size)
        assert x.var() == pytest.approx(variance, rel=0.06)
    assert u.min() >= 0
    assert u.max() <= 1
    assert set(offsets.ravel()) == {0, 1, 2, 3, 4}


def test_unbroadcast():
    g = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(backend.unbroadcast(g, (3, 4)), g.sum(axis=0))
    np.testing.assert_array_equal(backend.unbroadcast(g, (3, 1)), g.sum(axis=(0, 2))[:, None])
    np.testing.assert_array_equal(backend.unbroadcast(g, (1,)), [g.sum()])
    np.testing.assert_array_equal(backend.unbroadcast(g, g.shape), g)
