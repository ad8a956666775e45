"""A folder of pictures as data: what is read, in which order, what is said of it, and what is refused."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from test_cli import SMALL, error_of

from minivae import load_data
from minivae.cli import main
from minivae.data.pictures import read_pictures, read_splits
from minivae.runs import Run


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def put(path, pixels, mode=None, **how):
    """One picture in a file, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **how)


def grey(rng, n=1, h=6, w=5):
    return rng.integers(0, 256, (n, h, w)).astype("uint8")


def color(rng, n=1, h=6, w=5):
    return rng.integers(0, 256, (n, h, w, 3)).astype("uint8")


def test_a_folder_without_folders_has_no_labels(tmp_path, rng):
    """The order is that of the names, whatever the order in which files were written."""
    x = grey(rng, 4)
    for i in (2, 0, 3, 1):
        put(tmp_path / f"{'bdac'[i]}.{('png', 'PNG', 'bmp', 'tif')[i]}", x[i])
    found = read_pictures(tmp_path)
    assert found.names == ["a.bmp", "b.png", "c.tif", "d.PNG"]
    np.testing.assert_array_equal(found.x, x[[2, 0, 3, 1]])
    assert found.x.dtype == np.uint8
    assert found.y is found.classes is None
    assert found.notes == ["4 pictures of 5x6 pixels, grey, uint8"]


