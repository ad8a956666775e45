"""The mutation tester itself: one edit per mutant, the sample of the seed, and what it says of survivors."""

import ast
import os

import mutation
import pytest
from scipy import stats

SOURCE = '''
def f(x, axis=-1, tiny=0.5, unused=3):
    """1 + 1, and - x."""
    if x is None or not x:
        raise ValueError(f"x: expected 1, got {x}")
    y = xp.exp(x, out=x)
    y += g(x, 2)
    y = y
    return -y if axis < 0 else y.sum(axis=0) / tiny
'''


@pytest.fixture
def every(tmp_path):
    file = tmp_path / "f.py"
    file.write_text(SOURCE)
    return mutation.mutants(file)


def test_mutants_are_these(every):
    lines = {tuple(line[1:] for line in m.diff().splitlines()) for m in every}
    head, test, last = (SOURCE.splitlines()[i].strip() for i in (1, 3, 8))
    expected = {
        *((head, head.replace("-1", new)) for new in ("0", "1")),
        *((head, head.replace("0.5", new)) for new in ("1.5", "-0.5")),
        (test, test.replace("or", "and")),
        (test, "if not (x is None or not x):"),
        (test, test.replace("is None", "is not None")),
        (test, test.replace("not x", "x")),
        ('raise ValueError(f"x: expected 1, got {x}")', "pass"),
        ("y = xp.exp(x, out=x)", "y = xp.log(x, out=x)"),
        ("y = xp.exp(x, out=x)", "y = xp.exp(x)"),
        ("y += g(x, 2)", "y = g(x, 2)"),
        ("y += g(x, 2)", "y -= g(x, 2)"),
        ("y += g(x, 2)", "y += g(2, x)"),
        ("y += g(x, 2)", "y += g(x)"),
        ("y += g(x, 2)", "y += g(x, 3)"),
        ("y += g(x, 2)", "pass"),
        ("y = y", "pass"),
        (last, last.replace("-y", "y")),
        *((last, last.replace("< 0", new)) for new in ("<= 0", ">= 0", "< 1")),
        (last, last.replace("sum", "mean")),
        *((last, last.replace("axis=0", new)) for new in ("axis=1", "axis=-1", "")),
        (last, last.replace("/", "*")),
    }
    assert lines == expected
    assert {m.where for m in every} == {"f"}


def test_mutants_are_other_programs():
    """Of a real file too."""
    file = mutation.PACKAGE / "layers" / "dropout.py"
    same = ast.dump(ast.parse(file.read_bytes()))
    assert all(ast.dump(ast.parse(mutant.source())) != same for mutant in mutation.mutants(file))


def test_wilson():
    expected = stats.binomtest(285, 300).proportion_ci(method="wilson")
    assert mutation.wilson(285, 300) == pytest.approx((expected.low, expected.high), rel=1e-6)


def test_every_test_that_is_named_exists():
    for node in {node for mirror in mutation.MIRRORS.values() for node in mirror}:
        file, _, name = node.partition("::")
        assert f"def {name.partition('[')[0] or 'test_'}" in (mutation.ROOT / file).read_text()


def test_what_a_child_says(monkeypatch):
    """Tests pass: survived. They fail, or crash: killed. The clock ends it: hung."""
    commands = ["exit 0", "exit 1", "kill -SEGV $$", "kill -PROF $$", "kill -ALRM $$"]
    monkeypatch.setattr(mutation, "start", lambda *c: os.posix_spawn("/bin/sh", ["sh", "-c", "".join(c)], os.environ))
    found = {i: verdict for i, verdict, _ in mutation.verdicts(commands)}
    assert [found[i] for i in range(5)] == ["survived", "killed", "killed", "hung", "hung"]


def test_report_shows_each_survivor_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "REASONS", tmp_path / "reasons.toml")
    sample = [mutant for mutant in mutation.mutants(mutation.PACKAGE / "optim.py") if mutant.where][:40]
    results = [("survived" if i in (7, 20) else "hung" if i == 3 else "killed", 1.0) for i in range(40)]
    baseline = dict.fromkeys(mutation.FILES, 2.0)
    page, unexplained = mutation.report(sample, results, baseline, 5, 1234)
    assert "40 of 1,234 possible mutants" in page
    assert "**38 of 40 killed: 95.0%**, 95 % interval 83.5% to 98.6% (Wilson). 1 of them ran into the limit" in page
    assert "| optim.py | 2.0 s | 40 | 38 | 2 | 40 |" in page
    assert page.count("```diff") == page.count("no reason given") == unexplained == 2
    mutation.REASONS.write_text("".join(
        f"[[survivor]]\nfile = 'optim.py'\nfunction = '{sample[i].where}'\ndiff = '''\n{sample[i].diff()}\n'''\n"
        f"equivalent = {same}\nreason = 'because'\n" for i, same in ((7, "true"), (20, "false"))))  # fmt: skip
    page, unexplained = mutation.report(sample, results, baseline, 5, 1234)
    assert (page.count("because"), unexplained) == (2, 0)
    assert "Of the 2 survivors 1 compute the same as the original; without those 38 of 39, 97.4%." in page
