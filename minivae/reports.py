"""What `evaluate` has measured of a run: evaluate-STEM.json in its folder, and estimates of log p(x) row by row."""

from .data.inputs import read_array
from .evaluate import Result
from .files import alone, dump, parse, read_file, write_array, write_atomic
from .options import is_number
from .runs.records import DAMAGE

KINDS = ("evidence", "annealed")
EVIDENCE = ("log_px", "log_px_standard_error")


def keep_report(run, stem, report, metrics, results, measures):
    """Write evaluate-STEM.json: what was measured (`report`), its metrics, estimates of log p(x), other measures.

    `results`: {"evidence": {K: Result}, "annealed": {T: Result}}; the values of their rows go into
    evidence-STEM-K.npy and annealed-STEM-T.npy. What the file has of the same weights and rows stays in it. Returns
    the epoch of another checkpoint, whose figures are replaced; None if there were none.
    """
    file = run.file(f"evaluate-{stem}.json")
    with alone(run.file("settings.json")):
        before = read_report(file)
        same = before is not None and all(before.get(name, value) == value for name, value in report.items())
        document = report | metrics
        for kind in KINDS:
            found = results.get(kind, {})
            for key, result in found.items():
                write_array(run.file(f"{kind}-{stem}-{key}.npy"), result.values)
            kept = (before[kind] if same else {}) | {key: result.to_json() for key, result in found.items()}
            document[kind] = dict(sorted(kept.items(), key=lambda item: int(item[0])))
        document["measures"] = (before["measures"] if same else {}) | measures
        write_atomic(file, dump(document, indent=2))
    return None if before is None or same else before["epoch"]


def read_result(run, stem, K):
    """The Result of K samples that evaluate-STEM.json has; ValueError where it has none."""
    report = read_report(run.file(f"evaluate-{stem}.json"))
    if report is None or str(K) not in report["evidence"]:
        raise ValueError(f"evidence: {run.path} has none of {K} samples on the {stem} split; minivae evaluate "
                         f"{run.path} --samples {K}")  # fmt: skip
    file = run.file(f"evidence-{stem}-{K}.npy")
    try:
        return Result.from_json(report["evidence"][str(K)], read_array(file, "evidence"))
    except ValueError as error:
        raise ValueError(f"evidence: {file} cannot be compared ({error})") from None


def read_report(file):
    """{name: value} of an evaluate-STEM.json; None where there is none, or it is damaged.

    "evidence" in it is {K: what a Result says of itself}, K in digits, and "annealed" {T: the same}. The first versions
    had two numbers of it and `samples` beside the metrics.
    """
    try:
        report = parse(read_file(file, "run", 2**26))
        if "samples" in report:
            report["evidence"] = {str(report.pop("samples")): {name: report.pop(name) for name in EVIDENCE}}
        found = [item for kind in KINDS for item in report.setdefault(kind, {}).items()]
        whole = type(report["epoch"]) is int and type(report.setdefault("measures", {})) is dict
        whole &= all(
            key.isdecimal() and all(result[name] is None or is_number(result[name]) for name in EVIDENCE)
            for key, result in found
        )
    except DAMAGE:
        return None
    return report if whole else None
