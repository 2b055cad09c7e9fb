#!/usr/bin/env bash
# Builds the C fixture and examples into build/c (BUILD), against the library in target/ci (TENON_LIB).
set -eu
cd "$(dirname "$0")/../.."
lib=$(realpath "${TENON_LIB:-${CARGO_TARGET_DIR:-target}/ci}")
build=${BUILD:-build/c}
mkdir -p "$build"
# A program's name and its sources.
program() {
    local name=$1
    shift
    "${CC:-cc}" -std=c99 -D_DEFAULT_SOURCE -O2 -Wall -Wextra -Wpedantic -Werror -Iinclude "$@" \
        -o "$build/$name" -L"$lib" -ltenon -lpthread -Wl,-rpath,"$lib"
}
program fixture tests/fixtures/c/*.c
program conformance tests/conformance/c/*.c
for source in tests/lifecycle/lifecycle.c examples/c/*/*.c; do
    program "$(basename "$source" .c)" "$source"
done
