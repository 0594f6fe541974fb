"""Compile the kernels for cards that are not here, and keep the table of what comes out.

    python -m tests.kernels.compiling --write        all of it, minutes: writes registers.json
    python -m tests.kernels.compiling                a part of it, as JSON on standard output

The table holds a digest of the kernels it was made from, so that changing one means compiling
all of them; the tests compile a part, another after each change.  Runs without Triton's
interpreter, so in a process of its own.
"""

import ast
import hashlib
import inspect
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from tests.kernels.configurations import Configuration, shipped

TABLE = Path(__file__).with_name("registers.json")
ARCHS = (80, 90, 100)
PARTS = 16
CUOBJDUMP = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"


def source_of(configuration: Configuration) -> ASTSource:
    """The kernel with the types of a real launch: pointers and strides multiples of 16."""
    kernel, constants = configuration.kernel, configuration.constants
    names = list(kernel.arg_names)
    signature = {}
    for name in names:
        plain = "*i32" if name.endswith("_ptr") else "i32"
        kind = "constexpr" if name in constants else configuration.types.get(name, plain)
        signature[name] = kind
    aligned = [name.endswith("_ptr") or name.startswith("stride") for name in names]
    attributes = {(i,): [["tt.divisibility", 16]] for i, yes in enumerate(aligned) if yes}
    values = {(names.index(name),): value for name, value in constants.items()}
    return ASTSource(kernel, signature, values, attributes)


def measure(configuration: Configuration, arch: int) -> dict:
    """What one compilation needs: registers a thread, bytes of stack and of shared memory."""
    target = GPUTarget("cuda", arch, 32)
    compiled = triton.compile(source_of(configuration), target, dict(configuration.options))
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        told = subprocess.run(
            [CUOBJDUMP, "--dump-resource-usage", file.name],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    registers, stack = re.search(r"REG:(\d+) STACK:(\d+)", told.stdout).groups()
    ptx = compiled.asm["ptx"]
    unit = next((u for u in ("wgmma", "tcgen05.mma", "mma.sync") if u in ptx), "none")
    return {
        "registers": int(registers),
        "stack": int(stack),
        "shared": compiled.metadata.shared,
        "unit": unit,
        **({"promised": configuration.shared} if configuration.shared else {}),
        "is_wide": configuration.takes_wgmma,
        "steps": memory_steps(ptx) if configuration.name.startswith("commit") else "",
    }


def memory_steps(ptx: str) -> str:
    """The order of a kernel's loads, barriers and stores: ``load barrier store``."""
    words = {"ld.global": "load", "bar.sync": "barrier", "st.global": "store"}
    found = [words[step] for step in re.findall(r"ld\.global|bar\.sync|st\.global", ptx)]
    return " ".join(step for i, step in enumerate(found) if i == 0 or step != found[i - 1])


def digest(configurations: list[Configuration]) -> str:
    """Of all the kernels' code: comments and docstrings do not count, versions do."""
    files = {inspect.getsourcefile(c.kernel.fn) for c in configurations}
    folder = Path(min(files)).parent
    code = hashlib.sha256(triton.__version__.encode())
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and is_jitted(node):
                code.update(without_docstring(node).encode())
    for configuration in configurations:
        name, _, _, constants, options, *_ = configuration
        code.update(repr((name, sorted(map(str, constants.items())), options)).encode())
    return code.hexdigest()[:16]


def is_jitted(function: ast.FunctionDef) -> bool:
    """Whether it is a kernel or a part of one; ``triton.jit`` may have options."""
    return any(ast.unparse(name).startswith("triton.jit") for name in function.decorator_list)


def without_docstring(function: ast.FunctionDef) -> str:
    """Its syntax tree as text."""
    kept = function.body[1:] if ast.get_docstring(function) else function.body
    parts = (*function.decorator_list, function.args, *kept)
    return function.name + "".join(map(ast.dump, parts))


def table_of(configurations: dict[int, list[Configuration]]) -> dict:
    """The table's cards, for the configurations of each."""
    made = {}
    for arch, chosen in configurations.items():
        made[f"sm_{arch}"] = {}
        for configuration in chosen:
            print(arch, configuration.name, file=sys.stderr, flush=True)
            made[f"sm_{arch}"][configuration.name] = measure(configuration, arch)
    return made


def main(is_whole: bool) -> None:
    """Write the whole table, or print a part of it that the source itself picks."""
    every = {arch: shipped(arch) for arch in ARCHS}
    told = {
        "triton": triton.__version__,
        "source": digest([c for each in every.values() for c in each]),
        "names": {f"sm_{arch}": [c.name for c in each] for arch, each in every.items()},
    }
    if is_whole:
        told["cards"] = table_of(every)
        del told["names"]
        TABLE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        return
    part = int(told["source"], 16)
    picked = {a: [c for i, c in enumerate(every[a]) if (i + a + part) % PARTS == 0] for a in ARCHS}
    print(json.dumps(told | {"cards": table_of(picked)}))


if __name__ == "__main__":
    main(sys.argv[1:] == ["--write"])
