#!/usr/bin/env bash
# scripts/setup on machines made of stand-ins: silent when all is there, installs exactly what is missing, through sudo when not
# root, and says in one line what it cannot do, or that there is no CUDA toolkit.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
setup=$EEGPU_SOURCE_DIR/scripts/setup

# tool NAME: standard input, a line of shell, is what it does
tool() { (echo '#!/bin/sh' && cat) >"$folder/bin/$1" && chmod +x "$folder/bin/$1"; }
mkdir "$folder/bin"
for name in bash sh env sed sort mktemp rm cat tail grep; do ln -s "$(command -v "$name")" "$folder/bin/$name"; done
for name in nvcc cc c++ make ninja pkg-config python3 chromium; do echo 'cat >/dev/null' | tool "$name"; done
echo 'echo cmake version 3.25.1' | tool cmake
echo 'echo libopenblas.so.0' | tool ldconfig
echo 'echo Status: install ok installed' | tool dpkg
echo 'echo 0' | tool id
unset CUDACXX
export CUDA_HOME=$folder

# expect STATUS PATTERN [argument]: how setup ends and what it says
expect() {
    local status=0 output
    output=$(PATH=$folder/bin "$folder/bin/bash" "$setup" "${@:3}" 2>&1) || status=$?
    # shellcheck disable=SC2053  # a pattern is wanted
    if [ "$status" -ne "$1" ] || [[ $output != $2 ]]; then
        printf 'setup_test: expected %s "%s", got %s "%s"\n' "$1" "$2" "$status" "$output" >&2
        exit 1
    fi
}

# scripts/build refuses before it makes anything
if "$EEGPU_SOURCE_DIR/scripts/build" no-such-preset 2>"$folder/words" || ! grep -q "no preset 'no-such-preset', only: " "$folder/words" ||
    [ -e "$EEGPU_SOURCE_DIR/build/no-such-preset" ] || ! "$EEGPU_SOURCE_DIR/scripts/build" --help | grep -q '^usage: '; then
    echo 'setup_test: scripts/build takes a preset that is none, or has no --help' >&2
    exit 1
fi

expect 0 ''
expect 0 '' --check
mv "$folder/bin/nvcc" "$folder"
expect 0 'setup: no CUDA toolkit (nvcc) here, *'
CUDACXX=$folder/nvcc expect 0 ''
mv "$folder/nvcc" "$folder/bin"
CUDA_HOME=/nonexistent expect 0 ''
rm "$folder/bin/ninja"
echo 'echo cmake version 3.24.9' | tool cmake
expect 1 'missing: cmake ninja-build' --check
expect 1 'setup: unknown argument*' --chekc
expect 1 'setup: this system has no apt-get; *: cmake ninja-build'

echo 'echo E: no network; exit 100' | tool apt-get
expect 1 '*E: no network*setup: apt-get could not install: cmake ninja-build'
echo 'exit 0' | tool apt-get
expect 1 '*setup: installed, but still not found: cmake ninja-build;*'
tool apt-get <<INSTALL
case "\$*" in
*install*)
    echo "\$DEBIAN_FRONTEND \$*" >"$folder/asked"
    printf '#!/bin/sh\necho cmake version 3.28.0\n' >"$folder/bin/cmake"
    cp "$folder/bin/make" "$folder/bin/ninja"
    ;;
esac
INSTALL
ln -s "$(command -v cp)" "$folder/bin/cp"
expect 0 'setup: installing cmake ninja-build'
grep -q 'noninteractive .* install .* cmake ninja-build' "$folder/asked"
expect 0 ''

rm "$folder/bin/ninja"
echo 'echo 1000' | tool id
expect 1 'setup: run this as root: apt-get install ninja-build'
echo 'echo used >&2; exec "$@"' | tool sudo
expect 0 'setup: installing ninja-build'
