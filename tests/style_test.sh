#!/usr/bin/env bash
# scripts/check-style sees what it is there to see.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/host/base"
cd "$folder"
export CLANG_FORMAT=true # the planted lines are about other things
check() { "$EEGPU_SOURCE_DIR/scripts/check-style" --root "$folder"; }

# plant FILE FRAGMENT: standard input as FILE is a violation whose message has FRAGMENT
plant() {
    local output
    cat >"$1"
    if output=$(check) || [[ $output != *"$2"* ]]; then
        printf 'style_test: expected a violation with "%s", got:\n%s\n' "$2" "$output" >&2
        exit 1
    fi
    rm "$1"
}
lines() { for ((i = 0; i < $1; i++)); do echo '    x();'; done; }
function_of() { printf '/* A head. */\nvoid f(void)\n{\n%s\n}\n' "$(lines "$1")"; }

function_of 59 >host/base/good.c
check >/dev/null
function_of 60 | plant host/base/long.c 'host/base/long.c:3: a function of 61 lines'
for ((k = 0; k < 11; k++)); do function_of 58; done | plant host/base/file.c 'host/base/file.c: 682 lines, at most 600'
echo '/* TODO: more */' | plant host/base/later.h 'host/base/later.h:1: unfinished'
echo 'int x;' | plant host/base/headless.c 'host/base/headless.c:1: no head comment'
{ echo '/* A' && yes ' * head' | head -n 11 && echo ' */'; } | plant host/base/head.h 'host/base/head.h:1: a head comment of more than 12'
echo 'typedef int eg_number_t;' | plant host/base/type.h 'ends in _t'
printf '\tint x;\n' | plant host/base/tab.c 'a tab'
echo '    fprintf(stderr, "no");' | plant host/base/print.c 'host/base/print.c:1: the library does not print'
echo '    exit(1);' | plant host/base/exit.c 'the library does not print, exit'
printf '#ifdef EEGPU_HAVE_CUDA\n#endif /* EEGPU_HAVE_CUDA */\n' | plant host/base/cuda.c 'EEGPU_HAVE_CUDA stands in 2 lines'
mkdir -p host/backend/cuda kernels tests/emulation
printf '/* A head. */\n#ifdef EEGPU_HAVE_CUDA\n' >host/base/cuda.h
echo '#ifdef EEGPU_HAVE_CUDA' | plant host/backend/cuda/cuda.c 'EEGPU_HAVE_CUDA stands in 2 lines'
rm host/base/cuda.h
function_of 60 | plant host/backend/cuda/long.c 'host/backend/cuda/long.c:3: a function of 61 lines'
function_of 60 | plant tests/emulation/long.cpp 'tests/emulation/long.cpp:3: a function of 61 lines'
for ((k = 0; k < 4; k++)); do function_of 50; done | plant kernels/long.cu 'kernels/long.cu: 216 lines, at most 200'
echo '    printf("no");' | plant kernels/print.cu 'kernels/print.cu:1: the library does not print'
echo 'nvcc --use_fast_math' | plant CMakePresets.json 'CMakePresets.json:1: arithmetic that depends'
echo 'target_compile_options(x PRIVATE -ffast-math)' | plant CMakeLists.txt 'CMakeLists.txt:1: arithmetic that depends'
mkdir host/cli
printf '/* A head. */\n    fprintf(stderr, "yes");\n' >host/cli/main.c
check >/dev/null
