#!/usr/bin/env bash
# `eegpu verify` from outside: exit code 0 with a table and with JSON that says what was compared, on the CPU and beside the emulated
# device; 3 with one line for a planted fault, in an operation or only in a scan; 1 when nothing could be compared; routes that are not taken are
# named; the short table, --all and --quiet; usage errors.
set -u
plugins=$EEGPU_BUILD_DIR/tests/emulated
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export EEGPU_PLUGIN_PATH=$plugins LC_ALL=C
failed=0

# verify CODE FRAGMENT ARGUMENTS...: that exit code; on standard error nothing (FRAGMENT empty), or one line with the fragment
verify() {
    local code=$1 fragment=$2 got=0 lines
    shift 2
    "$EEGPU" verify "$@" >stdout 2>stderr </dev/null || got=$?
    lines=$(wc -l <stderr)
    if [ $got -ne "$code" ] || { [ -z "$fragment" ] && [ -s stderr ]; } || { [ -n "$fragment" ] && [ "$lines" -ne 1 ]; } ||
        ! grep -qF -e "$fragment" <(cat stderr && echo); then
        echo "FAILED: eegpu verify $* ended with $got, not $code with '$fragment': $(head -n 3 stderr)"
        failed=1
    fi
}
# says FRAGMENT FILE
says() {
    if ! grep -qF -e "$1" "$2"; then
        echo "FAILED: '$1' is not in: $(head -n 30 "$2")"
        failed=1
    fi
}
# json CONDITION: of `d`, the object in x.json
json() {
    if ! python3 -c "import json, math, sys; d = json.load(open('x.json')); sys.exit(not ($1))"; then
        echo "FAILED: the JSON does not have: $1"
        failed=1
    fi
}

# ---- The CPU ----
verify 0 '' connected --lattice 3x3 --cuts prefix --device cpu
says '8 of 8 cuts compared and agree, 0 not compared' stdout
says 'devices: cpu' stdout
says 'with the reference' stdout
says '"gram, plain" the same without the exact reductions' stdout
verify 0 '' w --lattice 3x3 --cuts connected --device cpu
[ "$(grep -c ' agree$' stdout)" -eq 20 ] || { echo 'FAILED: a short table has 20 rows' && failed=1; }
says 'worst difference for its bound' stdout
verify 0 '' w --lattice 3x3 --cuts connected --device cpu --all
rows=$(grep -c ' agree$' stdout)
says "$rows of $rows cuts compared and agree" stdout
[ "$rows" -gt 20 ] || { echo 'FAILED: --all shows all rows' && failed=1; }
verify 0 '' w --lattice 3x3 --cuts connected --device cpu --quiet
[ "$(cat stdout)" = "$rows of $rows cuts compared and agree, 0 not compared" ] || { echo 'FAILED: --quiet is the verdict' && failed=1; }
verify 0 '' random:kind=complex --lattice 2x3 --cuts contiguous --device cpu -o x.json
json "d['agrees'] and d['disagreements'] == 0 and d['message'] is None and d['devices'] == ['cpu'] and d['no_gpu'] is None"
json "d['cuts_agreeing'] == len(d['cuts']) and d['cuts_not_compared'] == 0"
json "d['lattice'] == [2, 3] and d['unit'] == 'nat' and d['source'] == 'random:kind=complex' and len(d['cuts']) > 5"
json "len(d['operations']) > 100 and all(o['agrees'] and o['difference'] <= o['bound'] and o['device'] == 'cpu' for o in d['operations'])"
json "all(c['agrees'] and c['difference'] <= c['bound'] and [(r['method'], r['reduce']) for r in c['routes']] == [('gram', 'auto'), ('gram', 'off'), ('svd', 'auto')] for c in d['cuts'])"
json "all(r['taken'] and not r['failed'] and abs(r['s_vn'] - c['routes'][0]['s_vn']) < 1e-12 and r['error'] < 1e-9 and set(r['renyi']) == {'0', '2', 'inf'} for c in d['cuts'] for r in c['routes'])"
"$EEGPU" verify w --lattice 2x3 --format json --quiet >x.json 2>stderr || failed=1
json "d['agrees'] and all(r['rank'] == 2 for c in d['cuts'] for r in c['routes'])"
printf '\0\0\10\3\0\0\0\3\0\0\0\2\0\0\0\2\377\0\0\377\377\377\0\0\0\0\377\0' >images.idx
verify 0 '' images:file=images.idx --device cpu -o x.json --quiet
json "d['agrees'] and d['lattice'] == [2, 2]"

