#!/usr/bin/env bash
# Compares an interface with that of the release before, by abidiff: what there was must be so still. More may be there.
#
#   compare.sh OLD NEW    each what describe.sh has made, or a shared library
set -u
abidiff --no-default-suppression --no-added-syms "$1" "$2"
status=$?
# 1 and 2 are errors; 4 is a change, with 8 one that certainly breaks programs.
[ $status = 0 ] || { echo "$2 breaks what was made for $1 (abidiff: $status)"; exit 1; }
