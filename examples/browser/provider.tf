# With this block, the provider uses the vendors' pages where it has no token. It uses the sessions
# of terraform-provider-kustom login. If a shop has its own domain, add the address of its control
# panel to mystore_admin_urls here, or to MYSTORE_ADMIN_URLS.
provider "kustom" {
  browser {
    max_tabs = 4 # the default; each tab works on one store or shop
  }
}
