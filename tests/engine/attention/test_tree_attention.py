"""The whole loop through the kernels' operators: verify, accept, commit; token by token plain."""

import pytest
import torch

from engine.attention.tree_attention import TreeSlots, use_tree_attention
from engine.cache import SlotCache
from engine.tree import ancestors, depths
from kernels.accept import accept_greedy
from kernels.commit import commit
from tests.engine.small_llamas import llama

PROMPT = [5, 9, 3, 17, 4]
PARENTS = (-1, 0, 0, 1, 1, 3, 2)
HEADS = {"head_dim": 64}  # one that the kernel has


def plain(model, count):
    """The model's own text, one token after the other, its whole text read each time."""
    text = list(PROMPT)
    for _ in range(count):
        text.append(int(model(torch.tensor([text]), use_cache=False).logits[0, -1].argmax()))
    return text


def drafted(text, right, rng):
    """A tree whose nodes often say what comes next, and often not."""
    depth = depths(PARENTS)
    tokens = [text[-1]]
    for node in range(1, len(PARENTS)):
        place = len(text) - 1 + depth[node]
        is_right = torch.rand((), generator=rng) < 0.6 and place < len(right)
        tokens.append(right[place] if is_right else int(torch.randint(40, (1,), generator=rng)))
    return tokens


def speculated(model, right, count):
    """The text by rounds over trees, the lengths of its paths, and the shares on the tree."""
    rng = torch.Generator().manual_seed(0)
    cache = SlotCache("target", model.config.num_hidden_layers, 128)
    text, paths = list(PROMPT), []
    model(torch.tensor([text[:-1]]), past_key_values=cache, use_cache=True)
    cache.truncate(len(text) - 1)
    seen = torch.from_numpy(ancestors(PARENTS))
    parents, depth = torch.tensor(PARENTS), torch.tensor([depths(PARENTS)])
    while len(text) < len(PROMPT) + count:
        tokens = torch.tensor(drafted(text, right, rng))
        start = len(text) - 1
        tree = TreeSlots.of(seen, start)
        logits = model(
            tokens[None],
            position_ids=depth + start,
            past_key_values=cache,
            use_cache=True,
            tree=tree,
        ).logits[0]
        walk = accept_greedy(tokens, parents, logits.argmax(-1), torch.tensor([], dtype=torch.long))
        commit(cache.keys[:, 0], cache.values[:, 0], walk.path, walk.count, tree.length)
        cache.truncate(start + int(walk.count))
        kept = walk.path[: int(walk.count)].tolist()
        text += [int(tokens[node]) for node in kept[1:]] + [int(walk.extra)]
        paths.append(len(kept))
    return text[: len(PROMPT) + count], paths


@pytest.mark.parametrize("path", ["reference", "triton"])
@pytest.mark.parametrize(("heads", "groups"), [(3, 1), (4, 2)])
@torch.inference_mode()
def test_the_loop_through_the_kernels_is_plain_decoding(heads, groups, path, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", path)
    model = llama(heads, groups, **HEADS)
    right = plain(model, 40)
    use_tree_attention(model)
    text, paths = speculated(model, right, 30 if path == "reference" else 12)
    assert text == right[: len(text)]
    assert 1 < sum(paths) / len(paths) < 4 and len(set(paths)) > 1  # kept some and cut some


@torch.inference_mode()
def test_a_wrong_mask_shows(monkeypatch):
    """The loop's own control: nodes that see their siblings give another text."""
    model = llama(3, 1, **HEADS)
    right = plain(model, 40)
    use_tree_attention(model)
    everything = lambda seen, length: TreeSlots(  # noqa: E731
        torch.tensor([length]), torch.tensor([len(seen)]),
        torch.full((len(seen), 1), (1 << len(seen)) - 1, dtype=torch.int32),
    )  # fmt: skip
    monkeypatch.setattr(TreeSlots, "of", everything)
    assert speculated(model, right, 30)[0] != right[:35]
