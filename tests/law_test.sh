#!/usr/bin/env bash
# `eegpu law` from outside: verdicts, JSON, results read back, words for what cannot be done. EEGPU names the program.
set -u
program=${EEGPU:-eegpu}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export LC_ALL=C
unset COLUMNS
failed=0
bad() {
    echo "FAILED  $1"
    failed=1
}

# says FRAGMENT ARGUMENTS...: exit code 0, silence on standard error, the fragment on standard output
says() {
    local fragment=$1
    shift
    if ! "$program" law "$@" --quiet >stdout 2>stderr </dev/null; then
        bad "law $*: $(head -n 1 stderr)"
    elif [ -s stderr ] || ! grep -qF -e "$fragment" stdout; then
        bad "law $* does not say: $fragment"
    else
        echo "ok      law $*: $fragment"
    fi
}
# fails CODE FRAGMENT ARGUMENTS...: that exit code, one line with the fragment, nothing written
fails() {
    local code=$1 fragment=$2 got
    shift 2
    "$program" law "$@" >stdout 2>stderr </dev/null
    got=$?
    if [ $got -ne "$code" ] || [ -s stdout ] || [ "$(wc -l <stderr)" -ne 1 ] || ! grep -qF -e "$fragment" stderr; then
        bad "law $* fails with $code, $fragment (got $got: $(head -n 1 stderr))"
    else
        echo "ok      law $* fails: $fragment"
    fi
}

says 'verdict: area law' loops --lattice 4x4
says 'Kitaev-Preskill   0.693147' loops --lattice 4x4
says 'Levin-Wen         the lattice is too small: at least 5x5' loops --lattice 4x4
says 'Kitaev-Preskill   1.000000' loops --lattice 4x4 --base 2
says 'Assumption 1 (rows) holds for every cut with r = 1, Assumption 2 (columns) with r = 1' loops --lattice 4x4 --cuts lines
says 'Assumption 2 fails at r = 1' loops --lattice 3x3
says 'verdict: volume law' random --lattice 4x4
says 'verdict: log law' majority --lattice 4x4
says 'verdict: undecided' random --lattice 2x2
says 'what would tell:' random --lattice 2x2
says 'S = 0 for every cut' product --lattice 3x3
says 'central charge' dyck --lattice 1x16 --cuts prefix
says 'Theorem 2  holds' loops --lattice 3x4 --check-theory
says 'Theorem 2  not applicable' random --lattice 3x4 --check-theory
says 'Property 3 holds' random --lattice 3x4 --check-theory
says 'S / L_A = ' cnn:channels=3,layers=2 --lattice 3x3 --check-theory
says 'rank above 2' w --lattice 1x16 --cuts prefix
says 'too few different cuts: 5 shapes' randomset:count=50 --lattice 5x6 --cuts lines
says '"verdict":"area"' loops --lattice 4x4 --format json
says '"r":2,"r_assumption_1":1,"r_assumption_2":2' loops --lattice 4x4 --format json

# What was fitted, in words: on a lattice the logarithm alone, on a chain its form there.
says '"formula":"S = c + a log min(N_A, N_B)"' loops --lattice 4x4 --format json
says 'logarithm: log min(N_A, N_B)' loops --lattice 4x4
says '"formula":"S = c + a logarithm + b bonds"' dyck --lattice 1x10 --format json
says 'logarithm: after l of the N pixels' dyck --lattice 1x16 --cuts prefix
says 'end: the sum of 1/d^2' dyck --lattice 1x16 --cuts prefix
says 'if this is the ground state of a critical chain' dyck --lattice 1x16 --cuts prefix
says 'spread: sample standard deviation' loops --lattice 4x4
says 'gauge freedom not removed' loops --lattice 4x4
says 'only where the area law holds' loops --lattice 4x4
says 'no meaning here: no area law' random --lattice 4x4
says 'cuts at least one assumption holds only because R_r is the whole side' loops --lattice 4x4
says 'R_r is the whole side and more than its boundary' loops --lattice 4x4
says 'and 102 more cuts: --format json has all' connected --lattice 4x5
says 'verdict: volume law, as above' random --lattice 4x4
says '"aicc_unit":"nat"' loops --lattice 3x3 --base 2 --format json

# Rounding is not shown, and errors that are not defined are a dash.
for source in 'product --lattice 3x3' 'product --lattice 1x3' 'loops --lattice 2x3' 'ghz --lattice 2x2' 'ghz --lattice 3x3'; do
    # shellcheck disable=SC2086 # words
    "$program" law $source --quiet >stdout || bad "law $source"
    if grep -qE -e '\bnan\b|-0\.0*\b|[0-9]e-1[3-9]' stdout; then
        bad "law $source shows rounding: $(grep -m 1 -E -e '\bnan\b|-0\.0*\b|[0-9]e-1[3-9]' stdout)"
    else
        echo "ok      law $source shows no rounding"
    fi
