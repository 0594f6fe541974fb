"""Proofs that a method's text is the target's own: token by token, or in distribution."""
