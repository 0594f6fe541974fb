"""Cards by table, none of them here: what runs on each, and the reason where it is the slower."""

import pytest
import torch

import kernels.trials
from kernels.attention_shape import AttentionShape
from kernels.choice import choose
from kernels.device import Card, attention_path, refuse, runs_triton
from kernels.tiles import HEAD_SIZES, num_splits, tile_for
from kernels.trials import flex_fault

DEVICE = torch.device("cuda:0")
CARDS = {  # name, compute capability, bytes of shared memory a block may use, processors
    "V100": Card("Tesla V100", 7, 0, 98_304, 80),
    "T4": Card("Tesla T4", 7, 5, 65_536, 40),
    "A100": Card("A100", 8, 0, 166_912, 108),
    "RTX 3090": Card("RTX 3090", 8, 6, 101_376, 82),
    "L4": Card("L4", 8, 9, 101_376, 58),
    "H200": Card("H200", 9, 0, 232_448, 132),
    "B200": Card("B200", 10, 0, 232_448, 148),
    "RTX 5090": Card("RTX 5090", 12, 0, 101_376, 170),
    "a small one": Card("Small", 8, 7, 20_000, 8),
}
YOUNG = [name for name, card in CARDS.items() if card.major >= 8 and card.shared > 90_000]
BF16 = torch.bfloat16
SHAPE = AttentionShape(DEVICE, BF16, 128, 4, 64)
GIB = 1 << 30


@pytest.fixture
def fit(monkeypatch):
    """Put a card of the table into the machine, with so many bytes free; no kernel runs."""
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "auto")
    monkeypatch.setattr("kernels.device.IS_INTERPRETED", False)
    monkeypatch.setattr("kernels.device._refused", {})
    monkeypatch.setattr("kernels.choice.fault", lambda *_: None)
    monkeypatch.setattr("kernels.choice.flex_fault", lambda *_: None)

    def put(name, free=GIB):
        monkeypatch.setattr("kernels.device.card_of", lambda _: CARDS[name])
        monkeypatch.setattr("kernels.choice.free_bytes", lambda _: free)

    return put


@pytest.mark.parametrize("name", YOUNG)
@pytest.mark.parametrize("size", HEAD_SIZES)
def test_every_card_since_ampere_runs_the_kernel(name, size, fit):
    fit(name)
    for dtype in (torch.float16, BF16):
        assert choose(AttentionShape(DEVICE, dtype, size, 4, 64)) == ("triton", "it can run here")
    assert runs_triton(DEVICE)


@pytest.mark.parametrize("name", YOUNG)
@pytest.mark.parametrize("dtype", [torch.float16, BF16, torch.float32])
def test_tiles_fit_the_card_for_any_number_of_rows(name, dtype):
    card = CARDS[name]
    for size in HEAD_SIZES:
        for rows in (1, 16, 17, 64, 65, 128, 129, 4096):
            tile = tile_for(dtype, size, rows, card.major, card.shared)
            if tile is not None:  # fp32 heads of 256 find none on a desktop's card
                assert tile.shared <= card.shared
                programs = -(-rows // tile.rows) * 8
                assert 1 <= num_splits(programs, 1024, card.processors) <= 4


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("V100", "Tesla V100 has compute capability 7.0, below 8.0"),
        ("T4", "Tesla T4 has compute capability 7.5, below 8.0"),
        ("a small one", "20000 bytes of shared memory on Small"),
    ],
)
def test_a_card_too_old_or_too_small_takes_flex_attention(name, word, fit):
    fit(name)
    path, reason = choose(SHAPE)
    assert path == "flex" and word in reason


