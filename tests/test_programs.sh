#!/usr/bin/env bash
# test_programs.sh PROGRAMS MPIEXEC - the programs as a user runs them: real files, real mpirun, and what comes
# out and stays behind when the input is bad. Every run has a time limit: a hang is a failure.
set -u
programs=$1 mpiexec=$2
. "$(dirname "$0")/checks.sh"
own_folder

run() { # run RANKS PROGRAM ARGUMENTS...; 0: without mpirun
    local ranks=$1 program=$2
    shift 2
    if [ "$ranks" -eq 0 ]; then
        timeout 60 "$programs/$program" "$@"
    else
        timeout 60 "$mpiexec" -n "$ranks" "$programs/$program" "$@"
    fi
}

# refuse RANKS EXIT_STATUS PATTERN PROGRAM ARGUMENTS...: fails with this status and one message that holds
# the pattern, and leaves nothing new behind.
refuse() {
    local ranks=$1 status=$2 pattern=$3 program=$4 before after got
    shift 4
    checks=$((checks + 1))
    before=$(ls -A | grep -av '\.txt$'; md5sum kept.png)
    run "$ranks" "$program" "$@" >out.txt 2>err.txt
    got=$?
    after=$(ls -A | grep -av '\.txt$'; md5sum kept.png)
    [ $got -eq "$status" ] || { fail "$program $*: exit status $got instead of $status"; cat err.txt; }
    [ "$(grep -c "^$program: " err.txt)" -eq 1 ] || { fail "$program $*: not one message"; cat err.txt; }
    grep -q -- "$pattern" err.txt || { fail "$program $*: no word of '$pattern'"; cat err.txt; }
    [ "$before" = "$after" ] || { fail "$program $*: files changed"; echo "$after"; }
}

# ---- an image: the photograph where there is one, and a smaller one made from raw numbers -------------------
photograph=/usr/share/xplanet/images/earth.jpg
{ printf 'P6\n389 517\n255\n'; head -c $((389 * 517 * 3)) /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:nfold -md sha256 2>/dev/null; } >noise.ppm
if command -v pnmtopng >/dev/null; then
    pnmtopng noise.ppm >image.png 2>/dev/null
elif [ -r $photograph ]; then
    cp $photograph image.png # the content counts, not the name
else
    echo "no photograph and no pnmtopng: the programs are not tested"
    exit 77
fi

# ---- the four ways give the same bytes ---------------------------------------------------------------------
chain='gaussian:sigma=2 | sharpen | sobel'
check 'filter, serial, PNG' run 0 filter -t 1 -k "$chain" image.png serial.png
check 'filter, serial, HDF5' run 0 filter -t 1 -k "$chain" image.png serial.h5:/group/image
for ranks in 1 2 3 4 7 8; do
    for threads in 1 2 3; do
        check "filter, $ranks x $threads" run $ranks filter -t $threads -k "$chain" image.png out.h5:/group/image
        same "same bytes, $ranks x $threads" serial.h5 out.h5
    done
    check "filter, $ranks ranks, PNG" run $ranks filter -t 2 -k "$chain" image.png out.png
    same "same bytes, $ranks ranks, PNG" serial.png out.png
done
check 'reduce, serial' run 0 reduce -j -t 1 -k stats -k sumsq -k 'sobel | histogram:bins=9' serial.h5
mv out.txt serial.txt
for ranks in 2 3 8; do
    check "reduce, $ranks ranks" run $ranks reduce -j -t 2 -k stats -k sumsq -k 'sobel | histogram:bins=9' serial.h5
    same "same numbers, $ranks ranks" serial.txt out.txt
done

# Through files, one kernel after the other; shared out as told; two arrays.
check 'the first of three' run 2 filter -k 'gaussian:sigma=2' image.png step1.h5:/image
check 'the second of three' run 3 filter -k sharpen step1.h5:/image step2.h5:/image
check 'the third of three' run 1 filter -k sobel step2.h5:/image step3.h5:/group/image
for file in serial step3; do # from one name, so that nothing but the cells can differ
    cp $file.h5 cells.h5
    check "cells of $file" run 0 filter cells.h5 cells-$file.png
