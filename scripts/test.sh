#!/usr/bin/env bash
# Runs all tests, and each of them once:
# test.sh <path of gotestsum> <path of terraform or tofu> <-race or nothing> <go test argument>...
set -euo pipefail
cd "$(dirname "$0")/.."

gotestsum=$1
tf=$2
race=$3
shift 3

# A failure in one part does not hide what the others find.
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Tests leave much garbage. Collecting it less often saves a tenth of the CPU. acctest.sh does the same.
export GOGC=${GOGC:-400}

# run <file for its events> <go test argument>... make lint vets, so nothing here vets again.
run() {
  local events=$1
  shift
  "$gotestsum" --format standard-quiet --hide-summary skipped --jsonfile-timing-events "$events" -- -vet=off "$@"
}

# The race detector takes two to five times the CPU. It watches where goroutines of ours meet: in everything that runs
# without Terraform, without a browser and in little time, and in the package that drives the browser. Above that, pages are
# read one after the other; and a provider that Terraform calls does what it does in the tests that call it themselves.
# The package that takes longest begins first, so that the others run beside it.
packages=$(go list ./internal/provider ./... | grep -v '/internal/browser$')
# shellcheck disable=SC2086 # One argument for each package, and none where there is no race detector.
run "$work/short" $race -short "$@" $packages || failed=1
# shellcheck disable=SC2086
run "$work/browser" $race "$@" ./internal/browser || failed=1

# What has skipped something for want of Terraform, of a browser or of time.
skipped() {
  sed -n 's|.*"Action":"skip","Package":"\([^"]*\)","Test":"\([^"/]*\).*|\1 \2|p' "$work/short" | sort -u
}
names=$(skipped | cut -d' ' -f2 | sort -u | paste -sd'|')
packages=$(skipped | cut -d' ' -f1 | sort -u | xargs go list ./internal/provider)
if [ -z "$names" ]; then
  echo 'Nothing was skipped for want of Terraform or a browser, so the list of skipped tests is wrong.' >&2
  exit 1
fi
cat "$work/short" "$work/browser" >"$work/earlier"
# shellcheck disable=SC2086
EARLIER_EVENTS="$work/earlier" scripts/acctest.sh "$gotestsum" "$tf" "$@" -run "^($names)\$" $packages || failed=1
exit "$failed"
