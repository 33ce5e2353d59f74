#!/usr/bin/env bash
# test_storage.sh PROGRAMS MPIEXEC - how filter stores arrays in HDF5, reread by HDF5's own tools and by h5py; and
# what h5py stores, read by nfold. Skipped (77) without h5py.
set -u
. "$(dirname "$0")/checks.sh"
programs=$1 mpiexec=$2
filter=$programs/filter reduce=$programs/reduce

python=
for candidate in /usr/bin/python3 python3; do
    if $candidate -c 'import h5py, numpy' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ] || ! command -v h5dump >/dev/null; then
    echo "skipped: no h5py, or no h5dump"
    exit 77
fi

own_folder

# run COMMAND...: it must succeed.
run() {
    "$@" >out 2>&1 || fail "$* : $(cat out)"
}

# refused WORDS COMMAND...: status 2, and a message with these words.
refused() {
    local words=$1 rc=0
    shift
    "$@" >out 2>&1 || rc=$?
    [ $rc -eq 2 ] || fail "$* returned $rc, not 2: $(cat out)"
    grep -qF -- "$words" out || fail "$* does not say '$words': $(cat out)"
}

# has WORDS FILE: h5dump's header of /data has these words.
has() {
    h5dump -p -H -d /data "$2" | tr -s ' \n' ' ' | grep -qF -- "$1" || fail "$2 has not '$1'"
}

# alike FILE DATASET FILE DATASET: to be compared in the end, by h5py.
alike() {
    echo "$@" >>pairs
}

# ---- what h5py stores ----
$python - <<'PYTHON' || fail "h5py cannot write"
import h5py, numpy as np
rng = np.random.default_rng(1)
y, x = np.mgrid[0:301, 0:433]
smooth = (100 * np.sin(x / 40) * np.cos(y / 30) + rng.random((301, 433))).astype('f4')
colours = rng.integers(0, 9, (120, 77, 3), dtype='u1')
volume = np.arange(20 * 31 * 43, dtype='>i2').reshape(20, 31, 43)
with h5py.File('theirs.h5', 'w') as f:
    f.create_dataset('contiguous', data=smooth)
    f.create_dataset('lzf', data=smooth, chunks=(64, 100), compression='lzf', shuffle=True)
    f.create_dataset('gzip', data=smooth, chunks=(301, 17), compression='gzip', fletcher32=True)
    f.create_dataset('shuffle', data=smooth, chunks=(10, 433), shuffle=True)
    f.create_dataset('plain', data=smooth, chunks=(33, 44))
    f.create_dataset('scaleoffset', data=volume, chunks=(5, 31, 9), scaleoffset=0)
    f.create_dataset('colours', data=colours, chunks=(50, 50, 3), compression='lzf')
    f.create_dataset('split', data=colours, chunks=(50, 50, 1), compression='gzip')
    f.create_dataset('volume', data=volume, chunks=(3, 8, 43), compression='gzip')
    f.create_dataset('stack', data=rng.random((2, 3, 20, 31, 43)).astype('f8'),
                     chunks=(1, 1, 7, 31, 20), compression='gzip')
    holes = f.create_dataset('holes', (301, 433), 'f4', chunks=(64, 64), fillvalue=2.5,
                             compression='gzip')
    holes[70:80, 200:300] = 1
    grown = f.create_dataset('grown', (10, 10), 'u2', chunks=(16, 16), maxshape=(None, None))
    grown[...] = 7
    grown.resize((40, 50))
    grown[30:, 45:] = 9
PYTHON
datasets="contiguous lzf gzip shuffle plain scaleoffset colours split volume holes grown stack[1,2] stack[0,1]"
for name in $datasets; do
    run $filter -q -t 2 "theirs.h5:/$name" "ours-$name.h5:/data"
done
$python - $datasets <<'PYTHON' || fail "values differ"
import h5py, re, sys
with h5py.File('theirs.h5') as f:
    for name in sys.argv[1:]:
        dataset, *index = re.findall(r'\w+', name)
        theirs = f[dataset][tuple(map(int, index)) or ...]
        ours = h5py.File(f'ours-{name}.h5')['data'][...]
        assert ours.shape == theirs.shape and (ours == theirs).all(), name
PYTHON

