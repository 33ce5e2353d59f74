#!/usr/bin/env bash
# test_hdf5.sh PROGRAMS MPIEXEC arrays|conventions - filter and reduce beside h5py, h5dump and ncdump (Debian: python3-h5py hdf5-tools
# netcdf-bin): what they write is read, what is written they read.
set -u
programs=$1 mpiexec=$2 part=$3
python=/usr/bin/python3
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: no h5py for $python"; exit 77; }
. "$(dirname "$0")/checks.sh"
own_folder

run() { # run RANKS PROGRAM ARGUMENTS...; 0: without mpirun
    local ranks=$1 program=$2
    shift 2
    if [ "$ranks" -eq 0 ]; then
        timeout 60 "$programs/$program" "$@"
    else
        timeout 60 "$mpiexec" -n "$ranks" "$programs/$program" -t 1 "$@"
    fi
}

says() { # says PATTERN FILE
    checks=$((checks + 1))
    grep -q -- "$1" "$2" || { fail "no word of '$1'"; cat "$2"; }
}

refuse() { # refuse PATTERN PROGRAM ARGUMENTS...
    local pattern=$1
    checks=$((checks + 1))
    shift
    run 0 "$@" >out.txt 2>err.txt && fail "$*: is taken"
    says "$pattern" err.txt
}

py() { # py WHAT CODE: the assertions hold
    checks=$((checks + 1))
    "$python" -c "import h5py, numpy as np
$2" >out.txt 2>&1 || { fail "$1"; cat out.txt; }
}

# ---- files of h5py --------------------------------------------------------------------------------------------
py "files" '
f = h5py.File("in.h5", "w")
a = (np.arange(4 * 33 * 47).reshape(4, 33, 47) * 7) % 1000 - 300
f["movie"] = a.astype(">i2")
f.create_dataset("packed", data=a.astype("i2"), chunks=(1, 8, 8), compression="gzip", shuffle=True, fletcher32=True)
f["movie"].attrs["units"] = "K"
f["movie"].attrs["tags"] = ["a", "bcd"]
f["mask"] = a[0] % 3 == 0
f["half"] = (a[0] / 8).astype("f2")
f["clips"] = np.arange(2 * 3 * 4 * 5 * 6, dtype="u1").reshape(2, 3, 4, 5, 6)
f["text"] = "words"
f["wide"] = np.arange(9)
n = h5py.File("sst.nc", "w")
for name, x in dict(time=np.arange(4.) * 6, lat=np.linspace(-80, 80, 33), lon=np.linspace(0, 92, 47)).items():
    n.create_dataset(name, data=x, maxshape=(None if name == "time" else len(x),), chunks=(len(x),))
    n[name].make_scale(name)
s = n.create_dataset("sst", data=a.astype("i2"), maxshape=(None, 33, 47), chunks=(1, 33, 47), compression="gzip")
s.attrs.update(units="degC", scale_factor=np.float32(0.01), add_offset=np.float32(20), _FillValue=np.int16(-300))
for i, name in enumerate(("time", "lat", "lon")): s.dims[i].attach_scale(n[name])
x = h5py.File("scan.nxs", "w")
x.attrs["default"] = "entry"; e = x.create_group("entry"); e.attrs.update(NX_class="NXentry", default="counts")
d = e.create_group("counts"); d.attrs.update(NX_class="NXdata", signal="c", axes=["q", "."])
d["q"] = np.arange(33) * 0.5; d["c"] = a[1].astype("f8"); d["more"] = a[2].astype("f4")
'

