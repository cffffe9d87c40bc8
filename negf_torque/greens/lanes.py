"""Complex numbers eight at a time, for compiled loops over many small systems.

A *lane* is one member of a batch (one k-point, one energy).  ``WIDTH`` lanes travel
together through the same arithmetic as one SIMD value, a pair of vectors (real parts,
imaginary parts).  In memory such a value is an *element* of a float64 workspace:
``2 WIDTH`` consecutive numbers, first the real, then the imaginary parts.  All functions
here are for use inside compiled code only; each becomes a handful of instructions, and
what happens in a lane does not depend on its neighbours.

Numba has no vector type, so that a loop over lanes would be left to the compiler's
vectoriser, which gives up on possible overlap of arrays.  Here the vectors are explicit.
"""

from typing import Any

import llvmlite.ir as ir
from numba import types
from numba.extending import intrinsic, models, register_model

__all__ = [
    "WIDTH",
    "add",
    "add_product",
    "broadcast",
    "conjugate",
    "larger",
    "load",
    "maximum",
    "multiply",
    "reciprocal",
    "store",
    "subtract",
    "subtract_product",
]

#: Number of lanes.
WIDTH = 8
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_PAIR = ir.LiteralStructType([_VECTOR, _VECTOR])


class LanesType(types.Type):
    """Numba type of one element: WIDTH complex numbers."""

    def __init__(self):
        super().__init__(name=f"ComplexLanes{WIDTH}")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _PAIR)


def _split(builder, pair):
    return builder.extract_value(pair, 0), builder.extract_value(pair, 1)


def _join(builder, real, imag):
    pair = builder.insert_value(ir.Constant(_PAIR, ir.Undefined), real, 0)
    return builder.insert_value(pair, imag, 1)


def _call(builder, name, *parts):
    """An LLVM intrinsic of vectors."""
    name = f"llvm.{name}.v{WIDTH}f64"
    function = builder.module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(parts))
        function = ir.Function(builder.module, kind, name)
    return builder.call(function, parts)


def _fused(builder, a, b, c):
    """a b + c in one rounding where the machine can."""
    return _call(builder, "fmuladd", a, b, c)


def _address(context, builder, array_type, array, element):
    data = context.make_array(array_type)(context, builder, array).data
    start = builder.mul(element, ir.Constant(element.type, 2 * WIDTH))
    real = builder.gep(data, [start])
    imag = builder.gep(data, [builder.add(start, ir.Constant(element.type, WIDTH))])
    kind = _VECTOR.as_pointer()
    return builder.bitcast(real, kind), builder.bitcast(imag, kind)


@intrinsic
def load(typingctx, workspace, element):
    """The element of a workspace."""

    def codegen(context, builder, signature, args):
        real, imag = _address(context, builder, signature.args[0], *args)
        return _join(builder, builder.load(real, align=8), builder.load(imag, align=8))

    return lanes(workspace, types.intp), codegen


@intrinsic
def store(typingctx, workspace, element, value):
    """Write an element of a workspace."""

    def codegen(context, builder, signature, args):
        real, imag = _address(context, builder, signature.args[0], *args[:2])
        for part, pointer in zip(_split(builder, args[2]), (real, imag), strict=True):
            builder.store(part, pointer, align=8)
        return context.get_dummy_value()

    return types.void(workspace, types.intp, lanes), codegen


@intrinsic
def broadcast(typingctx, value):
    """One complex number in every lane."""

    def codegen(context, builder, signature, args):
        number = context.make_complex(builder, signature.args[0], args[0])
        parts = []
        for part in (number.real, number.imag):
            first = builder.insert_element(
                ir.Constant(_VECTOR, ir.Undefined), part, ir.Constant(ir.IntType(32), 0)
            )
            mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
            parts.append(builder.shuffle_vector(first, first, mask))
        return _join(builder, *parts)

    return lanes(types.complex128), codegen


def _elementwise(operation):
    """An intrinsic of two or three elements from a function (builder, parts...) -> parts."""

    def decorate(documented):
        count = documented.__code__.co_argcount - 1

        def codegen(context, builder, signature, args):
            parts = [part for arg in args for part in _split(builder, arg)]
            return _join(builder, *operation(builder, *parts))

        def typed_one(typingctx, a):
            return lanes(lanes), codegen

        def typed_two(typingctx, a, b):
            return lanes(lanes, lanes), codegen

        def typed_three(typingctx, a, b, c):
            return lanes(lanes, lanes, lanes), codegen

        typed: Any = {1: typed_one, 2: typed_two, 3: typed_three}[count]
        typed.__name__ = documented.__name__
        typed.__qualname__ = documented.__qualname__
        typed.__doc__ = documented.__doc__
        typed.__module__ = documented.__module__
        return intrinsic(typed)

    return decorate


@_elementwise(lambda builder, ar, ai, br, bi: (builder.fadd(ar, br), builder.fadd(ai, bi)))
def add(typingctx, a, b):
    """a + b."""


@_elementwise(lambda builder, ar, ai, br, bi: (builder.fsub(ar, br), builder.fsub(ai, bi)))
def subtract(typingctx, a, b):
    """a - b."""


@_elementwise(lambda builder, ar, ai: (ar, builder.fneg(ai)))
def conjugate(typingctx, a):
    """The complex conjugate of a."""


def _product(builder, ar, ai, br, bi):
    real = _fused(builder, ar, br, builder.fneg(builder.fmul(ai, bi)))
    return real, _fused(builder, ar, bi, builder.fmul(ai, br))


@_elementwise(_product)
def multiply(typingctx, a, b):
    """a b."""


def _sum_product(builder, cr, ci, ar, ai, br, bi):
    real = _fused(builder, ar, br, cr)
    imag = _fused(builder, ar, bi, ci)
    return _fused(builder, builder.fneg(ai), bi, real), _fused(builder, ai, br, imag)


@_elementwise(_sum_product)
def add_product(typingctx, c, a, b):
    """c + a b."""


def _minus_product(builder, cr, ci, ar, ai, br, bi):
    minus = builder.fneg(ar)
    real = _fused(builder, minus, br, cr)
    imag = _fused(builder, minus, bi, ci)
    return _fused(builder, ai, bi, real), _fused(builder, builder.fneg(ai), br, imag)


@_elementwise(_minus_product)
def subtract_product(typingctx, c, a, b):
    """c - a b."""


def _inverse(builder, ar, ai):
    norm = _fused(builder, ar, ar, builder.fmul(ai, ai))
    return builder.fdiv(ar, norm), builder.fneg(builder.fdiv(ai, norm))


@_elementwise(_inverse)
def reciprocal(typingctx, a):
    """1 / a (not finite where a is zero)."""


def _size(builder, ar, ai):
    return builder.fadd(_call(builder, "fabs", ar), _call(builder, "fabs", ai))


def _larger(builder, cr, ci, ar, ai):
    size = _size(builder, ar, ai)
    return builder.select(builder.fcmp_ordered(">", size, cr), size, cr), ci


@_elementwise(_larger)
def larger(typingctx, c, a):
    """The larger of Re c and |Re a| + |Im a|, as real part; not-a-number is passed over."""


def _maximum(builder, cr, ci, ar, ai):
    return _call(builder, "maximum", cr, _size(builder, ar, ai)), ci


@_elementwise(_maximum)
def maximum(typingctx, c, a):
    """The larger of Re c and |Re a| + |Im a|, as real part; not-a-number wins."""