# ---- Routes that are not taken ----
verify 0 '' random --lattice 4x4 --cuts prefix --device cpu --memory 3M -o x.json
json "d['agrees'] and any(not r['taken'] and 'memory limit' in r['reason'] for c in d['cuts'] for r in c['routes'])"
json "all('reason' in r or r['taken'] for c in d['cuts'] for r in c['routes'])"
verify 0 '' random --lattice 4x4 --cuts prefix --device cpu --memory 3M
says 'not taken for lack of memory by gram on cpu; gram, plain on cpu: cut 7 (' stdout
says 'not compared: one route only' stdout
says '14 of 15 cuts compared and agree, 1 not compared' stdout
verify 1 'no cut could be compared' random --lattice 4x4 --cuts prefix --device cpu --memory 1M
says 'not compared: no route' stdout
says '0 of 15 cuts compared and agree, 15 not compared' stdout
[ "$(grep -c 'memory limit' stdout)" -eq 1 ] || { echo 'FAILED: the lack of memory is said once' && failed=1; }
verify 1 'memory limit' random --lattice 4x4 --cuts prefix --device cpu --memory 1M -o x.json
json "d['agrees'] is None and 'memory limit' in d['message'] and d['cuts_not_compared'] == 15 and all(c['agrees'] is None for c in d['cuts'])"

# ---- No GPU: CUDA_VISIBLE_DEVICES hides what there is ----
CUDA_VISIBLE_DEVICES= verify 0 '' w --lattice 2x2
says 'devices: cpu only (no GPU: ' stdout
CUDA_VISIBLE_DEVICES= "$EEGPU" verify w --lattice 2x2 -o x.json 2>stderr || failed=1
says 'no GPU: ' stderr
json "d['devices'] == ['cpu'] and len(d['no_gpu']) > 5"
CUDA_VISIBLE_DEVICES= verify 1 'cuda' w --lattice 2x2 --device cuda

# ---- Usage ----
verify 2 'needs a SOURCE' --device cpu
verify 2 'expected auto, cpu, cuda or cuda:K' w --device gpu
verify 2 'expected table|json' w --format csv
verify 2 "no option '--method'" w --method svd
verify 2 'cut' w --cuts nothing
verify 2 'would replace' images:file=images.idx -o images.idx
verify 1 'device' w --device cuda:1023 -o y.json
verify 1 'nowhere' w -o nowhere/x.json
[ ! -e y.json ] || { echo 'FAILED: an output without a verification' && failed=1; }

# ---- Beside the emulated device ----
if [ -e "$plugins/eegpu_emulated.so" ]; then
    verify 0 '' connected --lattice 2x4 --cuts lines --device emulated -o x.json
    json "d['agrees'] and d['devices'] == ['cpu', 'emulated:0'] and all(len(c['routes']) == 6 for c in d['cuts'])"
    json "sum(o['device'] == 'cpu' for o in d['operations']) == sum(o['device'] == 'emulated:0' for o in d['operations']) > 100"
    export EEGPU_EMULATED_WRONG=cublasDsyrk:1
    verify 3 'gram real, 1 row: emulated:0 and cpu with one thread differ by 0.125' random --lattice 2x3 --cuts prefix --device emulated -o x.json
    json "not d['agrees'] and d['disagreements'] > 3 and 'gram real' in d['message'] and not all(c['agrees'] for c in d['cuts'])"
    # the calls of the operations are right, those of the scans are wrong
    calls=$(python3 -c "import json; print(sum(1 + ('added' in o['name']) for o in json.load(open('x.json'))['operations'] if o['name'].startswith('gram real') and o['device'] == 'emulated:0'))")
    export EEGPU_EMULATED_WRONG=cublasDsyrk:$((calls + 1))
    verify 3 'on emulated:0' random --lattice 2x3 --cuts prefix --device emulated -o x.json
    json "not d['agrees'] and all(o['agrees'] for o in d['operations']) and not any(c['agrees'] for c in d['cuts'])"
    json "any(not c['agrees'] and c['difference'] > c['bound'] and c['quantity'] for c in d['cuts'])"
    verify 3 'on emulated:0' random --lattice 2x3 --cuts prefix --device emulated
    says 'DIFFER by more than their errors' stdout
    says 'FAILED by svd on emulated:0' stdout
    says 'faulty libraries or memory of emulated:0?' stdout
    unset EEGPU_EMULATED_WRONG
    EEGPU_EMULATED_INFO=1 verify 3 'did not converge' random --lattice 2x2 --device emulated -o x.json
    json "any(r['failed'] and r['taken'] and 'did not converge' in r['reason'] for c in d['cuts'] for r in c['routes'])"
    EEGPU_EMULATED_DEVICES=0 verify 1 'emulated' w --device emulated
elif [ "${EEGPU_REQUIRE_EMULATION:-}" = 1 ]; then
    echo "FAILED: no emulated device in $plugins"
    failed=1
fi
exit $failed