arrays() {
# ---- lists ----------------------------------------------------------------------------------------------------
check "filter FILE:" run 0 filter in.h5:
says '/movie  *4x33x47 int16  *contiguous' out.txt
says '/packed  *4x33x47 int16  *chunks 1x8x8, shuffle, deflate, fletcher32' out.txt
says '/wide .*not taken: .*64 bits' out.txt
says '/clips .*a stack' out.txt
check "reduce FILE: by ranks" run 3 reduce sst.nc:
says '/lat  *33 float64 .*a dimension scale' out.txt
says 'where none is named: /sst$' out.txt
checks=$((checks + 1))
[ "$(grep -c '/sst ' out.txt)" -eq 1 ] || fail "the list is printed more than once"
check "filter FILE: of NeXus" run 0 filter scan.nxs:
says 'none is named: /entry/counts/c, by the NeXus' out.txt
refuse 'an INPUT and an OUTPUT' filter in.h5
refuse 'at least one -k' reduce in.h5

# ---- items and stacks -------------------------------------------------------------------------------------------
for ranks in 0 3; do
    check "a stack" run $ranks filter -k sobel --stack in.h5:/movie out.h5:/all
    check "items" run $ranks filter -k sobel 'in.h5:/packed[-1]' out.h5:/last
    check "a volume as a stack of one more" run $ranks filter -k 'gaussian:sigma=1' --stack=2 in.h5:/clips out.h5:/clips
    check "a clip's plane" run $ranks filter -k 'gaussian:sigma=1' 'in.h5:/clips[1,2]' out.h5:/clip
    py "stacks, $ranks ranks" '
f = h5py.File("out.h5"); i = h5py.File("in.h5")
assert f["all"].shape == (4, 33, 47) and f["all"].dtype == "<f4" and f["clips"].shape == (2, 3, 4, 5, 6)
assert (f["all"][3] == f["last"][:]).all() and (f["clips"][1, 2] == f["clip"][:]).all()
a = i["movie"][0].astype("f4"); p = np.pad(a, 1, mode="symmetric")
gx = (p[:-2, 2:] + 2 * p[1:-1, 2:] + p[2:, 2:]) - (p[:-2, :-2] + 2 * p[1:-1, :-2] + p[2:, :-2])
gy = (p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:]) - (p[:-2, :-2] + 2 * p[:-2, 1:-1] + p[:-2, 2:])
assert np.allclose(f["all"][0], np.hypot(gx, gy), rtol=1e-5), (f["all"][0] - np.hypot(gx, gy))
assert f["all"].attrs["units"] == "K" and list(f["all"].attrs["tags"]) == ["a", "bcd"]
'
    mv out.h5 out$ranks.h5
done
checks=$((checks + 1))
cmp out0.h5 out3.h5 || fail "stacks differ by the number of ranks"
refuse 'a scalar' filter --stack in.h5:/text x.h5
refuse 'filter --stack' filter in.h5:/clips x.h5

# ---- types ------------------------------------------------------------------------------------------------------
for type in i8 u32 f16; do
    check "--store $type" run 2 filter --store $type 'in.h5:/movie[0]' store.h5:/$type
done
check "booleans" run 0 filter in.h5:/mask store.h5:/mask
check "halves" run 0 filter --store f16 in.h5:/half store.h5:/half
py "--store" '
f = h5py.File("store.h5"); i = h5py.File("in.h5"); a = i["movie"][0]
for t, n in dict(i8="i1", u32="u4").items():
    assert f[t].dtype == n and (f[t][:] == np.clip(a, np.iinfo(n).min, np.iinfo(n).max)).all(), t
for t, n in dict(f16="f2").items(): assert f[t].dtype == n and (f[t][:] == a.astype(n)).all(), t
assert f["mask"].dtype == "u1" and (f["mask"][:] == i["mask"][:]).all() and (f["half"][:] == i["half"][:]).all()
'
refuse 'not as i16' filter -k 'cast:to=u8' --store i16 'in.h5:/movie[0]' x.png
refuse 'expected one of u8' filter --store i64 in.h5:/movie x.h5
refuse 'integers of 64 bits' filter in.h5:/wide x.h5

# ---- filters of others --------------------------------------------------------------------------------------------
"$python" - <<'END' >made.txt 2>/dev/null
import h5py, numpy as np, os
a = np.arange(64 * 64, dtype="u2").reshape(64, 64)
h5py.h5pl.append(b"/usr/lib/x86_64-linux-gnu/hdf5/serial/plugins")
for name, id, options in (("szip", "szip", None), ("lzf", "lzf", None), ("lz4", 32004, (0,)), ("bzip2", 307, (5,)),
                          ("blosc", 32001, (0, 0, 0, 0, 5, 1, 1)), ("bitshuffle", 32008, (0, 2))):
    try:
        with h5py.File(name + ".h5", "w") as f:
            f.create_dataset("x", data=a, chunks=(16, 64), compression=id, compression_opts=options)
        print(name)
    except Exception:
        os.remove(name + ".h5")
END
"$python" -c 'import h5py, numpy as np; h5py.File("plain.h5", "w")["x"] = np.arange(64 * 64, dtype="u2").reshape(64, 64)'
plain=$(run 0 reduce -q -k checksum plain.h5 | tail -1)
while read -r name; do
    checks=$((checks + 1))
    got=$(run 0 reduce -q -k checksum $name.h5 2>err.txt | tail -1)
    [ "$got" = "$plain" ] || { fail "$name"; cat err.txt; }
