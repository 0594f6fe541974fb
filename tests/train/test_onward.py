"""Trainings that begin with shipped heads."""

from copy import deepcopy

import pytest
import torch

from engine.heads.eagle3 import Eagle3Head
from engine.heads.medusa import MedusaHeads
from tests.train.test_heads import settings
from tests.train.tiny_text import SIZE, tiny_part, tiny_target
from train.eagle3 import Eagle3
from train.family import swap_scaled
from train.heads import FAMILIES, begin, read_shipped, train
from train.inherit import layer_config_of
from train.medusa import Medusa
from train.onward import average, read_history, spare_longer, steps_of, take_weights, write_history
from train.state_feed import open_parts
from train.training import Training


def trained_once(kind, tmp_path, monkeypatch):
    """The family, the settings of a short training that is over, and what it read."""
    if kind == "eagle3":
        monkeypatch.setitem(FAMILIES, kind, Eagle3(vocab=12))
    target = tiny_target()
    tiny_part(target, tmp_path / "part")
    target.save_pretrained(tmp_path / "target")
    first = settings(tmp_path, tmp_path / "first", kind=kind)
    train(first)
    return FAMILIES[kind], first, open_parts(first.labels)


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_training_goes_on_with_the_very_weights_that_were_shipped(kind, tmp_path, monkeypatch):
    family, first, parts = trained_once(kind, tmp_path, monkeypatch)
    trained, _ = begin(family, parts, first)
    family.save(family.limited(trained.model, torch.arange(4, 16)), tmp_path / "shipped")
    write_history(trained, tmp_path / "shipped")

    onward = settings(tmp_path, tmp_path / "second", kind=kind, shipped=tmp_path / "shipped")
    second, _ = begin(family, parts, onward)
    assert second.step == 0 and second.steps_before == 6
    assert second.tokens == trained.tokens > 0
    swap_scaled(second.model)
    told = read_shipped(kind, tmp_path / "shipped", first.target).state_dict()
    weights = dict(second.model.named_parameters())
    assert weights
    for name, weight in weights.items():
        assert torch.allclose(weight, told[name], atol=1e-5), name


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_mean_of_two_heads_lies_half_way_between_all_of_their_weights(
    kind, tmp_path, monkeypatch
):
    family, one, parts = trained_once(kind, tmp_path, monkeypatch)
    head, other = (begin(family, parts, one)[0].model for _ in range(2))
    swap_scaled(other)  # as it is shipped
    for weight in other.parameters():
        weight.data += torch.randn_like(weight)
    before = {name: weight.clone() for name, weight in plain_weights(head).items()}
    average(head, other)
    moved = plain_weights(head)
    for name, weight in other.named_parameters():
        assert torch.allclose(moved[name], (before[name] + weight) / 2, atol=1e-4), name


def plain_weights(head):
    """As they are shipped."""
    copy = deepcopy(head)
    swap_scaled(copy)
    return dict(copy.named_parameters())


def test_shipped_heads_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"no weight 0\.0\.linear\.weight"):
        take_weights(MedusaHeads(SIZE, 2), MedusaHeads(SIZE + 2, 2))


def test_counts_and_curve_go_on_where_the_shipped_ones_ended(tmp_path):
    done = Training(torch.nn.Linear(2, 2), [], torch.Generator())
    done.step, done.steps_before, done.tokens, done.seconds = 5, 7, 900, 60.4
    done.curve = [(400, 0.25, 1.5), (900, 0.5, 1.75)]
    write_history(done, tmp_path)
    more = Training(torch.nn.Linear(2, 2), [], torch.Generator())
    read_history(more, tmp_path)
    assert (more.step, more.steps_before, more.tokens, more.seconds) == (0, 12, 900, 60)
    assert more.curve == done.curve


def test_a_folder_without_a_history_counts_from_nothing(tmp_path):
    more = Training(torch.nn.Linear(2, 2), [], torch.Generator())
    read_history(more, tmp_path)
    assert (more.steps_before, more.tokens, more.curve) == (0, 0, [])


@pytest.mark.parametrize(("before", "step", "is_spared"), [(4, 5, True), (4, 6, False), (9, 2, 0)])
def test_weights_that_learnt_for_longer_are_overwritten_by_force_alone(
    before, step, is_spared, tmp_path
):
    done = Training(torch.nn.Linear(2, 2), [], torch.Generator(), step=10)
    write_history(done, tmp_path)
    assert steps_of(tmp_path) == 10
    more = Training(torch.nn.Linear(2, 2), [], torch.Generator(), step, before)
    spare_longer(more, tmp_path, is_forced=True)
    spare_longer(more, tmp_path / "new", is_forced=False)
    if is_spared:
        with pytest.raises(SystemExit, match=r"for 10 steps .* counts 9: only --force"):
            spare_longer(more, tmp_path, is_forced=False)
    else:
        spare_longer(more, tmp_path, is_forced=False)


def test_shipped_medusa_heads_grow_layers_that_hand_on_what_they_read():
    shipped, states = MedusaHeads(SIZE, 2, draft_vocab=5), torch.randn(3, SIZE)
    with torch.no_grad():
        for weight in shipped.parameters():
            weight.normal_()
    more = Medusa(num_layers=3).grown(shipped)
    assert (shipped.num_layers, more.num_layers) == (1, 3) and more.token_map is None
    assert torch.equal(more(states), shipped(states))
    assert Medusa(num_layers=1).grown(more).num_layers == 3


def test_shipped_eagle3_heads_get_keys_of_their_own_and_say_what_they_said():
    config = layer_config_of(tiny_target().config)
    shipped = Eagle3Head(config, frozenset({"d2t", "t2d"}), 12)
    with torch.no_grad():
        for weight in shipped.parameters():
            weight.normal_()
    shipped.choose(torch.arange(6, 18))
    more = Eagle3().grown(shipped)
    assert shipped.layer.self_attn.k_proj.out_features < more.layer.self_attn.k_proj.out_features
    assert more.config.num_key_value_heads == config.num_attention_heads == 2
    assert more.draft_ids.tolist() == list(range(6, 18))
    features, words = torch.randn(2, 7, SIZE), torch.randn(2, 10, SIZE)
    steps = zip(more.unroll(features, words, 3), shipped.unroll(features, words, 3), strict=True)
    for found, told in steps:
        torch.testing.assert_close(found, told, rtol=1e-4, atol=1e-4)
