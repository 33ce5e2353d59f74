#!/usr/bin/env bash
# test_compare.sh PROGRAMS - `report --compare` as a user runs it, on studies made up here: what it prints, and
# its exit status.
set -u
. "$(dirname "$0")/checks.sh"
report=$(realpath "$1")/report
dir=$(mktemp -d /tmp/nfold-test-compare-XXXXXX)
trap 'rm -rf "$dir"' EXIT
# study FILE TIME MILLISECONDS [COLUMNS]: one launch of one point, seven samples.
study() {
    local i
    {
        echo "{\"record\":\"study\",\"schema\":1,\"facts\":{\"time\":\"$2\",\"host\":\"${host:-one}\"}}"
        for i in 0 1 2 3 4 5 6; do
            echo "{\"record\":\"sample\",\"schema\":1,\"kernel\":\"k\",\"label\":\"k\",\"scaling\":\"strong\",\
\"ranks\":1,\"threads\":1,\"nodes\":1,\"shape\":{\"dim\":[1,1,${4:-9}],\"ndim\":1,\"channels\":1,\
\"dtype\":\"f32\"},\"work\":9,\"launch\":0,\"rep\":$i,\"seconds\":0.00$3$i,\"phases\":{\"compute\":1,\"halo\":0,\
\"fold\":0,\"wait\":0,\"io\":0},\"valid\":true,\"oversubscribed\":false}"
        done
    } >"$dir/$1"
}

# tells STATUS PATTERN ARGUMENTS...: of report --compare; the pattern in what it prints, on either stream.
tells() {
    local status=$1 pattern=$2 got
    shift 2
    (cd "$dir" && timeout 20 "$report" --compare "$@" >out 2>&1)
    got=$?
    [ "$got" = "$status" ] || fail "report --compare $*: exit status $got, expected $status: $(cat "$dir/out")"
    [ -z "$pattern" ] || grep -qE -- "$pattern" "$dir/out" || fail "report --compare $*: no '$pattern' in: $(cat "$dir/out")"
}

# Five launches of each in turns; b takes 20% longer, c runs after all of a.
for i in 1 2 3 4 5; do
    study "a$i" "10:0$i:00" "10$i"
    study "same$i" "10:0$i:30" "10$((6 - i))"
    study "b$i" "10:0$i:30" "12$i"
    study "c$i" "11:0$i:00" "12$i"
done
study wide "10:00:00" 101 10
a=(a1 a2 a3 a4 a5) b=(b1 b2 b3 b4 b5) same=(same1 same2 same3 same4 same5) c=(c1 c2 c3 c4 c5)

tells 0 '1 slower, 0 faster, 0 no difference shown' "${a[@]}" : "${b[@]}"
tells 0 'k, strong, .*\(1.1\): 1\.1[0-9]+ times the time, 95% interval 1\.[0-9]+ to 1\.[0-9]+, p = 0\.0079: slower' \
    "${a[@]}" : "${b[@]}"
tells 0 '0 slower, 1 faster' "${b[@]}" : "${a[@]}"
tells 0 '0 slower, 0 faster, 1 no difference shown' "${a[@]}" : "${same[@]}"
tells 1 'slower, by more than is allowed' --fail-if-slower 5% "${a[@]}" : "${b[@]}"
tells 0 'slower\.' --fail-if-slower=30 "${a[@]}" : "${b[@]}"
tells 0 'no difference shown' --fail-if-slower 5% "${a[@]}" : "${same[@]}"
tells 0 '' --fail-if-slower 5% -q "${b[@]}" : "${a[@]}"
[ -s "$dir/out" ] && fail "-q prints: $(cat "$dir/out")"

# What cannot be shown is not, and no gate passes by it.
tells 0 'One launch of a study does not show how far' a1 b1
tells 2 'cannot show every point to be slower' --fail-if-slower 5% a1 b1
tells 0 'did not take turns' "${a[@]}" : "${c[@]}"
tells 2 'cannot show every point' --fail-if-slower 5% "${a[@]}" : "${c[@]}"
tells 1 'by more than is allowed' --steady --fail-if-slower 5% "${a[@]}" : "${c[@]}"
tells 1 'Launches are taken to differ by 1%' --launch-noise 1% --fail-if-slower 5% a1 b1
tells 0 '1 no difference shown' --launch-noise 20% a1 b1
tells 0 'By 5 pairs of launches: the sign test' --paired "${a[@]}" : "${c[@]}"
host=another study d1 10:00:30 121
tells 0 'differ in more than the build: host, one and another' a1 d1

# JSON: one object, and numbers that a program can use.
tells 0 '^\{"record":"comparison".*"slower":1,.*"failed":true.*"verdict":"slower"' --json "${a[@]}" : "${b[@]}"
tells 1 '"failed":true' --json --fail-if-slower 5% "${a[@]}" : "${b[@]}"
[ "$(wc -l <"$dir/out")" = 1 ] || fail "--json prints more than a line"
[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["points"][0]["launches"])' <"$dir/out")" = "[5, 5]" ] ||
    fail "--json is not what JSON's readers read"

# What is wrong is said.
tells 1 'sizes differ \(9 f32 .*10 f32' a1 wide
tells 1 'nowhere: cannot be opened' a1 nowhere
tells 2 'expected two studies' a1
tells 2 'expected two studies' a1 b1 b2
tells 2 'expected two studies' a1 : b1 : b2
tells 2 'expected two studies' a1 :
tells 2 'expected as many of each' --paired a1 a2 : b1
tells 2 'expected a percentage' --fail-if-slower much a1 b1
tells 2 'expected a percentage' --level 120 a1 b1
tells 2 'writes no report' -o there a1 b1
(cd "$dir" && "$report" --json a1 >out 2>&1)
[ $? = 2 ] || fail "--json without --compare is taken"

finish "report --compare does what it says"
