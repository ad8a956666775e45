"""Text as data: tokens and their vocabulary, files and named sets, and how an epoch presents lines."""

import gzip
import hashlib
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from minivae.data import OPTIONS, load_data
from minivae.data.dataset import by_length
from minivae.data.download import DOWNLOADS, fetch
from minivae.data.inputs import read_examples
from minivae.data.protocol import Protocol
from minivae.data.sources import is_own
from minivae.data.vocabulary import MARKS, UNKNOWN, line_of_words, words_of
from minivae.trained import Trained

LINES = ["to be, or not", "to be (or so)", "that is", "the end.", "to", "be it so"]


def file_of(folder, content):
    path = folder / "mine.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- tokens


def test_a_row_holds_the_numbers_of_its_tokens():
    data = load_data(["ba", "abc", "c", "ab"], validation=1, split_order="tail")
    assert data.protocol.vocabulary == (*MARKS, "a", "b", "c")
    np.testing.assert_array_equal(data.train.x, [[3, 2, 0, 0], [2, 3, 4, 0], [4, 0, 0, 0]])
    np.testing.assert_array_equal(data.validation.x, [[2, 3, 0, 0]])
    assert data.train.x.dtype == "float32"
    assert data.shape == data.protocol.shape == (4,)
    assert [data.protocol.divisor, data.protocol.binarize, data.protocol.labels] == [1, "none", None]
    assert not data.has_test


@pytest.mark.parametrize("tokens", ["characters", "words"])
def test_lines_come_back(tokens):
    protocol = load_data(LINES, tokens=tokens, validation=0).protocol
    x = protocol.prepare(LINES, "x", "tokens")
    assert protocol.original(x) == LINES
    assert protocol.prepare(np.array(LINES), "x", "tokens").tolist() == x.tolist()
    assert protocol.original(protocol.prepare([""], "x", "tokens")) == [""]


def test_nothing_counts_behind_the_end():
    protocol = load_data(["ab", "ba"], validation=0).protocol
    assert protocol.original(np.float32([[2, 0, 3], [0, 2, 2], [3, 3, 3]])) == ["a", "", "bbb"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("don't go, now", ["don", "·'", "·t", "go", "·,", "now"]),
        ("(a ) -- b", ["(", "·a", ")", "-", "·-", "b"]),
        ("a·b · ··", ["a", "··", "·b", "·", "·", "··"]),
        ("naïve 3.5€", ["naïve", "3", "·.", "·5", "·€"]),
    ],
)
def test_words_are_cut_so_that_they_can_be_put_together(line, words):
    assert words_of(line) == words
    assert line_of_words(words) == line
    assert line_of_words(words_of(f"  {line.replace(' ', '   ')} ")) == line


def test_words_of_any_line_come_back():
    rng = np.random.default_rng(0)
    for _ in range(300):
        line = " ".join("".join(rng.choice(list("ab·,.'_3é\u0301中"), rng.integers(1, 5))) for _ in range(3))
        assert line_of_words(words_of(line)) == line


def test_the_vocabulary_is_that_of_the_training_split(monkeypatch):
    lines = ["b b c", "a c", "a d", "z"]
    data = load_data(lines, tokens="words", validation=1, split_order="tail")
    assert data.protocol.vocabulary == (*MARKS, "a", "b", "c", "d")  # twice each but d, then by the alphabet
    np.testing.assert_array_equal(data.validation.x, [[1, 0, 0, 0]])
    assert data.protocol.original(data.validation.x) == [UNKNOWN]
    assert "x: tokens that are unknown: 1 of 1 in the validation split" in data.notes
    monkeypatch.setattr("minivae.data.vocabulary.MOST", 2)
    few = load_data(lines, tokens="words", validation=1, split_order="tail")
    assert few.protocol.vocabulary == (*MARKS, "a", "b")
    assert few.protocol.original(few.train.x) == [f"b b {UNKNOWN}", f"a {UNKNOWN}", f"a {UNKNOWN}"]
    assert few.notes[-1].endswith("unknown: 3 of 7 in the training split, 1 of 1 in the validation split")


