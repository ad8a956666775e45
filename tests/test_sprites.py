import itertools

import numpy as np
import pytest

from minivae.data.sprites import GRID, SHAPES, factor_values, sprites

SQUARE, ELLIPSE, HEART = range(3)


def one(side=64, shape=SQUARE, scale=5, orientation=0, x=0, y=0):
    return sprites(side, [shape], [scale], [orientation], [x], [y])[0][0]


def test_the_grid_is_in_order():
    images, factors = sprites(8, [2, 0], [1, 5], [7], [3, 30], [31, 0, 16])
    assert images.shape == (24, 8, 8)
    assert images.dtype == "uint8"
    np.testing.assert_array_equal(factors, list(itertools.product([2, 0], [1, 5], [7], [3, 30], [31, 0, 16])))
    for image, indices in zip(images, factors, strict=True):
        np.testing.assert_array_equal(image, one(8, *indices))


@pytest.mark.parametrize("names", [c for n in range(1, 4) for c in itertools.combinations(GRID, n)], ids="-".join)
def test_none_means_all(names):
    """Every subset of up to three factors taken whole, the others at one index."""
    given = {name: None if name in names else [1] for name in GRID}
    images, factors = sprites(4, **given)
    sizes = [len(GRID[name]) if name in names else 1 for name in GRID]
    assert len(images) == len(factors) == np.prod(sizes)
    assert [len(set(column)) for column in factors.T] == sizes
    assert (np.diff(np.ravel_multi_index(factors.T, [3, 6, 40, 32, 32])) > 0).all()


def test_values():
    values = factor_values([[0, 0, 0, 0, 0], [2, 5, 39, 31, 31], [1, 1, 13, 10, 20]])
    np.testing.assert_allclose(values[0], [0, 0.5, 0, 0, 0])
    np.testing.assert_allclose(values[1], [2, 1, 2 * np.pi, 1, 1])
    np.testing.assert_allclose(values[2], [1, 0.6, 2 * np.pi / 3, 10 / 31, 20 / 31])
    assert SHAPES[int(values[2, 0])] == "ellipse"


def test_the_center_is_where_x_and_y_say():
    """Pixel centers of any side lie in the same 64 x 64 frame; x goes with columns."""
    for side in (32, 64, 100):
        for shape in (SQUARE, ELLIPSE):
            images, factors = sprites(side, [shape], [3], [5], [0, 10, 31], [0, 16, 31])
            at = (np.arange(side) + 0.5) * 64 / side - 0.5
            total = images.sum((1, 2))
            for axis, index in ((1, 3), (2, 4)):
                center = (images.sum(axis) * at).sum(1) / total
                np.testing.assert_allclose(center, 15.5 + 32 * factor_values(factors)[:, index], atol=0.3 * 64 / side)


@pytest.mark.parametrize("shape", range(3))
def test_translation_by_whole_pixels(shape):
    """From 0 to 31 a position moves by 32 pixels of 64, from 0 to 1 by 32/31 of them: one pixel of side 62."""
    near = one(shape=shape, x=0, y=31)
    far = one(shape=shape, x=31, y=0)
    np.testing.assert_array_equal(np.roll(near, (-32, 32), (0, 1)), far)
    steps, _ = sprites(62, [shape], [2], [7], range(32), [3])
    for image in steps[1:]:
        np.testing.assert_array_equal(
            image, np.roll(steps[0], int(np.argmax(image.any(0)) - steps[0].any(0).argmax()), 1)
        )
    moved = [int(image.any(0).argmax()) for image in steps]
    assert set(np.diff(moved)) == {1}


def test_the_whole_sprite_is_always_inside():
    images, _ = sprites(64, None, [5], range(40), [0, 31], [0, 31])
    edge = images.copy()
    edge[:, 1:-1, 1:-1] = 0
    assert not edge.any()


@pytest.mark.parametrize("shape", range(3))
def test_orientations_0_and_39_coincide(shape):
    images, _ = sprites(64, [shape], None, [0, 39], [0, 17], [5])
    np.testing.assert_array_equal(images.reshape(6, 2, -1)[:, 0], images.reshape(6, 2, -1)[:, 1])


