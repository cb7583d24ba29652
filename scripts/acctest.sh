#!/bin/sh
# Runs go test with acceptance tests: acctest.sh <path of terraform or tofu> <go test argument>...
set -eu

tf=$1
shift

# The configuration of whoever runs the tests must not decide which provider is tested.
export TF_CLI_CONFIG_FILE=/dev/null
export CHECKPOINT_DISABLE=1

version=$("$tf" version | head -n 1)
case $version in
OpenTofu*) host=registry.opentofu.org ;;
*) host=registry.terraform.io ;;
esac

export TF_ACC=1
export TF_ACC_TERRAFORM_PATH="$tf"
export TF_ACC_PROVIDER_HOST="$host"
export TF_ACC_PROVIDER_NAMESPACE=storefront-iac

# Tests that try many cases leave one line each here.
TEST_SUMMARY=$(mktemp)
export TEST_SUMMARY
trap 'rm -f "$TEST_SUMMARY"' EXIT

echo "Testing with $version ($tf)."
go test "$@"
echo
cat "$TEST_SUMMARY"
