#!/usr/bin/env bash
# test_resume.sh PROGRAMS MPIEXEC - a study that is killed in the middle is finished by --resume: nothing that
# was measured is lost or measured again, and other settings are refused.
set -u
. "$(dirname "$0")/checks.sh"
programs=$1 mpiexec=$2
own_folder

settings=(-q --no-ceilings --costs none --size 200x300 --ranks 1,2 --threads 1,2 -k heat:steps=5 -k 'gaussian | sobel' -k sumsq --reps 25)
points=24 # 3 kernels, strong and weak, 4 layouts

scale() { # scale ARGUMENTS...
    timeout 60 "$mpiexec" -n 2 "$programs/scale" "${settings[@]}" "$@" >out.txt 2>err.txt
}

# Samples a point, in the file $1: how many, and which.
count() { grep '"record":"sample"' "$1" | sed 's/"shape".*"launch"/"launch"/; s/,"launch.*//' | sort | uniq -c; }

# kill_after RECORDS FOLDER: starts the study and kills it, all its processes and without warning, once so many
# records are written.
kill_after() {
    local least=$1 name=$2 deadline=$((SECONDS + 40))
    shift 2
    setsid "$mpiexec" -n 2 "$programs/scale" "${settings[@]}" -o "$name" "$@" >/dev/null 2>&1 &
    local leader=$!
    while [ "$(cat "$name/study.part.jsonl" 2>/dev/null | wc -l)" -lt "$least" ] && [ $SECONDS -lt $deadline ]; do
        sleep 0.02
    done
    kill -9 $(ps -s $leader -o pid=) 2>/dev/null # its session is mpirun and what that has started
    wait $leader 2>/dev/null
}

# ---- killed, resumed, killed again, resumed ------------------------------------------------------------------------
kill_after 70 study
[ -e study/study.part.jsonl ] && [ ! -e study/study.jsonl ] || fail 'it was not killed in the middle'
printf '{"record":"sample","sche' >>study/study.part.jsonl # torn in the middle of a line, as a kill may
cp study/study.part.jsonl before.jsonl
timeout 20 "$programs/report" -o half study/study.part.jsonl >/dev/null || fail 'half a study cannot be reported'
kill_after $(($(wc -l <before.jsonl) + 100)) study --resume
grep -q '"launch":1' study/study.part.jsonl || fail 'the second launch left no samples'
cp study/study.part.jsonl second.jsonl
scale -o study --resume || { fail 'it is not finished'; cat err.txt; }
[ -e study/study.jsonl ] && [ ! -e study/study.part.jsonl ] || fail 'the part file is left'
[ -s study/report.html ] || fail 'no report of a resumed study'

# What was recorded is there still, unchanged and in its place.
lines=$(grep -c . before.jsonl)
head -n $((lines - 1)) before.jsonl | cmp - <(head -n $((lines - 1)) study/study.jsonl) || fail 'records have changed'
count study/study.jsonl >all.txt
[ "$(wc -l <all.txt)" -eq $points ] || { fail "not $points points"; cat all.txt; }
awk '$1 != 25 { bad = 1 } END { exit bad }' all.txt || { fail 'not 25 samples of each point'; cat all.txt; }
# Points that were complete in one launch have nothing of a later one: what ended then has no more samples.
grep '"end":"count"' second.jsonl | grep -v '^{"record":"study"' | sed 's/"launch".*//' | while read -r point; do
    last=$(grep -nF -- "$point" study/study.jsonl | tail -1 | cut -d: -f1)
    [ "$last" -le "$(wc -l <second.jsonl)" ] || echo "again: $point"
done | grep . && fail 'complete points were measured again'
grep -q '"launch 1":' study/study.jsonl && grep -q '"launch 2":' study/study.jsonl || fail 'launches are not noted'
grep '"record":"sample"' study/study.jsonl | grep -v '"valid":true' && fail 'not the serial bits'

# ---- a complete study: nothing is left to do ----------------------------------------------------------------------
cp study/study.jsonl complete.jsonl
sed -i '2s/^{/{"note":"kept",/' study/study.jsonl # what no version knows
scale -o study --resume || { fail 'a complete study cannot be resumed'; cat err.txt; }
[ "$(grep -c '"record":"sample"' study/study.jsonl)" -eq "$(grep -c '"record":"sample"' complete.jsonl)" ] ||
    fail 'a complete study was measured again'
grep -q '"note":"kept"' study/study.jsonl || fail 'an unknown member was lost'

# ---- what cannot be resumed -------------------------------------------------------------------------------------------
refuse() { # refuse PATTERN STATUS ARGUMENTS...
    local pattern=$1 status=$2
    shift 2
    scale "$@"
    [ $? -eq "$status" ] || fail "scale $*: is not refused"
    grep -q -- "$pattern" err.txt || { fail "scale $*: no word of $pattern"; cat err.txt; }
}
cp study/study.jsonl kept.jsonl
refuse "seed was '[0-9]*', is '1'" 2 -o study --resume --seed 1
refuse "reps was '25', is '26'" 2 -o study --resume --reps 26
refuse 'interleave' 2 -o study --resume --interleave
refuse "kernel 4" 2 -o study --resume -k stats
refuse 'strong size' 2 -o study --resume --size 200x301
refuse 'ranks x threads' 2 -o study --resume --threads 1
refuse 'plan' 2 -o study --resume --tile-size 10x10
refuse 'no study to resume' 1 -o elsewhere --resume
cmp kept.jsonl study/study.jsonl || fail 'a refused study was changed'
[ ! -e study/study.part.jsonl ] || fail 'a refused study left a part file'
[ ! -e elsewhere ] || fail 'a refused study left a folder'

finish "resumed as it should"
