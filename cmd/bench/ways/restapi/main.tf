terraform {
  required_providers {
    restapi = {
      source = "Mastercard/restapi"
    }
  }
}

variable "url" {
  description = "Where both vendors' APIs are."
  type        = string
}

provider "restapi" {
  uri                  = var.url
  write_returns_object = true
}

resource "restapi_object" "key" {
  for_each     = var.shops
  path         = "/portal/api/v1/stores/${each.value}/credentials"
  id_attribute = "credential_id"
  data         = jsonencode({ description = "terraform: ${each.key}" })

  ignore_all_server_changes = true
}

locals {
  credentials = {
    for shop in keys(var.shops) : shop => "/mystore/shops/${shop}/extensions/klarna-checkout-v3/credentials"
  }
}

resource "restapi_object" "credentials" {
  for_each      = var.shops
  path          = local.credentials[each.key]
  read_path     = local.credentials[each.key]
  update_path   = local.credentials[each.key]
  create_method = "PATCH"
  update_method = "PATCH"
  id_attribute  = "data/id"

  # The secret is in the answer that made the key, and in no later one.
  data = jsonencode({
    data = {
      type = "extension-credentials"
      id   = "klarna-checkout-v3"
      attributes = {
        kustom_id     = jsondecode(restapi_object.key[each.key].create_response).username
        kustom_secret = jsondecode(restapi_object.key[each.key].create_response).secret
      }
    }
  })

  ignore_all_server_changes = true
}
