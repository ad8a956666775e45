"""Sound as rows of numbers: log-mel frames, in which a recording is a signal of so many channels.

A recording is cut into frames that overlap; a Hann window fades their ends, and the power of a frame at each frequency
is summed in bands that are about as wide as pitch is heard: evenly spaced in mel(f) = 2595 log10(1 + f / 700).
"""

import numpy as np

from ..backend import as_array
from ..options import real, whole

FRAME, HOP = 0.032, 0.02  # seconds of a frame, and from one to the next
BANDS = 24
FLOOR = 1e-6  # the least power of a band, about 54 decibels below a tone that fills the range


def log_mel(audio, rate, bands=BANDS, frame=FRAME, hop=HOP, floor=FLOOR):
    """Log-power of each band in each frame of a recording.

        power[t, k] = |sum_i w_i x[t hop + i] exp(-2 pi i k / n)|^2 / (sum_i w_i)^2,    w_i = (1 - cos(2 pi i / n)) / 2
        y[t, b] = log max(floor, sum_k triangle[b, k] power[t, k])

    So a tone of amplitude a has power a^2 / 4, and one of twice the amplitude is log 4 above it.

    Parameters
    ----------
    audio : array (n,)
        Integers, which are divided by the range of their dtype, or floats, which are taken as they are. What is shorter
        than a frame is followed by silence.
    rate : number
        Samples in a second.
    bands : int
    frame, hop : float
        Seconds of a frame, and from the start of one to that of the next.
    floor : float

    Returns
    -------
    float32 array (T, bands), T = 1 + (n - frame rate) // (hop rate)
    """
    x, size, step = _recording(audio, "audio"), *_sizes(rate, frame, hop)
    floor = real()("floor", floor)
    x = np.pad(x, (0, max(0, size - len(x))))
    i = np.arange(size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * i / size)
    frames = np.lib.stride_tricks.sliding_window_view(x, size)[::step]  # (T, size)
    power = np.abs(np.fft.rfft(frames * window)) ** 2 / window.sum() ** 2  # (T, size // 2 + 1)
    return np.log(np.maximum(power @ mel_triangles(rate, size, bands).T, floor)).astype("float32")


def log_mel_rows(recordings, rate, steps, bands=BANDS, frame=FRAME, hop=HOP, floor=FLOOR):
    """Recordings of any length as rows of one: `log_mel` frame after frame, a signal of `bands` channels.

    Parameters
    ----------
    recordings : list of arrays (n,)
        What is longer than `steps` frames is cut, and what is shorter is followed by silence.
    rate, bands, frame, hop, floor :
        See `log_mel`.
    steps : int

    Returns
    -------
    float32 array (N, steps * bands)
    """
    steps = whole(1)("steps", steps)
    size, step = _sizes(rate, frame, hop)
    n = size + (steps - 1) * step
    if not len(recordings):
        raise ValueError("recordings: expected one or more, got none")
    parts = [_recording(part, f"recordings[{i}]")[:n] for i, part in enumerate(recordings)]
    parts = [np.pad(part, (0, n - len(part))) for part in parts]
    return np.stack([log_mel(part, rate, bands, frame, hop, floor).ravel() for part in parts])


def mel_triangles(rate, size, bands):
    """How much of each frequency is in each band: (bands, size // 2 + 1), triangles of height 1.

    Band b rises from the center of the one before it, and falls to that of the next; the first from 0, the last to half
    the rate. ValueError where bands are so narrow that one has no frequency.
    """
    bands = whole(1)("bands", bands)
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    low, center, high = (edges[k : k + bands, None] for k in range(3))
    f = np.fft.rfftfreq(size, 1 / rate)
    triangles = np.maximum(0, np.minimum((f - low) / (center - low), (high - f) / (high - center)))
    if not triangles.any(axis=1).all():
        raise ValueError(f"bands: expected fewer for frames of {size} samples, got {bands}")
    return triangles


def _recording(audio, name):
    """float64 samples; those of integers lie within [-1, 1]."""
    x = as_array(audio, name)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise ValueError(f"{name}: expected finite samples (n,), got shape {x.shape} of {x.dtype}")
    return x / (1.0 + np.iinfo(x.dtype).max) if x.dtype.kind in "iu" else x.astype("float64")


def _sizes(rate, frame, hop):
    """Samples of a frame, and from one to the next."""
    rate, frame, hop = (real()(name, value) for name, value in (("rate", rate), ("frame", frame), ("hop", hop)))
    size, step = round(rate * frame), round(rate * hop)
    if min(size, step) < 1:
        raise ValueError(f"frame, hop: expected a sample of {rate:g} a second or more, got {frame:g} and {hop:g} s")
    return size, step
