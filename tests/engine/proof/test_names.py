"""The package hands its public names on whatever was imported before them."""

from importlib import import_module
from types import ModuleType

from engine import proof


def test_no_public_name_is_shadowed_by_the_module_it_lives_in():
    for home in proof._HOMES.values():
        import_module(f"engine.proof.{home}")
    for name in proof.__all__:
        assert not isinstance(getattr(proof, name), ModuleType), name
