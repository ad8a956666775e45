"""Columns of a table: their kinds, their numbers, the way back, and what a file of them may hold."""

import gzip

import numpy as np
import pandas as pd
import pytest

from minivae.data.columns import Column, blocks, described, to_frame, to_rows
from minivae.data.frames import check_frame, is_table_file, read_table
from minivae.data.kinds import find_columns, kind_of


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def frame(rng):
    n = 200
    return pd.DataFrame({
        "temperature": rng.normal(20, 5, n).round(1),
        "town": rng.choice(["Ulm", "Bonn", "Köln"], n),
        "price": np.exp(rng.normal(3, 2, n)).round(2) + 0.01,
        "visits": rng.negative_binomial(2, 0.3, n),
        "member": rng.random(n) < 0.3,
        "grade": rng.integers(3, 9, n),
        "sex": rng.choice(["f", "m"], n),
    })  # fmt: skip


def test_kinds_are_found(frame):
    kinds = {name: kind_of(frame[name]) for name in frame}
    assert kinds == {"temperature": "real", "town": "category", "price": "positive", "visits": "count",
                     "member": "binary", "grade": "real", "sex": "binary"}  # fmt: skip


def test_there_and_back_is_the_same_table(frame):
    columns = find_columns(frame, {}, np.arange(150))
    x = to_rows(frame, columns, "x")
    assert x.dtype == "float32"
    assert x.shape == (200, 9)
    back = to_frame(x, columns)
    assert list(back.columns) == list(frame.columns)
    for name in frame:
        assert (
            back[name].tolist() == pytest.approx(frame[name].tolist())
            if name == "price"
            else (back[name].tolist() == frame[name].tolist())
        )
        assert type(back[name].tolist()[0]) is type(frame[name].tolist()[0])


def test_rows_are_in_the_order_of_kinds(frame):
    columns = find_columns(frame, {}, np.arange(200))
    x = to_rows(frame, columns, "x").astype("float64")
    assert [(kind, width) for kind, width, _ in blocks(columns)] == [
        ("real", 2), ("positive", 1), ("count", 1), ("binary", 2), ("category", 3)
    ]  # fmt: skip
    assert blocks(columns)[2][2] == (frame["visits"].mean(),)
    np.testing.assert_allclose(x[:, :3].mean(axis=0), 0, atol=1e-6)  # temperature, grade, log price
    np.testing.assert_allclose(x[:, :3].std(axis=0), 1, atol=1e-5)
    log_price = np.log(frame["price"])
    np.testing.assert_allclose(x[:, 2], (log_price - log_price.mean()) / log_price.std(ddof=0), atol=1e-5)
    np.testing.assert_array_equal(x[:, 3], frame["visits"])
    np.testing.assert_array_equal(x[:, 4], frame["member"])
    np.testing.assert_array_equal(x[:, 6:], frame["town"].to_numpy()[:, None] == np.array(["Bonn", "Köln", "Ulm"]))


def test_centers_are_those_of_the_training_rows(frame):
    columns = find_columns(frame, {}, np.arange(50))
    assert columns[0].center == pytest.approx(frame["temperature"][:50].mean())
    assert columns[0].low == frame["temperature"].min()


def test_a_kind_can_be_said(frame):
    columns = find_columns(frame, {"grade": "category", "visits": "skip", "town": "category"}, np.arange(200))
    assert {column.name: column.kind for column in columns}["grade"] == "category"
    assert "visits" not in [column.name for column in columns]
    assert to_frame(to_rows(frame, columns, "x"), columns)["grade"].tolist() == frame["grade"].tolist()


def test_empty_cells_are_missing_in_every_kind(frame, rng):
    holes = frame.astype(object).where(rng.random(frame.shape) < 0.7).infer_objects()
    columns = find_columns(holes, {}, np.arange(200))
    assert [column.missing for column in columns] == holes.isna().sum().tolist()
    assert {c.name: c.kind for c in columns}["member"] == "binary"
    x = to_rows(holes, columns, "x")
    assert np.isnan(x[:, 6:]).sum() == 3 * holes["town"].isna().sum()  # the whole block
    back = to_frame(x, columns)
    np.testing.assert_array_equal(back.isna(), holes.isna())  # not silently the first level
    assert back["town"].dropna().tolist() == holes["town"].dropna().tolist()


