# shellcheck shell=bash
# Where the test tools lie. Sourced by scripts/setup, scripts/test and scripts/prove; source it by hand
# to run one test package alone:  . scripts/env.sh && go test ./test/browser/...

# axe-core checks every page for barriers. The hash is npm's "integrity" of the package as it was on
# 2026-11-23, written in hex.
KIZUKI_AXE_VERSION=4.14.1
KIZUKI_AXE_SHA512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

KIZUKI_TEST_CACHE=${KIZUKI_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kizuki-test}
KIZUKI_AXE=$KIZUKI_TEST_CACHE/axe-core-$KIZUKI_AXE_VERSION/axe.min.js
KIZUKI_WINE_SHIM=$KIZUKI_TEST_CACHE/wine-shim/bcryptprimitives.dll

# VictoriaLogs, which the tests of internal/logs/victoria start: one file for each pinned module, see tools/victorialogs.
KIZUKI_VICTORIALOGS=$KIZUKI_TEST_CACHE/victorialogs-v1.51.1-0.20260624061259/victoria-logs
# A fake of S3 for the tests of internal/logs/archive, see tools/gofakes3.
KIZUKI_GOFAKES3=$KIZUKI_TEST_CACHE/gofakes3-v1.2.0/gofakes3
# A reader with another Parquet library for a test of internal/logs/lake, see tools/parquetsum.
KIZUKI_PARQUETSUM=$KIZUKI_TEST_CACHE/parquetsum-arrow-v18.8.0/parquetsum
export KIZUKI_TEST_CACHE KIZUKI_AXE KIZUKI_WINE_SHIM KIZUKI_VICTORIALOGS KIZUKI_GOFAKES3 KIZUKI_PARQUETSUM
