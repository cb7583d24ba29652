# The block turns the pages on, for everything that has no token. The sessions are those that
# terraform-provider-kustom login has kept. A shop that has a domain of its own needs the address of its
# control panel: in mystore_admin_urls here, or in MYSTORE_ADMIN_URLS.
provider "kustom" {
  browser {
    max_tabs = 4 # the default; each tab works on one store or shop
  }
}
