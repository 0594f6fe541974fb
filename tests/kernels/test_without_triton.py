"""A machine without Triton: everything imports, and torch's own operations run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(file.stem for file in (ROOT / "kernels").glob("[!_]*.py"))
CODE = f"""
import sys
sys.modules["triton"] = None
{chr(10).join(f"import kernels.{name}" for name in MODULES)}
import torch
from kernels.accept import accept_greedy
from kernels.attention_shape import AttentionShape
from kernels.device import attention_path
path, reason = attention_path(AttentionShape(torch.device("cpu"), torch.float32, 64, 3, 16))
assert path == "reference" and "not installed" in reason, reason
tokens, parents = torch.tensor([5, 7, 8]), torch.tensor([-1, 0, 1])
walk = accept_greedy(tokens, parents, torch.tensor([7, 9, 1]), torch.tensor([2]))
assert walk.path.tolist() == [0, 1, -1] and int(walk.extra) == 9
"""


def test_all_of_it_imports_and_runs():
    assert "tree_attention" in MODULES
    subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True)
