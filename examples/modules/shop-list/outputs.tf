output "shops" {
  description = "The shops, as kustom_mystore_fleet takes them: name of the shop => its settings."
  value = {
    for row in var.rows : row.shop => {
      merchant_id = row.merchant_id
      description = row.description == "" ? null : row.description
    }
  }

  precondition {
    condition     = length(local.shared) == 0
    error_message = "These shops have one merchant ID: ${join("; ", [for id, shops in local.shared : "${join(", ", shops)} (${id})"])}. If they do share a store, name it in shared_merchant_ids."
  }
}
