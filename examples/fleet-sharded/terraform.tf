terraform {
  # 1.11 is also the first version of OpenTofu that runs this.
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
