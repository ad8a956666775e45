"""Options of models of a density p(x) of real numbers: grey levels are spread over their intervals first."""

from ..options import Option, one_of, switch

GREY = ("digits", "mnist", "fashion", "omniglot")  # named sets of grey pixels


def _dequantize(settings):
    """Whether the data are grey levels, on single values of which a density could grow without end."""
    return settings["data"] in GREY and not settings["standardize"]


DENSITY = {
    "likelihood": Option(one_of(("gaussian",)), "gaussian", "p(x) is a density of real numbers, as a Gaussian is"),
    "dequantize": Option(switch, None, "spread integer pixels over their grey levels (default: digits, mnist, fashion "
                         "and omniglot)", fill=_dequantize),
}  # fmt: skip
