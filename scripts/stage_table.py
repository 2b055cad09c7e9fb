"""What each stage of build and test does. Commands run with bash from the repository's root.

One cargo profile, `ci`, and one set of features build engine, wheel, addon, C library and tests, so that everything is
compiled once: the stage `features` checks it, scripts/features brings it about.

`budget`: seconds a stage may take on two cores in a fresh clone. The runner marks what took longer; it fails nothing.
`beside`: the lane it runs in, while others do. `alone`: nothing runs beside it.
`limit`: seconds after which a stage has failed, and all it started is ended. Without it what `limit()` says.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Lanes beside the stages that name none, and how far each stands back. What depends on no time is in `checks`.
LANES = {"checks": 10, "python": 0, "transcripts": 0}

# For every stage. Without it, PyO3's build scripts look for an interpreter, and what they find depends on whether cargo
# or maturin runs them; each change compiles PyO3 again.
ENV = {
    "PYO3_CONFIG_FILE": str(ROOT / "scripts" / "pyo3.txt"),
    "RUSTC_WORKSPACE_WRAPPER": str(ROOT / "scripts" / "rustc-tests.sh"),
    # The bill of materials in the wheel holds a time and a number drawn at random, unless this is set. It is set in
    # every stage: if one had another value, cargo would compile what is C, and all that depends on it, once more.
    "SOURCE_DATE_EPOCH": "315532800",
}

# Everything but the wheel's module, which maturin builds: it needs a command of its own in any case.
WORKSPACE_SELECTION = "--workspace --exclude tenon-python"
WORKSPACE = f"cargo {{}} --locked --profile ci {WORKSPACE_SELECTION}"
TESTS = WORKSPACE.format("test") + " --no-fail-fast"
# What a wheel for the tests has beyond a published one.
WHEEL_FEATURES = "one-build"
WHEEL = f"--locked --profile ci --features {WHEEL_FEATURES}"
LAYERS_SELECTION = "-p tenon-mcp -p tenon-features --no-default-features"
FIXTURES = {
    "TENON_WIRE_HOSTS": "rust,python,node,c",
    "TENON_WIRE_RUST": "target/ci/tenon-fixture",
    "TENON_WIRE_PYTHON": ".venv/bin/python tests/fixtures/python/fixture.py",
    "TENON_WIRE_NODE": "node tests/fixtures/node/fixture.mjs",
    "TENON_WIRE_C": "build/c/fixture",
}

INTEROP_TESTS = ".venv/bin/python -m pytest -q tests/interop"

BUILD = ["build-rust", "build-python", "build-node", "build-c"]

STAGES = {
    "build-rust": {
        "budget": 110,
        "limit": 1200,
        # What `cargo test` needs. With all targets, those that have no tests would be compiled as tests too.
        "commands": [WORKSPACE.format("build") + " --lib --bins --examples --tests"],
    },
    # As maturin does it, which needs .venv; this runs while that is made.
    "compile-python": {
        "budget": 110,
        "limit": 1200,
        "commands": [f"cargo rustc {WHEEL} --lib --manifest-path bindings-python/Cargo.toml -- -C strip=symbols"],
    },
    "build-python": {
        "budget": 110,
        "limit": 1200,
        "commands": [
            "rm -rf build/wheels",
            f".venv/bin/python -m maturin build {WHEEL} -m bindings-python/Cargo.toml -o build/wheels",
            # Only a new wheel is installed; the copy goes in last.
            "for venv in .venv $(ls -d .venv-oldest 2>/dev/null); do cmp -s build/wheels/*.whl $venv/.wheel || {"
            " $venv/bin/python -m pip install -q --disable-pip-version-check --force-reinstall --no-deps"
            " build/wheels/*.whl && cp build/wheels/*.whl $venv/.wheel; }; done",
        ],
    },
    "build-node": {
        "budget": 10,
        "commands": ["cd bindings-node && npm run --silent copy-addon"],
        "needs": ["build-rust"],
    },
    "build-c": {
        "budget": 20,
        "commands": [
            "mkdir -p build/c",
            "tests/c/programs.sh",
        ],
    },
    "format": {"budget": 10, "beside": "checks", "commands": ["cargo fmt --all --check", ".venv/bin/ruff check"]},
    "clippy": {
        "budget": 60,
        "limit": 1200,
        "beside": "checks",
        "commands": ["cargo clippy --locked --profile ci --workspace --all-targets -- -D warnings"],
    },
    "runner": {"budget": 30, "commands": [".venv/bin/python -m pytest -q tests/runner"]},
    "features": {"budget": 10, "beside": "checks", "commands": ["python3 scripts/check_features.py"]},
    "layers": {
        "budget": 15,
        "beside": "checks",
        "commands": [f"cargo check --locked --profile ci {LAYERS_SELECTION}"],
    },
    "instructions": {
        "budget": 45,
        "beside": "checks",
        "commands": ["python3 tests/instructions/run.py", ".venv/bin/python -m pytest -q tests/instructions"],
        "needs": ["build-rust"],
    },
    # As on a machine without a baseline.
    "instructions-parent": {
        "budget": 120,
        # It compiles the engine of the parent commit, from its beginning.
        "limit": 1200,
        "beside": "checks",
        "commands": ["python3 tests/instructions/run.py --against-parent"],
        "needs": ["build-rust"],
    },
    "startup": {"budget": 30, "alone": True, "commands": ["python3 tests/startup/run.py"], "needs": BUILD},
    "rust": {
        "budget": 90,
        "beside": "transcripts",
        "commands": [TESTS],
        "env": {**FIXTURES, "TENON_WIRE_BRIEF": "python,node"},
    },
    # With each transcript in each revision, whatever the host takes to start.
    "rust-all": {"budget": 150, "beside": "transcripts", "commands": [TESTS], "env": FIXTURES},
    # The tests of stores against a store in each language.
    "stores": {
        "budget": 15,
        "commands": [WORKSPACE.format("test") + " --test stores -- --ignored"],
        "env": {
            "TENON_STORE_PYTHON": str(ROOT / ".venv/bin/python") + " " + str(ROOT / "tests/stores/child.py"),
            "TENON_STORE_NODE": "node " + str(ROOT / "tests/stores/child.mjs"),
            "TENON_STORE_C": str(ROOT / "build/c/store_child"),
        },
        "needs": BUILD,
    },
    "python": {"budget": 90, "beside": "python", "commands": [".venv/bin/python -m pytest -q tests/python"]},
    "python-oldest": {
        "budget": 90,
        "beside": "python",
        "commands": [".venv-oldest/bin/python -m pytest -q tests/python"],
    },
    "node": {"budget": 90, "commands": ["cd bindings-node && npm test --silent"]},
    "c": {"budget": 80, "commands": ["tests/c/run.sh"], "needs": ["build-rust"]},
    "cpp": {"budget": 40, "beside": "checks", "commands": ["tests/cpp/run.sh"], "needs": ["build-rust"]},
    "examples": {
        "budget": 15,
        "beside": "checks",
        "commands": [".venv/bin/python -m pytest -q tests/examples"],
        "needs": ["build-rust", "build-c"],
    },
    # The larger examples with what they need: other makers' clients, a database, upstreams on this machine.
    "systems": {
        "budget": 240,
        "beside": "python",
        "commands": [".venv/bin/python -m pytest -q tests/systems"],
        "needs": BUILD,
    },
    "abi": {
        "budget": 30,
        "beside": "checks",
        "commands": ["tests/abi/run.sh", ".venv/bin/python -m pytest -q tests/abi", "python3 tests/install/size.py ci"],
        "needs": ["build-rust"],
    },
    "c-valgrind": {"budget": 600, "limit": 1500, "commands": ["tests/c/run.sh --valgrind"]},
    # Each compiles the engine once more, for itself.
    "c-asan": {"budget": 300, "limit": 1800, "commands": ["tests/c/sanitized.sh address"]},
    "c-tsan": {"budget": 200, "limit": 1800, "commands": ["tests/c/sanitized.sh thread"]},
    "docs": {
        "budget": 30,
        "beside": "checks",
        "commands": [
            ".venv/bin/python tests/docs/check_docs.py",
            ".venv/bin/python tests/docs/check_protocol.py",
            "python3 scripts/prose.py",
            ".venv/bin/python -m pytest -q tests/docs tests/bench",
        ],
    },
    "parity": {
        "budget": 10,
        "commands": [".venv/bin/python -m pytest -q tests/parity"],
        "needs": ["build-python"],
    },
    "types": {
        "budget": 30,
        "beside": "checks",
        "commands": [".venv/bin/python tests/types/run.py"],
        "needs": ["build-python"],
    },
    "packaging": {
        "budget": 50,
        "beside": "checks",
        "commands": [".venv/bin/python -m pytest -q tests/packaging"],
        "needs": ["build-python", "build-node"],
    },
    # The C library as it is installed, used by programs outside of this repository.
    "packaging-c": {
        "budget": 100,
        "beside": "checks",
        "commands": [".venv/bin/python -m pytest -q tests/install"],
        "needs": ["build-rust", "build-python"],
    },
    # Compiles the engine once more, for the source distribution.
    "packaging-install": {
        "budget": 240,
        "limit": 1500,
        "commands": [".venv/bin/python tests/packaging/install.py"],
        "needs": ["build-python"],
    },
    "lifecycle": {
        "budget": 30,
        "commands": [".venv/bin/python tests/lifecycle/run.py"],
        "needs": BUILD,
    },
    # As a script starts its background jobs: whatever a test spawns must have its signals back.
    "background": {
        "budget": 40,
        "commands": [
            f"trap '' INT QUIT; {command}"
            for command in (
                WORKSPACE.format("test") + " --test process signal",
                ".venv/bin/python -m pytest -q tests/python -k 'signal or interrupt or terminate'",
                "tests/c/run.sh signals",
                ".venv/bin/python scripts/demo.py",
            )
        ],
        "needs": BUILD,
    },
    "interop": {
        "budget": 80,
        # What only `bootstrap.sh full` prepares is in interop-all.
        "commands": [
            INTEROP_TESTS + " --ignore tests/interop/test_fastmcp.py --ignore tests/interop/test_java.py",
            ".venv/bin/python tests/interop/run.py --subset",
        ],
    },
    "interop-all": {"budget": 300, "limit": 900, "commands": [INTEROP_TESTS, ".venv/bin/python tests/interop/run.py"]},
    # Tokens of a real identity provider, and other makers' OAuth clients. What waits for a minute is a stage apart.
    "oauth": {
        "budget": 45,
        "beside": "transcripts",
        "commands": [".venv/bin/python -m pytest -q tests/oauth --ignore tests/oauth/test_minute.py"],
        "needs": ["build-python", "build-node"],
    },
    # What takes a minute of real time; `make oauth-minute` runs it.
    "oauth-minute": {
        "budget": 75,
        "beside": "transcripts",
        "commands": [".venv/bin/python -m pytest -q tests/oauth/test_minute.py"],
        "needs": ["build-python", "build-node"],
    },
    # The public suite against one host, after the runner's own tests.
    "conformance": {
        "budget": 50,
        "commands": [
            ".venv/bin/python -m pytest -q tests/conformance",
            "python3 tests/conformance/run.py --hosts python",
        ],
        "needs": ["build-python"],
    },
    "conformance-all": {
        "budget": 120,
        "commands": [".venv/bin/python -m pytest -q tests/conformance", "python3 tests/conformance/run.py"],
        "needs": BUILD,
    },
    # A sample; `make conformance-auth` runs all hosts.
    "conformance-token": {
        "budget": 30,
        "commands": [".venv/bin/python tests/conformance/run.py --token --hosts rust"],
        "needs": ["build-rust"],
    },
    # A sample of the matrix; `make auth-matrix` runs all of it.
    "auth-matrix": {
        "budget": 40,
        "beside": "python",
        "commands": [
            ".venv/bin/python -m pytest -q tests/auth",
            ".venv/bin/python tests/auth/matrix.py --cells 4000",
        ],
        "needs": BUILD,
    },
    "loom": {
        "budget": 600,
        "beside": "checks",
        "limit": 1800,
        "commands": ["cargo test --locked --release -p tenon-mcp --no-default-features --lib loom_"],
        "env": {
            "RUSTFLAGS": "--cfg loom",
            "CARGO_TARGET_DIR": "target/loom",
            # Whole-program optimisation takes longer than it saves here.
            "CARGO_PROFILE_RELEASE_LTO": "off",
            "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
            "RUSTC_WORKSPACE_WRAPPER": "",
        },
    },
    # A tenth of the long runs.
    "fuzz": {
        "budget": 450,
        "beside": "checks",
        "commands": ["python3 tests/fuzz/run.py --seconds 30"],
        # It names the compiler's flags itself.
        "env": {"RUSTC_WORKSPACE_WRAPPER": ""},
    },
    "load": {
        "budget": 170,
        "alone": True,
        "commands": [WORKSPACE.format("test") + " --test load"],
        "env": {"TENON_LOAD_SECONDS": "70"},
    },
    "idle": {
        "budget": 60,
        "beside": "checks",
        "commands": [".venv/bin/python tests/soak/idle.py"],
        "needs": BUILD,
    },
    # A tenth of the long run.
    "load-python": {
        "budget": 60,
        "alone": True,
        "commands": [
            ".venv/bin/python tests/soak/python_calls.py --calls 100000",
            ".venv/bin/python tests/soak/python_spin.py",
        ],
        "needs": ["build-python"],
    },
    # A tenth of the long run.
    "load-node": {
        "budget": 60,
        "alone": True,
        "commands": [
            "node tests/soak/node_calls.mjs 100000",
            "MALLOC_ARENA_MAX=1 node --expose-gc --max-semi-space-size=1 tests/soak/node_workers.mjs 25",
        ],
        "needs": ["build-node"],
    },
    # Not long enough to judge memory and latency by.
    "hostile": {
        "budget": 70,
        "beside": "python",
        "commands": [".venv/bin/python tests/soak/hostile --seconds 20"],
        "needs": ["build-python"],
    },
    "soak-hostile": {
        "budget": 1950,
        "limit": 3000,
        "commands": [".venv/bin/python tests/soak/hostile"],
        "needs": ["build-python"],
    },
    "soak-node": {
        "budget": 200,
        "limit": 1800,
        "commands": [
            "node tests/soak/node_calls.mjs",
            "MALLOC_ARENA_MAX=1 node --expose-gc --max-semi-space-size=1 tests/soak/node_workers.mjs",
            "TENON_PROGRESS_CALLS=10000 .venv/bin/python -m pytest -q tests/interop/test_progress.py",
        ],
        "needs": ["build-node", "build-python"],
    },
    "soak-python": {
        "budget": 300,
        "limit": 1800,
        "commands": [".venv/bin/python tests/soak/python_calls.py", ".venv/bin/python tests/soak/python_spin.py"],
        "needs": ["build-python"],
    },
    "soak-fuzz": {
        "budget": 1500,
        "limit": 3000,
        "commands": ["python3 tests/fuzz/run.py --seconds 300"],
        "env": {"RUSTC_WORKSPACE_WRAPPER": ""},
    },
    "soak-load": {
        "budget": 800,
        "limit": 1400,
        "commands": [WORKSPACE.format("test") + " --test load"],
        "env": {"TENON_LOAD_SECONDS": "600"},
    },
    # As users get it, beside the parent commit; rows in Rust and C are kept by their counts of instructions as well.
    "soak-bench": {
        "budget": 1800,
        "limit": 3600,
        "commands": [
            "python3 tests/bench/prepare.py release",
            "python3 tests/install/size.py release",
            "python3 tests/bench/prepare.py release --commit HEAD~1",
            "target/release/tenon-bench --against build/bench/other --only c-,python,node --part calls --rounds 11",
        ],
    },
    "bench-smoke": {
        "budget": 120,
        "alone": True,
        "commands": [
            "python3 tests/bench/prepare.py ci --peers",
            "target/ci/tenon-bench --quick",
            "target/ci/tenon-bench --quick --peers --era modern --part calls",
            "python3 tests/bench/policies.py --quick",
        ],
        "needs": BUILD,
    },
    "demo": {"budget": 15, "commands": [".venv/bin/python scripts/demo.py"]},
}

def limit(stage):
    """Generous, since machines differ; what is over it hangs."""
    return stage.get("limit", max(5 * stage["budget"], 300))


QUICK = [
    *BUILD,
    "startup",
    "format",
    "features",
    "instructions",
    "abi",
    "docs",
    # The first of each lane starts it.
    "python",
    "rust",
    "node",
    "c",
    "cpp",
    "stores",
    "examples",
    "parity",
    "types",
    "packaging",
    "lifecycle",
    "runner",
    "background",
    "interop",
    "conformance",
    "demo",
]
# What takes a stage's place where time does not matter.
WHOLE = {"rust": "rust-all", "interop": "interop-all", "conformance": "conformance-all"}
GROUPS = {
    "build": BUILD,
    "quick": QUICK,
    "full": [
        *[WHOLE.get(stage, stage) for stage in QUICK],
        "clippy",
        "layers",
        "python-oldest",
        "systems",
        "conformance-token",
        "auth-matrix",
        "oauth",
        "c-valgrind",
        "c-asan",
        "c-tsan",
        "loom",
        "fuzz",
        "load",
        "load-python",
        "load-node",
        "idle",
        "hostile",
        "packaging-install",
        "packaging-c",
        "instructions-parent",
        "bench-smoke",
    ],
    # What takes long and wants a quiet machine.
    "soak": [*BUILD, "soak-hostile", "soak-fuzz", "soak-load", "soak-python", "soak-node", "soak-bench"],
}