done <made.txt
echo "filters read: $(tr '\n' ' ' <made.txt)"
cat >unknown.py <<'END'
import h5py, numpy as np
f = h5py.File("unknown.h5", "w")
p = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
p.set_chunk((8, 8))
p.set_filter(31999, h5py.h5z.FLAG_OPTIONAL, ())
h5py.h5d.create(f.id, b"x", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple((8, 8)), p)
END
check "an unknown filter" "$python" unknown.py
refuse '31999 (unknown to nfold), whose plugin is not found.*HDF5_PLUGIN_PATH' reduce -k sum unknown.h5

# ---- hints --------------------------------------------------------------------------------------------------------
check "--hint" run 2 filter --hint alignment=1M --hint libver=latest in.h5:/half hint.h5
refuse 'alignment=BYTES, meta_block=BYTES, page=BYTES, libver=earliest' filter --hint cb_nodes=4 in.h5:/half x.h5
}

conventions() {
# ---- netCDF -----------------------------------------------------------------------------------------------------
for ranks in 0 3; do
    check "conventions" run $ranks filter 'sst.nc:[cf]' cf$ranks.nc:/sst
    check "conventions, an item" run $ranks filter 'sst.nc:/sst[2,cf]' cf$ranks.nc:/two
done
py "conventions" '
f = h5py.File("cf3.nc"); a = h5py.File("sst.nc")["sst"][:]; s = f["sst"]
e = np.where(a == -300, np.nan, (a.astype("f8") * np.float64(np.float32(0.01)) + 20)).astype("f4")
assert s.dtype == "f4" and np.array_equal(s[:], e, equal_nan=True) and np.array_equal(f["two"][:], e[2], equal_nan=True)
assert "scale_factor" not in s.attrs and s.attrs["units"] == "degC" and [d.keys()[0] for d in s.dims] == ["time", "lat", "lon"]
assert (f["lat"][:] == np.linspace(-80, 80, 33)).all() and [d.keys()[0] for d in f["two"].dims] == ["lat", "lon"]
'
check "what is left" run 0 filter -k flip sst.nc flipped.h5
says 'not kept of what belongs to it: _FillValue, add_offset, scale_factor, time, lat, lon' err.txt
if command -v ncdump >/dev/null; then
    check "ncdump" ncdump -h cf3.nc
    says 'float sst(time, lat, lon)' out.txt
    says 'float two(lat, lon)' out.txt
    says 'double lat(lat)' out.txt
fi
real=/usr/share/gmt-gshhg/binned_GSHHS_l.nc
if [ -r $real ]; then
    name=Relative_longitude_from_SW_corner_of_bin
    check "a real netCDF file" run 2 filter --store i16 $real:/$name real.h5
    py "a real netCDF file" "
assert (h5py.File('real.h5')['data'][:] == h5py.File('$real')['$name'][:]).all()"
fi

# ---- NeXus and images -------------------------------------------------------------------------------------------
check "NeXus" run 2 filter -k 'gaussian:sigma=1' --nexus scan.nxs smooth.nxs
check "NeXus again" run 0 filter --nexus smooth.nxs again.nxs:/scan/images/x
py "NeXus" '
for file, path in (("smooth.nxs", "entry/data/data"), ("again.nxs", "scan/images/x")):
    f = h5py.File(file); g = f
    assert f.attrs["NX_class"] in (b"NXroot", "NXroot")
    text = lambda x: x.decode() if isinstance(x, bytes) else x
    for c in ("NXentry", "NXdata"): g = g[text(g.attrs["default"])]; assert text(g.attrs["NX_class"]) == c
    s = g[text(g.attrs["signal"])]
    assert s.name == "/" + path and s.shape == (33, 47) and list(g.attrs["axes"]) == ["q", "."] and g.attrs["q_indices"] == 0
    assert (g["q"][:] == np.arange(33) * 0.5).all() and text(s.attrs["interpretation"]) == "image"
'
check "an image" run 0 filter -k 'cast:to=u8' in.h5:/mask image.h5
if command -v h5dump >/dev/null; then
    check "h5dump" h5dump -A image.h5
    for words in '"IMAGE"' '"IMAGE_GRAYSCALE"' '"1.2"' IMAGE_WHITE_IS_ZERO IMAGE_MINMAXRANGE; do
        says "$words" out.txt
    done
fi
}

$part
finish "$checks checks"
