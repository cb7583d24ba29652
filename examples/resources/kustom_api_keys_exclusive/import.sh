# The id is the merchant ID. The next plan names the keys that are not in credential_ids.
terraform import kustom_api_keys_exclusive.butikk M00123456
