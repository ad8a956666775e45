"""What is measured of the runs of figures.control and figures.codes, and how rows of their tables show it."""

import numpy as np

from minivae.evaluate import standard_error

from . import blur_runs, codes_runs, control_runs
from .variants_runs import evaluate, is_finished, report_of, run_of, state_of

RUNS = control_runs.RUNS | codes_runs.RUNS | blur_runs.RUNS


def measured(name, folder, kept, measures=(), K=None):
    """{name: value} of a finished run, evaluated where that is not kept; else what was kept of it, or None.

    Raises ValueError for a run of other options.
    """
    if not is_finished(folder / name):
        return kept[name] if name in kept and kept[name]["options"] == RUNS[name] else None
    run = run_of(name, RUNS[name], folder)
    model, meta = run.load_model()
    report = report_of(run, meta)
    missing = [measure for measure in measures if measure not in report["measures"]]
    if missing or "loss" not in report or (K is not None and str(K) not in report["evidence"]):
        more = [*(("--measure", *missing) if missing else ()), *(("--samples", K) if K is not None else ())]
        evaluate(name, folder, *more)
        report = report_of(run, meta)
    return {
        "options": RUNS[name],
        "parameters": model.theta.size,
        "seconds": float(np.median([line["seconds"] for line in run.finished()])),
        "epochs": run.settings["epochs"],
        "metrics": {metric: report[metric] for metric in model.metrics},
        "elbo_error": report.get("elbo_standard_error"),
        "measures": {measure: report["measures"][measure] for measure in measures},
    }


def all_measured(names, folder, kept, measures=(), K=None):
    """{name: what `measured` gives} of those runs of which there is something."""
    found = {name: measured(name, folder, kept, measures, K) for name in names}
    return {name: m for name, m in found.items() if m is not None}


def error_of(gain):
    """The standard error of the mean of gains (seeds,); NaN of a single seed."""
    error = standard_error(gain)
    return np.nan if error is None else error


def mean_and_spread(values, form="{:.3f}"):
    """The mean and, of two values or more, their standard deviation."""
    if not len(values):
        return ""
    spread = f" ({form.format(values.std(ddof=1))})" if len(values) > 1 else ""
    return form.format(values.mean()) + spread


def open_cell(names, folder):
    """Where a row's runs stand, and the command that goes on."""
    done = sum(is_finished(folder / name) for name in names)
    part = [state for name in names if (state := state_of(folder / name)) is not None and state[0] < state[1]]
    under_way = f", {part[0][0]} of {part[0][1]} epochs of the next" if part else ""
    page = "blur" if names[0] in blur_runs.RUNS else "variants"
    return f"open, {done} of {len(names)} runs{under_way}: `python -m figures.{page} --only {' '.join(names)}`"
