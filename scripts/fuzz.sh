#!/bin/sh
# Feeds every parser of what comes from outside with what nobody has thought of:
# fuzz.sh <how long or how often for each, such as 4m or 1000x>. go test can fuzz only one at a time.
set -eu

grep -r '^func Fuzz' --include='*_test.go' . |
  sed 's|^\./\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9]*\).*|\1 \2|' |
  sort |
  while read -r dir name; do
    echo "$dir $name"
    # Without a bound on it, the time would go into making what is found smaller.
    go test "./$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$1" -fuzzminimizetime 10x
  done
