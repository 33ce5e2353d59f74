#!/usr/bin/env bash
# bench_compare.sh PROGRAMS MPIEXEC [DIR [LAUNCHES]] - how often `report --compare` finds a difference between
# launches of one build, on this machine as it is. Adds LAUNCHES (240) launches of `scale` over small, quick points
# to DIR (a new folder under /tmp), then judges all that are there: one launch of each, launches in turns, in
# pairs, one after the other taken for steady; and a slower build beside a faster one. DIR can be given again, to
# go on where it was left; with 0 launches it is only judged.
set -eu
programs=$1 mpiexec=$2 dir=${3:-$(mktemp -d /tmp/nfold-compare-XXXXXX)} launches=${4:-240}
turns=6 pairs=8 # launches (pairs) of a study: what 6 points need at 95%
mkdir -p "$dir"

# measure NAME: one launch, six points of some milliseconds in all.
measure() {
    timeout 60 "$mpiexec" -n 2 "$programs/scale" -q --costs none -k sumsq_range:n=4e6 -k sobel --strong --ranks 1,2 \
        --threads 1,2 --size 512x768 --reps 11 -o "$dir/run" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
    mv "$dir/run/study.jsonl" "$1"
    rm -rf "$dir/run"
}

numbered() { # PREFIX: its files in the order measured
    find "$dir" -maxdepth 1 -name "$1*.jsonl" | sort -V
}

next=$(numbered same | wc -l)
for ((i = 0; i < launches; i++)); do
    measure "$dir/same$((next + i)).jsonl"
    # every sixth of them beside one of the same kernels compiled for older processors
    if (((next + i) % 6 == 0)); then
        cp "$dir/same$((next + i)).jsonl" "$dir/fast$((next + i)).jsonl"
        NFOLD_ISA=baseline measure "$dir/slow$((next + i)).jsonl"
    fi
done

# shown ARGUMENTS...: whether --compare shows a difference at any point
shown() {
    "$programs/report" --compare --json "$@" | grep -q '"verdict":"\(faster\|slower\)"'
}

# count OPTIONS N HOW FILES...: how many comparisons with these options show a difference, N files in a row each: every
# second one against those between (turns), or the first half against the second (blocks)
count() {
    local words=$1 n=$2 how=$3 wrong=0 all=0 a b i k
    shift 3
    local files=("$@")
    for ((i = 0; i + n <= ${#files[@]}; i += n)); do
        a=() b=()
        for ((k = 0; k < n; k++)); do
            if { [ "$how" = turns ] && ((k % 2 == 0)); } || { [ "$how" = blocks ] && ((k < n / 2)); }; then
                a+=("${files[i + k]}")
            else
                b+=("${files[i + k]}")
            fi
        done
        # shellcheck disable=SC2086
        if shown $words "${a[@]}" : "${b[@]}"; then wrong=$((wrong + 1)); fi
        all=$((all + 1))
    done
    echo "$wrong of $all"
}

mapfile -t same < <(numbered same)
mapfile -t fast < <(numbered fast)
mapfile -t slow < <(numbered slow)
echo "${#same[@]} launches of one build in $dir; comparisons that show a difference:"
echo "  one launch of each:                      $(count "" 2 turns "${same[@]}")"
echo "  one of each, taken to differ by 5%:      $(count "--launch-noise 5" 2 turns "${same[@]}")"
echo "  $turns of each, in turns:                     $(count "" $((2 * turns)) turns "${same[@]}")"
echo "  $pairs pairs:                                 $(count "--paired" $((2 * pairs)) turns "${same[@]}")"
echo "  $turns of each, one after the other:          $(count "" $((2 * turns)) blocks "${same[@]}")"
echo "  the same, taken for steady:              $(count "--steady" $((2 * turns)) blocks "${same[@]}")"
both=()
for ((i = 0; i < ${#slow[@]}; i++)); do both+=("${fast[i]}" "${slow[i]}"); done
echo "and where there is one, kernels for older processors:"
echo "  $turns of each, in turns:                     $(count "" $((2 * turns)) turns "${both[@]}")"
