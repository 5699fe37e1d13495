#!/usr/bin/env bash
# eegpu bench from outside: times, JSON, pictures, comparison, growth, the table of eigenvalue drivers. No time is asserted.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export LC_ALL=C XDG_CACHE_HOME=$folder/cache TMPDIR=$folder/temporary
mkdir "$TMPDIR"
unset EEGPU_TUNING
failed=0

# verdict WHAT: the exit code of the command before decides
verdict() {
    if [ $? -eq 0 ]; then
        echo "ok      $1"
    else
        echo "FAILED  $1"
        failed=1
    fi
}

# fails CODE FRAGMENT ARGUMENTS...: that exit code, one line on standard error with the fragment, nothing else
fails() {
    local code=0 said
    said=$("$EEGPU" bench "${@:3}" 2>&1 </dev/null) || code=$?
    [ $code -eq "$1" ] && [[ $said == "eegpu: "*"$2"* && $said != *$'\n'* ]]
    verdict "eegpu bench ${*:3} fails with $1: $2 ($code: ${said:0:200})"
}

# ---- Times: all cases where the build is fast, some under a sanitizer ----
some=()
[ "$(nm "$EEGPU" 2>/dev/null | grep -c __asan_init)" = 0 ] && [ "$(nm "$EEGPU" 2>/dev/null | grep -c __tsan_init)" = 0 ] || some=(--filter gram)
"$EEGPU" bench --quick --device cpu "${some[@]}" --json times.json --svg bars.svg --html page.html >table 2>words
verdict "bench --quick ${some[*]} ($(head -n 1 words))"
[ ! -s words ] && grep -q '^gram real .*GFLOP/s' table
verdict "the table, and no words"
python3 - <<'PYTHON'
import json, sys, xml.dom.minidom
result = json.load(open("times.json"))
assert result["kind"] == "bench" and result["quick"] is True and result["devices"][0]["name"] == "cpu"
assert result["notes"] == [], result["notes"]
names = {case["name"] for case in result["cases"]}
assert {"gram real", "integer gram"} <= names
if "eigenvalues" in names:
    wanted = {"memory copy", "read npy", "pack", "row hash", "copy", "permute", "partial trace", "singular values", "scan random prefix"}
    assert wanted <= names, wanted - names
for case in result["cases"]:
    time = case["seconds"]
    assert 0 < time["min"] <= time["median"] <= time["upper_quartile"] and time["runs"] >= 1, case
    assert not case["name"].startswith("scan") or case["rate"] is None
    if case["limit"]:
        assert abs(case["percent"] - 100 * case["rate"] / case["limit"]) < 1e-6 * case["percent"], case
assert xml.dom.minidom.parse("bars.svg").getElementsByTagName("rect")
assert "<svg" in open("page.html").read()
# The same times, but once the old ones are a ninth of them, and once nine times as long.
for name, factor in (("faster", 1 / 9), ("slower", 9)):
    old = json.load(open("times.json"))
    for case in old["cases"]:
        for key in ("min", "median", "upper_quartile"):
            case["seconds"][key] *= factor
    json.dump(old, open(f"{name}.json", "w"))
PYTHON
verdict "JSON, SVG and HTML"

"$EEGPU" bench --device cpu --quick --filter 'integer gram' --json - >some.json &&
    python3 -c 'import json; assert {case["name"] for case in json.load(open("some.json"))["cases"]} == {"integer gram", "integer gram weighted"}'
verdict "--filter, and JSON alone on standard output"
[ -z "$(ls -A "$TMPDIR")" ]
verdict "no file is left behind"

# ---- Comparison ----
"$EEGPU" bench --from times.json --compare times.json --fail-if-slower >table 2>&1 && grep -q ': 0 slower, 0 faster, ' table
verdict "nothing is slower than itself"
"$EEGPU" bench --from times.json --compare slower.json --fail-if-slower >table 2>&1 && grep -q ' faster$' table && grep -q ': 0 slower' table
verdict "what became faster"
"$EEGPU" bench --from times.json --compare faster.json >table 2>&1 && grep -q ' slower$' table
verdict "what became slower"
"$EEGPU" bench --from times.json --compare faster.json --fail-if-slower >table 2>words
[ $? -eq 1 ] && grep -q '^eegpu: .* slower than in' words && grep -q ' slower$' table
verdict "--fail-if-slower"
echo '{"eegpu":"0.1.0"}' >other.json
head -c 300 times.json >cut.json
sed 's/"min":/"least":/' times.json >broken.json
fails 1 'not the JSON of eegpu bench' --from other.json
fails 1 "cut.json" --compare cut.json --from times.json
fails 1 'case number 1' --from broken.json
fails 1 'nowhere.json' --from nowhere.json

