#!/bin/sh
# find_hardening.sh - says with which flags a program becomes harder to abuse:
# those that the compiler and linker take, beside the flags in CPPFLAGS, CFLAGS
# and LDFLAGS. Where those contradict, as -O0 does to _FORTIFY_SOURCE, they win.

can_build() {   # FLAGS
    # The flags are lists of words.
    # shellcheck disable=SC2086
    ${CC:-cc} -Werror $1 ${CPPFLAGS:-} ${CFLAGS:-} ${LDFLAGS:-} "$scratch/try.c" -o "$scratch/try" \
        > "$scratch/log" 2>&1
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

cat > "$scratch/try.c" << END
#include <stdio.h>
#if defined _FORTIFY_SOURCE && !defined __OPTIMIZE__
#error it works in optimized code only, and some systems say so in each file
#endif
int main(int argc, char *argv[])
{
    char line[80];
    snprintf(line, sizeof line, "%d %s", argc, argv[0]);
    return puts(line) < 0;
}
END

protector='-fstack-protector-strong'
relocations='-Wl,-z,relro,-z,now'
anywhere='-fPIE -pie'
fortified='-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE'
case " ${CPPFLAGS:-} ${CFLAGS:-} ${LDFLAGS:-} " in
*' -static '*) anywhere= ;;             # -pie would make it neither this nor that
*' -fsanitize='*) fortified= ;;         # the sanitizers do not see through its functions
esac

all="$protector $anywhere $relocations ${fortified:+$fortified=3}"
if can_build "$all"; then               # mostly so; it saves four attempts
    echo "$all"
    exit
fi
for flags in "$protector" "$anywhere" "$relocations"; do
    can_build "$flags" && echo "$flags"
done
for level in 3 2; do
    if [ "$fortified" ] && can_build "$fortified=$level"; then
        echo "$fortified=$level"
        break
    fi
done
