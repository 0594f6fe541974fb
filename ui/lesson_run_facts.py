"""Facts of a whole run that a lesson may name: its header, its end, what its rounds add up to."""

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.pass_cost import recorded_cost
from engine.roofline import Roofline
from engine.run_facts import Yardstick
from engine.stats import Ratio, Tally, speed_up
from engine.trace import Trace

TYPICAL_FLOOR = 0.09  # epsilon of Medusa's typical acceptance, as its authors run it


class Fact(NamedTuple):
    """How a value is found (``None``: the trace does not know it), and how it is said."""

    of: Callable[[Any], Any]
    form: str | Callable[[Any], str] = "{}"


def pass_value(kind: str, nodes: int, trace: Trace) -> float | None:
    """A calibrated pass over ``nodes`` nodes, in one-node passes or in milliseconds."""
    cost = recorded_cost(trace.header.pass_seconds)
    if cost is None or nodes > cost.nodes[-1]:
        return None
    return cost(nodes) / cost(1) if kind == "pass_cost" else 1000 * cost(nodes)


PASS = {"pass_cost": "{:.1f}", "pass_ms": "{:.0f}"}  # followed by a number of nodes


def _tally(value: Callable[[Tally], Ratio], form: str, scale: float = 1) -> Fact:
    """Of what the rounds add up to."""

    def of(trace: Trace) -> float | None:
        ratio = value(Tally.of(trace.rounds))
        return None if ratio.value is None else scale * ratio.value

    return Fact(of, form)


def _roof(value: Callable[[Roofline], float], form: str = "{:.0f}") -> Fact:
    """Of the machine's measured ceilings."""
    return Fact(lambda trace: value(trace.header.roofline) if trace.header.roofline else None, form)


def _plain(value: Callable[[Yardstick], Any], form: str = "{}") -> Fact:
    """Of plain decoding of the same prompt."""

    def of(trace: Trace) -> Any:
        return value(trace.end.plain) if trace.end and trace.end.plain else None

    return Fact(of, form)


def _speed_up(trace: Trace) -> float | None:
    ratio = speed_up(trace.end)
    return ratio.value if ratio else None


def _speed(trace: Trace) -> float | None:
    return trace.end.tokens / trace.end.seconds if trace.end and trace.end.seconds else None


def _differing(trace: Trace) -> int | None:
    """Tokens from the first on that plain decoding wrote otherwise."""
    plain = trace.end.plain if trace.end else None
    return trace.end.tokens - plain.same_tokens if trace.end and plain else None


def _nodes_a_pass(trace: Trace) -> float | None:
    return (
        sum(len(this.nodes) for this in trace.rounds) / len(trace.rounds) if trace.rounds else None
    )


RUN = {
    "rounds": Fact(lambda trace: len(trace.rounds)),
    "tokens": Fact(lambda trace: len(trace.token_ids)),
    "temperature": Fact(lambda trace: trace.header.config.get("temperature"), "{:g}"),
    "nodes_a_pass": Fact(_nodes_a_pass, "{:.1f}"),
    "tokens_per_pass": _tally(lambda tally: tally.mean_accepted_length, "{:.2f}"),
    "run_tested": Fact(lambda trace: sum(Tally.of(trace.rounds).tested)),
    "run_accepted": Fact(lambda trace: sum(Tally.of(trace.rounds).accepted)),
    "acceptance": _tally(lambda tally: tally.acceptance_rate, "{:.0f}\u00a0%", 100),
    "draft_share": _tally(lambda tally: tally.time_share("draft"), "{:.0f}\u00a0%", 100),
    "speed_up": Fact(_speed_up, "{:.2f}"),
    "tokens_per_second": Fact(_speed, "{:.0f}"),
    "plain_per_second": _plain(lambda plain: plain.tokens / plain.seconds, "{:.0f}"),
    "differing": Fact(_differing),
    "same_tokens": _plain(lambda plain: plain.same_tokens),
    "weight_mb": _roof(lambda roof: roof.weight_bytes / 1e6),
    "parameters_million": _roof(lambda roof: roof.parameters / 1e6),
    "operations_million": _roof(lambda roof: 2 * roof.parameters / 1e6),
    "bandwidth_gb": _roof(lambda roof: roof.bytes_per_second / 1e9),
    "peak_gflops": _roof(lambda roof: roof.operations_per_second / 1e9),
    "move_ms": _roof(lambda roof: 1e3 * roof.weight_bytes / roof.bytes_per_second, "{:.1f}"),
    "compute_ms": _roof(lambda roof: 2e3 * roof.parameters / roof.operations_per_second, "{:.1f}"),
    "intensity": _roof(lambda roof: 2 * roof.parameters / roof.weight_bytes, "{:.1f}"),
    "ridge": _roof(lambda roof: roof.ridge, "{:.1f}"),
    "typical_floor": Fact(lambda trace: TYPICAL_FLOOR, "{:g}"),
}
