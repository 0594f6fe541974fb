"""The interpreter's tests need Triton; where it has no wheel, one test remains: that of imports."""

from kernels.language import HAS_TRITON

collect_ignore_glob = [] if HAS_TRITON else ["test_[!w]*.py"]
