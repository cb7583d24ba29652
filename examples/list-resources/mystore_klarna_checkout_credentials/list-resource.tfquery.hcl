# The shops in mystore_tokens. This command writes import blocks and resources. Add a secret to each
# resource:
#
#   terraform query -generate-config-out=shops.tf
list "mystore_klarna_checkout_credentials" "all" {
  provider = kustom
}
