#!/usr/bin/env bash
# test_large.sh DRIVERS MAKE_SPARSE MPIEXEC - arrays, dimensions and files of over 2^32 bytes, as a user meets
# them: sums, extremes and counts of an array that is known cell by cell.
set -u
. "$(dirname "$0")/checks.sh"
drivers=$1 make=$2 mpiexec=$3
available=$(awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo)
if [ "${available:-0}" -lt 8 ]; then
    echo "less than 8 GiB of memory: not tried"
    exit 77
fi
own_folder

"$make" large.h5 || { echo "FAILED: the file cannot be made"; exit 1; }
[ "$(stat -c %s large.h5)" -gt 7500000000 ] || { echo "FAILED: the file is too small"; exit 1; }
number() { sed -E "s/.*\"$1\": ([-+.e0-9]+).*/\\1/" out.json; }

timeout 120 "$mpiexec" -n 2 "$drivers/reduce" -q -t 1 --json -k stats -k 'histogram:bins=4,lo=0,hi=256' \
    large.h5:/line >out.json || fail "reduce of a line"
expect "cells of the line" "$(number count)" 5368709127
expect "the largest cell of the line" "$(number max)" 255
expect "the mean of the line" "$(number mean)" 5.1409006051744696e-08
expect "the counts of the line" "$(sed -E 's/.*"counts": \[([^]]*)\].*/\1/' out.json)" "5368709126, 0, 0, 1"

# A halo of rows of 64 KiB around 2 GiB and more; sharpening doubles a cell in the middle (32/16) and clips the rest.
timeout 120 "$mpiexec" -n 3 "$drivers/reduce" -q -t 1 --json -k 'sharpen:border=constant | stats' \
    large.h5:/image >out.json || fail "reduce of an image"
expect "cells of the image" "$(number count)" 2415919104
expect "the largest cell of the image" "$(number max)" 255
expect "the mean of the image" "$(number mean)" "$(awk 'BEGIN { printf "%.17g", (6 + 100 + 255) / 2415919104 }')"

finish "large counts are ordinary"
