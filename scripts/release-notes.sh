#!/bin/sh
# Prints what CHANGELOG.md says of a version: release-notes.sh <tag, such as v0.1.0>. Nothing is
# released that it says nothing of, or that it still calls unreleased.
set -eu

notes=$(awk -v version="${1#v}" '/^## / { found = $2 == version && !/Unreleased/; next } found' CHANGELOG.md)
if [ -z "$notes" ]; then
  echo "CHANGELOG.md has no section for ${1#v} with its date." >&2
  exit 1
fi
echo "$notes"
