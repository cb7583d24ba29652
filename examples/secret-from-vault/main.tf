ephemeral "vault_kv_secret_v2" "kustom" {
  mount = "secret"
  name  = "kustom/butikk"
}

resource "mystore_klarna_checkout_credentials" "butikk" {
  provider = kustom

  shop                     = "butikk"
  kustom_id                = "M00123456-aB3dE"
  kustom_secret_wo         = ephemeral.vault_kv_secret_v2.kustom.data.secret
  kustom_secret_wo_version = 1
}
