#!/usr/bin/env bash
# test_scale_costs.sh PROGRAMS MPIEXEC SOURCE PART - what a study records of starting, sharing, sending and memory.
# PART: resumed: starting and sharing on four ranks, each once, also when it is resumed; sent: arrays, and the input
# that ranks share; asked: on one rank, and those that were asked for; parts: in the parts of a study by jobs/study.
set -u
programs=$1 mpiexec=$2 source=$3 part=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# study RANKS NAME ARGUMENTS...: of one quick point or a few.
study() {
    local ranks=$1 name=$2
    shift 2
    timeout 120 "$mpiexec" -n "$ranks" "$programs/scale" -q -o "$name" --no-ceilings --no-report --strong \
        --size 160x200 -k heat --reps 1 --seed 1 "$@" >out.txt 2>err.txt || { fail "scale $*"; cat err.txt; }
}

# costs STUDY PATTERN: records of costs that match.
costs() { grep '"record":"cost"' "$1/study.jsonl" | grep -cE -- "$2"; }

# expect NUMBER STUDY PATTERN
expect() {
    [ "$(costs "$2" "$3")" -eq "$1" ] || { fail "$2: $(costs "$2" "$3") costs of $3, not $1"; cat "$2/study.jsonl"; }
}

# each_once STUDY: no cost is there twice.
each_once() {
    grep '"record":"cost"' "$1/study.jsonl" | sed -E 's/"n":.*//; /"share"/s/"amount".*//' | sort | uniq -d | grep . &&
        fail "$1: measured twice"
}

# count_cores STUDY
count_cores() {
    cores=$(sed -n 's/.*"cores that may be used":"\([0-9]*\).*/\1/p' "$1/study.jsonl" | head -1)
    [ "$cores" -ge 1 ] || fail 'the number of cores is not known'
}

points=(--ranks 2,4 --threads 1)

# ---- four ranks, more than there may be cores --------------------------------------------------------
test_four() {
    study 4 four "${points[@]}" --costs start,share
    expect 1 four '"what":"MPI process","unit":"s","ranks":4,"threads":1,"nodes":1,'
    expect 1 four '"what":"process","unit":"s","ranks":1,"threads":1,"nodes":1,'
    for ranks in 2 4; do
        expect 1 four '"what":"barrier of ranks","unit":"s","ranks":'$ranks',"threads":1,"nodes":1,'
    done
    expect 4 four '"kind":"start"'
    for way in race lock 'spin lock' atomic private 'private, one cache line' 'private, reduced' 'fetch and op'; do
        for ranks in 2 4; do
            expect 1 four '"kind":"share","what":"'"$way"'","unit":"s","ranks":'$ranks',"threads":1,"nodes":1,'
        done
    done
    expect 16 four '"kind":"share"'
    grep '"record":"cost"' four/study.jsonl | grep -v '"valid":true' && fail 'a cost is not valid'
    # Each has a time, and an interval around it, or too few samples for one.
    grep '"record":"cost"' four/study.jsonl | sed -E 's/.*"n":([0-9]+),"value":([^,]+),"low":([^,]+),"high":([^,]+),.*/\1 \2 \3 \4/' |
        awk '{ if ($2 <= 0 || ($1 < 6 ? $3 + $4 != 0 : $3 > $2 || $4 < $2)) { print; bad = 1 } } END { exit bad || NR != 20 }' ||
        fail 'not a median and its interval'
    each_once four
}

# ---- resumed: nothing is measured again, what is missing is ---------------------------------------------------------
test_resumed() {
    grep '"record":"cost"' four/study.jsonl >before
    study 4 four "${points[@]}" --costs start,share --resume
    grep '"record":"cost"' four/study.jsonl | cmp - before || fail 'costs were measured again'
    grep -v '"what":"lock","unit":"s","ranks":2,\|"what":"barrier of ranks","unit":"s","ranks":4\|"what":"atomic","unit":"s","ranks":4' \
        four/study.jsonl >four/study.part.jsonl # as if it had been killed before these
    rm four/study.jsonl
    study 4 four "${points[@]}" --costs start,share --resume
    [ "$(costs four .)" -eq "$(wc -l <before)" ] || fail 'what was missing is missing still'
    grep '"record":"cost"' four/study.jsonl | grep -cFxf before | grep -qx $(($(wc -l <before) - 3)) ||
        fail 'more was measured again than was missing'
    each_once four
}

