"""How functions become machine code here: by numba, which brings its own compiler."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from circuitkit.extras import need

Compiled = Callable[..., None]

#: Plain IEEE arithmetic: no sum is reordered, and no product and sum share one rounding. So a number
#: does not depend on the width of the vectors or on its place in one. And without the GIL.
OPTIONS: Mapping[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}

#: processor -> how LLVM calls reading and writing its control word, its width and the bits to set
_CONTROL: dict[str, tuple[str, str, int, int]] = {
    "x86_64": ("llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr", 32, 0x8040),
    "aarch64": ("llvm.aarch64.get.fpcr", "llvm.aarch64.set.fpcr", 64, 1 << 24),
}
_SAME = {"AMD64": "x86_64", "arm64": "aarch64"}


def compiled(function: Callable[..., None], signature: Any, *, keep: bool = True) -> Compiled:
    """Machine code of ``function`` for arguments of these types.

    With ``keep`` it is read from disk where an earlier process left it, and left there.
    """
    numba = need("numba")
    if keep:
        try:
            kept: Compiled = numba.njit(signature, cache=True, **OPTIONS)(function)
            return kept
        except RuntimeError:  # there is no folder to leave it in
            pass
    made: Compiled = numba.njit(signature, **OPTIONS)(function)
    return made


@cache
def flush_subnormals() -> Compiled:
    """Make this thread take numbers below the smallest normal one, 1e-38 in float32, for zero.

    They slow a processor down a hundredfold and mean nothing here. On a processor that is not in
    :data:`_CONTROL` nothing happens.
    """
    machine = _SAME.get(platform.machine(), platform.machine())
    if machine not in _CONTROL:
        return lambda: None
    numba = need("numba")
    from llvmlite import ir
    from numba.extending import intrinsic

    getter, setter, width, bits = _CONTROL[machine]
    word = ir.IntType(width)

    def changing(typing_context: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def declared(name: str, kind: Any) -> Any:
                known = builder.module.globals.get(name)
                return known if known is not None else ir.Function(builder.module, kind, name)

            if machine == "x86_64":  # both take the address of the word
                place = builder.alloca(word)
                address = builder.bitcast(place, ir.IntType(8).as_pointer())
                kind = ir.FunctionType(ir.VoidType(), [address.type])
                builder.call(declared(getter, kind), [address])
                builder.store(builder.or_(builder.load(place), word(bits)), place)
                builder.call(declared(setter, kind), [address])
            else:
                now = builder.call(declared(getter, ir.FunctionType(word, [])), [])
                kind = ir.FunctionType(ir.VoidType(), [word])
                builder.call(declared(setter, kind), [builder.or_(now, word(bits))])
            return context.get_dummy_value()

        return numba.types.void(), code

    change: Any = intrinsic(changing)

    def flush() -> None:
        change()

    return compiled(flush, numba.types.void(), keep=False)
