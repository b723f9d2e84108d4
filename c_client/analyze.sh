#!/bin/sh
# analyze.sh - looks for bugs without running anything, with the tools that are
# installed: gcc -fanalyzer, cppcheck and clang-tidy. The flags in STANDARD say
# what language it is. Fails if a tool has found anything, or if there is none.

sources=
for source in *.c tests/*.c fuzz/*.c; do
    case $source in
    editor_readline.c | editor_libedit.c | tls_openssl.c)
        library=${source#*_}
        [ "$(sh ./find_library.sh "${library%.c}")" ] || {
            echo "not analyzed: $source, for its headers are not installed"
            continue
        } ;;
    esac
    sources="$sources $source"
done

has_gcc()        { gcc -fanalyzer -fsyntax-only -x c /dev/null 2> /dev/null; }
has_cppcheck()   { command -v cppcheck > /dev/null; }
has_clang_tidy() { command -v clang-tidy > /dev/null; }

# The flags and the sources are lists of words.
# shellcheck disable=SC2086
gcc_finds_nothing() {
    for source in $sources; do
        gcc $STANDARD -Wall -Wextra -Werror -O1 -fanalyzer -I. -c -o /dev/null "$source" || return
    done
}

# It wants --std where the others want -std.
# shellcheck disable=SC2086
cppcheck_finds_nothing() {
    cppcheck --quiet --error-exitcode=1 --inline-suppr -$STANDARD -I. \
        --enable=warning,style,performance,portability $sources
}

# Each file by itself: clang-tidy 14 finds what is not there in the second of two.
# shellcheck disable=SC2086
clang_tidy_finds_nothing() {
    for source in $sources; do
        clang-tidy --quiet "$source" -- $STANDARD -I. 2> /dev/null || return
    done
}

used=0
status=0
for tool in gcc cppcheck clang_tidy; do
    if ! "has_$tool"; then
        echo "not installed: $tool" | sed 's/gcc/gcc -fanalyzer/; s/_/-/'
        continue
    fi
    used=$((used + 1))
    if "${tool}_finds_nothing"; then
        echo "finds nothing: $tool" | sed 's/gcc/gcc -fanalyzer/; s/_/-/'
    else
        status=1
    fi
done
[ "$used" -gt 0 ] && exit "$status"
