"""A trained model for raw data: in by the training's preparation, out in the data's units; an estimator."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from test_cli import error_of

from minivae import load_run
from minivae.cli import main
from minivae.sklearn import VAETransformer

pytestmark = pytest.mark.usefixtures("no_pictures")
QUICK = ("--hidden", "16", "--latent", "2", "--epochs", "2")


def table(n=240, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(n)
    return pd.DataFrame({
        "town": np.where(a > 0.4, "Ulm", np.where(a < -0.5, "Bonn", "Köln")),
        "height": (170 + 8 * a + 2 * rng.standard_normal(n)).round(1),
        "visits": rng.poisson(np.exp(0.5 * a)),
        "income": np.exp(8 + 2 * a + 0.3 * rng.standard_normal(n)).round(2),
        "member": rng.random(n) < 1 / (1 + np.exp(-a)),
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def run(folder):
    """A table with empty cells, and a model of it."""
    frame = table()
    gaps = np.random.default_rng(1).random(frame.shape) < 0.2
    frame.astype(object).mask(gaps).to_csv(folder / "a.csv", index=False)
    assert main(["train", "--data", str(folder / "a.csv"), "--hidden", "16", "--latent", "2", "--epochs", "30",
                 "--out", str(folder / "run")]) == 0  # fmt: skip
    return folder / "run"


@pytest.fixture(scope="module")
def grey_run(folder):
    """uint8 images."""
    x = np.random.default_rng(0).integers(0, 256, (60, 6, 6)).astype("uint8")
    np.save(folder / "grey.npy", x)
    assert main(["train", "--data", str(folder / "grey.npy"), *QUICK, "--out", str(folder / "grey")]) == 0
    return folder / "grey"


# ---- commands


def test_everything_comes_back_as_a_table(run, folder, tmp_path):
    frame = pd.read_csv(folder / "a.csv")
    made = {}
    samples = ["sample", "--n", "50"]
    for command in (samples, [*samples, "--draw"], ["reconstruct", "--input"], ["impute", "--input"]):
        name = "-".join(command).replace("--", "")
        inputs = [str(folder / "a.csv")] if command[-1] == "--input" else []
        assert main([command[0], str(run), *command[1:], *inputs, "--out", str(tmp_path / f"{name}.csv")]) == 0
        made[name] = pd.read_csv(tmp_path / f"{name}.csv")
    for name, back in made.items():
        assert list(back.columns) == list(frame.columns)
        assert not back.isna().any().any()
        assert set(back["town"]) <= {"Ulm", "Bonn", "Köln"}
        assert set(back["member"]) <= {True, False}
        if name.startswith("impute"):
            known = frame.notna()
            pd.testing.assert_frame_equal(back.where(known), frame.where(known), check_dtype=False)
        else:
            assert (back["income"] > 0).all()
            assert (back["visits"] % 1 == 0).all()
            assert 120 < back["height"].mean() < 220
    assert made["sample-n-50"]["height"].std() < made["sample-n-50-draw"]["height"].std()


def test_draws_of_imputations(run, folder, tmp_path):
    out = tmp_path / "filled.csv"
    arguments = ["impute", str(run), "--input", str(folder / "a.csv"), "--draws", "3", "--samples", "20"]
    assert main([*arguments, "--out", str(out)]) == 0
    filled = pd.read_csv(out)
    frame = pd.read_csv(folder / "a.csv")
    assert filled["imputation"].tolist() == [1] * 240 + [2] * 240 + [3] * 240
    gap = frame["height"].isna().to_numpy()
    parts = [filled[filled["imputation"] == i]["height"].to_numpy() for i in (1, 2, 3)]
    assert (parts[0][~gap] == parts[1][~gap]).all()
    assert (parts[0][gap] != parts[1][gap]).mean() > 0.9


def test_scores_are_of_each_row(run, folder, tmp_path, capsys):
    odd = table(40, seed=3)
    odd.loc[7, "height"] = 400.0
    odd.to_csv(tmp_path / "odd.csv", index=False)
    out = tmp_path / "s.csv"
    assert (
        main(["score", str(run), "--input", str(tmp_path / "odd.csv"), "--out", str(out), "--threshold", "0.02"]) == 0
    )
    printed = capsys.readouterr().out
    assert "values lie outside the range of training" in printed
    scores = pd.read_csv(out)
    assert scores["row"].tolist() == list(range(1, 41))
    np.testing.assert_allclose(scores["elbo"], scores["log_px_z"] - scores["kl"], rtol=1e-6)
    assert (scores["elbo"] <= scores["log_px"] + 1).all()
    assert scores["log_px"].idxmin() == 7
    assert scores["unusual"][7]
    assert scores["log_px_quantile"].between(0, 1).all()
    assert f"unusual: {scores['unusual'].sum()} of 40 rows" in printed


def test_codes_have_standard_deviations(run, folder, tmp_path):
    for suffix in ("npy", "npz", "csv"):
        assert main(["encode", str(run), "--input", str(folder / "a.csv"), "--out", str(tmp_path / f"z.{suffix}")]) == 0
    mu = np.load(tmp_path / "z.npy")
    both = np.load(tmp_path / "z.npz")
    text = pd.read_csv(tmp_path / "z.csv")
    np.testing.assert_array_equal(both["mu"], mu)
    assert (both["std"] > 0).all()
    assert list(text.columns) == ["mu0", "mu1", "std0", "std1"]
    np.testing.assert_allclose(text[["std0", "std1"]], both["std"], rtol=1e-6)
    for name in ("z.npy", "z.csv"):
        assert main(["decode", str(run), "--input", str(tmp_path / name), "--out", str(tmp_path / f"{name}.csv")]) == 0
    first, second = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("z.npy", "z.csv"))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize(("change", "message"), [
    (lambda f: f.drop(columns="town"), "none called town"),
    (lambda f: f.assign(town="Rom"), "column town, row 1: expected one of Bonn, Köln, Ulm, got 'Rom'"),
    (lambda f: f.assign(income=-1.0), "column income, row 1: expected a number above 0"),
])  # fmt: skip
def test_a_table_that_does_not_fit_is_refused(run, tmp_path, capsys, change, message):
    change(table(20)).to_csv(tmp_path / "b.csv", index=False)
    error = error_of(capsys, "score", run, "--input", tmp_path / "b.csv", "--out", tmp_path / "s.csv")
    assert message in error
    assert not (tmp_path / "s.csv").exists()


def test_a_run_of_a_table_is_a_run(run, folder, capsys):
    """It goes on to the same bytes, and what draws no rows draws it."""
    (folder / "every.toml").write_text("pictures_every = 1\nledger = true\n")
    options = ["--data", str(folder / "a.csv"), "--config", str(folder / "every.toml"), *QUICK[:-1]]
    for name, epochs in (("first", "3"), ("second", "2")):
        assert main(["train", *options, epochs, "--out", str(folder / name)]) == 0
    assert main(["train", "--resume", "--out", str(folder / "second"), "--epochs", "3"]) == 0
    weights = [(folder / name / "last.safetensors").read_bytes() for name in ("first", "second")]
    assert weights[0] == weights[1]
    for command in (["animate"], ["ledger"], ["info"], ["evaluate", "--split", "validation", "--samples", "2"]):
        assert main([command[0], str(folder / "first"), *command[1:]]) == 0
        if command == ["info"]:
            assert "  town    category" in capsys.readouterr().out
    assert "split: a.csv has no test split" in error_of(capsys, "evaluate", folder / "first")


@pytest.mark.parametrize(("arguments", "message"), [
    (("sample", "--out", "a.npy"), "a table; expected a file name ending in .csv"),
    (("interpolate",), "is of a table, and interpolate draws images or rows"),
    (("traverse",), "is of a table"),
    (("reconstruct", "--out", "a.csv"), "expected --input"),
    (("score", "--input", "a.npy", "--out", "s.csv"), "ending in .csv, a table as in training"),
    (("impute", "--input", "none.csv", "--out", "s.csv"), "does not exist"),
])  # fmt: skip
def test_what_a_table_cannot_have(run, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.eye(3))
    command, *rest = arguments
    if rest[-2:] == ["--out", "a.npy"]:
        rest[-1] = "new.npy"
    assert message in error_of(capsys, command, run, *rest)


def test_images_come_back_in_their_units(grey_run, folder, tmp_path):
    """Bytes were divided by 255, and are multiplied by it on the way back."""
    for command in ("sample", "reconstruct"):
        inputs = ["--input", str(folder / "grey.npy")] if command == "reconstruct" else ["--n", "20"]
        assert main([command, str(grey_run), *inputs, "--out", str(tmp_path / f"{command}.npy")]) == 0
        x_hat = np.load(tmp_path / f"{command}.npy")
        assert x_hat.shape[1:] == (6, 6, 1)
        assert 60 < x_hat.mean() < 195


# ---- in Python


def test_raw_bytes_are_prepared(grey_run, folder):
    """Once means near 438 came back in silence for bytes that were not divided."""
    trained = load_run(grey_run)
    x = np.load(folder / "grey.npy")
    mu, std = trained.encode(x)
    again, _ = trained.encode(x.astype("float32") / 255)
    np.testing.assert_allclose(mu, again, atol=0.5)  # bits are drawn: the same seed, and the same thresholds
    assert np.abs(mu).max() < 20
    assert std.shape == mu.shape == (60, 2)
    with pytest.raises(ValueError, match="x: expected"):
        trained.encode(x.astype("float32"))
    with pytest.raises(ValueError, match="run: impute needs a model that was trained on data with missing values"):
        trained.impute(x)


def test_frames_in_and_out(run):
    trained = load_run(run)
    frame = table(30, seed=5)
    assert list(trained.reconstruct(frame).columns) == list(frame.columns)
    assert list(trained.decode(trained.encode(frame)[0]).columns) == list(frame.columns)
    holes = frame.astype(object)
    holes.loc[3, "town"] = None
    filled = trained.impute(holes, samples=20)
    assert filled.loc[3, "town"] in ("Ulm", "Bonn", "Köln")
    assert filled.drop(index=3).equals(holes.drop(index=3))
    draws = trained.impute(holes, samples=20, draws=2)
    assert len(draws) == 2
    scores = trained.score(frame, samples=10)
    assert {"elbo", "log_px", "log_px_z", "kl", "kl_quantile"} <= set(scores)
    shuffled = frame.sample(frac=1, random_state=0)
    np.testing.assert_allclose(
        trained.score(shuffled, samples=10)["log_px"], scores["log_px"][shuffled.index], rtol=1e-4
    )
    with pytest.raises(ValueError, match="expected a table, as in training, got ndarray"):
        trained.encode(np.eye(5))


def test_an_array_with_gaps_comes_back_whole(folder):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 1)) + 0.1 * rng.standard_normal((120, 4))
    holes = np.where(rng.random(x.shape) < 0.3, np.nan, x)
    np.save(folder / "gaps.npy", holes)
    options = ["--likelihood", "gaussian", "--hidden", "32", "--latent", "2", "--epochs", "150", "--batch-size", "32"]
    assert (
        main(["train", "--data", str(folder / "gaps.npy"), *options, "--lr", "0.003", "--out", str(folder / "gaps")])
        == 0
    )
    filled = load_run(folder / "gaps").impute(holes)
    known = ~np.isnan(holes)
    np.testing.assert_array_equal(filled[known], holes[known])
    error = np.sqrt(np.mean((filled - x)[~known] ** 2))
    assert error < 0.5 < np.sqrt(np.mean(x[~known] ** 2))  # the mean of a column is off by 1


def test_an_autoencoder_scores_its_reconstruction(folder):
    assert main(["train", "--model", "ae", *QUICK, "--out", str(folder / "ae")]) == 0
    trained = load_run(folder / "ae")
    x = np.random.default_rng(0).random((5, 8, 8)).round()
    scores = trained.score(x, threshold=0.1)
    assert set(scores) == {"log_px_z", "log_px_z_quantile", "unusual"}
    assert trained.encode(x).shape == (5, 2)


@pytest.fixture(scope="module")
def labeled(folder):
    """A conditional model of a table, whose label is a column of texts."""
    table().to_csv(folder / "whole.csv", index=False)
    (folder / "c.toml").write_text('label = "town"\n[columns]\nheight = "real"\n')
    options = ["--data", str(folder / "whole.csv"), "--config", str(folder / "c.toml"), "--epochs", "30"]
    assert main(["train", "--model", "cvae", *options, "--hidden", "16", "--out", str(folder / "labeled")]) == 0
    assert (
        main(["train", *options[:-1], "1", "--hidden", "4", "--out", str(folder / "unlabeled")]) == 0
    )  # a label beside it
    return folder / "labeled"


def test_labels_of_a_table_are_its_own_values(labeled, folder, tmp_path, capsys):
    for i, y in enumerate((["--y", "Ulm"], [])):
        assert main(["sample", str(labeled), "--n", "9", *y, "--draw", "--out", str(tmp_path / f"{i}.csv")]) == 0
    assert "no --y: the classes take turns" in capsys.readouterr().out
    first, second = (pd.read_csv(tmp_path / f"{i}.csv") for i in range(2))
    assert set(first["town"]) == {"Ulm"}
    assert second["town"].tolist() == 3 * ["Bonn", "Köln", "Ulm"]
    assert "y: expected one of Bonn, Köln, Ulm, got Rom" in error_of(capsys, "sample", labeled, "--y", "Rom")
    assert main(["score", str(labeled), "--input", str(folder / "whole.csv"), "--out", str(tmp_path / "s.csv")]) == 0
    trained = load_run(labeled)
    frame = table()
    mu, _ = trained.encode(frame)
    again, _ = trained.encode(frame.drop(columns="town"), frame["town"])
    np.testing.assert_array_equal(mu, again)
    other, _ = trained.encode(frame.assign(town="Ulm"))
    assert np.abs(mu - other).max() > 0
    assert trained.sample(2, y=["Köln", "Ulm"])["town"].tolist() == ["Köln", "Ulm"]
    with pytest.raises(ValueError, match="y: expected labels, or a column town of the table"):
        trained.encode(frame.drop(columns="town"))
    with pytest.raises(ValueError, match="y: column town, row 1: expected one of Bonn, Köln, Ulm, got 'Rom'"):
        trained.encode(frame, ["Rom"] * len(frame))


# ---- scikit-learn


def quick(**options):
    return VAETransformer(**{"epochs": 2, "latent": 2, "hidden": (8,), "samples": 5, "random_state": 0} | options)


def test_the_estimator_passes_all_checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(quick(), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) > 40


def test_it_pickles_and_works_in_a_grid():
    x = np.random.default_rng(0).standard_normal((80, 3)) * [1, 10, 100]
    fitted = quick().fit(x)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(x), fitted.transform(x))
    assert again.inverse_transform(fitted.transform(x)).shape == x.shape
    assert 10 < again.sample(200)[:, 2].std() < 500  # in the units of the data
    search = GridSearchCV(make_pipeline(StandardScaler(), quick()), {"vaetransformer__latent": [1, 2]}, cv=2).fit(x)
    assert search.best_params_["vaetransformer__latent"] in (1, 2)
    assert search.transform(x).shape[1] == search.best_params_["vaetransformer__latent"]
    assert quick(model="ae").fit(x).score_samples(x).shape == (80,)


def test_it_takes_tables():
    frame = table(120)
    fitted = quick(likelihood="mixed", options={"parts": {"real": "student-t"}}).fit(frame)
    assert fitted.transform(frame).shape == (120, 2)
    assert list(fitted.sample(4).columns) == list(frame.columns)
    assert list(fitted.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="X: expected a DataFrame"):
        quick(likelihood="mixed").fit(np.eye(4))
    with pytest.raises(ValueError, match="model: expected one of vae, iwae, .*, gumbel, .*, got 'cvae'"):
        quick(model="cvae").fit(np.eye(4))
