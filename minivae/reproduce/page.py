"""The page of published numbers and ours: a record of what was measured, and what is still open."""

from ..files import dump, parse, read_file, write_atomic
from ..tables import markdown

INTRO = """# Published numbers, and ours

Written by `minivae reproduce NAME`, which trains and measures one row, from its data to this page. Numbers are negative
log-likelihoods of all 10,000 test images in nats per image, lower is better, by importance sampling with K samples;
ours with the standard error over the images. Bits are resampled at every presentation (those of the test images are
drawn once, by seed 0), or static. Grey levels are spread over their intervals (those of the test images by seed 0) for
a density p(x), which is exact: log p(x) less log 256 for each pixel is a bound on the levels' own. By one sample of z
the number is a negative ELBO. Numbers of different bits or different K cannot be compared. Where we have fewer epochs
than were published, the whole schedule is scaled to them (`--budget MINUTES`). An open row says which command fills it.
"""
HEAD = ("source", "model", "bits", "K", "published", "ours", "active units: published, ours", "epochs", "training",
        "evidence", "commit")  # fmt: skip


def read_rows(file):
    """{name: what was measured} of a reproduction.json; empty where there is none yet."""
    return parse(read_file(file, "page")) if file.exists() else {}


def write_row(folder, name, measured, published):
    """Put what was measured of a row into reproduction.json, and write reproduction.md anew from it.

    A row of a longer training stays: then nothing is written, and False comes back.
    """
    rows = read_rows(folder / "reproduction.json")
    if name in rows and rows[name]["epochs"] > measured["epochs"]:
        return False
    rows[name] = measured
    write_atomic(folder / "reproduction.json", dump(dict(sorted(rows.items())), indent=2))
    write_atomic(folder / "reproduction.md", page(rows, published).encode())
    return True


def page(rows, published):
    """The page of all published numbers, in their order."""
    table = [HEAD, *(_row(row, rows.get(row.name)) for row in published)]
    notes = {}
    for row in published:
        if row.differs:
            notes.setdefault(row.differs, []).append(f"`{row.name}`")
    notes = [f"- {', '.join(names)}: {differs}." for differs, names in notes.items()]
    done = [f"- `{name}`: {measured['line']}." for name, measured in rows.items()]
    return "\n".join([INTRO, markdown(*table), "", "In what ours is knowingly not theirs:", "", *notes, "",
                      "The measured rows, with their whole protocol:", "", *done, ""])  # fmt: skip


def _row(row, measured):
    bits = "static" if row.settings["data"] == "static-mnist" else "resampled"
    bits = "grey levels" if row.settings.get("dequantize") else bits
    cells = [row.source, row.model, bits, f"{row.samples:,}", f"{row.nll:.2f}"]
    active = "" if row.active is None else f"{row.active}"
    if measured is None:
        return [*cells, "open", active, "", "", "", f"`minivae reproduce {row.name}`"]
    m = measured
    ours = f"{m['nll']:.2f} +- {m['standard_error']:.2f}"
    active = ", ".join(part for part in (active, "" if m["active"] is None else str(m["active"])) if part)
    scaled = " (scaled)" if m["epochs"] < m["published_epochs"] else ""
    epochs = f"{m['epochs']:,} of {m['published_epochs']:,}{scaled}"
    return [*cells, ours, active, epochs, f"{m['training_seconds'] / 60:.0f} min, {m['threads']}",
            f"{m['evidence_seconds']:.0f} s", m["commit"]]  # fmt: skip
