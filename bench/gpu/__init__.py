"""The kernels on a CUDA card: are they right, and how near to what the card can do."""
