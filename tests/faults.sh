# faults.sh - what the tests of full disks and of killed runs share. Sourced; `programs`, `mpiexec` are set.
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

verify() { # verify WHAT COMMAND...: the command, a test, succeeds
    local what=$1
    checks=$((checks + 1))
    shift
    "$@" || fail "$what"
}

launch() { # launch RANKS PROGRAM ARGUMENTS...; 0: without mpirun. Takes the shell's place: for subshells.
    local ranks=$1 program=$2
    shift 2
    if [ "$ranks" -eq 0 ]; then
        exec "$programs/$program" "$@" </dev/null
    else
        exec "$mpiexec" -n "$ranks" "$programs/$program" "$@" </dev/null
    fi
}

ended() { # ended PID SECONDS: waits so long for it; otherwise ends it, which is a failure
    local until=$((SECONDS + $2))
    while kill -0 "$1" 2>/dev/null; do
        if [ $SECONDS -ge $until ]; then
            pkill -KILL -P "$1"
            kill -KILL "$1"
            return 1
        fi
        sleep 0.02
    done
}

rank_of() { # rank_of MPIRUN_PID RANK: the process that is this rank
    local pid
    for pid in $(pgrep -P "$1"); do
        grep -qz "^OMPI_COMM_WORLD_RANK=$2\$" "/proc/$pid/environ" 2>/dev/null && echo "$pid"
    done
}

# middle PID TARGET BYTES: waits until the part file of the target has so many bytes; fails if the process ends.
middle() {
    local part size
    while kill -0 "$1" 2>/dev/null; do
        for part in ".$2".*.part; do
            size=$(stat -c %s "$part" 2>/dev/null) && [ "$size" -ge "$3" ] && return 0
        done
        sleep 0.001
    done
    return 1
}

stopped() { # stopped PID: stops it, and waits until it stands still
    kill -STOP "$1" 2>/dev/null || return 1
    until grep -q '^State:.[Tt]' "/proc/$1/status" 2>/dev/null; do
        [ -e "/proc/$1" ] || return 1
    done
}

noise() { # noise ROWS COLUMNS: a PPM image that no codec makes small
    printf 'P6\n%d %d\n255\n' "$2" "$1"
    head -c $(($1 * $2 * 3)) /dev/zero |
        openssl enc -aes-128-ctr -nosalt -pass pass:nfold -md sha256 2>/dev/null
}

require() { # require COMMAND...: or the test is skipped
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || { echo "skipped: no $command"; exit 77; }
    done
}
