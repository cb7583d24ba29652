variable "tokens_file" {
  description = "File of the Mystore access tokens: a JSON object, or a CSV file with the columns shop and token. Without it, the environment has the tokens."
  type        = string
  default     = null
}

provider "kustom" {
  mystore_tokens_file = var.tokens_file
}
