#!/usr/bin/env bash
# test_bounded.sh DRIVERS MAKE_SPARSE MPIEXEC - filter and reduce on arrays many times as large as the memory
# that they are allowed: the peak of each rank is within a tenth of the bound, and the bits are those that it
# gives in memory.
set -u
. "$(dirname "$0")/checks.sh"
drivers=$1 make=$2 mpiexec=$3
own_folder

# peaks RANKS PROGRAM ARGUMENTS: runs it, each rank's peak in KiB in the file `peaks`.
cat >peak.sh <<'END'
#!/usr/bin/env bash
"$@" &
pid=$! peak=0
while now=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    peak=$now
    sleep 0.02
done
wait "$pid" || exit
echo "$peak" >>peaks
END
chmod +x peak.sh
bounded() {
    local ranks=$1 mib=$2
    shift 2
    rm -f peaks
    timeout 100 "$mpiexec" -n "$ranks" ./peak.sh "$@" || fail "$* on $ranks ranks"
    [ "$(wc -l <peaks)" -eq "$ranks" ] || fail "peaks of $ranks ranks: $(cat peaks)"
    local most
    most=$(sort -n peaks | tail -1)
    [ "$most" -le $((mib * 1024 * 11 / 10)) ] || fail "$*: a rank had $((most / 1024)) MiB, not $mib"
    [ "$most" -ge $((mib * 1024 / 4)) ] || fail "$*: a peak of $most KiB was not found out"
}

"$make" large.h5 || { echo "FAILED: the file cannot be made"; exit 1; }

# 20 times 64 MiB.
sharpen='sharpen:border=constant'
bounded 2 64 "$drivers/reduce" -q -t 1 --json --memory 64M -k "$sharpen | stats" large.h5:/scan >out.json
number() { sed -E "s/.*\"$1\": ([-+.e0-9]+).*/\\1/" out.json; }
[ "$(number count)" = 1342177280 ] || fail "cells: $(number count)"
[ "$(number mean)" = "$(awk 'BEGIN { printf "%.17g", (6 + 100 + 255) / 1342177280 }')" ] ||
    fail "the mean: $(number mean)"

# An output as large as that; the same numbers of it in memory.
bounded 1 64 "$drivers/filter" -q -t 2 --memory 64M -k gaussian large.h5:/scan a.h5:/smooth
bounded 2 64 "$drivers/reduce" -q -t 1 --memory 64M --json -k checksum -k argmax a.h5:/smooth >a.json
available=$(awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo)
if [ "${available:-0}" -ge 8 ]; then
    timeout 100 "$drivers/reduce" -q --json -k 'gaussian | checksum' -k 'gaussian | argmax' large.h5:/scan >b.json
    results() { sed -E 's/.*"results": (.*)/\1/; s/gaussian[^"]*\| ?//g' "$1"; }
    [ "$(results a.json)" = "$(results b.json)" ] || fail "other numbers: $(results a.json) $(results b.json)"
fi
rm -f a.h5

# Strips that wait to be compressed count, too.
bounded 1 64 "$drivers/filter" -q -t 2 --memory 64M --compress deflate -k 'crop:width=20000,height=9000' large.h5:/scan a.tif

# Formats that give and take rows in order only.
"$drivers/filter" -q -k 'crop:x=29000,y=9900,width=1999,height=777' large.h5:/scan rows.png || fail "a crop"
for suffix in png jpg tif; do
    how=(-q -t 1 -k 'normalize | heat:steps=20')
    [ $suffix = tif ] && how+=(--compress deflate)
    timeout 100 "$mpiexec" -n 3 "$drivers/filter" "${how[@]}" --memory 64M rows.png "a.$suffix" || fail "PNG to $suffix in bands"
    "$drivers/filter" "${how[@]}" -t 3 rows.png "b.$suffix" || fail "PNG to $suffix"
    cmp "a.$suffix" "b.$suffix" || fail "another $suffix in bands"
done

# What is not enough says what would be; nothing is left behind.
"$drivers/filter" --memory 2M -k gaussian large.h5:/scan b.h5 2>errors && fail "2 MiB were enough"
grep -q 'the least bound that would do is [0-9]* MiB' errors || fail "another message: $(cat errors)"
"$drivers/filter" --memory 64M -k label large.h5:/scan b.h5 2>errors && fail "a bound did not bind"
grep -q "'label' cannot go through" errors || fail "another message: $(cat errors)"
[ -z "$(find . -name '*.part' -o -name '.nfold*' -o -name b.h5)" ] || fail "left behind: $(ls -A)"

finish "memory is bounded"
