"""Data that people bring, from file to file: `python -m figures.own_data` writes own_data.md and its pictures.

Each part runs the commands that the page shows. The sets come from the folder in MINIVAE_DATA; some ten minutes on two
cores.
"""

import argparse
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from minivae import load_run, plot
from minivae.cli import main as minivae
from minivae.evaluate.associations import associations, binned, marginal_distance
from minivae.tables import markdown

HERE = Path(__file__).parent
ADULT = ("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship",
         "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income")  # fmt: skip
WINE = ("fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
        "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality")  # fmt: skip
SEEDS = 3
INTRO = """# Data that people bring, from file to file

Written by `python -m figures.own_data`, from public sets in the folder that `MINIVAE_DATA` names. Each part runs the
commands that it shows.
"""


def command(*arguments, log):
    """Run a command line; what it prints goes into the list `log`."""
    text = [str(a) for a in arguments]
    log.append(f"$ minivae {' '.join(text)}")
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        if minivae(text):
            raise RuntimeError(f"minivae {' '.join(text)} failed")


# ---- the Adult table


def adult(data, folder):
    """Train on the Adult table, draw a table of the same size, and compare: marginals, pairs, a classifier."""
    frame = pd.read_csv(data / "adult" / "adult.data.gz", header=None, names=ADULT, skipinitialspace=True)
    frame = frame.sample(frac=1, random_state=0)
    test, train = frame[:6561], frame[6561:]
    train.to_csv(folder / "adult.csv", index=False)
    (folder / "adult.toml").write_text('[columns]\neducation-num = "category"\n')
    log = []
    options = ("--model", "iwae", "--samples", 5, "--hidden", 256, 128, "--latent", 16, "--epochs", 60, "--batch-size",
               256)  # fmt: skip
    command("train", "--data", folder / "adult.csv", *options, "--config", folder / "adult.toml", "--out",
            folder / "adult", log=log)  # fmt: skip
    command("sample", folder / "adult", "--n", len(train), "--draw", "--out", folder / "made.csv", log=log)
    made = pd.read_csv(folder / "made.csv", skipinitialspace=True, keep_default_na=False)
    columns = load_run(folder / "adult").protocol.columns
    codes, edges = binned(test, columns)
    other, _ = binned(made, columns, edges)
    real, _ = binned(train, columns, edges)
    V = {name: associations(part) for name, part in (("test", codes), ("made", other), ("real", real))}
    names = [column.name for column in columns]
    plot.marginals(test, made, columns, HERE / "adult_marginals.png", "Adult: held-out rows and generated ones",
                   ("held out", "generated"))  # fmt: skip
    plot.association_matrices(V["test"], V["made"], names, HERE / "adult_associations.png",
                              "Adult: association of each pair of columns", ("held out", "generated"))  # fmt: skip
    pairs = np.tril_indices(len(names), -1)
    rows = []
    for name, part, of in (("training rows", real, "real"), ("generated rows", other, "made")):
        distance = [marginal_distance(codes, part, column) for column in names]
        worst = names[int(np.argmax(distance))]
        off = np.abs(V[of] - V["test"])[pairs]
        rows.append((name, f"{np.mean(distance):.3f}", f"{max(distance):.3f} ({worst})", f"{off.mean():.3f}",
                     f"{off.max():.3f}"))  # fmt: skip
    classified = [(name, *classify(part, test)) for name, part in (("real rows", train), ("generated rows", made))]
    return "\n".join([
        "## The Adult table: columns of several kinds\n", *fenced(log, folder), "",
        "The columns as they were found (`education-num` is the number of a level, which the configuration says):\n",
        table_of(columns), "",
        "![Histograms and bars of each column of Adult, held-out rows beside generated ones](adult_marginals.png)\n",
        "![Cramer's V of each pair of columns, of held-out rows, of generated ones, and the difference]"
        "(adult_associations.png)\n",
        "Against 6,561 held-out rows: total variation distance of the columns, numbers in ten bins of equally many "
        "held-out cells, and the difference in Cramer's V of the 105 pairs. The training rows say what chance alone "
        "gives.\n",
        markdown(("rows", "distance, mean", "worst", "difference in V, mean", "worst"), *rows), "",
        "Income predicted by gradient-boosted trees, trained on real or on as many generated rows, tested on the same "
        "held-out real rows:\n",
        markdown(("trained on", "area under the ROC curve", "accuracy"), *classified), "",
    ])  # fmt: skip


