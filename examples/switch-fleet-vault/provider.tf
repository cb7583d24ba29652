variable "vault_mount" {
  description = "Path of Vault's key-value store, version 2."
  type        = string
  default     = "secret"
}

variable "portal_secret" {
  description = "Name of the secret that has the token of a Kustom Portal user, as portal_token."
  type        = string
  default     = "kustom/portal"
}

variable "mystore_secret" {
  description = "Name of the secret that has the Mystore access tokens: name of the shop => token."
  type        = string
  default     = "kustom/mystore-tokens"
}

# The environment has Vault's address and your sign-in: VAULT_ADDR, VAULT_TOKEN and others.
provider "vault" {}

# Each run reads ephemeral resources again. No state and no plan stores them.
ephemeral "vault_kv_secret_v2" "portal" {
  mount = var.vault_mount
  name  = var.portal_secret
}

ephemeral "vault_kv_secret_v2" "mystore" {
  mount = var.vault_mount
  name  = var.mystore_secret
}

provider "kustom" {
  portal_token   = ephemeral.vault_kv_secret_v2.portal.data.portal_token
  mystore_tokens = ephemeral.vault_kv_secret_v2.mystore.data
}
