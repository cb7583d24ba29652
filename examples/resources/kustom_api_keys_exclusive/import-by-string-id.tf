# The merchant ID. The plan names the keys that are not in credential_ids.
import {
  to = kustom_api_keys_exclusive.butikk
  id = "M00123456"
}
