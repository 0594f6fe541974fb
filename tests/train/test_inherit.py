import torch

from engine.heads.decoder_layer import DecoderLayer
from tests.train.tiny_text import SIZE, VOCAB, tiny_target
from train.eagle3 import Eagle3
from train.family import Aids
from train.inherit import layer_config_of, pass_on


def test_a_rows_attention_adds_the_step_of_its_own_inputs():
    """The step has the rank that keys and values of half the size can carry."""
    torch.manual_seed(0)
    layer = DecoderLayer(layer_config_of(tiny_target().config), 2)
    kept = layer.self_attn.v_proj.out_features
    step = torch.randn(SIZE, kept) @ torch.randn(kept, 2 * SIZE) / 10
    pass_on(layer, step, sharpness=1e4)
    rows = torch.randn(1, 5, 2 * SIZE)
    angles = (torch.ones(1, 5, 8), torch.zeros(1, 5, 8))  # no rotation
    with torch.no_grad():
        layer.mlp.down_proj.weight.zero_()
        added = layer(rows, torch.zeros(1, 5, SIZE), angles)
    assert torch.allclose(added, rows @ step.T, atol=1e-3)


def test_a_new_head_guesses_tokens_of_its_draft_vocabulary_that_are_looked_to_most():
    counts = torch.zeros(VOCAB)
    counts[[4, 9, 20]] = torch.tensor([3.0, 5.0, 4.0])
    head = Eagle3(vocab=3).new(Aids(tiny_target(), counts, torch.ones(3 * SIZE), []))
    assert head.draft_ids.tolist() == [4, 9, 20]
