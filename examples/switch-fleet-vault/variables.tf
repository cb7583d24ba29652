variable "shops_file" {
  description = "CSV file of the shops, with the columns shop and merchant_id, and description if you like."
  type        = string
  default     = "shops.csv"
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop may have."
  type        = set(string)
  default     = []
}

variable "chunks" {
  description = "How many objects the shops are divided into, a few hundred shops each. Another number moves shops between them, and each shop that is moved gets a new key."
  type        = number
  default     = 2
}
