import {
  to       = mystore_klarna_checkout_credentials.nettbutikk
  provider = kustom
  identity = {
    shop = "nettbutikk"
  }
}
