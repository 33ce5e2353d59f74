#!/usr/bin/env bash
# test_advise.sh PROGRAMS MPIEXEC PART - advise as a user runs it. PART: line (what it prints), files (whole commands),
# refused, cache, damaged, again, busy, unwritable (what it keeps of the machine), places (mpirun, affinity), nowhere (no
# mpirun), ended (what a signal leaves), large, slurm (several nodes), threads (the number of threads that the other programs take by themselves).
set -u
programs=$1 mpiexec=$2 part=$3
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. "$here/checks.sh"
cd "$folder" || exit 1
unset OMP_NUM_THREADS
export PATH=$programs:$PATH
# Measured once for all the tests; `cache` has its own.
export XDG_CACHE_HOME=$programs/advise-tests
[ "$part" = cache ] && export XDG_CACHE_HOME=$folder/cache
mkdir -p "$XDG_CACHE_HOME"

advise() { timeout 60 "$programs/advise" -q "$@"; }
kept() { echo "$XDG_CACHE_HOME"/nfold/machine-*.json; }

says() { # says PATTERN: in out.txt
    checks=$((checks + 1))
    grep -qE -- "$1" out.txt || { fail "no word of $1"; cat out.txt err.txt; }
}

value() { # value EXPRESSION: of the JSON object `a` in out.txt
    python3 -c "import json, sys; a = json.load(open('out.txt')); print(($1))"
}

checksum() { # checksum FILE: of its array
    reduce -q --json -k checksum "$1" | sed 's/.*"checksum": //'
}

equal() { # equal WHAT GOT EXPECTED
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: $2, expected $3"
}

refuse() { # refuse PATTERN ARGUMENTS...: exit status 2, one message
    local pattern=$1
    shift
    checks=$((checks + 1))
    advise "$@" >out.txt 2>err.txt
    [ $? -eq "${status:-2}" ] || { fail "advise $*: is not refused"; cat out.txt err.txt; }
    [ "$(grep -c '^advise:' err.txt)" -eq 1 ] && grep -qE -- "$pattern" err.txt ||
        { fail "advise $*: not one message with $pattern"; cat err.txt; }
    [ ! -s out.txt ] || fail "advise $*: output beside its message"
}

case $part in
line)
    check 'an array in memory' advise -k 'gaussian:sigma=2 | sobel' --size 512x512x3
    says '^Run it (serial|by 2 threads|by [0-9]+ (threads|ranks))'
    says '^[> ] serial .* 1\.00 +100%$'
    equal 'one choice is taken' "$(grep -c '^>' out.txt)" 1
    says '^  1\. [0-9]+ cores? may be used'
    says "filter -t [0-9]+ -k 'gaussian:sigma=2 \| sobel' INPUT OUTPUT$"
    says "^  NFOLD_CHAIN='gaussian:sigma=2 \| sobel' .* sbatch --nodes=1 --ntasks-per-node=[0-9]+ .*jobs/filter.sbatch$"
    # Each time is told, and hangs together.
    check 'JSON' advise --json -k heat:steps=4 --size 300x200 --dtype f32 --runs 50
    equal 'one line' "$(wc -l <out.txt)" 1
    equal 'its members' "$(value "' '.join(sorted(a))")" \
        'advice alone chain choice choices command input limits machine output reasons sbatch size work'
    equal 'the size' "$(value "a['size']")" '300x200 f32'
    equal 'the first is serial' "$(value "a['choices'][0]['way'], a['choices'][0]['speedup']")" "('serial', 1.0)"
    equal 'start and runs' "$(value "all(abs(c['start'] + 50 * c['run'] - c['seconds']) < 1e-6 for c in a['choices'])")" True
    equal 'the choice is one of them' "$(value "a['choice'] in a['choices']")" True
    equal 'within 5% of the best' "$(value "a['choice']['seconds'] <= 1.05 * min(c['seconds'] for c in a['choices']) + 1e-9")" True
    equal 'times are above 0' "$(value "all(c['run'] > 0 and c['start'] > 0 for c in a['choices'])")" True
    equal 'reasons' "$(value "a['reasons'][0]['turn'], a['reasons'][-1]['turn']")" "('limits', 'start')"
    # Long rows: as many workers are that many times as fast, at most.
    check 'long rows' advise --json -k sobel --size 1000000x1000000
    equal 'is possible' "$(value "all(c['efficiency'] < 1.06 for c in a['choices'])")" True
    # A range, and a reduction of two arrays.
    check 'a range' advise --json -k sumsq_range:n=3e6
    equal 'what it counts' "$(value "a['size'], a['work']['unit'], a['input']")" "('n=3000000', 'numbers', None)"
    check 'its line runs' bash -c "$(value "a['command']")"
    check 'two arrays' advise --json -k dot --size 64x64
    equal 'both are named' "$(value "a['command'].split()[-2:]")" "['INPUT', 'SECOND']"
    ;;
