"""What every test shares: Triton's interpreter, one thread, the real model once."""

import os

os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports triton
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: tiny models gain nothing from two
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before anything imports gradio

import pytest  # noqa: E402

from engine import Bundle, load  # noqa: E402


@pytest.fixture(scope="session")
def loaded() -> Bundle:
    """The default target with its drafters; ``make setup`` brings it."""
    return load()


@pytest.fixture
def bundle(loaded: Bundle) -> Bundle:
    """The same with an empty memory."""
    return loaded.for_visitor()