def test_timestamps_are_standardized_before_they_are_rounded(rng):
    times = 1.7e9 + 100 * rng.random(600)
    columns = find_columns(pd.DataFrame({"time": times, "other": rng.random(600)}), {}, np.arange(600))
    x = to_rows(pd.DataFrame({"time": times}), columns[:1], "x")
    assert len(np.unique(x)) == 600
    np.testing.assert_allclose(to_frame(x, columns[:1])["time"], times, rtol=0, atol=1e-4)


def test_the_record_is_the_column(frame):
    for column in find_columns(frame, {}, np.arange(200)):
        assert Column.from_json(column.to_json()) == column


@pytest.mark.parametrize("change", [
    {"kind": "number"}, {"levels": []}, {"levels": ["a"]}, {"levels": None, "kind": "real"}, {"scale": 0.0},
    {"extra": 1}, {"missing": -1}, {"name": 3}, {"name": "a\nb"}, {"dtype": "object"}, {"decimals": 1.5},
])  # fmt: skip
def test_a_damaged_record_is_refused(change):
    record = {"name": "sex", "kind": "binary", "dtype": "str", "missing": 0, "levels": ["f", "m"]} | change
    with pytest.raises(ValueError, match="column|expected"):
        Column.from_json({name: value for name, value in record.items() if value is not None})


@pytest.mark.parametrize(("cells", "message"), [
    ([f"id-{i}" for i in range(60)], "60 different texts in 60 rows.*skip"),
    (["1", "2", "3", "?", *map(str, range(4, 50))], "numbers and 1 texts such as '\\?'"),
    (list(range(60)), "counts the rows, 0 to 59"),
    ([None] * 60, "is empty"),
    (pd.date_range("2020-01-01", periods=60).tolist(), "dates"),
    (["2020-01-01", "2020-02-01", "2020-03-01 10:00"] * 20, "dates such as '2020-01-01'"),
])  # fmt: skip
def test_a_column_of_no_certain_kind_is_asked_for(cells, message):
    frame = pd.DataFrame({"c": cells, "other": np.random.default_rng(0).random(len(cells))})
    with pytest.raises(ValueError, match=message):
        find_columns(frame, {}, np.arange(len(cells)))
    assert len(find_columns(frame, {"c": "skip"}, np.arange(len(cells)))) == 1


@pytest.mark.parametrize(("name", "value", "message"), [
    ("town", "Rom", "column town, row 3: expected one of Bonn, Köln, Ulm, got 'Rom'"),
    ("price", -1.0, "column price, row 3: expected a number above 0, got -1.0"),
    ("visits", 1.5, "column visits, row 3: expected a count"),
    ("temperature", "hot", "column temperature, row 3: expected a number, got 'hot'"),
    ("temperature", np.inf, "column temperature, row 3: expected a number, got inf"),
])  # fmt: skip
def test_later_cells_that_do_not_fit_are_named(frame, name, value, message):
    columns = find_columns(frame, {}, np.arange(200))
    later = frame.astype(object)
    later.loc[2, name] = value
    with pytest.raises(ValueError, match=message):
        to_rows(later, columns, "input")


def test_a_missing_column_is_named(frame):
    columns = find_columns(frame, {}, np.arange(200))
    with pytest.raises(ValueError, match="none called town"):
        to_rows(frame.drop(columns="town"), columns, "input")


def test_a_column_that_is_not_there_cannot_have_a_kind(frame):
    with pytest.raises(ValueError, match="no column 'size'"):
        find_columns(frame, {"size": "real"}, np.arange(200))


def test_the_description_is_for_people(frame):
    lines = described(find_columns(frame, {}, np.arange(200)))
    assert lines[0].split() == ["column", "kind", "missing", "levels", "or", "range"]
    assert lines[2].split() == ["town", "category", "0", "3:", "Bonn,", "Köln,", "Ulm"]
    assert len(lines) == 8


