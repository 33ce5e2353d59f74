#!/usr/bin/env bash
# test_killed.sh PROGRAMS MPIEXEC OUTPUT - runs that are ended in the middle of writing, by signals to mpirun or to one rank:
# the old output stays as it was, no half-written file takes its place, nothing hangs. What SIGKILL leaves, the next
# run removes.
set -u
programs=$1 mpiexec=$2 output=$3 file=${3%%:*}
. "$(dirname "$0")/faults.sh"
require openssl pnmtopng pgrep
own_folder
noise 4000 4000 | pnmtopng >large.png 2>/dev/null # 46 MiB: writing it takes long enough to be met
noise 20 30 | pnmtopng >small.png 2>/dev/null

sum_of() { "$programs/reduce" -q -k checksum "$1" | tail -n 1; }

# The signal comes while rank 0 stands still, so that it finds the output half written (PNG) or with its place and
# not yet its cells (HDF5). A run that was at its end nevertheless is tried again.
killed() { # killed RANKS SIGNAL WHOM: WHOM is mpirun, or the number of a rank
    local what="$output, $1 ranks, SIG$2 to $3" run first victim before parts try status
    for try in 1 2 3 4 5 6 7 8 9 10; do
        (launch 0 filter -q small.png "$output") || { fail "$what: no output"; return; }
        before=$(md5sum "$file")
        (launch "$1" filter -q -k "$chain" large.png "$output") >out.txt 2>err.txt &
        run=$!
        first=$run
        until [ "$1" -eq 0 ] || ! kill -0 $run 2>/dev/null; do
            first=$(rank_of $run 0)
            [ -z "$first" ] || break
        done
        victim=$run
        [ "$3" = mpirun ] || [ "$1" -eq 0 ] || victim=$(rank_of $run "$3")
        middle $run "$file" 65536
        stopped "$first"
        kill "-$2" "$victim" 2>/dev/null
        [ "$3" = mpirun ] || kill -CONT "$first" 2>/dev/null # mpirun itself wakes those whom it ends
        ended $run 60 || fail "$what: hangs"
        wait $run 2>/dev/null
        status=$?
        [ "$before" = "$(md5sum "$file")" ] && break
        verify "$what: half an output" [ "$(sum_of "$output")" = "$whole" ]
    done
    verify "$what: exit status $status" [ $status -ne 0 ]
    verify "$what: the old output has changed" [ "$before" = "$(md5sum "$file")" ]
    for try in 1 2 3 4 5; do # mpirun does not wait for all whom it has told to end
        parts=$(ls -A | grep '\.part$')
        [ -z "$parts" ] || sleep 0.3
    done
    [ "$2 $3" != 'KILL 0' ] || verify "$what: no part file to clear away" [ -n "$parts" ]
    if [ -n "$parts" ] && [ "$1 $2" != '0 TERM' ]; then # mpirun kills those that do not end within a second
        (launch 2 filter -q small.png "$output") || fail "$what: the next run"
        parts=$(ls -A | grep '\.part$')
    fi
    verify "$what: part files stay: $parts" [ -z "$parts" ]
    rm -f "$file" .*.part
}

chain=gaussian:sigma=3 # mpirun lets those whom it ends run on for some time first: HDF5 must not be at its end by then
[ "$file" = "$output" ] || chain='heat:steps=400'
(launch 0 filter -q -k "$chain" large.png "$output") || exit 1
whole=$(sum_of "$output")
killed 0 TERM 0
killed 0 KILL 0
killed 2 INT mpirun
killed 2 TERM mpirun
killed 3 TERM 0
killed 3 TERM 1
killed 2 KILL 0
killed 2 KILL 1
finish "$checks checks"
