"""What z says of each place of lines of text."""

import numpy as np

from .style import BLUE, GREY, figure_to


def draw_place_kl(found, path, title):
    """The KL of each place with its standard error, of an `evaluate.PlaceKL`; below it how many lines reach it."""
    places = np.arange(1, len(found.kl) + 1)
    error = np.nan_to_num(found.standard_error)
    with figure_to(path, (7.2, 4.4)) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot(places, found.kl, "-o", ms=3, color=BLUE)
        above.fill_between(places, found.kl - error, found.kl + error, color=BLUE, alpha=0.2, lw=0)
        above.set(title=title, ylabel="KL, nats", ylim=(0, None))
        below.bar(places, found.reached, color=GREY)
        below.set(xlabel="place in the line", ylabel="lines")
        below.locator_params(axis="x", integer=True)
