# The merchant ID. The plan names the keys that credential_ids does not.
import {
  to = kustom_api_keys_exclusive.butikk
  id = "M00123456"
}
