import {
  to = kustom_api_key.checkout
  identity = {
    merchant_id   = "M00123456"
    credential_id = "7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11"
  }
}
