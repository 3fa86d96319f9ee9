"""Numbers as people write them in a scheme: `0.02/sqrt(2*12)`."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

from verinit.vocabulary import UsageError

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def value_of(node: ast.expr) -> float | str | bool:
    """The number, word or truth value that an expression stands for; `sqrt` is the only function.

    Raises `UsageError` for anything else.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name(id="true" | "false" as word):
            return word == "true"
        case ast.Name(id=word):
            return word
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _computed(node, _BINARY[type(op)], left, right)
        case ast.Call(func=ast.Name(id="sqrt"), args=[argument], keywords=[]):
            return _computed(node, math.sqrt, argument)
    raise UsageError(f"{ast.unparse(node)!r} is not a number, a word, or arithmetic with + - * / ** and sqrt")


def _computed(node: ast.expr, operation: Callable[..., float], *operands: ast.expr) -> float:
    try:
        return math.fsum([operation(*map(_number, operands))])
    except (ArithmeticError, ValueError, TypeError) as error:
        raise UsageError(f"{ast.unparse(node)!r} is not a finite real number ({error})") from None


def _number(node: ast.expr) -> float:
    value = value_of(node)
    if isinstance(value, str):
        raise UsageError(f"{value!r} is a word where a number is needed")
    return float(value)
