"""Imports point one way: kernels <- engine <- viz <- ui <- app."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ["kernels", "engine", "viz", "ui", "app"]  # low to high
FORBIDDEN = {
    "kernels": {"transformers", "plotly", "gradio", "train", "bench", "tests"},
    "engine": {"plotly", "gradio", "train", "bench", "tests"},
    "viz": {"torch", "transformers", "gradio", "train", "bench", "tests"},
    "ui": {"torch", "transformers", "train", "bench", "tests"},
}
WITHOUT_TORCH = [
    "engine",
    "engine.trace",
    "engine.tree",
    "engine.stats",
    "engine.config",
    "viz.stage",
]
RUNTIME = {"gradio", "torch", "transformers", "plotly", "triton", "numpy", "gguf"}


def imported_by(file: Path) -> set[str]:
    """Top-level names ``file`` imports, at any depth of the syntax tree."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def files_of(layer: str) -> list[Path]:
    return list((ROOT / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_a_layer_imports_only_downwards(layer):
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    assert files_of(layer)
    for file in files_of(layer):
        assert not imported_by(file) & (above | FORBIDDEN[layer]), file


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_no_import_hides_inside_a_function(layer):
    for file in files_of(layer):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                assert not inner, f"{file}: {node.name}"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_records_and_figures_import_without_torch(module):
    """A machine without torch, transformers and gradio: their import is made to fail."""
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'gradio'): sys.modules[name] = None\n"
        f"import {module}\n"
        "from engine import Trace, DecodeConfig, Round\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_engine_imports_without_gradio_and_plotly():
    """And without what gradio alone brings: ``httpx`` is not the Hub client's library any more."""
    code = (
        "import sys\n"
        "for name in ('gradio', 'plotly', 'httpx'): sys.modules[name] = None\n"
        "from engine import Bundle, decode, load\n"
        "assert callable(decode)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_our_kernels_folder_does_not_break_transformers():
    code = "from transformers import AutoModelForCausalLM, LlamaForCausalLM\nimport kernels"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_runtime_has_seven_dependencies():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split("==")[0] for line in lines if line]
    assert set(names) == RUNTIME and len(names) == len(RUNTIME)
    assert all("==" in line for line in lines if line)
