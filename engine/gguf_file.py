"""The default target as its wheel carries it: one GGUF file, turned into a plain Llama folder.

Reads Llama models with a byte-level tokenizer of the SmolLM kind and no other; transformers'
own GGUF reader needs accelerate and leaves out this tokenizer's splitting of digits.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_CONTROL = 3  # the token type of <|im_start|> and its like
_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def convert(source: Path, folder: Path) -> None:
    """Write config, bf16 safetensors and tokenizer of the file ``source`` into ``folder``.

    Raises:
        ValueError: the file holds no Llama model with a SmolLM tokenizer.
    """
    reader = GGUFReader(source)
    fact = _Facts(reader)
    if fact["general.architecture"] != "llama" or fact["tokenizer.ggml.pre"] != "smollm":
        raise ValueError(f"{source.name} is no Llama model with a SmolLM tokenizer")
    config = _config(fact)
    model = LlamaForCausalLM(config)
    missing, unknown = model.load_state_dict(dict(_tensors(reader, config)), strict=False)
    if unknown or set(missing) - {"lm_head.weight"}:  # the tied head has no tensor of its own
        raise ValueError(f"{source.name} lacks {missing} and brings {unknown}")
    model.to(torch.bfloat16).save_pretrained(folder)
    _tokenizer(fact).save_pretrained(folder)


class _Facts:
    """The file's metadata by key."""

    def __init__(self, reader: GGUFReader) -> None:
        self._fields = reader.fields

    def __getitem__(self, key: str) -> Any:
        return self._fields[key].contents()


def _config(fact: _Facts) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=fact["llama.vocab_size"],
        hidden_size=fact["llama.embedding_length"],
        intermediate_size=fact["llama.feed_forward_length"],
        num_hidden_layers=fact["llama.block_count"],
        num_attention_heads=fact["llama.attention.head_count"],
        num_key_value_heads=fact["llama.attention.head_count_kv"],
        max_position_embeddings=fact["llama.context_length"],
        rms_norm_eps=float(f"{fact['llama.attention.layer_norm_rms_epsilon']:.6g}"),
        rope_parameters={"rope_type": "default", "rope_theta": fact["llama.rope.freq_base"]},
        tie_word_embeddings=True,
        bos_token_id=fact["tokenizer.ggml.bos_token_id"],
        eos_token_id=fact["tokenizer.ggml.eos_token_id"],
        pad_token_id=fact["tokenizer.ggml.padding_token_id"],
    )


def _tensors(reader: GGUFReader, config: LlamaConfig) -> Iterator[tuple[str, torch.Tensor]]:
    """(transformers' name, fp32 tensor) of every tensor in the file."""
    for tensor in tqdm(reader.tensors, desc="converting", unit="tensor", disable=None):
        weight = dequantize(tensor.data, tensor.tensor_type)
        *block, kind, _ = tensor.name.split(".")  # blk.7.attn_q.weight
        if kind == "attn_q":
            weight = _half_split(weight, config.num_attention_heads)
        elif kind == "attn_k":
            weight = _half_split(weight, config.num_key_value_heads)
        layer = f"model.layers.{block[1]}." if block else ""
        yield f"{layer}{_NAMES[kind]}.weight", torch.tensor(weight)


def _half_split(weight: np.ndarray, heads: int) -> np.ndarray:
    """Undo GGUF's interleaving of rotary pairs.

    GGUF keeps rows (0, 1), (2, 3), ... of a head as the pairs that rotate together;
    transformers pairs row i with row i + D/2.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _tokenizer(fact: _Facts) -> PreTrainedTokenizerFast:
    """Byte-level BPE whose digits stand alone, and the chat template."""
    tokens = fact["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fact["tokenizer.ggml.merges"]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    kinds = zip(tokens, fact["tokenizer.ggml.token_type"], strict=True)
    control = [token for token, kind in kinds if kind == _CONTROL]
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in control])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=tokens[fact["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[fact["tokenizer.ggml.eos_token_id"]],
        unk_token=tokens[fact["tokenizer.ggml.unknown_token_id"]],
        pad_token=tokens[fact["tokenizer.ggml.padding_token_id"]],
        chat_template=fact["tokenizer.chat_template"],
        model_max_length=fact["llama.context_length"],
        clean_up_tokenization_spaces=False,
    )


if __name__ == "__main__":  # a process of its own: half a gigabyte that is given back
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
