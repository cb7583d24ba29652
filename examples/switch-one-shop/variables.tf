variable "shop" {
  description = "Name of the Mystore shop."
  type        = string
  default     = "fjellsport" # the sandbox's (make sandbox)
}

variable "merchant_id" {
  description = "Merchant ID of the shop's store in Kustom Portal."
  type        = string
  default     = "M00412871" # the sandbox's (make sandbox)
}
