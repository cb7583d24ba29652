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

# Vault's address and the way to sign in are in the environment: VAULT_ADDR, VAULT_TOKEN and others.
provider "vault" {}

# Ephemeral resources are read by each run and stored nowhere, neither in the state nor in a plan.
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
