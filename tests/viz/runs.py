"""Whole runs for the tests of the figures about them: none, one and two hundred rounds."""

from dataclasses import replace

from engine.records import Round
from engine.roofline import Roofline
from engine.trace import Trace
from tests.viz.records import make_end, make_header, make_rounds

COST = {1: 0.015, 2: 0.016, 4: 0.018, 8: 0.026, 16: 0.043, 32: 0.073, 64: 0.13}
ROOF = Roofline(20e9, 90e9, 269_000_000, 134_500_000)
COUNTS = {"empty": 0, "one round": 1, "200 rounds": 200}


def run(count: int, drafted: int = 10, seed: int = 0, plain: bool = True, **header) -> Trace:
    """A run of ``count`` rounds; fields of its header as keywords."""
    return of(make_rounds(count, drafted, seed), plain, **header)


def of(rounds: list[Round], plain: bool = True, **header) -> Trace:
    """A run of ``rounds`` on a machine that was calibrated, unless ``header`` says otherwise."""
    known = {"pass_seconds": COST, "roofline": ROOF} | header
    return Trace(replace(make_header(), **known), tuple(rounds), make_end(rounds, plain))


def words(figure) -> str:
    """Everything a figure says: texts, names, hovers, annotations."""
    return str(figure.to_plotly_json())