def test_lines_that_two_splits_have():
    data = load_data(["a", "b", "c", "a", "d", "b"], validation=3, split_order="tail")
    assert data.notes[0] == "x: 2 of 3 validation lines are training lines as well"


def test_later_lines():
    protocol = load_data(["abc", "ab", "c"], validation=0).protocol
    np.testing.assert_array_equal(protocol.prepare(["ax", "c"], "x", "tokens"), [[2, 1, 0, 0], [4, 0, 0, 0]])
    assert protocol.count_outside(["ax", "xx"], "x") == 3
    for x, message in (
        ("abc", "x: expected a list of lines of text, got 'abc'"),
        ([], "x: expected at least one line of text, got none"),
        (["abca"], "x: expected at most 3 characters, the most in training, got 4 in line 1"),
        (["a", 3], "x: expected text in line 2, got int"),
        (["a", "b\tc"], r"x: expected no control characters, tabs among them, got '\\t' in line 2"),
        (np.eye(3), "x: expected a list of lines of text, got ndarray"),
        (np.arange(3), "x: expected text in line 1, got int64"),
        ({"a": "b"}, "x: expected a list of lines of text, got dict"),
    ):
        with pytest.raises(ValueError, match=f"^{message}$"):
            protocol.prepare(x, "x", "tokens")


# ---- molecules


def test_selfies():
    selfies = pytest.importorskip("selfies")
    molecules = ["CCO", "c1ccccc1", "CC(=O)[O-]", "N#Cc1ccccc1", "C[C@@H](N)O"]
    data = load_data([*molecules, "C(", "hello"], tokens="selfies", validation=1)
    assert "data: 2 lines are left out, which are no molecules that SELFIES can say" in data.notes
    p = data.protocol
    assert all(symbol[0] == "[" and symbol[-1] == "]" for symbol in p.vocabulary[2:])
    p = load_data(molecules, tokens="selfies", validation=0).protocol
    x = p.prepare(molecules, "x", "tokens")
    made = p.original(x)
    assert made == [selfies.decoder(selfies.encoder(line)) for line in molecules]
    np.testing.assert_array_equal(p.prepare(made, "x", "tokens"), x)
    np.testing.assert_array_equal(p.prepare([""], "x", "tokens"), np.zeros((1, *p.shape)))
    x[0, 1] = 1
    assert p.original(x[:1]) == [f"C{UNKNOWN}O"]
    with pytest.raises(ValueError, match="^x: expected a molecule in SMILES that SELFIES can say in line 2$"):
        p.prepare(["CC", "C("], "x", "tokens")
    with pytest.raises(ValueError, match="^tokens: expected molecules in SMILES for selfies, lines has none$"):
        load_data(["hello"], tokens="selfies")
    with pytest.raises(ValueError, match="^vocabulary: expected SELFIES symbols"):
        replace(p, vocabulary=(*MARKS, "[no]")).original(np.full((1, *p.shape), 2))


def test_selfies_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "selfies", None)
    with pytest.raises(ValueError, match=r'^tokens: selfies is not installed; pip install -e "\.\[chem\]"$'):
        load_data(["CC", "CO"], tokens="selfies")


# ---- files


