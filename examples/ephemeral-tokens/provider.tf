# Ephemeral values are in memory for one run. Terraform writes them to no state and no saved plan.
# These are variables. An ephemeral resource that reads a vault works the same way.
variable "portal_token" {
  description = "Access token of a Kustom Portal user who can see Integrations."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "mystore_tokens" {
  description = "Mystore access tokens: name of the shop => token."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

provider "kustom" {
  portal_token   = var.portal_token
  mystore_tokens = var.mystore_tokens
}
