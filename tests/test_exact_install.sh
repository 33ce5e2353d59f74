#!/usr/bin/env bash
# test_exact_install.sh BUILD CMAKE [SANITIZERS] - installs the exact sums under a temporary prefix and builds a
# program of another user's against them, by plain cc.
set -eu
build=$1 cmake=$2 sanitizers=${3-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --component exact --prefix "$folder/prefix" >/dev/null

cat >"$folder/user.c" <<'USER'
#include <nfold/exact.h>
#include <stdio.h>

int main(void)
{
    const double x[] = {1e300, 1.5, -1e300}, y[] = {3, 4};
    nf_exact sum = {0}, squares = {0};
    nf_exact_sum_f64(&sum, x, 3);
    nf_exact_dot_f64(&squares, y, y, 2);
    printf("%g %g\n", nf_exact_round(&sum), nf_exact_norm2(&squares));
    return 0;
}
USER

pc=$(dirname "$(find "$folder/prefix" -name nfold-exact.pc)")
flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs nfold-exact)
warnings="-std=c11 -Wall -Wextra -Wpedantic -Werror"
cc $warnings ${sanitizers:+-fsanitize=$sanitizers} "$folder/user.c" $flags -o "$folder/user"
for isa in '' baseline v3; do
    said=$(NFOLD_ISA=$isa "$folder/user")
    [ "$said" = "1.5 5" ] || { echo "FAILED: the program says '$said'"; exit 1; }
done

# The same from a shared library, as extensions of other languages are.
cc -shared -fPIC ${sanitizers:+-fsanitize=$sanitizers} -Wl,--whole-archive \
   "$(find "$folder/prefix" -name libnfold_exact.a)" -Wl,--no-whole-archive -lm -o "$folder/libuser.so"
nm -D --defined-only "$folder/libuser.so" | grep -q ' T nf_exact_sum_f64$' || { echo "FAILED: no shared library"; exit 1; }
echo "the exact sums can be used"
