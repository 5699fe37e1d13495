#!/usr/bin/env bash
# The shared library exports exactly what the public header declares, and a back end its two names.
set -u
for plugin in "$EEGPU_BUILD_DIR"/eegpu_cuda.so "$EEGPU_BUILD_DIR"/tests/emulated/eegpu_emulated.so; do
    [ -f "$plugin" ] || continue
    if [ "$(nm -D --defined-only "$plugin" | awk '{ print $NF }' | sort | xargs)" != "eg_backend_plugin eg_backend_plugin_abi" ]; then
        nm -D --defined-only "$plugin"
        echo "exports_test: $plugin should export eg_backend_plugin and eg_backend_plugin_abi alone"
        exit 1
    fi
done
diff <(grep -E '^EEGPU_(API|CHECK) ' "$EEGPU_SOURCE_DIR/include/eegpu.h" | grep -oE 'eegpu_[a-z0-9_]+\(' | tr -d '(' | sort -u) \
    <(nm -D --defined-only "$EEGPU_BUILD_DIR/libeegpu.so" | awk '{ print $NF }' | sort) && exit 0
echo "lines with <: declared in eegpu.h, not exported; with >: exported, not declared"
exit 1
