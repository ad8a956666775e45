"""What a published number is: where it stands, what repeats it, and how it was measured."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Published:
    """A number of a published table.

    Attributes
    ----------
    name : str
        Of the command, `minivae reproduce NAME`.
    source, model : str
        Which table of which paper or project, and its row.
    nll : float
        The published negative log-likelihood of the test images, nats per image.
    samples : int
        K of its importance-sampled estimate.
    settings : dict
        Options of the run; `epochs` are the published ones.
    active : int, optional
        The published number of active units.
    differs : str
        In what ours is knowingly not theirs.
    """

    name: str
    source: str
    model: str
    nll: float
    samples: int
    settings: dict = field(repr=False)
    active: int | None = None
    differs: str = ""
