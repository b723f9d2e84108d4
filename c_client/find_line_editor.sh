#!/bin/sh
# find_line_editor.sh - says which line editor a program can be built with:
# readline, libedit or none. Tries to compile and link, with the compiler and
# flags in CC, CPPFLAGS, CFLAGS and LDFLAGS. An argument other than "auto" is
# the only one that is tried; then nothing is said if it is not there.

can_build() {   # LIBRARY HEADER FUNCTION
    cat > "$scratch/try.c" << END
#include <stdio.h>
#include <$2>
int main(void)
{
    void (*volatile function)(void) = (void (*)(void))$3;
    return function == NULL;
}
END
    # The flags are lists of words.
    # shellcheck disable=SC2086
    ${CC:-cc} ${CPPFLAGS:-} ${CFLAGS:-} ${LDFLAGS:-} "$scratch/try.c" -o "$scratch/try" "-l$1" \
        > "$scratch/log" 2>&1
}

has_readline() { can_build readline readline/readline.h rl_clear_visible_line; }
has_libedit()  { can_build edit histedit.h el_gets; }
has_none()     { true; }

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

wanted=${1:-auto}
[ "$wanted" = auto ] && wanted='readline libedit none'
for editor in $wanted; do
    if "has_$editor" 2> "$scratch/log"; then
        echo "$editor"
        exit 0
    fi
done