def test_a_file(tmp_path):
    content = "\ufeff" + "\r\n".join(["Ärger", "", "  ", *LINES]) + "\r\n"
    data = load_data(file_of(tmp_path, content), validation=2)
    p = data.protocol
    assert [p.name, p.n_train, p.n_validation, p.split_seed] == ["mine.txt", 5, 2, 0]
    assert p.sha256 == hashlib.sha256("\n".join(["Ärger", *LINES]).encode()).hexdigest()
    rows = np.concatenate([data.train.x, data.validation.x])
    assert sorted(p.original(rows)) == sorted(replace(p, vocabulary=p.vocabulary).original(rows))
    assert data.notes[0] == "data: 2 empty lines are left out"
    assert p.said() == [f"x: lines of up to 13 characters; a vocabulary of {len(p.vocabulary)}, two of them marks"]
    assert p.values_said("tokens") == f"lines of characters, a vocabulary of {len(p.vocabulary)}"
    tail = load_data(str(tmp_path / "mine.txt"), split_order="tail", validation=1)
    assert tail.protocol.original(tail.validation.x) == LINES[-1:]
    assert tail.protocol.split_seed is None
    with pytest.raises(ValueError, match="^split: mine.txt has no test split; expected --split validation$"):
        data.test()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("näh\nnöh".encode("latin-1"), r"mine.txt is no text in UTF-8 \(byte 0xe4 in line 1\); save it in that"),
        ("ab\ncd".encode("utf-16"), "is no text in UTF-8"),
        ("a\nb\x07\n", r"expected no control characters, tabs among them, got '\\x07' in line 2 of .*mine.txt"),
        ("a\tb", r"got '\\t' in line 1 of"),
        (b"", "mine.txt has no text"),
        (b"\n \n\n", "mine.txt has no text"),
    ],
)
def test_bad_files(content, message, tmp_path):
    with pytest.raises(ValueError, match=f"^data: .*{message}") as error:
        load_data(file_of(tmp_path, content))
    assert "\n" not in str(error.value)


def test_lines_that_fit_no_memory(monkeypatch):
    monkeypatch.setattr("minivae.data.text.memory", lambda: 1000)
    with pytest.raises(ValueError, match="^data: 2 lines of which the longest has 90 characters need more than"):
        load_data(["a", 90 * "b"])


GIVEN = {"binarize": "once", "augment": 1, "dequantize": True, "standardize": True, "sprites": {}, "scale": 255,
         "side": 8, "sources": {}, "modes": {}, "quadrants": 1, "rare": {}, "labelled": 3, "levels": 4,
         "columns": {"a": "real"}, "label": "a"}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
def test_what_text_has_not(name):
    with pytest.raises(ValueError, match=f"^{name}: expected none, lines of text are made of tokens, got "):
        load_data(LINES, **{name: GIVEN[name]})


def test_every_option_is_one_of_text_or_refused():
    assert set(OPTIONS) - set(GIVEN) == {"data", "data_dir", "validation", "split_order", "tokens"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": "bytes"}, "tokens: expected one of characters, words, selfies, got 'bytes'"),
        ({"likelihood": "bernoulli"}, "likelihood: expected tokens for text, got 'bernoulli'"),
        ({"validation": 6}, "validation: expected 0 to 5 of the 6 lines, got 6"),
        ({"source": ["", " "]}, "data: expected lines of text, got empty ones only"),
        ({"source": ["a", None]}, "data: expected text in line 2, got NoneType"),
        ({"source": "digits", "tokens": "words"}, "tokens: expected text, a .txt file, a list of lines or one of "
         "names, shakespeare, smiles, expressions, got 'words'"),
        ({"source": "gone.txt"}, "data: gone.txt does not exist"),
    ],
)  # fmt: skip
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        load_data(**({"source": LINES} | options))


def test_examples_of_a_file(tmp_path):
    protocol = load_data(LINES).protocol
    path = file_of(tmp_path, "to\n\nbe\n")
    assert read_examples(path, "input", protocol) == (["to", "", "be"], None)
    with pytest.raises(ValueError, match="^input: expected a file name ending in .txt, lines of text as in training"):
        read_examples(tmp_path / "x.npy", "input", protocol)
    with pytest.raises(ValueError, match="^input: expected a file name ending in .npy, or a folder of pictures, got"):
        read_examples(path, "input", load_data("digits").protocol)


def test_whose_files_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names").mkdir()
    assert is_own("mine.txt")
    assert not any(map(is_own, ("names", "expressions", "shakespeare", "smiles")))


# ---- the record