def test_mirror_images():
    """All three are symmetric at orientation 0, and orientations k and 39 - k are mirror images."""
    for shape in range(3):
        np.testing.assert_array_equal(one(shape=shape)[:32, :32], one(shape=shape)[:32, :32][:, ::-1])
        for k in (3, 11, 18):
            a = one(shape=shape, orientation=k)
            b = one(shape=shape, orientation=39 - k)
            np.testing.assert_array_equal(a[:32, :32], b[:32, 31::-1])
    for shape in (SQUARE, ELLIPSE):  # half a turn changes nothing
        for k in (4, 9):
            image = one(shape=shape, orientation=k)[:32, :32]
            np.testing.assert_array_equal(image, image[::-1, ::-1])


def test_the_heart_points_down_and_turns_counterclockwise():
    heart = one(shape=HEART)
    rows = np.nonzero(heart.any(1))[0]
    assert heart[rows[-1]].sum() <= 2 < heart[rows[0]].sum()
    assert not heart[rows[0], 15:17].any()  # the notch
    widest = one(shape=HEART, orientation=10).sum(0).argmax()
    assert widest < 14  # after a quarter of a turn the tip points right


# a square of half-side 9.6; an ellipse; the area of the heart is that between its curve's two branches
AREAS = [19.2**2, np.pi * 12.767 * 7.2125, 180 * np.pi * (9.595 / 16) * 0.662]


@pytest.mark.parametrize("shape", range(3))
def test_areas(shape):
    """Proportional to the square of the scale and the same in every orientation, in units of the 64 x 64 frame."""
    images, factors = sprites(512, [shape], [0, 2, 5], [3, 10, 17], [4], [20])
    area = images.sum((1, 2)) / 8**2
    np.testing.assert_allclose(area, AREAS[shape] * factor_values(factors)[:, 1] ** 2, rtol=0.004)


def test_a_straight_square_is_as_wide_as_it_is_high():
    """Half-side 9.6 around 15.5: pixels 6 to 25 of 64."""
    image = one()
    np.testing.assert_array_equal(np.nonzero(image.any(0))[0], range(6, 26))
    assert image.sum() == 20**2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": 0}, "side: expected a whole number >= 1, got 0"),
        ({"side": 32.0}, "side: expected a whole number >= 1, got 32.0"),
        ({"side": True}, "side: expected a whole number >= 1, got True"),
        ({"shape": [3]}, "shape: expected whole numbers from 0 to 2, got 3"),
        ({"scale": [0, -1]}, "scale: expected whole numbers from 0 to 5, got -1"),
        ({"orientation": [40]}, "orientation: expected whole numbers from 0 to 39, got 40"),
        ({"x": []}, r"x: expected a list of whole numbers from 0 to 31, got \[\]"),
        ({"y": 3}, "y: expected a list of whole numbers from 0 to 31, got 3"),
        ({"y": [0.5]}, r"y: expected a list of whole numbers from 0 to 31, got \[0.5\]"),
        ({"shape": "square"}, "shape: expected a list of whole numbers from 0 to 2, got 'square'"),
        ({"x": [4, 5, 4]}, r"x: expected different indices, got \[4, 5, 4\]"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        sprites(**options)


@pytest.mark.data
def test_real_frames(data_dir):
    """320 frames of dSprites: how many are equal in every pixel, and the mean number of pixels that are not."""
    with np.load(data_dir / "dsprites_reference" / "dsprites_320_real_frames.npz") as file:
        frames = np.unpackbits(file["frames_packed"], axis=1).reshape(-1, 64, 64)
        latents = file["latents"]
    errors = np.array([(one(64, *indices) != frame).sum() for frame, indices in zip(frames, latents, strict=True)])
    for shape, exact, n, mean in ((SQUARE, 62, 64, 0.125), (ELLIPSE, 62, 64, 0.0625), (HEART, 186, 192, 0.0625)):
        of_shape = errors[latents[:, 0] == shape]
        assert [(of_shape == 0).sum(), len(of_shape)] == [exact, n]
        assert of_shape.mean() == pytest.approx(mean)
