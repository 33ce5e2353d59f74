#!/usr/bin/env bash
# test_fulldisk.sh PROGRAMS MPIEXEC WAY - a disk that is full, or becomes so, for a way to write: one message that
# names the file and the reason, no hang, no part file, the old output as it was. A small tmpfs is the disk.
set -u
programs=$1 mpiexec=$2 way=$3
if [ -z "${NFOLD_OWN_MOUNTS:-}" ]; then # a mount namespace of our own: nothing stays behind, whatever happens
    own=-m
    [ "$(id -u)" -eq 0 ] || own=-Urm
    unshare $own true 2>/dev/null || { echo "skipped: no mount namespace"; exit 77; }
    NFOLD_OWN_MOUNTS=1 exec unshare $own "$0" "$@"
fi
. "$(dirname "$0")/faults.sh"
require openssl pnmtopng pgrep
folder=$(mktemp -d)
trap 'cd /; umount -l "$folder/disk"; rm -rf "$folder"' EXIT
mkdir "$folder/disk"
mount -t tmpfs -o size=64m none "$folder/disk" || { echo "skipped: no tmpfs can be mounted"; exit 77; }
cd "$folder/disk" || exit 1

# The ways to write, one a line: name | output | reserved? | arguments of filter. An output whose place is reserved
# at the beginning cannot meet a full disk later. One that is quick is written in so little time that it cannot be
# stopped in between: the disk has room for a half of it then. tests/CMakeLists.txt lists the names.
ways='
hdf5         | new.h5        | reserved |
hdf5_beside  | old.h5:/image | reserved | --checksum
png          | out.png       | quick    |
jpeg         | out.jpg       |          | -Q 100
tiff         | out.tif       | reserved | --checksum
tiff_deflate | out.tif       |          | --compress deflate
npy          | out.npy       | reserved |
chunked      | new.h5        | quick    | --chunk 100x100
deflate      | new.h5        | quick    | --compress deflate --checksum
streamed     | new.h5        | reserved | --memory 80M --scratch ..
squeezed     | old.h5:/image | quick    | --memory 80M --scratch .. --compress deflate
'
IFS='|' read -r way output reserved arguments <<<"$(grep "^$way " <<<"$ways" | sed 's/ *| */|/g')"
[ -n "$output" ] || { echo "no such way: $3"; exit 1; }
file=${output%%:*}
old=$output # what is there before: the output itself or, in its file, another dataset
[ "$file" = "$output" ] || old=$file:/other
large=../large.png small=../small.png
noise 1800 1800 | pnmtopng >$large 2>/dev/null # 9 MiB
noise 20 30 | pnmtopng >$small 2>/dev/null
if [[ $arguments = *--memory* ]]; then # what is decoded in whole would go through a file of its own
    (launch 0 filter -q $large ../large.h5) || exit 1
    large=../large.h5
fi

fill() { # fill BYTES: fills the disk but for so many
    rm -f filler
    local free
    free=$(($(stat -f -c '%a * %S' .)))
    [ $free -gt "$1" ] && head -c $((free - $1)) /dev/zero >filler
    return 0
}

state() { # everything on the disk but the filler
    ls -A | grep -v '^filler$'
    md5sum "$file" 2>/dev/null
}

refused() { # refused WHAT STATUS WORDS: what came out of a run that could not write
    local what=$1 status=$2 words=$3
    checks=$((checks + 1))
    [ "$status" -ne 0 ] || fail "$what: exit status 0"
    [ "$(grep -c '^filter: ' ../err.txt)" -eq 1 ] || { fail "$what: not one message"; cat ../err.txt; }
    grep '^filter: ' ../err.txt | grep -F "$file" | grep -q "$words" ||
        { fail "$what: no word of $file and '$words'"; cat ../err.txt; }
    [ "$before" = "$(state)" ] || { fail "$what: files changed"; echo "$before"; state; }
}

prepare() { # the old output, alone on an empty disk
    rm -rf ./* .*.part
    (launch 0 filter -q $arguments $small "$old") || exit 1
    before=$(state)
}

start() { # start RANKS: the filter in the background; its process in $run
    (launch "$1" filter -q $arguments $large "$output") >../out.txt 2>../err.txt &
    run=$!
}

full_at_start() { # full_at_start RANKS FREE
    fill "$2"
    start "$1"
    ended $run 60 || fail "$output, $1 ranks, $2 bytes free: hangs"
    wait $run
    refused "$output, $1 ranks, $2 bytes free" $? 'No space left'
}

# The disk is filled while the process that writes stands still. Where that was behind the last byte, the output
# must be right, and it is tried again.
full_in_the_middle() { # full_in_the_middle RANKS
    [ "$reserved" != quick ] || { full_at_start "$1" 5000000; return; }
    local ranks=$1 what="$output, $1 ranks, full in the middle" writer status try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        rm -f filler
        start "$ranks"
        middle $run "$file" 65536 || { wait $run; prepare; continue; }
        writer=$run
        [ "$ranks" -eq 0 ] || writer=$(rank_of $run 0)
        stopped "$writer" && fill 0
        kill -CONT "$writer" 2>/dev/null
        ended $run 60 || fail "$what: hangs"
        wait $run
        status=$?
        [ $status -eq 0 ] || break
        rm -f filler
        verify "$what: the output is not complete" cmp ../whole "$file"
        prepare
        [ -z "$reserved" ] || return
    done
    if [ -z "$reserved" ]; then
        refused "$what" $status 'No space left'
    else
        verify "$what: fails, though its place was reserved" [ $status -eq 0 ]
    fi
}

limited() { # limited RANKS: a limit on the size of files, as a quota
    local limit='ulimit -f 6000; exec "$@"' # blocks of 1 KiB; what Open MPI makes is smaller
    rm -f filler
    if [ "$1" -eq 0 ]; then
        timeout 60 bash -c "$limit" - "$programs/filter" -q $arguments $large "$output"
    else
        timeout 60 "$mpiexec" -n "$1" bash -c "$limit" - "$programs/filter" -q $arguments $large "$output"
    fi >../out.txt 2>../err.txt
    refused "$output, $1 ranks, limited" $? 'File too large'
}

prepare
(launch 0 filter -q $arguments $large "$output") || exit 1
mv "$file" ../whole # an undisturbed run's
prepare
for ranks in 1 2 4; do
    full_at_start $ranks 16384
    full_in_the_middle $ranks
    limited $ranks
done
full_at_start 2 0
full_at_start 0 1000000
full_in_the_middle 0
limited 0
finish "$checks checks"
