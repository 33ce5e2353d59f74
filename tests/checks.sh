# checks.sh - how tests of programs count. Sourced, before the folder is left.
failures=0 checks=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

check() { # check WHAT COMMAND...: the command succeeds
    local what=$1
    checks=$((checks + 1))
    shift
    "$@" >out.txt 2>err.txt || { fail "$what"; cat out.txt err.txt; }
}

same() { # same WHAT FILE FILE
    checks=$((checks + 1))
    cmp "$2" "$3" || fail "$1"
}
