# The shop's name. The plan gives the shop the pair that is named here, as nobody can read the secret
# that it has.
import {
  to       = mystore_klarna_checkout_credentials.butikk
  id       = "butikk"
  provider = kustom
}
