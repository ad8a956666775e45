"""The autograder: right answers pass, wrong ones are named, and nothing shows the solution."""

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minivae import teach
from minivae.teach import answers, check, exercise, exercises_of, given, hint, progress, use_reference
from minivae.teach.exercise import LESSONS, SEEDS
from minivae.teach.feedback import SECOND
from minivae.teach.notebook import keep, kept, picture, quoted

ALL = {number: task for lesson in LESSONS for number, task in exercises_of(lesson).items()}
each = pytest.mark.parametrize("task", ALL.values(), ids=ALL)


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    monkeypatch.setattr(answers, "_marks", {})
    monkeypatch.setattr(answers, "_hints", {})


def hand_in(task, function):
    """What a learner would call with this function."""
    if task.name:
        return check(task.number, function)
    return check(task.number, **task.answers(function, task.inputs(0)[0]))


@each
def test_the_reference_is_right(task, capsys):
    """Against the numeric gradient, too, where it is a gradient."""
    hand_in(task, task.reference)
    assert capsys.readouterr().out.count("right") == len(task.output_names)
    for seed in (0, *SEEDS):
        inputs, _ = task.inputs(seed)
        truths = task.answers(task.reference, inputs)
        for name, truth in truths.items():
            numeric = task.numeric(name, inputs)
            if numeric is not None:
                known = np.isfinite(numeric)
                assert known.sum() > 0.9 * known.size
                np.testing.assert_allclose(np.asarray(truth)[known], numeric[known], rtol=1e-7, atol=1e-8)


@each
def test_slips_are_named(task, capsys):
    assert len(task.slips) >= 2
    for text, slip in task.slips.items():
        with pytest.raises(teach.NotYet), np.errstate(all="ignore"):
            hand_in(task, slip)
        assert text in capsys.readouterr().out


@each
def test_hints_and_reference(task, capsys):
    assert 1 <= len(task.hints) <= 3
    for i, text in enumerate(task.hints):
        hint(task.number)
        assert capsys.readouterr().out == f"hint {i + 1} of {len(task.hints)}: {text}\n"
    found = use_reference(task.number)
    if task.name:
        check(task.number, found)
    else:
        check(task.number, **dict(zip(task.names, found if len(task.names) > 1 else [found], strict=True)))
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.split(maxsplit=1) == [task.number, "with the reference\n"]


# ---- what check says


def said(capsys, number, answer):
    with pytest.raises(teach.NotYet, match=f"exercise {number}: not right yet"):
        check(number, answer)
    return capsys.readouterr().out


def right(dy, x, W):
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda dy, x, W: None, "expected it to return dx, dW, db, got None: is a return missing?"),
        (lambda dy, x, W: right(dy, x, W)[:2], "got 2 values"),
        (lambda dy, x, W: (*right(dy, x, W)[:2], 2 * dy), "expected shape (4,), got shape (5, 4)"),
        (lambda dy, x, W: (*right(dy, x, W)[:2], dy), "dy is not summed over the examples"),
        (lambda dy, x, W: (*right(dy, x, W)[:2], dy.sum()), "expected shape (4,), got a single number"),
        (lambda dy, x, W: (*right(dy, x, W)[:2], dy.sum()), "summed over everything"),
        (lambda dy, x, W: (*right(dy, x, W)[:2], dy.sum(0, keepdims=True)), "the right numbers, in another shape"),
        (lambda dy, x, W: (*right(dy, x, W)[:2], list(dy.sum(0))), "expected an array, got a list"),
        (lambda dy, x, W: {"dx": dy}, "expected it to return dx, dW, db, got a dict"),
        (lambda dy, x, W: (right(dy, x, W)[1], *right(dy, x, W)[1:]), "that is dW; the order is dx, dW, db"),
        (lambda dy, x, W: tuple(2 * a for a in right(dy, x, W)), "it is off by exactly the factor 2"),
        (lambda dy, x, W: tuple(-a for a in right(dy, x, W)), "the sign is wrong"),
        (lambda dy, x, W: (right(dy, x, W)[0], right(dy, x, W)[0][:4], dy.sum(0)), "largest error"),
        (lambda dy, x, W: (np.nan * x, *right(dy, x, W)[1:]), "20 of 20 numbers are not finite"),
        (lambda dy, x, W: ("x", *right(dy, x, W)[1:]), "expected an array, got a str"),
        (lambda dy, x, W: (None, *right(dy, x, W)[1:]), "expected an array, got None: is a return missing?"),
        (
            lambda dy, x, W: ([[1], [1, 2]], *right(dy, x, W)[1:]),
            "dx          expected an array, got a list; np.array makes one of it\n",
        ),
        (lambda dy, x, W: (right(dy, x, W)[0].astype(str), dy, dy), "expected numbers, got an array of <U"),
        (lambda dy, x, W: (right(dy, x, W)[0].astype(object), dy, dy), "expected numbers, got an array of object"),
        (lambda dy, x, W: (np.ma.array(right(dy, x, W)[0], mask=True), dy, dy), "got a MaskedArray"),
        (lambda dy, x: dy, "positional arguments but 3 were given\n  called with dy"),
    ],
)
def test_what_is_wrong_is_said(wrong, words, capsys):
    assert words in said(capsys, "1.2", wrong)


