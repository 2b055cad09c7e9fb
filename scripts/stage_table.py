"""What each stage of build and test does. Commands run with bash from the repository's root.

One cargo profile, `ci`, builds engine, wheel, addon, C library and tests, so dependencies are compiled once.
"""

# Everything but the wheel's module, in one graph of features: another selection of packages would select other features
# of the dependencies, and compile them again. The wheel is maturin's, which selects for itself.
WORKSPACE = "cargo {} --locked --profile ci --workspace --exclude tenon-python"
FIXTURES = {
    "TENON_WIRE_HOSTS": "rust,python,node,c",
    "TENON_WIRE_RUST": "target/ci/tenon-fixture",
    "TENON_WIRE_PYTHON": ".venv/bin/python tests/fixtures/python/fixture.py",
    "TENON_WIRE_NODE": "node tests/fixtures/node/fixture.mjs",
    "TENON_WIRE_C": "build/c/fixture",
}

STAGES = {
    "build-rust": {"commands": [WORKSPACE.format("build") + " --all-targets"]},
    "build-python": {
        "commands": [
            ".venv/bin/python -m maturin build --locked --profile ci -m bindings-python/Cargo.toml -o build/wheels",
            "for venv in .venv .venv-oldest; do $venv/bin/python -m pip install -q --disable-pip-version-check"
            " --force-reinstall --no-deps build/wheels/*.whl; done",
        ],
    },
    "build-node": {
        "commands": ["cd bindings-node && npm run --silent copy-addon"],
        "needs": ["build-rust"],
    },
    "build-c": {
        "commands": [
            "mkdir -p build/c",
            "tests/c/programs.sh",
            "cc -O2 -std=c11 -Wall -Wextra -Wpedantic -Werror -o build/c/ceiling tests/bench/ceilings/c/*.c",
        ],
    },
    "format": {"commands": ["cargo fmt --all --check", ".venv/bin/ruff check"]},
    "clippy": {"commands": ["cargo clippy --locked --profile ci --workspace --all-targets -- -D warnings"]},
    "layers": {"commands": ["cargo check --locked --profile ci -p tenon-mcp --no-default-features"]},
    "rust": {"commands": [WORKSPACE.format("test") + " --no-fail-fast"], "env": FIXTURES},
    "python": {"commands": [".venv/bin/python -m pytest -q tests/python"]},
    "python-oldest": {"commands": [".venv-oldest/bin/python -m pytest -q tests/python"]},
    "node": {"commands": ["cd bindings-node && npm test --silent"]},
    "c": {"commands": ["tests/c/run.sh"], "needs": ["build-rust"]},
    "abi": {"commands": ["tests/abi/run.sh"], "needs": ["build-rust"]},
    "c-valgrind": {"commands": ["tests/c/run.sh --valgrind"]},
    "docs": {"commands": [".venv/bin/python tests/docs/check_docs.py"]},
    "interop": {"commands": [".venv/bin/python tests/interop/run.py --subset"]},
    "interop-all": {"commands": [".venv/bin/python tests/interop/run.py"]},
    "loom": {
        "commands": ["cargo test --locked --release -p tenon-mcp --no-default-features --lib loom_"],
        "env": {"RUSTFLAGS": "--cfg loom", "CARGO_TARGET_DIR": "target/loom"},
    },
    "fuzz": {
        "commands": [WORKSPACE.format("test") + " --test fuzz_scan"],
        "env": {"TENON_FUZZ_SECONDS": "30"},
    },
    "bench-smoke": {"commands": ["target/ci/tenon-bench --quick"]},
    "demo": {"commands": [".venv/bin/python scripts/demo.py"]},
}

BUILD = ["build-rust", "build-python", "build-node", "build-c"]
QUICK = [*BUILD, "format", "clippy", "layers", "rust", "python", "node", "c", "abi", "docs", "interop", "demo"]
GROUPS = {
    "build": BUILD,
    "quick": QUICK,
    "full": [
        *[stage for stage in QUICK if stage != "interop"],
        "interop-all",
        "python-oldest",
        "c-valgrind",
        "loom",
        "fuzz",
        "bench-smoke",
    ],
}
