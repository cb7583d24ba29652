# A person made this key in the portal. Its secret comes from a variable. Neither the plan nor the
# state has it.
variable "kustom_secret" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "mystore_klarna_checkout_credentials" "nettbutikk" {
  provider = kustom

  shop      = "nettbutikk"
  kustom_id = "M00123456-aB3dE"

  # Terraform can't compare a value that it does not store. Raise the version whenever the secret
  # changes.
  kustom_secret_wo         = var.kustom_secret
  kustom_secret_wo_version = 1
}
