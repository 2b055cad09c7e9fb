#!/usr/bin/env bash
# The C tests with a sanitizer on both sides. Last line: "N passed, N failed".
#
#   tests/c/sanitized.sh address|thread [PROGRAM...]
#
# address: the library with AddressSanitizer, the programs with it and UndefinedBehaviorSanitizer; leaks are failures.
# thread: both with ThreadSanitizer, for the programs in which threads of the program complete calls, or exchange messages.
#
# address: the library's handles are checked by a table as well, as in a build with debug assertions. So the tests of freed handles
# run here, and touch nothing that was freed.
#
# Left out: failed_start.c, which has less address space than a sanitizer takes, and the examples, which keep their server to the
# end. Children of fork are not looked at for leaks. The library is built for it, into target/address or target/thread.
# The standard library of Rust is as it is delivered, without instrumentation; tests/c/sanitizers/thread.suppressions says what
# follows from that. Needs clang.
set -eu
cd "$(dirname "$0")/../.."

kind=${1:-}
[ $# -gt 0 ] && shift
case $kind in
    address)
        runtime=asan symbol=__asan_report_load8
        flags='"-Zsanitizer=address", "-Cforce-frame-pointers=yes"'
        export TENON_SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
        found='AddressSanitizer: heap-use-after-free'
        checked=true
        export TENON_HANDLES_CHECKED=1
        # shellcheck disable=SC2046  # Names without blanks.
        [ $# -gt 0 ] || set -- refusals $(grep -l '^RUN_TESTS' tests/c/*/*.c | xargs -n1 basename -s .c | grep -vx failed_start)
        ;;
    thread)
        runtime=tsan symbol=__tsan_read8
        flags='"-Zsanitizer=thread", "-Cforce-frame-pointers=yes", "--cfg", "lock_order"'
        export TENON_SANITIZE=-fsanitize=thread
        found='ThreadSanitizer: data race'
        checked=false
        [ $# -gt 0 ] || set -- late_completion cancel modes inline destroy exchange http http_states
        ;;
    *)
        echo "usage: tests/c/sanitized.sh address|thread [PROGRAM...]"
        exit 2
        ;;
esac
export ASAN_OPTIONS=exitcode=97:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=exitcode=97:suppressions=$PWD/tests/c/sanitizers/thread.suppressions:history_size=4
triple=$(rustc -vV | sed -n 's/^host: //p')
target=target/$kind
export TENON_LIB=$target/$triple/ci BUILD=build/$kind CC=$PWD/tests/c/sanitizers/instrumented-cc.sh
TENON_SANITIZER_RUNTIME=$(echo "$(rustc --print target-libdir)"/librustc*_rt.$runtime.a)
export TENON_SANITIZER_RUNTIME
[ -f "$TENON_SANITIZER_RUNTIME" ] || { echo "this Rust has no runtime for $kind"; echo "0 passed, 1 failed"; exit 1; }

# Not optimised, with line numbers for the reports. What compiles schemas and patterns, which Cargo.toml lists, is not
# instrumented: no pointer of C's reaches it, and it takes long to compile.
compile() {
    # Otherwise a crate refuses those that are not instrumented, the standard library among them.
    local mixed='"-Cunsafe-allow-abi-mismatch=sanitizer"' package options=()
    for package in $(sed -n 's/^\[profile\.ci\.package\.\(.*\)\]$/\1/p' Cargo.toml); do
        options+=(--config "profile.ci.package.$package.rustflags=[$mixed]")
    done
    # CC is the compiler of the programs; what is C in a dependency gets the usual one.
    env -u CC RUSTC_BOOTSTRAP=1 RUSTFLAGS= RUSTC_WORKSPACE_WRAPPER= \
        CARGO_PROFILE_CI_OPT_LEVEL=0 CARGO_PROFILE_CI_DEBUG=line-tables-only CARGO_PROFILE_CI_CODEGEN_UNITS=64 \
        CARGO_PROFILE_CI_INCREMENTAL=false \
        cargo build -Zprofile-rustflags --locked --quiet --profile ci -p tenon-ffi --target "$triple" \
        --target-dir "$target" --config "profile.ci.rustflags=[$flags, $mixed]" \
        --config "profile.ci.package.tenon-ffi.debug-assertions=$checked" \
        --config 'profile.ci.build-override.rustflags=[]' "${options[@]}"
}
compile

mkdir -p "$BUILD"
passed=0
failed=0
check() {
    local name=$1
    shift
    if "$@" >"$BUILD/said" 2>&1; then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        sed 's/^/  /' "$BUILD/said"
    fi
}

instrumented() { nm -D --undefined-only "$TENON_LIB/libtenon.so" | grep -w "$symbol"; }

# What is wrong on purpose is found, in the program and in the library.
canary() {
    local code=0
    "$BUILD/canary-$kind" "$1" >"$BUILD/canary" 2>&1 || code=$?
    cat "$BUILD/canary"
    [ $code = 97 ] && grep -qF "$found" "$BUILD/canary" && grep -qE "$2" "$BUILD/canary"
}

check "the library is instrumented" instrumented
check "a program that is wrong on purpose compiles" "$CC" -std=c11 -D_GNU_SOURCE -O0 -Iinclude "tests/c/sanitizers/canary-$kind.c" \
    -o "$BUILD/canary-$kind" -L"$TENON_LIB" -ltenon -Wl,-rpath,"$(realpath "$TENON_LIB")"
check "a fault of the program is found" canary program "#[0-9]+ (.* in )?(wrong|main) "
check "a fault in the library is found" canary library "#[0-9]+ .*/ffi/src/"
echo "$passed passed, $failed failed"
[ $failed = 0 ] || exit 1

tests/c/run.sh "$@"