# ---- what nfold stores ----
export HDF5_PLUGIN_PATH
for plugins in /usr/lib/*/hdf5/serial/plugins; do
    HDF5_PLUGIN_PATH=$plugins
done
run $filter -q theirs.h5:/contiguous plain.h5
for how in none deflate:1 deflate:9 lz4; do
    run timeout 60 "$mpiexec" -n 3 $filter -q -t 2 --compress $how --chunk 50x64 --fletcher32 \
        theirs.h5:/contiguous $how.h5
    has 'CHUNKED ( 50, 64 )' $how.h5
    has 'CHECKSUM FLETCHER32' $how.h5
    if [ $how = lz4 ] && [ ! -e "$HDF5_PLUGIN_PATH/libh5lz4.so" ]; then
        continue
    fi
    run h5diff plain.h5 $how.h5 /data /data
    run h5repack -f NONE $how.h5 repacked-$how.h5
    alike plain.h5 data repacked-$how.h5 data
done
has 'PREPROCESSING SHUFFLE' deflate:1.h5
has 'COMPRESSION DEFLATE { LEVEL 9 }' deflate:9.h5
has 'FILTER_ID 32004' lz4.h5
run $filter -q --compress zstd:5 theirs.h5:/contiguous zstd.h5
has 'FILTER_ID 32015' zstd.h5
has 'PARAMS { 5 }' zstd.h5
run $filter zstd.h5: # without a plugin, too: nfold decodes it itself
grep -q ', zstandard$' out || fail "zstd is listed as $(cat out)"
run $filter -q zstd.h5 back.h5
alike plain.h5 data back.h5 data
run $filter -q --compress deflate --shuffle off theirs.h5:/contiguous off.h5
h5dump -p -H off.h5 | grep -q SHUFFLE && fail "shuffled although it is off"
run $filter -q --compress deflate theirs.h5:/colours bytes.h5
h5dump -p -H bytes.h5 | grep -q SHUFFLE && fail "single bytes are shuffled"
run $filter -q --chunk auto theirs.h5:/contiguous auto.h5
has 'CHUNKED ( 301, 433 )' auto.h5
run h5diff plain.h5 auto.h5 /data /data
run $filter -q --store i16 --compress deflate --chunk 100x100 theirs.h5:/contiguous i16.h5
run $filter -q --store i16 theirs.h5:/contiguous i16plain.h5
run h5diff i16plain.h5 i16.h5 /data /data
run $filter -q --stack=2 --compress deflate --chunk 7x8x9 theirs.h5:/stack stack.h5
alike theirs.h5 stack stack.h5 data
run cp plain.h5 several.h5
run $filter -q --compress deflate theirs.h5:/volume several.h5:/more/volume
run h5diff plain.h5 several.h5 /data /data
alike theirs.h5 volume several.h5 more/volume
run cp several.h5 replaced.h5
run $filter -q --compress deflate theirs.h5:/contiguous replaced.h5:/more/volume
alike plain.h5 data replaced.h5 more/volume
alike plain.h5 data replaced.h5 data

$python - <<'PYTHON' || fail "values differ"
import h5py
for line in open('pairs'):
    one, its, other, others = line.split()
    a, b = h5py.File(one)[its][...], h5py.File(other)[others][...]
    assert a.shape == b.shape and (a == b).all(), line
PYTHON

# ---- a damaged chunk is named ----
$python - <<'PYTHON' || fail "the chunk cannot be damaged"
import h5py
with h5py.File('deflate:1.h5') as f:
    info = f['data'].id.get_chunk_info_by_coord((100, 128))
with open('deflate:1.h5', 'r+b') as f:
    f.seek(info.byte_offset + info.size // 2)
    byte = f.read(1)
    f.seek(-1, 1)
    f.write(bytes([byte[0] ^ 4]))
print(info.byte_offset, file=open('offset', 'w'))
PYTHON
$reduce -q -k sum deflate:1.h5 >out 2>&1 && fail "the damaged chunk is taken"
grep -q "deflate:1.h5:/data: chunk 2,2 at byte $(cat offset): its fletcher32" out || fail "said: $(cat out)"

# ---- what makes no sense ----
refused '--compress gzip: expected none, deflate:1' $filter --compress gzip plain.h5 no.h5
refused 'the level of deflate is a number from 1 to 9' $filter --compress deflate:0 plain.h5 no.h5
refused 'the level of zstd is a number from 1 to 19' $filter --compress zstd:20 plain.h5 no.h5
refused 'lz4 has no levels' $filter --compress lz4:1 plain.h5 no.h5
refused '--chunk 0x4: expected auto' $filter --chunk 0x4 plain.h5 no.h5
refused 'the chunk has three extents where the array has 2' $filter --chunk 1x2x3 plain.h5 no.h5
refused 'a PNG file has no choice of compression' $filter --compress deflate theirs.h5:/colours no.png
refused '--shuffle maybe: expected on or off' $filter --shuffle maybe plain.h5 no.h5
refused 'add --compress' $filter --shuffle on plain.h5 no.h5
[ -e no.h5 ] && fail "an output was made"

finish "storage: all is as it should be"
