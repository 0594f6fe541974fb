"""What is decoded: MT-bench's first turns, prompts whose answer copies from them, everyday ones.

MT-bench's questions are not part of this project: who has their file names it.
"""

import json
from pathlib import Path

MT_BENCH = Path(__file__).parents[2] / "shared" / "prompts" / "mt_bench.jsonl"

_TIDES = (
    "The tides rise and fall because the Moon pulls on the oceans. The side of the Earth that "
    "faces the Moon feels a stronger pull than its centre, and the far side a weaker one, so "
    "that the water bulges on both sides. As the Earth turns, every coast passes through both "
    "bulges, which is why most places see two high tides and two low tides a day. When the Sun "
    "lines up with the Moon, the bulges add up and the spring tides come in."
)
_CODE = (
    "def average(values):\n    total = 0\n    for value in values:\n        total = total + value\n"
    "    return total / len(values)\n\ndef largest(values):\n    best = values[0]\n"
    "    for value in values:\n        if value > best:\n            best = value\n"
    "    return best\n"
)

COPY_HEAVY = (
    f"Repeat this text word for word:\n\n{_TIDES}",
    f"Summarize this text in two sentences, using its own words:\n\n{_TIDES}",
    f"Quote the two sentences of this text that explain why there are two high tides:\n\n{_TIDES}",
    f"Rename the function average to mean and print the whole code again:\n\n{_CODE}",
    "Write this sentence ten times: The quick brown fox jumps over the lazy dog.",
    f"Add a comment above each function and print the whole code again:\n\n{_CODE}",
)

EVERYDAY = (
    "Explain in three sentences why the sky is blue.",
    "Write a short story about a lighthouse keeper who finds an old map.",
    "How do I cook a vegetable soup for four people?",
    "Write a Python function that tells whether a number is prime, and explain it.",
)


def mt_bench(count: int, path: Path = MT_BENCH) -> list[str]:
    """``count`` first turns, spread evenly over the file's categories.

    Raises:
        FileNotFoundError: names the file that is missing.
        ValueError: no question is asked for.
    """
    if count < 1:
        raise ValueError(f"At least one question of MT-bench is needed, not {count}")
    if not path.exists():
        raise FileNotFoundError(f"MT-bench's questions are not at {path}: name them with --prompts")
    turns = [json.loads(line)["turns"][0] for line in path.read_text().splitlines()]
    count = min(count, len(turns))
    return [turns[i * len(turns) // count] for i in range(count)]
