#!/bin/sh
# Checks the words and sentences of documents: prose.sh <vale> <glob> <file or directory>... Before that, it checks that the
# rules find a mistake in each sentence of .vale/before.md. Vale needs a C compiler to be built. If it can't be built, the script
# says so and skips the check. With PROSE_REQUIRED=1, that is an error.
set -eu

vale=$1
glob=$2
shift 2

if ! "${MAKE:-make}" --no-print-directory "$vale"; then
  echo "SKIPPED: Vale could not be built here. No document was checked."
  [ "${PROSE_REQUIRED:-}" != 1 ]
  exit
fi

found=$("$vale" --no-exit --output line .vale/before.md | cut -d : -f 2)
for line in $(grep -n . .vale/before.md | cut -d : -f 1); do
  if ! echo "$found" | grep -qx "$line"; then
    echo "No rule finds a mistake in line $line of .vale/before.md." >&2
    exit 1
  fi
done

"$vale" --glob="$glob" "$@"
