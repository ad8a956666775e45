"""What a posterior must write itself; its gradients and density are in test_conformance, its use in test_iwae."""

import numpy as np
import pytest

from minivae.posteriors import Posterior


def test_what_a_posterior_must_have():
    heads = np.zeros((1, 2)), np.zeros((1, 2))
    calls = (lambda q: q.forward(heads, 0), lambda q: q.backward(0, 0, None), lambda q: q.describe(heads))
    for call in calls:
        with pytest.raises(NotImplementedError):
            call(Posterior())
