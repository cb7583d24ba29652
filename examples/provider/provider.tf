terraform {
  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}

# Keep tokens out of the configuration. KUSTOM_PORTAL_TOKEN holds the portal's token, and
# MYSTORE_TOKENS holds a JSON object from shop name to that shop's token.
provider "kustom" {
  environment = "production" # the default; "playground" is for test stores
}
