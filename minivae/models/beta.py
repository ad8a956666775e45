"""beta, the weight of the KL, and how it comes to its value: options of the models that have one."""

from ..options import Option, one_of, read_arguments, real, whole
from ..schedules import BETA_SCHEDULES, schedule

BETA = {
    "beta": Option(real(closed=True), 1.0, "weight of the KL in the loss", "X"),
    "beta_schedule": Option(one_of(BETA_SCHEDULES), "constant", "how beta comes to its value",
                            "|".join(BETA_SCHEDULES)),
    "beta_epochs": Option(whole(1), None, "length of the linear rise, or of a cycle, in epochs (default: 10)",
                          fill=lambda settings: 10, needs=("beta_schedule", ("linear", "cyclical")), optional=True),
}  # fmt: skip


def beta_of(beta, beta_schedule, beta_epochs, pass_steps):
    """The function beta(t) that the options in `BETA` describe, for `pass_steps` steps in a pass over the data.

    A `beta` that is a function of the step stays as it is.
    """
    beta_schedule, beta_epochs = read_arguments(BETA, beta_schedule=beta_schedule, beta_epochs=beta_epochs)
    if callable(beta):
        return schedule(beta)
    steps = (beta_epochs or 1) * whole(1)("pass_steps", pass_steps)
    return BETA_SCHEDULES[beta_schedule](BETA["beta"].read("beta", beta), steps)
