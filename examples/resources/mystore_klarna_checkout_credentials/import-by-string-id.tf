# The shop's name. The next apply installs the credentials of this configuration, because nobody can read
# the secret that the shop has.
import {
  to       = mystore_klarna_checkout_credentials.butikk
  id       = "butikk"
  provider = kustom
}
