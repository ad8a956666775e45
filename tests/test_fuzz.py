"""Odd input, the same every time: a finite result or one clear line. More of it, and other: python -m tests.fuzz."""

import inspect
import json
import math
import shutil
import sys
import warnings
from unittest import mock

import contract
import fuzz
import fuzz_calls
import fuzz_files
import numpy as np
import odd
import pytest
from contract import Outside, attempt, command
from fuzz import PLAIN, TARGETS, Case, Tally, Target, one_round
from hypothesis import given, settings
from hypothesis import strategies as st

from minivae import layers, likelihoods
from minivae.cli.base import COMMANDS
from minivae.models import MODELS
from minivae.optim import OPTIMIZERS


@pytest.fixture(scope="module", autouse=True)
def _runs():
    """The tiny runs are removed: a worker of pytest ends without what atexit would do."""
    yield
    shutil.rmtree(fuzz_files.tiny_runs())
    fuzz_files.tiny_runs.cache_clear()


@pytest.fixture(autouse=True)
def _workshop():
    with contract.workshop():
        yield


@pytest.mark.parametrize("name", TARGETS)
def test_odd_input(name):
    target = TARGETS[name]

    @settings(PLAIN, derandomize=True, max_examples=target.suite, report_multiple_bugs=False)
    @given(target.cases.map(Case))
    def run(case):
        target.run(case.value)

    run()


def test_everything_is_among_the_targets():
    """What has arguments of its own is called with odd ones, and every command on a run meets damaged ones."""
    of_parts = {
        "Denoiser",
        "EachClass",
        "Halves",
        "Join",
        "Layer",
        "LineDecoder",
        "LineEncoder",
        "Network",
        "Reshape",
        "Residual",
        "Sequential",
        "Spectral",
        "Timed",
        "Upward",
    }  # made of layers, or of any sizes
    classes = [part for part in map(vars(layers).get, layers.__all__) if inspect.isclass(part)]
    for cls in (*classes, *likelihoods.LIKELIHOODS.values()):
        taken = set(inspect.signature(cls).parameters) - {"rng", "init"}
        if taken and cls.__name__ not in of_parts:
            assert taken == set(fuzz_calls.CALLS[cls.__name__].arguments), cls
    for name, cls in MODELS.items():
        assert set(cls.options) <= set(fuzz_calls.CALLS[f"{name}.build"].arguments)
    assert set(OPTIMIZERS) <= set(fuzz_calls.CALLS)
    assert set(fuzz_files.RUNS) == set(MODELS)
    drawn = {what.split()[0] for what in (*fuzz_files.QUICK, *fuzz_files.PICTURES)}
    on_runs = {f.__name__ for f, arguments in COMMANDS if arguments and arguments[0][0][0] in ("run", "runs")}
    assert on_runs - drawn == {"animate", "climb"}  # which need pictures of epochs, and molecules


def test_sound_input_is_no_fault():
    """Every command on an undamaged run, every call and method with its usual arguments."""
    for name in fuzz_files.RUNS:
        for what in (*fuzz_files.QUICK, *fuzz_files.PICTURES):
            if name not in fuzz_files.LACK.get(what, ()):
                assert fuzz_files.run_folder((name, ("settings.json", "bytes", []), what)), (name, what)
        for method in fuzz_calls.METHODS:
            refused = {
                "ae": ["log_evidence"],
                "aae": ["log_evidence"],
                "gan": ["encode", "reconstruct", "log_evidence"],
                "vqvae": ["log_evidence"],
                "net": ["encode", "decode"],
                "lm": ["encode", "decode"],
                "nvp": ["decode"],
                "ddpm": ["decode"],
            }
            assert method in refused.get(name, []) or fuzz_calls.run_input((name, method, {}))
    for name in fuzz_calls.CALLS:
        assert fuzz_calls.run_call((name, {})), name
    assert fuzz_files.run_options({"lr": 0.5, "hidden": [3]})
    assert fuzz_files.run_toml(({"lr": 0.5, "hidden": [3]}, []))
    x, y = np.eye(6, 4, dtype="float32"), np.arange(6)
    assert fuzz_files.run_npy((x, [], [], {}))
    assert fuzz_files.run_npz(({"x": x, "y": y, "x_test": x, "y_test": y}, [], {}))
    assert fuzz_files.run_idx((0, False, [], {}))


