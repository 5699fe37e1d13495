#!/usr/bin/env bash
# scripts/gpu-check without a GPU (where there is one, it is hidden): exit 1, one clear line, and nothing in bench/results. The pages
# that it would write.
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
EEGPU_DEPS=/nonexistent expect 1 "gpu-check: EEGPU_DEPS='/nonexistent' has no usr/include; *"
printf '#!/bin/sh\nexit 1\n' >"$folder/nvcc"
chmod +x "$folder/nvcc"
CUDACXX=$folder/nvcc expect 1 "gpu-check: $folder/nvcc cannot build a program: *"
if command -v "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" nvcc >/dev/null; then
    expect 1 'gpu-check: no GPU that CUDA can use: *'
    EEGPU_DEPS=/ expect 1 'gpu-check: no GPU that CUDA can use: *' --no-timings --largest 1024
else
    expect 1 'gpu-check: no nvcc in *'
fi
[ "$(results)" = "$before" ] || { echo "gpu_check_test: bench/results has changed" >&2 && exit 1; }

cat >"$folder/result.json" <<'RESULT'
{"device": "A device", "facts": {"driver": "580.1"}, "cases": [
 {"name": "copy", "size": 1048576, "seconds": {"min": 0.0000012, "median": 0.0000015, "runs": 5}, "rate": 3100.5, "unit": "GB/s",
  "limit": 3350, "percent": 92.6},
 {"name": "eigenvalues", "size": 512, "seconds": {"min": 0.02, "median": 0.021, "runs": 3}}]}
RESULT
python3 bench/peers/gpu_spectra.py "$folder/result.json" --largest 256 >/dev/null
bench/device-table "$folder/result.json" >"$folder/result.md"
for line in '# A device' '| driver | 580.1 |' '| copy | 1048576 | 1.5 us | 1.2 us | 5 | 3,100 GB/s | 3,350 | 93 % |' \
    '| eigenvalues | 512 | 21 ms | 20 ms | 3 |  |  |  |'; do
    grep -qxF "$line" "$folder/result.md" || { cat "$folder/result.md" && echo "gpu_check_test: no line $line" >&2 && exit 1; }
done
