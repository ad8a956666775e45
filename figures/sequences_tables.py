"""The tables and the words of sequences.md: a part for each kind of lines."""

import numpy as np

from minivae.data.expressions import entropy, mean_length
from minivae.tables import markdown

from .sequences_measures import CLIMBERS, NAMED, PLACES, SAMPLES, SHOWN, STEPS, K
from .sequences_runs import RUNS

BEYOND = 3  # standard errors that an NLL may lie below what is true
EXPRESSIONS = {
    "expressions-lm": "GRU language model",
    "expressions-vae": "GRU VAE",
    "expressions-free": "GRU VAE, 0.25 nats per latent free",
    "expressions-lm-transformer": "transformer language model",
    "expressions-vae-transformer": "transformer VAE, 0.25 nats per latent free",
}
NAMES = {"lm-0": "GRU language model", "none-0": "GRU VAE, no cure", "together-0": "GRU VAE, three cures"}
MOLECULES = {
    "molecules-smiles": "VAE, SMILES",
    "molecules-tight": "VAE, SMILES, beta 0.2",
    "molecules-selfies": "VAE, SELFIES",
    "molecules-lm-smiles": "language model, SMILES",
    "molecules-lm-selfies": "language model, SELFIES",
}
WORDS = {"shakespeare-lm": "language model", "shakespeare-vae": "VAE"}
BESIDE = {"none-0": "lm-0", "together-0": "lm-0", "shakespeare-vae": "shakespeare-lm",
          "molecules-smiles": "molecules-lm-smiles", "molecules-tight": "molecules-lm-smiles",
          "molecules-selfies": "molecules-lm-selfies"}  # fmt: skip
WHAT = EXPRESSIONS | NAMES | MOLECULES | WORDS
PROPERTY = {"logp": ("log P", 2), "qed": ("QED", 3)}  # and digits

