#!/usr/bin/env bash
# test_readfiles.sh PROGRAMS MPIEXEC PART - studies of a kernel that waits for files: more threads than cores, and no
# word of too many (points); a file that vanishes (trouble); signals, and a study that is killed and resumed (killed).
# In every case the files go.
set -u
programs=$1 mpiexec=$2 part=$3
. "$(dirname "$0")/checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

samples() { grep '"record":"sample"' "$1/study.jsonl"; }
# field NAME: its value in each sample that comes in.
field() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'; }
no_files() { ! ls -d "$1"/.readfiles.* >/dev/null 2>&1; }
# wait_for SECONDS COMMAND...
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
# has_records NAME N: the study that is under way has so many.
has_records() { [ "$(cat "$1/study.part.jsonl" 2>/dev/null | wc -l)" -ge "$2" ]; }

points() {
    check 'a study' timeout 60 "$mpiexec" -n 2 "$programs/scale" -q -o study --size 50x60 --strong --reps 6 \
        -k readfiles:files=50,bytes=5000 -k heat
    check 'files are left' no_files study
    cores=$(sed -n 's/.*"cores that may be used":"\([0-9]*\) .*/\1/p' study/study.jsonl)
    most=1
    while [ $((2 * most)) -le $((8 * cores)) ]; do most=$((2 * most)); done
    samples study | grep '"kernel":"readfiles' >files.jsonl
    samples study | grep '"kernel":"heat' >heat.jsonl
    check 'not up to eight threads a core' [ "$(field threads <files.jsonl | sort -n | tail -1)" -eq $most ]
    check 'heat has as many' [ "$(field threads <heat.jsonl | sort -n | tail -1)" -lt $most ]
    check 'a point that waits is too many' [ "$(grep -c '"oversubscribed":false' files.jsonl)" -eq "$(wc -l <files.jsonl)" ]
    check 'no word that it waits' [ "$(grep -c '"cores":'"$cores"',"waits":true' files.jsonl)" -eq "$(wc -l <files.jsonl)" ]
    check 'heat waits' [ "$(grep -c '"waits"' heat.jsonl)" -eq 0 ]
    check 'not the serial bits' [ "$(samples study | grep -vc '"valid":true')" -eq 0 ]
    check 'what reading takes is not noted' grep -q -E \
        '"reading a small file":"of 5000 bytes in study, by one thread: [0-9.]+ (m|n|µ|\\u00[bB]5)?s when it was dropped' \
        study/study.jsonl
    check 'the report does not say what it waits for' grep -q \
        'readfiles:files=50,bytes=5000 waits for files, not for processor or memory: more workers than cores' study/report.md
    check 'too many threads for a kernel that computes' timeout 60 "$programs/scale" -q -o many --size 50x60 --strong \
        --reps 2 --no-ceilings -k readfiles:files=50 -k heat --threads $((4 * cores))
    check 'heat is not oversubscribed' [ "$(samples many | grep '"kernel":"heat' | grep -c '"oversubscribed":true')" -eq 2 ]
    check 'readfiles is' [ "$(samples many | grep '"kernel":"readfiles' | grep -c '"oversubscribed":true')" -eq 0 ]
    check 'weak' timeout 60 "$mpiexec" -n 3 "$programs/scale" -q -o weak --weak --ranks 1,3 --reps 1 --no-ceilings \
        -k readfiles:files=40,bytes=3 -k readfiles:files=8,bytes=3 -k readfiles:files=8,bytes=70000
    check 'weak: files' [ "$(samples weak | field work | sort -n | tr '\n' ' ')" = '2 2 6 6 10 30 ' ]
    check 'weak: not the serial bits' [ "$(samples weak | grep -c '"valid":true')" -eq 6 ]
    check 'files are left of the weak study' no_files weak
}

# vanish RANKS: one file goes while the study runs.
vanish() {
    local name=vanish$1 run status
    timeout 60 "$mpiexec" -n "$1" "$programs/scale" -q -o "$name" --no-ceilings --strong --ranks "$1" --threads 2 \
        -k readfiles:files=30 --reps 100000 >out.txt 2>err.log &
    run=$!
    check "$name: no samples" wait_for 30 has_records "$name" 4
    check "$name: no file" rm "$name"/.readfiles.*/16384-17
    wait $run
    status=$?
    check "$name: exit status $status" [ $status -eq 1 ]
    check "$name: what is said" [ "$(grep -c '^scale: vanish.*/16384-17: cannot be read: No such file or directory$' err.log)" -eq 1 ]
    check "$name: files are left" no_files "$name"
}

trouble() {
    for ranks in 1 3; do
        vanish $ranks
    done
    touch file
    for ranks in 1 3; do
        timeout 60 "$mpiexec" -n $ranks "$programs/scale" -q -o file/study --no-ceilings -k readfiles --reps 1 >out.txt 2>err.log
        status=$?
        check "$ranks ranks, a folder that cannot be: exit status $status" [ $status -eq 1 ]
        check "$ranks ranks, a folder that cannot be" [ "$(grep -c '^scale: file/study: ' err.log)" -eq 1 ]
    done
}

# ended SIGNAL RANKS: the study is ended; files go all the same.
ended() {
    local name=ended$1$2 run
    "$mpiexec" -n "$2" "$programs/scale" -q -o "$name" --no-ceilings --strong --ranks 1 --threads 2 \
        -k readfiles:files=100 --reps 100000 >out.txt 2>err.log &
    run=$!
    check "$name: no samples" wait_for 30 has_records "$name" 4
    kill -"$1" $run
    wait $run
    check "$name: exit status" [ $? -ne 0 ]
    check "$name: files are left" wait_for 20 no_files "$name"
}

killed() {
    ended TERM 1
    ended INT 3
    settings=(-q -o study --no-ceilings --size 40x50 --strong --ranks 1,2 --threads 1,2 --reps 100
              -k readfiles:files=20 -k 'heat:steps=3 @ 20x30' -k heat:steps=3)
    setsid "$mpiexec" -n 2 "$programs/scale" "${settings[@]}" >/dev/null 2>&1 &
    leader=$!
    check 'no samples' wait_for 30 has_records study 150
    kill -9 $(ps -s $leader -o pid=) 2>/dev/null # its session is mpirun and what that has started
    wait $leader 2>/dev/null
    check 'files of a killed study are left' wait_for 20 no_files study
    cp study/study.part.jsonl before.jsonl
    check 'it is not finished' timeout 60 "$mpiexec" -n 2 "$programs/scale" "${settings[@]}" --resume
    check 'files are left' no_files study
    check 'records have changed' cmp -n "$(($(stat -c %s before.jsonl) - 2000))" before.jsonl study/study.jsonl
    samples study | field label | sort | uniq -c | sed 's/^ *//' >labels
    printf '400 heat:steps=3\n400 heat:steps=3 @ 20x30\n400 readfiles:files=20\n' >expected
    same 'not 100 samples of each point' expected labels
    check 'not the serial bits' [ "$(samples study | grep -vc '"valid":true')" -eq 0 ]
    settings[${#settings[@]} - 3]='heat:steps=3 @ 20x31'
    timeout 60 "$mpiexec" -n 2 "$programs/scale" "${settings[@]}" --resume >out.txt 2>err.log
    check 'another size is resumed' [ $? -eq 2 ]
    check 'what is said of another size' grep -q "kernel 2 was 'heat:.* @ 20x30', is 'heat:.* @ 20x31'" err.log
}

"$part"
[ $failures -eq 0 ] && echo "$checks checks passed"
exit $((failures > 0))
