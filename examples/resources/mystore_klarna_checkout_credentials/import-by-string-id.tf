# The shop's name. The plan gives the shop the pair of this configuration, because nobody can read
# the secret that it holds.
import {
  to       = mystore_klarna_checkout_credentials.butikk
  id       = "butikk"
  provider = kustom
}
