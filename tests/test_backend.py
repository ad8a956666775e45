"""Threads of our own: the same results in the same order, under the caller's settings."""

import numpy as np
import pytest

from minivae import backend


class Library:
    """Stands for the library of matrix products, on two threads."""

    num_threads = 2

    def set_num_threads(self, n):
        self.num_threads = n


@pytest.fixture
def library(monkeypatch):
    found = Library()
    monkeypatch.setattr(backend, "_blas", lambda: [found])
    return found


def test_results_come_in_order_and_products_take_one_thread(library):
    assert backend.in_threads(lambda i: (i, library.num_threads), range(9)) == [(i, 1) for i in range(9)]
    assert library.num_threads == 2
    assert backend.in_threads(lambda i: library.num_threads, [0]) == [2]  # nothing to share
    library.num_threads = 1
    assert backend.in_threads(lambda i: i, range(3)) == [0, 1, 2]


def test_errors_come_through_and_settings_go_in(library):
    with pytest.raises(ZeroDivisionError):
        backend.in_threads(lambda i: 1 // i, [1, 0])
    assert library.num_threads == 2
    with np.errstate(over="ignore"):  # else a warning, and warnings are errors
        assert np.isinf(backend.in_threads(lambda x: np.float32(3e38) * x, [2, 3])).all()


def test_the_real_library_keeps_its_threads():
    before = [library.num_threads for library in backend._blas()]
    assert before
    backend.in_threads(lambda i: np.ones((2, 2)) @ np.ones((2, 2)), [0, 1])
    assert [library.num_threads for library in backend._blas()] == before


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