done
same 'a chain is its kernels one by one' cells-serial.png cells-step3.png
for told in '--grid 4x1' '--grid 1x4' '--grid 2x2' '--tile-size 7x100' '--tile-size 1x1 --halo-depth 3' '--halo-depth 16'; do
    check "filter $told" run 4 filter $told -k "$chain | heat:steps=5" image.png told.png
    check 'serial' run 0 filter -t 1 --halo-depth 1 -k "$chain | heat:steps=5" image.png plain.png
    same "same bytes, $told" plain.png told.png
done
check 'the plan' run 3 filter --explain -k "$chain" image.png told.png
[ "$(grep -c '^plan: .* on 3 ranks' err.txt)" -eq 1 ] || { fail 'the plan is not printed once'; cat err.txt; }
check 'dot, one array twice' run 3 reduce -j -k dot -k sumsq -k norm2 image.png serial.png
sed -E 's/.*"dot": ([^,}]*).*/\1/' out.txt >dot.txt
check 'dot, the other way round' run 0 reduce -j -k dot serial.png image.png
sed -E 's/.*"dot": ([^,}]*).*/\1/' out.txt >tod.txt
same 'the dot product commutes' dot.txt tod.txt
check 'dot with itself' run 2 reduce -j -k dot image.png image.png
sed -E 's/.*"dot": ([^,}]*).*/\1/' out.txt >dot.txt
check 'the sum of squares' run 2 reduce -j -k sumsq image.png
sed -E 's/.*"sumsq": ([^,}]*).*/\1/' out.txt >sumsq.txt
same 'which is the sum of squares' dot.txt sumsq.txt
check 'a range needs no input' run 3 reduce -k sumsq_range:n=1000000
grep -q 333332833333500000 out.txt || fail 'the sum of squares below 10^6'

# ---- conversions lose nothing -------------------------------------------------------------------------------
check 'to HDF5' run 2 filter image.png image.h5:/image
check 'and back' run 3 filter image.h5 back.png
check 'input numbers' run 0 reduce -j -k sumsq -k stats image.png
sed 's/"input": "[^"]*"//' out.txt >a.txt
check 'numbers after' run 0 reduce -j -k sumsq -k stats back.png
sed 's/"input": "[^"]*"//' out.txt >b.txt
same 'the same image' a.txt b.txt
check 'other types' run 2 filter -k 'cast:to=f32 | heat:steps=3 | cast:to=u16' image.png deep.png
check 'a second dataset' run 2 filter -k sobel image.png image.h5:/edges
check 'the first is still there' run 0 reduce -k sumsq image.h5:/image

seq 1 120 >numbers.txt
check 'made a volume' h5import numbers.txt -d 4,5,6 -p v -t TEXTFP -s 32 -o volume.h5
check 'made a line' h5import numbers.txt -d 120 -p v -t TEXTFP -s 64 -o line.h5
check 'a volume' run 2 reduce -k stats volume.h5

check 'a third, kept from harm' run 2 filter --no-clobber -k sobel image.png image.h5:/more/edges

