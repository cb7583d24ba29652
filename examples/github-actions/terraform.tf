terraform {
  # 1.11 is also OpenTofu's first version that runs this.
  required_version = ">= 1.11"

  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }

  # A runner is gone when its job is done, so the state is elsewhere: in PostgreSQL, whose address and
  # password are in PG_CONN_STR. Any other backend that locks will do.
  backend "pg" {
    schema_name = "kustom_shops"
  }
}
