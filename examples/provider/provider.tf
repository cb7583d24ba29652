terraform {
  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}

# Keep tokens out of the configuration. Set the environment variables KUSTOM_PORTAL_TOKEN to the
# portal's token, and MYSTORE_TOKENS to a JSON object from shop name to that shop's token.
provider "kustom" {
  environment = "production" # the default; "playground" is for test stores
}
