"""Lines of text, from names to molecules: `python -m figures.sequences` writes sequences.md.

What VAEs of lines and the language models beside them learn: expressions of a grammar whose entropy is known, names,
molecules as SMILES and as SELFIES, and words. It trains what is not there yet and can be cut off at any time, as
`figures.variants` does; `--budget 0` trains nothing, and leaves the rows of unfinished runs open. The rows of names are
runs of `figures.collapse`. The lines come from the folder in MINIVAE_DATA; molecules need the extra `chem`.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from minivae.evaluate import standard_error
from minivae.evaluate.molecules import canonical
from minivae.files import dump, write_atomic

from .collapse_runs import RUNS as COLLAPSE
from .sequences_measures import PLACES, measured
from .sequences_plots import LINE, draw_climb, draw_excess, draw_line_attention, draw_places, draw_samples
from .sequences_runs import RUNS
from .sequences_tables import BESIDE, BEYOND, EXPRESSIONS, MOLECULES, NAMES, PARTS, WHAT
from .variants_runs import is_finished, page_main, run_of, settings_table, train

HERE = Path(__file__).parent
EVERY = RUNS | {name: COLLAPSE[name] for name in NAMES}
INTRO = """# Lines of text: expressions, names, molecules, words

Written by `python -m figures.sequences`, which trains, measures and draws all of it, and goes on where it was cut off.
"""


def floor_checked(name, row):
    """The row; ValueError where its NLL lies below that of the grammar itself by more than chance allows."""
    mean, error = row["excess"]
    if mean < -BEYOND * error:
        raise ValueError(f"{name}: expected an NLL that is not below the grammar's, got {-mean:.4f} nats below it, "
                         f"{-mean / error:.1f} standard errors; the measure or the model is wrong")  # fmt: skip
    return row


# ---- Pictures


def draw(found, folder, out):
    """All pictures that there are rows for; that of attention where there is the run itself."""
    of_expressions = {what: found[name] for name, what in EXPRESSIONS.items() if name in found}
    if of_expressions:
        draw_excess(of_expressions, out / "sequences_excess.png")
    with_places = {f"{found[name]['options']['data']}: {what}": found[name] for name, what in WHAT.items()
                   if "places" in found.get(name, {})}  # fmt: skip
    if with_places:
        draw_places(with_places, out / "sequences_places.png")
    of_molecules = {what: found[name] for name, what in MOLECULES.items() if name in found}
    if of_molecules:
        draw_samples(of_molecules, out / "sequences_molecules.png")
    for kind in ("smiles", "selfies"):
        if "climbs" in found.get(f"molecules-{kind}", {}):
            of = found[f"molecules-{kind}"]["climbs"]["logp"]
            draw_climb(of, f"{kind.upper()}: a climb of log P", out / f"sequences_climb_{kind}.png")
    name = "expressions-vae-transformer"
    if is_finished(folder / name):
        run = run_of(name, RUNS[name], folder)
        draw_line_attention(run.load_model()[0], run.protocol, out / "sequences_attention.png")


PICTURES = {  # after which part: {file: what it shows}
    "expressions": {
        "sequences_excess.png": "NLL above the true -log p against the length of a line, a curve for each model",
        "sequences_attention.png": f"What the heads of the transformer's decoder look at while it is given {LINE}",
    },
    "names": {},
    "molecules": {
        "sequences_molecules.png": "Molecules among the first samples of each model, a row for each",
        "sequences_climb_smiles.png": "SMILES: test molecules, their reconstructions, and what a climb comes to",
        "sequences_climb_selfies.png": "SELFIES: test molecules, their reconstructions, and what a climb comes to",
    },
    "words": {},
    "places": {"sequences_places.png": f"KL of each place of the first {PLACES} test lines, a curve for each VAE"},
}  # fmt: skip


def differences(log_px):
    """{run: [mean, standard error]} of log p(x) less that of the language model, paired over the lines."""
    found = {}
    for name, base in BESIDE.items():
        if name in log_px and base in log_px:
            pairs = log_px[name] - log_px[base]
            found[name] = [float(pairs.mean()), standard_error(pairs)]
    return found


def write(out, folder, names, minutes=None):
    """Train, measure, draw and write sequences.md and sequences.json into `out`; rows without a run stay as kept."""
    folder.mkdir(parents=True, exist_ok=True)
    train({name: RUNS[name] for name in names}, folder, minutes)
    file = out / "sequences.json"
    kept = json.loads(file.read_text()) if file.exists() else {"rows": {}, "beside": {}}
    found = {name: row for name, row in kept["rows"].items() if name in EVERY and row["options"] == EVERY[name]}
    log_px = {}
    for name, options in EVERY.items():
        scores = folder / f"{name}-lines.npy"
        if is_finished(folder / name) and not (name in found and scores.exists()):
            row, values = measured(name, options, folder)
            found[name] = floor_checked(name, row) if "excess" in row else row
            np.save(scores, values)
            write_atomic(file, dump(kept | {"rows": found}, indent=2))
            print(f"{name}: measured", flush=True)
        if scores.exists():
            log_px[name] = np.load(scores)
    if not found:
        raise ValueError("budget: no run is finished yet, expected time to train one")
    beside = kept["beside"] | differences(log_px)
    draw(found, folder, out)
    text = [INTRO]
    for part, lines in PARTS.items():
        text += lines(found, beside)
        for picture, alt in PICTURES[part].items():
            if (out / picture).exists():
                text += [f"![{alt}]({picture})", ""]
    write_atomic(file, dump(kept | {"rows": found, "beside": beside}, indent=2))
    write_atomic(out / "sequences.md", "\n".join([*text, "## Settings", "", settings_table(EVERY), ""]).encode())
    print(out / "sequences.md")


def main():
    def with_rdkit(*given):
        canonical(["C"])
        write(*given)

    page_main(with_rdkit, __doc__, list(RUNS), "sequences.md", HERE)


if __name__ == "__main__":
    main()
