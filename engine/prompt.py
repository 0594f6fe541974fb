"""From what a user asks to the token ids the target reads."""

from collections.abc import Sequence
from operator import index

from engine.bundle import Bundle
from engine.config import DecodeConfig
from kernels.reason import first_line

MAX_CHARACTERS = 1_000_000


def read_prompt(
    bundle: Bundle, prompt: str | Sequence[int], config: DecodeConfig
) -> tuple[int, ...]:
    """Token ids of ``prompt``, in the chat template where one is asked for.

    Raises:
        ValueError: in words for the user; nothing was decoded.
    """
    given = _from_text(bundle, prompt, config) if isinstance(prompt, str) else prompt
    ids = _checked(bundle, given)
    room = bundle.context_length - len(ids)
    if room < 1:
        raise ValueError(
            f"The prompt has {len(ids):,} tokens; this model reads at most "
            f"{bundle.context_length:,} and needs room for one more."
        )
    return ids


def _from_text(bundle: Bundle, text: str, config: DecodeConfig) -> Sequence[int]:
    if not text.strip():
        raise ValueError("The prompt is empty: write something to continue.")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"The prompt has {len(text):,} characters; at most {MAX_CHARACTERS:,}.")
    bad = next((i for i, c in enumerate(text) if "\ud800" <= c <= "\udfff"), None)
    if bad is not None:
        raise ValueError(
            f"The prompt holds half a character (a lone surrogate) at place {bad + 1}."
        )
    is_chat = bundle.is_chat if config.chat is None else config.chat
    if is_chat and not bundle.is_chat:
        raise ValueError("This model has no chat template: switch the chat template off.")
    return _in_template(bundle, text) if is_chat else bundle.tokenizer(text)["input_ids"]


def _in_template(bundle: Bundle, text: str) -> Sequence[int]:
    """The ids of a user's one message, and of what the template opens the answer with."""
    message = [{"role": "user", "content": text}]
    try:
        encoded = bundle.tokenizer.apply_chat_template(
            message, add_generation_prompt=True, tokenize=True, return_dict=True
        )
    except Exception as error:  # a template is the model's own program: it may raise anything
        raise ValueError(
            "This model's chat template does not take a lone message "
            f"({first_line(error).rstrip('.')}): switch the chat template off (chat=False)."
        ) from error
    return encoded["input_ids"]


def _checked(bundle: Bundle, ids: Sequence[int]) -> tuple[int, ...]:
    try:
        ids = tuple(map(index, ids if not isinstance(ids, bytes | bytearray) else [None]))
    except TypeError:
        raise ValueError("The prompt must be text, or token ids as whole numbers.") from None
    if not ids:
        raise ValueError("The prompt is empty: it needs at least one token.")
    if bad := [token for token in ids if not 0 <= token < bundle.vocab_size]:
        raise ValueError(f"Token {bad[0]} is not in the vocabulary of {bundle.vocab_size:,}.")
    return ids