def test_numbers_that_are_too_large_are_none(capsys):
    assert "expected numbers, got an int" in said(capsys, "12.1", lambda samples, expected: 10**400)


def test_whole_numbers_where_none_are_wanted(capsys):
    assert "loses its decimals" in said(capsys, "1.1", lambda x, W, b: (x @ W + b).astype(int))


def test_right_outputs_in_another_order_have_no_other_mistake(capsys):
    """e, count, total: the last of these is not "total, not divided"."""
    follow = exercise("21.3").reference
    text = said(capsys, "21.3", lambda *args: (lambda count, total, e: (e, count, total))(*follow(*args)))
    for name, other in {"count": "e", "total": "count", "e": "total"}.items():
        assert f"{name}: that is {other}; the order is count, total, e" in text
    assert "divided" not in text
    text = said(capsys, "21.3", lambda *args: [a.tolist() for a in follow(*args)])
    assert "the order is" not in text


def test_a_second_mistake_is_not_left_where_it_is_named(capsys):
    def wrong(count, total, z, codes, decay, tiny):
        n, s = np.zeros_like(count), np.zeros_like(total)
        n[codes] += 1
        s[codes] += z
        count, total = decay * count + (1 - decay) * n, decay * total + (1 - decay) * s
        S = count.sum()
        return count, total, total / ((count + tiny) / (S + len(count) * tiny) * S)[:, None]

    text = said(capsys, "21.3", wrong)
    assert "count: count takes 1 for each code" in text
    assert "one place per code in total" in text
    assert SECOND not in text


def test_whole_numbers_where_they_are_wanted(capsys):
    """Nothing was cut off; and where the answer is an index, floats are refused."""
    nearest = exercise("21.1").reference
    text = said(capsys, "21.1", lambda z, e: (nearest(z, e) * 0).tolist())
    assert "loses its decimals" not in text
    text = said(capsys, "21.1", lambda z, e: nearest(z, e).astype(float))
    assert "expected whole numbers, which can be indices, got an array of float64" in text


def test_of_indices_it_is_counted_how_many_are_wrong(capsys):
    """And not by how much: code 6 is not 3 times code 2."""
    nearest = exercise("21.1").reference
    text = said(capsys, "21.1", lambda z, e: np.where(np.arange(len(z)) == 19, 7, nearest(z, e)))
    assert re.search(r"codes       1 of \d\d are wrong, the first at \[19\]: yours 7 / true \d\n$", text)


def test_one_hot_rows_are_not_called_another_order(capsys):
    """Any one-hot row is a permutation of any other."""
    gumbel_softmax = exercise("21.6").reference

    def next_one(logits, gumbel, temperature):
        z, y = gumbel_softmax(logits, gumbel, temperature)
        return np.roll(z, 1, axis=1), y

    assert "order" not in said(capsys, "21.6", next_one)


