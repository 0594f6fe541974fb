"""GPU kernels, each beside the eager reference that specifies it; none is written yet.

Kept light: transformers probes a distribution of this name and finds this folder instead.
"""