# ---- bad input ----------------------------------------------------------------------------------------------
cp out.png kept.png
check 'another shape' run 0 filter -k cast:to=f64 image.png numbers.h5
head -c 2000 image.png >cut.png
: >empty.png
echo 'just words' >words.png
mkdir -p locked
printf 'GIF89a..............' >picture.gif
long=$(printf '%0256d' 0)
for ranks in 0 3; do
    refuse $ranks 1 'no-such.png' filter -k sobel no-such.png kept.png
    refuse $ranks 1 'cut.png' filter -k sobel cut.png kept.png
    refuse $ranks 1 'empty.png' filter -k sobel empty.png kept.png
    refuse $ranks 1 'words.png' filter -k sobel words.png kept.png
    refuse $ranks 1 'GIF' filter -k sobel picture.gif kept.png
    refuse $ranks 1 'locked' filter -k sobel locked kept.png
    refuse $ranks 1 'nothing' filter -k sobel image.h5:/nothing kept.png
    refuse $ranks 1 'image.h5' filter -k sobel image.h5 kept.png # two datasets, none named
    refuse $ranks 2 "did you mean 'sobel'" filter -k sobell image.png kept.png
    refuse $ranks 2 "no parameter 'size'" filter -k sobel:size=3 image.png kept.png
    refuse $ranks 2 'out of range' filter -k gaussian:sigma=-1 image.png kept.png
    refuse $ranks 2 'expected a number' filter -k gaussian:sigma=big image.png kept.png
    refuse $ranks 2 'odd side' filter -k convolve:mask=1,2,3,4 image.png kept.png
    refuse $ranks 2 'needs mask' filter -k convolve image.png kept.png
    refuse $ranks 2 'reduce' filter -k stats image.png kept.png
    refuse $ranks 2 'filter' reduce -k sobel image.png
    refuse $ranks 2 'INPUT' reduce -k sumsq
    refuse $ranks 2 'INPUT' filter -k sobel image.png
    refuse $ranks 2 'threads' filter -t 0 -k sobel image.png kept.png
    refuse $ranks 1 'input' filter -k sobel kept.png kept.png
    refuse $ranks 1 'exists already' filter --no-clobber -k sobel image.png kept.png
    refuse $ranks 1 'exists already' filter --no-clobber -k sobel image.png image.h5:/edges
    refuse $ranks 1 'limit for images is 1000' filter --max-pixels 1000 -k sobel image.png kept.png
    refuse $ranks 1 'max-pixels' reduce --max-pixels 1e3 -k sumsq image.png
    refuse $ranks 2 'max-pixels' filter --max-pixels 0 -k sobel image.png kept.png
    refuse $ranks 1 'no-folder' filter -k sobel image.png no-folder/out.png
    refuse $ranks 1 'f32' filter -k cast:to=f32 image.png kept.png
    refuse $ranks 2 'suffix' filter -k sobel image.png out.xyz
    refuse $ranks 2 'stores elements as they were computed' filter --store f32 -k sobel image.png out.jpg
    refuse $ranks 2 'cannot keep a checksum' filter --checksum -k sobel image.png out.npy
    refuse $ranks 2 'writes no stack to a NumPy' filter --stack volume.h5 out.npy
    refuse $ranks 2 'by deflate or zstd, nothing else' filter --compress lz4 -k sobel image.png out.tif
    refuse $ranks 2 'name is too long' filter -k sobel image.png "$long.png"
    refuse $ranks 2 'one argument too many' reduce image.h5: kept.png
    refuse $ranks 2 'the grid 5x5 does not have a block for each' filter --grid 5x5 -k sobel image.png kept.png
    refuse $ranks 2 'the grid has 3 extents' filter --grid 2x1x1 -k sobel image.png kept.png
    refuse $ranks 2 'the tile has 3 extents' filter --tile-size 2x8x8 -k sobel image.png kept.png
    refuse $ranks 2 'as 4x2' filter --grid 4x -k sobel image.png kept.png
    refuse $ranks 2 'halo-depth' filter --halo-depth 0 -k sobel image.png kept.png
    refuse $ranks 2 'has no plan' filter --explain image.png kept.png
    refuse $ranks 2 'needs two arrays' reduce -k dot image.png
    refuse $ranks 2 'no kernel that takes a second' reduce -k sumsq image.png kept.png
    refuse $ranks 1 'as its kernel sees the first' reduce -k dot image.png numbers.h5
    refuse $ranks 2 'as many ranks' scale --grid 9x9 -k sobel -o study
    refuse $ranks 2 'only [0-9]* process' scale --ranks 99 -o study
    refuse $ranks 2 'both say' scale --size 10x10 --tile 2x2 -o study
done
if [ "$(id -u)" -ne 0 ]; then # root writes where it wants
    chmod a-w locked
    refuse 2 1 'locked' filter -k sobel image.png locked/out.png
fi

refuse 3 1 '3 dimensions' scale --input volume.h5 -k sharpen -o study
refuse 2 2 'one dimension' scale --input line.h5 --size 4x5 -k sumsq -o study
ln -s missing/target.png nowhere.png
refuse 0 1 'leads nowhere' filter -k sobel image.png nowhere.png
refuse 2 2 'no datasets' filter -k sobel image.png new.png:/image
refuse 0 1 'regular file' report /dev/zero
refuse 2 1 'kept.png is a file, not a folder' scale -k sobel --size 20x20 --costs none -o kept.png
refuse 0 2 'only 1 process was started' scale --ranks 9 -o study
for said in NFOLD_ISA=fast OMP_NUM_THREADS=99999 OMP_NUM_THREADS=2x OMP_NUM_THREADS=-1; do
    for ranks in 0 2; do
        export "$said"
        refuse $ranks 2 "$said: expected " filter -k sobel image.png kept.png
        unset "${said%=*}"
    done
