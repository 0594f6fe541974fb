"""Trained heads: the modules, and the published layouts of their weights."""
