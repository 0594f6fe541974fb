"""GPU kernels, each beside the eager reference that specifies it, each a torch operator.

Kept light: transformers probes a distribution of this name and finds this folder instead.
Import from the files: ``kernels.tree_attention``, ``kernels.commit``, ``kernels.device``.
"""
