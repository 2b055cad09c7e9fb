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
program store_child tests/stores/*.c
program entries tests/auth/entries.c
for source in tests/lifecycle/lifecycle.c examples/c/*/*.c; do
    case $source in
        */database.c) program database "$source" -lsqlite3 ;;
        */devices.c) program devices "$source" -lm ;;
        *) program "$(basename "$source" .c)" "$source" ;;
    esac
done
# A name, what it is built as, and further libraries.
cpp_program() {
    local name=$1 built=$2
    shift 2
    "${CXX:-c++}" -std=c++17 -O2 -Wall -Wextra -Wpedantic -Werror -Iinclude "examples/cpp/$name/$name.cpp" \
        -o "$build/$built" -L"$lib" -ltenon "$@" -lpthread -Wl,-rpath,"$lib"
}
cpp_program quickstart quickstart-cpp &
cpp_program notes notes &
cpp_program shell shell-cpp -lsqlite3 &
for _ in 1 2 3; do wait -n; done