def test_folders_are_classes(tmp_path, rng):
    x = color(rng, 3)
    put(tmp_path / "dog" / "1.png", x[0])
    put(tmp_path / "cat" / "2.png", x[1])
    put(tmp_path / "cat" / "1.png", x[2])
    (tmp_path / "cat" / "label.txt").write_text("c")
    (tmp_path / "cat" / ".hidden.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "data.csv").write_text("a,b")
    found = read_pictures(tmp_path)
    assert found.classes == ["cat", "dog"]
    assert found.names == ["cat/1.png", "cat/2.png", "dog/1.png"]
    np.testing.assert_array_equal(found.x, x[[2, 1, 0]])
    np.testing.assert_array_equal(found.y, [0, 0, 1])
    assert found.y.dtype == np.int64
    assert found.notes == [
        "3 pictures of 5x6 pixels, RGB, uint8",
        "2 classes, the folders: cat (2), dog (1)",
        "2 other files were left out",
        "folders without pictures were left out: empty",
    ]


def test_jpeg(tmp_path, rng):
    x = np.full((8, 8, 3), (200, 30, 90), "uint8")
    put(tmp_path / "a.JPEG", x, format="JPEG", quality=95)
    put(tmp_path / "b.jpg", x, "L", quality=95)
    put(tmp_path / "c.jpg", x, "CMYK", quality=95)
    found = read_pictures(tmp_path)
    assert found.x.shape == (3, 8, 8, 3)
    assert np.abs(found.x[[0, 2]].astype(int) - x).max() <= 6
    assert (found.x[1] == found.x[1, :, :, :1]).all()
    assert found.notes[1:] == [
        "1 of 3 pictures have another color space and became RGB",
        "1 of 3 pictures are grey and became RGB, as others are",
    ]


# ---- modes


def test_alpha_lies_on_white(tmp_path):
    x = np.zeros((2, 2, 4), "uint8")
    x[..., 0] = 100
    x[0, 0, 3], x[0, 1, 3], x[1, 0, 3] = 255, 0, 51  # a fifth
    put(tmp_path / "a.png", x)
    put(tmp_path / "b.png", np.dstack([x[..., :3], np.full((2, 2), 255, "uint8")]))  # opaque
    found = read_pictures(tmp_path)
    np.testing.assert_array_equal(found.x[0], [[[100, 0, 0], [255] * 3], [[224, 204, 204], [255] * 3]])
    np.testing.assert_array_equal(found.x[1], x[..., :3])
    assert found.notes[1:] == ["1 of 2 pictures have transparent parts, which now lie on white"]


def test_grey_with_alpha_stays_grey(tmp_path):
    put(tmp_path / "a.png", np.dstack([np.full((2, 2), 7, "uint8"), np.array([[255, 0], [0, 255]], "uint8")]))
    np.testing.assert_array_equal(read_pictures(tmp_path).x[0], [[7, 255], [255, 7]])


@pytest.mark.parametrize("colored", [True, False])
def test_a_palette_becomes_rgb_or_grey(colored, tmp_path, rng):
    image = Image.fromarray(rng.integers(0, 3, (4, 4)).astype("uint8")).convert("P")
    image.putpalette([0, 0, 0, 90, 90, 90, 200, 200, 200 - 50 * colored])
    image.save(tmp_path / "a.png")
    expected = np.array(image.convert("RGB"))
    found = read_pictures(tmp_path).x
    np.testing.assert_array_equal(found[0], expected if colored else expected[:, :, 0])


def test_bits_become_0_and_255(tmp_path, rng):
    bits = rng.integers(0, 2, (5, 9)).astype(bool)
    put(tmp_path / "a.png", bits)
    put(tmp_path / "b.png", np.full((5, 9), 7, "uint8"))
    found = read_pictures(tmp_path)
    np.testing.assert_array_equal(found.x[0], 255 * bits)
    assert found.notes[1:] == ["1 of 2 pictures have 1 bit, which became 0 and 255"]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bits_stay(name, tmp_path, rng):
    x = rng.integers(0, 2**16, (4, 3)).astype("uint16")
    x[0, 0], x[0, 1] = 0, 65535
    put(tmp_path / name, x)
    found = read_pictures(tmp_path)
    np.testing.assert_array_equal(found.x[0], x)
    assert found.x.dtype == np.uint16
    assert found.notes == ["1 pictures of 3x4 pixels, grey, uint16"]
    put(tmp_path / "b.png", np.zeros((4, 3), "uint8"))
    with pytest.raises(ValueError, match=f"{name} has uint16 pixels, b.png uint8; expected pictures of one depth"):
        read_pictures(tmp_path)


def test_floats_stay(tmp_path, rng):
    x = rng.random((4, 3)).astype("float32")
    put(tmp_path / "a.tif", x)
    np.testing.assert_array_equal(read_pictures(tmp_path).x[0], x)


def test_color_of_sixteen_bits_is_said(tmp_path):
    """Pillow has no such mode; a PNG by hand: 2x1 pixels of 16 bits, RGB."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    row = b"\0" + struct.pack(">6H", 256, 512, 768, 65535, 0, 1024)
    parts = {b"IHDR": struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0), b"IDAT": zlib.compress(row), b"IEND": b""}
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items()))
    found = read_pictures(tmp_path)
    np.testing.assert_array_equal(found.x[0], [[[1, 2, 3], [255, 0, 4]]])
    assert found.notes[1:] == ["1 of 1 pictures are in color with 16 bits per channel, of which 8 are read"]


def test_a_picture_is_turned_as_people_see_it(tmp_path, rng):
    x = grey(rng)[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    put(tmp_path / "a.png", x, exif=exif)
    found = read_pictures(tmp_path)
    np.testing.assert_array_equal(found.x[0], np.rot90(x, -1))
    assert found.notes[1:] == ["1 of 1 pictures were turned as their EXIF orientation says"]


def test_of_several_frames_the_first_is_taken(tmp_path, rng):
    x = grey(rng, 2)
    Image.fromarray(x[0]).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(x[1])])
    found = read_pictures(tmp_path)
    np.testing.assert_array_equal(found.x, x[:1])
    assert found.notes[1:] == ["1 of 1 pictures have several frames, of which the first is taken"]


# ---- sizes


def test_sizes_must_agree_or_side_makes_them(tmp_path, rng):
    put(tmp_path / "a.png", np.full((8, 8), 3, "uint8"))
    put(tmp_path / "b.png", np.full((8, 4), 9, "uint8"))
    put(tmp_path / "c.png", np.full((4, 4), 200, "uint8"))
    with pytest.raises(ValueError, match="a.png has 8x8 pixels, b.png 4x8; expected pictures of one size, or --side N"):
        read_pictures(tmp_path)
    found = read_pictures(tmp_path, side=4)
    np.testing.assert_array_equal(found.x, np.array([3, 9, 200])[:, None, None] * np.ones((1, 4, 4)))
    assert found.notes[1:] == [
        "2 of 3 pictures were resized to 4x4 pixels",
        "1 of 3 pictures were not square before, so that their proportions changed",
    ]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_resizing_keeps_the_mean_and_the_range(dtype, tmp_path, rng):
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    x = (top * rng.random((32, 32))).astype(dtype)
    put(tmp_path / "a.tif", x)
    y = read_pictures(tmp_path, side=8).x[0]
    assert y.dtype == dtype
    assert y.mean() == pytest.approx(x.mean(), rel=0.05)
    assert y.std() < x.std() / 2  # neighbors are averaged, not picked
    assert read_pictures(tmp_path, side=64).x.max() <= x.max()


def test_channels_and_classes_of_training(tmp_path, rng):
    put(tmp_path / "cat" / "a.png", grey(rng)[0])
    assert read_pictures(tmp_path, channels=3).x.shape == (1, 6, 5, 3)
    found = read_pictures(tmp_path, channels=1, classes=["ant", "cat"])
    assert found.x.shape == (1, 6, 5)
    np.testing.assert_array_equal(found.y, [1])
    with pytest.raises(ValueError, match="cat is none of the 1 classes of training"):
        read_pictures(tmp_path, classes=["ant"])
    put(tmp_path / "cat" / "b.png", color(rng)[0])
    with pytest.raises(ValueError, match="b.png has colors, the pictures of training are grey"):
        read_pictures(tmp_path, channels=1)


# ---- what is refused


def bomb():
    """A PNG that announces 60,000 x 60,000 pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "bomb", "large"])
