# <merchant id>/<credential id>; the data source kustom_legacy_integrations lists them.
import {
  to = kustom_api_key.checkout
  id = "M00123456/7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11"
}