files)
    # From file to file: the line that is printed does it; advise itself leaves nothing.
    check 'an image' filter -q -k resize:width=400,height=300 -t 1 /usr/share/xplanet/images/earth.jpg "it's one.png"
    check 'a command' advise --json -k 'median:size=3' "it's one.png" out.h5:/a
    equal 'nothing is left' "$(ls -A | grep -vE '^(out|err)\.txt$')" "it's one.png"
    equal 'files count' "$(value "all(c['read'] > 0 and c['write'] > 0 and abs(c['start'] + c['read'] + c['run'] + c['write'] - c['seconds']) < 1e-9 for c in a['choices'])")" True
    check 'its line runs' bash -c "$(value "a['command']")"
    check 'and does it' filter -q -t 1 -k 'median:size=3' "it's one.png" serial.h5:/a
    equal 'to the same result' "$(checksum out.h5:/a)" "$(checksum serial.h5:/a)"
    check 'a reduction of a file' advise --json -k stats -- "it's one.png"
    equal 'nothing is written' "$(value "a['choice']['write']")" 0.0
    sbatch=$(value "a['sbatch']")
    check 'its line runs' bash -c "$(value "a['command']")"
    check 'the wrapped line' bash -c "sbatch() { bash -c \"\${!##--wrap=}\"; }; $sbatch"
    grep -q stats out.txt || fail 'the wrapped line reduces nothing'
    check 'a command in text' advise -k invert "it's one.png" out.png
    says "filter -t [0-9]+ -k invert 'it'.''s one.png' out.png$"
    says "^  sbatch --nodes=1 .*--wrap="
    says "of the command's .* its start takes .* and the files "
    check 'an image' cp "it's one.png" -- -dash.png
    check 'a name like an option' advise --json -k invert -- -dash.png -out.h5
    equal 'reads as a name' "$(value "a['command'].split()[-2:], 'NFOLD_INPUT=./-dash.png NFOLD_OUTPUT=./-out.h5' in a['sbatch']")" \
        "(['./-dash.png', './-out.h5'], True)"
    check 'its line runs' bash -c "$(value "a['command']")"
    ;;
refused)
    check 'an image' filter -q -k resize:width=40,height=30 -t 1 /usr/share/xplanet/images/earth.jpg "it's one.png"
    refuse 'expected -k' --size 10x10
    refuse "did you mean 'sobel'" -k sobell --size 10x10
    refuse 'needs --size' -k sobel
    refuse 'give one' -k sobel --size 10x10 "it's one.png"
    refuse 'takes no array' -k sumsq_range:n=10 --size 10x10
    refuse '--size 10xten' -k sobel --size 10xten
    refuse '--dtype i8' -k sobel --size 10x10 --dtype i8
    refuse '--dtype goes' -k sobel --dtype u8 "it's one.png"
    refuse '--runs 0' -k sobel --size 10x10 --runs 0
    refuse '--size .*2.60 bytes' -k sobel --size 99999999999999x99999
    refuse '--size .*2.60 bytes' -k sobel --size 20000000000x100000000
    refuse 'a command is one run' -k sobel --runs 3 "it's one.png"
    refuse 'gives numbers' -k stats "it's one.png" out.png
    refuse 'needs two arrays' -k dot "it's one.png"
    refuse 'too many' -k sobel a b c
    refuse 'out of range' -k gaussian:sigma=-1 --size 10x10
    refuse 'suffix' -k sobel "it's one.png" out.xyz
    status=1
    refuse 'no-such.png' -k sobel no-such.png out.png
    refuse 'no-folder' -k sobel "it's one.png" no-folder/out.png
    refuse '3 dimensions' -k sharpen --size 8x8x8
    unset status
    for option in --help --usage --version --list; do
        check "advise $option" advise $option
        says '^(Usage: advise |advise \(nfold\)|Kernels;)'
    done
    ;;
