#!/bin/sh
# The program from outside: exit codes, messages, what is left behind, formats, help, interruption. EEGPU names the program.
# Each check prints "ok" or "FAILED what"; the script fails if any failed.
set -u
program=${EEGPU:-eegpu}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/out"
cd "$folder" || exit 1
LC_ALL=C
export LC_ALL
unset COLUMNS
failed=0

ok() { echo "ok      $1"; }
bad() {
    echo "FAILED  $1"
    failed=1
}
# verdict WHAT: the exit code of the command before decides
verdict() { if [ $? -eq 0 ]; then ok "$1"; else bad "$1"; fi; }

# nothing_left: no file, hidden or not, in the folder of outputs
nothing_left() { [ -z "$(ls -A out)" ]; }

# fails CODE FRAGMENT ARGUMENTS...: that exit code, one line on standard error with the fragment, no output file
fails() {
    code=$1 fragment=$2
    shift 2
    "$program" "$@" >stdout 2>stderr </dev/null
    got=$?
    what="eegpu $* fails with $code: $fragment"
    if [ $got -ne "$code" ]; then
        bad "$what (exit code $got: $(head -n 1 stderr))"
    elif [ "$(wc -l <stderr)" -ne 1 ] || ! grep -q '^eegpu: ' stderr || ! grep -qF -e "$fragment" stderr; then
        bad "$what (said: $(cat stderr))"
    elif [ -s stdout ] || ! nothing_left; then
        bad "$what (something was written)"
    else
        ok "$what"
    fi
    rm -rf out && mkdir out
}

# works WHAT ARGUMENTS...: exit code 0 and silence on standard error
works() {
    what=$1
    shift
    "$program" "$@" >stdout 2>stderr </dev/null
    got=$?
    if [ $got -eq 0 ] && [ ! -s stderr ]; then ok "$what"; else bad "$what (exit code $got: $(head -n 1 stderr))"; fi
}

# npy SHAPE DTYPE: a header of 128 bytes
npy() { printf "\223NUMPY\001\000v\000%-117s\n" "{'descr': '$2', 'fortran_order': False, 'shape': $1, }"; }

# ---- Usage ------------------------------------------------------------------------------------------------------------

