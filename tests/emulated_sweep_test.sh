#!/usr/bin/env bash
# Every CUDA, cuBLAS and cuSOLVER call of a scan fails once: each run must end with exit code 1 and one line that says what failed, or
# with the very numbers of an undisturbed run where the engine can do without the call. Never a crash, a wrong number, a sanitizer's
# report, or something not given back (exit code 99). The calls are those of the emulated device, whose library counts them.
set -u
plugins=$EEGPU_BUILD_DIR/tests/emulated
if [ ! -e "$plugins/eegpu_emulated.so" ]; then
    echo "Skipped: no emulated device in $plugins"
    [ "${EEGPU_REQUIRE_EMULATION:-}" != 1 ]
    exit $(($? == 0 ? 77 : 1))
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
export EEGPU_PLUGIN_PATH=$plugins LC_ALL=C

declare -A expected

# without_times FILE: a CSV without its last column
without_times() {
    local line
    while IFS= read -r line; do echo "${line%,*}"; done <"$1"
}

# one WORKER KIND NUMBER ARGUMENTS...: a run in which call NUMBER fails; a line on standard output when something is not as it must be
one() {
    local files=$folder/worker-$1 kind=$2 number=$3 code=0 said
    shift 3
    EEGPU_EMULATED_FAIL=any:$number "$EEGPU" scan "$@" --device emulated --threads 2 --format csv --quiet >"$files.out" 2>"$files.err" </dev/null ||
        code=$?
    said=$(<"$files.err")
    if [ $code -eq 0 ] && [ -z "$said" ]; then
        [ "$(without_times "$files.out")" = "${expected[$kind]}" ] || echo "$kind, call $number: exit code 0 with other numbers"
    elif [ $code -ne 1 ]; then
        echo "$kind, call $number: exit code $code: ${said:0:400}"
    elif [[ $said != "eegpu: "????????????????????* || $said == *$'\n'* || -s $files.out ]]; then
        echo "$kind, call $number: said: $said"
    fi
    echo "$code" >>"$files.codes"
}

# work WORKER: every so manieth of the runs
work() {
    local number=0 words
    while read -ra words; do
        [ $((number++ % workers)) -ne "$1" ] || one "$1" "${words[@]}"
    done <"$folder/runs" >"$folder/trouble-$1"
}

# A few images as IDX: 6 of 3 x 2 pixels.
printf '\0\0\10\3\0\0\0\6\0\0\0\3\0\0\0\2' >"$folder/images.idx"
printf '\377\0\0\377\0\377\0\0\377\377\0\0\377\377\377\0\0\0\0\377\0\377\0\377\377\0\377\0\377\0\0\0\0\377\377\377' >>"$folder/images.idx"

echo 2 >"$folder/region.txt" # one region of one pixel

# kind|arguments of the scan. The first opens the device and does nothing more; the others, which begin with the same calls, are made to
# fail from there on.
kinds="opening|random --lattice 1x3 --cuts prefix --dry-run
real|random --lattice 1x3 --cuts prefix --method gram
complex|random:kind=complex --lattice 1x3 --cuts prefix --method gram
network|cnn:channels=2,layers=2,pools=1 --lattice 2x2 --cuts prefix --dry-run
merged|ising:beta=0.4 --lattice 2x2 --cuts lines --method gram
svd|random --lattice 1x3 --cuts prefix --method svd
complex-svd|random:kind=complex --lattice 1x2 --cuts prefix --method svd
bits|randomset:seed=2 --lattice 1x8 --cuts $folder/region.txt
bits-svd|connected --lattice 2x2 --cuts lines --method svd
bits-plain|connected --lattice 2x2 --cuts lines --reduce off
images|images:file=$folder/images.idx --cuts prefix --max-size 1"

opening=0
while IFS='|' read -r kind arguments; do
    read -ra words <<<"$arguments"
    rm -f "$folder/count"
    if ! EEGPU_EMULATED_COUNT=$folder/count "$EEGPU" scan "${words[@]}" --device emulated --threads 2 --format csv --quiet >"$folder/$kind.csv" </dev/null; then
        echo "FAILED: $kind: the undisturbed run"
        exit 1
    fi
    expected[$kind]=$(without_times "$folder/$kind.csv")
    calls=$(tail -n 1 "$folder/count" | grep -oE '[0-9]+$')
    echo "$kind: ${calls:-no} calls"
    if [ "${calls:-0}" -lt $((opening + 10)) ]; then
        echo "FAILED: $kind: too few calls are counted"
        exit 1
    fi
    for number in $(seq $((opening + 1)) "$calls"); do
        printf '%s\n' "$kind $number $arguments"
    done >>"$folder/runs"
    [ "$kind" != opening ] || opening=$calls
done <<<"$kinds"

workers=$(($(nproc) + 1))
for worker in $(seq 0 $((workers - 1))); do work "$worker" & done
wait
cat "$folder"/worker-*.codes >"$folder/codes"
cat "$folder"/trouble-* >"$folder/trouble"
echo "$(wc -l <"$folder/runs") runs, $(grep -c '^0$' "$folder/codes") of them to the end all the same"
[ "$(wc -l <"$folder/codes")" -eq "$(wc -l <"$folder/runs")" ] || echo "some runs left no word" >>"$folder/trouble"
if [ -s "$folder/trouble" ]; then
    sed 's/^/FAILED: /' "$folder/trouble" | head -n 40
    exit 1
fi
