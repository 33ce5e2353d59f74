#!/usr/bin/env bash
# test_batch.sh PROGRAMS MPIEXEC PART [CRASH] - batch as a user runs it. PART: same (many files, ranks and
# threads), hdf5, kinds (formats, orientation, decoding smaller), bad (files), refused, killed0 and killed2
# (the rank that is), stopped, crash; CRASH is a library that makes the JPEG decoder crash on some images.
set -u
programs=$1 mpiexec=$2 part=$3 crash=${4-}
. "$(dirname "$0")/checks.sh"
own_folder

run() { # run RANKS ARGUMENTS...; 0: without mpirun
    local ranks=$1
    shift
    if [ "$ranks" -eq 0 ]; then
        timeout 60 "$programs/batch" "$@"
    else
        timeout 60 "$mpiexec" -n "$ranks" "$programs/batch" "$@"
    fi
}

ends() { # ends STATUS RANKS ARGUMENTS...: exit status
    local status=$1 got
    shift
    checks=$((checks + 1))
    run "$@" >out.txt 2>err.txt
    got=$?
    [ $got -eq "$status" ] || { fail "batch $*: exit status $got instead of $status"; cat out.txt err.txt; }
}

said() { # said FILE PATTERN
    checks=$((checks + 1))
    grep -q -- "$2" "$1" || { fail "no word of '$2' in $1"; cat "$1"; }
}

records() { # records OUT STATUS: how many
    cat "$1/batch.jsonl" 2>/dev/null | grep -c "\"status\":\"$2\""
}

make() { # make HEIGHT WIDTH FILE: an image of noise
    timeout 30 "$programs/filter" -t 1 -q -k "resize:height=$1,width=$2" noise.ppm "$3" || fail "made $3"
}

{ printf 'P6\n389 317\n255\n'; head -c $((389 * 317 * 3)) /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:nfold -md sha256 2>/dev/null; } >noise.ppm

# ---- the inputs -----------------------------------------------------------------------------------------------
mkdir -p in/below/deeper
for i in 1 2 3 4 5 6; do make $((100 + 10 * i % 30)) $((150 + 10 * i % 20)) in/a$i.jpg; done
make 64 80 in/below/b.png
make 50 70 in/below/deeper/c.tif
make 200 300 in/large.jpg
make 40 50 d.h5:/group/image
echo 'notes' >in/notes.txt
cp in/a1.jpg in/.hidden.jpg
mkdir -p expected/below/deeper

# ---- the same bytes as filter's, whoever does it ------------------------------------------------------------
test_same() {
    chain='gaussian:sigma=1 | sharpen'
    for file in a1.jpg a2.jpg a3.jpg a4.jpg a5.jpg a6.jpg large.jpg below/b.png below/deeper/c.tif; do
        check "filter $file" timeout 30 "$programs/filter" -t 1 -q -Q 80 -k "$chain" in/$file expected/$file
    done
    check 'filter d.h5' timeout 30 "$programs/filter" -t 1 -q -k "$chain" d.h5:/group/image expected/d_group_image.h5
    for layout in '0 1' '0 3' '1 2' '2 1' '3 2'; do
        read -r ranks threads <<<"$layout"
        rm -rf out
        ends 0 $ranks -t $threads --io-threads $threads -Q 80 -k "$chain" -o out/ in d.h5:/group/image
        said out.txt '10 done, 0 failed, 2 other files passed over'
        (cd out && find . -type f ! -name batch.jsonl | sort) >found.txt
        (cd expected && find . -type f | sort) >wanted.txt
        same "the files of $ranks x $threads" found.txt wanted.txt
        while read -r file; do same "$file by $ranks x $threads" "expected/$file" "out/$file"; done <wanted.txt
        [ "$(records out done)" -eq 10 ] || fail "$(records out done) records of done"
    done
    ends 0 2 -t 1 --resume -Q 80 -k "$chain" -o out in d.h5:/group/image
    said out.txt '0 done, 0 failed, 10 skipped'

    # What was done otherwise, has changed, or is gone, is done again.
    ends 0 2 -t 1 --resume -Q 81 -k "$chain" -o out in
    said out.txt '9 done'
    ends 0 0 --resume -Q 81 -k "$chain | invert" -o out in
    said out.txt '9 done'
    rm out/a1.jpg; echo >>out/a2.jpg; touch in/a3.jpg
    ends 0 2 -t 2 --resume -Q 81 -k "$chain | invert" -o out in
    said out.txt '3 done, 0 failed, 6 skipped'
}

