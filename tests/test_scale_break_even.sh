#!/usr/bin/env bash
# test_scale_break_even.sh PROGRAMS MPIEXEC - sizes from which more workers are worth it: one record a kernel and way, within
# the sizes that there are, measured once, and only where asked for.
set -u
programs=$1 mpiexec=$2
. "$(dirname "$0")/checks.sh"
own_folder

# study RANKS NAME ARGUMENTS...
study() {
    local ranks=$1 name=$2
    shift 2
    timeout 60 "$mpiexec" -n "$ranks" "$programs/scale" -q -o "$name" --size 160x200 --no-ceilings --strong --reps 1 --no-report --costs break-even "$@" \
        >"$name.txt" 2>err.txt || { fail "scale $*"; cat err.txt; }
}

evens() { grep '"record":"cost".*"kind":"break-even"' "$1/study.jsonl"; }

# field NAME: its value in each record that comes in.
field() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p'; }

# say LINE KERNEL WHAT RANKSxTHREADS UNIT LARGEST LEAST: what a record must say, of sizes from LEAST to LARGEST.
say() {
    local line=$1 kernel=$2 what=$3 layout=$4 unit=$5 largest=$6 least=$7
    [ -n "$line" ] || { fail "no $what of $kernel"; return; }
    [ "$(field label <<<"$line")" = "$kernel" ] && [ "$(field what <<<"$line")" = "$what" ] || fail "not $what of $kernel: $line"
    [ "$(field ranks <<<"$line")x$(field threads <<<"$line")" = "$layout" ] || fail "not by $layout: $line"
    [ "$(field unit <<<"$line")" = "$unit" ] || fail "not in $unit: $line"
    [ "$(field valid <<<"$line")" = true ] || fail "not the serial bits: $line"
    echo "$(field amount <<<"$line") $(field value <<<"$line") $(field low <<<"$line") $(field high <<<"$line") $(field n <<<"$line")" |
        awk -v largest="$largest" -v least="$least" '
            { amount = $1; value = $2; low = $3; high = $4
              if (amount < least || amount > largest || $5 < 1) bad = 1
              if (value != 0 && (value < least || value > amount)) bad = 1
              if (low != 0 && (low < least || low > amount || (value > 0 && low > value))) bad = 1
              if (high != 0 && (high < least || high > amount || value == 0 || high < value)) bad = 1 }
            END { exit bad || NR != 1 }' || fail "sizes of $kernel by $what are not from $least to $largest: $line"
}

# Sizes go from that of the study down to 16.
study 3 three --ranks 1 -k heat -k sumsq_range:n=1e5
cores=$(sed -n 's/.*"cores that may be used":"\([0-9]*\) on this node".*/\1/p' three/study.jsonl | head -1)
ranks=$((cores < 3 ? cores : 3))
if [ "$cores" -gt 1 ]; then
    [ "$(evens three | wc -l)" -eq 4 ] || { fail 'not four records'; evens three; }
    say "$(evens three | sed -n 1p)" heat threads "1x$cores" cells 32000 16
    say "$(evens three | sed -n 2p)" heat ranks "${ranks}x1" cells 32000 16
    say "$(evens three | sed -n 3p)" sumsq_range:n=1e5 threads "1x$cores" indices 100000 16
    say "$(evens three | sed -n 4p)" sumsq_range:n=1e5 ranks "${ranks}x1" indices 100000 16
    evens three | field kernel | grep -q '^heat:steps=' || fail 'the kernel is not written out'

    # ---- measured once ------------------------------------------------------------------------------------------------
    cp three/study.jsonl before.jsonl
    study 3 three --ranks 1 -k heat -k sumsq_range:n=1e5 --resume
    same 'measured again' <(grep break-even before.jsonl) <(evens three)
    # One that is missing is measured, and no other.
    gone=$(evens three | sed -n 3p)
    grep -vF "$gone" before.jsonl >three/study.jsonl
    study 3 three --ranks 1 -k heat -k sumsq_range:n=1e5 --resume
    expect 'what is missing' "$(evens three | wc -l)" 4
    say "$(evens three | sed -n 4p)" sumsq_range:n=1e5 threads "1x$cores" indices 100000 16
    same 'others have changed' <(grep -vF "$gone" before.jsonl | grep break-even) <(evens three | head -3)

    # ---- one rank: threads alone; a kernel that takes no arrays of less than 50 rows, which are of 62 columns ---------------
    study 1 one --threads 1,2,999 -k 'crop:height=50'
    [ "$(evens one | wc -l)" -eq 1 ] || { fail 'not one record of one rank'; evens one; }
    say "$(evens one)" 'crop:height=50' threads 1x2 cells 32000 3100
else
    evens three && fail 'more workers than the one core'
fi

# ---- only where asked for ------------------------------------------------------------------------------------------------
study 2 none --ranks 1 -k heat --costs none
evens none && fail '--costs none measures them'
study 2 single --ranks 1 --threads 1 -k heat
evens single | grep -q '"what":"threads"' && fail 'threads that were not asked for'

finish 'break-even sizes are as they should be'
