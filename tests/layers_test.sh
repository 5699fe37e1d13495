#!/usr/bin/env bash
# scripts/check-layers sees what it is there to see: a clean small tree passes, a planted include, call or kernel start does not.
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

# plant FILE LINE FRAGMENT: the line as a file is a violation
plant() {
    printf '%b\n' "$2" >"$1"
    expect "$3"
    rm "$1"
}

mkdir -p "$folder"/tree/{include,kernels,host/{base,cut,state,scan,backend/cuda}}
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
rm host/state/state.c

# CUDA: the plug-in sees the kernels and nobody sees the plug-in.
touch kernels/kernels.h kernels/launch.h
printf '#include <cuda_runtime_api.h>\n' >kernels/kernels.h
printf '#include "kernels.h"\n#include "launch.h"\n#include "state/random.h"\n// no <<<>>>\n/* nor\n <<<\n*/\n' >kernels/widen.cu
printf '#include <cublas_v2.h>\n#include "kernels.h"\n' >host/backend/cuda/cuda.h
printf '#include "backend/cuda/cuda.h"\nint eg_own(void);\nint eg_own(void) { return 1; }\n' >host/backend/cuda/device.c
check >/dev/null
for name in kernels.h launch.h kernels/kernels.h; do
    plant host/state/state.c "#  include \"$name\"" 'only host/backend/cuda sees the kernels'
    plant host/backend/cpu.c "#include \"$name\"" 'only host/backend/cuda sees the kernels'
done
plant host/backend/cpu.c '#include "backend/cuda/cuda.h"' 'only host/backend/cuda sees it'
plant host/backend/cuda/plan.c '#include "scan/scan.h"' 'backend comes before scan'
plant kernels/scan.cu '#include "scan/scan.h"' 'kernels come before scan'
plant host/backend/cpu.c '#include <cuda_runtime_api.h>' 'host/backend/cpu.c:1: includes <cuda_runtime_api.h>: not of CUDA, or not here'
for name in cub/cub.cuh thrust/sort.h cooperative_groups.h cuda/std/complex curand_kernel.h; do
    plant kernels/sort.cu "#include <$name>" "kernels/sort.cu:1: includes <$name>"
done
plant kernels/start.cu '/* a */ f<<<1, 1>>>(); // b' 'kernels/start.cu:1: starts a kernel'
plant host/backend/cuda/start.c '/* a\n<<< */ f<<<1, 1>>>();' 'host/backend/cuda/start.c:2: starts a kernel'

echo '#include "base/base.h"' >include/eegpu.h
expect 'the public header may not see host/'
: >include/eegpu.h
mkdir host/utils
expect 'host/utils/: not in the list of layers'