# ---- many HDF5 files at once, though one thread at a time may be in its library ------------------------------
test_hdf5() {
    mkdir -p hdf5
    for i in $(seq 12); do make $((30 + i)) 40 hdf5/$i.h5; done
    ends 0 2 -t 3 -k invert -o hdf5-out hdf5
    said out.txt '12 done'
    ends 0 1 -t 3 -k invert -o hdf5-back hdf5-out
    for i in 1 7 12; do
        checks=$((checks + 1))
        for side in hdf5 hdf5-back; do "$programs/reduce" -j -k checksum $side/$i.h5 | sed 's/"input": "[^"]*"//' >$side.txt; done
        cmp hdf5.txt hdf5-back.txt || fail "hdf5/$i.h5 there and back"
    done
}

# ---- formats, orientation, decoding smaller ------------------------------------------------------------------
test_kinds() {
    ends 0 2 -t 1 --format png -o png in/a1.jpg in/large.jpg
    check 'filter to PNG' timeout 30 "$programs/filter" -q in/a1.jpg a1.png
    same 'a conversion' a1.png png/a1.png
    turned=(- - flip:axis=x rotate90:turns=2 flip:axis=y transpose rotate90:turns=3 'transpose | rotate90:turns=2' rotate90:turns=1)
    for o in 2 3 4 5 6 7 8; do # EXIF as its standard has it: a directory with a tag
        { head -c 2 in/a1.jpg; printf '\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x0'$o'\x00\x00\x00\x00\x00\x00'; tail -c +3 in/a1.jpg; } >turned$o.jpg
        check "filter, orientation $o" timeout 30 "$programs/filter" -t 1 -q -k "${turned[$o]} | invert" turned$o.jpg expected/t$o.png
        check "filter, as stored $o" timeout 30 "$programs/filter" -t 1 -q -k invert turned$o.jpg expected/s$o.png
    done
    ends 0 2 -t 2 -k invert --format png -o upright turned?.jpg
    ends 0 2 -t 2 -k invert --format png --no-auto-orient -o stored turned?.jpg
    for o in 2 3 4 5 6 7 8; do
        same "orientation $o" expected/t$o.png upright/turned$o.png
        same "as stored, orientation $o" expected/s$o.png stored/turned$o.png
    done
    if /usr/bin/python3 -c 'import PIL.ImageOps' 2>/dev/null; then
        cat >upright.py <<'END'
from PIL import Image, ImageOps
for o in range(2, 9):
    theirs = ImageOps.invert(ImageOps.exif_transpose(Image.open(f"turned{o}.jpg")))
    assert theirs.tobytes() == Image.open(f"upright/turned{o}.png").tobytes(), o
END
        check 'upright as Pillow has it' /usr/bin/python3 upright.py
    fi
    # Large enough a shrinking is decoded at half, whatever was done before on the same bench.
    mkdir small
    cp in/large.jpg small/1.jpg; "$programs/filter" -q in/large.jpg small/2.png; cp in/large.jpg small/3.jpg; cp turned6.jpg small/4.jpg
    for threads in 1 4; do
        ends 0 0 -t $threads --fast --format png -k 'resize:width=50' -o fast$threads small
        ends 0 0 -t $threads --format png -k 'resize:width=50' -o slow$threads small
        ends 0 0 -t $threads --fast --format png -k 'resize:scale=0.16' -o fast-scale small/1.jpg
        ends 0 0 -t $threads --format png -k 'resize:scale=0.16' -o slow-scale small/1.jpg
        head -c 26 fast-scale/1.png >a.txt; head -c 26 slow-scale/1.png >b.txt
        same 'the same part of the whole' a.txt b.txt
        ends 0 0 -t $threads --fast --format png -k 'resize:width=51' -o fast-less small/1.jpg
        ends 0 0 -t $threads --format png -k 'resize:width=51' -o slow-less small/1.jpg
        ends 0 0 -t $threads --fast --format png -k 'resize:width=50,method=area' -o fast-area small/1.jpg
        ends 0 0 -t $threads --format png -k 'resize:width=50,method=area' -o slow-area small/1.jpg
        same 'a PNG is never decoded smaller' fast$threads/2.png slow$threads/2.png
        same 'not enough is left' fast-less/1.png slow-less/1.png
        same 'a method that suffers' fast-area/1.png slow-area/1.png
        for i in 1 3; do
            checks=$((checks + 1))
            cmp -s fast$threads/$i.png slow$threads/$i.png && fail "--fast made no difference to $i"
            head -c 26 fast$threads/$i.png >a.txt; head -c 26 slow$threads/$i.png >b.txt
            same 'the same extents' a.txt b.txt
        done
    done
    for i in 1 2 3 4; do same 'fast, whoever does it' fast1/$i.png fast4/$i.png; done
}

