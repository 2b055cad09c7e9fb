"""Arithmetic by recursive descent: numbers, + - * / // % **, brackets, functions, constants. Python evaluates nothing.

    sum = product {(+|-) product};  product = sign {(*|/|//|%) sign};  sign = {+|-} power
    power = atom [** sign];  atom = number | constant | function (sum {, sum}) | (sum)
"""

import math
import operator
import re
from collections.abc import Callable

MAX_LENGTH = 1000
MAX_DEPTH = 100
MAX_DIGITS = 1000
LARGEST = 10**MAX_DIGITS
Number = int | float
# With how many arguments they may be called, at least and at most.
FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    **{name: (getattr(math, name), 1, 1) for name in ("sqrt", "floor", "ceil", "sin", "cos", "tan", "log10", "exp")},
    "log": (math.log, 1, 2),
    "abs": (abs, 1, 1),
    "round": (round, 1, 2),
    "min": (lambda *given: min(given), 1, MAX_LENGTH),
    "max": (lambda *given: max(given), 1, MAX_LENGTH),
}
CONSTANTS = {"pi": math.pi, "e": math.e}
SUMS = {"+": operator.add, "-": operator.sub}
PRODUCTS = {"*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod}
TOKEN = re.compile(r"[ \t]*(?:([0-9]+\.?[0-9]*|\.[0-9]+)|([A-Za-z_][A-Za-z_0-9]*)|(\*\*|//|[-+*/%(),]))[ \t]*")


def evaluate(expression: str) -> Number:
    """The value. Raises ``ValueError`` or ``ArithmeticError``, whose message says what is wrong."""
    if len(expression) > MAX_LENGTH:
        raise ValueError(f"the expression is longer than {MAX_LENGTH:,} characters")
    parser = _Parser(list(_tokens(expression)))
    try:
        value = parser.sum()
        if parser.next is not None:
            raise ValueError(f"unexpected {parser.next!r}")
        return value
    except OverflowError:
        raise OverflowError("the result is too large") from None


def _tokens(expression: str):
    at = 0
    while at < len(expression.rstrip(" \t")):
        found = TOKEN.match(expression, at)
        if not found or found[2] and found[2] not in FUNCTIONS and found[2] not in CONSTANTS:
            raise ValueError("Invalid characters in expression")
        yield found[1] or found[2] or found[3]
        at = found.end()


def _checked(value: Number) -> Number:
    if isinstance(value, complex):
        raise ValueError("the result is no real number")
    if isinstance(value, int):
        if abs(value) >= LARGEST:
            raise ValueError(f"a number has more than {MAX_DIGITS:,} digits")
    elif not math.isfinite(value):
        raise OverflowError
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        # Known before it is computed: 2 ** 3322 has 1,001 digits.
        if abs(base) > 1 and exponent * (abs(base).bit_length() - 1) > LARGEST.bit_length():
            raise ValueError(f"a number has more than {MAX_DIGITS:,} digits")
    return base**exponent


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        token = self.next
        if token is None:
            raise ValueError("the expression ends too early")
        self._at += 1
        return token

    def _expect(self, wanted: str) -> None:
        token = self._take()
        if token != wanted:
            raise ValueError(f"expected {wanted!r}, not {token!r}")

    def sum(self) -> Number:
        value = self._product()
        while self.next in SUMS:
            value = _checked(SUMS[self._take()](value, self._product()))
        return value

    def _product(self) -> Number:
        value = self._sign()
        while self.next in PRODUCTS:
            value = _checked(PRODUCTS[self._take()](value, self._sign()))
        return value

    def _sign(self) -> Number:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"the expression is nested deeper than {MAX_DEPTH} levels")
        negative = False
        while self.next in ("+", "-"):
            negative ^= self._take() == "-"
        value = self._atom()
        if self.next == "**":
            self._take()
            value = _checked(_power(value, self._sign()))
        self._depth -= 1
        return -value if negative else value

    def _atom(self) -> Number:
        token = self._take()
        if token == "(":
            value = self.sum()
            self._expect(")")
            return value
        if token in CONSTANTS:
            return CONSTANTS[token]
        if token in FUNCTIONS:
            return self._call(token)
        if token[0] not in "0123456789.":
            raise ValueError(f"unexpected {token!r}")
        return _checked(float(token) if "." in token else int(token))

    def _call(self, name: str) -> Number:
        function, least, most = FUNCTIONS[name]
        self._expect("(")
        given = [self.sum()]
        while self.next == ",":
            self._take()
            given.append(self.sum())
        self._expect(")")
        if not least <= len(given) <= most:
            raise ValueError(f"{name} takes {least} to {most} arguments, not {len(given)}")
        if name == "round" and len(given) == 2 and not (isinstance(given[1], int) and abs(given[1]) <= MAX_DIGITS):
            raise ValueError(f"round takes a whole number of at most {MAX_DIGITS:,} digits")
        return _checked(function(*given))
