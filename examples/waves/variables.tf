variable "wave" {
  description = "The last wave of shops whose turn it is. Only raise it: a shop whose wave is later than this leaves the configuration."
  type        = number
  default     = 1
}
