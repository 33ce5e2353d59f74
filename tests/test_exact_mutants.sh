#!/usr/bin/env bash
# test_exact_mutants.sh SOURCE CC - the tests of exact sums must fail when a bound is broken: each line below
# changes one place in a copy of the kernels, and test_exact, built with it, must not pass.
set -u
. "$(dirname "$0")/checks.sh"
source=$1 cc=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

flags="-std=gnu11 -O1 -w -ffp-contract=off -fno-trapping-math -fno-math-errno -I$folder"
isas=baseline
[ "$(uname -m)" = x86_64 ] && isas='baseline v3 v4'

# FILE FOLDER: compiles a file of the kernels, once for each instruction set where there are several.
compile() {
    case $1 in
    exact_floats | exact_integers | exact_table)
        local isa pid pids='' ok=0
        for isa in $isas; do
            local march=-march=x86-64-$isa
            [ "$isa" = baseline ] && march=
            "$cc" $flags $march -DNF_ISA="$isa" -c "$folder/kernels/$1.c" -o "$2/${1}_$isa.o" &
            pids="$pids $!"
        done
        for pid in $pids; do wait "$pid" || ok=1; done
        return $ok ;;
    *) "$cc" $flags -c "$folder/kernels/$1.c" -o "$2/$1.o" ;;
    esac
}

# Runs the tests on the objects in a folder.
run() {
    "$cc" "$1"/*.o "$folder"/tests/*.o -lcunit -lm -o "$folder/test" || return 0
    timeout 120 "$folder/test" >"$folder/said" 2>&1
}

# WORDS FILE SED-COMMAND
mutant() {
    local original=$source/kernels/$2.c copy=$folder/kernels/$2.c
    sed -E "$3" "$original" >"$copy"
    rm -rf "$folder/mutant"
    cp -r "$folder/objects" "$folder/mutant"
    if cmp -s "$original" "$copy"; then
        fail "$1: nothing was changed in $2"
    elif ! compile "$2" "$folder/mutant"; then
        fail "$1: does not compile"
    elif run "$folder/mutant"; then
        fail "$1: the tests pass"
    else
        echo "$1: $(grep -c 'had failures' "$folder/said") tests fail"
    fi
    cp "$original" "$copy"
}

mkdir "$folder/objects" "$folder/tests"
cp -r "$source/kernels" "$folder/kernels"
cp "$source"/tests/{suite,exact_variants}.h "$folder/tests"
for test in test_exact suite; do
    "$cc" $flags -c "$source/tests/$test.c" -o "$folder/tests/$test.o" || exit 1
done
for file in exact exact_choose isa exact_floats exact_integers exact_table; do
    compile $file "$folder/objects" || exit 1
done
run "$folder/objects" || fail 'the tests do not pass on what was not changed'
mutant 'too large for a slice' exact_floats 's/units u = \{s.top - SUM_BITS,/units u = {s.top - SUM_BITS - 3,/'
mutant 'too fine for the plain sum' exact_floats 's/\+ 1 - BLOCK_BITS \+ finer/+ 6 - BLOCK_BITS + finer/'
mutant 'products too fine for the plain sum' exact_floats 's/fields.bottom - 1128/fields.bottom - 1122/'
mutant 'slices too far apart' exact_floats 's/SPACING = SUM_BITS \+ 1/SPACING = SUM_BITS + 5/'
mutant 'no check at all' exact_floats 's/return u.low <= u.high \&\&.*/return true;/; s/if \(!fits\(s, \*g, parts\)\)/if (0)/'
mutant 'subnormal factors' exact_floats 's/bad = bad \|\| x.bottom == .*/;/'
mutant 'underflow of products' exact_floats 's/ \|\| \(parts == PARTS \&\& s.bottom < LOWEST_UNIT\)//'
mutant 'errors of products dropped' exact_floats 's/product_error\(x, y, p\), 0/x - x, 0/'
mutant 'a carry dropped' exact_floats 's/carry >>= step/carry = (int64_t)(carry >> step)/'
mutant 'specials forgotten' exact_floats 's/found \|= is_special/found |= 0 \& is_special/'
mutant 'byte runs too long' exact_integers 's/128 \* VECTOR_BYTES/256 * VECTOR_BYTES/'
mutant 'carries due too late' exact 's/carry_due = \(int64_t\)1 << 41/carry_due = (int64_t)1 << 45/'
mutant 'ties away from even' exact 's/\(mantissa \& 1\) != 0/true/'
mutant 'inexact roots' exact 's/ \|\| \(nf_u128\)bits \* bits != upper//'
finish "every mutant is found"
