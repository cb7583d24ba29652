variable "rows" {
  description = "The lines of a CSV file with the columns shop, merchant_id and description, as csvdecode reads them."
  type = list(object({
    shop        = string
    merchant_id = string
    description = optional(string, "")
  }))

  # An empty list is an accident, and would leave every shop to the fleet's deletion_policy.
  validation {
    condition     = length(var.rows) > 0
    error_message = "The list has no shops."
  }

  validation {
    condition     = alltrue([for row in var.rows : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", row.shop))])
    error_message = "These are no names of Mystore shops: ${join(", ", [for row in var.rows : jsonencode(row.shop) if !can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", row.shop))])}."
  }

  validation {
    condition     = alltrue([for row in var.rows : can(regex("^(P?[MKN]|DM)[0-9][0-9A-Za-z]*$", row.merchant_id))])
    error_message = "These are no merchant IDs, which are M, K or N (PM, PK or PN in the playground), or DM, and digits: ${join(", ", [for row in var.rows : "${jsonencode(row.merchant_id)} of ${row.shop}" if !can(regex("^(P?[MKN]|DM)[0-9][0-9A-Za-z]*$", row.merchant_id))])}."
  }

  validation {
    condition     = length(distinct(var.rows[*].shop)) == length(var.rows)
    error_message = "These shops are in the list more than once: ${join(", ", [for shop, rows in { for row in var.rows : row.shop => row... } : shop if length(rows) > 1])}."
  }
}

variable "shared_merchant_ids" {
  description = "The merchant IDs that more than one shop of the list may have. A line that was copied and not changed to the end would give a shop the key of another's store."
  type        = set(string)
  default     = []
}
