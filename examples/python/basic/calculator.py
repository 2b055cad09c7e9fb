"""Arithmetic: Python's own parser reads it, and nothing is computed but what is known to do no harm."""

import ast
import itertools
import math
import operator
import re

MAX_LENGTH, MAX_DEPTH, MAX_DIGITS = 1000, 100, 1000
TOKEN = re.compile(r"[ \t]+|[0-9]+\.?[0-9]*|\.[0-9]+|[A-Za-z_]\w*|[-+*/%(),]", re.ASCII)


def power(base: float, exponent: float) -> float:
    # Known before it is computed: 2 ** 3322 is the first with so many digits.
    if isinstance(base, int) and isinstance(exponent, int) and exponent * (abs(base).bit_length() - 1) > 4 * MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS:,} digits")
    return base**exponent


FUNCTIONS = {name: getattr(math, name) for name in "sqrt floor ceil sin cos tan log log10 exp".split()}
FUNCTIONS |= {"abs": abs, "min": lambda *given: min(given), "max": lambda *given: max(given)}
# More places than there are digits change nothing, but take for ever.
FUNCTIONS["round"] = lambda value, *places: round(value, *(max(-MAX_DIGITS, min(one, MAX_DIGITS)) for one in places))
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.UAdd: operator.pos, ast.USub: operator.neg}
OPERATORS |= {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv}
OPERATORS |= {ast.Mod: operator.mod, ast.Pow: power}


def evaluate(expression: str) -> float:
    """The value. Raises ``ValueError``, whose message says what is wrong."""
    if len(expression) > MAX_LENGTH:
        raise ValueError(f"the expression is longer than {MAX_LENGTH:,} characters")
    words = set(re.findall(r"[A-Za-z_]\w*", expression))
    # A letter behind a digit would be 1e5, 0x1 or 2j.
    if TOKEN.sub("", expression) or words - {*FUNCTIONS, *CONSTANTS} or re.search(r"[0-9.][A-Za-z_]", expression):
        raise ValueError("Invalid characters in expression")
    if max(itertools.accumulate((one == "(") - (one == ")") for one in expression), default=0) > MAX_DEPTH:
        raise ValueError("the expression is nested too deeply")
    try:
        return compute(ast.parse(expression.strip(), mode="eval").body)
    except (RecursionError, MemoryError):
        raise ValueError("the expression is nested too deeply") from None
    except OverflowError:
        raise ValueError("the result is too large") from None
    except (SyntaxError, ArithmeticError, TypeError) as error:
        raise ValueError(getattr(error, "msg", None) or str(error)) from None


def compute(node: ast.AST) -> float:
    match node:
        case ast.Constant(value=value):
            pass
        case ast.Name(id=name) if name in CONSTANTS:
            value = CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = OPERATORS[type(op)](compute(operand))
        case ast.BinOp(left=left, op=op, right=right):
            value = OPERATORS[type(op)](compute(left), compute(right))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS:
            value = FUNCTIONS[name](*map(compute, given))
        case _:
            raise ValueError(f"{ast.unparse(node)} is no number")
    if isinstance(value, complex):
        raise ValueError("the result is no real number")
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS:,} digits")
    if not isinstance(value, int) and not math.isfinite(value):
        raise OverflowError
    return value
