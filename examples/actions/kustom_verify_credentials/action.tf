variable "kustom_secret" {
  type      = string
  sensitive = true
}

#
# Run it at any time:
#
#   terraform apply -invoke=action.kustom_verify_credentials.nettbutikk
action "kustom_verify_credentials" "nettbutikk" {
  config {
    shop          = "nettbutikk"
    kustom_id     = "M00123456-aB3dE"
    kustom_secret = var.kustom_secret
  }
}

# Without a secret, the action checks that the shop's key exists and belongs to Kustom's host.
action "kustom_verify_credentials" "nettbutikk_shop" {
  config {
    shop = "nettbutikk"
  }
}
