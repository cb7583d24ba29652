terraform {
  # The same version of OpenTofu works too.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }

  # PG_CONN_STR has the address and the sign-in of the database, so no file here has them.
  backend "pg" {
    schema_name = "kustom_shops"
  }
}
