"""Log-mel frames: scipy's spectrogram as an oracle, pure tones, loudness, time, and what is refused."""

import math

import numpy as np
import pytest
from scipy.signal import spectrogram

from minivae.data import log_mel, log_mel_rows
from minivae.data.audio import FLOOR, mel_triangles

RATE = 8000
LOG_FLOOR = math.log(FLOOR)


def tone(hertz, seconds=0.5, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)


@pytest.fixture
def noise():
    return 0.1 * np.random.default_rng(0).standard_normal(3000)


def test_it_is_the_power_of_scipys_spectrogram_in_bands(noise):
    f, t, power = spectrogram(noise, RATE, "hann", 256, 256 - 160, detrend=False, scaling="spectrum", mode="psd")
    bands = mel_triangles(RATE, 256, 20)
    np.testing.assert_allclose(log_mel(noise, RATE, 20), np.log(bands @ power / 2).T, rtol=1e-5)  # power is two-sided
    assert len(t) == 1 + (3000 - 256) // 160
    assert bands.shape == (20, len(f))


@pytest.mark.parametrize("hertz", [200, 440, 1000, 2500, 3500])
def test_a_pure_tone_is_in_the_band_of_its_frequency(hertz):
    """Bands are evenly spaced in mel, from 0 to half the rate; a tone of 1,000 Hz is at 1,000 mel."""
    y = log_mel(tone(hertz), RATE)
    width = 2595 * math.log10(1 + RATE / 2 / 700) / 25
    band = 2595 * math.log10(1 + hertz / 700) / width - 1
    assert (np.abs(y.argmax(axis=1) - band) <= 0.5).all()
    assert 2595 * math.log10(1 + 1000 / 700) == pytest.approx(1000, abs=0.1)


def test_twice_the_amplitude_adds_log_4(noise):
    once, twice = log_mel(noise, RATE), log_mel(2 * noise, RATE)
    assert once.min() > LOG_FLOOR
    np.testing.assert_allclose(twice - once, math.log(4), rtol=1e-5)


def test_a_tone_of_amplitude_a_has_power_a_squared_over_4():
    """At the center of a band, and of a frequency of the transform, so that all of it is counted once."""
    y = log_mel(tone(1000, amplitude=0.3), RATE, bands=1, frame=0.032)
    share = mel_triangles(RATE, 256, 1)[0, 31:34] @ [0.25, 1, 0.25]  # of a Hann window: the tone and its neighbors
    np.testing.assert_allclose(y, math.log(share * 0.3**2 / 4), rtol=1e-5)


def test_a_hop_later_is_a_frame_later(noise):
    y = log_mel(noise, RATE)
    np.testing.assert_allclose(log_mel(noise[160:], RATE), y[1:], rtol=1e-5)
    np.testing.assert_array_equal(log_mel(np.zeros(300), RATE), np.full((1, 24), np.float32(LOG_FLOOR)))


def test_integers_are_divided_by_their_range(noise):
    whole = (2000 * noise).astype("int16")
    np.testing.assert_array_equal(log_mel(whole, RATE), log_mel(whole / 32768, RATE))


def test_rows_of_one_length(noise):
    """What is longer is cut, what is shorter is followed by silence; frame after frame."""
    steps = 10
    rows = log_mel_rows([noise, noise[:700]], RATE, steps, bands=12)
    assert rows.shape == (2, 120)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[0].reshape(steps, 12), log_mel(noise, RATE, 12)[:steps], rtol=1e-5)
    short = rows[1].reshape(steps, 12)
    np.testing.assert_allclose(short[:3], log_mel(noise[:700], RATE, 12)[:3], rtol=1e-5)
    assert (short[5:] == np.float32(LOG_FLOOR)).all()
    assert (short[3] > LOG_FLOOR).any()  # its end is in the next frame


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: log_mel(x[:, None], RATE), r"audio: expected finite samples \(n,\), got shape \(3000, 1\)"),
        (lambda x: log_mel(x[:0], RATE), r"audio: expected finite samples \(n,\), got shape \(0,\)"),
        (lambda x: log_mel(x * np.nan, RATE), "audio: expected finite samples"),
        (lambda x: log_mel("x", RATE), "audio: expected numbers, got"),
        (lambda x: log_mel(x, 0), "rate: expected a finite number > 0, got 0"),
        (lambda x: log_mel(x, RATE, 100), "bands: expected fewer for frames of 256 samples, got 100"),
        (lambda x: log_mel(x, RATE, 0), "bands: expected a whole number >= 1, got 0"),
        (lambda x: log_mel(x, RATE, hop=1e-5), "frame, hop: expected a sample of 8000 a second or more"),
        (lambda x: log_mel(x, RATE, floor=0), "floor: expected a finite number > 0, got 0"),
        (lambda x: log_mel_rows([x, x[None]], RATE, 4), r"recordings\[1\]: expected finite samples"),
        (lambda x: log_mel_rows([], RATE, 4), "recordings: expected one or more, got none"),
        (lambda x: log_mel_rows([x], RATE, 0), "steps: expected a whole number >= 1, got 0"),
    ],
)
def test_bad_input(call, message, noise):
    with pytest.raises(ValueError, match=message):
        call(noise)
