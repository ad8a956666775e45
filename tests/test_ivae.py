"""A VAE whose prior is told u, and whose decoder is not."""

import numpy as np
import pytest
from test_cli import error_of

from minivae.cli import main
from minivae.models import IVAE, Labels
from minivae.models.examples import small


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("arch", ["dense", "conv"])
def test_u_reaches_encoder_and_prior_and_not_the_decoder(arch, rng):
    model, x, y = small("ivae", rng, arch=arch)
    other = (y + 1) % 3
    mu, _ = model.encode(x, y=y)
    assert np.abs(mu - model.encode(x, y=other)[0]).max() > 1e-3
    assert np.abs(model.prior_of(y, 5).context[0] - model.prior_of(other, 5).context[0]).max() > 1e-4
    np.testing.assert_array_equal(model.decode(mu, y=y), model.decode(mu))
    assert (model.encoder.n_in, model.decoder.n_in, model.prior_network.n_in) == (19, 2, 3)
    np.testing.assert_array_equal(model.seen(x, y)[:, 16:], np.eye(3)[y])


def test_samples_are_those_of_their_u(rng):
    model, _, _ = small("ivae", rng)
    eps = np.random.default_rng(1).standard_normal((4, 2), dtype="float32").astype("float64")
    z = model.prior_of([2] * 4, 4).draw(eps)
    np.testing.assert_allclose(model.sample(4, np.random.default_rng(1), y=[2] * 4), model.decode(z))


def test_commands_do_not_ask_for_what_the_decoder_is_not_given(tmp_path, capsys, no_pictures):
    run = tmp_path / "a"
    assert main(["train", "--model", "ivae", "--hidden", "4", "--latent", "2", "--epochs", "1", "--out", str(run)]) == 0
    np.save(tmp_path / "z.npy", np.zeros((3, 2)))
    np.save(tmp_path / "y.npy", np.zeros(3, "int64"))
    decode = ["decode", str(run), "--input", str(tmp_path / "z.npy"), "--out", str(tmp_path / "x.npy")]
    assert main(decode) == 0
    assert np.load(tmp_path / "x.npy").shape == (3, 8, 8, 1)
    refused = "y: expected none, the decoder of this model is given none"
    assert refused in error_of(capsys, *decode, "--force", "--y", tmp_path / "y.npy")
    assert refused in error_of(capsys, "latent", run, "--y", "3")


def test_what_it_needs(rng):
    with pytest.raises(ValueError, match="labels: expected \\(kind, count\\) of the labels y of the data, got None"):
        IVAE.build((4, 4, 1), rng)
    model = IVAE.build((5,), rng, labels=Labels("rows", 2), latent=3, hidden=(4,))
    with pytest.raises(ValueError, match=r"y: expected rows of numbers, \(5, 2\), got none"):
        model.encode(np.zeros((5, 5)))
    assert model.L == 3
