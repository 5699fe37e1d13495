#!/usr/bin/env bash
# Install, move the installed tree, and use it from there as others do: the program, find_package, pkg-config (shared and
# static), a C++ compiler; the CUDA back end, where it is built.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
example=$EEGPU_SOURCE_DIR/tests/example
version=$(sed -n 's/^#define EEGPU_VERSION "\(.*\)"/\1/p' "$EEGPU_SOURCE_DIR/include/eegpu.h")

# same_as_expected PROGRAM
same_as_expected() { "$1" w | diff "$example/expected.txt" - || { echo "install_test: $2" >&2 && exit 1; }; }
quietly() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log" && echo "install_test: $* failed" >&2 && exit 1; }; }

quietly cmake --install "$EEGPU_BUILD_DIR" --prefix "$folder/first"
mv "$folder/first" "$folder/prefix"
prefix=$folder/prefix
for file in bin/eegpu include/eegpu.h share/doc/eegpu/LICENSE; do
    [ -f "$prefix/$file" ] || { echo "install_test: $file is not installed" >&2 && exit 1; }
done
if grep -rIlF -e "$EEGPU_BUILD_DIR" -e "$folder/first" "$prefix/"; then
    echo "install_test: the files above name the folder they were built or installed in" >&2
    exit 1
fi
"$prefix/bin/eegpu" scan w --lattice 3x3 --cuts prefix >/dev/null

# The CUDA back end finds NVIDIA's libraries, with or without a GPU; with one, the program finds the back end.
plugin=$(dirname "$(find "$prefix" -name libeegpu.so)")/eegpu/eegpu_cuda.so
if [ -f "$EEGPU_BUILD_DIR/eegpu_cuda.so" ]; then
    env -u LD_LIBRARY_PATH python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1]).eg_backend_plugin' "$plugin"
    message=$(env -u EEGPU_PLUGIN_PATH "$prefix/bin/eegpu" scan w --lattice 3x3 --device cuda 2>&1 >/dev/null) || true
    if [[ $message == *"plug-in "* ]]; then
        echo "install_test: the installed back end is not found or not loaded: $message" >&2
        exit 1
    fi
fi

quietly cmake -S "$example" -B "$folder/build" -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$folder/build"
same_as_expected "$folder/build/example" "the example built by find_package, shared"
same_as_expected "$folder/build/example_static" "the example built by find_package, static"

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name eegpu.pc)")
export PKG_CONFIG_PATH
[ "$(pkg-config --modversion eegpu)" = "$version" ] || { echo "install_test: eegpu.pc is not of version $version" >&2 && exit 1; }
libdir=$(pkg-config --variable=libdir eegpu)
read -ra flags <<<"$(pkg-config --cflags eegpu)"
read -ra shared <<<"$(pkg-config --libs eegpu)"
read -ra static <<<"$(pkg-config --libs --static eegpu)"
quietly cc "${flags[@]}" "$example/example.c" -o "$folder/example" "${shared[@]}" "-Wl,-rpath,$libdir"
same_as_expected "$folder/example" "the example built by pkg-config, shared"
quietly cc "${flags[@]}" "$example/example.c" -o "$folder/example_static" "${static[@]/#-leegpu/$libdir/libeegpu.a}"
same_as_expected "$folder/example_static" "the example built by pkg-config, static"
if ldd "$folder/example_static" | grep -q libeegpu; then
    echo "install_test: the static example needs libeegpu.so" >&2
    exit 1
fi

printf '#include <eegpu.h>\nint main() { return eegpu_version() == nullptr; }\n' >"$folder/user.cpp"
quietly c++ -std=c++17 -Wall -Wextra -Werror "${flags[@]}" "$folder/user.cpp" -o "$folder/user" "${shared[@]}" "-Wl,-rpath,$libdir"
"$folder/user"
