terraform {
  required_providers {
    kustom = {
      source = "storefront-iac/kustom"
    }
  }
}

# Tokens are best left out of the configuration: KUSTOM_PORTAL_TOKEN holds the portal's, and
# MYSTORE_TOKENS a JSON object from shop name to that shop's token.
provider "kustom" {
  environment = "production" # the default; "playground" is for test stores
}