# ---- the contract can be broken


def bad(error):
    def run():
        raise error

    return run


def warn():
    warnings.warn("careful", UserWarning, stacklevel=1)


BROKEN = [
    (bad(TypeError("lr")), "TypeError"),
    (bad(MemoryError()), "MemoryError"),
    (bad(ValueError("expected a number")), "no subject"),
    (bad(ValueError("lrs: expected a number")), "no subject"),
    (bad(ValueError("")), "no message"),
    (bad(OSError("lr: \x1b[31m")), "control characters"),
    (bad(ValueError("lr: " + 1000 * "x")), "long message"),
    (warn, "UserWarning"),
    (lambda: {"a": [np.array([1.0, np.inf])]}, "not finite"),
    (lambda: (1, float("nan")), "not finite"),
    (lambda: np.float32("nan"), "not finite"),
]


@pytest.mark.parametrize(("run", "what"), BROKEN)
def test_what_is_outside(run, what):
    with pytest.raises(Outside) as fault:
        attempt(run, ["lr"])
    assert fault.value.key[0] == what


def test_what_is_inside(tmp_path):
    assert attempt(lambda: {"a": [1.0, 10**400, "nan", None]}, ["lr"])
    assert not attempt(bad(ValueError("lr: expected\n a number")), ["lr"])
    assert not attempt(bad(FloatingPointError("the loss is not finite")), ["lr"])
    assert not attempt(bad(OSError("cannot read a.npy")), ["lr", "a.npy"], tmp_path)


def test_a_refusal_leaves_the_files(tmp_path):
    (tmp_path / "a").write_text("a")

    def spoil():
        (tmp_path / "a").write_text("b")
        raise ValueError("lr")

    with pytest.raises(Outside, match="changed: a"):
        attempt(spoil, ["lr"], tmp_path)


def test_what_never_ends(monkeypatch):
    monkeypatch.setattr(contract, "SECONDS", 0.05)

    def wait():
        while True:
            pass

    with pytest.raises(Outside, match="more than 0.05 s"):
        attempt(wait, ["lr"])


LINES = [
    (2, "", "minivae: lr: no number\n", {}, None),
    (1, "", "", {}, None),
    (0, "path/nan.png\nelbo -3.25\n", "", {"a.json": '{"a": 1.5}'}, None),
    (2, "", "minivae: no number\n", {}, "no subject"),
    (2, "", "lr: no number\n", {}, "not one line"),
    (2, "", "minivae: lr\nTraceback\n", {}, "not one line"),
    (2, "", "", {}, "not one line"),
    (2, "", "minivae: lr: no number\n", {"left": ""}, "changed files"),
    (3, "", "minivae: lr: no number\n", {}, "exit code 3"),
    (0, "", "careful\n", {}, "words on stderr"),
    (0, "elbo nan\n", "", {}, "not finite"),
    (0, "elbo -inf nats\n", "", {}, "not finite"),
    (0, "", "", {"a.json": '{"a": [NaN]}'}, "not finite"),
    (0, "", "", {"a.jsonl": '{"a": 1}\n{"a": -Infinity}\n'}, "not finite"),
]


@pytest.mark.parametrize(("code", "out", "err", "files", "what"), LINES)
def test_what_a_command_may_do(code, out, err, files, what, tmp_path):
    def main(argv):
        print(out, end="")
        print(err, end="", file=sys.stderr)
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        return code

    with mock.patch("minivae.cli.main", main):
        if what is None:
            assert command(["info"], ["lr"], tmp_path) == (code == 0)
            return
        with pytest.raises(Outside) as fault:
            command(["info"], ["lr"], tmp_path)
    assert fault.value.key[0] == what