done

"$program" scan loops --lattice 4x4 --quiet -o scan.json || bad 'scan'
"$program" scan w --lattice 1x16 --cuts prefix --quiet -o w.json || bad 'scan'
says 'rank above 2' w.json
fails 2 'asks for CSV' loops --lattice 3x3 -o table.csv
"$program" scan loops --lattice 4x4 --base 2 --quiet -o bits.json || bad 'scan'
says 'verdict: area law' scan.json
says 'entropies read from scan.json' scan.json
says '"r":null' scan.json --format json
says '"source":"loops"' scan.json --format json

# The same law from the function, from its scan, and from its scan in bits: the lines of the fits.
"$program" law loops --lattice 4x4 --quiet | grep -A 7 'fit of S' >direct
for file in scan.json bits.json; do
    "$program" law $file --quiet | grep -A 7 'fit of S' >indirect
    cmp -s direct indirect || bad "law $file differs from the law of the function"
done

# JSON by the ending of the output, whole or not at all, and the same whatever the threads but for the time and the command.
"$program" law loops --lattice 3x4 --quiet --threads 1 -o one.json || bad 'law -o one.json'
"$program" law loops --lattice 3x4 --quiet --threads 2 --format json -o two.json || bad 'law -o two.json'
strip() { sed -e 's/"command":"[^"]*"//' -e 's/"seconds":[^}]*//' "$1"; }
[ "$(strip one.json)" = "$(strip two.json)" ] || bad 'threads change the JSON'
if command -v python3 >/dev/null; then
    python3 -c 'import json,sys; d=json.load(open("one.json")); sys.exit(not (len(d["cuts"])>9 and d["fits"][0]["model"]=="constant"))' ||
        bad 'one.json is not what it should be'
    "$program" law ghz --lattice 1x8 --cuts prefix --quiet --format json >few.json
    cat >members.py <<'PYTHON'
import json
from math import log
for name in ("one.json", "few.json"):
    found = json.load(open(name))
    fits = found["fits"]
    assert all(list(fit) == list(fits[0]) and list(fit["slopes"]) == list(fit["slope_errors"]) for fit in fits), name
    assert all(fit["solved"] or fit["intercept"] is None and not any(fit["slopes"].values()) for fit in fits), name
    for cut in found["cuts"]:
        sides = [cut["assumption_1"], cut["assumption_2"]]
        assert [cut["r_a"], cut["r_b"]] == [side["r"] for side in sides] and cut["r"] == max(cut["r_a"], cut["r_b"])
        assert abs(cut["bound"] - log(2) * min(side["pixels"] for side in sides)) < 1e-12 and cut["s_vn"] <= cut["bound"] + 1e-9
assert not all(fit["solved"] for fit in fits)
PYTHON
    python3 members.py || bad 'members of the JSON'
fi

# A text from a file does not drive the terminal.
sed 's/"source":"loops"/"source":"a\\u001b]0;x\\u0007\xe2\x80\xaeb\xc3\xa9"/' scan.json >hostile.json
says "$(printf 'a?]0;x??b\303\251, 4x4')" hostile.json

fails 1 'another command' one.json
sed 's/"eegpu":"[0-9]*/"eegpu":"99/' scan.json >newer.json
fails 1 'written by eegpu 99.' newer.json
head -c 2000 scan.json >short.json
fails 1 'truncated' short.json
sed 's/"pixels":16/"pixels":15/' scan.json >pixels.json
fails 1 'the lattice of 4x4' pixels.json
sed 's/"pixels":\[3\]/"pixels":[0]/' scan.json >repeated.json
fails 1 'are the same' repeated.json
printf '0 1\n2\n0 1\n' >twice
fails 2 'cut 0 and cut 2 are the same region' connected --cuts twice
sed '0,/"error":[^,]*/s//"error":0.5/' scan.json >vague.json
fails 1 'error = 0.5 nat' vague.json
printf 'hello' >words.json
fails 1 'no JSON' words.json
: >empty.json
fails 1 'empty' empty.json
fails 1 'none.json' none.json
fails 2 '--lattice needs the function' scan.json --lattice 4x4
fails 2 '--cuts needs the function' scan.json --cuts lines
fails 2 '--max-size needs the function' scan.json --max-size 2
fails 2 '--memory needs the function' scan.json --memory 1GiB
fails 2 '--device needs the function' scan.json --device cpu
fails 2 '--check-theory needs the function' scan.json --check-theory
fails 2 'would replace' scan.json -o scan.json
fails 2 'needs a SOURCE' --quiet
fails 2 'format' loops --format csv
fails 2 "did you mean '--check-theory'" loops --check-theorie
[ -z "$(ls -A . | grep '^\.')" ] || bad 'hidden files are left'

exit $failed
