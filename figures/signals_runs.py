"""The runs of figures.signals, in the order in which they are trained, and the files of rows that they learn from."""

import os
from pathlib import Path

import numpy as np

from minivae.data import log_mel_rows

SEEDS = 3
STEPS, BANDS, RATE = 32, 24, 8000  # of a spoken digit: 0.65 seconds
HELD_OUT = 5  # recordings of each digit and speaker, the first, which are the official test set
COMMON = {"model": "vae", "likelihood": "gaussian", "batch_size": 64, "lr": 3e-3, "schedule": "cosine", "clip": 1.0}
BEATS = COMMON | {"latent": 8}
DIGITS = COMMON | {"latent": 16, "std": 1.0}
NETWORKS = {  # what it is, options
    "ecg-dense": ("dense", BEATS | {"arch": "dense", "hidden": [64], "epochs": 400}),
    "ecg-conv": ("conv", BEATS | {"arch": "conv", "signal": 1, "channels": [16, 32], "hidden": [64], "epochs": 150}),
    "ecg-gru4": ("GRU, 4 samples a step", BEATS | {"arch": "gru", "signal": 4, "hidden": [64], "epochs": 200}),
    "ecg-gru": ("GRU", BEATS | {"arch": "gru", "signal": 1, "hidden": [32], "epochs": 60}),
    "digits-dense": ("dense", DIGITS | {"arch": "dense", "hidden": [256], "epochs": 60}),
    "digits-conv": ("conv", DIGITS | {"arch": "conv", "signal": BANDS, "channels": [64, 128], "hidden": [128],
                                      "epochs": 60}),
    "digits-gru": ("GRU", DIGITS | {"arch": "gru", "signal": BANDS, "hidden": [96], "epochs": 60}),
}  # fmt: skip
RUNS = {
    f"{name}-seed{seed}": options | {"seed": seed} for seed in range(SEEDS) for name, (_, options) in NETWORKS.items()
}


def seeds_of(name):
    """The runs of a network, one for each seed."""
    return [f"{name}-seed{seed}" for seed in range(SEEDS)]


def networks_of(kind):
    """The networks of the heartbeats, "ecg", or of the "digits"."""
    return [name for name in NETWORKS if name.startswith(kind)]


def with_data(name, options, folder):
    """Options of a run with the file of its rows, which stands in the folder of the runs."""
    return options | {"data": str(folder / f"{name.partition('-')[0]}.npz")}


# ---- The files of rows: {arrays} of the sets in a folder


def beats(data):
    """ECG5000: normal heartbeats to train on, and to test on."""
    arrays = arrays_of(data / "ecg5000" / "ecg5000_anomaly_minmax.npz")
    return {"x": arrays["train_normal"], "x_test": arrays["test"][arrays["test_is_anomaly"] == 0]}


def anomalies(data):
    """The other heartbeats of its test set."""
    arrays = arrays_of(data / "ecg5000" / "ecg5000_anomaly_minmax.npz")
    return {"x": arrays["test"][arrays["test_is_anomaly"] == 1]}


def spoken_digits(data):
    """The Free Spoken Digit Dataset as log-mel frames, each recording as loud as the others at its peak.

    All numbers minus the mean of those to train on, over their standard deviation.
    """
    arrays = arrays_of(data / "fsdd" / "fsdd_8khz.npz")
    parts = np.split(arrays["audio"], arrays["offsets"][1:-1])
    x = log_mel_rows([part / np.abs(part.astype("float64")).max() for part in parts], RATE, STEPS, BANDS)
    rows = _split(arrays, x=x, y=arrays["digit"].astype("int64"))
    mean, std = rows["x"].mean(dtype="float64"), rows["x"].std(dtype="float64")
    return rows | {part: ((rows[part] - mean) / std).astype("float32") for part in ("x", "x_test")}


def speakers(data):
    """Who speaks in each row of these."""
    arrays = arrays_of(data / "fsdd" / "fsdd_8khz.npz")
    return _split(arrays, y=arrays["speaker"].astype("int64"))


def _split(arrays, **parts):
    held_out = arrays["index"] < HELD_OUT
    return {name: part[~held_out] for name, part in parts.items()} | {
        f"{name}_test": part[held_out] for name, part in parts.items()
    }


FILES = {"ecg.npz": beats, "ecg-anomalies.npz": anomalies, "digits.npz": spoken_digits, "digits-speakers.npz": speakers}


def make_files(folder):
    """Write the files of rows that are not there, from the sets in MINIVAE_DATA."""
    for file, make in FILES.items():
        if not (folder / file).exists():
            if not os.environ.get("MINIVAE_DATA"):
                raise ValueError("MINIVAE_DATA: expected the folder of the public sets, got none")
            np.savez(folder / file, **make(Path(os.environ["MINIVAE_DATA"])))


def arrays_of(path):
    """{name: array} of an .npz file."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}