def test_a_record_gives_its_protocol_back():
    for tokens in ("characters", "words"):
        protocol = load_data(LINES, tokens=tokens).protocol
        record = json.loads(json.dumps(protocol.to_json()))
        assert Protocol.from_json(record) == protocol
        assert protocol.first_difference(Protocol.from_json(record)) is None
    assert load_data(LINES).protocol.first_difference(protocol) == "shape"


RECORD = load_data(LINES, validation=0).protocol.to_json()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": "bytes"}, "tokens: expected one of characters, words, selfies, got 'bytes'"),
        ({"tokens": ["words"]}, "tokens: expected one of "),
        *[({"vocabulary": v}, "vocabulary: expected <end>, <unknown> and different tokens, got ")
          for v in ("abc", [*MARKS], ["a", "b", "c"], [*MARKS, 3], [*MARKS, "a", "a"], [*MARKS, ""], [*MARKS, "\n"])],
        ({"vocabulary": None}, "vocabulary: expected <end>"),
        ({"shape": [2, 2, 1]}, r"shape: expected one whole number of lines of text, got \[2, 2, 1\]"),
    ],
)  # fmt: skip
def test_what_is_no_record(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Protocol.from_json(RECORD | changes)


@pytest.mark.parametrize("name", ["tokens", "vocabulary"])
def test_half_a_record(name):
    with pytest.raises(ValueError, match="^tokens, vocabulary: expected both, or none of them"):
        Protocol.from_json({key: value for key, value in RECORD.items() if key != name})


# ---- named sets


def pack(path, lines):
    path.parent.mkdir(exist_ok=True)
    content = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_named_sets_in_a_folder(suffix, tmp_path):
    names = [f"{a}{b}" for a in "abcdefgh" for b in "xyz"] + ["z"]
    pack(tmp_path / "names" / f"names{suffix}", names)
    data = load_data("names", tmp_path)
    splits = [data.protocol.original(x) for x in (data.train.x, data.validation.x, data.test().x)]
    assert [len(lines) for lines in splits] == [20, 3, 2]
    assert sorted(sum(splits, [])) == sorted(names)
    assert sum(splits, []) != names  # shuffled
    pack(tmp_path / "tinyshakespeare" / f"input{suffix}", ["A:", "", *map(str, range(19))])
    data = load_data("shakespeare", tmp_path)
    assert data.protocol.original(data.test().x) == ["17", "18"]
    assert data.protocol.original(data.train.x)[:2] == ["A:", "0"]
    for part, lines in (("valid", ["CC", "CCO", "C"]), ("test", ["NN", "CCCCC"])):
        pack(tmp_path / "smiles" / f"zinc250k_jtnn_{part}{suffix}", lines)
    data = load_data("smiles", tmp_path, validation=1)
    assert data.protocol.original(data.train.x) == ["CC", "CCO"]
    assert data.protocol.original(data.test().x) == [2 * UNKNOWN, "CCCCC"]
    assert data.shape == (6,)
    assert data.notes == ["x: tokens that are unknown: 2 of 7 in the test split"]


def test_named_sets_that_are_not_there(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"^data_dir: .*names.txt.gz does not exist$"):
        load_data("names", tmp_path)
    pack(tmp_path / "smiles" / "valid.txt", ["CC"])  # as it is published
    pack(tmp_path / "smiles" / "test.txt", ["CO"])
    monkeypatch.setenv("MINIVAE_DATA", str(tmp_path))
    assert load_data("smiles").protocol.n_train == 1
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "names.txt.gz").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="^data: .*names.txt.gz is damaged"):
        load_data("names", tmp_path)


def test_text_in_the_cache(tmp_path, monkeypatch):
    """A .txt file is checked as it is."""
    content = b"anna\nbob\n"
    one = DOWNLOADS["names"]._replace(mirrors=(), sha256={"names.txt": hashlib.sha256(content).hexdigest()})
    monkeypatch.setitem(DOWNLOADS, "names", one)
    path = tmp_path / "names" / "names.txt"
    path.parent.mkdir()
    path.write_bytes(content)
    assert fetch("names", "names.txt", tmp_path) == path
    path.write_bytes(b"anna")
    with pytest.raises(ConnectionError, match="^data: no mirror gave names.txt"):
        fetch("names", "names.txt", tmp_path)


