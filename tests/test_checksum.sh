#!/usr/bin/env bash
# test_checksum.sh PROGRAMS MPIEXEC - filter --checksum and reduce -k checksum: the same number
# however the output was written; a cell that has changed is found.
set -u
programs=$1 mpiexec=$2
. "$(dirname "$0")/faults.sh"
require openssl pnmtopng od /usr/bin/python3
/usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo 'skipped: no h5py'; exit 77; }
own_folder
noise 300 401 | pnmtopng >image.png 2>/dev/null
/usr/bin/python3 - <<'END'
import h5py, numpy
with h5py.File('in.h5', 'w') as f:
    f['v'] = (numpy.arange(7 * 150 * 90).reshape(7, 150, 90) * 2654435761 % 65536).astype('u2')
    f['line'] = numpy.arange(100003) / 7.0
END

run() { # run RANKS PROGRAM ARGUMENTS...
    (launch "$@") >out.txt 2>err.txt
}

check() { # check WHAT RANKS PROGRAM ARGUMENTS...
    local what=$1
    shift
    checks=$((checks + 1))
    run "$@" || { fail "$what"; cat err.txt; }
}

matches() { # matches FILE RANKS ARGUMENTS...: its checksum is that of its cells
    local file=$1 ranks=$2
    shift 2
    check "reduce $* $file, $ranks ranks" "$ranks" reduce "$@" -k checksum "$file"
    verify "$file, $*: is not said to match" grep -qF "reduce: $file: matches its nfold_checksum" err.txt
}

refuses() { # refuses WORDS PROGRAM ARGUMENTS...
    local words=$1
    shift
    checks=$((checks + 1))
    run 0 "$@" && fail "$* succeeds"
    grep -q "$words" err.txt || { fail "$* does not say '$words'"; cat err.txt; }
}

spoil() { # spoil FILE BYTE: one bit of it
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# OUTPUT | INPUT | arguments
while IFS='|' read -r output input arguments; do
    output=${output// /} file=${output%%:*} item=
    [[ $arguments != *stack* ]] || item=[-1]
    for way in '0 ' '3 ' '2 --memory 64M'; do
        ranks=${way%% *} how=${way#* }
        rm -f "$file"
        check "$output $arguments, $way" $ranks filter -q -t 2 $how --checksum $arguments $input "$output"
        matches "$output$item" 0 $how
        sed 's/^.*: *//' out.txt >"sum$ranks"
        verify "$output $arguments, $way: another number" cmp -s "sum$ranks" sum0
    done
    [[ $output != *d.h5* ]] || matches "$output$item" 3 --memory 64M
done <<'END'
plain.h5:/x    | image.png  | -k cast:to=f64
chunked.h5:/x  | in.h5:/v   | --chunk 3x40x90 -k invert
small.h5:/x    | image.png  | --compress deflate --fletcher32 -k sobel
line.h5:/x     | in.h5:/line| --compress zstd -k cast:to=f32
stack.h5:/x    | in.h5:/v   | --stack -k invert
many.h5:/x     | in.h5:/v   | --stack --compress deflate -k invert
out.png        | image.png  | -k sobel
page.tif       | image.png  | -k sobel
volume.tif     | in.h5:/v   | -k invert
deflated.tif   | in.h5:/v   | --compress deflate -k invert
END
for item in 0 3 6; do # each by itself, and none of all together
    matches "stack.h5:/x[$item]" 0
done
check 'a whole stack' 0 reduce -k checksum stack.h5:/x
verify 'a whole stack has no checksum' eval '! grep -q nfold_checksum err.txt'
check 'a page of several' 0 reduce -k checksum volume.tif:/1
verify 'a page has no checksum' eval '! grep -q nfold_checksum err.txt'
check 'a plane of a volume' 0 filter --checksum -k invert in.h5:/v plain.h5:/v
check 'a plane of a volume' 0 reduce -k checksum 'plain.h5:/v[2]'
verify 'a plane has no checksum' eval '! grep -q nfold_checksum err.txt'
check 'no checksum is asked for' 0 reduce -k checksum image.png
verify 'a checksum out of nowhere' eval '! grep -q nfold_checksum err.txt'
check 'attributes are kept without it' 0 filter plain.h5:/x kept.h5:/x
check 'attributes are kept without it' 0 reduce -k checksum kept.h5:/x
verify 'a checksum that was kept' eval '! grep -q nfold_checksum err.txt'

for file in plain.h5:/x volume.tif stack.h5:/x[6]; do
    spoil "${file%%:*}" 170000
    words=${file/[/\\[}
    refuses "$words: its checksum is .* its nfold_checksum says" reduce -k checksum "$file"
    words=${file/[/\\[}
    refuses "$words: its checksum is .* its nfold_checksum says" reduce --memory 64M -k checksum "$file"
done
for suffix in jpg npy raw ppm; do
    refuses "new.$suffix: --checksum: .* cannot keep" filter --checksum -k sobel image.png new.$suffix
done
refuses 'not those that were computed' filter --checksum --store f32 -k cast:to=f64 image.png new.h5
finish "$checks checks"
