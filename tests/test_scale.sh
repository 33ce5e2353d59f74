#!/usr/bin/env bash
# test_scale.sh PROGRAMS MPIEXEC - studies: when a point has samples enough, in which order points come, what
# weak scaling grows, what is recorded, and which options do not go together.
set -u
. "$(dirname "$0")/checks.sh"
programs=$1 mpiexec=$2
own_folder

# study RANKS NAME ARGUMENTS...
study() {
    local ranks=$1 name=$2
    shift 2
    timeout 60 "$mpiexec" -n "$ranks" "$programs/scale" -q -o "$name" --size 160x200 --costs none "$@" >"$name.txt" 2>err.txt ||
        { fail "scale $*"; cat err.txt; }
}

samples() { grep -c '"record":"sample"' "$1/study.jsonl"; }

# field NAME: its value in each sample that comes in.
field() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'; }

# ---- precision reached, time used up, or a count ------------------------------------------------------------
# 90%: ten samples are enough of what does not vary wildly; some may need more, none may end otherwise.
study 1 precise --no-ceilings --strong --threads 1 -k heat --precision 90% --max-time 20
grep -q '"end":"precision"' precise/study.jsonl || fail 'the precision ends nothing'
[ "$(samples precise)" -ge 10 ] || fail 'fewer samples than 10 for a precision'
[ "$(grep -c '"end"' precise/study.jsonl)" -eq 1 ] || fail 'not one last sample'
tail -1 precise/study.jsonl | grep -q '"end":"precision"' || fail 'the last sample is not the last one'
# What cannot be reached ends with the time, which is kept to.
start=$SECONDS
study 1 late --no-ceilings --strong --threads 1 -k heat --precision 1e-6 --max-time 0.3
[ $((SECONDS - start)) -lt 20 ] || fail 'max-time is not kept to'
grep -q '"end":"time"' late/study.jsonl || grep -q '"end":"count"' late/study.jsonl || fail 'the time ends nothing'
study 2 counted --no-ceilings --strong --ranks 1,2 -k heat -k stats --reps 3
[ "$(samples counted)" -eq 12 ] || fail 'not 3 samples a point'
[ "$(grep -c '"end":"count"' counted/study.jsonl)" -eq 4 ] || fail 'not 4 points ended by their count'
grep -q 'n<6' counted.txt || fail 'an interval of 3 samples'
grep '"record":"sample"' counted/study.jsonl | grep -v '"valid":true' && fail 'not the serial bits'

# ---- the order of points: by the seed, and nothing else ----------------------------------------------------------
order() { grep '"record":"sample"' "$1/study.jsonl" | sed 's/.*"label":"\([^"]*\)","scaling":"\([a-z]*\)","ranks":\([0-9]*\),"threads":\([0-9]*\).*/\1 \2 \3x\4/'; }
many=(--no-ceilings --ranks 1,2,3 --threads 1,2 -k heat -k sumsq --reps 1)
study 3 one --seed 7 "${many[@]}"
study 3 same --seed 7 "${many[@]}"
study 3 other --seed 8 "${many[@]}"
study 3 none "${many[@]}"
order one >one.order
[ "$(wc -l <one.order)" -eq 24 ] || fail "not 24 points"
order same | cmp - one.order || fail 'one seed, two orders'
order other | cmp -s - one.order && fail 'two seeds, one order'
order other | sort >sorted
sort one.order | cmp - sorted || fail 'other points with another seed'
sort one.order | cmp -s - one.order && fail 'the order is not random'
grep -q '"order of points":"random, by seed 7' one/study.jsonl || fail 'the seed is not recorded'
seed=$(sed -n 's/.*"settings":.*"seed":"\([0-9]*\)".*/\1/p' none/study.jsonl)
study 3 again --seed "$seed" "${many[@]}"
order none >none.order
order again | cmp - none.order || fail 'the recorded seed gives another order'

# ---- a kernel's points in turn: A B A B -------------------------------------------------------------------------
study 2 turns --no-ceilings --weak --interleave --ranks 1,2 --threads 1,2 -k heat -k 'normalize | sobel' --reps 3
order turns >turns.order
[ "$(wc -l <turns.order)" -eq 24 ] || fail 'not 24 samples in turn'
awk 'NR % 12 > 4 || NR % 12 == 0 { if ($0 != line[NR - 4]) bad = 1 } { line[NR] = $0 } END { exit bad }' turns.order ||
    { fail 'not in turn'; cat turns.order; }
