#!/bin/sh
# Builds a release of the committed files twice, in two directories and with separate build caches, and compares the checksums of
# all archives: reproducible.sh <goreleaser>
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for name in one quite-another; do
  mkdir "$dir/$name"
  git clone --quiet . "$dir/$name/repository"
done

for name in one quite-another; do
  echo "Building in $dir/$name."
  (
    cd "$dir/$name/repository"
    GOCACHE="$dir/$name/cache" "$1" release --snapshot --clean --skip=sbom,sign >"$dir/$name/log" 2>&1
  ) || {
    cat "$dir/$name/log" >&2
    exit 1
  }
  # The checksums alone would agree on files that nobody has built.
  ls "$dir/$name/repository/dist/"*.zip >/dev/null
  cp "$dir/$name/repository/dist/"*_SHA256SUMS "$dir/$name/sums"
done

diff "$dir/one/sums" "$dir/quite-another/sums"
cat "$dir/one/sums"
echo "Both builds are the same."
