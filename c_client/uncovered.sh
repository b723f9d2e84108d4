#!/bin/sh
# uncovered.sh DIRECTORY FILE... - names the lines of the files that were never
# run, by what gcov makes of the counts in the directory. Fails if there are any.

directory=$1
shift
command -v gcov > /dev/null || { echo 'not installed: gcov' >&2; exit 2; }

for file in "$@"; do
    gcov --stdout --object-directory "$directory" "$file" 2> /dev/null |
        awk -v file="$file" -F: '
            $1 ~ /#####|=====/ { missed++; print file ":" $2 + 0 ": never run:" substr($0, 17) }
            $1 ~ /[0-9]/ { run++ }
            END { print file ": " run + 0 " of " run + missed " lines run"; exit missed > 0 || run == 0 }
        ' || status=1
done
exit "${status:-0}"
