"""Every configuration the launchers may use: what the compiler is asked for ahead of time."""

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl

from kernels.add_norm import WIDEST, _add_norm_kernel
from kernels.candidates import BLOCK as CANDIDATES_BLOCK
from kernels.candidates import _candidates_kernel
from kernels.commit import ROWS, _commit_kernel
from kernels.draw import BLOCK as DRAW_BLOCK
from kernels.draw import _draw_kernel, _mass_kernel
from kernels.gated import BLOCK as GATED_BLOCK
from kernels.gated import _gated_kernel
from kernels.merge import ROWS as MERGE_ROWS
from kernels.merge import STEP, _merge_kernel
from kernels.point_thresholds import BLOCK as POINTS_BLOCK
from kernels.point_thresholds import _point_thresholds_kernel, _rest_kernel
from kernels.residual import BLOCK as RESIDUAL_BLOCK
from kernels.residual import _residual_kernel
from kernels.rotary_write import HEADS, _rotary_write_kernel
from kernels.thresholds import BLOCK as THRESHOLDS_BLOCK
from kernels.thresholds import _thresholds_kernel
from kernels.tiles import HEAD_SIZES, MAX_SPLITS, padded, table_of
from kernels.top_entries import _top_entries_kernel
from kernels.tree_attention import _tree_attention_kernel
from kernels.walk import _walk_kernel

