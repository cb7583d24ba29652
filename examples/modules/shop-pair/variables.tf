variable "shop" {
  description = "Name of the Mystore shop."
  type        = string
}

variable "merchant_id" {
  description = "Merchant ID of the shop's store at Kustom."
  type        = string
}

variable "description" {
  description = "The text that Kustom Portal shows beside the key. A change rotates the key."
  type        = string
  default     = null
}

variable "rotate_when_changed" {
  description = "Any values that you choose. A change of any value rotates the key."
  type        = map(string)
  default     = null
}

variable "rotate_after_days" {
  description = "Age in days at which the key is rotated. Null means never."
  type        = number
  default     = null
}
