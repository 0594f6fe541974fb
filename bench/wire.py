"""Bytes of one round on its way to the browser, and what it costs to make them.

``python -m bench.wire``: true rounds of the default target, one message each.
"""

from argparse import ArgumentParser
from time import perf_counter

from bench.prompts import COPY_HEAVY
from bench.report import print_table, spread, write_json
from engine import Bundle, DecodeConfig, Trace, load
from ui.messages import packed, tagged
from viz.stage import Stage

WIDE = tuple(
    (*above, rank) for above in ((), (0,), (1,), (0, 0)) for rank in range(8)
)  # 32 nodes on three levels


def main() -> None:
    """Each available method, and a tree of 32 nodes where there is a draft model."""
    ArgumentParser(description=__doc__).parse_args()
    bundle = load()
    takes = {
        name: DecodeConfig(name, 64, tree=8)
        for name, state in bundle.methods.items()
        if state == "available"
    }
    if bundle.draft is not None:
        takes["draft_tree, 32 nodes"] = DecodeConfig("draft_tree", 32, temperature=1.0, tree=WIDE)
    rows, found = [], {}
    for name, config in takes.items():
        sizes, seconds, nodes = _measure(bundle, config)
        found[name] = {"bytes": spread(sizes), "ms": spread(seconds), "nodes": max(nodes)}
        rows.append(
            [
                name,
                max(nodes),
                *(f"{value:,.0f}" for value in (spread(sizes).median, max(sizes))),
                f"{spread(seconds).median:.2f}",
            ]
        )
    print_table("one round's message", ["method", "nodes", "bytes", "most", "ms"], rows)
    print(write_json("wire", found))


def _measure(bundle: Bundle, config: DecodeConfig) -> tuple[list[int], list[float], list[int]]:
    """Per round: bytes, milliseconds to make them, drafted nodes."""
    trace = Trace.record(bundle.for_visitor(), COPY_HEAVY[0], config)
    stage, sizes, seconds, nodes = Stage(trace.header), [], [], []
    for this in trace.rounds:
        start = perf_counter()
        message = packed(tagged(stage.round_message(this), "run-1"))
        seconds.append((perf_counter() - start) * 1e3)
        sizes.append(len(message.encode()))
        nodes.append(this.nodes.num_drafted)
    return sizes, seconds, nodes


if __name__ == "__main__":
    main()