# ---- bad files ----------------------------------------------------------------------------------------------
test_bad() {
    mkdir -p bad/links
    cp in/a1.jpg in/a2.jpg bad
    head -c 3000 in/a3.jpg >bad/cut.jpg
    : >bad/empty.png
    echo words >bad/words.tif
    make 100 200 bad/bomb.png
    mkdir outside; cp in/a4.jpg outside/secret.jpg
    ln -s ../../outside/secret.jpg bad/links/secret.jpg
    ln -s ../a1.jpg bad/links/fine.jpg
    ln -s ../outside bad/way-out
    ln -s nowhere.jpg bad/links/nowhere.jpg
    mkfifo bad/pipe.jpg
    for ranks in 0 3; do
        rm -rf out
        ends 3 $ranks -t 2 --max-pixels 19999 -k invert -o out bad no-such.jpg in/notes.txt
        said out.txt '3 done, 8 failed, 2 other files passed over'
        for name in cut.jpg empty.png words.tif bomb.png links/secret.jpg links/nowhere.jpg; do
            [ "$(grep -c "^batch: bad/$name: " err.txt)" -eq 1 ] || { fail "not one line of bad/$name"; cat err.txt; }
            [ "$(grep -c "\"input\":\"bad/$name\".*\"status\":\"failed\"" out/batch.jsonl)" -eq 1 ] || fail "not one record of bad/$name"
            [ ! -e out/$name ] || fail "an output of bad/$name"
        done
        said err.txt 'no-such.jpg: cannot be opened'
        said err.txt 'notes.txt: .*--format'
        said err.txt 'bomb.png: .*20000 pixels; the limit for images is 19999'
        [ -s out/a1.jpg ] && [ -s out/a2.jpg ] && [ -s out/links/fine.jpg ] || fail 'good files beside bad ones'
    done
    ends 0 2 -t 1 --max-pixels 20000 -k invert -o bomb bad/bomb.png
    # Links in the output folder that lead out of it.
    mkdir -p trap elsewhere; ln -s ../elsewhere trap/below; ln -s ../elsewhere/victim.jpg trap/a1.jpg; echo keep >elsewhere/victim.jpg
    ends 3 2 -t 1 -k invert -o trap in
    said out.txt '6 done, 3 failed'
    said err.txt 'leads out of'
    [ "$(ls elsewhere)" = victim.jpg ] && [ "$(cat elsewhere/victim.jpg)" = keep ] || fail 'something was written through a link'
}

# ---- refused before work begins -----------------------------------------------------------------------------
test_refused() {
    mkdir -p one two; cp in/a1.jpg one; cp in/a2.jpg two/a1.jpg
    ends 2 2 -t 1 -k invert -o clash one two
    said err.txt 'clash/a1.jpg: would come of one/a1.jpg and of two/a1.jpg'
    ends 2 2 -t 1 -k invert -o clash --format png in in/below/b.png one/a1.jpg
    [ "$(ls -A clash)" = '' ] || fail 'work began in spite of a clash'
    ends 0 2 -t 1 -k invert -o twice one one/a1.jpg
    said out.txt '1 done'
    ends 2 0 -k invert -o one one
    said err.txt 'is the output folder'
    ends 0 0 -k invert -o one/out one
    ends 0 0 -k invert -o one/out one # what is in the output folder is no input
    said out.txt '1 done'
    ends 2 2 -k stats -o x in
    said err.txt 'reduce'
    ends 2 2 -k sobell -o x in
    ends 2 0 -k invert in
    ends 2 0 -k invert -o x
    ends 2 0 --format xyz -o x in
    ends 2 0 --io-threads 0 -o x in
    mkdir locked; exec 9>>locked/batch.jsonl; flock 9
    ends 1 2 -k invert -o locked in
    said err.txt 'another batch'
    exec 9>&-
}

# ---- runs that are killed ------------------------------------------------------------------------------------
slow='heat:steps=15000'
make_many() {
    mkdir -p many
    for i in $(seq 10 25); do cp in/large.jpg many/$i.jpg; done
}

