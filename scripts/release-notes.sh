#!/bin/sh
# Prints the section of CHANGELOG.md for a version: release-notes.sh <tag, such as v0.1.0>. It fails if there is no such section,
# or if the section still says Unreleased.
set -eu

notes=$(awk -v version="${1#v}" '/^## / { found = $2 == version && !/Unreleased/; next } found' CHANGELOG.md)
if [ -z "$notes" ]; then
  echo "CHANGELOG.md has no section for ${1#v} with its date." >&2
  exit 1
fi
echo "$notes"
