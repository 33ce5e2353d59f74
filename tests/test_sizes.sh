#!/usr/bin/env bash
# test_sizes.sh PROGRAMS MPIEXEC - a size for each kernel of a study, `-k 'heat @ 256x256'`: which arrays points have, that
# sizes are kept apart, and what is refused.
set -u
programs=$1 mpiexec=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# ---- a size of a kernel's own ------------------------------------------------------------------------------------------
check 'a study' timeout 60 "$mpiexec" -n 2 "$programs/scale" -q -o sizes --size 160x200 --no-ceilings --ranks 1,2 --reps 2 \
    -k 'heat:steps=2 @ 48x64' -k heat:steps=2 -k 'heat:steps=2@96x64' -k sumsq
cp out.txt sizes.txt
samples() { grep -c '"record":"sample"' "$1/study.jsonl"; }
# shape LABEL SCALING RANKS: rows and columns of that point's samples.
shape() { grep '"label":"'"$1"'","scaling":"'"$2"'","ranks":'"$3," sizes/study.jsonl | sed 's/.*"dim":\[1,\([0-9]*\),\([0-9]*\)\].*/\1x\2/' | sort -u; }
[ "$(samples sizes)" -eq 32 ] || fail 'not 16 points of sizes'
for ranks in 1 2; do
    [ "$(shape 'heat:steps=2 @ 48x64' strong $ranks)" = 48x64 ] || fail "a size of its own, $ranks ranks"
    [ "$(shape 'heat:steps=2 @ 48x64' weak $ranks)" = $((12 * ranks))x64 ] || fail "a size of its own, weak, $ranks ranks"
    [ "$(shape heat:steps=2@96x64 strong $ranks)" = 96x64 ] || fail "another size, $ranks ranks"
    [ "$(shape heat:steps=2@96x64 weak $ranks)" = $((24 * ranks))x64 ] || fail "another size, weak, $ranks ranks"
    [ "$(shape heat:steps=2 strong $ranks)" = 160x200 ] || fail "--size, $ranks ranks"
    [ "$(shape heat:steps=2 weak $ranks)" = $((40 * ranks))x200 ] || fail "--size, weak, $ranks ranks"
    [ "$(shape sumsq strong $ranks)" = 160x200 ] || fail "--size of the last, $ranks ranks"
done
# Groups of their own, weak ones too, each with a base of its own.
[ "$(grep -c '^heat:steps=2.*, \(strong, .*\|weak\)$' sizes.txt)" -eq 6 ] || { fail 'not six groups of heat'; cat sizes.txt; }
[ "$(grep '"label":"heat' sizes/study.jsonl | sed 's/.*"kernel":"\([^"]*\)".*/\1/' | sort -u | wc -l)" -eq 3 ] ||
    fail 'sizes share a kernel'
grep -q 'heat:steps=2 @ 48x64 grows in rows, 768 a worker' sizes.txt || fail 'what a size of its own grows in'
grep '"record":"sample"' sizes/study.jsonl | grep -v '"valid":true' && fail 'sizes: not the serial bits'
timeout 60 "$programs/report" --compare sizes/study.jsonl : sizes/study.jsonl >compared.txt 2>&1
grep -q 'heat:steps=2 @ 48x64' compared.txt || { fail 'sizes are not compared'; cat compared.txt; }
# By jobs/study, too, which finds the programs in drivers/ here, or in the tree's own build.
ln -s "$programs" drivers
timeout 60 "$here/../jobs/study" --launches 2 --launcher none -o jobs -k 'heat @ 30x40' -- --reps 2 >out.txt 2>&1 ||
    { fail 'jobs/study with a size'; cat out.txt; }
[ "$(grep -c '"label":"heat @ 30x40".*"dim":\[1,30,40\]' jobs/study.jsonl)" -eq 4 ] || fail 'jobs/study: not 4 samples of that size'

# ---- what is refused -----------------------------------------------------------------------------------------------------
refuse() { # refuse PATTERN ARGUMENTS...
    local pattern=$1
    shift
    timeout 30 "$programs/scale" -q -o refused "$@" >out.txt 2>err.txt
    [ $? -eq 2 ] || fail "scale $*: is not refused"
    grep -q -- "$pattern" err.txt || { fail "scale $*: no word of $pattern"; cat err.txt; }
    [ ! -e refused ] || fail "scale $*: left a folder"
}
for size in '' 48x x48 0x5 48x64x3 '48x64 @ 2x2'; do
    refuse "-k 'heat @ $size': expected a size" -k "heat @ $size"
done
refuse "'sumsq_range' works on an index range" -k 'sumsq_range:n=9 @ 4x4'
refuse 'a kernel.s name is missing' -k '@ 4x4'
printf 'abcdefghij' >line.raw
"$programs/filter" -q --shape 10 --dtype u8 line.raw line.npy || fail 'no array of one dimension'
refuse "-k 'sumsq @ 2x5': the input has one dimension" -k 'sumsq @ 2x5' --input line.npy
refuse '--size: the input has one dimension' -k sumsq --size 2x5 --input line.npy

[ $failures -eq 0 ] && echo "sizes are as they should be"
exit $((failures > 0))
