variable "shops" {
  description = "The shops to connect: name of the Mystore shop => Kustom merchant ID."
  type        = map(string)
}
