# The tokens of a thousand shops are more than fits into an environment variable.
variable "mystore_tokens" {
  type      = map(string)
  sensitive = true
}

provider "kustom" {
  mystore_tokens = var.mystore_tokens
}
