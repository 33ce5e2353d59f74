#!/usr/bin/env bash
# test_house.sh SOURCE ARCHIVE - the rules of the house that a compiler does not check: kernels know nothing
# of OpenMP, MPI, HDF5, files or the heap, and no folder includes one that stands above it.
set -u
. "$(dirname "$0")/checks.sh"
source=$1 archive=$2

symbols=$(nm "$archive" | awk '$1 == "U" { print $2 }' | sort -u)
[ -n "$symbols" ] || fail "no undefined symbols found in $archive: is it the kernels' archive?"
bad=$(echo "$symbols" | grep -E '^(MPI_|PMPI_|GOMP_|omp_|H5|f?printf|puts|fopen|malloc|calloc|realloc|free)')
[ -z "$bad" ] || fail "kernels use" $bad

# FOLDER may include only what follows: prefixes of paths.
check_includes() {
    local folder=$1 allowed=$2 bad
    bad=$(grep -nE '^ *# *include "' "$source"/$folder/*.[ch] | grep -vE "include \"($allowed)")
    [ -z "$bad" ] || fail "$folder includes what stands above it:
$bad"
}
check_includes kernels 'kernels/'
check_includes drivers/engine 'kernels/|drivers/engine/'
check_includes drivers/study 'kernels/|drivers/engine/|drivers/study/'
check_includes io 'kernels/|drivers/engine/|drivers/study/|io/'

bad=$(grep -lE '\bMPI_[A-Z][a-z][A-Za-z_]*\(' -r "$source"/kernels "$source"/drivers "$source"/io --include=*.c --include=*.h |
      grep -v '/mpi_')
[ -z "$bad" ] || fail "MPI outside the files whose names say so:" $bad
bad=$(grep -ln '# *pragma omp' -r "$source"/kernels "$source"/drivers "$source"/io | grep -v 'engine/team.c')
[ -z "$bad" ] || fail "OpenMP outside the team:" $bad

finish "the house is in order"
