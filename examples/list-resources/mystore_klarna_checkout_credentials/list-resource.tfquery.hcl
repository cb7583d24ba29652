# The shops that mystore_tokens names. Import blocks for them, and resources, to each of which a
# secret has to be added:
#
#   terraform query -generate-config-out=shops.tf
list "mystore_klarna_checkout_credentials" "all" {
  provider = kustom
}