done
OMP_NUM_THREADS=99999 check 'threads that an option tells' run 0 reduce -t 1 -k sumsq image.png
OMP_NUM_THREADS=' 2 ,1' NFOLD_ISA=baseline check 'threads by level' run 0 reduce -k sumsq image.png
check 'a name that is not UTF-8' cp image.png $'\xff.png'
check 'its numbers' run 0 reduce -j -k stats $'\xff.png'
grep -q '"input": "?.png"' out.txt || { fail 'a name that is not UTF-8 in JSON'; cat out.txt; }
if [ -w /dev/full ]; then
    checks=$((checks + 1))
    run 0 reduce -k sumsq image.png >/dev/full 2>err.txt && fail 'a full standard output is no success'
fi

# ---- help, once ------------------------------------------------------------------------------------------------
for option in --help --usage --version --list; do
    for program in filter reduce scale; do
        check "$program $option" run 3 $program $option
        [ "$(grep -cE "^(Usage: $program |$program \(nfold\)|Kernels;)" out.txt)" -eq 1 ] ||
            fail "$program $option is not printed once"
    done
done

filter_help=$("$programs/filter" --help)
grep -A1 'Inputs that are images:' <<<"$filter_help" | grep -q -- --max-pixels || fail 'the help of images'
grep -A1 'Arrays that do not fit' <<<"$filter_help" | grep -q -- --memory || fail 'the help of --memory'
run 0 filter --list | grep -q 'how many bodies; 2 to 2^24$' || fail 'a limit in the list of kernels is rounded'

# ---- a small study ------------------------------------------------------------------------------------------
check 'scale' run 4 scale -q --costs none --ranks 1,2,4 --threads 1,2 --reps 6 --size 300x200 -k 'gaussian | sobel' -k heat -k stats -k sumsq_range:n=1e5 -k nbody:n=400 -o study
for file in study.jsonl points.csv report.md report.html; do
    [ -s study/$file ] || fail "study/$file is missing"
done
grep '"record":"sample"' study/study.jsonl | grep -v '"valid":true' && fail 'a sample is invalid'
samples=$(grep -c '"record":"sample"' study/study.jsonl)
[ "$samples" -eq $((5 * 2 * 6 * 6)) ] || fail "study.jsonl has $samples samples"
# The work of bodies is the square of their number: at 4 times the workers there are twice as many.
weak=$(sed -nE 's/^"nbody.*,weak,[a-z]+,1,[0-9]+,[0-9]+,(1|4),"(n=[0-9]+)",([0-9]+),.*/\1 \2 \3/p' study/points.csv | sort -u)
[ "$weak" = "1 n=200 100
4 n=400 400" ] || fail "the weak study of bodies is of $weak"
cp study/points.csv before.csv
check 'report' run 0 report study/study.jsonl
same 'the same points again' before.csv study/points.csv
refuse 0 1 'no-such' report no-such.jsonl
mkdir torn
head -c -9 study/study.jsonl >torn/study.jsonl
lines=$(wc -l <study/study.jsonl)
check 'a report of a torn study' run 0 report torn/study.jsonl
expect 'the remark on it' "$(cat err.txt)" "torn/study.jsonl:$lines is cut short and left out"
check 'a comparison with a torn study' run 0 report --compare study/study.jsonl torn/study.jsonl
expect 'the remark on it' "$(cat err.txt)" "torn/study.jsonl:$lines is cut short and left out"
check 'a quiet report of it' run 0 report -q torn/study.jsonl
expect 'no remark' "$(cat err.txt)" ''
check 'a report of a whole study' run 0 report study/study.jsonl
expect 'no remark' "$(cat err.txt)" ''
if [ -w /dev/full ]; then
    checks=$((checks + 1))
    for with in '' '--compare study/study.jsonl'; do
        run 0 report $with study/study.jsonl >/dev/full 2>err.txt && fail 'a table on a full device'
        grep -q 'standard output: No space left' err.txt || fail "report $with: no word of why"
    done
fi
cp study/study.jsonl before.jsonl
run 2 scale -q -k sobel --reps 1 --size 1000000x1000000 -o study >out.txt 2>err.txt && fail 'a study of 3 TB'
same 'the study before is still there' before.jsonl study/study.jsonl

finish "$checks checks"
