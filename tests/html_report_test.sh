#!/usr/bin/env bash
# `eegpu law --html --svg`: the page is well-formed, self-contained, small and quick; nothing in a name of a file gets into its markup; files
# appear whole or not at all. Then headless Chromium opens it: it fits narrow and wide windows, and logs nothing. EEGPU names the program.
set -u
program=${EEGPU:-eegpu}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export LC_ALL=C HOME=$folder
unset COLUMNS
failed=0
bad() {
    echo "FAILED  $1"
    failed=1
}
ok() { echo "ok      $1"; }

# report NAME ARGUMENTS...: NAME.html and the folder NAME of pictures
report() {
    local name=$1
    shift
    if "$program" law "$@" --quiet --html "$name.html" --svg "$name" -o "$name.txt" 2>stderr </dev/null && [ ! -s stderr ]; then
        ok "law $*"
    else
        bad "law $*: $(head -n 1 stderr)"
    fi
}

cat >check.py <<'PYTHON'
"""check.py NAME PICTURE...: NAME.html is a sound page with exactly these pictures, which the folder NAME holds as well."""
import html.parser, os, re, sys, xml.etree.ElementTree as tree

VOID = {"meta", "link", "br", "hr", "img", "input", "rect", "line", "path", "circle"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.refers, self.levels, self.pictures, self.text = [], [], [], [], [], ""
        self.columns = self.cells = self.rows = 0

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        assert len(values) == len(attributes), f"an attribute of <{tag}> twice"
        assert tag not in ("script", "link", "img", "iframe", "object"), f"<{tag}>"
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("aria-labelledby", "aria-describedby"):
            self.refers += values.get(name, "").split()
        for name in ("href", "src", "action"):
            target = values.get(name, "#content")
            assert target.startswith("#"), f"a resource: {target}"
            self.refers.append(target[1:])
        self.refers += re.findall(r"url\(#(.*?)\)", values.get("clip-path", ""))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "svg":
            assert values["role"] == "img" and len(values["aria-labelledby"].split()) == 2
            self.pictures.append(values["aria-labelledby"].split()[0].removesuffix("-title"))
        if tag == "th":
            assert values.get("scope") in ("col", "row"), "a table header without scope"
        if tag == "table":
            self.columns = self.rows = 0
        if tag == "tr":
            self.cells = 0
        if tag in ("td", "th"):
            self.cells += int(values.get("colspan", 1))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()
        if tag == "tr":
            self.columns = self.columns or self.cells
            assert self.cells == self.columns, f"a row of {self.cells} cells under {self.columns} columns"

    def handle_data(self, data):
        self.text += data


name, pictures = sys.argv[1], sys.argv[2:]
text = open(f"{name}.html", encoding="utf-8").read()
page = Page()
page.feed(text)
page.close()
assert not page.open, f"not closed: {page.open}"
assert text.startswith("<!DOCTYPE html>") and '<html lang="en">' in text
assert len(set(page.ids)) == len(page.ids), "an id twice"
assert set(page.refers) <= set(page.ids), f"refers to nothing: {set(page.refers) - set(page.ids)}"
assert page.levels[0] == 1 and page.levels.count(1) == 1
assert all(b <= a + 1 for a, b in zip(page.levels, page.levels[1:])), f"headings {page.levels}"
assert not re.search(r"https?:|@import|nan\b|\binf\b", text), re.search(r".{30}(https?:|@import|nan\b|\binf\b).{30}", text)
assert "prefers-color-scheme:dark" in text and "@media print" in text and ":focus-visible" in text
assert len(text.encode()) < 2_000_000
assert page.pictures == pictures, page.pictures
files = sorted(os.listdir(name)) if os.path.isdir(name) else []
assert files == sorted(f"{p}.svg" for p in pictures), files
for file in files:
    root = tree.parse(os.path.join(name, file)).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("viewBox")
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert set(root.get("aria-labelledby").split()) <= set(ids) and len(set(ids)) == len(ids)
    width, height = map(float, root.get("viewBox").split()[2:])
    for e in root.iter("{http://www.w3.org/2000/svg}text"):
        assert e.text and -60 <= float(e.get("x")) <= width and -60 <= float(e.get("y")) <= height, e.text
PYTHON

# sound NAME PICTURE...: see check.py
sound() {
    if python3 check.py "$@" >stdout 2>&1; then ok "$1.html is sound"; else bad "$1.html: $(tail -n 1 stdout)"; fi
}
# shows NAME FRAGMENT...: the page has these
shows() {
    local name=$1 fragment
    shift
    for fragment in "$@"; do
        if grep -qF -e "$fragment" "$name.html"; then ok "$name.html: $fragment"; else bad "$name.html lacks: $fragment"; fi
    done
}

report loops loops --lattice 4x4
sound loops cut-1 cut-2 cut-3 boundary bonds volume prefix spectrum matrix counter-example
shows loops '<p class="word">Area law</p>' '4 × 4, 16 pixels' 'they form 2 independent blocks' 'Kitaev-Preskill' '<td>0.693147</td>' \
    '<code>eegpu law loops --lattice 4x4 --quiet --html loops.html' "eegpu $("$program" --version | cut -d ' ' -f 2)"
report random random --lattice 4x4 --base 2 --check-theory
sound random cut-1 cut-2 cut-3 boundary bonds volume prefix spectrum
shows random '<p class="word">Volume law</p>' 'entropy S (bits)' 'Theorem 1'
report connected connected --lattice 4x5
sound connected cut-1 cut-2 cut-3 boundary bonds volume prefix spectrum matrix counter-example
shows connected '<th scope="row">141</th>'
report chain random --lattice 1x12 --cuts prefix
sound chain cut-1 cut-2 volume logarithm prefix spectrum
report product product --lattice 3x3
sound product cut-1 cut-2 boundary bonds volume prefix spectrum
# A law that no line against the volume shows has its own curve there; on a chain its values.
report majority majority --lattice 4x4
shows majority '<p class="word">Logarithmic law</p>' 'best: S = ' 'means of ' 'log min(N_A, N_B) (R²' 'logarithm: log min(N_A, N_B)'
report dyck dyck --lattice 1x16 --cuts prefix
shows dyck 'best: values of the model ' 'If this is the ground state of a critical chain'
shows random 'no meaning here, no area law' 'gauge freedom not removed' '<dt>Function</dt><dd><code>random</code>'
for name in random majority dyck; do
    if grep -qF 'R^2' $name.html; then bad "$name.html: R^2 beside R²"; fi
done

# Pictures of an earlier report that this one does not have go, other files stay.
cp -r loops again
touch again/mine.svg
report again random --lattice 4x4
if [ "$(cd again && echo *)" = "$(cd random && echo * | sed 's/cut-3.svg/& mine.svg/')" ]; then
    ok 'no pictures of an earlier report'
else
    bad "pictures of an earlier report: $(cd again && echo *)"
fi
report tiny ghz --lattice 1x2
sound tiny cut-1 spectrum matrix

# From the JSON of a scan: what needs the function is missing, and nothing else.
"$program" scan connected --lattice 4x4 --quiet -o scan.json
report read scan.json
sound read cut-1 cut-2 cut-3 boundary bonds volume prefix
shows read 'need the function itself'

# 305 cuts within 2 s and 2 MB, from drawn digits.
if [ -n "${EEGPU_SOURCE_DIR:-}" ]; then
    "$EEGPU_SOURCE_DIR/scripts/make-glyphs" glyphs >/dev/null
    start=$(date +%s%N)
    report digits images:file=glyphs/images.idx3,labels=glyphs/labels.idx1,label=3,size=5x6,threshold=0.35
    took=$((($(date +%s%N) - start) / 1000000))
    sound digits cut-1 cut-2 cut-3 boundary bonds volume prefix spectrum matrix counter-example
    shows digits '<th scope="row">304</th>' '<h1>Entanglement of <code>images:file=images.idx3,label=3,size=5x6,threshold=0.35</code></h1>'
    limit=2000
    case ${EEGPU_BUILD_DIR:-} in *san*) limit=60000 ;; esac
    if [ "$took" -lt $limit ]; then ok "a report of 305 cuts in $took ms"; else bad "a report of 305 cuts took $took ms"; fi
