"""Ahead-of-time compilation for cards that are not here: what must hold of every configuration."""

import json
from pathlib import Path

import pytest

from tests.kernels.uninterpreted import told_by

TABLE = json.loads(Path(__file__).with_name("registers.json").read_text(encoding="utf-8"))
CARDS = TABLE["cards"]
SHARED = {"sm_80": 166_912, "sm_90": 232_448, "sm_100": 232_448}  # bytes that a block may use
UNIT = {"sm_80": "mma.sync", "sm_90": "wgmma", "sm_100": "tcgen05.mma"}


@pytest.fixture(scope="module")
def compiled():
    """A part of the configurations, compiled now in a process without the interpreter."""
    return told_by("tests.kernels.compiling")


def test_the_table_is_of_these_kernels(compiled):
    """Else: python -m tests.kernels.compiling --write."""
    assert (TABLE["triton"], TABLE["source"]) == (compiled["triton"], compiled["source"])
    assert {card: list(rows) for card, rows in CARDS.items()} == compiled["names"]


def test_compiling_again_gives_the_tables_figures(compiled):
    for card, rows in compiled["cards"].items():
        assert rows
        for name, row in rows.items():
            assert row == CARDS[card][name], (card, name)


@pytest.mark.parametrize("card", CARDS)
def test_no_configuration_spills_or_asks_for_too_much(card):
    for name, row in CARDS[card].items():
        assert row["stack"] == 0, name
        assert row["shared"] <= row.get("promised", SHARED[card]), name
        assert row["shared"] <= SHARED[card], name


@pytest.mark.parametrize("card", CARDS)
def test_products_run_on_the_cards_own_unit(card):
    """wgmma and tcgen05 take 64 rows at the least; below that, and on Ampere, mma.sync."""
    attention = {n: row for n, row in CARDS[card].items() if n.startswith("attention")}
    assert len(attention) > 30
    for name, row in attention.items():
        if "fp32" in name:
            assert row["unit"] == "none", name
        else:
            assert row["unit"] == (UNIT[card] if row["is_wide"] else "mma.sync"), name


@pytest.mark.parametrize("card", CARDS)
def test_a_commit_reads_all_of_a_block_before_it_writes(card):
    """In the machine's own order: the barrier stands between."""
    steps = {row["steps"] for name, row in CARDS[card].items() if name.startswith("commit")}
    assert steps == {"load barrier store"}
