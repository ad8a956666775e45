"""figures/signals.py: its runs, the files of rows, detection, probes, the page with open rows, and what is kept."""

import json

import numpy as np
import pytest

from figures import signals, signals_measures, signals_plots, signals_runs
from figures.signals_measures import detection, linear_scores, probe
from figures.signals_runs import BANDS, NETWORKS, RUNS, STEPS, make_files, seeds_of, with_data
from figures.variants_runs import toml
from minivae.cli import main
from minivae.data import log_mel_rows
from minivae.evaluate import aurocs
from minivae.runs.settings import complete, read_options


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_runs_have_options(options):
    complete(read_options(options))


def test_networks_of_one_kind_differ_in_networks_and_epochs_alone():
    for kind, latent in (("ecg", 8), ("digits", 16)):
        own = {"arch", "hidden", "channels", "signal", "epochs"}
        rest = [{option: value for option, value in NETWORKS[name][1].items() if option not in own}
                for name in signals_runs.networks_of(kind)]  # fmt: skip
        assert all(options == rest[0] for options in rest)
        assert rest[0]["latent"] == latent
    assert set(RUNS) == {run for name in NETWORKS for run in seeds_of(name)}


def sets(folder, rng):
    """The public sets in small: five normal beats, and recordings of two digits by two speakers."""
    (folder / "ecg5000").mkdir()
    (folder / "fsdd").mkdir()
    test = rng.random((6, 140), "float32")
    np.savez(folder / "ecg5000" / "ecg5000_anomaly_minmax.npz", train_normal=rng.random((5, 140), "float32"), test=test,
             test_is_anomaly=np.array([0, 1, 1, 0, 1, 1]))  # fmt: skip
    lengths = rng.integers(500, 6000, 24)
    audio = (3000 * rng.standard_normal(lengths.sum())).astype("int16")
    np.savez(folder / "fsdd" / "fsdd_8khz.npz", audio=audio, offsets=np.concatenate([[0], lengths.cumsum()]),
             digit=np.repeat([3, 5], 12).astype("uint8"), speaker=np.tile([1, 0], 12).astype("uint8"),
             index=np.tile(np.repeat(np.arange(6), 2), 2).astype("uint8"))  # fmt: skip
    return test, np.split(audio, lengths.cumsum()[:-1])


def test_the_files_of_rows(tmp_path, rng, monkeypatch):
    monkeypatch.delenv("MINIVAE_DATA", raising=False)
    folder = tmp_path / "runs"
    folder.mkdir()
    with pytest.raises(ValueError, match="MINIVAE_DATA: expected the folder of the public sets, got none"):
        make_files(folder)
    test, recordings = sets(tmp_path, rng)
    monkeypatch.setenv("MINIVAE_DATA", str(tmp_path))
    make_files(folder)
    ecg, anomalies, digits, speakers = (signals_runs.arrays_of(folder / file) for file in signals_runs.FILES)
    np.testing.assert_array_equal(ecg["x_test"], test[[0, 3]])
    np.testing.assert_array_equal(anomalies["x"], test[[1, 2, 4, 5]])
    assert (len(digits["x"]), len(digits["x_test"])) == (4, 20)  # index 5 alone is above the first five
    np.testing.assert_array_equal(digits["y"], [3, 3, 5, 5])
    np.testing.assert_array_equal(speakers["y"], [1, 0, 1, 0])
    assert digits["x"].mean() == pytest.approx(0, abs=1e-5)
    assert digits["x"].std() == pytest.approx(1, rel=1e-5)
    loud = [part / abs(part.astype("float64")).max() for part in recordings]
    raw = log_mel_rows(loud, 8000, STEPS, BANDS)
    np.testing.assert_allclose(np.diff(digits["x_test"][0]) * raw[[10, 11, 22, 23]].std(), np.diff(raw[0]), atol=1e-4)
    written = (folder / "digits.npz").stat().st_mtime_ns
    make_files(folder)
    assert (folder / "digits.npz").stat().st_mtime_ns == written


def test_detection_is_beside_the_best_on_the_same_rows(rng):
    """A score that adds noise to another has its area minus that one's, with the error of pairs."""
    best = rng.standard_normal(300), rng.standard_normal(400) + 2
    worse = tuple(part + rng.standard_normal(len(part)) for part in best)
    found = detection({"same": best, "worse": worse}, best)
    auroc, covariance = aurocs(*(np.stack(parts) for parts in zip(best, worse, strict=True)))
    assert found["same"] == pytest.approx([auroc[0], covariance[0, 0] ** 0.5, 0, 0], abs=1e-9)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert found["worse"] == pytest.approx([auroc[1], covariance[1, 1] ** 0.5, auroc[1] - auroc[0], variance**0.5])
    assert found["worse"][3] < found["worse"][1]


