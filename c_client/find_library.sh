#!/bin/sh
# find_library.sh - says which of its arguments a program can be built with, the
# first that it can: readline, libedit or openssl; none always goes. Tries to
# compile and link, with the compiler and flags in CC, CPPFLAGS, CFLAGS and
# LDFLAGS. Says nothing if there is none.

can_build() {   # LIBRARIES HEADER FUNCTION
    cat > "$scratch/try.c" << END
#include <stdio.h>
#include <$2>
int main(void)
{
    void (*volatile function)(void) = (void (*)(void))$3;
    return function == NULL;
}
END
    # The flags and the libraries are lists of words.
    # shellcheck disable=SC2086
    ${CC:-cc} ${CPPFLAGS:-} ${CFLAGS:-} ${LDFLAGS:-} "$scratch/try.c" -o "$scratch/try" $1 \
        > "$scratch/log" 2>&1
}

has_readline() { can_build -lreadline readline/readline.h rl_clear_visible_line; }
has_libedit()  { can_build -ledit histedit.h el_gets; }
has_openssl()  { can_build '-lssl -lcrypto' openssl/ssl.h SSL_write_ex; }
has_none()     { true; }

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

for library in "$@"; do
    if "has_$library" 2> "$scratch/log"; then
        echo "$library"
        exit 0
    fi
done