grep '"record":"sample"' turns/study.jsonl | grep -v '"valid":true' && fail 'in turn, not the serial bits'

# ---- weak scaling: what the kernel says grows, to within a row -------------------------------------------------------
study 4 weak --no-ceilings --weak --ranks 1,2,3,4 -k heat -k nbody:n=300 -k mandelbrot:height=64,width=50 --reps 1
for kernel in heat nbody mandelbrot; do
    grep '"record":"sample".*"kernel":"'$kernel weak/study.jsonl >w.jsonl
    [ "$(wc -l <w.jsonl)" -eq 4 ] || fail "weak $kernel: not four points"
    paste <(field ranks <w.jsonl) <(field work <w.jsonl) | sort -n |
        awk -v row=$([ $kernel = nbody ] && echo 4 || { [ $kernel = heat ] && echo 200 || echo 50; }) '
            { share = $2 / $1; if (NR == 1) one = share; if (share > one + row || share < one - row) bad = 1 }
            END { exit bad || NR != 4 }' || { fail "weak $kernel: a worker's work is not constant"; cat w.jsonl; }
done
grep -q '"kernel":"heat.*"grows":"rows"' weak/study.jsonl || fail 'heat does not grow in rows'
grep -q '"kernel":"nbody.*"grows":"n^2"' weak/study.jsonl || fail 'nbody does not grow in n^2'
grep -q '"kernel":"mandelbrot.*"grows":"height"' weak/study.jsonl || fail 'mandelbrot does not grow in height'
grep -q 'Weak scaling: heat grows in rows, 8000 a worker' weak.txt || fail 'what grows is not shown'

# ---- what is recorded -------------------------------------------------------------------------------------------------
study 2 full --strong --ranks 1,2 --threads 1,2 -k heat:steps=3 --reps 2
for ceiling in read copy triad f32 f64; do
    grep -q '"record":"ceiling".*"what":"'$ceiling'".*"ranks":1,"threads":1,' full/study.jsonl || fail "no ceiling $ceiling"
done
grep '"record":"sample"' full/study.jsonl >f.jsonl
[ "$(grep -c '"threads_ns":\[' f.jsonl)" -eq 8 ] || fail 'samples without their threads'
[ "$(grep -c '"slowest":' f.jsonl)" -eq 8 ] || fail 'samples without their slowest rank'
# 3 steps of 7 operations an element: 160 x 200 x 3 x 3 x 7.
[ "$(field flops <f.jsonl | sort -u)" = 2016000.0 ] || fail 'not the nominal operations'
# u8: each step reads and writes a byte of each element.
[ "$(field bytes <f.jsonl | sort -u)" = 576000.0 ] || fail 'not the nominal bytes'
# Useful time is above 0 and at most the sample's.
awk '{ match($0, /"seconds":[0-9.e-]*/); s = 1e9 * substr($0, RSTART + 10, RLENGTH - 10)
       match($0, /"threads_ns":\[[0-9,]*/); n = split(substr($0, RSTART + 14, RLENGTH - 14), u, ",")
       for (i = 1; i <= n; i++) if (!(u[i] > 0 && u[i] <= s + 1)) bad = 1 } END { exit bad || NR != 8 }' f.jsonl ||
    fail 'useful time is not within (0, T]'

# ---- what does not go together ----------------------------------------------------------------------------------------
refuse() { # refuse PATTERN ARGUMENTS...
    local pattern=$1
    shift
    timeout 30 "$programs/scale" -q -o refused "$@" >out.txt 2>err.txt
    [ $? -eq 2 ] || fail "scale $*: is not refused"
    grep -q -- "$pattern" err.txt || { fail "scale $*: no word of $pattern"; cat err.txt; }
    [ ! -e refused ] || fail "scale $*: left a folder"
}
refuse '--reps' --reps 3 --precision 1%
refuse '--precision' --precision 0
refuse '--precision' --precision two
refuse '--max-time' --max-time 0
refuse '--seed' --seed -1

finish "studies are as they should be"