READ = {
    "expressions": """{n_train:,} training lines of a small grammar (`minivae/data/expressions.py`) that says exactly
how likely each line is. The entropy of a line is {entropy:.4f} nats, {per_token:.4f} a token with the end marks; the
{n_test:,} test lines have a true -log p of {truth} nats. The NLL of a language model is exact, that of a VAE a bound
by {K} samples of z. Below the truth of the same lines no NLL may lie by more than {beyond} standard errors of the
paired difference: the command refuses to write one. A sample, its tokens drawn, is of the grammar if the grammar can
make it; there are {samples:,} of each model.""",
    "names": """Runs of [collapse.md](collapse.md), seed 0: "no cure" is the VAE as it is, "three cures" has free
bits, a third of the tokens hidden from its decoder, and a beta that rises. Perplexity is that of a character, end
marks among them; of a VAE it is at most that, by {K} samples of z. {seen:,} of the {n_test:,} test names are training
names too. {samples:,} samples of each, tokens drawn; "held out" are names of the validation and test splits that are
in no training line.""",
    "walks": "Between two names, from mean to mean in equal steps, each line the likeliest of its z:",
    "neighbors": "Training names whose means are nearest to that of a name:",
    "molecules": """{n_train:,} training molecules of ZINC, {n_test:,} others for the test. A VAE has 56 latents and a
beta of 0.05, the one of beta 0.2 has 32; beta rises for 5 epochs. A molecule has many strings of either kind, and
p(x) is of one string. NLL is on {rows} of the test molecules, the same for all rows, of VAEs a bound by {K} samples
of z: nats per molecule compare SMILES and SELFIES, perplexities of their tokens do not. A reconstruction has the
likeliest token at each place, given the mean of z. There are {samples:,} samples. Shares are +- binomial standard
errors, and everything is of one training of each.""",
    "climb": """log P and QED are predicted from the mean of z by a small network, in whitened codes: their lengths
are in standard deviations. The codes of {n} test molecules move along the gradient of the prediction, {steps} steps;
as a control they move as far in random directions. Changes are from the reconstruction, where both are molecules.""",
    "words": """Lines of Shakespeare, a vocabulary of at most 10,000 words; other words count as one token, the
unknown. Perplexity of a token, end marks among them, of a VAE at most that, by {K} samples of z. The test lines are
the last tenth of the file, those of training its beginning.""",
    "places": """Of each token the KL of p(x_t | the tokens before it, z), z ~ q(z | x), and p(x_t | the tokens before
it), a mean over the first {places} test lines; the second is a mixture over {K} draws from the prior.""",
}
SHOWS = {  # of each part: the runs that it speaks of, and what they show
    "expressions": (
        EXPRESSIONS,
        """What it shows. No NLL lies below the floor, and the best come within 0.1 nats a line of it. What they lack
stands in two places. One line in six has parentheses: there a model must count how many are open, and with each pair
it is further off. And lengths: lines of 6 to 8 tokens seem likelier to the models than they are, so that their NLL is
below the true -log p of these lines (no breach of the floor, which is a mean over all lines), at the cost of the
shortest and of the longest. This comes of the training: batches are of lines of nearly one length, the gradients of
the shortest and of the longest are the largest, and clipping takes most from them. In short trials of a GRU the
lengths are the further off the harder gradients are clipped, and nearly right without.

The VAE without a cure is the language model again: its KL is 0.04 nats. With free bits z says 4 nats, and log p(x) is
worse than without a z: what is said by z need not be said by the tokens, but it costs more than it saves. In the
attention of the transformer are the parts that the grammar needs: the letter before "=", the parenthesis that is
open, the operators.""",
    ),
    "names": (
        NAMES,
        """What it shows. Without a cure the VAE is the language model again, a little worse, and what it decodes
hardly depends on z. Yet its means are sorted: the differences are far smaller than the width of q(z | x), and
neighbors share letters rather than beginnings. With three cures a walk leads from one name to the other, neighbors
share beginnings and sounds, and a short name comes back from its mean; a long one only in part. The price is in the
table: a higher perplexity, and samples that are less often names that were held out. That a cure helps the code and
harms the density is the rule of collapse.md as well.""",
    ),
    "molecules": (
        MOLECULES,
        """What it shows. Validity is a matter of the strings: every line of SELFIES is a molecule, of SMILES about
half of what a language model draws, and less of what the VAEs draw. But validity is not all: molecules from SELFIES
have a lower QED than those of the test, and the drawings show large rings and chains that no chemist would make. Nor
are SELFIES easier to learn: the language model of them needs 4 nats more for the same molecule; why is open. A small
beta buys codes from which a quarter of the molecules come back, and pays with the prior: q(z) leaves N(0, I), samples
are worse than with a beta of 0.2, and 100 samples of z are far too few for a KL of 77 nats, so that its NLL says
little. From a SELFIES code hardly a molecule comes back: one wrong symbol early changes what the others mean.

The climb does what it should. log P rises by 2.2 to 2.3 at the middle length, random moves of that length change it
by 0.1 or less, and the prediction is too high by half to one. What it costs is validity with SMILES, a fifth where
the reconstructions had two thirds, and with SELFIES the likeness to real molecules; and the molecules grow, for every
carbon adds to log P. QED rises a little with SMILES and not with SELFIES, although the prediction rises as much:
there the climb finds where the prediction is wrong.""",
    ),
    "places": (
        ("expressions-free", "expressions-vae-transformer", "together-0"),
        """What it shows. The second token of an expression is certain, and z says nothing of it; it speaks of the
letter before it and of the first term, and of what follows less and less. Of a name it speaks to the end.""",
    ),
}


def table(head, names, found, cells, above=()):
    """A table with a row for each run, those that are not finished open; `cells(name, row)` are behind the first.

    The rows `above` come before them.
    """
    rows = list(above)
    for name in names:
        page = "sequences" if name in RUNS else "collapse"
        open_ = [f"open: `python -m figures.{page} --only {name}`", *[""] * (len(head) - 2)]
        rows.append((WHAT[name], *(cells(name, found[name]) if name in found else open_)))
    return [markdown(head, *rows), ""]


def pm(pair, digits=2, sign="-"):
    """Mean +- standard error."""
    mean, error = pair
    if mean is None:
        return ""
    return f"{mean:{sign}.{digits}f}" + ("" if error is None else f" +- {error:.{digits}f}")