cache)
    check 'the first time' advise -k sumsq --size 64x64
    says 'measured now.*, kept in .*/cache/nfold/machine-[0-9a-f]*\.json'
    equal 'a file' "$(kept | wc -w)" 1
    check 'is JSON' python3 -m json.tool "$(kept)"
    cp "$(kept)" first.json
    check 'the second time' advise -k sumsq --size 64x64
    says 'numbers: from .*/cache/nfold/machine-'
    same 'it is used, not written' first.json "$(kept)"
    # Numbers that are there are believed: a start of 1000 s.
    sed -i 's/"process": [0-9.e-]*/"process": 1000.0/' "$(kept)"
    check 'what stands there' advise --json -k sumsq --size 64x64
    equal 'is used' "$(value "a['choices'][0]['start']")" 1000.0
    ;;
damaged | again | busy | unwritable)
    export XDG_CACHE_HOME=$folder/cache
    mkdir -p cache/nfold
    cp "$programs"/advise-tests/nfold/machine-*.json cache/nfold/ 2>/dev/null || advise -k sumsq --size 64x64 >out.txt 2>err.txt
    ;;&
damaged)
    for file in cache/nfold/*; do head -c 100 "$file" >part && mv part "$file"; done
    before=$(ls cache/nfold | wc -l)
    check 'a damaged file' advise -k sumsq --size 64x64
    says 'measured now \(the file there was damaged\).*, kept in'
    file=$(grep -o '/[^ ]*/machine-[0-9a-f]*.json' out.txt)
    equal 'is replaced' "$(python3 -c "import json; print(json.load(open('$file'))['format'])")" 2
    equal 'and nothing else left' "$(ls -A cache/nfold | wc -l)" "$before"
    ;;
again)
    sed -i 's/"process": [0-9.e-]*/"process": 1000.0/' cache/nfold/machine-*.json
    check 'recalibrate' advise --recalibrate --json -k sumsq --size 64x64
    equal 'measures anew' "$(value "a['choices'][0]['start'] < 100")" True
    file=$(value "a['machine']['origin'].split(' kept in ')[1]")
    equal 'and keeps it' "$(grep -c '"process": 1000.0' "$file")" 0
    ;;
busy)
    check 'to have the numbers' advise -k sumsq --size 64x64
    # Those of a busy machine are told to be, and measured again after a while.
    sed -i 's/"load": [0-9.e-]*/"load": 1000.0/' cache/nfold/machine-*.json
    check 'of a busy machine' advise -k sumsq --size 64x64
    says 'from .*, of a busy machine \(others took 1000\.0 of its [0-9]+ cores\)'
    check 'and in JSON' advise --json -k sumsq --size 64x64
    equal 'as well' "$(value "a['machine']['busy'], a['machine']['load']")" '(True, 1000.0)'
    touch -d '1 hour ago' cache/nfold/machine-*.json
    check 'later' advise --json -k sumsq --size 64x64
    equal 'again' "$(value "a['machine']['load'] < 1000, 'those there were of a busy' in a['machine']['origin']")" '(True, True)'
    sed -i 's/"load": [0-9.e-]*/"load": 0.0/' cache/nfold/machine-*.json
    touch -d '1 hour ago' cache/nfold/machine-*.json
    check 'of a quiet one' advise --json -k sumsq --size 64x64
    equal 'is kept' "$(value "a['machine']['busy'], a['machine']['origin'][:4]")" "(False, 'from')"
    ;;
unwritable)
    XDG_CACHE_HOME=/dev/null/none check 'a folder that cannot be' advise -k sumsq --size 64x64
    says 'measured now.*; /dev/null/none/nfold/machine-.*is not kept'
    ;;
places)
    check 'to have the numbers' advise -k sumsq --size 64x64
    # Rank 0 speaks, once, of the whole node.
    check 'under mpirun' timeout 60 "$mpiexec" -n 2 "$programs/advise" -q --json -k sobel --size 600x600
    equal 'speaks once' "$(wc -l <out.txt)" 1
    equal 'of all cores' "$(value "a['limits']['cores']")" "$(nproc)"
    equal 'with ranks' "$(value "any(c['ranks'] > 1 for c in a['choices'])")" "$([ "$(nproc)" -gt 1 ] && echo True || echo False)"
    checks=$((checks + 1))
    timeout 60 "$mpiexec" -n 2 "$programs/advise" -q -k sobell --size 10x10 >out.txt 2>err.txt
    equal 'its exit status' $? 2
    equal 'complains once' "$(grep -c '^advise: ' err.txt)" 1
    # One processor.
    check 'one processor' taskset -c 0 timeout 60 "$programs/advise" -q --json -k sobel --size 2000x2000
    equal 'serial' "$(value "a['choice']['way'], len(a['choices']), a['limits']['cores']")" "('serial', 1, 1)"
    [ "$(nproc)" -eq 1 ] || equal 'and why' "$(value "'affinity mask allows 1 of' in a['reasons'][0]['text']")" True
    ;;
