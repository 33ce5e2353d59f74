#!/usr/bin/env bash
# test_slurm.sh SOURCE BUILD - the job scripts as a user submits them, on a private Slurm of several nodes, each a
# host of its own (jobs/local-slurm). Not tried where that cannot run.
set -u
. "$(dirname "$0")/checks.sh"
source=$1 build=$2
local_slurm=$source/jobs/local-slurm photo=/usr/share/xplanet/images/earth.jpg
[ -r "$photo" ] || { echo "not tried: $photo is not there (Debian: xplanet-images)" && exit 77; }
folder=$(mktemp -d)
export NFOLD_SLURM_DIR=$folder/slurm
trap '"$local_slurm" down; rm -rf "$folder"' EXIT
cd "$folder" || exit 1

if ! said=$("$local_slurm" up --nodes 3 --cpus 4 2>&1); then
    echo "not tried: $said"
    exit 77
fi
run() { "$local_slurm" run "$@"; }

# submit ARGUMENT... - the job's number; waits for its end. --parsable prints the number alone.
submit() {
    local job
    job=$(run sbatch --parsable "$@") || return 1
    while [ -n "$(run squeue -h -j "$job" 2>/dev/null)" ]; do sleep 0.2; done
    echo "$job"
}

ln -s "$build" build

# ---- the nodes are hosts of their own ----
expect "host names" "$(run srun -N 3 hostname | sort | tr '\n' ' ')" "node1 node2 node3 "

# ---- several hosts give the bits of one ----
chain='gaussian:sigma=2 | sobel | heat:steps=5'
build/drivers/filter -q -k "$chain" "$photo" one.h5 || fail "filter on one host"
build/drivers/reduce -q --json -k stats -k checksum "$photo" >one.json || fail "reduce on one host"
cat >hosts.sbatch <<EOF
#!/usr/bin/env bash
#SBATCH --nodes=3 --ntasks-per-node=2 --cpus-per-task=1 --output=hosts.log
mpirun build/drivers/filter -q -t 1 -k '$chain' $photo three.h5 &&
mpirun build/drivers/reduce -q -t 2 --json -k stats -k checksum $photo >three.json
EOF
submit hosts.sbatch >/dev/null || fail "a job on three hosts was not taken"
h5diff one.h5 three.h5 /data /data || fail "three hosts give other bits than one: $(cat hosts.log)"
cmp one.json three.json || fail "three hosts give other numbers than one: $(cat hosts.log)"

# ---- jobs/scale.sbatch, unedited ----
job=$(submit --nodes=2 --ntasks-per-node=1 "$source/jobs/scale.sbatch") || fail "jobs/scale.sbatch was not taken"
grep -q '^Report: ' "nfold-scale-$job.log" || fail "jobs/scale.sbatch: $(tail -n 5 "nfold-scale-$job.log")"
[ -s "nfold-study-$job/report.html" ] || fail "jobs/scale.sbatch wrote no report"
grep -q '"nodes":2' "nfold-study-$job/study.jsonl" || fail "jobs/scale.sbatch did not run on two nodes"

# ---- studies over nodes ----
study=$source/jobs/study submit=$source/jobs/submit
# wait_all - until no job is left.
wait_all() { while [ -n "$(run squeue -h 2>/dev/null)" ]; do sleep 0.2; done; }
# samples FILE FIELD VALUE - how many samples of a study have it.
samples() { grep '"record":"sample"' "$1" | grep -c "\"$2\":$3[,}]"; }

run "$submit" --nodes 1,2,3 --ranks-per-node 2 --launches 2 --seed 7 -o one -- \
    build/drivers/reduce -q -t 1 -k 'sumsq_range:n={ranks}' >said || fail "a study in one allocation: $(cat said)"
grep -q '^Submitted [0-9]* (at most 6.00 core hours)' said || fail "what submit says: $(cat said)"
run "$submit" --job-per-point --nodes 1,2,3 --launches 2 --time 10:00 --metric 'took ([0-9.]+) s' --launcher none \
    -o each -- sh -c 'sleep 0.2; echo took 0.{nodes} s' >said || fail "a study of a job a point: $(cat said)"
[ "$(wc -w <<<"$(sed -E 's/Submitted ([0-9 ]*) .*/\1/' said)")" -eq 3 ] || fail "not three jobs: $(cat said)"
run "$submit" --nodes 1,2 --launches 2 --weak -o kernels -k 'sobel | stats @ 300x400' -- --reps 7 >said ||
    fail "a study of kernels: $(cat said)"
wait_all
expect "launches of kernels" "$("$study" --status kernels)" "4 launches: 4 done, 0 running, 0 pending, 0 failed"
expect "samples of kernels" "$(samples kernels/study.jsonl launch 1)" 14
expect "valid samples of kernels" "$(samples kernels/study.jsonl valid true)" 28
expect "weak samples of kernels" "$(samples kernels/study.jsonl scaling '"weak"')" 28
[ -s kernels/report.html ] || fail "kernels have no report: $(cat kernels/*.log)"
for dir in one each; do
    [ -s $dir/report.html ] || fail "$dir has no report: $(cat $dir/*.log)"
    expect "launches of $dir" "$("$study" --status $dir)" "6 launches: 6 done, 0 running, 0 pending, 0 failed"
    expect "samples of two nodes in $dir" "$(samples $dir/study.jsonl nodes 2)" 2
    expect "samples of launch 1 in $dir" "$(samples $dir/study.jsonl launch 1)" 3
    grep -q '"Slurm partition":"debug","wait in the queue":"[0-9]* s"' $dir/study.jsonl || fail "facts of $dir"