"$program" >stdout 2>stderr
[ $? -eq 2 ] && [ ! -s stdout ] && grep -q 'eegpu scan SOURCE' stderr
verdict "no command: short help, exit code 2"
[ "$("$program" --version)" = "eegpu $("$program" info | awk '$1 == "eegpu" { print $2 }')" ]
verdict "--version"
fails 2 "did you mean 'scan'" scna ghz
fails 2 "no command 'zzzzzz'" zzzzzz
fails 2 "the command comes first" --lattice 3x3 scan ghz
fails 2 "did you mean '--lattice'" scan ghz --latice 3x3
fails 2 "did you mean '--threads'" make ghz --thread=2
fails 2 "no option '--zzzzzzzz'" scan ghz --zzzzzzzz
fails 2 "no option '-x'" scan ghz -x
fails 2 "no option '--cuts'" make ghz --cuts all -o out/a.npy
fails 2 "--lattice needs a value" scan ghz --lattice
fails 2 "--output needs a value" scan ghz -o
fails 2 "--output needs a value" scan ghz -o --quiet
fails 2 "value is empty" scan ghz --output=
fails 2 "takes no value" scan ghz --quiet=yes
fails 2 "needs a SOURCE" scan --lattice 3x3
fails 2 "one too many" scan ghz w
fails 2 "is not expected" list ghz
fails 2 "name of the file" make ghz
fails 2 "did you mean 'connected'" scan conected --lattice 3x3 -o out/a.json
fails 2 "did you mean 'seed'" scan random:sed=3 -o out/a.json
fails 2 "seed" scan random:seed=abc -o out/a.json
fails 2 "seed" scan random:seed= -o out/a.json
fails 2 "seed" scan random:seed=-1 -o out/a.json
fails 2 "0x5" scan ghz --lattice 0x5 -o out/a.json
fails 2 "99999x99999" scan ghz --lattice 99999x99999 -o out/a.json
fails 2 "3x" scan ghz --lattice 3x -o out/a.json
fails 2 "8 x 8" scan random --lattice 8x8 -o out/a.json
fails 2 "--threads" scan ghz --threads 0 -o out/a.json
fails 2 "--threads" scan ghz --threads -1 -o out/a.json
fails 2 "--threads" scan ghz --threads 2x -o out/a.json
fails 2 "--memory" scan ghz --memory lots -o out/a.json
fails 2 "--memory" scan ghz --memory 0 -o out/a.json
fails 2 "--max-size" scan ghz --max-size 0 -o out/a.json
fails 2 "--base" scan ghz --base 10 -o out/a.json
fails 2 "--method" scan ghz --method qr -o out/a.json
fails 2 "--reduce" scan ghz --reduce on -o out/a.json
fails 2 "--format" scan ghz --format xml -o out/a.json
fails 2 "--bit-order" scan ghz --bit-order big -o out/a.json
fails 2 "expected auto, cpu, cuda or cuda:K" scan ghz --device gpu -o out/a.json
fails 2 "--device" scan ghz --device cuda:x -o out/a.json
fails 2 "there twice" scan ghz --renyi 2,0.5,2.0 -o out/a.json
fails 2 "--renyi" scan ghz --renyi -1 -o out/a.json
fails 2 "--renyi" scan ghz --renyi 2,,3 -o out/a.json
fails 2 "--renyi" scan ghz --renyi nan -o out/a.json
fails 2 "more than 16" scan ghz --renyi 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 -o out/a.json
fails 2 "contiguous" scan ghz --cuts contigous -o out/a.json
fails 2 "both be written" scan ghz --spectrum -
fails 2 "both be written" scan ghz --spectrum out/a --vectors out/a
fails 2 "both be written" scan ghz -o out/x.json --spectrum ./out/x.json
fails 2 "both be written" scan ghz -o out/x.json --vectors "$folder/out/x.json"
fails 2 "both be written" scan ghz -o out/../out/x.json --journal out/x.json
fails 2 "both be written" scan ghz --spectrum ./s.npz --vectors s.npz
fails 2 "--spectrum" scan ghz -o out/a.npz
fails 2 "--spectrum" scan ghz --dry-run -o out/a.npy
fails 2 "no bit order" scan ghz --bit-order lsb -o out/a.json
fails 2 "too large" scan primes --cuts all --lattice 5x9 -o out/a.json
fails 2 "one too many" help scan make
fails 2 "did you mean 'scan'" help scna
works "options before SOURCE, --name=value, the last of a repeated option counts" \
    scan --lattice=3x3 --base 2 ghz --base e --cuts lines --quiet --format json
grep -q '"unit":"nat"' stdout && grep -q '"lattice":\[3,3\]' stdout
verdict "... and they were understood"

# ---- Inputs -------------------------------------------------------------------------------------------------------------

works "make writes a file" make random --lattice 1x4 -o psi.npy
size=$(wc -c <psi.npy)
fails 1 "No such file" scan no-such-file.npy -o out/a.json
head -c $((size - 3)) psi.npy >short.npy
fails 1 "short.npy" scan short.npy -o out/a.json
head -c 40 psi.npy >shorter.npy
fails 1 "shorter.npy" scan shorter.npy -o out/a.json
: >empty.npy
fails 1 "empty" scan empty.npy -o out/a.json
cp psi.npy nan.npy
printf '\000\000\000\000\000\000\370\177' | dd of=nan.npy bs=1 seek=$((size - 8)) conv=notrunc 2>dd.log
fails 1 "nan.npy" scan nan.npy -o out/a.json
{ npy '(16,)' '<f8' && head -c 128 /dev/zero; } >zero.npy
fails 1 "zero" scan zero.npy -o out/a.json
{ npy '(15,)' '<f8' && head -c 120 /dev/zero; } >fifteen.npy
fails 1 "15" scan fifteen.npy -o out/a.json
fails 2 "3x3" scan psi.npy --lattice 3x3 -o out/a.json
fails 1 "directory" scan "$folder" -o out/a.json
fails 2 "replace" scan psi.npy -o psi.npy
[ "$(wc -c <psi.npy)" -eq "$size" ]
verdict "the function is still there"

