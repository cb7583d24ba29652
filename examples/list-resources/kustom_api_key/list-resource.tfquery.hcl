# What still has to be switched. Import blocks for it, and resources that keep the keys for now:
#
#   terraform query -generate-config-out=keys.tf
list "kustom_api_key" "legacy" {
  provider = kustom

  config {
    legacy = true
  }
}
