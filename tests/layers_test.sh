#!/usr/bin/env bash
# scripts/check-layers sees what it is there to see: a clean small tree passes, a planted include and a planted call do not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
objects=$folder/build/eegpu.dir

build() {
    for source in "$folder"/tree/host/*/*.c; do
        object=$objects/${source#"$folder"/tree/}.o
        mkdir -p "$(dirname "$object")"
        cc -I"$folder/tree/host" -c "$source" -o "$object"
    done
}
check() { "$EEGPU_SOURCE_DIR/scripts/check-layers" --root "$folder/tree" --objects "$folder/build"; }
# expect FRAGMENT: the check fails and says so
expect() {
    local output
    if output=$(check) || [[ $output != *"$1"* ]]; then
        printf 'layers_test: expected a violation with "%s", got:\n%s\n' "$1" "$output" >&2
        exit 1
    fi
}

mkdir -p "$folder"/tree/{include,host/{base,cut,state}}
cd "$folder/tree"
touch include/eegpu.h
echo 'int eg_base(void);' >host/base/base.h
printf '#include "base/base.h"\nint eg_base(void) { return 1; }\n' >host/base/base.c
printf '#include "base/base.h"\nint eg_cut(void);\nint eg_cut(void) { return eg_base(); }\n' >host/cut/cut.c
build
check >/dev/null

echo 'int eg_base(void) { int eg_cut(void); return eg_cut(); }' >host/base/base.c
build
expect 'host/base/base.c: base uses eg_cut of cut'

printf 'int eg_base(void) { return 1; }\n' >host/base/base.c
build
check >/dev/null
touch host/cut/cut.h
echo '#include "cut/cut.h"' >host/state/state.c
expect 'host/state/state.c:1: includes "cut/cut.h": state comes before cut'
echo '#include "state.h"' >host/state/state.c
expect 'write it as "folder/file.h"'
echo '#  include "kernels/kernels.h"' >host/state/state.c
expect 'only host/backend sees the kernels'
rm host/state/state.c
echo '#include "base/base.h"' >include/eegpu.h
expect 'the public header may not see host/'
: >include/eegpu.h
mkdir host/utils
expect 'host/utils/: not in the list of layers'
