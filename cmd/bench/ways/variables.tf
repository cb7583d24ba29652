variable "shops" {
  description = "Name of the Mystore shop => Kustom merchant ID."
  type        = map(string)
}
