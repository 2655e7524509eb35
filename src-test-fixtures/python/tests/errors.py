"""How far a result is from the exact one."""


def relative(found, expected):
    """The relative L2 error, taken in float64."""
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()