nowhere) # an mpirun that does not run
    mkdir bin cache
    printf '#!/bin/sh\nprintf -- "-----\\n\\nno leave to run\\nmore\\n" >&2\nexit 1\n' >bin/mpirun
    chmod +x bin/mpirun
    export XDG_CACHE_HOME=$folder/cache PATH=$folder/bin:$PATH
    check 'without mpirun' advise --json -k nlm:search=9 --size 600x600
    equal 'no ranks' "$(value "all(c['ranks'] == 1 for c in a['choices']), a['limits']['mpirun']")" '(True, False)'
    [ "$(nproc)" -eq 1 ] || equal 'threads' "$(value "a['choice']['way']")" threads
    [ "$(nproc)" -eq 1 ] || equal 'and says so' "$(value "any('mpirun does not run' in r['text'] for r in a['reasons'])")" True
    # It is told always, and not kept: with an mpirun that runs there are ranks.
    check 'a short run' advise -k nlm:search=9 --size 64x64
    [ "$(nproc)" -eq 1 ] || says 'mpirun does not run [0-9]+ ranks here, so they are left out: no leave to run$'
    rm bin/mpirun
    hash -r
    check 'later' advise --json -k sumsq --size 64x64
    [ "$(nproc)" -eq 1 ] || equal 'ranks again' "$(value "any(c['ranks'] > 1 for c in a['choices']), a['limits']['mpirun']")" '(True, True)'
    ;;
ended) # by a signal: neither what it has started nor a file that it tries is left
    await() { # await CONDITION: up to 10 s
        for _ in $(seq 200); do
            eval "$1" && return 0
            sleep 0.05
        done
        return 1
    }
    running() { ps -eo args | grep -q -- "[-]-probe chain .*$1"; }
    # The processes that measure, held up: they do not come to their end by themselves.
    measuring() { ps -eo pid,args | sed -n "s/^ *\([0-9]*\) [^ ]*advise --probe chain .*$1$/\1/p"; }
    check 'to have the numbers' advise -k sumsq --size 64x64
    size=$$x4001
    "$programs/advise" -q -k nlm:search=31 --size $size >out.txt 2>err.txt &
    checks=$((checks + 2))
    await "[ -n \"\$(measuring $size)\" ]" || fail 'nothing was measured'
    held=$(measuring $size)
    kill -s STOP $held
    kill -s KILL $!
    wait $! 2>/dev/null
    await "! running $size" || fail 'its processes go on'
    kill -s KILL $held 2>/dev/null
    check 'an image' filter -q -k resize:width=3000,height=3000 /usr/share/xplanet/images/earth.jpg large.tif
    "$programs/advise" -q -k invert large.tif $$.png >out.txt 2>err.txt &
    checks=$((checks + 2))
    await "ls -A | grep -q '^\.\?advise-'" || fail 'nothing was written'
    held=$(measuring $$.png)
    kill -s STOP $held
    kill -s TERM $!
    wait $! 2>/dev/null
    await "! ls -A | grep -q '^\.\?advise-'" || fail "a file is left: $(ls -A)"
    kill -s KILL $held 2>/dev/null
    ;;
large) # what cannot go through memory in bands, nor into it
    check 'to have the numbers' advise -k sumsq --size 64x64
    check 'too large' advise --json -k label --size 600000000x4000
    equal 'is told' "$(value "a['choice'], a['alone'], a['command'], a['sbatch'], 'cannot be run here' in a['advice']")" \
        '(None, None, None, None, True)'
    ;;
slurm) # an allocation of two nodes, by its environment: nodes are predicted
    check 'to have the numbers' advise -k sumsq --size 64x64
    SLURM_NNODES=3 check 'three nodes' advise --json -k nlm --size 8000x8000
    if [ "$(value "a['limits']['mpirun']")" = True ]; then
        equal 'nodes' "$(value "a['limits']['nodes'], max(c['nodes'] for c in a['choices'])")" '(3, 3)'
        equal 'they pay' "$(value "a['choice']['nodes']")" 3
        equal 'in the line' "$(value "'--map-by ppr:' in a['command'] and '--nodes=3' in a['sbatch']")" True
    fi
    SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=1 check 'one processor' advise --json -k nlm --size 8000x8000
    equal 'is kept to' "$(value "a['limits']['cores'], a['choice']['way']")" "(1, 'serial')"
    ;;