def test_two_mistakes_go_before_a_factor_without_a_name(monkeypatch, capsys):
    def variant(x, W, b, a=1, c=1):
        return a * c * (x @ W + b)

    slips = {"first": partial(variant, a=1.3), "second": partial(variant, c=1.7)}
    planted(monkeypatch, "1.1", lambda x, W, b: variant(x, W, b), slips)
    assert f"      first\n      {SECOND}\n" in said(capsys, "1.1", lambda x, W, b: variant(x, W, b, a=1.3, c=1.7))


def test_whether_it_is_true_is_no_number(capsys):
    assert "expected numbers, got a bool" in said(capsys, "12.1", lambda samples, expected: True)


def test_two_mistakes_go_before_a_description(monkeypatch, capsys):
    """Right but for some entries: so look two mistakes in an elementwise answer as well."""

    def variant(x, W, b, top=9, low=-9):
        return np.clip(x @ W + b, low, top)

    slips = {"first": partial(variant, top=1), "second": partial(variant, low=-1)}
    planted(monkeypatch, "1.1", lambda x, W, b: variant(x, W, b), slips)
    assert f"      first\n      {SECOND}\n" in said(capsys, "1.1", lambda x, W, b: np.clip(x @ W + b, -1, 1))


def test_an_array_in_the_place_of_a_word(capsys):
    with pytest.raises(teach.NotYet):
        check("12.6", **dict.fromkeys(exercise("12.6").output_names, np.zeros(2)))
    assert capsys.readouterr().out.count("is not it") == 6


def test_outputs_of_which_different_things_are_said_keep_their_order(capsys):
    names = exercise("12.6").output_names
    with pytest.raises(teach.NotYet):
        check("12.6", **dict.fromkeys(names, "law"))
    assert re.findall(r"^  (bug_.)", capsys.readouterr().out, re.M) == list(names)


