#!/usr/bin/env bash
# The example of the public API gives the entropies of the W state, H(k/9), with the static and with the shared library, and
# says why when it cannot.
set -u
expected=$EEGPU_SOURCE_DIR/tests/example/expected.txt
bad=0
for kind in static shared; do
    program=$EEGPU_BUILD_DIR/tests/example_$kind
    "$program" w | diff "$expected" - || bad=1
    if message=$("$program" nonsense 2>&1) || [[ $message != "example: "*nonsense* ]]; then
        echo "$kind: an unknown function should fail and be named, got: $message"
        bad=1
    fi
done
exit $bad
