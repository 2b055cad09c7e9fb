"""Compares the functions on docs/c-abi.md with tests/abi/symbols.txt; `--write` copies them there."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "c-abi.md"
MARK = "<!-- symbols: tests/abi/page.py --write -->\n"


def table():
    lines = (ROOT / "tests" / "abi" / "symbols.txt").read_text().splitlines()
    rows = [line.split()[:2] for line in lines if not line.startswith("#")]
    return "\n| Function | Since |\n|---|---|\n" + "".join(f"| `{name}` | {version} |\n" for name, version in rows)


def main(arguments):
    before, mark, present = PAGE.read_text().partition(MARK)
    if "--write" in arguments:
        PAGE.write_text(before + MARK + table())
    elif not mark or present != table():
        print(f"{PAGE.name} differs from symbols.txt; tests/abi/page.py --write copies it")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
