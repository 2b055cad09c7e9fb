# The commands people type. What a stage does is in scripts/stages.py.
.PHONY: test test-full conformance demo bench soak build update-instructions clean

test:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py quick

test-full:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py full

conformance:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build
	@python3 tests/conformance/run.py

demo:
	@scripts/bootstrap.sh demo
	@python3 scripts/stages.py build-python
	@.venv/bin/python scripts/demo.py

build:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build

bench:
	@scripts/bootstrap.sh
	@python3 tests/bench/prepare.py release
	@target/release/tenon-bench --json docs/performance
	@python3 tests/bench/page.py

soak:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py soak

update-instructions:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build-rust
	@python3 tests/instructions/run.py --update

clean:
	rm -rf target build .venv .venv-oldest .cache