# ---- Growth ----
"$EEGPU" bench --growth --quick --device cpu --json growth.json --svg growth.svg --html growth.html >table 2>words
verdict "bench --growth --quick ($(head -n 1 words))"
python3 - <<'PYTHON'
import json, xml.dom.minidom
series = json.load(open("growth.json"))["series"]
assert [one["x"] for one in series] == ["pixels", "pixels", "cuts"]
for one in series:
    assert len(one["points"]) >= 3 and one["time"]["exponent"] is not None
assert 0.5 < series[0]["memory"]["exponent"] < 1.2, series[0]["memory"]
assert len(xml.dom.minidom.parse("growth.svg").getElementsByTagName("svg")) == 4
PYTHON
verdict "points, exponents, picture"

# ---- Eigenvalue drivers ----
spectrum() { "$EEGPU" scan random:seed=3 --lattice 4x4 --cuts prefix --reduce off --device cpu --format json --quiet -o "$1"; }
tuning() { "$EEGPU" info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["blas_eigenvalues"])'; }
spectrum before.json
[[ $(tuning) == "built-in rule (no table"* ]]
verdict "without a table"
"$EEGPU" bench --tune --quick --largest 256 --quiet >table 2>words && grep -q '^Kept in .*/cache/eegpu/eigenvalues-' table
verdict "bench --tune ($(head -n 1 words))"
kept=$(echo cache/eegpu/eigenvalues-*.txt)
[ -f "$kept" ] && [ "$(tuning)" = "measured on this machine" ]
verdict "the table is in use"
[[ $(EEGPU_TUNING=off tuning) == off* ]]
verdict "EEGPU_TUNING=off"

# same_numbers: every entropy within the errors of both
same_numbers() {
    spectrum after.json && python3 - <<'PYTHON'
import json
for a, b in zip(*(json.load(open(name))["cuts"] for name in ("before.json", "after.json"))):
    assert abs(a["s_vn"] - b["s_vn"]) <= a["error"] + b["error"], (a, b)
PYTHON
}
same_numbers
verdict "the same numbers with the table"
sed -i 's/one-stage/two-stage/; s/ all / one /' "$kept"
[ "$(tuning)" = "measured on this machine" ] && same_numbers
verdict "the same numbers with the other drivers"
cp "$kept" whole
for damage in 's/^end$//' '1s/1/2/' 's/two-stage/three-stage/' 's/^real 128/real -128/' '2s/$/ 5/' 's/ one / none /' '/^real\|^complex/d'; do
    sed "$damage" whole >"$kept"
    [[ $(tuning) == *"broken and is ignored"* ]] && same_numbers
    verdict "a broken table is ignored: $damage"
done
: >"$kept"
[[ $(tuning) == *"broken and is ignored"* ]]
verdict "an empty table is ignored"
rm -r cache && touch cache
fails 1 'XDG_CACHE_HOME' --tune --quick --largest 128 --quiet
rm cache

# ---- Usage ----
fails 2 '--growth and --tune' --growth --tune
fails 2 '--filter has no meaning with --growth' --growth --filter gram
fails 2 '--json has no meaning with --tune' --tune --json x.json
fails 2 '--quick has no meaning with --from' --from times.json --quick
fails 2 '--fail-if-slower needs' --fail-if-slower
fails 2 "has 'nothing' in its name" --quick --filter nothing
fails 2 '--largest' --largest 8
fails 2 'begins with n = 128' --tune --largest 64
fails 2 "did you mean '--filter'" --filtre gram
fails 2 'would both be written' --from times.json --json x --svg x
fails 2 'which this call reads' --from times.json --json times.json
fails 2 'which this call reads' --from times.json --compare slower.json --svg slower.json
fails 2 "'connected' is not expected" connected
fails 1 'nowhere' --from times.json --svg nowhere/bars.svg

# ---- Interruption: exit 130, no output, nothing left ----
"$EEGPU" bench --device cpu --json stopped.json --filter scan >table 2>words &
sleep 1
kill -TERM $!
wait $!
[ $? -eq 130 ] && [ ! -e stopped.json ] && [ "$(wc -l <words)" -eq 1 ] && [ -z "$(ls -A "$TMPDIR")" ]
verdict "interruption ($(head -n 1 words))"

# ---- A second device beside the CPU ----
if [ -e "$EEGPU_BUILD_DIR/tests/emulated/eegpu_emulated.so" ]; then
    EEGPU_PLUGIN_PATH=$EEGPU_BUILD_DIR/tests/emulated "$EEGPU" bench --quick --largest 64 --filter eigenvalues --device emulated --json two.json >table 2>words &&
        grep -q 'ratio' table && python3 -c 'import json; assert {c["device"] for c in json.load(open("two.json"))["cases"]} == {"cpu", "emulated:0"}'
    verdict "two devices side by side ($(head -n 1 words))"
fi
exit $failed
