"""The loop of a card: everything at addresses that stay, one step and one read a round.

What is decided here is what ``engine.run`` decides, token by token; only the place differs.
"""
