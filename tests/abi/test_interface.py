"""What interface.py finds where tenon.h differs from the tables."""

import re
from pathlib import Path

import interface
import pytest

HEADER = (Path(__file__).resolve().parents[2] / "include" / "tenon.h").read_text()
STATUS = "tenon_status tenon_error_status(const tenon_error *error)"


def differences(header):
    return list(interface.differences(interface.interface(header), interface.tables()))


def test_the_tables_are_those_of_the_header():
    assert differences(HEADER) == []


@pytest.mark.parametrize(("change", "into", "said"), [
    (STATUS, STATUS.replace("const ", ""), "function tenon_error_status was tenon_status (const tenon_error"),
    (STATUS, STATUS.replace("error)", "error, size_t len)"), "function tenon_error_status was"),
    (STATUS, STATUS.replace("tenon_status ", "int64_t ", 1), "function tenon_error_status was"),
    (STATUS, STATUS.replace("_status(", "_state("), "function tenon_error_status is gone"),
    ("typedef int32_t tenon_mode", "typedef int64_t tenon_mode", "type typedef int32_t tenon_mode is gone"),
    ("(*tenon_cancel_fn)(void", "(*tenon_cancel_fn)(const void", "type typedef void (*tenon_cancel_fn)"),
    ("typedef struct tenon_call", "typedef struct { int a; }", "type typedef struct tenon_call tenon_call is gone"),
    ("#define TENON_ENDED 2", "#define TENON_ENDED 3", "number TENON_ENDED was 2, and is 3"),
    ("#define TENON_NUL SIZE_MAX", "#define TENON_NUL 0", "number TENON_NUL was SIZE_MAX"),
])  # fmt: skip
def test_a_change_is_told(change, into, said):
    assert len(re.findall(rf"{re.escape(change)}(?!\w)", HEADER)) == 1
    assert differences(HEADER.replace(change, into))[0].startswith(said)


@pytest.mark.parametrize("new", [
    "tenon_status tenon_new(void);", "typedef struct { int a; } tenon_new;", "enum tenon_new { ONE };",
    "#define TENON_OTHER_1 5\n",
])  # fmt: skip
def test_what_is_new_needs_a_row(new):
    (told,) = differences(HEADER.replace(f"{STATUS};", f"{STATUS};\n{new}"))
    assert "is in no table" in told


def test_comments_and_lines_make_no_difference():
    assert differences(HEADER.replace(STATUS, STATUS.replace("(", "( /* it */\n    ") + " TENON_MUST_USE")) == []
