variable "tokens_file" {
  description = "JSON file of the Mystore access tokens: name of the shop => token. Without it, the tokens are those in MYSTORE_TOKENS."
  type        = string
  default     = null
}

provider "kustom" {
  mystore_tokens = var.tokens_file == null ? null : sensitive(jsondecode(file(var.tokens_file)))
}