fi

# Names of files are text, whatever is in them.
name=$'<script>alert(1)<\x2fscript>&"\'\xff.json'
name=${name//\//}
cp scan.json "$name"
"$program" law "$name" --html hostile.html --quiet -o hostile.txt
mkdir hostile
"$program" law "$name" --svg hostile --quiet -o hostile.txt
sound hostile cut-1 cut-2 cut-3 boundary bonds volume prefix
shows hostile '&lt;script&gt;alert(1)&lt;script&gt;&amp;&quot;'

# Whole or not at all.
if "$program" law no-such-file.npy --html none.html --svg none --quiet >stdout 2>stderr || [ -e none.html ] || [ -e none ]; then
    bad 'a failure leaves no page and no folder'
else
    ok 'a failure leaves no page and no folder'
fi
# refuses FRAGMENT ARGUMENTS...: exit code 2, one line with the fragment
refuses() {
    local fragment=$1 got
    shift
    "$program" law "$@" >stdout 2>stderr </dev/null
    got=$?
    if [ $got -eq 2 ] && [ "$(wc -l <stderr)" -eq 1 ] && grep -qF -e "$fragment" stderr; then
        ok "law $* is refused"
    else
        bad "law $* is refused (got $got: $(head -n 1 stderr))"
    fi
}
refuses '--output and --html would both be written' loops --html same -o same
refuses '--output and --html would both be written' loops --html -
refuses '--html and --svg would both be written' loops --html loops/matrix.svg --svg loops
refuses '--html and --svg would both be written' loops --html both --svg both
refuses '--html and --svg would both be written' loops --html ./both --svg both/
refuses '--output and --svg would both be written' loops -o both --svg both
[ -e both ] && bad 'a refused call makes no folder'
refuses 'which this call reads' scan.json --html scan.json
refuses "did you mean '--html'?" ghz --hmtl x
"$program" law loops --html missing/page.html --quiet >stdout 2>stderr </dev/null && bad 'a page in a folder that is not there'
grep -q "cannot write 'missing/page.html'" stderr || bad "a page in a folder that is not there: $(head -n 1 stderr)"

# ---- In a browser ----
browser=
for candidate in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$candidate" || true)
done
if [ -z "$browser" ]; then
    [ $failed -eq 0 ] || exit 1
    [ "${CI:-}" != true ] || { echo 'FAILED  no Chromium here: scripts/setup installs it' && exit 1; }
    echo 'Skipped: no Chromium, so the pages were not looked at (scripts/setup installs it)'
    exit 77
fi
browse() {
    timeout 120 "$browser" --headless=new --no-sandbox --disable-gpu --no-first-run --user-data-dir="$folder/profile" \
        --enable-logging=stderr --virtual-time-budget=3000 "$@"
}

# widths NAME: the page in frames of 360 and 1280 pixels; each says how wide it would be
widths() {
    local name=$1
    sed '/Content-Security-Policy/d' "$name.html" >framed.html
    cat >>framed.html <<'HTML'
<script>addEventListener("load", () => { const root = document.documentElement
    parent.postMessage([innerWidth, root.scrollWidth, root.clientWidth], "*") })</script>
HTML
    cat >frames.html <<'HTML'
<!DOCTYPE html><body><script>addEventListener("message", e => { document.body.append(` width ${e.data.join(" ")};`) })</script>
<iframe src="framed.html" width="360" height="600" style="border:0"></iframe>
<iframe src="framed.html" width="1280" height="600" style="border:0"></iframe></body>
HTML
    browse --window-size=1400,1300 --dump-dom "file://$folder/frames.html" 2>log | grep -o 'width [0-9]* [0-9]* [0-9]*' | sort -u >measured
}
printf '<!DOCTYPE html><meta charset="utf-8"><body><pre style="width:900px">wide</pre>\n' >wide.html
widths wide
grep -q '^width 360 9[0-9][0-9] 360' measured || bad "the test would not see a page that is too wide: $(cat measured log | head -n 5)"
echo '<!DOCTYPE html><body><script>console.error("seen")</script></body>' >error.html
browse --dump-dom "file://$folder/error.html" 2>log >/dev/null
grep -q 'CONSOLE.*seen' log || bad "the test would not see an error in the console: $(head -n 3 log)"
for name in loops random connected chain read hostile ${EEGPU_SOURCE_DIR:+digits}; do
    widths "$name"
    if [ "$(awk '$3 <= $4 && ($2 == 360 || $2 == 1280)' measured | wc -l)" -eq 2 ]; then
        ok "$name.html fits 360 and 1280 pixels"
    else
        bad "$name.html is too wide: $(tr '\n' ';' <measured)"
    fi
    rm -f shot.png
    browse --hide-scrollbars --window-size=1280,1600 --screenshot="$folder/shot.png" "file://$folder/$name.html" >log 2>&1
    if [ "$(stat -c %s shot.png 2>/dev/null || echo 0)" -gt 20000 ]; then ok "$name.html is drawn"; else bad "$name.html is not drawn"; fi
    grep 'CONSOLE' log && bad "$name.html: the browser complains"
done
exit $failed
