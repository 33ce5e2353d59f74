#!/usr/bin/env bash
# bench_vips.sh FILTER [SIDE [ROUNDS]] - a Gaussian of sigma 2 out of core, nfold beside vips: the same tiled TIFF in,
# an uncompressed TIFF out, in turns; the median of the ratios of their times, and both peaks of memory. vips's mask
# is made as long as it lets, 7 cells to each side where nfold has 8; its output is
# brought to the disk, as nfold's is.
set -eu
filter=$1 side=${2:-16384} rounds=${3:-5}
command -v vips >/dev/null || { echo "vips is not installed (Debian: libvips-tools): left out"; exit 0; }
[ -x /usr/bin/time ] || { echo "time is not installed: left out"; exit 0; }
photo=/usr/share/xplanet/images/earth.jpg
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
vips colourspace "$photo" gray.v b-w
vips replicate gray.v all.v $(((side + 2047) / 2048)) $(((side + 1023) / 1024))
vips crop all.v 'in.tif[tile,tile-width=512,tile-height=512,bigtiff]' 0 0 "$side" "$side"
rm -f ./*.v

# timed NAME COMMAND... - appends seconds and the peak in MiB to NAME.
timed() {
    local name=$1
    shift
    /usr/bin/time -a -o "$name" -f '%e %M' "$@" >/dev/null
}
for ((i = 0; i < rounds; i++)); do
    rm -f out_*.tif
    timed vips sh -c "vips gaussblur in.tif 'out_vips.tif[tile,tile-width=512,tile-height=512,bigtiff]' 2 \
        --min-ampl 0.001 && sync out_vips.tif"
    timed nfold "$filter" -q --memory 256M -k gaussian:sigma=2 in.tif out_nfold.tif
done
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio=$(paste vips nfold | awk '{ print $1 / $3 }' | median)
printf 'gaussian:sigma=2 of %s x %s u8, tiled TIFF to TIFF: vips %s s, %s MiB; nfold %s s, %s MiB; ratio %.2f (goal 1.5)\n' \
    "$side" "$side" "$(median <vips)" "$(awk '{ print int($2 / 1024) }' vips | median)" \
    "$(median <nfold)" "$(awk '{ print int($2 / 1024) }' nfold | median)" "$ratio"
