"""Which of a user's examples are held out, by which seed, and what a file's own validation split does."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from minivae import load_data
from minivae.cli import main
from minivae.data.splits import cut
from minivae.runs import Run

X = np.random.default_rng(0).random((60, 5))
Y = np.arange(60) // 20
pytestmark = pytest.mark.usefixtures("no_pictures")


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def numbers(part):
    """Which rows of X those of a split are."""
    return [int(np.flatnonzero((X.astype("float32") == row).all(axis=1))[0]) for row in part.x]


def test_the_choice_is_recorded_and_keeps_the_order_of_the_file():
    data = load_data(X, binarize="none")
    train, held_out = numbers(data.train), numbers(data.validation)
    assert sorted(train + held_out) == list(range(60))
    assert (train, held_out) == (sorted(train), sorted(held_out))
    assert held_out != list(range(50, 60))
    assert data.protocol.split_seed == 0
    assert numbers(load_data(X, binarize="none").validation) == held_out
    tail = load_data(X, split_order="tail", binarize="none")
    assert numbers(tail.validation) == list(range(50, 60))
    assert tail.protocol.split_seed is None
    assert load_data(X, validation=0).protocol.split_seed is None


def test_digits_sorted_by_label_have_all_classes_in_both_splits(tmp_path):
    digits = load_digits()
    order = np.argsort(digits.target, kind="stable")
    path = save(tmp_path / "x.npz", x=digits.images[order] / 16, y=digits.target[order])
    data = load_data(path)
    share = np.bincount(data.validation.y) / np.bincount(digits.target)
    assert (abs(share - 1 / 6) < 0.01).all()
    assert len(data.notes) == 1  # of grey pixels that become bits
    first, second, _ = load_data(path, split_order="tail").notes
    assert first == "y: the training split lacks 1 of the classes: 9"
    assert second == "y: the validation split lacks 8 of the classes: 0, 1, 2, 3, 4, 5, 6, 7"


@pytest.mark.parametrize(
    ("y", "n_validation"),
    [(None, 10), (Y, 10), (np.arange(60), 10), (np.arange(60) // 59, 10), (Y, 2), (Y, 58), (np.ones((60, 2)), 10)],
)
def test_labels_that_cannot_be_shared_out(y, n_validation):
    train, held_out = cut(60, n_validation, y)
    assert len(held_out) == n_validation
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held_out])), np.arange(60))
    if y is Y and n_validation == 10:
        assert set(np.bincount(y[held_out])) == {3, 4}


def test_named_sets_keep_their_split():
    data = load_data("digits", binarize="none")
    np.testing.assert_array_equal(data.validation.y, load_digits().target[1250:1500])
    np.testing.assert_array_equal(data.validation.x, load_digits().images[1250:1500].reshape(250, 64) / np.float32(16))
    assert data.protocol.split_seed is None
    assert load_data("digits", split_order="shuffle").protocol.split_seed == 0


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("x_validation", "y_validation")])
def test_a_validation_split_of_its_own(names, tmp_path):
    path = save(tmp_path / "x.npz", x=X[:40], y=Y[:40], **dict(zip(names, (X[40:], Y[40:]), strict=True)))
    data = load_data(path, binarize="none")
    np.testing.assert_array_equal(data.train.x, X[:40].astype("float32"))
    np.testing.assert_array_equal(data.validation.x, X[40:].astype("float32"))
    np.testing.assert_array_equal(data.validation.y, Y[40:])
    assert (data.protocol.n_train, data.protocol.n_validation, data.protocol.split_seed) == (40, 20, None)
    assert data.protocol.labels == {"kind": "classes", "count": 3}
    assert data.protocol.outside == ((X[40:] < X[:40].min()) | (X[40:] > X[:40].max())).sum()
    for name, value in (("validation", 5), ("validation", 0), ("split_order", "tail")):
        with pytest.raises(ValueError, match=f"{name}: expected none, x.npz has a validation split of its own, got"):
            load_data(path, **{name: value})


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_val": X[:, :4]}, r"x_val: expected examples of shape \(5,\), as in training, got \(4,\)"),
        ({"x_val": X, "x_validation": X}, "has both x_val and x_validation; expected one of them"),
        ({"y_val": Y}, "has labels of a validation split without its examples"),
        ({"x_val": X}, "y_val: expected whole numbers, as y of training, got none"),
        ({"x_val": X, "y_val": np.ones((60, 2))}, "y_val: expected whole numbers, as y of training, got rows of 2"),
        ({"x_val": X, "y_val": Y[:9]}, "y_val: expected 60 integer labels"),
        ({"x_val": X + 1}, r"x_val: expected pixels or bits in \[0, 1\]"),
    ],
)
def test_a_validation_split_that_does_not_fit(arrays, message, tmp_path):
    y = {} if message.startswith("x_val: expected pixels") else {"y": Y}
    if "y_val" not in arrays and "y" in y and "y_val" not in message:
        arrays = arrays | {"y_val": Y}
    with pytest.raises(ValueError, match=message) as error:
        load_data(save(tmp_path / "x.npz", x=X, **y, **arrays))
    assert "\n" not in str(error.value)


def test_keys_that_are_not_used_are_named(tmp_path, capsys):
    path = save(tmp_path / "x.npz", x=X, y=Y, ids=Y, weights=Y)
    note = "data: of x.npz x, y are used, not 'ids', 'weights'"
    assert load_data(path).notes[0] == note
    argv = ["train", "--hidden", "8", "--epochs", "1", "--data", str(path), "--out", str(tmp_path / "a")]
    assert main(argv) == 0
    assert note in capsys.readouterr().out.splitlines()
    with pytest.raises(ValueError, match="has no array x or x_train; expected x, .* y_test, found 'images', 'labels'"):
        load_data(save(tmp_path / "b.npz", images=X, labels=Y))


def test_the_order_is_an_option_of_a_run(tmp_path):
    path = save(tmp_path / "x.npz", x=X)
    argv = [
        "train",
        "--hidden",
        "8",
        "--epochs",
        "1",
        "--data",
        str(path),
        "--split-order",
        "tail",
        "--binarize",
        "none",
    ]
    assert main([*argv, "--out", str(tmp_path / "a")]) == 0
    run = Run.open(tmp_path / "a")
    assert run.settings["split_order"] == "tail"
    assert numbers(run.read_data().validation) == list(range(50, 60))


def test_a_validation_split_of_another_range_is_counted_and_not_refused():
    """The tail of a series that grows."""
    data = load_data(np.concatenate([X[:50], 100 + X[50:]]), likelihood="gaussian", split_order="tail")
    assert data.protocol.outside == 50
