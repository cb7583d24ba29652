terraform {
  # 1.11 is also OpenTofu's first version that runs this.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }

  # PG_CONN_STR says where the database is and who signs in to it, so that neither is in a file here.
  backend "pg" {
    schema_name = "kustom_shops"
  }
}
