"""SmolLM2 on real prompts: what it writes is what transformers' ``generate`` writes."""

import pytest
import torch

from engine import DecodeConfig, decode, load
from engine.bundle import AVAILABLE
from engine.prompt import read_prompt

pytestmark = pytest.mark.model
PROMPTS = (
    "Explain in three sentences why the sky is blue.",
    "Write this sentence four times: The quick brown fox jumps over the lazy dog.",
    "def largest(values):\n    best = values[0]\n\nAdd a comment to this code.",
)
TOKENS = 40
CLOSE = 1e-3  # logits nearer than this may change places between two implementations


@pytest.fixture(scope="module")
def original():
    """The same weights as transformers runs them."""
    return load(packed=False)


@pytest.fixture(scope="module")
def expected(original):
    """Greedy answers of ``generate``, and the ids of their prompts."""
    found = {}
    for prompt in PROMPTS:
        ids = read_prompt(original, prompt, DecodeConfig())
        tokens = torch.tensor([ids])
        out = original.target.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=TOKENS,
            do_sample=False,
        )
        found[prompt] = ids, tuple(out[0, len(ids) :].tolist())
    return found


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("method", ["plain", "lookup", "suffix", "draft", "draft_tree"])
def test_greedy_text_is_that_of_generate_or_differs_at_a_tie(
    method, prompt, bundle, original, expected
):
    assert bundle.methods[method] == AVAILABLE
    ids, answer = expected[prompt]
    config = DecodeConfig(method, TOKENS, tree=6)
    run = decode(bundle, prompt, config)
    for _ in run:
        pass
    assert run.prompt == ids
    pairs = enumerate(zip(run.generated, answer, strict=False))
    first = next((place for place, (ours, theirs) in pairs if ours != theirs), None)
    if first is None:
        assert run.generated == answer
        return
    with torch.inference_mode():
        text = torch.tensor([[*ids, *answer[:first]]])
        best, second = original.target(text).logits[0, -1].topk(2).values.tolist()
    assert best - second < CLOSE


def test_the_page_can_say_which_weights_ran(bundle):
    header = decode(bundle, PROMPTS[0], DecodeConfig(max_new_tokens=1)).header
    assert header.target.name == "SmolLM2-135M-Instruct" and len(header.target.sha256) == 64
    assert header.path == "packed" and header.prompt_text[0] == "<|im_start|>"
