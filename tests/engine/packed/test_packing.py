"""What is packed, what is left alone, and what a packed linear answers."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from engine.heads.res_block import ResBlock, pack_blocks
from engine.packed import PackedNorm, half_or_full, pack, pack_parts
from engine.packed.attention import PackedAttention
from engine.packed.half_or_full import half_pays
from engine.packed.linear import PackedLinear
from tests.engine.small_llamas import llama


def test_an_unknown_model_is_left_alone():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=40, n_embd=24, n_layer=2, n_head=2)).eval()
    before = [type(module) for module in model.modules()]
    assert pack(model) == 0
    assert [type(module) for module in model.modules()] == before
    assert model.lm_head.weight.requires_grad


def test_an_unknown_module_inside_a_known_model_is_left_alone():
    class OwnAttention(torch.nn.Module):
        def forward(self, hidden_states, **_):
            return torch.zeros_like(hidden_states), None

    model, tokens = llama(), torch.arange(5)[None]
    model.model.layers[1].self_attn = own = OwnAttention()
    packed_all = pack(llama())
    with torch.inference_mode():
        before = model(tokens).logits
        assert pack(model) == packed_all - 1
        assert model.model.layers[1].self_attn is own
        torch.testing.assert_close(model(tokens).logits, before, atol=1e-5, rtol=1e-5)


def test_other_number_types_are_left_alone():
    assert pack(llama().bfloat16()) == 0
    assert pack(llama().double()) == 0


def test_a_model_that_is_not_packed_does_not_try_this_cpu_first(monkeypatch):
    """What a card's model would wait for in vain."""
    monkeypatch.setattr("engine.packed.model.half_pays", lambda: pytest.fail("it was tried"))
    for model in (llama().bfloat16(), llama().to("meta")):
        assert pack(model) == pack_parts(model) == 0


def test_packing_counts_what_it_swaps_and_packs_once():
    model = llama()
    assert pack(model) == 3 * 4 + 2  # attention, MLP, two norms a layer; last norm, head
    assert pack(model) == 0
    kinds = [type(module) for module in model.modules()]
    assert kinds.count(PackedAttention) == 3
    assert kinds.count(PackedNorm) == 7
    assert torch.nn.Linear not in kinds


def test_the_tied_embedding_outlives_the_packed_head():
    model = llama(tie_word_embeddings=True)
    embedding = model.get_input_embeddings().weight.clone()
    assert pack(model)
    assert model.get_input_embeddings().weight.equal(embedding)
    hidden = torch.randn(1, 3, 24)
    torch.testing.assert_close(model.lm_head(hidden), hidden @ embedding.t(), atol=1e-5, rtol=1e-5)


def test_weights_are_halved_only_where_nothing_is_lost():
    def is_halved(weight: torch.Tensor, **options) -> bool:
        linear = torch.nn.Linear(8, 8, bias=False)
        linear.weight.data = weight
        return PackedLinear(linear, **options).is_half

    torch.manual_seed(0)
    full = torch.randn(8, 8)
    half = torch.backends.quantized.engine in ("x86", "fbgemm")
    assert not is_halved(full)
    assert is_halved(full.bfloat16().float()) is half
    assert is_halved(full.half().float()) is half
    assert not is_halved(full.bfloat16().float(), halve=False)
    assert not is_halved(full.bfloat16().float() * 2.0**20)  # beyond fp16
    assert not is_halved(full.bfloat16().float() * 2.0**-30)


@pytest.fixture
def machine(monkeypatch):
    """Lets a test say what the two products take on this CPU."""
    half_pays.cache_clear()

    def say(half, full):
        took = {True: half, False: full}
        monkeypatch.setattr(half_or_full, "seconds_of", lambda *, halve: took[halve])

    yield say
    half_pays.cache_clear()


@pytest.mark.parametrize(
    ("half", "full", "is_half"), [(1, 2, True), (1, 0.95, True), (2, 1, False)]
)
def test_weights_are_halved_where_this_cpu_is_no_slower_for_it(half, full, is_half, machine):
    machine(half, full)
    model = llama().bfloat16().float()
    heads = torch.nn.Sequential(ResBlock(8, 8), ResBlock(16, 8)).bfloat16().float()
    assert pack(model) and pack_blocks(heads) == 2
    parts = [*model.modules(), *heads.modules()]
    stored = {m.is_half for m in parts if isinstance(m, PackedLinear)}
    has_half = torch.backends.quantized.engine in ("x86", "fbgemm")
    assert stored == {is_half and has_half}


def test_the_cpu_itself_is_asked_for_both_products():
    assert all(half_or_full.seconds_of(halve=halve) > 0 for halve in (True, False))


@pytest.mark.parametrize("rows", [1, 2, 15, 64])
@pytest.mark.parametrize("biases", [(False, False), (True, True), (False, True)])
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_a_packed_linear_stacks_its_parts(rows, biases, stored):
    torch.manual_seed(rows)
    parts = [
        torch.nn.Linear(12, size, bias=bias) for size, bias in zip((5, 9), biases, strict=True)
    ]
    for part in parts:
        part.weight.data = part.weight.data.to(stored).float()
    packed, hidden = PackedLinear(*parts), torch.randn(1, rows, 12)
    with torch.inference_mode():
        apart = torch.cat([part(hidden) for part in parts], dim=-1)
        torch.testing.assert_close(packed(hidden), apart, atol=1e-6, rtol=1e-5)