def percent(share):
    """A share +- its binomial standard error."""
    if not share["of"]:
        return "none"
    return f"{100 * share['share']:.1f} +- {100 * share['standard_error']:.1f} %"


def code(line):
    """A line as it stands, in a table too."""
    return f"`{line}`" if line else "(empty)"


# ---- The parts of the page


def expressions_part(found, beside):
    head = ("model", "NLL, nats per line", "per token", "above the true -log p, nats per line", "KL, nats",
            "samples of the grammar")  # fmt: skip

    def cells(name, row):
        return (pm(row["nll"]), f"{np.log(row['perplexity'][0]):.4f}", pm(row["excess"], 3, "+"),
                pm(row["kl"], 3) if "kl" in row else "", percent(row["grammatical"]))  # fmt: skip

    rows = {name: found[name] for name in EXPRESSIONS if name in found}
    text, above = ["## Expressions: a floor that is known", ""], []
    if rows:
        some = next(iter(rows.values()))
        text += [READ["expressions"].format(
            n_train=some["n_train"], n_test=some["n_test"], K=K, entropy=entropy(), per_token=entropy() / mean_length(),
            truth=pm(some["truth"]), beyond=BEYOND, samples=SAMPLES), ""]  # fmt: skip
        truth = some["truth"][0]
        above.append(("the grammar itself", pm(some["truth"]), f"{truth / some['tokens']:.4f}", "0", "", "100 %"))
    text += table(head, EXPRESSIONS, found, cells, above)
    lines = [(WHAT[name], ", ".join(map(code, row["samples"]))) for name, row in rows.items()]
    return [*text, *([markdown(("model", "samples"), *lines), ""] if lines else []), *shown("expressions", found)]


def names_part(found, beside):
    head = ("model", "perplexity", "log p(x) beside the language model, nats", "samples that are different",
            "of these, new", "of the new, names that were held out", "tokens of a sample")  # fmt: skip

    def cells(name, row):
        return (pm(row["perplexity"], 3), pm(beside[name], 3, "+") if name in beside else "", percent(row["different"]),
                percent(row["new"]), percent(row["held"]), pm(row["made_tokens"]))  # fmt: skip

    rows = {name: found[name] for name in NAMES if name in found}
    text = ["## Names", ""]
    if rows:
        some = next(iter(rows.values()))
        text += [READ["names"].format(K=K, samples=SAMPLES, seen=some["seen"], n_test=some["n_test"]), ""]
    text += table(head, NAMES, found, cells)
    if rows:
        text += [markdown(("model", "samples"), *((WHAT[name], ", ".join(of["samples"])) for name, of in rows.items())),
                 ""]  # fmt: skip
    with_z = {name: row for name, row in rows.items() if "walks" in row}
    if with_z:
        text += [READ["walks"], "", *walk_table(with_z), READ["neighbors"], ""]
        near = [(WHAT[name], code(line), ", ".join(of)) for name, row in with_z.items()
                for line, of in zip(NAMED, row["neighbors"], strict=True)]  # fmt: skip
        text += [markdown(("model", "name", f"the {SHOWN} nearest"), *near), ""]
    return [*text, *shown("names", found)]


def walk_table(rows):
    """What lies between two lines, of each run."""
    steps = [(WHAT[name], *map(code, walk)) for name, row in rows.items() for walk in row["walks"]]
    count = len(steps[0]) - 1
    return [markdown(("model", *(f"{i / (count - 1):.2f}" for i in range(count))), *steps), ""]


