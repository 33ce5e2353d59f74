#!/usr/bin/env bash
# test_slurm.sh SOURCE BUILD - the job scripts as a user submits them, on a private Slurm of several nodes, each a
# host of its own (jobs/local-slurm). Not tried where that cannot run.
set -u
source=$1 build=$2
local_slurm=$source/jobs/local-slurm photo=/usr/share/xplanet/images/earth.jpg
[ -r "$photo" ] || { echo "not tried: $photo is not there (Debian: xplanet-images)" && exit 77; }
folder=$(mktemp -d)
export NFOLD_SLURM_DIR=$folder/slurm
trap '"$local_slurm" down; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect WHAT GOT WANTED
expect() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }

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

# ---- its end ----
"$local_slurm" down
[ ! -e "$NFOLD_SLURM_DIR" ] || fail "down leaves $NFOLD_SLURM_DIR"
if pgrep -f "$NFOLD_SLURM_DIR" >/dev/null; then fail "down leaves processes"; fi

[ "$failures" -eq 0 ] && echo "jobs run on a real Slurm"
exit $((failures > 0))
