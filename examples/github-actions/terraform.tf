terraform {
  # The same version of OpenTofu works too.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }

  # A runner keeps no files after its job, so PostgreSQL has the state. PG_CONN_STR has its address
  # and password. Any other backend with locking works too.
  backend "pg" {
    schema_name = "kustom_shops"
  }
}
