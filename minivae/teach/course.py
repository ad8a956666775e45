"""The course: what each lesson uses, and how long it takes. The map, the syllabus and the lessons say what is here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """Its title, the lessons whose results it uses, and hours, as a learner estimated them, derivations included."""

    title: str
    uses: tuple
    hours: float


COURSE = {
    0: Lesson("Start here", (), 1),
    1: Lesson("A dense layer and its gradient", (0,), 1.5),
    2: Lesson("Can you trust a gradient?", (1,), 2.5),
    3: Lesson("Signals that survive depth", (1,), 2.5),
    4: Lesson("Convolution and its mirror", (1,), 3),
    5: Lesson("Descending well", (1,), 2.5),
    6: Lesson("From autoencoder to VAE", (1, 5), 2),
    7: Lesson("The ELBO, three ways", (1,), 3),
    8: Lesson("How does the gradient go through a sample?", (1, 7), 2.5),
    9: Lesson("A VAE, whole", (1, 7, 8), 3),
    10: Lesson("Images: a conv VAE", (4, 9), 2.5),
    11: Lesson("One code, two machines", (8, 9), 2.5),
    12: Lesson("The bug zoo", (2, 7, 9), 2),
    13: Lesson("How good is it?", (7, 9), 2.5),
    14: Lesson("When latents die", (7, 9), 3),
    15: Lesson("Tighter bounds", (8, 13), 2.5),
    16: Lesson("Posteriors that bend", (7, 8, 9), 3),
    17: Lesson("Priors that fit", (1, 7, 9), 3),
    18: Lesson("Levels", (7, 9), 3),
    19: Lesson("Factors", (7, 9, 12), 3),
    20: Lesson("Given a label", (7, 9), 3),
    21: Lesson("Codes", (8, 10), 4),
    22: Lesson("Critics and blur", (1, 7, 9), 3),
    23: Lesson("Sequences", (1, 7, 9), 3),
    24: Lesson("Five families", (6, 7, 9), 3.5),
}
SHORTEST = 0, 1, 7, 8, 9  # the way to a whole VAE that leaves out all else
