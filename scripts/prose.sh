#!/bin/sh
# Checks the words and sentences of documents: prose.sh <vale> <glob> <file or directory>... Before that, it checks that the
# rules find a mistake in each sentence of .vale/before.md.
set -eu

vale=$1
glob=$2
shift 2

found=$("$vale" --no-exit --output line .vale/before.md | cut -d : -f 2)
for line in $(grep -n . .vale/before.md | cut -d : -f 1); do
  if ! echo "$found" | grep -qx "$line"; then
    echo "No rule finds a mistake in line $line of .vale/before.md." >&2
    exit 1
  fi
done

"$vale" --glob="$glob" "$@"
