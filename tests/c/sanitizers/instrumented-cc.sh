#!/usr/bin/env bash
# clang for programs that go with an instrumented library: it instruments their sources with TENON_SANITIZE and links the
# runtime TENON_SANITIZER_RUNTIME, that of the compiler which made the library. A program has one runtime, and clang's own may
# be older than what the library asks for. Takes sources and libraries as cc does.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
flags=() objects=() link=()
while [ $# -gt 0 ]; do
    case $1 in
        # A header that is checked: nothing is linked.
        -c) exec clang "${flags[@]}" "$@" ;;
        *.c) objects+=("$1") ;;
        -o) link+=("$1" "$2"); shift ;;
        -L* | -l* | -Wl,* | *.a | *.so) link+=("$1") ;;
        *) flags+=("$1") ;;
    esac
    shift
done
for at in "${!objects[@]}"; do
    # shellcheck disable=SC2086  # Several flags.
    clang "${flags[@]}" $TENON_SANITIZE -g -fno-omit-frame-pointer -c "${objects[$at]}" -o "$place/$at.o"
    objects[at]=$place/$at.o
done
clang "${objects[@]}" -Wl,--whole-archive "$TENON_SANITIZER_RUNTIME" -Wl,--no-whole-archive -rdynamic "${link[@]}" \
    -lpthread -ldl -lrt -lm
