#!/usr/bin/env bash
# docs/make-study runs on synthetic IDX files and gives the same tables twice; what is missing is said. Where EEGPU_MNIST names the folder of
# the MNIST test images, the numbers in docs/study.md are compared with a new run; else that is skipped (77). EEGPU names the program.
set -u
program=${EEGPU:-eegpu}
source=${EEGPU_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
command -v python3 >/dev/null || { echo 'Skipped: no python3' && exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0
bad() {
    echo "FAILED  $1"
    failed=1
}
ok() { echo "ok      $1"; }
# fails FRAGMENT ARGUMENTS...: exit code 1 and one line that has the fragment
fails() {
    local fragment=$1 code
    shift
    "$source/docs/make-study" "$@" -o failed --quick >stdout 2>stderr
    code=$?
    if [ $code -eq 1 ] && tail -n 1 stderr | grep -qF -e "$fragment"; then ok "says: $fragment"; else bad "$fragment (got $code: $(tail -n 1 stderr))"; fi
}

"$source/scripts/make-glyphs" glyphs >/dev/null 2>&1 || bad 'make-glyphs'
mkdir mnist
cp glyphs/images.idx3 mnist/t10k-images-idx3-ubyte
gzip -c glyphs/labels.idx1 >mnist/t10k-labels-idx1-ubyte.gz
study() { "$source/docs/make-study" --mnist mnist --eegpu "$program" --quick "$@"; }

if study -o one >stdout 2>stderr; then ok 'a quick study'; else bad "a quick study: $(tail -n 1 stderr)"; fi
[ -s stdout ] && bad 'words on standard output'
for name in entropy-4x4 range-4x4 parameters-4x4 weights thresholds; do
    rows=$(grep -c '^| [0-9]' "one/tables/$name.md")
    case $name in thresholds) expected=5 ;; *) expected=10 ;; esac
    if [ "$rows" -eq $expected ]; then ok "$name: $rows rows"; else bad "$name: $rows rows, not $expected"; fi
done
grep -qF '| `loops` | 2048 | 0.6931 | 0.250 | 5.0452 | 1, 1 | 0.6931 |' one/tables/examples.md || bad 'the entropy of closed loops'
grep -q '^| 1 |.*| 0.6931 | 0.6931 | 0.6931 |$' one/tables/curve.md || bad "Page's curve begins with log 2"
grep -q 'n_c log D' one/tables/cnn-tanh.md || bad 'a table of networks'
grep -q '<svg' one/pictures/digit-3-boundary.svg || bad 'a picture'
grep -rlF "$folder" one/tables one/pictures && bad 'a path of this machine in the results'

# Over its own results, and into the places of a page: the same, and a changed number is found.
cp -r one/tables before
for file in before/*; do
    name=$(basename "$file" .md)
    printf '<!-- table %s -->\n<!-- end -->\n' "$name" | sed 's/ -->$/&\n/;' | sed '/^$/d' >>page.md
done
sed -i 's/<!-- end -->/\n&/' page.md
if study -o one --write page.md 2>stderr; then ok 'written'; else bad "--write: $(tail -n 1 stderr)"; fi
diff -r before one/tables >/dev/null || bad 'a second run differs from the first'
cp page.md changed.md
sed -i 's/| 0.6931 | 0.250 |/| 0.6941 | 0.250 |/' changed.md
study -o one --check page.md >stdout 2>stderr || bad "--check: $(tail -n 1 stderr)"
if study -o one --check changed.md >stdout 2>stderr || ! grep -q 'table examples' stdout; then bad 'a changed number is not found'; else ok 'a changed number is found'; fi

fails 'has no t10k-images-idx3-ubyte' --mnist glyphs --eegpu "$program"
fails 'is not a program' --mnist mnist --eegpu ./nowhere
mkdir short
head -c 5000 mnist/t10k-images-idx3-ubyte >short/t10k-images-idx3-ubyte
cp mnist/*labels* short
fails 'eegpu scan images:' --mnist short --eegpu "$program"

[ $failed -eq 0 ] || exit 1
if [ -z "${EEGPU_MNIST:-}" ]; then
    echo 'Skipped: the numbers of docs/study.md; EEGPU_MNIST names no folder of the MNIST test images'
    exit 77
fi
if "$source/docs/make-study" --mnist "$EEGPU_MNIST" --eegpu "$program" -o all --check "$source/docs/study.md" 2>stderr; then
    ok 'the numbers of docs/study.md'
else
    bad "docs/study.md: $(tail -n 1 stderr)"
fi
exit $failed
