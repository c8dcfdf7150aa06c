#!/usr/bin/env bash
# Builds the cores with sanitizers, and with checked memoryview accesses, in a copy of the tree, and runs the tests of
# csrc and arch over them. What came out is written to benchmarks/sanitizers.csv, which the reliability page shows.
#
#     benchmarks/sanitize.sh [sanitize] [boundscheck]      (default: both; PYTHON=… names the interpreter)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=${PYTHON:-$root/.venv/bin/python}
results=$root/benchmarks/sanitizers.csv
jobs=${JOBS:-2}
copy=$(mktemp -d "${TMPDIR:-/tmp}/bitline-sanitize.XXXXXX")
trap 'rm -rf "$copy"' EXIT
[ -f "$results" ] || echo "build,date,compiler,tests,failed,reports" >"$results"

for build in "${@:-sanitize boundscheck}"; do for kind in $build; do
    tree=$copy/$kind
    mkdir "$tree"
    tar -C "$root" -cf - --exclude='*.so' --exclude=__pycache__ setup.py pyproject.toml bitline arch csrc sim traces plots tests benchmarks examples |
        tar -C "$tree" -xf -
    cd "$tree"
    BITLINE_BUILD=$kind "$python" setup.py -q build_ext --inplace -j "$jobs" >build.log 2>&1 || { tail -n 30 build.log; exit 3; }
    # Python's own allocator would hide what is read past the end of one of its small blocks.
    settings=(PYTHONPATH="$tree" PYTHONDONTWRITEBYTECODE=1)
    if [ "$kind" = sanitize ]; then
        settings+=(
            LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
            PYTHONMALLOC=malloc
            ASAN_OPTIONS="detect_leaks=0:log_path=$tree/report"
            UBSAN_OPTIONS="print_stacktrace=1:log_path=$tree/report"
        )
    fi
    env "${settings[@]}" "$python" -c "import bitline.csrc.dram.memory as core; assert core.__file__.startswith('$tree'), core.__file__"
    status=0
    env "${settings[@]}" "$python" -m pytest -q -p no:cacheprovider -n "$jobs" tests/csrc tests/arch >tests.log 2>&1 || status=$?
    tail -n 15 tests.log
    passed=$(grep -oE '[0-9]+ passed' tests.log | tail -n 1 | grep -oE '[0-9]+' || echo 0)
    failed=$(grep -oE '[0-9]+ (failed|error)' tests.log | grep -oE '[0-9]+' | paste -sd+ | bc || true)
    reports=$(cat report* 2>/dev/null | grep -cE 'ERROR: AddressSanitizer|runtime error' || true)
    cat report* 2>/dev/null | grep -E 'ERROR: AddressSanitizer|runtime error' | sed "s|$tree/||" | sort | uniq -c | sort -rn | head -n 40 || true
    cd "$root"
    sed -i "/^$kind,/d" "$results"
    echo "$kind,$(date -u +%F),$(gcc --version | head -n 1 | tr -d ,),$passed,${failed:-0},$reports" >>"$results"
    [ "$status" = 0 ] && [ "$reports" = 0 ] || bad=1
done; done
cat "$results"
exit "${bad:-0}"
