"""Drafters' steps on the device: the host learns the tokens with the round's report."""
