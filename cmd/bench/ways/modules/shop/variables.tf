variable "shop" {
  type = string
}

variable "merchant_id" {
  type = string
}
