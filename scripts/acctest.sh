#!/usr/bin/env bash
# Runs go test with acceptance tests, and prints the slowest of them:
# acctest.sh <path of gotestsum> <path of terraform or tofu> <go test argument>...
set -euo pipefail

gotestsum=$1
tf=$2
shift 2

# Your own configuration must not decide which provider the tests use.
export TF_CLI_CONFIG_FILE=/dev/null
export CHECKPOINT_DISABLE=1

# Takes the first line without a pipe into head: a program that writes into a closed pipe fails.
version=$("$tf" version)
version=${version%%$'\n'*}
case $version in
OpenTofu*) host=registry.opentofu.org ;;
*) host=registry.terraform.io ;;
esac

export TF_ACC=1
export TF_ACC_TERRAFORM_PATH="$tf"
export TF_ACC_PROVIDER_HOST="$host"
export TF_ACC_PROVIDER_NAMESPACE=storefront-iac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Tests that try many cases leave one line each here.
export TEST_SUMMARY="$work/summary"
touch "$TEST_SUMMARY"

# Tests and Terraform leave much garbage. Collecting it less often saves a tenth of the CPU.
export GOGC=${GOGC:-400}

echo "Testing with $version ($tf)."
status=0
"$gotestsum" --format standard-quiet --hide-summary skipped \
  --jsonfile-timing-events "$work/events" -- -vet=off "$@" || status=$?

# test.sh names the events of the tests that it has run before.
cat ${EARLIER_EVENTS:+"$EARLIER_EVENTS"} "$work/events" >"$work/all"
printf '\nThe slowest tests:\n'
"$gotestsum" tool slowest --num 10 --jsonfile "$work/all"
if [ "$status" = 0 ]; then
  echo
  cat "$TEST_SUMMARY"
fi
exit "$status"
