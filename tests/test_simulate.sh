#!/usr/bin/env bash
# test_simulate.sh SOURCE BUILD - the engine under SMPI: the fold's bits at 1024 simulated ranks, halos at 64,
# the formula beside them; and what is said where SimGrid is missing.
set -u
. "$(dirname "$0")/checks.sh"
source=$1 build=$2
own_folder

# Without SimGrid both the script and the program say what to install.
mkdir bare
ln -s $(find /usr/bin /bin ! -type d ! -name 'smpi*' 2>/dev/null | sort -u -t/ -k3) bare/ 2>/dev/null
PATH=$folder/bare NFOLD_BUILD=$build "$source/jobs/simulate" >out.txt 2>err.txt && fail "runs without SimGrid"
grep -q 'libsimgrid-dev' err.txt || fail "jobs/simulate does not say what to install"
PATH=$folder/bare timeout 60 "$build/drivers/simulate" -o none >out.txt 2>err.txt
[ $? -eq 1 ] || fail "simulate does not fail without smpirun"
grep -q 'libsimgrid-dev' err.txt || fail "simulate does not say what to install"
[ ! -e none ] || fail "simulate made a folder before it failed"

if ! command -v smpirun >/dev/null || [ ! -x "$build/drivers/simulated" ]; then
    [ $failures -eq 0 ] || exit 1
    echo "no SimGrid here: nothing is simulated"
    exit 77
fi

# simulate NAME POINTS ARGUMENTS...: so many points, all with the serial run's bits.
simulate() {
    local name=$1 points=$2
    shift 2
    NFOLD_BUILD=$build timeout 120 "$source/jobs/simulate" -q -o "$name" "$@" >out.txt 2>err.txt ||
        { fail "simulate $*"; cat out.txt err.txt; return; }
    local samples valid
    samples=$(grep -c '"record":"sample".*"simulated":true' "$name/study.jsonl")
    valid=$(grep -c '"record":"sample".*"valid":true.*"simulated":true' "$name/study.jsonl")
    [ "$samples" -eq "$points" ] || fail "simulate $*: $samples points instead of $points"
    [ "$valid" -eq "$points" ] || { fail "simulate $*: other bits than serial"; cat out.txt; }
    [ -s "$name/report.html" ] || fail "simulate $*: no report"
    ls "$name" | grep -q '^job-' && fail "simulate $*: files of jobs are left behind"
}

# The fold at 1024 ranks: sums, and every moment, of an array that no floating-point order leaves alone.
simulate fold 4 -k sumsq -k stats --strong --ranks 1024 --size 512x640 --cores 4
# Halos at 64 ranks: blocks thinner than the halo, borders, corners, several steps.
simulate halo 6 -k 'gaussian:sigma=4 | sobel' -k 'gaussian:sigma=2,border=wrap' -k 'heat:steps=3' --strong \
    --ranks 64 --size 72x96 --type f64
simulate weak 3 -k 'heat:steps=2' --weak --ranks 6,16 --block 30x40

# Within 2% of LogGP where nothing but the fold and the computing takes time.
awk -F, 'NR > 1 && $2 == "\"sumsq\"" { n++; if ($11 < 0.98 || $11 > 1.02) bad = 1 } END { exit bad || n != 2 }' \
    fold/simulated.csv || { fail "not LogGP's time"; cat fold/simulated.csv; }
# More latency, more time: the description is what is simulated.
simulate slow 2 -k sumsq --strong --ranks 64 --size 64x64 --latency 5000
simulate fast 2 -k sumsq --strong --ranks 64 --size 64x64 --latency 50
awk -F, '$6 == 64 { t[n++] = $9 } END { exit !(n == 2 && t[0] > 20 * t[1]) }' slow/simulated.csv fast/simulated.csv ||
    { fail "the latency does not count"; cat slow/simulated.csv fast/simulated.csv; }

finish "simulated as it should"
