"""Python objects to JSON and back, compared with the standard library."""

import collections
import enum
import json
import math
import random
import string

import pytest
from tenon_mcp._native import from_json, to_json

SAMPLES = [
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64,
    -(10**308),
    0.0,
    -0.0,
    1.5,
    1e300,
    5e-324,
    1.7976931348623157e308,
    0.1,
    "",
    "plain",
    "é😀\u2028",
    'quote " backslash \\ newline \n tab \t nul \0 del \x7f',
    [],
    {},
    [[[]]],
    {"a": {"b": [1, {"c": None}]}},
    {"": "", "é": 1, 'a"b': 2},
]


@pytest.mark.parametrize("value", SAMPLES, ids=repr)
def test_values_go_out_and_come_back(value):
    text = to_json(value)
    assert json.loads(text) == value
    assert repr(from_json(text)) == repr(value)
    assert repr(from_json(json.dumps(value, indent=1).encode())) == repr(value)


def random_value(rng, depth=0):
    kind = rng.randrange(9 if depth < 5 else 7)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in (1, 2):
        return rng.randrange(-(10 ** rng.randrange(1, 40)), 10 ** rng.randrange(1, 40))
    if kind == 3:
        return rng.uniform(-1, 1) * 10 ** rng.randrange(-300, 300)
    if kind < 7:
        alphabet = string.printable + "\x01\x1f\x80é\uffff😀"
        return "".join(rng.choices(alphabet, k=rng.randrange(20)))
    items = [random_value(rng, depth + 1) for _ in range(rng.randrange(6))]
    return items if kind == 7 else {f"{i}é\n"[rng.randrange(3) :]: item for i, item in enumerate(items)}


def test_random_values():
    rng = random.Random(7)
    for _ in range(2000):
        value = random_value(rng)
        assert repr(json.loads(to_json(value))) == repr(value)
        for ascii in (True, False):
            assert repr(from_json(json.dumps(value, ensure_ascii=ascii).encode())) == repr(value)


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Half(float):
    def __repr__(self):
        return "half"


class Shouting(dict):
    def items(self):
        return [(key.upper(), value) for key, value in super().items()]


Point = collections.namedtuple("Point", "x y")


def test_subclasses_are_what_they_derive_from():
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    value = [Colour.RED, Level.HIGH, Half(0.5), Point(1, (2,)), ordered, Shouting(a=1), collections.Counter("aa")]
    assert to_json(value) == b'["red",3,0.5,[1,[2]],{"b":2,"a":1},{"A":1},{"a":2}]'
    assert to_json({Colour.RED: 1}) == b'{"red":1}'


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def cycle():
    value = {}
    value["self"] = [value]
    return value


class Odd(dict):
    def items(self):
        raise OSError("no items")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "object is not JSON"),
        ({1}, "set"),
        (b"x", "bytes"),
        (1j, "complex"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        ("\ud800", "lone surrogates"),
        ({"\ud800": 1}, "lone surrogates"),
        ({1: 2}, "a key of type int"),
        ({None: 2}, "a key of type NoneType"),
        ({"a": [1, object()]}, 'object (at ["a"][1])'),
        (nested(129), "deeper than 128"),
        (cycle(), "deeper than 128"),
        (Odd(), "no items"),
        (10**310, "an int of 311 digits"),
        (10**5000, "int"),
    ],
    ids=range(17),
)
def test_what_json_cannot_hold(value, why):
    with pytest.raises(ValueError) as caught:
        to_json(value)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_deepest_value_is_written():
    assert to_json(nested(128)) == b"[" * 128 + b"]" * 128


@pytest.mark.parametrize("text", ["", "{", "[1,]", '{"a":1,"a":2}', "nan", "01", '"\n"', "[" * 200 + "]" * 200])
def test_text_that_is_not_json(text):
    with pytest.raises(ValueError):
        from_json(text.encode())
