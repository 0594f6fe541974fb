"""The card of a draft model: what it is, how good, how it was made."""

from train.card_parts import HELD_OUT, MEASURED

BEGINNING = """---
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

"""

GUESSES = """
Its best guess for the next token is the target's at {agreement}.

"""

ENDING = """ (`python -m train.card`), which at
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

CARD = BEGINNING + MEASURED + GUESSES + HELD_OUT + ENDING
