#!/usr/bin/env bash
# Describes the interface of a shared library with all types, as abidw does, for compare.sh. The types are the header's, whose
# functions the library must export, and no others.
#
#   describe.sh LIBRARY OUT [HEADER]    HEADER: include/tenon.h unless given
set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$1
out=$2
header=$(realpath "${3:-$here/../../include/tenon.h}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir "$folder/include"
cp "$header" "$folder/include/tenon.h"
python3 "$here/interface.py" --stub --header "$header" >"$folder/tenon.c"
(cd "$folder" && "${CC:-cc}" -g -w -shared -fPIC -Iinclude tenon.c -o libtenon.so)
exported() { nm -D --defined-only "$1" | awk '$3 !~ /^number_/ { print $3 }' | sort; }
diff <(exported "$folder/libtenon.so") <(exported "$library") || { echo "$library does not export what $header declares" >&2; exit 1; }
abidw --no-show-locs --no-corpus-path --no-comp-dir-path --out-file "$out" "$folder/libtenon.so"
