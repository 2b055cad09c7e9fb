# The commands people type. What a stage does is in scripts/stages.py.
.PHONY: test test-full demo bench build clean

test:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py quick

test-full:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py full

demo:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build-python
	@.venv/bin/python scripts/demo.py

build:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build

bench:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build
	@target/ci/tenon-bench --write docs/performance.md

clean:
	rm -rf target build .venv .venv-oldest .cache
