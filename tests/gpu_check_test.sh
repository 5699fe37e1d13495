#!/usr/bin/env bash
# scripts/gpu-check without a GPU (where there is one, it is hidden): exit 1, one clear line, and nothing in bench/results. The pages
# that it would write are made of what bench --from says.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$EEGPU_SOURCE_DIR"
results() { find bench/results -type f -exec cksum {} + | sort; }
before=$(results)
export CUDA_VISIBLE_DEVICES=
unset CUDACXX EEGPU_DEPS

# expect STATUS PATTERN ARGUMENTS...: how gpu-check ends and what it says
expect() {
    local status=0 output
    output=$(scripts/gpu-check "${@:3}" 2>&1) || status=$?
    # shellcheck disable=SC2053  # a pattern is wanted
    if [ "$status" -ne "$1" ] || [[ $output != $2 ]] || [ "$(wc -l <<<"$output")" -ne 1 ]; then
        printf 'gpu_check_test: expected %s "%s", got %s "%s"\n' "$1" "$2" "$status" "$output" >&2
        exit 1
    fi
}
expect 2 'usage: *' --largest
expect 2 'usage: *' --largest many
for word in EEGPU_DEPS CUDA_HOME bench/results; do
    scripts/gpu-check --help | grep -q "$word" || { echo "gpu_check_test: --help does not explain $word" >&2 && exit 1; }
done
EEGPU_DEPS=/nonexistent expect 1 "gpu-check: EEGPU_DEPS='/nonexistent' has no usr/include; *"
printf '#!/bin/sh\nexit 1\n' >"$folder/nvcc"
chmod +x "$folder/nvcc"
CUDACXX=$folder/nvcc expect 1 "gpu-check: $folder/nvcc cannot build a program: *"
if command -v "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" nvcc >/dev/null; then
    reason='*'
    /sbin/ldconfig -p | grep -q 'libcuda\.so\.1' || reason='there is no NVIDIA driver here'
    expect 1 "gpu-check: no GPU that CUDA can use: $reason"
    EEGPU_DEPS=/ expect 1 'gpu-check: no GPU that CUDA can use: *' --no-timings --largest 1024
else
    expect 1 'gpu-check: no nvcc in *'
fi
[ "$(results)" = "$before" ] || { echo "gpu_check_test: bench/results has changed" >&2 && exit 1; }

cat >"$folder/result.json" <<'RESULT'
{"eegpu": "0.1.0", "kind": "bench", "quick": false, "threads": 8, "devices": [{"name": "cuda:0", "model": "A device", "driver": "580.1"}],
 "cases": [
 {"name": "copy", "size": 24, "counts": "pixels", "device": "cuda:0", "rate": 3100.5, "unit": "GB/s", "limit": 3350, "percent": 92.6,
  "limited_by": "copying", "seconds": {"min": 0.0000012, "median": 0.0000015, "upper_quartile": 0.0000016, "runs": 5}},
 {"name": "eigenvalues", "size": 512, "counts": "rows", "device": "cuda:0", "rate": null, "unit": "", "limit": null, "percent": null,
  "limited_by": null, "seconds": {"min": 0.02, "median": 0.021, "upper_quartile": 0.022, "runs": 3}}]}
RESULT
python3 bench/peers/gpu_spectra.py "$folder/result.json" --largest 256 >/dev/null
"$EEGPU" bench --from "$folder/result.json" | tr -s ' ' >"$folder/result.txt"
for line in 'cuda:0: A device' 'copy 24 pixels 1.20 us 1.50 us 5 3.1e+03 GB/s 93 %' 'eigenvalues 512 rows 20.0 ms 21.0 ms 3 '; do
    grep -qxF "$line" "$folder/result.txt" || { cat "$folder/result.txt" && echo "gpu_check_test: no line $line" >&2 && exit 1; }
done
