import {
  to = kustom_api_keys_exclusive.butikk
  identity = {
    merchant_id = "M00123456"
  }
}