def test_a_file_that_is_no_picture_is_named(kind, tmp_path, rng, monkeypatch):
    put(tmp_path / "a.png", grey(rng, 1, 40, 40)[0])
    whole = (tmp_path / "a.png").read_bytes()
    content = {"text": b"hello", "empty": b"", "cut": whole[: len(whole) // 2], "bomb": bomb(), "large": whole}[kind]
    (tmp_path / "b.png").write_bytes(content)
    if kind == "large":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # a warning of Pillow's, up to twice as many
    with warnings.catch_warnings(record=True) as caught, pytest.raises(ValueError, match="cannot read") as error:
        read_pictures(tmp_path)
    name = "a.png" if kind == "large" else "b.png"
    assert str(error.value).startswith(f"data: cannot read {tmp_path / name} as a picture (")
    assert "\n" not in str(error.value)
    assert not caught


def test_folders_that_cannot_be_data(tmp_path, rng, monkeypatch):
    with pytest.raises(ValueError, match="has no pictures, files ending in .png, .jpg"):
        read_pictures(tmp_path)
    put(tmp_path / "cat" / "young" / "a.png", grey(rng)[0])
    with pytest.raises(ValueError, match="cat/young has pictures; expected them in .*, or in a folder for each class"):
        read_pictures(tmp_path)
    (tmp_path / "cat" / "young").rename(tmp_path / "dog")
    put(tmp_path / "b.png", grey(rng)[0])
    with pytest.raises(
        ValueError, match=r"has pictures \(b.png\) and folders of pictures \(dog\); expected one of both"
    ):
        read_pictures(tmp_path)
    (tmp_path / "b.png").unlink()
    with pytest.raises(ValueError, match="does not exist|cannot read"):
        read_pictures(tmp_path / "nothing")
    monkeypatch.setattr("minivae.data.pictures.memory", lambda: 10)
    with pytest.raises(ValueError, match="1 pictures of 5x6 pixels need 30 bytes; expected fewer, or a smaller --side"):
        read_pictures(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_picture(tmp_path, rng):
    """Reading one would wait for ever."""
    put(tmp_path / "a.png", grey(rng)[0])
    os.mkfifo(tmp_path / "b.png")
    assert read_pictures(tmp_path).names == ["a.png"]


def test_names_that_a_terminal_would_take_for_a_command_are_escaped(tmp_path, rng):
    put(tmp_path / "a\x1b[31m" / "a.png", grey(rng)[0])
    notes = read_pictures(tmp_path).notes
    assert notes[1] == r"1 classes, the folders: 'a\x1b[31m' (1)"


# ---- splits


@pytest.fixture
def split(tmp_path, rng):
    """Three splits of two classes; the validation split has one of them only."""
    for name, counts in (("Train", (4, 3)), ("val", (0, 2)), ("test", (1, 1))):
        for label, n in zip(("no", "yes"), counts, strict=True):
            for i, x in enumerate(grey(rng, n)):
                put(tmp_path / "d" / name / label / f"{i}.png", x)
    return tmp_path / "d"


def test_folders_of_splits(split):
    data = load_data(split)
    assert (data.protocol.n_train, data.protocol.n_validation) == (7, 2)
    np.testing.assert_array_equal(data.train.y, [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(data.validation.y, [1, 1])
    assert data.has_test
    np.testing.assert_array_equal(data.test().y, [0, 1])
    assert data.notes == [
        "train: 7 pictures of 5x6 pixels, grey, uint8", "train: 2 classes, the folders: no (4), yes (3)",
        "val: 2 pictures of 5x6 pixels, grey, uint8", "val: 2 classes, the folders: no (0), yes (2)",
        "y: the validation split lacks 1 of the classes: 0",
        "x: values between 0 and 1 are chances of bits, which are drawn anew at every presentation; --likelihood "
        "gaussian takes them as numbers",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="validation: expected none, d has a validation split of its own, got 3"):
        load_data(split, validation=3)


def test_splits_that_do_not_fit(split, rng):
    extra = split / "val" / "yes" / "2.png"
    put(extra, color(rng)[0])
    with pytest.raises(ValueError, match="2.png has colors, the pictures of training are grey"):
        load_data(split)
    extra.unlink()
    put(split / "test" / "maybe" / "1.png", grey(rng)[0])
    with pytest.raises(ValueError, match="test/maybe is none of the 2 classes of training"):
        load_data(split).test()
    (split / "val" / "yes").rename(split / "validation")
    with pytest.raises(ValueError, match="has the folders validation and val; expected one of them"):
        load_data(split)
    (split / "val").rmdir()
    expected = "validation: expected classes, pictures of 5x6 pixels, uint8, as in train, got no classes, pictures of"
    with pytest.raises(ValueError, match=expected):
        load_data(split)


def test_other_folders_beside_train_make_all_of_them_classes(tmp_path, rng):
    for name in ("train", "test", "car"):
        put(tmp_path / name / "a.png", grey(rng)[0])
    assert load_data(tmp_path, validation=0).protocol.labels == {"kind": "classes", "count": 3}
    assert read_splits(tmp_path)[0].classes == ["car", "test", "train"]


def test_the_hash_is_of_names_and_pixels(tmp_path, rng):
    x = grey(rng, 2)
    for i in (0, 1):
        put(tmp_path / "a" / f"{i}.png", x[i])
    first = load_data(tmp_path / "a", validation=0).protocol.sha256
    (tmp_path / "a" / "note.txt").write_text("other files do not count")
    put(tmp_path / "a" / "1.png", x[1], compress_level=0)  # other bytes, the same pixels
    assert load_data(tmp_path / "a", validation=0).protocol.sha256 == first
    (tmp_path / "a" / "1.png").rename(tmp_path / "a" / "2.png")
    assert load_data(tmp_path / "a", validation=0).protocol.sha256 != first


# ---- training


@pytest.mark.usefixtures("no_pictures")
def test_a_folder_trains_and_may_move(split, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--data", "d", "--side", "4", *SMALL, "--out", "run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("train: ")][:3] == [
        "train: 7 pictures of 4x4 pixels, grey, uint8",
        "train: 2 classes, the folders: no (4), yes (3)",
        "train: 7 of 7 pictures were resized to 4x4 pixels",
    ]
    settings = Run.open("run").settings
    assert (settings["data"], settings["side"]) == (str(split), 4)
    assert main(["evaluate", "run", "--samples", "2"]) == 0
    (tmp_path / "elsewhere").mkdir()
    split.rename(tmp_path / "elsewhere" / "d")
    again = ["train", "--resume", "--out", "run", "--epochs", "2"]
    assert f"data: {split} does not exist" in error_of(capsys, *again)
    assert main([*again, "--data", "elsewhere/d"]) == 0
    assert Run.open("run").settings["data"] == str(tmp_path / "elsewhere" / "d")
    assert "data: expected" in error_of(capsys, *again, "--data", "digits")


def test_what_is_wrong_with_the_test_split_is_known_before_a_training(split, tmp_path, capsys):
    (split / "test" / "no" / "bad.png").write_text("x")
    message = error_of(capsys, "train", "--data", split, "--out", tmp_path / "run")
    assert "bad.png as a picture (no picture)" in message
    assert not (tmp_path / "run").exists()


def test_side_is_refused_for_other_data(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.eye(4))
    for data in ("digits", tmp_path / "x.npy"):
        message = error_of(capsys, "train", "--data", data, "--side", "8", "--out", tmp_path / "run")
        assert f"side: expected data that are a folder of pictures, got {str(data)!r}" in message
    with pytest.raises(ValueError, match="side: expected data that are a folder of pictures, got an array"):
        load_data(np.eye(4), side=8)
    with pytest.raises(ValueError, match="data: .* does not exist"):
        load_data(tmp_path / "nothing", side=8)


def test_a_named_set_wins_over_a_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert load_data("digits").protocol.n_train == 1250
    with pytest.raises(ValueError, match="has no pictures"):
        load_data("./digits")
