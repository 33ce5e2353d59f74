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

expect() { # expect WHAT GOT WANTED
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"
}

own_folder() { # makes a folder, goes there, and removes it in the end
    folder=$(mktemp -d)
    trap 'cd /; rm -rf "$folder"' EXIT
    cd "$folder" || exit 1
}

finish() { # finish WORDS: the test's end; the words where nothing failed
    [ $failures -eq 0 ] && echo "$*" || echo "$failures failures"
    exit $((failures > 0))
}