# ---- files


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_files_are_read(frame, tmp_path, separator):
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False, sep=separator)
    assert is_table_file(path)
    pd.testing.assert_frame_equal(read_table(path), frame, check_dtype=False)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    pd.testing.assert_frame_equal(read_table(packed), frame, check_dtype=False)


@pytest.mark.parametrize(("content", "message"), [
    (b"1,2,3\n4,5,6\n", "has no header"),
    (b"a,a,b\n1,2,3\n", "more than one column called 'a'"),
    (b"a,b\n", "no rows"),
    (b"", "no readable table"),
    (b"\xff\xfe\x00a,b\n1,2", "no readable table"),
    (b"a,b\n1,2\n1,2,3,4\n", "no readable table"),
    (b"a,b\n1,2,3\n4,5,6\n", "more cells than its header has names"),
])  # fmt: skip
def test_a_file_that_is_no_table_is_refused(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(path)


def test_codes_with_zeros_in_front_are_texts(tmp_path):
    (tmp_path / "a.csv").write_text("zip,n\n" + "01234,5\n02345,07\n" * 10)
    frame = read_table(tmp_path / "a.csv")
    assert frame["zip"].tolist()[:2] == ["01234", "02345"]
    assert frame["n"].tolist()[:2] == ["5", "07"]
    assert kind_of(frame["zip"].replace("01234", "00001")) == "binary"


def test_a_part_of_a_table_has_its_types(tmp_path):
    """Levels that look like numbers in a few rows are the texts that they were among all rows."""
    (tmp_path / "a.csv").write_text("grade,flag,n\n" + "1,True,1\nX,False,2.5\nK,maybe,4\n2,True,3\n" * 10)
    frame = read_table(tmp_path / "a.csv")
    columns = find_columns(frame, {}, np.arange(40))
    assert {c.name: c.dtype for c in columns} == {"grade": "str", "flag": "str", "n": "float64"}
    (tmp_path / "b.csv").write_text("grade,flag,n\n1,True,1\n2,True,\n")
    part = read_table(tmp_path / "b.csv", texts=["grade", "flag"])
    np.testing.assert_array_equal(to_rows(part, columns, "x")[0], to_rows(frame, columns, "x")[0])


@pytest.mark.parametrize(("cells", "message"), [
    ([[1, 2]] * 9, "c holds list; expected numbers or texts"), ([(1,), (2,)] * 9, "c holds tuple"),
    ([1j, 2] * 9, "c holds complex"), ([b"a", b"b"] * 9, "c holds bytes"),
    (pd.to_timedelta([1, 2] * 9), "c holds Timedelta"),
])  # fmt: skip
def test_cells_that_are_neither_numbers_nor_texts_are_refused(cells, message):
    with pytest.raises(ValueError, match=message):
        find_columns(pd.DataFrame({"c": cells}), {}, np.arange(18))


def test_numbers_in_another_dress_are_numbers(rng):
    counts = rng.poisson(3, 60)
    for cells in (
        pd.Categorical(counts),
        counts.astype(object),
        pd.array(counts, dtype="Int64"),
        [2**70 + int(i) ** 9 for i in counts],
    ):
        assert kind_of(pd.Series(cells, name="c")) in ("count", "real")


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n" * 1000)[:50])
    with pytest.raises(ValueError, match="no readable table"):
        read_table(path)
    with pytest.raises(ValueError, match="does not exist"):
        read_table(tmp_path / "b.csv")


def test_a_frame_has_names():
    assert list(check_frame(pd.DataFrame(np.eye(2)), "data").columns) == ["0", "1"]
    with pytest.raises(ValueError, match="more than one"):
        check_frame(pd.DataFrame(np.eye(2), columns=["a", "a"]), "data")


def test_an_index_without_a_name_is_asked_for(frame, tmp_path):
    frame.to_csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="Unnamed: 0 has no name in the header"):
        find_columns(read_table(tmp_path / "a.csv"), {}, np.arange(200))
