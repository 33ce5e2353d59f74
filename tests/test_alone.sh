#!/usr/bin/env bash
# test_alone.sh PROGRAMS MPIEXEC - programs that no launcher started do without MPI: they run where MPI cannot
# start, and leave what they leave under mpirun.
set -u
programs=$1 mpiexec=$2
. "$(dirname "$0")/checks.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset NFOLD_MPI

broken() { # broken COMMAND...: where MPI has no way to move messages
    OMPI_MCA_pml=none_such timeout 60 "$@"
}

fails() { # fails WHAT COMMAND...
    local what=$1
    checks=$((checks + 1))
    shift
    "$@" >out.txt 2>err.txt && { fail "$what"; cat out.txt err.txt; }
}

mpi() { timeout 60 "$mpiexec" "$@"; }

{ printf 'P6\n61 47\n255\n'; head -c $((61 * 47 * 3)) /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:nfold -md sha256 2>/dev/null; } >in.ppm

# That this does break MPI, and that a launcher's variables, or NFOLD_MPI, have it started.
fails "MPI started under mpirun" broken "$mpiexec" -n 1 "$programs/reduce" -k sum in.ppm
fails "MPI did not start as told" broken env NFOLD_MPI=1 "$programs/reduce" -k sum in.ppm
fails "MPI did not start in a step of two" broken env SLURM_STEP_NUM_TASKS=2 "$programs/reduce" -k sum in.ppm

# Every program, and HDF5, which calls MPI where it has started.
check "filter alone" broken "$programs/filter" -q -t 2 -k 'gaussian:sigma=1 | sobel' in.ppm alone.ppm
check "HDF5 written alone" broken "$programs/filter" -q -k 'gaussian:sigma=1' in.ppm alone.h5:/image
check "HDF5 read alone" broken "$programs/filter" -q -k sobel alone.h5:/image twice.ppm
check "HDF5 in chunks" broken "$programs/filter" -q --compress deflate:1 --chunk auto alone.h5:/image squeezed.h5:/image
check "a list of datasets" broken "$programs/reduce" alone.h5:
check "reduce alone" broken "$programs/reduce" --json -k stats -k checksum alone.h5:/image
cp out.txt alone.json
check "batch alone" broken "$programs/batch" -q -t 2 -k 'gaussian:sigma=1 | sobel' --format ppm -o out in.ppm
check "batch of HDF5 alone" broken "$programs/batch" -q -k invert --format h5 -o inverted in.ppm alone.h5:/image
check "scale alone" broken "$programs/scale" -q -k sumsq_range:n=1e4 --max-time 1 -o study
check "report alone" broken "$programs/report" study/study.jsonl

# The same under mpirun, where two processes are a world of two: one message, one result.
check "filter under mpirun" mpi -n 2 "$programs/filter" -q -t 1 -k 'gaussian:sigma=1 | sobel' in.ppm ranks.ppm
same "filter alone and by two ranks" alone.ppm ranks.ppm
same "filter alone and through HDF5" alone.ppm twice.ppm
same "filter and batch alone" alone.ppm out/in.ppm
check "reduce under mpirun" mpi -n 2 "$programs/reduce" --json -k stats -k checksum alone.h5:/image
same "reduce alone and by two ranks" alone.json out.txt
check "a process under mpirun" mpi -n 1 "$programs/reduce" --json -k stats -k checksum alone.h5:/image
same "reduce alone and by one rank" alone.json out.txt

# What no launcher is known to have started is not two of a world: each says so by itself.
check "told to go without" mpi -n 2 env NFOLD_MPI=0 "$programs/reduce" -k sum in.ppm
checks=$((checks + 1))
[ "$(grep -c sum out.txt)" -eq 2 ] || { fail "NFOLD_MPI=0 under mpirun -n 2: not two of their own"; cat out.txt; }

echo "$checks checks, $failures failures"
exit $((failures > 0))
