#!/bin/sh
# Tells random histories: histories.sh <how many> [seed]. Without a seed, or with 0, chance chooses one. It is printed, so
# that the same histories can be told again.
set -eu

# TestHistories tells as many in each of its two parts.
checks=$(($1 / 2))
seed=${2:-0}
if [ "$seed" = 0 ]; then
  seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
fi

echo "The seed is $seed."
# Nearly all that a history leaves behind is garbage: to collect it less often takes a third of the time off.
if ! GOGC=${GOGC:-400} go test -count=1 -run '^TestHistories$' ./internal/histories -args -rapid.checks="$checks" -rapid.seed="$seed"; then
  echo "To tell the same histories again: make histories SEED=$seed"
  exit 1
fi
