"""What is read from a run folder, all of it checked once: a folder may be damaged, or come from anybody."""

from ..data.protocol import Protocol
from ..evaluate.ledger import is_ledger
from ..files import parse, read_file
from ..models import MODELS
from ..options import is_number
from .settings import is_complete, read_options, with_older

DAMAGE = (KeyError, TypeError, AttributeError, ValueError, RecursionError, OverflowError)


def read_settings(file):
    """(settings, Protocol) of settings.json; ValueError if it is missing, damaged or something else."""
    try:
        content = read_file(file, "run", 2**26)
    except ValueError as error:
        raise ValueError(f"{error}; is it a run folder?") from None
    try:
        recorded = parse(content)
        settings = recorded["settings"]
        data = recorded["data"]
        given = {name: value for name, value in settings.items() if value is not None}
    except DAMAGE:
        raise ValueError(f"run: {file} is damaged") from None
    try:
        settings = with_older(settings | read_options(given), given.get("model"))
        if not is_complete(settings):
            raise ValueError("an option without a value")
        return settings, Protocol.from_json(data)
    except DAMAGE as error:
        raise ValueError(f"run: {file} is damaged ({error})") from None


def read_metrics(file, settings, protocol):
    """The lines of metrics.jsonl, of epochs 1, 2, 3 and so on, up to the first that is cut off or damaged."""
    lines = []
    splits = ["train"] + ["validation"] * (protocol.n_validation > 0)
    for text in read_file(file, "run").splitlines():
        try:
            line = parse(text)
            if not _is_line(line, len(lines) + 1, splits, MODELS[settings["model"]], settings):
                break
        except DAMAGE:
            break
        lines.append(line)
    return lines


def _is_line(line, epoch, splits, model, settings):
    """Whether it is what `fit` gives of an epoch: finite numbers by names that the model knows."""
    if set(line) - {"epoch", "seconds", "ledger"} != set(splits):
        return False
    if type(line["epoch"]) is not int or line["epoch"] != epoch or not is_number(line["seconds"]):
        return False
    metrics = model.metrics_of(settings)
    known = all(name in metrics or name.startswith("loss") for split in splits for name in line[split])
    needed = all(name in line[split] for split in splits for name in {"loss", model.monitor} - {None})
    finite = all(is_number(value) for split in splits for value in line[split].values())
    return known and needed and finite and ("ledger" not in line or is_ledger(line["ledger"]))
