#!/usr/bin/env bash
# Builds the C fixture and examples into build/c (BUILD), against the library in target/ci (TENON_LIB).
set -eu
cd "$(dirname "$0")/../.."
lib=$(realpath "${TENON_LIB:-${CARGO_TARGET_DIR:-target}/ci}")
build=${BUILD:-build/c}
mkdir -p "$build"
for source in tests/fixtures/c/fixture.c examples/c/*/*.c; do
    "${CC:-cc}" -std=c99 -D_DEFAULT_SOURCE -O2 -Wall -Wextra -Wpedantic -Werror -Iinclude "$source" \
        -o "$build/$(basename "$source" .c)" -L"$lib" -ltenon -lpthread -Wl,-rpath,"$lib"
done
