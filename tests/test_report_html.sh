#!/usr/bin/env bash
# test_report_html.sh PROGRAMS [FOLDER] - report.html in headless Chromium: at the width of a phone and of a desk,
# light and dark, it prints no error on the console, asks for nothing over a network, and its body is no wider
# than the window; a click on a head sorts the table; the page's own screenshots are left in FOLDER. Skipped
# where Chromium is missing.
set -u
. "$(dirname "$0")/checks.sh"
programs=$1
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || exit 77
folder=$(mktemp -d)
shots=${2:-$folder}
trap 'rm -rf "$folder"' EXIT

# ---- a study: two kernels, one with a long name, strong and weak, 8 of 24 layouts oversubscribed; costs -----
long='convolve:matrix=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25 | gaussian:sigma=2'
awk -v long="$long" 'BEGIN {
    print "{\"record\":\"study\",\"schema\":2,\"facts\":{\"processor\":\"A\",\"compiler flags\":\"-O3 -averylongflagwithoutanyplacetobreakitinallofitslengthwhichgoesonandonandonandon\"}}"
    for (p = 1; p <= 16; p *= 2) {
        printf "{\"record\":\"ceiling\",\"schema\":2,\"what\":\"triad\",\"unit\":\"B/s\",\"ranks\":%d,\"threads\":1,\"nodes\":1,\"bytes\":0,\"factor\":1.5,\"n\":5,\"best\":%.1f,\"median\":1.5}\n", p, 1e9 * p
        printf "{\"record\":\"ceiling\",\"schema\":2,\"what\":\"f32\",\"unit\":\"flop/s\",\"ranks\":%d,\"threads\":1,\"nodes\":1,\"bytes\":0,\"factor\":1.0,\"n\":5,\"best\":%.1f,\"median\":1.5}\n", p, 4e9 * p
    }
    for (k = 0; k < 2; k++) for (w = 0; w < 2; w++) for (r = 1; r <= 16; r *= 2) for (t = 1; t <= 2; t++)
        for (i = 0; i < 8; i++) {
            p = r * t; work = 1000000 * (w ? p : 1)
            s = work * 1e-9 * (0.1 + 0.9 / p) * (1 + 0.01 * i)
            printf "{\"record\":\"sample\",\"schema\":2,\"kernel\":\"%s\",\"label\":\"%s\",\"scaling\":\"%s\",\"ranks\":%d,\"threads\":%d,\"nodes\":1,\"shape\":{\"dim\":[1,%d,1000],\"ndim\":2,\"channels\":1,\"dtype\":\"f32\"},\"work\":%d,\"launch\":0,\"rep\":%d,\"seconds\":%.9f,\"phases\":{\"compute\":%.9f,\"halo\":%.9f,\"fold\":0.0,\"wait\":0.0,\"io\":0.5,\"idle\":0.0,\"runtime\":0.0},\"flops\":%d.0,\"bytes\":%d.0,\"moved\":%d.0,\"valid\":%s,\"oversubscribed\":%s}\n",
                k ? long : "heat", k ? long : "heat", w ? "weak" : "strong", r, t, work / 1000, work, i, s, 0.8 * s,
                0.2 * s, work * 7, work, work, (k == 1 && r == 4 && t == 2 ? "false" : "true"), (p > 16 ? "true" : "false")
        }
    for (i = 0; i < 3; i++) for (w = 0; w < 4; w++)
        cost("send", substr("contiguous, packed and the like", 1, 6 + 8 * w), "s", 2, 1, 65536 * 64 ^ i, 1e-5 * 50 ^ i)
    for (k = 0; k < 2; k++) for (t = 2; t <= 16; t *= 2)
        cost("break-even", "threads", "cells", 1, t, 1e7, (k ? 4444444 : 31) * t,
             ",\"kernel\":\"" (k ? long : "heat") "\",\"label\":\"" (k ? long : "heat") "\"")
    for (p = 1; p <= 32; p *= 2) {
        cost("share", "race", "s", 1, p, 1e6, 3e-9, ",\"lost\":0.4")
        cost("share", "private, one cache line", "s", p, 1, 1e6, 1e-9 * p)
        cost("start", "parallel region", "s", 1, p, 0, 1e-6 * p)
    }
    cost("memory", "input", "B", 8, 1, 8e6, 1e6)
}
function cost(kind, what, unit, ranks, threads, amount, value, more) {
    printf "{\"record\":\"cost\",\"schema\":2,\"kind\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"ranks\":%d,\"threads\":%d,\"nodes\":1,\"amount\":%.1f,\"n\":50,\"value\":%.12f,\"low\":%.12f,\"high\":%.12f,\"valid\":true%s}\n",
        kind, what, unit, ranks, threads, amount, value, 0.98 * value, 1.02 * value, more
}' >"$folder/study.jsonl"
"$programs/report" -q -o "$folder/out" "$folder/study.jsonl" || { echo 'FAILED: report'; exit 1; }
grep -qE '(src|href)="?(https?:)?//' "$folder/out/report.html" && fail 'the page asks for something else'
[ "$(grep -c '<svg' "$folder/out/report.html")" -ge 7 ] || fail 'not all figures are in the page'
grep -q '<h2>What sharing out costs</h2>' "$folder/out/report.html" || fail 'the section on costs is missing'

