#!/bin/sh
# Fuzzes every parser of foreign input: fuzz.sh <time or number of tries for each, such as 4m or 1000x>. go test can fuzz only
# one at a time.
set -eu

grep -r '^func Fuzz' --include='*_test.go' . |
  sed 's|^\./\(.*\)/[^/]*:func \(Fuzz[A-Za-z0-9]*\).*|\1 \2|' |
  sort |
  while read -r dir name; do
    echo "$dir $name"
    # Without this limit, go test spends the time on making its findings smaller.
    go test "./$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$1" -fuzzminimizetime 10x
  done
