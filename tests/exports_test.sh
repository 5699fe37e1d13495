#!/usr/bin/env bash
# The shared library exports exactly what the public header declares.
set -u
diff <(grep -E '^EEGPU_(API|CHECK) ' "$EEGPU_SOURCE_DIR/include/eegpu.h" | grep -oE 'eegpu_[a-z0-9_]+\(' | tr -d '(' | sort -u) \
    <(nm -D --defined-only "$EEGPU_BUILD_DIR/libeegpu.so" | awk '{ print $NF }' | sort) && exit 0
echo "lines with <: declared in eegpu.h, not exported; with >: exported, not declared"
exit 1