fails 2 "replace" scan psi.npy -o out/a.json --journal ./psi.npy
fails 2 "replace" make psi.npy -o "$folder/psi.npy"
fails 2 "replace" scan packed:file=psi.npy --spectrum psi.npy -o out/a.json
fails 2 "replace" scan plugin:file=./psi.npy --vectors psi.npy -o out/a.json
echo "0 1" >edges.txt
ln edges.txt same-edges.txt
fails 2 "replace" scan graph:edges=edges.txt -o same-edges.txt
fails 2 "replace" make graph:edges=edges.txt -o ./edges.txt
fails 2 "replace" scan images:file=psi.npy,labels=edges.txt -o edges.txt
fails 2 "replace" scan ghz --cuts edges.txt -o ./edges.txt
[ "$(wc -c <psi.npy)" -eq "$size" ] && [ "$(cat edges.txt)" = "0 1" ]
verdict "the inputs are still there"
echo old >all
works "a family of cuts is no file" scan ghz --lattice 2x2 --cuts all --quiet --format csv -o all
grep -q '^"' all
verdict "... and a file of its name is an output like others"
rm all

# fails_at_once: as fails, and before the function is evaluated
fails_at_once() {
    began=$(date +%s)
    fails "$@"
    [ $(($(date +%s) - began)) -le 2 ]
    verdict "... at once"
}
fails_at_once 2 "4.0 GiB" scan primes --cuts all --lattice 5x7 -o out/a.json
fails_at_once 2 "neither a family" scan primes --cuts nofile --lattice 5x6 -o out/a.json
# A journal whose numbers were altered, or whose head was cut short, is not believed; one journal serves one scan at a time.
journal_scan() { "$program" scan primes --lattice 2x3 --quiet --format csv --journal "$1" 2>stderr | sed 's/,[^,]*$//'; }
journal_scan j.first >fresh.csv
sed '2s/0x1\./0x1.1/' j.first >j.altered
head -c 20 j.first >j.cut
for journal in j.altered j.cut; do
    if ! cmp -s j.first "$journal" && journal_scan $journal >resumed.csv && cmp -s fresh.csv resumed.csv; then
        ok "$journal is computed again"
    else
        bad "$journal is computed again ($(cat stderr))"
    fi
done
exec 9<>j.first
flock -x 9
fails 1 "in use by another scan" scan primes --lattice 2x3 --journal j.first
exec 9>&-
fails 2 "not a regular file" scan ghz --journal /dev/zero
rm -f j.first j.altered j.cut fresh.csv resumed.csv stderr

fails_at_once 1 "opening the journal" scan primes --lattice 5x6 --journal no/such/journal -o out/a.json
fails_at_once 2 "not a regular file" scan primes --lattice 5x6 --journal . -o out/a.json

echo "0 4" >outside.txt
fails 1 "4" scan ghz --lattice 2x2 --cuts outside.txt -o out/a.json
echo "0 1 2 3" >everything.txt
fails 1 "everything.txt" scan ghz --lattice 2x2 --cuts everything.txt -o out/a.json
echo "# nothing" >nothing.txt
fails 1 "nothing.txt" scan ghz --lattice 2x2 --cuts nothing.txt -o out/a.json
echo "0 one" >word.txt
fails 1 "one" scan ghz --lattice 2x2 --cuts word.txt -o out/a.json
{ npy '(1, 2, 2)' '|b1' && head -c 4 /dev/zero; } >nobody.npy
fails 1 "nobody.npy" scan ghz --lattice 2x2 --cuts nobody.npy -o out/a.json
echo "1 3 # a column" >column.txt
works "a file of regions" scan ghz --lattice 2x2 --cuts column.txt --quiet --format csv
grep -q '^"1 3",2,2,2,2,0.69' stdout
verdict "... is taken as it stands"

# ---- Outputs ------------------------------------------------------------------------------------------------------------

fails 1 "cannot write" scan ghz -o out/no/such/folder.json
fails 1 "cannot write" scan ghz --spectrum out/no/such/folder.npz -o out/a.json
fails 1 "cannot write" make ghz -o out/no/such/folder.npy
fails 1 "directory" scan ghz -o .
if [ -w /dev/full ]; then
    fails 1 "No space left" scan ghz --quiet -o /dev/full
    fails 1 "No space left" scan ghz --quiet --spectrum /dev/full -o out/a.json
    fails 1 "No space left" make ghz -o /dev/full
    fails 1 "No space left" scan ghz -o /dev/full
    for words in --version --help list info "scan --help" "scan ghz --quiet"; do
        # shellcheck disable=SC2086
        "$program" $words >/dev/full 2>stderr
        [ $? -eq 1 ] && [ "$(wc -l <stderr)" -eq 1 ]
        verdict "eegpu $words to a full disk"
    done
