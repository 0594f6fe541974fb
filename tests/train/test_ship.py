import argparse

import numpy as np
import pytest
import torch
from transformers import LlamaConfig

from engine.heads.hydra import HydraHeads
from engine.heads.medusa import MedusaHeads
from tests.train.test_heads import settings
from tests.train.tiny_text import SIZE, VOCAB, tiny_part, tiny_target
from train.corpus import Row
from train.head_card import ABOUT, head_card, summary
from train.heads import FAMILIES, read_shipped, train
from train.hydra import Hydra
from train.labels import LabelStore
from train.lighter import common_ids, narrow
from train.medusa import Medusa
from train.onward import MEAN
from train.ship import ship

HIDDEN = LlamaConfig(hidden_size=SIZE, vocab_size=VOCAB, num_hidden_layers=1, num_attention_heads=2)


def shipped(kind, family, head, folder):
    """Written, narrowed and read again as a reader would."""
    HIDDEN.save_pretrained(folder / "target")
    family.save(family.limited(head, torch.arange(3, 12)), folder / kind)
    narrow(folder / kind)
    return read_shipped(kind, folder / kind, str(folder / "target"))


def test_eight_bits_a_weight_stay_within_their_rounding(tmp_path):
    head = MedusaHeads(SIZE, 2)
    with torch.no_grad():
        head[1][0].linear.weight.normal_(std=0.1)
    again = shipped("medusa", Medusa(), head, tmp_path)
    told, found = head[1][0].linear.weight, again[1][0].linear.weight
    assert found.dtype == torch.float32 and not torch.equal(told, found)
    assert ((told - found).norm() / told.norm()).item() < 0.05
    assert torch.equal(again.token_map, torch.arange(3, 12))


def test_a_limited_head_guesses_as_before_among_fewer_tokens(tmp_path):
    head, rows = HydraHeads(SIZE, 2), torch.randn(3, 2 * SIZE)
    again = shipped("hydra", Hydra(), head, tmp_path)
    assert torch.allclose(again.guess(0, rows), head.guess(0, rows), atol=0.3)
    assert FAMILIES["hydra"].draft_ids(again).tolist() == list(range(3, 12))


def test_common_tokens_are_those_looked_to_and_then_those_learnt_first(tmp_path):
    labels = LabelStore.create(tmp_path, [Row([20, 20, 20], 0, True)], 8, {})
    labels.write(0, np.full((3, 8), 21), np.full((3, 8), -1.0))
    assert common_ids([labels], VOCAB, 4, prior=1.0).tolist() == [0, 1, 20, 21]


def test_every_kind_has_a_card_with_its_figures():
    facts = dict(hard=0.2, rate=1e-3, seed=0, tokens=3072, parameters=4.2, curve_rows=9, level=0.5)
    facts |= dict(rows="10", unique=99, decay=0.8, optimiser="AdamW", step=7)
    facts |= dict(machine="one CPU core", bits="fp32", ending=MEAN)
    facts |= dict(trained=198, hours=0.1, vocab=9, new_tokens=128, held=40)
    facts |= dict(
        agreement={"MT-bench": [0.5, 0.25]}, curve=[(100 * at, 0.4, 1.5) for at in range(1, 61)]
    )
    facts |= dict(figures=[("MT-bench", "chain of 4", 1.5, 300, 200)])
    for kind in FAMILIES:
        card = head_card(kind, facts)
        assert card.count("**Weights**: the mean of those before and after") == 1
        assert ABOUT[kind]["title"] in card and "| MT-bench | 0.500 | 0.250 |" in card
        assert card.count("| 0.400 | 1.50 |") == 24  # of a long curve
        assert "| MT-bench | chain of 4 | 1.50 | 300 / 200 |" in card and "| 100 | 0.400" in card


def test_a_run_without_a_checkpoint_is_not_shipped(tmp_path):
    told = argparse.Namespace(kind="medusa", run=tmp_path / "run", out=tmp_path / "out")
    with pytest.raises(SystemExit, match="no checkpoint yet"):
        ship(told)
    assert not told.out.exists()


def test_figures_are_told_as_the_card_tells_them():
    figures = [("held-out answers", "chain of 4", 1.0136, 2240, 2210)]
    told = dict(figures=figures, agreement={"MT-bench": [0.5, 0.25049]})
    assert list(summary(told)) == [
        "held-out answers, chain of 4: 1.01 (2,240 / 2,210)",
        "MT-bench, best guess right at d = 1, 2: 0.500, 0.250",
    ]


def test_heads_that_learnt_for_longer_are_not_shipped_over(tmp_path):
    """With ``--force`` shipping comes as far as the questions, which are not there."""
    target, out = tiny_target(), tmp_path / "out"
    tiny_part(target, tmp_path / "part")
    target.save_pretrained(tmp_path / "target")
    train(settings(tmp_path, tmp_path / "run", kind="medusa", steps=2))
    out.mkdir()
    (out / "training.json").write_text('{"steps": 3}')
    told = dict(kind="medusa", run=tmp_path / "run", out=out, labels=[tmp_path / "part"])
    told |= dict(target=str(tmp_path / "target"), prompts=tmp_path / "none.jsonl", held=2)
    told |= dict(new_tokens=4, bench=tmp_path / "bench", vocab=9, mean=None)
    with pytest.raises(SystemExit, match=r"for 3 steps .* counts 2: only --force"):
        ship(argparse.Namespace(**told, force=False))
    with pytest.raises(SystemExit, match=r"none\.jsonl.*not part of this project, --prompts"):
        ship(argparse.Namespace(**told, force=True))
    assert [path.name for path in out.iterdir()] == ["training.json"]
