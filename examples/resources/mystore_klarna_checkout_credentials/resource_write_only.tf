# A person generated this key in the portal. Its secret comes from a variable. No plan and no state
# has it.
variable "kustom_secret" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "mystore_klarna_checkout_credentials" "nettbutikk" {
  provider = kustom

  shop      = "nettbutikk"
  kustom_id = "M00123456-aB3dE"

  # Terraform can't compare a value that it does not store. Raise the version each time the secret
  # changes.
  kustom_secret_wo         = var.kustom_secret
  kustom_secret_wo_version = 1
}