fi
for words in --version --help list info "help scan" "scan ghz" "scan random --lattice 5x6" "make ghz -o -" "scan ghz --spectrum out/s.npz"; do
    began=$(date +%s)
    # shellcheck disable=SC2086
    "$program" $words >&- 2>stderr
    [ $? -eq 1 ] && [ "$(wc -l <stderr)" -eq 1 ] && grep -q 'standard output.*closed' stderr && nothing_left && [ $(($(date +%s) - began)) -le 2 ]
    verdict "eegpu $words with standard output closed"
done
fails 1 "" scan random --lattice 4x4 --memory 1K -o out/a.json
"$program" scan ghz --device cuda -o out/a.json >stdout 2>stderr
case $? in
0) ok "--device cuda works here" ;;
1) [ "$(wc -l <stderr)" -eq 1 ] && nothing_left && verdict "--device cuda says why not" ;;
*) bad "--device cuda" ;;
esac
rm -rf out && mkdir out

works "-o FILE" scan connected --lattice 3x3 --quiet -o out/a.json --spectrum out/s.npz --vectors out/v.npz
[ "$(ls -A out | tr '\n' ' ')" = "a.json s.npz v.npz " ] && [ ! -s stdout ]
verdict "... and nothing but the outputs"
works "-o -" scan connected --lattice 3x3 --quiet -o - --format json
sed 's/"command":"[^"]*"//; s/"seconds":[^,}]*//g; s/"peak_bytes":[0-9]*//' stdout >a
sed 's/"command":"[^"]*"//; s/"seconds":[^,}]*//g; s/"peak_bytes":[0-9]*//' out/a.json >b
cmp a b
verdict "... has the same numbers"
"$program" scan ghz --lattice 2x2 >stdout 2>stderr
[ $? -eq 0 ] && [ "$(wc -l <stderr)" -eq 1 ] && grep -q '^eegpu: device ' stderr
verdict "auto says which device it took, in one line"
grep -qxF 'eegpu: device cpu (2^4 amplitudes; a GPU is considered from 2^18)' stderr
verdict "... and why it was the CPU"
"$program" make random:kind=complex --lattice 2x3 -o - >stdout 2>stderr && "$program" make random:kind=complex --lattice 2x3 -o out/p.npy &&
    cmp stdout out/p.npy
verdict "make -o - and make -o FILE agree"
"$program" make out/p.npy --bit-order lsb -o out/l.npy && "$program" make out/l.npy --bit-order lsb -o out/m.npy && cmp out/p.npy out/m.npy
verdict "make --bit-order lsb twice is nothing"
"$program" scan out/l.npy --lattice 2x3 --bit-order lsb --quiet --format csv | sed 's/,[^,]*$//' >a
"$program" scan out/p.npy --lattice 2x3 --quiet --format csv | sed 's/,[^,]*$//' >b
cmp a b
verdict "scan --bit-order lsb reads what make --bit-order lsb wrote"
rm -rf out && mkdir out

# ---- Formats ------------------------------------------------------------------------------------------------------------

for words in "scan connected --lattice 3x4 --quiet" "scan connected --lattice 3x4 --dry-run --quiet"; do
    # shellcheck disable=SC2086
    "$program" $words --format csv >csv && sed 's/"[^"]*"/x/g' csv | awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 } END { exit bad || NR < 2 }'
    verdict "$words: CSV has equal lines"
    # shellcheck disable=SC2086
    "$program" $words -o out/a.csv && [ "$(head -n 1 out/a.csv)" = "$(head -n 1 csv)" ]
    verdict "$words: -o a.csv is CSV"
