#!/usr/bin/env bash
# What the build left of the CUDA back end: no kernel spills registers to memory, the program and the library link nothing of
# NVIDIA's, the plug-in cuBLAS and cuSOLVER but not the driver, which it would then not start without.
set -u
bad=0
# needed FILE: the libraries it is linked with
needed() { readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p'; }
complain() { echo "spills_test: $1" >&2 && bad=1; }

for file in eegpu libeegpu.so; do
    ! needed "$EEGPU_BUILD_DIR/$file" | grep -E 'cuda|cublas|cusolver|nvidia' || complain "$file is linked with the libraries above"
done
plugin=$EEGPU_BUILD_DIR/eegpu_cuda.so
if [ ! -f "$plugin" ]; then
    echo "Skipped: the CUDA back end is not built"
    exit $((bad ? 1 : 77))
fi
for library in cublas cusolver; do
    needed "$plugin" | grep -q "^lib$library\.so" || complain "eegpu_cuda.so is not linked with $library"
done
! needed "$plugin" | grep -E '^lib(cuda|cudart|openblas|eegpu)\.' || complain "eegpu_cuda.so is linked with the libraries above"

kernels=0
for source in "$EEGPU_SOURCE_DIR"/kernels/*.cu; do
    log=$EEGPU_BUILD_DIR/CMakeFiles/eegpu_kernels.dir/kernels/${source##*/}.o.log
    found=$(grep -c 'Compiling entry function' "$log")
    [ "$found" -gt 0 ] || complain "$log has no kernel"
    [ "$(grep -c 'bytes spill stores' "$log")" -ge "$found" ] || complain "$log does not say what every kernel spills"
    awk -v file="${source##*/}" '
        /Function properties for/ { name = $NF }
        /bytes spill stores/ && !/ 0 bytes spill stores, 0 bytes spill loads/ { print file ": " name ":" $0; bad = 1 }
        END { exit bad }' "$log" || complain "the kernels above spill registers"
    kernels=$((kernels + found))
done
echo "spills_test: $kernels kernels"
exit $bad
