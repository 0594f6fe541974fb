"""The notebooks in ``examples/`` run as they stand, and are kept without their outputs."""

import ast
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path) -> list[dict]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(code: str, names: dict) -> object:
    """As a notebook does: the value of a last expression is what the cell shows."""
    *body, last = ast.parse(code).body
    if not isinstance(last, ast.Expr):
        body.append(last)
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_shows_figures(path, monkeypatch, tmp_path):
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names: dict = {}
    shown = [run("".join(cell["source"]), names) for cell in cells(path)]
    players = [each for each in shown if hasattr(each, "html")]
    figures = [each for each in shown if type(each).__name__ == "Figure"]
    assert "<iframe" in players[0]._repr_html_()
    assert figures and all(figure.data for figure in figures)
    assert [file.suffix for file in tmp_path.iterdir()] == [".html"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_and_holds_no_output(path):
    assert path.stat().st_size < 20_000
    assert all(cell["outputs"] == [] for cell in cells(path))