def classify(train, test):
    """(AUC, accuracy) on `test` of scikit-learn's gradient-boosted trees that were trained on `train`."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import accuracy_score, roc_auc_score

    x = pd.get_dummies(pd.concat([train, test]).drop(columns="income").reset_index(drop=True))
    n = len(train)
    model = HistGradientBoostingClassifier(random_state=0).fit(x[:n], train["income"] == ">50K")
    p = model.predict_proba(x[n:])[:, 1]
    truth = (test["income"] == ">50K").to_numpy()
    return f"{roc_auc_score(truth, p):.3f}", f"{accuracy_score(truth, p > 0.5):.3f}"


# ---- missing values


def wine(data, folder):
    """Half of the entries of two tables missing at random: the error of what is filled in, in standard deviations."""
    rows, errors = [], {}
    log = []
    for color in ("red", "white"):
        frame = pd.read_csv(data / "wine_quality" / f"winequality-{color}.csv.gz", header=None, names=WINE)
        frame = frame.astype("float64")
        found = {}
        for seed in range(SEEDS):
            gaps = np.random.default_rng(seed).random(frame.shape) < 0.5
            name = f"{color}-{seed}"
            frame.mask(gaps).to_csv(folder / f"{name}.csv", index=False)
            part = []
            command("train", "--model", "iwae", "--samples", 20, "--data", folder / f"{name}.csv", "--hidden", 128,
                    "--latent", 8, "--activation", "tanh", "--batch-size", 64, "--epochs", 400, "--early-stop", 50,
                    "--seed", seed, "--out", folder / name, log=part)  # fmt: skip
            command("impute", folder / name, "--input", folder / f"{name}.csv", "--samples", 1000, "--out",
                    folder / f"{name}-filled.csv", log=part)  # fmt: skip
            log = log or part
            filled = {"minivae": pd.read_csv(folder / f"{name}-filled.csv").to_numpy()}
            filled |= others(frame.mask(gaps))
            for method, values in filled.items():
                error = ((values - frame.to_numpy()) / frame.std().to_numpy())[gaps]
                found.setdefault(method, []).append(np.sqrt(np.mean(error**2)))
        errors[color] = found
        rows += [(color, method, f"{np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}") for method, v in found.items()]
    draw_errors(errors, HERE / "wine_imputation.png")
    return "\n".join([
        "## Missing values: red and white wine, half of the entries gone\n", *fenced(log, folder), "",
        "Root mean square error of what was filled in, each column in its standard deviations; mean ± standard "
        f"deviation over {SEEDS} seeds, which draw the gaps, the split and the weights. The runs are trained on the "
        "tables with gaps; the mean of a column and scikit-learn's `IterativeImputer` (25 rounds of Bayesian ridge) "
        "are fitted to the same.\n",
        markdown(("wine", "filled in by", "error"), *rows), "",
        "![The errors as dots, by wine and method](wine_imputation.png)", "",
    ])  # fmt: skip


def others(holes):
    """{method: filled in table} of scikit-learn's."""
    import warnings

    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, SimpleImputer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rounds that have not converged
        return {
            "mean of the column": SimpleImputer().fit_transform(holes),
            "IterativeImputer": IterativeImputer(max_iter=25, random_state=0).fit_transform(holes),
        }


def draw_errors(errors, path):
    """Dots for each seed, by wine and method."""
    with plot.figure_to(path, (7, 2.8)) as figure:
        axes = figure.subplots(1, len(errors), sharey=True)
        for ax, (color, found) in zip(axes, errors.items(), strict=True):
            for i, (values, shade) in enumerate(zip(found.values(), (plot.BLUE, plot.GREY, plot.ORANGE), strict=True)):
                ax.plot(np.linspace(i - 0.1, i + 0.1, len(values)), values, "o", color=shade)
            ax.set_xticks(range(len(found)), [method.replace(" of the ", "\nof the ") for method in found], fontsize=8)
            ax.set(title=f"{color} wine", xlim=(-0.6, len(found) - 0.4))
        axes[0].set_ylabel("error, in standard deviations")


# ---- a folder of pictures


def pictures(data, folder):
    """PneumoniaMNIST as a folder of PNG files, by split and class; a convolutional VAE, and its scores of the test."""
    from PIL import Image

    arrays = np.load(data / "pneumoniamnist" / "pneumoniamnist.npz")
    names = ("normal", "pneumonia")
    for split, key in (("train", "train"), ("validation", "val"), ("test", "test")):
        for i, (image, label) in enumerate(zip(arrays[f"{key}_images"], arrays[f"{key}_labels"].ravel(), strict=True)):
            place = folder / "xrays" / split / names[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{i:05d}.png")
    log = []
    options = ("--arch", "conv", "--likelihood", "gaussian", "--latent", 16, "--epochs", 40)
    command("train", "--data", folder / "xrays", *options, "--out", folder / "lungs", log=log)
    command("reconstruct", folder / "lungs", "--out", HERE / "own_pictures.png", "--force", log=log)
    medians = []
    for name in names:
        out = folder / f"{name}.csv"
        given = folder / "xrays" / "test" / name
        command("score", folder / "lungs", "--input", given, "--threshold", 0.05, "--out", out, log=log)
        scores = pd.read_csv(out)
        shares = f"{scores['unusual'].mean():.3f}"
        medians.append((f"test, {name}", len(scores), f"{scores['log_px'].median():.1f}", shares))
    return "\n".join([
        "## A folder of pictures\n",
        "X-rays of PneumoniaMNIST as PNG files in `xrays/train/normal/00000.png` and so on:\n",
        *fenced(log, folder), "",
        "![Held-out X-rays and below each its reconstruction](own_pictures.png)\n",
        "Scores of the test pictures; unusual are those below 95 % of the validation pictures:\n",
        markdown(("pictures", "how many", "log p(x), median, nats", "unusual"), *medians), "",
    ])  # fmt: skip


# ---- the page


def fenced(log, folder):
    """Commands as a block of the page, without the folder of this machine."""
    return ["```console", *(line.replace(f"{folder}/", "").replace(f"{HERE}/", "figures/") for line in log), "```"]


def table_of(columns):
    rows = [column.described() for column in columns]
    return markdown(("column", "kind", "missing", "levels or range"), *rows)


PARTS = {"adult": adult, "wine": wine, "pictures": pictures}


def main():
    """Write the page, or only some of its parts to the terminal."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="(default: all, into own_data.md)")
    chosen = parser.parse_args().parts or list(PARTS)
    data = Path(os.environ["MINIVAE_DATA"])
    with tempfile.TemporaryDirectory() as name:
        texts = [PARTS[part](data, Path(name)) for part in chosen]
    if len(texts) == len(PARTS):
        (HERE / "own_data.md").write_text("\n".join([INTRO, *texts]))
        print(HERE / "own_data.md")
    else:
        print(*texts, sep="\n")


if __name__ == "__main__":
    main()
