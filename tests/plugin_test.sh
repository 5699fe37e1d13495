#!/usr/bin/env bash
# Plug-ins from outside: both examples in eegpu.h, as they stand there, build without a warning and give the numbers that their
# comments say; what a plug-in prints is no part of the output; one that crashes leaves exit code 1, one line and no file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
header=$EEGPU_SOURCE_DIR/include/eegpu.h
plugins=$EEGPU_BUILD_DIR/tests/plugin
cd "$folder"
mkdir out

die() { echo "plugin_test: $1" >&2 && exit 1; }
# example NAME: the lines of the header's comment from "// NAME:" to the end of the example
example() { sed -n "s|^ \*     // $1:|&|;t found;d;:found;:a;s|^ \* \{0,5\}||p;n;/^ \*\( *\$\|     \)/ba;q" "$header"; }

example mine.c >mine.c
example phases.c >phases.c
cc -Wall -Wextra -Werror -O2 -shared -fPIC mine.c -o libmine.so
cc -Wall -Wextra -Werror -O2 -shared -fPIC -I"$(dirname "$header")" phases.c -o libphases.so -lm

# mine.c counts the lit pixels of the last row: sum over 2^6 images of k^2 = 8 (0 + 3*1 + 3*4 + 9) = 192
norm=$("$EEGPU" scan plugin:file=libmine.so --lattice 2x3 --cuts prefix --format json | grep -o '"norm":[^,]*')
[ "$norm" = '"norm":13.856406460551018' ] || die "the first example has $norm, expected sqrt(192)"
# phases.c is a product of one function a pixel: no entropy
"$EEGPU" scan plugin:file=libphases.so,argument=0.3 --lattice 2x3 --cuts prefix --format csv >phases.csv
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "s_vn") c = i; next } $c > 1e-12 || c == 0 { bad = 1 } END { exit bad || NR != 6 }' \
    phases.csv || die "the second example should be a product state: $(cat phases.csv)"
if message=$("$EEGPU" scan plugin:file=libphases.so 2>&1) || [[ $message != *"argument=ANGLE must be a number, not ''"* ]]; then
    die "the second example without its argument should say so, got: $message"
fi

"$EEGPU" scan "plugin:file=$plugins/good.so,argument=3" --lattice 3x3 --format csv >loud.csv 2>loud.txt
"$EEGPU" scan "plugin:file=$plugins/good.so,argument=2" --lattice 3x3 --format csv >quiet.csv 2>/dev/null
diff <(cut -d, -f1-8 loud.csv) <(cut -d, -f1-8 quiet.csv) || die "what a plug-in prints is in the output"
grep -q 'a plug-in may print' loud.txt || die "what a plug-in prints is lost"

for what in read exit hang; do
    code=0
    # --foreground: else the signal comes twice, and the second one ends the program without a word
    timeout --foreground --preserve-status -s INT 1 "$EEGPU" scan "plugin:file=$plugins/trouble.so,symbol=bits,argument=$what-777" -o out/x.json --format json \
        --quiet 2>message >output || code=$?
    expected=1 fragment='at index 777 (image 0000/0011/0000/1001)'
    [ "$what" != hang ] || expected=130 fragment=stopped
    [ "$code" -eq "$expected" ] || die "$what: exit code $code, expected $expected: $(cat message)"
    [ "$(wc -l <message)" -eq 1 ] && grep -qF "$fragment" message || die "$what: the message is $(cat message)"
    [ ! -s output ] && [ -z "$(ls -A out)" ] || die "$what: something was written"
done
if command -v pgrep >/dev/null && pgrep -f "$plugins/trouble.so" >/dev/null; then die "a process was left behind"; fi