@pytest.mark.data
def test_real_text(data_dir):
    files = {"names": ["names"], "shakespeare": ["input"], "smiles": ["zinc250k_jtnn_valid", "zinc250k_jtnn_test"]}
    for name, packed in files.items():
        for file, sha256 in zip(packed, DOWNLOADS[name].sha256.values(), strict=True):
            content = gzip.decompress((data_dir / DOWNLOADS[name].folder / f"{file}.txt.gz").read_bytes())
            assert hashlib.sha256(content).hexdigest() == sha256
    data = load_data("names", data_dir)
    assert [len(data.train.x), len(data.validation.x), len(data.test().x)] == [24_025, 4_805, 3_203]
    assert [data.shape, len(data.protocol.vocabulary)] == [(16,), 28]


# ---- epochs


def test_batches_of_lines_of_one_length():
    """Each row once; what padding costs falls to less than a tenth."""
    rng = np.random.default_rng(0)
    lengths = 1 + rng.geometric(0.1, 5000)
    order = by_length(lengths, 32, np.random.default_rng(1))
    assert sorted(order) == list(range(5000))
    np.testing.assert_array_equal(order, by_length(lengths, 32, np.random.default_rng(1)))
    assert (order != by_length(lengths, 32, np.random.default_rng(2))).any()

    def padding(order):
        parts = [lengths[order[i : i + 32]] for i in range(0, 5000 - 32, 32)]
        return np.mean([part.max() - part.mean() for part in parts])

    assert padding(order) < padding(rng.permutation(5000)) / 10
    means = lengths[by_length(lengths[:1600], 32, np.random.default_rng(1))].reshape(50, 32).mean(axis=1)
    assert abs(np.corrcoef(means, range(50))[0, 1]) < 0.5  # batches are not sorted


def test_rows_that_fill_no_batch_are_long_as_often_as_others():
    lengths = np.arange(103)
    last = [by_length(lengths, 10, np.random.default_rng(seed))[-3:] for seed in range(200)]
    assert abs(np.mean(last) - 51) < 4 * 29.7 / np.sqrt(600)
    np.testing.assert_array_equal(np.sort(by_length(lengths, 1000, np.random.default_rng(0))), lengths)


def test_an_epoch_of_text():
    data = load_data([length * "a" for length in range(1, 41)], validation=0)
    order = data.order(np.random.default_rng(0), 4)
    np.testing.assert_array_equal(order, by_length(np.arange(1, 41), 4, np.random.default_rng(0)))
    assert (np.ptp(order.reshape(-1, 4), axis=1) == 3).all()


# ---- a trained model


class Copy:
    """A model whose latents are its rows."""

    missing, labels, infers_y, decodes_y, latent = False, None, False, False, "point"

    def __init__(self, T):
        self.L = self.D = T

    def encode(self, x, y=None):
        return x

    def decode(self, z, y=None, **choice):
        return z

    def rows(self, z, name, L):
        return np.float32(z)

    def sample(self, n, rng, y=None, draw=None):
        return np.float32(rng.integers(0, 2, (n, self.L)) * 2)

    def reconstruct(self, x, y=None):
        return x


def test_a_trained_model_takes_and_gives_lines():
    protocol = load_data(LINES, validation=0).protocol
    trained = Trained(Copy(protocol.shape[0]), protocol, "tokens")
    x, y = trained.prepared(LINES)
    assert y is None
    assert trained.reconstruct(LINES) == trained.decode(x) == LINES
    made = trained.sample(5)
    assert len(made) == 5
    assert set("".join(made)) == {protocol.vocabulary[2]}
    with pytest.raises(ValueError, match="^x: expected a list of lines of text, got 'to'$"):
        trained.reconstruct("to")
