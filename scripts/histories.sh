#!/bin/sh
# Runs random histories: histories.sh <number> [seed]. Without a seed, or with 0, it chooses a random one. It prints the seed, so
# that you can repeat the histories.
set -eu

# TestHistories_RandomRuns runs this number in each of its two parts.
checks=$(($1 / 2))
seed=${2:-0}
if [ "$seed" = 0 ]; then
  seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
fi

echo "The seed is $seed."
# A history leaves much garbage. Collecting it less often saves a third of the time.
if ! GOGC=${GOGC:-400} go test -count=1 -run '^TestHistories_RandomRuns$' ./internal/histories -args -rapid.checks="$checks" -rapid.seed="$seed"; then
  echo "To run the same histories again: make histories SEED=$seed"
  exit 1
fi