strings_of() { "$programs/reduce" -j -k checksum "$1" | sed 's/"input": "[^"]*"//'; }
start() { # start OUT RANKS ARGUMENTS...: in the background, until three are done; its process is $job
    local out=$1 ranks=$2
    shift 2
    "$mpiexec" -n "$ranks" "$programs/batch" -t 1 -k "$slow" --format png -o "$out" "$@" >out.txt 2>err.txt &
    job=$!
    for _ in $(seq 600); do
        [ "$(records "$out" done)" -ge 3 ] && return
        sleep 0.05
    done
    fail "$out: three files are not done within 30 s"
}

test_killed() {
    make_many
    check 'the slow chain' timeout 60 "$programs/filter" -t 1 -q -k "$slow" many/10.jpg expected/slow.png
    local victim=$1 # the rank
    start killed$victim 3 many
    for process in $(pgrep -P $job -x batch); do
        tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$victim" && kill -9 "$process"
    done
    wait $job 2>/dev/null && fail "a killed run is no success"
    before=$(records killed$victim done)
    cp killed$victim/batch.jsonl first.jsonl
    for i in $(seq 10 25); do # what a process on another node might have left of those under way
        [ "$(grep -c "many/$i.jpg" first.jsonl)" -ne 1 ] || : >killed$victim/.$i.png.elsewhere.4242.part
    done
    [ "$before" -lt 16 ] || fail 'it was killed too late'
    ends 0 3 -t 1 -k "$slow" --format png --resume -o killed$victim many
    said out.txt "$((16 - before)) done, 0 failed, $before skipped"
    strings_of expected/slow.png >a.txt
    for file in killed$victim/*.png; do strings_of $file >b.txt; same "$file" a.txt b.txt; done
    [ "$(find killed$victim -name '*.png' | wc -l)" -eq 16 ] || fail 'not all are there'
    [ -z "$(find killed$victim -name '.*.part')" ] || fail "part files were left: $(ls -A killed$victim)"
    # Those under way at the kill came last, each alone.
    checks=$((checks + 1))
    under_way=$(($(grep -c '"record":"started"' first.jsonl) - $(grep -c '"record":"file"' first.jsonl)))
    [ "$under_way" -gt 0 ] || fail 'nothing was under way when it was killed'
    tail -n $((2 * under_way)) killed$victim/batch.jsonl | grep -o '"record":"[a-z]*"' >alone.txt
    for _ in $(seq $under_way); do printf '"record":"%s"\n' started file; done >wanted.txt
    cmp alone.txt wanted.txt || fail 'what was under way is not tried alone'
}

# Asked to stop: what is under way is finished, and nobody is suspected.
test_stopped() {
    make_many
    start stopped 2 many
    kill -USR1 $job
    wait $job
    [ $? -eq 75 ] || fail 'a run that was stopped does not exit with 75'
    said out.txt ' not begun: --resume goes on'
    [ "$(grep -c '"record":"started"' stopped/batch.jsonl)" -eq "$(records stopped done)" ] || fail 'something under way was not finished'
    ends 0 2 -t 1 -k "$slow" --format png --resume -o stopped many
    [ "$(find stopped -name '*.png' | wc -l)" -eq 16 ] || fail 'not all are there after a stop'
}

# ---- a file that kills whoever decodes it --------------------------------------------------------------------
test_crash() {
    make_many
    make 77 113 many/evil.jpg
    rm -rf out
    for attempt in 1 2 3; do
        checks=$((checks + 1))
        timeout 60 "$mpiexec" -x LD_PRELOAD="$crash" -n 2 "$programs/batch" -t 2 --resume -k invert -o out many >out.txt 2>err.txt
        got=$?
        [ $attempt -eq 3 ] || { [ $got -ne 0 ] && [ $got -ne 3 ]; } || fail "run $attempt did not die but ended with $got"
    done
    [ $got -eq 3 ] || { fail "the third run ended with $got"; cat out.txt err.txt; }
    said out.txt '1 failed'
    said err.txt 'many/evil.jpg: two runs died of it'
    [ "$(records out quarantined)" -eq 1 ] || fail 'no record of the quarantine'
    [ "$(find out -name '*.jpg' | wc -l)" -eq 16 ] || fail 'the others are not all done'
    # Quarantine lasts until the file is another one.
    ends 3 2 -t 2 --resume -k invert -o out many
    make 77 112 many/evil.jpg
    ends 0 2 -t 2 --resume -k invert -o out many
    said out.txt '1 done, 0 failed, 16 skipped'
}

case $part in
killed*) test_killed "${part#killed}" ;;
*) "test_$part" ;;
esac
finish "$checks checks"
