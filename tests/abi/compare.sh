#!/usr/bin/env bash
# Compares a library with that of the release before, by abidiff: what was exported must be so still.
#
#   compare.sh OLD NEW    each a shared library, or what abidw has made of one
set -u
abidiff --no-default-suppression "$1" "$2"
status=$?
# Bits: 1 and 2 are errors, 4 is a change, 8 one that breaks programs.
[ $((status & 11)) = 0 ] || { echo "$2 breaks what was linked with $1 (abidiff: $status)"; exit 1; }