def test_a_card_too_full_for_the_parts_takes_flex_attention(fit):
    needed = 32 * 64 * 32 * 128 * 4  # parts, nodes, heads, their size, fp32
    fit("H200", needed)
    assert choose(SHAPE._replace(kv_heads=8)).path == "triton"
    fit("H200", needed - 1)
    path, reason = choose(SHAPE._replace(kv_heads=8))
    assert path == "flex" and "31 MiB are free on cuda:0" in reason and "need 32" in reason
    assert not runs_triton(DEVICE)  # none of the other kernels either


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ((BF16, 80, 4, 64), "heads of 64, 96, 128, 256, not of 80"),
        ((BF16, 128, 17, 64), "1 to 16 query heads may share a key head, not 17"),
        ((BF16, 128, 4, 257), "1 to 256 nodes, not 257"),
    ],
)
def test_a_shape_beyond_the_kernel_takes_flex_attention(shape, word, fit):
    fit("H200")
    path, reason = choose(AttentionShape(DEVICE, *shape))
    assert path == "flex" and word in reason


def test_a_type_that_neither_knows_takes_torchs_own(fit):
    fit("H200")
    path, reason = choose(SHAPE._replace(dtype=torch.float64))
    assert path == "reference"
    assert "the kernel computes in float16" in reason and "flex_attention does not" in reason


def test_without_triton_neither_is_compiled(fit, monkeypatch):
    fit("H200")
    monkeypatch.setattr("kernels.device.HAS_TRITON", False)
    path, reason = choose(SHAPE)
    assert path == "reference" and reason.startswith("triton is not installed")
    assert not runs_triton(DEVICE)


def test_another_makers_card_takes_flex_attention(fit, monkeypatch):
    fit("H200")
    monkeypatch.setattr(torch.version, "hip", "6.4")
    path, reason = choose(SHAPE)
    assert path == "flex" and "AMD" in reason


def test_a_kernel_that_does_not_compile_makes_way_for_flex_attention(fit, monkeypatch):
    fit("A100")
    tried = []
    monkeypatch.setattr("kernels.choice.fault", lambda *_: tried.append(_) or "ptxas gave up")
    for _ in range(2):
        assert choose(SHAPE) == ("flex", "ptxas gave up")
    assert len(tried) == 1  # what failed is not tried again


def test_where_neither_compiles_both_reasons_are_told(fit, monkeypatch):
    fit("A100")
    monkeypatch.setattr("kernels.choice.fault", lambda *_: "ptxas gave up")
    monkeypatch.setattr("kernels.choice.flex_fault", lambda *_: "no compiler was found")
    path, reason = choose(SHAPE)
    assert (path, reason) == ("reference", "ptxas gave up; no compiler was found")


@pytest.mark.parametrize("asked", ["triton", "flex", "reference"])
def test_what_is_asked_for_runs_where_it_can(asked, fit, monkeypatch):
    fit("H200")
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", asked)
    assert choose(SHAPE) == (asked, "asked for")
    assert runs_triton(DEVICE) == (asked == "triton")


@pytest.mark.parametrize("kind", ["cpu", "mps"])
def test_a_device_that_is_no_cuda_card_takes_torchs_own(kind, fit):
    fit("H200")
    path, reason = attention_path(SHAPE._replace(device=torch.device(kind)))
    assert (path, reason) == ("reference", f"Triton needs a CUDA card, not {kind}")


def test_flex_attention_that_fails_or_is_wrong_is_told(monkeypatch):
    """The trial itself, uncompiled."""
    monkeypatch.setattr(
        "torch.nn.attention.flex_attention._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True
    )
    shape = AttentionShape(torch.device("cpu"), torch.float32, 64, 3, 9)
    assert flex_fault.__wrapped__(shape) is None
    right = kernels.trials.tree_attention_flex

    def wrong(*arguments):
        out, share = right(*arguments)
        out[3, 1] += 0.01
        return out, share

    def failing(*_):
        raise RuntimeError("no C compiler")

    monkeypatch.setattr(kernels.trials, "tree_attention_flex", wrong)
    assert flex_fault.__wrapped__(shape) == "flex_attention gave a wrong result"
    monkeypatch.setattr(kernels.trials, "tree_attention_flex", failing)
    assert flex_fault.__wrapped__(shape) == "flex_attention failed: no C compiler"


def test_refusals_are_of_one_path(fit):
    fit("H200")
    refuse(DEVICE, "flex", "it was slow")
    assert choose(SHAPE).path == "triton"
    assert choose(SHAPE._replace(head_size=80)).reason.endswith("not of 80; it was slow")
