#!/usr/bin/env bash
# `eegpu cnn` from outside: the table, the JSON (read by python3 where there is one), --yes, wrong usage, interruption; and weights
# that numpy wrote, where it is there. EEGPU names the program.
set -u
program=${EEGPU:-eegpu}
source=${EEGPU_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/out"
cd "$folder" || exit 1
export LC_ALL=C
failed=0

# verdict WHAT: the exit code of the command before decides
verdict() {
    if [ $? -eq 0 ]; then echo "ok      $1"; else echo "FAILED  $1" && failed=1; fi
}

# fails CODE FRAGMENT ARGUMENTS...: that exit code, one line on standard error with the fragment, nothing written
fails() {
    local code=$1 fragment=$2
    shift 2
    "$program" "$@" >stdout 2>stderr </dev/null
    [ $? -eq "$code" ] && [ ! -s stdout ] && [ "$(wc -l <stderr)" -eq 1 ] && grep -qF -e "$fragment" stderr && [ -z "$(ls -A out)" ]
    verdict "eegpu $* fails with $code: $fragment (said: $(head -n 1 stderr))"
    rm -rf out && mkdir out
}

# ---- What it writes ----

"$program" cnn --lattice 3x3 --channels 1,2,4 --layers 1,2 --seeds 3 >table 2>stderr && [ "$(cat stderr)" = "eegpu: device cpu (this sweep is too short for a GPU to pay)" ] &&
    "$program" cnn --lattice 3x3 --channels 1 --layers 1 --seeds 1 --quiet >/dev/null 2>stderr && [ ! -s stderr ]
verdict "a sweep says its device on standard error, with --quiet nothing"
grep -q '^ *n_c *D *parameters' table && grep -q 'n_c log D' table && grep -q '^D ~ D_0^(1/n_c): ' table && grep -q "Page's value" table
verdict "the table has means, fits and findings"
[ "$(grep -cE '^ +[12] +[124] +[0-9]+ +3 ' table)" -eq 6 ] && [ "$(grep -cE '^ +[12] +[124] .* (0-2|3-5|6-8|9-11|12-14|15-17)$' table)" -eq 6 ]
verdict "a line for each n_c and D, with its seeds"

"$program" cnn --lattice 3x3 --channels 4,1,2 --layers 1,2 --seeds 3 -o out/a.json && "$program" cnn --lattice 3x3 --channels 1,2,4 \
    --layers 2,1 --seeds 3 --threads 1 --base 2 --format json >bits.json
verdict "JSON by the ending and by --format"
if command -v python3 >/dev/null; then
    python3 - <<'CHECK'
import json, math
a, b = json.load(open('out/a.json')), json.load(open('bits.json'))
assert a['unit'] == 'nat' and b['unit'] == 'bit' and a['lattice'] == [3, 3] and a['pixels'] == 9 and a['cuts_family'] == 'middle'
assert a['command'].startswith('eegpu cnn --lattice 3x3') and len(a['networks']) == 18 and len(a['cells']) == 6
for one, two in zip(a['networks'], b['networks']):
    assert one['source'] == two['source'] and one['zero'] == two['zero']
    if not one['zero']:
        assert math.isclose(one['s_vn'], two['s_vn'] * math.log(2), rel_tol=1e-9, abs_tol=1e-12)
        assert math.isclose(one['s_vn_per_boundary'] * 3, one['s_vn'], rel_tol=1e-12)
for cell in a['cells']:
    found = [n['s_vn'] for n in a['networks'] if n['layers'] == cell['layers'] and n['channels'] == cell['channels'] and not n['zero']]
    assert cell['networks'] == 3 and cell['networks'] - cell['zero'] == len(found)
    if found:
        assert math.isclose(sum(found) / len(found), cell['s_vn'], rel_tol=1e-12, abs_tol=1e-15)
assert [n['seed'] for n in a['networks']] == list(range(18)) and all(f",seed={n['seed']}" in n['source'] for n in a['networks'])
assert [(c['first_seed'], c['last_seed']) for c in a['cells']] == [(k, k + 2) for k in range(0, 18, 3)]
for m in a['equal_entropy']:
    for key in 'found', 'least', 'most':
        assert m[key + '_is'] in ('within', 'below', 'above', 'unknown') and (m[key] is None or m[key] == 0) == (m[key + '_is'] != 'within')
names = [f['model'] for f in a['fits']]
assert names == ['n_c log D', 'log D', 'n_c', 'log D and n_c', 'log D for each n_c', 'constant'], names
assert a['verdict'] in names + ['undecided'] and len(a['findings']) == 3 and len(a['equal_entropy']) == 2
assert [m['channels_0'] for m in a['equal_entropy']] == [2, 4] and {m['answer'] for m in a['equal_entropy']} <= {'holds', 'fails', 'untold'}
y = [n['s_vn_per_boundary'] for n in a['networks'] if not n['zero']]
x = [n['layers'] * math.log(n['channels']) for n in a['networks'] if not n['zero']]
mx, my = sum(x) / len(x), sum(y) / len(y)
slope = sum((p - mx) * (q - my) for p, q in zip(x, y)) / sum((p - mx) ** 2 for p in x)
assert math.isclose(slope, a['fits'][0]['slope'], rel_tol=1e-9, abs_tol=1e-12), (slope, a['fits'][0])
CHECK
    verdict "the JSON: units, means, models, the slope"
    network=$(python3 -c "import json; print(json.load(open('out/a.json'))['networks'][7]['source'])")
    printf '0 1 2\n' >region
    "$program" scan "$network" --lattice 3x3 --cuts region --quiet --format json >scan.json && python3 -c "
import json, math
s = json.load(open('scan.json'))['cuts'][0]; n = json.load(open('out/a.json'))['networks'][7]
assert math.isclose(s['s_vn'], n['s_vn'], rel_tol=1e-10, abs_tol=1e-12), (s, n)"
    verdict "a network of the sweep, scanned by itself"
fi
rm -f out/*
"$program" cnn --lattice 2x3 --cuts lines --channels 2 --layers 1 --seeds 1 | grep -q '3 cuts (lines)'
verdict "a family of cuts"
"$program" cnn --lattice 2x2 --channels 2 --layers 1 --seeds 1 | grep -q 'cannot be told from this sweep'
verdict "one network: what cannot be told is said"

# ---- Long sweeps ----

fails 2 "start it with --yes" cnn --lattice 5x6 --channels 32 --layers 3 --seeds 5
fails 2 "would take about" cnn --lattice 5x6 --channels 32 --layers 3 --seeds 5 -o out/a.json
"$program" cnn --lattice 5x6 --channels 32 --layers 3 --seeds 5 --yes -o out/a.json >stdout 2>stderr &
process=$!
for _ in $(seq 100); do [ -s stderr ] && break; sleep 0.1; done
kill -TERM $process
wait $process
[ $? -eq 130 ] && grep -q 'this sweep of 5 networks will take about' stderr && [ -z "$(ls -A out)" ]
verdict "with --yes the time is said first, the sweep begins, and can be stopped (said: $(head -n 1 stderr))"

"$program" cnn --lattice 5x6 --channels 256 --layers 16 --seeds 1 --yes >stdout 2>stderr &
process=$!
for _ in $(seq 100); do [ -s stderr ] && break; sleep 0.1; done
sleep 0.5
kill -TERM $process
wait $process
[ $? -eq 130 ] && grep -q '^eegpu: sweeping networks: stopped on request' stderr && ! grep -q ': :' stderr
verdict "a large network is stopped, and says what was (said: $(tail -n 1 stderr))"
fails 1 "no room for the amplitudes of a network" cnn --lattice 6x6 --memory 1G

# ---- Usage ----

fails 2 "channels" cnn --channels 0
fails 2 "channels" cnn --channels 1,,2
fails 2 "there twice" cnn --channels 2,2
fails 2 "layers" cnn --layers 17
fails 2 "more than 16" cnn --channels 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
fails 2 "odd" cnn --kernel 2
fails 2 "pools=2" cnn --pools 2
fails 2 "too small" cnn --lattice 1x8 --pools 1
fails 2 "relu|tanh" cnn --activation gelu
fails 2 "he|xavier" cnn --init zero
fails 2 "2 to 40 pixels" cnn --lattice 1x1
fails 2 "2 to 40 pixels" cnn --lattice 7x7
fails 2 "--max-size" cnn --max-size 2
fails 2 "is not expected" cnn connected
fails 2 "no option '--weights'" cnn --weights a.npz
printf '0 1\n' >out.txt
"$program" cnn --cuts out.txt --lattice 2x2 -o out.txt >stdout 2>stderr
[ $? -eq 2 ] && grep -q 'would replace' stderr && [ "$(cat out.txt)" = "0 1" ]
verdict "the file of cuts is not overwritten"
"$program" list | grep -q '^  cnn '
verdict "eegpu list names cnn"

# ---- Weights by numpy ----

if command -v python3 >/dev/null && python3 -c 'import numpy' 2>/dev/null; then
    for save in savez savez_compressed; do
        python3 - "$save" <<'CHECK' && "$program" make cnn:channels=2,layers=1,weights=w.npz --lattice 2x2 -o f.npy &&
import sys, numpy as np
r = np.random.default_rng(3)
w = {'features.0.weight': r.normal(size=(2, 1, 3, 3)).astype('f4'), 'features.0.bias': r.normal(size=2),
     'classifier.weight': r.normal(size=(1, 8)), 'classifier.bias': r.normal(size=1).astype('f4')}
getattr(np, sys.argv[1])('w.npz', **w)
x = (np.arange(16)[:, None] >> np.arange(3, -1, -1) & 1).reshape(16, 1, 2, 2)
p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))).astype(float)
y = np.zeros((16, 2, 2, 2))
for i in range(2):
    for j in range(2):
        y[:, :, i, j] = np.einsum('nchw,ochw->no', p[:, :, i:i + 3, j:j + 3], w['features.0.weight'].astype(float))
y = np.maximum(y + w['features.0.bias'][None, :, None, None], 0)
np.save('expected.npy', y.reshape(16, 8) @ w['classifier.weight'][0] + w['classifier.bias'].astype(float))
CHECK
            python3 -c "import numpy as np; assert abs(np.load('f.npy') - np.load('expected.npy')).max() < 1e-13"
        verdict "weights written by numpy.$save"
    done
    fails 1 "classifier.weight should be (1, 12), is (1, 8)" make cnn:channels=2,layers=1,weights=w.npz --lattice 2x3 -o out/f.npy
    # The snippet of docs/networks.md writes what the command below it reads.
    sed -n '/^<!-- numpy -->$/,/^```$/p' "$source/docs/networks.md" | grep -v '^<!--\|^```' >snippet.py
    command=$(sed -n 's/^eegpu \(make cnn:.*\)$/\1/p' "$source/docs/networks.md")
    # shellcheck disable=SC2086
    python3 snippet.py && "$program" $command && python3 -c "import numpy as np; f = np.load('f.npy'); assert f.shape == (1 << 20,) and f.std() > 0"
    verdict "the snippet of docs/networks.md and '$command'"
else
    echo "Skipped: weights written by numpy (there is no numpy)"
fi

exit $failed