def test_linear_scores_are_those_of_a_plane(rng):
    """Rows of a plane have no error; a step out of it is the error, and costs -log p(x)."""
    plane = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 6))
    out = np.linalg.svd(plane - plane.mean(axis=0))[2][-1]
    x = plane + 0.01 * rng.standard_normal(plane.shape)
    near, far = linear_scores(x, plane, 2), linear_scores(x, plane + 3 * out, 2)
    assert near["reconstruction"].max() < 1e-3
    assert far["reconstruction"] == pytest.approx(np.full(200, 9.0), rel=0.02)
    assert (far["evidence"] - near["evidence"]).min() > 1000


def test_probe_reads_what_is_linear(rng):
    codes, y = rng.standard_normal((300, 3)), rng.integers(0, 2, 300)
    codes[:, 1] += 8 * y
    assert probe(codes[:200], y[:200], codes[200:], y[200:]) == [1.0, 0.0]
    share, error = probe(codes[:200, [0]], y[:200], codes[200:, [0]], y[200:])
    assert abs(share - 0.5) < 4 * error
    assert error == pytest.approx(0.05, rel=0.05)


def test_upright_puts_time_right_and_pitch_up():
    rows = np.arange(STEPS * BANDS)[None]
    image = signals_plots.upright(rows).reshape(BANDS, STEPS)
    np.testing.assert_array_equal(image[-1], BANDS * np.arange(STEPS))
    np.testing.assert_array_equal(image[:, 0], np.arange(BANDS)[::-1])


@pytest.fixture
def mine(tmp_path, monkeypatch, rng):
    """Small files of rows, and three runs, two of which are trained; the folders of runs and of the page."""
    monkeypatch.setattr("minivae.cli.training.draw_run", lambda run, data: None)
    tiny = {"model": "vae", "likelihood": "gaussian", "latent": 2, "epochs": 1, "batch_size": 20, "hidden": [4]}
    networks = {"ecg-dense": ("dense", tiny), "ecg-gru": ("GRU", tiny | {"arch": "gru", "signal": 2}),
                "digits-dense": ("dense", tiny)}  # fmt: skip
    runs = {f"{name}-seed0": options | {"seed": 0} for name, (_, options) in networks.items()}
    for module in (signals, signals_runs, signals_plots):
        monkeypatch.setattr(module, "NETWORKS", networks)
        monkeypatch.setattr(module, "RUNS", runs)
    monkeypatch.setattr(signals_runs, "SEEDS", 1)
    monkeypatch.setattr(signals_measures, "SAMPLES", 3)
    monkeypatch.setattr(signals_measures, "COMPONENTS", {"ecg": (1, 2), "digits": (2,)})
    folder, out = tmp_path / "runs", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    x = rng.random((60, 8), "float32")
    np.savez(folder / "ecg.npz", x=x[:40], x_test=x[40:])
    np.savez(folder / "ecg-anomalies.npz", x=x + 0.5)
    x, y = rng.standard_normal((60, STEPS * BANDS)).astype("float32"), np.arange(60) % 3
    np.savez(folder / "digits.npz", x=x[:40], y=y[:40], x_test=x[40:], y_test=y[40:])
    np.savez(folder / "digits-speakers.npz", y=y[:40] % 2, y_test=y[40:] % 2)
    for name in ("ecg-dense-seed0", "digits-dense-seed0"):
        config = folder / f"{name}.toml"
        options = with_data(name, runs[name], folder)
        config.write_text("".join(f"{option} = {toml(value)}\n" for option, value in options.items()))
        assert main(["train", "--config", str(config), "--out", str(folder / name)]) == 0
    return folder, out


def test_the_page(mine, monkeypatch):
    folder, out = mine
    signals.write(out, folder, list(signals.RUNS), 0)
    page, kept = (out / "signals.md").read_text(), json.loads((out / "signals.json").read_text())
    assert "| GRU | open: `python -m figures.signals --only ecg-gru-seed0` |" in page
    assert set(kept["rows"]) == {"ecg-dense-seed0", "digits-dense-seed0"}
    for picture in signals.PICTURES:
        assert (out / picture).exists()
        assert f"]({picture})" in page
    m = kept["rows"]["ecg-dense-seed0"]
    assert m["auroc"]["evidence"][0] > 0.9  # far from the others
    assert f"{m['auroc']['evidence'][0]:.4f}" in page
    assert m["log_px"][0] > m["elbo"][0]
    assert m["steps"] == 2  # of 33 rows, 20 at a time
    assert kept["linear"]["ecg"]["PCA, 1 components"]["auroc"]["reconstruction"][2:] == [0, 0]
    assert 0 < kept["rows"]["digits-dense-seed0"]["digit"][0] < 1
    monkeypatch.setattr(signals, "measured", None)  # nothing is measured again
    signals.write(out, folder.parent / "none", list(signals.RUNS), 0)
    assert (out / "signals.md").read_text() == page