threads)
    explained() { # explained PROGRAM ARGUMENTS...: its line about threads, in out.txt
        XDG_CACHE_HOME=$folder/cache "$@" 2>&1 >/dev/null | grep '^threads:' >out.txt
    }
    cores=$(nproc)
    check 'images' filter -q -k resize:width=20,height=20 /usr/share/xplanet/images/earth.jpg tiny.png
    check 'images' filter -q -k resize:width=900,height=900 /usr/share/xplanet/images/earth.jpg large.png
    check 'tiny' explained filter -q --explain -k sobel tiny.png one.h5:/a
    if [ "$cores" -eq 1 ]; then says '^threads: 1, as there are no cores for more'
    else says "^threads: 1 of $cores: the work takes one thread [0-9.]+ .+s, starting two takes [0-9.]+ .+s, by nominal numbers"; fi
    check 'large' explained filter -q --explain -k nlm:search=9 large.png large.h5:/a
    [ "$cores" -eq 1 ] || says "^threads: $cores of $cores: .*these"
    check 'as told' explained filter -q --explain -t 3 -k sobel tiny.png three.h5:/a
    says '^threads: 3, as -t says'
    OMP_NUM_THREADS=2 check 'by the environment' explained reduce -q --explain -k sumsq tiny.png
    says '^threads: 2, as OMP_NUM_THREADS says'
    # Not all ranks have the same environment: mpirun hands none on to other nodes.
    mixed() { # mixed OUTPUT PROGRAM ARGUMENTS...: by two ranks, one of which is told its threads
        local output=$1
        shift
        timeout 60 "$mpiexec" -n 1 env OMP_NUM_THREADS=2 "$@" large.png "$output" : -n 1 "$@" large.png "$output"
    }
    check 'one rank was told' mixed mixed.h5:/a filter -q -k heat:steps=40
    check 'the same by one' filter -q -t 1 -k heat:steps=40 large.png alone.h5:/a
    equal 'the bits of one' "$(checksum mixed.h5:/a)" "$(checksum alone.h5:/a)"
    check 'a short range' explained reduce -q --explain -k sumsq_range:n=100
    says '^threads: 1'
    check 'a long one' explained reduce -q --explain -k sumsq_range:n=1e9
    says "^threads: $cores"
    equal 'the same bits' "$(checksum one.h5:/a)" "$(checksum three.h5:/a)"
    # What advise has kept is used: a machine on which teams start at once, or never.
    XDG_CACHE_HOME=$folder/cache check 'to have numbers' advise -k sumsq --size 64x64
    file=$(echo cache/nfold/machine-*.json)
    sed -i 's/"load": [0-9.e-]*/"load": 0.0/' "$file"
    cp "$file" sound.json
    sed -i 's/"first_team": [0-9.e-]*/"first_team": 1000.0/' "$file"
    check 'kept numbers' explained filter -q --explain -k nlm:search=9 large.png large.h5:/a
    [ "$cores" -eq 1 ] || says "^threads: 1 of $cores: .*starting two takes .*by $folder/$file$"
    # One on which two compute no faster than one, as it was measured beside other work.
    python3 -c "import json, sys
m = json.load(open('sound.json'))
for w in m['workers']: w['flops'], w['read'] = 1e11, 1e10
m['load'] = 1.5
json.dump(m, open('$file', 'w'))"
    check 'a noisy machine' explained reduce -q --explain -k sumsq_range:n=1e9
    [ "$cores" -eq 1 ] ||
        says "^threads: 1 of $cores: .*two compute only 1\.0 times as fast, by $folder/$file, measured on a busy machine"
    echo spoilt >"$(echo cache/nfold/machine-*.json)"
    check 'damaged numbers' explained filter -q --explain -k sobel tiny.png one.h5:/a
    [ "$cores" -eq 1 ] || says 'by nominal numbers'
    # One file by one thread, whatever the cores: the log tells no other.
    check 'batch' batch -q -k sobel -o out tiny.png large.png
    check 'its outputs' filter -q -t 1 -k sobel tiny.png single.png
    same 'the same file' single.png out/tiny.png
    ;;
esac

echo "$checks checks, $failures failures"
exit $((failures > 0))
