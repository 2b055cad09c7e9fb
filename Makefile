# The commands people type. What a stage does is in scripts/stages.py.
.PHONY: test test-full conformance conformance-auth auth-matrix oauth-minute demo bench bench-python bench-node bench-c bench-policies soak rows build install update-instructions clean

# Where `install` puts the C library; DESTDIR goes in front of it.
PREFIX ?= /usr/local
LIBDIR ?= lib
PROFILE ?= release

test:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py quick

test-full:
	@scripts/bootstrap.sh full
	@python3 scripts/stages.py full

conformance:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build
	@python3 tests/conformance/run.py

# All hosts, with authentication on, for a client that has a token.
conformance-auth:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build
	@.venv/bin/python tests/conformance/run.py --token

# Every method, with every kind of credentials, in every language, over every transport.
auth-matrix:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build
	@.venv/bin/python -m pytest -q tests/auth
	@.venv/bin/python tests/auth/matrix.py

# How keys and revoked tokens change within the default times, which takes a minute.
oauth-minute:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build oauth-minute

# EXAMPLE=name serves that example at ADDRESS; without it, the quickstart is shown and the names are listed.
demo:
	@scripts/bootstrap.sh demo
ifdef EXAMPLE
	@.venv/bin/python scripts/example.py $(EXAMPLE) $(ADDRESS)
else
	@python3 scripts/stages.py build-python
	@.venv/bin/python scripts/demo.py
	@.venv/bin/python scripts/example.py
endif

build:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build

install:
	@python3 scripts/install_c.py --prefix "$(PREFIX)" --libdir "$(LIBDIR)" --profile "$(PROFILE)" $(if $(BUILT),--built) $(if $(DESTDIR),--destdir "$(DESTDIR)")

bench:
	@scripts/bootstrap.sh tools
	@python3 tests/bench/prepare.py release
	@target/release/tenon-bench --json docs/performance
	@python3 tests/bench/page.py
	@python3 tests/install/size.py release

# Beside other makers' libraries for the language; pinned to one core, then unpinned.
bench-python bench-node:
	@scripts/bootstrap.sh tools
	@python3 tests/bench/prepare.py release --peers
	@python3 tests/bench/beside.py $(@:bench-%=%)

# Beside the same server in Rust.
bench-c:
	@scripts/bootstrap.sh tools
	@python3 tests/bench/prepare.py release
	@python3 tests/bench/beside.py c

# What authentication and one rule of access cost, beside the same servers without.
bench-policies:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build-rust
	@python3 tests/bench/prepare.py release
	@python3 tests/bench/policies.py

soak:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py soak

# A row in each table of a copy of the tree, used in all languages.
rows:
	@scripts/bootstrap.sh
	@python3 tests/rows/run.py

update-instructions:
	@scripts/bootstrap.sh
	@python3 scripts/stages.py build-rust
	@python3 tests/instructions/run.py --update

clean:
	rm -rf target build .venv .venv-* .cache
