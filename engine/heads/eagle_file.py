"""Published files of EAGLE-1 and EAGLE-2 heads, and those that vLLM and speculators write.

The authors' layout has the names of ``EagleHead`` itself.  Servers put ``model.`` before them
or rename them; some add norms of ones that are never applied, because their own layer has them.
"""

from pathlib import Path
from typing import Any

from engine.heads.checkpoint import HeadError, HeadFile, open_heads, write_heads
from engine.heads.eagle import OPTIONAL, EagleHead
from engine.heads.head_config import check_attention, flag, flat, layer_config, told_by
from engine.heads.layout import check_ids, drop_ones, filled, names_in

STEMS = ("model", "pytorch_model")
_RENAMES = (
    (r"(model\.)+", ""),
    (r"fusion_fc\.", "fc."),
    (r"transformer\.", "layers.0."),
    (r"enorm\.", "embedding_layernorm."),
    (r"hnorm\.", "hidden_states_layernorm."),
)
_DUMMIES = ("layers.0.input_layernorm.weight", "norm.weight")


def load_eagle(home: str | Path) -> EagleHead:
    """The head in a folder, file or Hub repository; arguments and errors as ``open_heads``."""
    return read_eagle(open_heads(home, STEMS))


def read_eagle(file: HeadFile) -> EagleHead:
    """The head of an open file.

    Raises:
        HeadError: says which key of the file or entry of its config is wrong.
    """
    names, config = names_in(file, _RENAMES), layer_config(file.config)
    check_attention(file.config)
    names = drop_ones(file, names, _DUMMIES)
    shape = file.shapes.get(names.get("lm_head.weight", names.get("token_map", "")))
    rows = shape[0] if shape else None
    ids = file.shapes.get(names.get("token_map", ""))
    if ids is not None and ids[:1] != (rows,):
        raise HeadError(f"lm_head.weight has {rows} rows, and token_map is {list(ids)}")
    if ids is None and rows not in (None, config.vocab_size):
        raise HeadError(f"lm_head.weight has {rows} rows, and no token_map to name them")
    told = {"fc.bias"} if flag(flat(file.config), "bias") else set()
    keys = frozenset(OPTIONAL & names.keys() | told)
    head = filled(lambda: EagleHead(config, keys, rows), file, names)
    if head.token_map is not None:
        check_ids(head.token_map, config.vocab_size, "token_map")
    return head


def save_eagle(head: EagleHead, folder: Path, **told: Any) -> None:
    """Write the authors' layout; ``told`` are further entries for ``config.json``."""
    entries = {
        "architectures": ["LlamaForCausalLMEagle"],
        "model_type": "llama",
        "bias": "fc.bias" in head.keys,
    }
    write_heads(folder, head.state_dict(), entries | told_by(head.config) | told)
