#!/bin/sh
# Builds a whole release into dist/, signs it with a temporary key, and checks that the registries would accept it:
# snapshot.sh <goreleaser>
set -eu

GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT

GPG_PASSPHRASE=throwaway
GPG_FINGERPRINT=throwaway@example.com
export GPG_PASSPHRASE GPG_FINGERPRINT
gpg --batch --quiet --pinentry-mode loopback --passphrase "$GPG_PASSPHRASE" \
  --quick-generate-key "$GPG_FINGERPRINT" rsa3072 sign never

"$1" release --snapshot --clean

cd dist
for sums in *_SHA256SUMS; do
  # Some versions of goreleaser write the checksums once more after they have signed them.
  gpg --quiet --verify "$sums.sig" "$sums"
  release=${sums%_SHA256SUMS}
  cp ../terraform-registry-manifest.json "${release}_manifest.json"
  sha256sum --check --quiet "$sums"
  for needed in manifest.json darwin_amd64.zip darwin_arm64.zip linux_amd64.zip linux_arm64.zip windows_amd64.zip; do
    grep -q "  ${release}_$needed\$" "$sums" || {
      echo "$sums does not have $needed" >&2
      exit 1
    }
  done
done
echo "The signature and all checksums are right."