# ---- arrays that are sent, and the input -----------------------------------------------------------------------------
test_sent() {
    study 3 sent --ranks 2 --threads 1 --costs send,memory
    count_cores sent
    if [ "$cores" -gt 1 ]; then
        for way in contiguous 'derived datatype' packed 'shared memory, copied' 'shared memory, in place'; do
            expect 1 sent '"what":"'"$way"'","unit":"s","ranks":2,"threads":1,"nodes":1,"amount":65536.0,'
            expect 1 sent '"what":"'"$way"'","unit":"s","ranks":2,"threads":1,"nodes":1,"amount":4194304.0,'
        done
    else
        expect 0 sent '"kind":"send"'
    fi
    grep '"kind":"memory"' sent/study.jsonl | sed -E 's/.*"ranks":([0-9]+).*"amount":([0-9.]+).*"value":([0-9.]+).*/\1 \2 \3/' |
        awk '{ one = $2 / $1; if ($1 != 3 || $3 < 0.9 * one || $3 > 1.2 * one) bad = 1 } END { exit bad || NR != 1 }' ||
        { fail 'the input is not held once'; grep '"kind":"memory"' sent/study.jsonl; }
    expect 0 sent '"kind":"(start|share|break-even)"'
    grep '"record":"cost"' sent/study.jsonl | grep -v '"valid":true' && fail 'what was sent is not valid'
    grep '"record":"cost"' sent/study.jsonl >before
    study 3 sent --ranks 2 --threads 1 --costs send,memory --resume
    grep '"record":"cost"' sent/study.jsonl | cmp - before || fail 'arrays were sent again'
    each_once sent
}

# ---- one rank, its threads, and all kinds ----------------------------------------------------------------------------------------
test_one() {
    study 1 one --threads 1,2 --costs all
    count_cores one
    expect 5 one '"kind":"share".*"ranks":1,"threads":1,'
    expect 0 one '"kind":"(send|memory)"'
    expect 0 one '"barrier of ranks"|"fetch and op"|reduced'
    with=$([ "$cores" -gt 1 ] && echo 1 || echo 0)
    expect "$with" one '"what":"parallel region","unit":"s","ranks":1,"threads":2,"nodes":1,'
    expect $((6 * with)) one '"kind":"share".*"ranks":1,"threads":2,"nodes":1,'
    each_once one
}

# ---- those that are asked for, or none ----------------------------------------------------------------------------------
test_some() {
    study 2 some --ranks 2 --threads 1 --costs memory,start
    expect 0 some '"kind":"(share|send|break-even)"'
    expect 3 some '"kind":"start"'
    expect 1 some '"kind":"memory"'
    study 4 none "${points[@]}" --costs none
    expect 0 none .
    timeout 30 "$programs/scale" -q -o refused --costs start,shares >out.txt 2>err.txt
    [ $? -eq 2 ] && grep -q 'expected a list of start, share' err.txt || fail '--costs start,shares is not refused'
}

# ---- parts of a study: costs come from the first launch -------------------------------------------------------------------
test_parts() {
    cp -r "$source/jobs" jobs
    mkdir build
    ln -s "$programs" build/drivers
    jobs/study --ranks 1,2 --launches 2 --launcher "$mpiexec -n {ranks}" -o parts -k heat -- \
        --size 160x200 --reps 1 --costs share >out.txt 2>err.txt || { fail 'a study in parts'; cat out.txt err.txt; }
    expect 13 parts '"kind":"share"'
    [ "$(grep -l '"record":"cost"' parts/points/*.jsonl | wc -l)" -eq 2 ] || fail 'costs are not those of one launch a point'
    grep -l '"record":"cost"' parts/points/*.jsonl | xargs grep -h '"record":"sample"' | grep -v '"launch":0' &&
        fail 'costs of a later launch'
    each_once parts
}

case $part in
resumed) test_four; test_resumed ;;
sent) test_sent ;;
asked) test_one; test_some ;;
parts) test_parts ;;
*) fail "no part $part" ;;
esac

[ $failures -eq 0 ] && echo "costs are recorded as they should be"
exit $((failures > 0))
