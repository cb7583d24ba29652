variable "wave" {
  description = "The last wave of shops to switch. Only raise it: a shop of a later wave leaves the configuration."
  type        = number
  default     = 1
}