def test_other_bits_are_said_where_bits_count(capsys):
    """kl with exp(log_var) for std std."""

    def wrong(mu, log_var, eps, block):
        z, _ = exercise("11.4").reference(mu, log_var, eps, block)
        return z, 0.5 * (mu * mu + np.exp(log_var) - 1 - log_var)

    assert "right but for the last bits" in said(capsys, "11.4", wrong)


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        ("11.1", lambda a, b: np.abs(np.abs(a) - np.abs(b)).max() / np.abs(b).max()),
        ("11.2", lambda w: w.min(axis=0) + np.log(np.exp(w - w.min(axis=0)).mean(axis=0))),
        ("11.5", lambda x: (x[: len(x) // 2] + x[len(x) // 2 :]).sum(axis=0)),
        ("11.5", lambda x: x.astype("longdouble").sum(axis=0).astype("float64")),
        ("12.2", lambda z, mu, log_var: abs(exercise("12.2").reference(z, mu, log_var))),
        ("12.3", lambda log_qz_x, log_pz, kl: abs(exercise("12.3").reference(log_qz_x, log_pz, kl))),
    ],
)
def test_what_is_right_by_luck_on_tame_numbers_fails(number, wrong, capsys):
    with np.errstate(over="ignore"):
        said(capsys, number, wrong)


def test_infinite_answers_are_no_slips(capsys):
    text = said(capsys, "1.1", lambda x, W, b: np.full((len(x), W.shape[1]), np.inf))
    assert "numbers are not finite" in text
    assert not any(slip in text for slip in exercise("1.1").slips)


def test_infinities_in_the_same_places_are_a_slip(capsys):
    with np.errstate(all="ignore"):
        assert "exp of large numbers" in said(capsys, "0.4", lambda w: np.log(np.exp(w).sum(axis=0)))


def test_two_numbers_always_have_a_factor(capsys):
    """Which is nothing to say of a single number, unless it is one that people forget."""
    right = exercise("12.1").reference
    assert "factor" not in said(capsys, "12.1", lambda *args: 1.2345 * right(*args))
    assert "off by exactly the factor 2" in said(capsys, "12.1", lambda *args: 2 * right(*args))


def test_the_worst_entry_is_shown(capsys):
    def wrong(dy, x, W):
        dx, dW, db = right(dy, x, W)
        dW[1, 2] += 100
        return dx, dW, db

    text = said(capsys, "1.2", wrong)
    truth = exercise("1.2").answers(right, exercise("1.2").inputs(SEEDS[0])[0])["dW"][1, 2]
    assert f"worst at [1, 2]: your value {truth + 100:.6g} / true value {truth:.6g}" in text
    assert "dx          right" in text
    assert "[1, 2] is" in text


def test_writing_into_an_argument_is_seen(capsys):
    def wrong(a):
        a[a < 0] = 0
        return a

    text = said(capsys, "1.3", wrong)
    assert "it writes into its argument a" in text
    assert "right" not in text


def test_an_answer_for_one_size_is_not_enough(capsys):
    """Two draws: what fits the first by luck does not fit the second."""
    task = exercise("1.2")
    first = task.answers(task.reference, task.inputs(SEEDS[0])[0])
    text = said(capsys, "1.2", lambda dy, x, W: tuple(first.values()))
    assert "expected shape (1, 3), got shape (5, 4)" in text
    assert "does it take a size for granted?" in text


def test_an_error_in_the_answer_is_one_line_and_the_shapes(capsys):
    def wrong(x, W, b):
        return W @ x + b

    text = said(capsys, "1.1", wrong)
    assert "it stopped with ValueError: matmul" in text
    assert "in its line: return W @ x + b" in text
    assert re.search(r"called with x \(\d, \d\), W \(\d, \d\), b \(\d,\)", text)


def test_numbers_of_its_own_are_seen(capsys):
    rng = np.random.default_rng()
    text = said(capsys, "8.1", lambda mu, log_var, eps: mu + np.exp(log_var / 2) * rng.standard_normal(mu.shape))
    assert "it draws numbers of its own" in text


def test_two_names_of_one_array_are_seen(capsys):
    """In 8.3 dz is what dmu starts with, and += changes both."""
    task = exercise("8.3")

    def wrong(*args):
        outputs = list(task.reference(*args))
        dz = np.array(outputs[0])
        dmu = dz
        dmu += outputs[2] - outputs[0]
        return dz, outputs[1], dmu, outputs[3]

    assert "dz and dmu are one array" in said(capsys, "8.3", wrong)


def test_outputs_may_come_stacked_in_one_array(capsys):
    check("7.2", lambda *args: np.stack(exercise("7.2").reference(*args)))
    check("10.3", lambda *args: np.array(exercise("10.3").reference(*args)))
    assert "got an array of float64, shape (2, 2)" in said(capsys, "10.3", lambda *args: np.ones((2, 2)))


def test_scalars_are_shown_as_values(capsys):
    text = said(capsys, "4.2", lambda x, kh, kw, stride: x @ x)
    assert re.search(r"called with x \(\d, \d+, \d+, \d\), kh \d, kw \d, stride \d\n", text)


def test_a_mistake_in_one_output_is_not_called_one_of_both(capsys):
    """The slip "derivative in log_var_p" has this dmu, but another dlog_var."""

    def wrong(mu, log_var, mu_p, log_var_p):
        return (mu_p - mu) / np.exp(log_var_p), exercise("7.2").reference(mu, log_var, mu_p, log_var_p)[1]

    text = said(capsys, "7.2", wrong)
    assert "dmu: the sign is wrong" in text
    assert "log_var_p" not in text


def test_two_mistakes_at_once(capsys):
    """The first is named, and that another is left: of two variants of one function, of two terms, of a factor."""

    def wrong(mu, log_var, mu_p, log_var_p):  # -1 and the half are missing
        ratio = np.exp(log_var - log_var_p)
        return (log_var_p - log_var + ratio + (mu - mu_p) ** 2 / np.exp(log_var_p)).sum(axis=-1)

    two = said(capsys, "7.1", wrong)
    assert re.search(rf"(the half is missing|the -1 is missing).*\n      {SECOND}\n", two)


def test_variants_of_one_function_are_composed(monkeypatch, capsys):
    """Where neither the sum nor the product of two mistakes is what both of them give."""

    def variant(x, W, b, scale=1, bias=1):
        return np.sin(scale * (x @ W) + bias * b)

    slips = {"first": partial(variant, scale=2), "again": partial(variant, scale=3), "second": partial(variant, bias=0)}
    planted(monkeypatch, "1.1", lambda x, W, b: variant(x, W, b), slips)
    assert f"      first\n      {SECOND}\n" in said(capsys, "1.1", lambda x, W, b: np.sin(2 * (x @ W)))
    assert SECOND not in said(capsys, "1.1", lambda x, W, b: np.sin(2 * (x @ W) + b))
    assert SECOND not in said(capsys, "1.1", lambda x, W, b: np.cos(x @ W + b))


def planted(monkeypatch, number, reference, slips):
    """An exercise with another reference and other slips."""
    task = replace(exercise(number), reference=reference, slips=slips)
    monkeypatch.setattr(answers, "exercise", lambda number: task)


def test_two_mistakes_of_the_whole_answer_go_before_one_of_an_output(monkeypatch, capsys):
    def variant(dy, x, W, a=1, b=0):
        return dy @ W.T * a + b, x.T @ np.tanh(dy * a + b), dy.sum(axis=0)

    planted(monkeypatch, "1.2", lambda dy, x, W: variant(dy, x, W),
            {"first": partial(variant, a=3), "second": partial(variant, b=5)})  # fmt: skip
    text = said(capsys, "1.2", lambda dy, x, W: variant(dy, x, W, a=3, b=5))
    assert f"dx, dW: first\n      dx, dW: {SECOND}\n" in text


def test_what_is_known_of_one_output_stays(capsys):
    """Where nothing is known of another, and where a number is off by so little that every slip beside it fits."""

    def wrong(dy, x, W):
        dx, dW, db = right(dy, x, W)
        return -dx, dW, np.sin(db)

    assert "dx: the sign is wrong" in said(capsys, "1.2", wrong)
    text = said(capsys, "1.2", lambda *args: [right(*args)[0] * (1 + 4e-6), *right(*args)[1:]])
    assert not any(slip in text for slip in exercise("1.2").slips)


def test_of_several_names_of_an_output_the_best_is_said(monkeypatch, capsys):
    """Of mistakes that give the same dW the one that fits more of the answer; of a pair the one that reaches more."""

    def variant(dy, x, W, dx=1, dW=1, db=1):
        return np.sin(dx * (dy @ W.T)), np.sin(dW * (x.T @ dy)), np.sin(dW * db * dy.sum(axis=0))

    slips = {"all": partial(variant, dx=2, dW=3, db=2), "two": partial(variant, dW=3), "db": partial(variant, db=2),
             "dW": lambda dy, x, W: (*variant(dy, x, W, dx=2, dW=3)[:2], 0 * W[0])}  # fmt: skip
    planted(monkeypatch, "1.2", lambda dy, x, W: variant(dy, x, W), slips)
    text = said(capsys, "1.2", lambda dy, x, W: (*variant(dy, x, W, dW=3)[:2], np.cos(dy.sum(axis=0))))
    assert "dW: two\n" in text
    assert "dW: all" not in text
    assert "dW: dW" not in text
    planted(monkeypatch, "1.2", lambda dy, x, W: variant(dy, x, W), {"db": slips["db"], "two": slips["two"]})
    text = said(capsys, "1.2", lambda dy, x, W: (*variant(dy, x, W, dW=3)[:2], variant(dy, x, W, dW=3, db=2)[2]))
    assert f"dW, db: two\n      db: {SECOND}\n" in text


def test_a_mistake_that_earlier_arrays_would_have_shown_is_not_named(monkeypatch, capsys):
    n = len(exercise("1.1").inputs(SEEDS[0])[1]["x"])
    slips = {"everywhere": lambda x, W, b: x @ W, "later": lambda x, W, b: x @ W + b + (len(x) != n)}
    planted(monkeypatch, "1.1", lambda x, W, b: x @ W + b, slips)
    text = said(capsys, "1.1", lambda x, W, b: x @ W + b * (len(x) == n))
    assert "everywhere" not in text
    assert "the arrays before these, of other sizes, went well" in text
    assert "before these" not in said(capsys, "1.1", slips["later"])
    assert "before these" not in said(capsys, "1.1", lambda x, W, b: np.sin(x @ W + b))


def test_memory_that_was_never_set_is_seen(capsys):
    for empty in (lambda dx: np.empty(dx.shape), lambda dx: np.empty_like(dx)):

        def wrong(dcolumns, h, w, stride, empty=empty):
            dx = exercise("4.4").reference(dcolumns, h, w, stride)
            return dx + np.isnan(empty(dx))

        wrong.__code__ = wrong.__code__.replace(co_names=(*wrong.__code__.co_names, "empty"))
        assert "np.empty holds what was in memory before" in said(capsys, "4.4", wrong)

    def right(dy, x, W):
        dx = np.empty_like(x)
        dx[:] = dy @ W.T
        return dx, x.T @ dy, dy.sum(axis=0)

    check("1.2", right)


def test_what_depends_on_more_than_its_arguments(capsys):
    calls = []

    def wrong(x, W, b):
        calls.append(1)
        return x @ W + b + len(calls)

    assert "it depends on more than its arguments" in said(capsys, "1.1", wrong)


def test_sizes_written_into_an_answer(capsys):
    n = exercise("1.1").inputs(SEEDS[0])[1]["x"].shape[0]

    def stops(x, W, b):
        return x.reshape(n, -1) @ W + b

    def forgets(x, W, b):
        return (x @ W + b)[:n] if len(x) > n else np.concatenate([x @ W + b] + [0 * b[None]] * (n - len(x)))

    for wrong in (stops, forgets):
        assert "the arrays before these, of other sizes, went well" in said(capsys, "1.1", wrong)
    assert "before these" not in said(capsys, "1.1", lambda x, W, b: x @ W)


def test_a_size_is_not_asked_about_where_values_are_what_differs(capsys):
    """A low temperature; points far away; a number where there was an array; and a result that is sometimes None."""

    def not_so_cold(logits, gumbel, temperature):
        return exercise("21.6").reference(logits, gumbel, max(temperature, 0.2))

    text = said(capsys, "21.6", not_so_cold)
    assert re.search(r"went well: temperature was 0\.\d+ there, here it is 0\.00\d+\n", text)
    text = said(capsys, "17.4", lambda g, z, *rest: exercise("17.4").reference(g, np.minimum(z, 20), *rest))
    assert re.search(r"went well: z was up to \d\.\d+ there, here it is up to \d\d\.\d\n", text)
    text += said(capsys, "14.4", lambda t, beta, steps: np.array([min(beta, beta * one / steps) for one in t]))
    assert "the arrays before these went well: t was an array there, here it is a number" in text
    text += said(capsys, "1.1", lambda x, W, b: x @ W + b if len(x) == len(exercise("1.1").inputs(1)[1]["x"]) else None)
    assert "is a return missing?" in text
    assert "of other sizes" not in text


def test_an_error_of_shapes_is_not_laid_upon_values(capsys):
    """5.4: in the second draw `largest` is many times the first, and g has fewer numbers."""

    n = len(exercise("5.4").inputs(SEEDS[0])[1]["g"])
    text = said(capsys, "5.4", lambda g, largest: g * min(1, largest / sum(g[i] ** 2 for i in range(n)) ** 0.5))
    assert "the arrays before these, of other sizes, went well" in text


def test_points_where_nbgrader_grades(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check("1.2", lambda *args: exercise("1.2").reference(*args)) == exercise("1.2").points
    assert check("1.2", lambda *args: (*exercise("1.2").reference(*args)[:2], None)) == round(
        exercise("1.2").points * 2 / 3, 2)  # fmt: skip
    assert check("1.2", lambda *args: 1 / 0) == 0
    assert check("1.2", exercise("1.2").reference) == 0  # however one came by it
    assert check("1.1", use_reference("1.1")) == 0


def test_a_line_for_the_table_of_a_class(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIVAE_GRADES", str(tmp_path / "grades"))
    check("1.1", lambda x, W, b: x @ W + b)
    with pytest.raises(teach.NotYet):
        check("1.1", lambda x, W, b: x @ W)
    right, wrong = map(json.loads, (tmp_path / "grades").read_text().splitlines())
    assert (right["number"], right["mark"], wrong["mark"]) == ("1.1", "solved", "not yet")
    assert any("missing" in line for line in wrong["why"])


def test_float32_is_right_and_said(capsys):
    check("1.2", lambda dy, x, W: tuple(a.astype("float32") for a in right(dy, x, W)))
    assert capsys.readouterr().out.count("in float32, the lessons compute in float64") == 3


def test_what_is_said_alike_is_said_once(capsys):
    assert said(capsys, "1.2", lambda dy, x, W: tuple(-a for a in right(dy, x, W))).count("the sign is wrong") == 1


def test_a_later_failure_is_remembered(capsys):
    check("1.1", lambda x, W, b: x @ W + b)
    said(capsys, "1.1", lambda x, W, b: x @ W)
    progress()
    assert capsys.readouterr().out.split(maxsplit=1) == ["1.1", "not yet\n"]


def test_a_stub_comes_through():
    """So that a notebook without solutions fails by its stubs."""

    def stub(x, W, b):
        raise NotImplementedError("Exercise 1.1: dense_forward")

    with pytest.raises(NotImplementedError):
        check("1.1", stub)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check("1.9", abs), r"number: expected one of 1\.1, .*, got '1\.9'"),
        (lambda: hint("99.1"), 'number: expected a lesson and its exercise, such as "8.2", got'),
        (lambda: hint(1.1), 'number: expected a text, with quotes, such as "8.2", got 1.1'),
        (lambda: check("1.1"), r'answer: expected the function, check\("1.1", dense_forward\)'),
        (lambda: check("1.5", abs), r'answer: expected check\("1.5", dy=dy\)'),
        (lambda: check("1.5", dx=1), r'answer: expected check\("1.5", dy=dy\), got dx'),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_notebook_shows_no_traceback(capsys):
    with pytest.raises(teach.NotYet) as caught:
        check("1.1", lambda x, W, b: x @ W)
    assert caught.value._render_traceback_() == ['exercise 1.1: not right yet; hint("1.1") has a first step']


def test_given_is_always_the_same():
    for a, b in zip(given("1.5"), given("1.5"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_solved_exercises_stay_solved(capsys):
    check("1.1", lambda x, W, b: x @ W + b)
    capsys.readouterr()
    progress()
    assert capsys.readouterr().out.split() == ["1.1", "solved"]


# ---- pictures and numbers


def test_pictures_are_kept_where_lessons_are_built(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVAE_FIGURES", str(tmp_path))
    with picture("x") as path:
        path.write_bytes(b"a picture")
    assert (tmp_path / "lesson_x.png").read_bytes() == b"a picture"
    assert not path.exists()


def test_arrays_are_kept_for_a_later_lesson_but_not_where_lessons_are_built(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIVAE_FIGURES", raising=False)
    assert kept("mine") is None
    keep("mine", W1=np.ones((2, 3), "float32"), b1=np.zeros(3))
    assert capsys.readouterr().out == "kept in mine.npz: W1, b1\n"
    again = kept("mine")
    assert list(again) == ["W1", "b1"]
    np.testing.assert_array_equal(again["W1"], np.ones((2, 3), "float32"), strict=True)
    monkeypatch.setenv("MINIVAE_FIGURES", str(tmp_path))
    keep("other", b1=np.zeros(3))
    assert kept("mine") is None
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]


def test_quoted_numbers(monkeypatch, capsys):
    quoted("0.14", 0.1451)
    assert capsys.readouterr().out == "the text says 0.14, here it is 0.1451\n"
    monkeypatch.setenv("MINIVAE_FIGURES", "somewhere")
    quoted("0.14", 0.1449)
    quoted("24", 24.4)
    quoted("24.3", 24.9, within=1)
    for text, value in (("0.14", 0.1451), ("24", 25), ("0.14", float("nan"))):
        with pytest.raises(AssertionError, match="the text says"):
            quoted(text, value)