def test_a_fault_is_found_where_it_is(tmp_path):
    """A command that fails is known by the line of minivae that it came from."""
    with pytest.raises(Outside) as fault:
        command(["info", str(tmp_path)], ["lr"], tmp_path)
    assert fault.value.key == ("no subject", f"runs/records.py:{fault.value.key[1].partition(':')[2]}")


# ---- the search


def test_rounds_find_both_faults_make_them_small_and_go_on():
    def run(n):
        if n > 1000:
            raise Outside("large", "here", f"{n}")
        if n < -300:
            raise Outside("small", "there", f"{n}")
        return n % 2 == 0

    tally = Tally(Target(st.integers(), run, 1, 1))
    for number in range(4):
        one_round(tally, math.inf, number)
    assert {key: text for key, (text, _) in tally.faults.items()} == {
        ("large", "here"): "1001",
        ("small", "there"): "-301",
    }
    assert all(tally.counts.values())


def test_the_command(capsys, monkeypatch):
    def run(n):
        raise Outside("it is", "here", "too large")

    monkeypatch.setattr(fuzz, "explore", lambda tally, seconds, number: one_round(tally, math.inf, number))
    for cases, code in ((lambda n: True, 0), (run, 1)):
        monkeypatch.setattr(fuzz, "TARGETS", {"numbers": Target(st.integers(), cases, 1, 1)})
        assert fuzz.main(["--seed", "3"]) == code
        head, _, row, *faults = capsys.readouterr().out.splitlines()
        assert head == "seed 3"
        assert row.split()[0] == "numbers"
        assert faults == ["", "numbers: it is at here: too large", "    0"] * code


def test_edits():
    content = bytes(range(10))
    assert odd.edited(content, [("cut", 0.5, b"x")]) == content[:5]
    assert odd.edited(content, [("insert", 0.5, b"xy")]) == content[:5] + b"xy" + content[5:]
    assert odd.edited(content, [("remove", 0.0, b"xy")]) == content[2:]
    assert odd.edited(content, [("replace", 0.9, b"x")]) == content[:9] + b"x"
    assert odd.edited(content, [("flip", 0.3, b"\x00")]) == bytes([0, 1, 2, 2, *range(4, 10)])
    assert odd.edited(b"", [("flip", 1.0, b"\x00"), ("insert", 1.0, b"x")]) == b"x"


def test_changes_of_json():
    document = {"a": {"b": [1, 2]}, "c": 3}
    changed = [odd.changed_json(document, (i, what, "NaN")) for what in ("replace", "remove", "add", "rename")
               for i in range(5)]  # fmt: skip
    assert changed[0] == ('{"a": NaN, "c": 3}', ["a"])
    assert changed[2] == ('{"a": {"b": [NaN, 2]}, "c": 3}', ["a", "b"])
    assert ('{"a": {}, "c": 3}', ["a", "b"]) in changed
    assert ('{"a": {"b": [1, 2, NaN]}, "c": 3}', ["a", "b"]) in changed
    assert ('{"a": {"novelty": [1, 2]}, "c": 3}', ["a", "b", "novelty"]) in changed
    assert document == {"a": {"b": [1, 2]}, "c": 3}
    assert all(json.loads(text) != document for text, _ in changed)


def test_names_of_what_bytes_changed():
    text = b'{"a": {"b": 1, "c": [2]}, "d": 3}'
    place = text.index(b"1") / len(text) + 1e-9
    assert fuzz_files.damaged(text, ".json", "bytes", [("replace", place, b"9")])[1] == ["a", "b"] * 2
    assert fuzz_files.damaged(text, ".json", "bytes", [("cut", place, b"9")])[1] == []


def test_short_texts():
    assert contract.short({"a": 10**5000}) == "{'a': 1<5000 times 0>}"
    assert contract.short("x" * 5000) == "<5000 times x>"
    assert len(contract.short(list(range(1000)))) < 300