done
expect "ranks on three nodes" "$(samples one/study.jsonl ranks 6)" 2
expect "seconds that the program printed" "$(samples each/study.jsonl seconds 0.3)" 2
ls -d one/job-*.log >/dev/null && [ "$(ls one/job-*.log | wc -l)" -eq 1 ] || fail "one allocation is not one job"

# A launch that fails, and a job that is cancelled: the report says what is missing, --resume runs that alone.
run "$submit" --nodes 1,2 --launches 1 --launcher none -o part -- sh -c '[ {nodes} = 1 ] || [ -e fixed ]' >said
wait_all
"$study" --status part | grep -q '1 done, 0 running, 0 pending, 1 failed' || fail "$("$study" --status part)"
grep -q 'The study is not complete' part/report-*.log || fail "the report does not say that it is not complete"
before=$(stat -c %Y.%i part/points/r1-*.jsonl)
touch fixed
run "$submit" --resume part >said || fail "resume: $(cat said)"
wait_all
expect "after resume" "$("$study" --status part)" "2 launches: 2 done, 0 running, 0 pending, 0 failed"
expect "what was done" "$(stat -c %Y.%i part/points/r1-*.jsonl)" "$before"

run "$submit" --job-per-point --nodes 1,2 --launches 1 --launcher none -o cancelled -- \
    sh -c '[ {nodes} = 1 ] || [ -e fixed2 ] || sleep 60' >said
sleep 2
run "$submit" --status cancelled | grep -q '1 done, 1 running' || fail "running: $(run "$study" --status cancelled)"
run scancel "$(sed -E 's/Submitted ([0-9]+) .*/\1/' said)" # most nodes first
wait_all
"$study" --status cancelled | grep -q '1 done, 0 running, 1 pending' || fail "$("$study" --status cancelled)"
touch fixed2
run "$submit" --resume cancelled >said && wait_all
expect "after a cancelled job" "$("$study" --status cancelled)" "2 launches: 2 done, 0 running, 0 pending, 0 failed"

# refused WORDS ARGUMENT... - submit fails, says these words in one line, and leaves no job and no folder.
refused() {
    local words=$1
    shift
    if run "$submit" "$@" -o no -- true >said 2>&1; then fail "submit takes $*"; fi
    grep -q "$words" said && [ "$(wc -l <said)" -eq 1 ] || fail "submit $*: $(cat said)"
    [ -z "$(run squeue -h)" ] || fail "submit $* leaves jobs"
    [ ! -e no ] || fail "submit $* leaves its folder"
}
refused 'node configuration is not available; nothing is submitted' --nodes 1,9
refused 'node configuration is not available; nothing is submitted' --nodes 9,1 --job-per-point
refused 'nvalid partition name specified' --partition nowhere
refused 'could use 6.00 core hours, over the budget of 5' --nodes 3 --ranks-per-node 2 --budget 5
refused "numbers as 1,2,4, not '1,x'" --nodes 1,x
run "$submit" --dry-run --nodes 2 --account me --sbatch-arg=--exclusive -o no -- true >said || fail "a dry run: $(cat said)"
grep -q '^#SBATCH --account=me' said && grep -q '^#SBATCH --exclusive' said || fail "a dry run: $(cat said)"
[ ! -e no ] && [ -z "$(run squeue -h)" ] || fail "a dry run submits"

# ---- jobs/batch.sbatch ----
mkdir photos
cp "$photo" photos/a.jpg
cp "$photo" photos/b.jpg
job=$(submit --export=ALL "$source/jobs/batch.sbatch") || fail "jobs/batch.sbatch was not taken"
expect "files that jobs/batch.sbatch made" "$(find nfold-batch -name '*.jpg' 2>/dev/null | wc -l)" 2

# ---- jobs/filter.sbatch: a signal before the time limit, then a node that is lost, and the same bytes ----
export NFOLD_CHAIN='median:size=51 | median:size=51' NFOLD_INPUT=large.h5 NFOLD_MEMORY=100M
build/drivers/filter -q -k 'resize:width=6000,height=6000,method=bilinear | channel:index=0' "$photo" large.h5
build/drivers/filter -q --memory 100M -k "$NFOLD_CHAIN" large.h5 whole.h5:/image || fail "the filter by itself"

# begun NAME - submits it and waits until some of its output is durable; sets job.
begun() {
    export NFOLD_OUTPUT=$1:/image
    job=$(run sbatch --parsable "$source/jobs/filter.sbatch") || fail "jobs/filter.sbatch was not taken"
    local i
    for ((i = 0; i < 300; i++)); do
        [ "$(stat -c %s ".$1.resume" 2>/dev/null || echo 0)" -gt 500 ] && return
        sleep 0.05
    done
    fail "$1: nothing durable within 15 s"
}
begun signal.h5
run scancel -b -s USR1 "$job"
wait_all
grep -q 'status 75' "nfold-filter-$job.log" || fail "a signal does not stop it: $(cat "nfold-filter-$job.log")"
cmp whole.h5 signal.h5 || fail "after a signal and a requeue: other bytes"
begun node.h5
run kill -9 "$(cat "$NFOLD_SLURM_DIR/run/$(run squeue -h -j "$job" -o %N).pid")"
wait_all
cmp whole.h5 node.h5 || fail "after a lost node: other bytes: $(cat "nfold-filter-$job.log")"
[ -z "$(ls -A | grep -E '\.(resume|part)$')" ] || fail "left behind: $(ls -A)"

# ---- its end ----
"$local_slurm" down
[ ! -e "$NFOLD_SLURM_DIR" ] || fail "down leaves $NFOLD_SLURM_DIR"
if pgrep -f "$NFOLD_SLURM_DIR" >/dev/null; then fail "down leaves processes"; fi

finish "jobs run on a real Slurm"
