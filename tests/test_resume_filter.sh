#!/usr/bin/env bash
# test_resume_filter.sh PROGRAMS MPIEXEC killed|settings - filter --resume: runs that are killed, or asked to stop, in the middle go on
# on another number of ranks and end with the bytes of a run that was left alone; torn journals; other settings.
set -u
programs=$1 mpiexec=$2 part=$3
. "$(dirname "$0")/faults.sh"
require openssl pgrep
own_folder
noise 3000 2000 | tail -c 18000000 >in.raw
bare='--shape 6000x3000 --dtype u8'
chain='cast:to=f32 | median:size=9' # 69 units of 1 MiB

start() { # start RANKS OUTPUT ARGUMENTS...: in the background; its process in $run
    local ranks=$1 output=$2
    shift 2
    (launch "$ranks" filter -q -t 1 --resume --memory 96M $bare -k "$chain" "$@" in.raw "$output") >out.txt 2>err.txt &
    run=$!
}

noted() { # noted OUTPUT UNITS: waits until the journal has so many; fails if the run ends before
    local size
    while kill -0 $run 2>/dev/null; do
        size=$(stat -c %s ".${1%%:*}.resume" 2>/dev/null || echo 0)
        [ "$size" -ge $((800 + 56 * $2)) ] && return 0
        sleep 0.005
    done
    return 1
}

finished() { # finished WHAT STATUS: how the run in $run ends
    ended $run 60 || fail "$1: hangs"
    wait $run 2>/dev/null
    local status=$?
    checks=$((checks + 1))
    [ "$2" = any ] || [ $status -eq "$2" ] || { fail "$1: exit status $status"; cat err.txt; }
}

completed() { # completed WHAT OUTPUT RANKS ARGUMENTS...: the run goes on, and ends as it must
    local what=$1 output=$2 file=${2%%:*} before after
    before=$(stat -c %s ".$file.resume" 2>/dev/null || echo 0)
    verify "$what: nothing is kept" [ "$before" -gt 900 ]
    start "$3" "$output" "${@:4}"
    noted "$output" 3
    finished "$what, going on" 0
    verify "$what: other bytes" cmp "whole.${file#*.}" "$file"
    after=$(ls -A | grep resume)
    verify "$what: $after stays" [ -z "$after" ]
    rm -f "$file"
}

for suffix in h5 npy tif; do # runs that are left alone, and do not know of all this
    (launch 0 filter -q $bare -k "$chain" in.raw out.$suffix) || exit 1
    mv out.$suffix whole.$suffix
done

killed() { # killed OUTPUT RANKS SIGNAL RANK AGAIN: RANK gets the signal; on AGAIN ranks it goes on
    local what="$1, $2 ranks, SIG$3 to $4, then $5" victim
    start "$2" "$1"
    noted "$1" 3 || fail "$what: ended too soon"
    victim=$run
    [ "$2" -eq 0 ] || victim=$(rank_of $run "$4")
    kill "-$3" "$victim"
    finished "$what" any
    verify "$what: an output" [ ! -e "${1%%:*}" ]
    completed "$what" "$1" "$5"
}
stopped_run() { # stopped_run OUTPUT RANKS SIGNAL RANK AGAIN: as above, and it says so
    local what="$1, $2 ranks, SIG$3 to $4" victim
    start "$2" "$1"
    noted "$1" 3 || fail "$what: ended too soon"
    victim=$run
    [ "$4" = mpirun ] || [ "$2" -eq 0 ] || victim=$(rank_of $run "$4")
    kill "-$3" "$victim"
    finished "$what" 75
    verify "$what: not one message" [ "$(grep -c '^filter: .*the same command goes on' err.txt)" -eq 1 ]
    completed "$what" "$1" "$5"
}

if [ "$part" = killed ]; then
    killed out.h5 0 KILL 0 3
    killed out.h5 3 KILL 1 1
    killed out.npy 3 KILL 0 2
    killed out.tif 2 KILL 1 0
    stopped_run out.h5 0 TERM 0 2
    stopped_run out.h5 3 TERM 2 1
    stopped_run out.npy 3 USR1 mpirun 0
    finish "$checks checks"
fi

# A journal that is torn, or of which a record is damaged, and bytes of the part file that are not those noted.
interrupt() { # leaves a run of out.npy in the middle
    start 1 out.npy
    noted out.npy 3 || fail "interrupt: ended too soon"
    kill -USR1 "$(rank_of $run 0)"
    finished interrupt 75
}
interrupt
truncate -s -13 .out.npy.resume
completed 'a torn journal' out.npy 2
interrupt
printf x | dd of=.out.npy.resume bs=1 seek=$(($(stat -c %s .out.npy.resume) - 100)) conv=notrunc 2>/dev/null
completed 'a damaged record' out.npy 0
interrupt
printf 'damaged ' | dd of=.out.npy.resume.part bs=1 seek=100000 conv=notrunc 2>/dev/null
completed 'a damaged part file' out.npy 2
interrupt
rm .out.npy.resume.part
start 2 out.npy
finished 'a part file that is gone' 0
verify 'a part file that is gone: other bytes' cmp whole.npy out.npy
rm -f out.npy

refused() { # refused WORDS ARGUMENTS...: the journal stays
    checks=$((checks + 1))
    (launch 0 filter -q -t 1 --resume "${@:2}") >out.txt 2>err.txt && fail "$* succeeds"
    grep -q "$1" err.txt || { fail "no word of '$1'"; cat err.txt; }
}
interrupt
refused "the chain was 'cast.*and is 'cast:to=f32 | median:size=7" $bare -k 'cast:to=f32 | median:size=7' in.raw out.npy
refused "description was .*6000x3000.* and is .*3000x6000" --shape 3000x6000 --dtype u8 -k "$chain" in.raw out.npy
refused 'its storage was' $bare --store f64 -k "$chain" in.raw out.npy
cp in.raw other.raw
refused "the input was 'in.raw' and is 'other.raw'" $bare -k "$chain" other.raw out.npy
touch -d '1 hour ago' kept in.raw
refused "the input's state was" $bare -k "$chain" in.raw out.npy
(launch 0 filter -q $bare -k invert in.raw out.npy) || fail 'a run without --resume'
verify 'a run without --resume: files stay' [ -z "$(ls -A | grep resume)" ]
for wrong in 'out.png' '--compress deflate out.h5' '--chunk 100x100 out.h5' 'out.pgm' '--checksum out.h5'; do
    refused 'resume' $bare -k invert in.raw $wrong
done
refused "kernel 'label' cannot go through" $bare -k label in.raw lab.h5
rm -f .lab.h5.resume* # begun, with nothing in it

# Several sweeps: the last one alone is kept.
chain='heat:steps=60 | cast:to=f32'
(launch 0 filter -q $bare -k "$chain" in.raw out.npy) || exit 1
mv out.npy whole.npy
start 2 out.npy
noted out.npy 3 && kill -KILL "$(rank_of $run 0)"
finished 'sweeps' any
if [ -e out.npy ]; then verify 'sweeps: other bytes' cmp whole.npy out.npy; else completed 'sweeps' out.npy 3; fi
finish "$checks checks"
