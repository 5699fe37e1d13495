#!/usr/bin/env bash
# `scan --stats`: the stages are there, on standard error and in the JSON, they make up the time of the threads, and the numbers of the
# scan are those of a scan without them.
set -u
eegpu=${EEGPU:-build/release/eegpu}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

for source in "random --lattice 1x14 --cuts prefix" "connected --lattice 4x4" "random:kind=complex --lattice 3x4 --method svd"; do
    for threads in 1 3; do
        # shellcheck disable=SC2086  # words
        "$eegpu" scan $source --device cpu --threads $threads --quiet --stats --format json -o "$folder/with.json" 2>"$folder/words" ||
            fail "$source"
        # shellcheck disable=SC2086
        "$eegpu" scan $source --device cpu --threads $threads --quiet --format json -o "$folder/without.json" || fail "$source"
        grep -q '% of them explained' "$folder/words" || fail "$source: no summary"
        python3 - "$folder/with.json" "$folder/without.json" <<'PYTHON' || fail "$source, $threads threads"
import json, sys
with_stats, without = (json.load(open(name)) for name in sys.argv[1:])
assert "stages" not in without
stages = {stage["stage"]: stage for stage in with_stats["stages"]}
assert len(stages) == len(with_stats["stages"]) > 10
assert all(stage["seconds"] >= 0 and stage["bytes"] >= 0 and stage["flops"] >= 0 for stage in stages.values())
assert stages["eigenvalues"]["calls"] + stages["singular values"]["calls"] > 0
total = sum(stage["seconds"] for stage in stages.values())
assert abs(total / with_stats["thread_seconds"] - with_stats["explained"]) < 1e-6
assert 0.5 < with_stats["explained"] < 1.1, with_stats["explained"]
for one, other in zip(with_stats["cuts"], without["cuts"]):
    assert one["s_vn"] == other["s_vn"] and one["error"] == other["error"]
PYTHON
    done
done
"$eegpu" info --stats >/dev/null 2>&1
[ $? -eq 2 ] || fail "info takes --stats"
[ "$failures" -eq 0 ]
