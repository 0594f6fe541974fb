"""Requests of many kinds for the target to answer, put together from forms and words.

The corpus asks for explanations, sums, stories, functions and errands.  A drafter that is to
keep up with other requests must have heard the target answer some.  ``requests.json`` holds
the forms, each with its weight, and the words that fill them.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

NUMBERS = {"few": (2, 9), "small": (3, 12), "large": (40, 120)}


def requests(seed: int) -> Iterator[str]:
    """Requests without end, none of them twice."""
    rng = random.Random(seed)
    told = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    weights, forms = zip(*told["forms"], strict=True)
    said: set[str] = set()
    while True:
        filled = {name: rng.choice(words) for name, words in told["words"].items()}
        filled["name"], filled["other"] = rng.sample(told["words"]["name"], 2)
        numbers = {name: rng.randint(*span) for name, span in NUMBERS.items()}
        text = rng.choices(forms, weights)[0].format(**filled, **numbers)
        if text not in said:
            said.add(text)
            yield text
