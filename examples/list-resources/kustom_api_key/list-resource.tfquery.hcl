# The keys that are still to be switched. This command writes import blocks, and resources that keep
# the keys for now:
#
#   terraform query -generate-config-out=keys.tf
list "kustom_api_key" "legacy" {
  provider = kustom

  config {
    legacy = true
  }
}
