# The id is the merchant ID. The plan that follows names the keys that credential_ids does not.
terraform import kustom_api_keys_exclusive.butikk M00123456
