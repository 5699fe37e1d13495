#!/usr/bin/env bash
# bench/compare-peers on tiny states: a page of times where entropies agree, no time and exit 1 where they do not, words for a library
# that is absent and for a cut that takes too long. Skipped without NumPy. EEGPU names the program.
set -u
python=
for candidate in "$(command -v python3)" /usr/bin/python3; do # NumPy from the system's packages is for the system's Python
    [ -z "$python" ] && "$candidate" -c 'import numpy' 2>/dev/null && python=$candidate
done
[ -n "$python" ] || { echo "Skipped: no python3 with NumPy" && exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
failed=0
compare() { "$EEGPU_SOURCE_DIR/bench/compare-peers" --quick --repeats 1 --python "$python" "$@" >"$folder/page" 2>"$folder/words"; }

# verdict WHAT: the exit code of the command before decides
verdict() {
    if [ $? -eq 0 ]; then echo "ok      $1"; else echo "FAILED  $1" && failed=1 && tail -n 3 "$folder/words"; fi
}
rows() { grep -c "^| $1 | .* | [0-9.]* | [0-9.]* | [0-9,]* of [0-9,]* | " "$folder/page"; }

compare --eegpu "$EEGPU" && [ "$(rows 'random real 1x8, prefix')" -ge 3 ] && [ "$(rows 'connected 3x3, contiguous')" -ge 3 ]
verdict "times of NumPy's ways on both cases"
! grep -q 'Without a time' "$folder/page" && grep -q '| 31 of 31 | 1 | [0-9]e-[0-9]' "$folder/page"
verdict "all cuts are computed and agree"

cat >"$folder/wrong" <<WRONG
#!/usr/bin/env bash
"$EEGPU" "\$@" || exit
while [ \$# -gt 1 ]; do shift; done # the last argument is the output
case \$1 in *.json) sed -i 's/"s_vn":0\.3/"s_vn":0.4/; s/"s_vn":0\.6/"s_vn":0.7/' "\$1" ;; esac
WRONG
chmod +x "$folder/wrong"
compare --eegpu "$folder/wrong" --cases connected
[ $? -eq 1 ] && grep -q 'entropies differ by 1.0e-01' "$folder/words" && grep -q 'no time is given' "$folder/page" && [ "$(rows connected.*)" -eq 0 ]
verdict "entropies that differ: exit 1 and no time"

mkdir "$folder/quimb" && echo 'raise ImportError("no quimb")' >"$folder/quimb/__init__.py"
PYTHONPATH=$folder compare --eegpu "$EEGPU" --peers numpy_scipy,quimb --cases prefix && grep -q '^- quimb: left out, not installed (no quimb)' "$folder/page"
verdict "a library that is absent is left out with a word"
PYTHONPATH=$folder compare --eegpu "$EEGPU" --peers quimb
[ $? -eq 1 ] && grep -q 'no peer is there' "$folder/words" && [ ! -s "$folder/page" ]
verdict "no peer at all: exit 1"

cat >"$folder/quimb/__init__.py" <<'SLOW'
import time
__version__ = "slow"
qu = lambda psi, **options: psi
entropy_subsys = lambda *state, **options: time.sleep(60)
SLOW
PYTHONPATH=$folder compare --eegpu "$EEGPU" --peers quimb --cases prefix --limit 1 && grep -q 'one cut with 1 pixels .* more than 1 s | > [0-9]' "$folder/page"
verdict "a cut that takes too long has no time"

compare --eegpu "$EEGPU" --limit 1e-4 --cases connected && grep -q '| ~[0-9.]* | .* of 31 |' "$folder/page"
verdict "what would take longer than the limit is estimated, and marked"
compare --eegpu "$folder/none"
[ $? -eq 1 ] && grep -q 'does not run' "$folder/words"
verdict "a program that is not there: exit 1"
compare --peers abacus
[ $? -eq 2 ] && grep -q 'takes numpy_scipy,quimb' "$folder/words"
verdict "an unknown peer: exit 2"
exit $failed