def molecules_part(found, beside):
    def of_lines(name, row):
        cells = [f"{row['tokens']:.1f}", pm(row["perplexity"], 3), pm(row["nll"])]
        cells.append(pm(beside[name], 2, "+") if name in beside else "")
        return (*cells, pm(row["elbo"]), pm(row["kl"])) if "elbo" in row else (*cells, "", "")

    def of_codes(name, row):
        return percent(row["same"]), percent(row["back_valid"]), f"{100 * row['accuracy'][0]:.1f} %"

    head = ("model", "tokens of a line", "perplexity of a token", "NLL, nats per molecule",
            "log p(x) beside the language model, nats", "ELBO, nats", "KL, nats")  # fmt: skip
    done = {name: found[name] for name in MOLECULES if name in found}
    text = ["## Molecules: SMILES and SELFIES", ""]
    if done:
        some = next(iter(done.values()))
        numbers = {name: some[name] for name in ("n_train", "n_test", "rows")}
        text += [READ["molecules"].format(K=K, samples=SAMPLES, **numbers), ""]
    text += table(head, MOLECULES, found, of_lines)
    codes = [name for name in MOLECULES if name in BESIDE]
    text += table(("model", "the same molecule", "a molecule", "the same token at a place"), codes, found, of_codes)
    made = [(f"{WHAT[name]}, {how}", *(percent(row[kind][part]) for part in ("validity", "uniqueness", "novelty")),
             pm(row[kind]["qed"], 3)) for name, row in done.items()
            for kind, how in (("drawn", "tokens drawn"), ("greedy", "likeliest tokens")) if kind in row]  # fmt: skip
    if done:
        made.append(("test molecules", "", "", "", pm(next(iter(done.values()))["test_qed"], 3)))
        text += [markdown(("samples", "valid", "of these, different", "of these, new", "QED of the valid"), *made), ""]
    climbing = {name: row for name, row in done.items() if "climbs" in row}
    if climbing:
        text += ["### A property, and its climb", "", READ["climb"].format(n=CLIMBERS, steps=STEPS), ""]
    for name, row in climbing.items():
        for prop, of in row["climbs"].items():
            text += climb_table(WHAT[name], *PROPERTY[prop], of)
    return [*text, *shown("molecules", found)]


def climb_table(what, prop, digits, of):
    """What the climbs of a property come to, of one run."""
    rows = [(f"{what}: {prop}", "moved", "valid", "different", prop, "change", "predicted", "weight, dalton")]
    for row in of["rows"]:
        moved = row.get("length", 0) > 0
        rows.append((row["how"], f"{row['length']:.2f}" if moved else "", percent(row["valid"]), row["different"],
                     pm(row["value"], digits), pm(row["change"], digits, "+") if moved else "",
                     f"{row['predicted']:.{digits}f}" if "predicted" in row else "",
                     pm(row["weight"], 0)))  # fmt: skip
    net, linear = of["r_squared"]
    said = (f"R^2 of the prediction on {of['tested']:,} test molecules: {net:.3f}, of a ridge regression {linear:.3f}; "
            f"codes are {of['far']:.2f} from their mean.")  # fmt: skip
    return [markdown(*rows), "", said, ""]


def words_part(found, beside):
    def cells(name, row):
        return (f"{row['tokens']:.2f}", pm(row["perplexity"], 1), pm(row["nll"]),
                pm(beside[name], 2, "+") if name in beside else "", pm(row["kl"]) if "kl" in row else "",
                percent(row["unknown"]))  # fmt: skip

    head = ("model", "tokens of a line", "perplexity of a token", "NLL, nats per line",
            "log p(x) beside the language model, nats", "KL, nats", "unknown tokens")  # fmt: skip
    text = ["## Words", "", READ["words"].format(K=K), "", *table(head, WORDS, found, cells)]
    for name in (name for name in WORDS if name in found):
        text += [f"Samples of the {WHAT[name]}:", "", *(f"- {code(line)}" for line in found[name]["samples"]), ""]
    with_z = {name: found[name] for name in WORDS if "walks" in found.get(name, {})}
    if with_z:
        text += ["Between two test lines, from mean to mean:", "", *walk_table(with_z)]
    return text


def places_part(found, beside):
    return ["## What z says of each place", "", READ["places"].format(K=K, places=PLACES), "", *shown("places", found)]


def shown(part, found):
    """What the numbers of a part show, once all of them are there."""
    names, text = SHOWS[part]
    return [text, ""] if all(name in found for name in names) else []


PARTS = {"expressions": expressions_part, "names": names_part, "molecules": molecules_part, "words": words_part,
         "places": places_part}  # fmt: skip
