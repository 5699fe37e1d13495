#!/usr/bin/env bash
# The drawn digits of scripts/make-glyphs are IDX files that eegpu reads: 1080 pictures of 28x28, 108 of each digit, the same
# bytes every time; distinct 3s on 5x6 pixels are found and scanned.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$EEGPU_SOURCE_DIR/scripts/make-glyphs" "$folder/one"
"$EEGPU_SOURCE_DIR/scripts/make-glyphs" "$folder/two"
diff -r "$folder/one" "$folder/two"
[ "$(od -An -tx1 -N16 "$folder/one/images.idx3" | tr -d ' \n')" = 00000803000004380000001c0000001c ]
[ "$(od -An -tx1 -N8 "$folder/one/labels.idx1" | tr -d ' \n')" = 0000080100000438 ]
[ "$(wc -c <"$folder/one/images.idx3")" -eq $((16 + 1080 * 28 * 28)) ]
[ "$(od -An -v -tu1 -w1 -j8 "$folder/one/labels.idx1" | grep -cw 3)" -eq 108 ]

source="images:file=$folder/one/images.idx3,labels=$folder/one/labels.idx1,label=3,size=5x6,threshold=0.35"
records=$("$EEGPU" scan "$source" --format csv | tail -n +2 | wc -l)
[ "$records" -eq 305 ] || { echo "glyphs_test: $records records of contiguous cuts of 5x6, expected 305" >&2 && exit 1; }