# What the page finds out about itself, told to the page that frames it: a window of Chromium's own is no
# narrower than 500 pixels.
probe='<script>addEventListener("load",function(){var d=document.documentElement,told={wide:d.scrollWidth-innerWidth,
dark:matchMedia("(prefers-color-scheme:dark)").matches,width:innerWidth},
sorted=function(words,name){var t=Array.from(document.querySelectorAll("table.sorts")).find(function(t){
return t.tHead.textContent.indexOf(words)>=0}),h=Array.from(t.tHead.rows[0].cells),
at=h.findIndex(function(c){return c.textContent===words}),
list=function(){return Array.from(t.tBodies[0].rows).map(function(r){return r.cells[at].textContent}).join(";")};
h[at].click();told[name+"-up"]=list();h[at].click();told[name+"-down"]=list()};
sorted("Median","time");sorted("Break-even size","cells");sorted("Bytes","bytes");parent.postMessage(told,"*")});</script>'
{ cat "$folder/out/report.html"; echo "$probe"; } >"$folder/probe.html"

# frame WIDTH HEIGHT PAGE: a page with that page in a frame of this size.
frame() {
    cat <<END
<!DOCTYPE html><html style="color-scheme:light dark"><body style="margin:0"><iframe src="$3"
style="border:0;display:block;width:$1px;height:$2px"></iframe><script>addEventListener("message",function(e){
for(var name in e.data)document.body.setAttribute("data-"+name,e.data[name])});</script></body></html>
END
}

# browse WIDTH HEIGHT SCHEME ARGUMENTS... FILE; SCHEME 0: dark, 1: light
browse() {
    local width=$1 height=$2 scheme=$3
    shift 3
    HOME=$folder timeout 60 "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --disable-dev-shm-usage \
        --user-data-dir="$folder/profile" --blink-settings=preferredColorScheme="$scheme" --enable-logging=stderr \
        --window-size="$width,$height" "$@" 2>"$folder/err.txt"
}

attribute() { sed -n 's/.* data-'"$1"'="\([^"]*\)".*/\1/p' "$folder/dom.html" | head -1; }

for view in 'phone 390 844 1 false' 'phone-dark 390 844 0 true' 'desk 1280 900 1 false' 'desk-dark 1280 900 0 true'; do
    read -r name width height scheme dark <<<"$view"
    frame "$width" "$height" probe.html >"$folder/frame.html"
    frame "$width" 2600 out/report.html >"$folder/long.html"
    browse "$width" "$height" "$scheme" --virtual-time-budget=5000 --dump-dom "file://$folder/frame.html" \
        >"$folder/dom.html" || fail "$name: no page"
    grep 'CONSOLE' "$folder/err.txt" && fail "$name: the console is not silent"
    [ "$(attribute width)" = "$width" ] || fail "$name: is $(attribute width) wide"
    [ "$(attribute wide)" = 0 ] || fail "$name: the body is $(attribute wide) pixels wider than the window"
    [ "$(attribute dark)" = "$dark" ] || fail "$name: dark is not $dark"
    browse "$width" 2600 "$scheme" --screenshot="$shots/$name.png" "file://$folder/long.html" >/dev/null
    [ "$(stat -c %s "$shots/$name.png" 2>/dev/null || echo 0)" -gt 20000 ] || fail "$name: no screenshot"
    cp "$shots/$name.png" "$folder/shot-$name.png" 2>/dev/null
done
cmp -s "$folder/shot-phone.png" "$folder/shot-phone-dark.png" && fail 'dark looks like light'

# sorts NAME COUNT FACTORS: what is listed up and down, so many, is in the order of value, whatever its unit, of
# FACTORS, and whatever commas are between thousands.
sorts() {
    local up down
    up=$(attribute "$1-up") down=$(attribute "$1-down")
    [ "${up%%;*}" = "$(tr ';' '\n' <<<"$down" | tail -1)" ] || fail "down is not up turned round: $up / $down"
    tr ';' '\n' <<<"$up" | awk -v count="$2" -v factors="$3" 'BEGIN { n = split(factors, f) }
        { gsub(",", ""); s = $1; for (i = 1; i < n; i += 2) if ($2 == f[i]) s *= f[i + 1]; if (s < last) bad = 1; last = s }
        END { exit bad || NR != count }' || fail "not sorted by value: $up"
}
sorts time 10 'ms 1e-3 µs 1e-6'
sorts cells 8 ''
sorts bytes 12 'KiB 1024 MiB 1048576'

browse 1280 900 1 --no-pdf-header-footer --print-to-pdf="$folder/page.pdf" "file://$folder/out/report.html" >/dev/null
[ "$(head -c 4 "$folder/page.pdf" 2>/dev/null)" = '%PDF' ] || fail 'it cannot be printed'

finish 'the page is as it should be'
