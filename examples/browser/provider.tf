# The block is all that it needs: what has no token is reached by its pages, with the sessions of whoever
# has signed in with terraform-provider-kustom login.
provider "kustom" {
  browser {
    max_tabs = 4 # the default; each tab works on one store or shop
  }
}