NAMES = {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32"}
VOCAB, TOP, NODES = 151_936, 6, 256


class Configuration(NamedTuple):
    """One compilation: the kernel, its argument types by name, its constants and options."""

    name: str
    kernel: Any
    types: dict[str, str]  # of the arguments that are not plain numbers
    constants: dict[str, Any]
    options: dict[str, int]
    shared: int | None = None  # bytes that the tile's table promises
    takes_wgmma: bool = False


def attention(major: int) -> list[Configuration]:
    """Every tile for a card of that compute capability, and groups that are no power of two."""
    made = []
    for dtype, name in NAMES.items():
        for size in HEAD_SIZES:
            for tile in table_of(major)[dtype.itemsize, padded(size)]:
                is_main = dtype == torch.bfloat16 and size == 64
                for group in (1, 3, 4, 16) if is_main else (4,):
                    dot = {"fp16": tl.float16, "bf16": tl.bfloat16, "fp32": tl.float32}[name]
                    made.append(
                        Configuration(
                            f"attention {name} D{size} G{group} {tile.rows}x{tile.keys} "
                            f"warps{tile.warps} stages{tile.stages}",
                            _tree_attention_kernel,
                            dict.fromkeys(("query_ptr", "keys_ptr", "values_ptr"), f"*{name}")
                            | dict.fromkeys(("part_ptr", "lse_ptr", "share_ptr"), "*fp32")
                            | {"scale": "fp32", "length_ptr": "*i64", "count_ptr": "*i64"},
                            dict(
                                GROUP=group, HEAD_SIZE=size, BLOCK_M=tile.rows, BLOCK_N=tile.keys,
                                BLOCK_D=padded(size), DOT=dot, PRECISION="ieee",
                            ),
                            dict(num_warps=tile.warps, num_stages=tile.stages),
                            tile.shared,
                            tile.rows >= 64 and dtype.itemsize == 2,
                        )
                    )  # fmt: skip
    return made


def others() -> list[Configuration]:
    """All but the attention; they are the same on every card."""
    made = [
        Configuration(
            f"merge D{size} into {name}", _merge_kernel,
            dict(part_ptr="*fp32", lse_ptr="*fp32", share_ptr="*fp32", out_ptr=f"*{name}",
                 out_share_ptr="*fp32", count_ptr="*i64"),
            dict(HEAD_SIZE=size, BLOCK_R=MERGE_ROWS, BLOCK_S=MAX_SPLITS, BLOCK_D=padded(size),
                 STEP=STEP), {},
        )
        for size, name in [(64, "bf16"), (96, "bf16"), (128, "bf16"), (256, "bf16"), (128, "fp32")]
    ]  # fmt: skip
    for size, name in [(64, "i16"), (128, "i16"), (256, "i16"), (128, "i32")]:
        types = {"keys_ptr": f"*{name}", "values_ptr": f"*{name}", "start_ptr": "*i64"}
        constants = {"BLOCK_P": ROWS, "BLOCK_D": size}
        made.append(
            Configuration(
                f"commit D{size} {name}", _commit_kernel, types, constants, {"num_warps": 4}
            )
        )
    for is_greedy in (True, False):
        made.append(
            Configuration(
                f"walk {'greedy' if is_greedy else 'sampled'}", _walk_kernel,
                dict(tokens_ptr="*i64", parents_ptr="*i64", choice_ptr="*i64", masses_ptr="*fp32",
                     uniforms_ptr="*fp64", ends_ptr="*i64", extra_ptr="*i64", verdicts_ptr="*i8"),
                dict(IS_GREEDY=is_greedy, BLOCK_N=NODES), dict(num_warps=1),
            )
        )  # fmt: skip
    return (
        made
        + rotations()
        + rows()
        + thresholds()
        + [one for laws in (True, False) for one in judging(laws)]
    )


def rotations() -> list[Configuration]:
    """Every head size, and a model's that has norms of its heads."""
    return [
        Configuration(
            f"rotary write D{size} {name}{' norms' if has_norms else ''}", _rotary_write_kernel,
            dict.fromkeys(
                ("heads_ptr", "cos_ptr", "sin_ptr", "keys_ptr", "values_ptr", "norms_ptr",
                 "out_ptr"),
                f"*{name}",
            ) | {"rows_ptr": "*i64", "eps": "fp32"},
            dict(HAS_NORMS=has_norms, WIDE=tl.float32, BLOCK_H=HEADS, BLOCK_D=padded(size) // 2),
            dict(num_warps=4),
        )
        for size, name, has_norms in [
            (64, "bf16", False), (96, "bf16", False), (128, "bf16", False), (256, "bf16", False),
            (128, "bf16", True), (128, "fp16", False), (128, "fp32", True),
        ]
    ]  # fmt: skip


def rows() -> list[Configuration]:
    """What goes through a layer's rows: models of 8B are 4096 wide."""
    types = ("residual_ptr", "added_ptr", "weight_ptr", "total_ptr", "normed_ptr")
    norms = [
        Configuration(
            f"add norm H{size} {name}", _add_norm_kernel,
            dict.fromkeys(types, f"*{name}") | {"eps": "fp32"},
            dict(WIDE=tl.float32, BLOCK_H=size), dict(num_warps=8),
        )
        for size, name in [
            (1024, "bf16"), (4096, "bf16"), (WIDEST, "bf16"), (4096, "fp16"), (WIDEST, "fp32"),
        ]
    ]  # fmt: skip
    gates = [
        Configuration(
            f"gated {name}", _gated_kernel, dict(gate_up_ptr=f"*{name}", out_ptr=f"*{name}"),
            dict(WIDE=tl.float32, BLOCK_I=GATED_BLOCK), dict(num_warps=4),
        )
        for name in NAMES.values()
    ]  # fmt: skip
    return norms + gates


def thresholds() -> list[Configuration]:
    """What every node is tested against: with laws, and of point masses."""
    types = dict(
        tokens_ptr="*i64", parents_ptr="*i64", draft_ptr="*fp32", target_ptr="*fp32",
        masses_ptr="*fp32", rest_ptr="*fp64",
    )  # fmt: skip
    blocks = triton.next_power_of_2(triton.cdiv(VOCAB, POINTS_BLOCK))
    return [
        Configuration(
            "thresholds laws", _thresholds_kernel, types,
            dict(BLOCK_N=NODES, BLOCK_V=THRESHOLDS_BLOCK), dict(num_warps=16),
        ),
        Configuration(
            "rest points", _rest_kernel, types,
            dict(BLOCK_N=NODES, BLOCK_V=POINTS_BLOCK), dict(num_warps=8),
        ),
        Configuration(
            "thresholds points", _point_thresholds_kernel, types,
            dict(BLOCK_N=NODES, BLOCK_B=blocks), dict(num_warps=1),
        ),
    ]  # fmt: skip


def judging(has_laws: bool) -> list[Configuration]:
    """The kernels that read laws."""
    laws = dict(
        tokens_ptr="*i64", parents_ptr="*i64", draft_ptr="*fp32", target_ptr="*fp32",
        masses_ptr="*fp32", extra_ptr="*i64", uniforms_ptr="*fp64", out_ptr="*fp32",
        logits_ptr="*bf16", values_ptr="*fp32", labels_ptr="*i32", columns_ptr="*fp32",
        own_ptr="*fp32",
    )  # fmt: skip
    block_t = triton.next_power_of_2(TOP)
    blocks = triton.next_power_of_2(triton.cdiv(VOCAB, CANDIDATES_BLOCK))
    draws = triton.next_power_of_2(triton.cdiv(VOCAB, DRAW_BLOCK))
    kernels = [
        ("residual", _residual_kernel, dict(BLOCK_V=RESIDUAL_BLOCK), {}),
        ("mass", _mass_kernel, dict(BLOCK_V=DRAW_BLOCK), {}),
        ("draw", _draw_kernel, dict(BLOCK_V=DRAW_BLOCK, BLOCK_B=draws), {}),
        ("candidates", _candidates_kernel,
         dict(BLOCK_V=CANDIDATES_BLOCK, TOP=TOP, BLOCK_T=block_t), dict(num_warps=16)),
        ("top entries", _top_entries_kernel,
         dict(BLOCK_B=blocks, BLOCK_N=2 * NODES, TOP=TOP, BLOCK_T=block_t), dict(num_warps=8)),
    ]  # fmt: skip
    word = "laws" if has_laws else "points"
    return [
        Configuration(
            f"{name} {word}", kernel,
            laws | {"sums_ptr": "*fp64" if name in ("mass", "draw") else "*fp32"},
            {"HAS_LAWS": has_laws, **constants}, options,
        )
        for name, kernel, constants, options in kernels
    ]  # fmt: skip


def shipped(arch: int) -> list[Configuration]:
    """All for sm_``arch``."""
    return attention(arch // 10) + others()