done
"$program" scan connected --lattice 3x4 --quiet --format csv | head -n 1 | grep -q ',unit,.*,seconds$'
verdict "CSV names the unit, seconds come last"
"$program" scan connected --lattice 4x5 --cuts lines --quiet | awk '{ if (length($0) > 100) bad = 1 } END { exit bad }'
verdict "the table is at most 100 wide"
COLUMNS=60 "$program" scan connected --lattice 4x5 --cuts lines --quiet | sed -n '/^cut/,/^$/p' | awk '{ if (length($0) > 60) bad = 1 } END { exit bad }'
verdict "... and COLUMNS wide"
if command -v python3 >/dev/null; then
    for words in "scan connected --lattice 3x3 --quiet --renyi 0,0.5,1,inf --format json" "scan random --quiet --dry-run --format json" \
        "info --json" "list --json"; do
        # shellcheck disable=SC2086
        "$program" $words | python3 -m json.tool >/dev/null
        verdict "eegpu $words is JSON"
    done
else
    echo "Skipped: no python3 to check JSON with"
fi

# ---- Help ---------------------------------------------------------------------------------------------------------------

# help_of COMMAND OPTION...
help_of() {
    command=$1
    shift
    "$program" $command --help >help 2>stderr && [ ! -s stderr ] && awk '{ if (length($0) > 100) bad = 1 } END { exit bad }' help
    verdict "eegpu $command --help, at most 100 wide"
    grep -q '^Example' help && grep -q "^  eegpu ${command:-scan} *" help
    verdict "eegpu $command --help has an example"
    for option in "$@"; do
        grep -q -e "--$option\b" help
        verdict "eegpu $command --help explains --$option"
    done
}
help_of ""
for word in EEGPU_PLUGIN_PATH EEGPU_TUNING OPENBLAS_CORETYPE; do
    grep -q "^  $word " help
    verdict "eegpu --help explains $word"
done
for word in scan make info list; do
    grep -q "eegpu $word" help
    verdict "eegpu --help names $word"
done
help_of scan lattice cuts max-size renyi base device method reduce threads memory bit-order format output spectrum vectors journal \
    dry-run quiet help
for word in images: packed:file= plugin:file= 'fa\.T'; do
    grep -q -e "$word" help
    verdict "eegpu scan --help explains $word"
done
for word in "" scan make info list; do
    "$program" help $word >stdout 2>stderr && "$program" $word --help | cmp - stdout && [ ! -s stderr ]
    verdict "eegpu help $word"
done
help_of make lattice bit-order threads memory output quiet help
help_of info json help
help_of list json help

rm -rf out && mkdir out

# ---- Interruption -------------------------------------------------------------------------------------------------------

# interrupt SIGNAL COUNT: a scan of minutes is stopped after a second
interrupt() {
    env --default-signal=INT "$program" scan random --lattice 4x5 --cuts all --quiet -o out/a.json --spectrum out/s.npz >stdout 2>stderr &
    process=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.5
        nothing_left || break
    done
    kill "-$1" $process
    [ "$2" -eq 1 ] || { sleep 0.1 && kill "-$1" $process 2>kill.log; }
    wait $process
    got=$?
    if [ $got -eq 130 ] && nothing_left && [ "$(wc -l <stderr)" -le 1 ]; then
        ok "$2 x SIG$1: exit code 130, nothing left"
    else
        bad "$2 x SIG$1: exit code $got, left: $(ls -A out), said: $(cat stderr)"
    fi
    rm -rf out && mkdir out
}
if env --default-signal=INT true 2>kill.log; then
    interrupt INT 1
    interrupt INT 2
else
    echo "Skipped: this env cannot undo that background jobs ignore SIGINT"
fi
interrupt TERM 1

"$program" scan random --lattice 3x4 --cuts all --quiet --spectrum out/s.npz 2>stderr | head -n 1 >stdout
[ ! -s stderr ] && nothing_left && [ -s stdout ]
verdict "| head -n 1 is quiet and leaves nothing"

# What stands on a terminal while it works.
if command -v script >/dev/null; then
    script -qec "'$program' scan random --lattice 4x5 --cuts all --max-size 3 -o out/a.json" /dev/null >screen </dev/null
    grep -q 'left  scanning' screen && tr '\r' '\n' <screen | tail -n 1 | grep -qv '%'
    verdict "a terminal shows progress, and a clear line in the end"
    script -qec "'$program' scan random --lattice 4x4 --quiet -o out/b.json" /dev/null >screen </dev/null
    [ ! -s screen ]
    verdict "--quiet shows nothing"
else
    echo "Skipped: no script(1) to make a terminal with"
fi

exit $failed
