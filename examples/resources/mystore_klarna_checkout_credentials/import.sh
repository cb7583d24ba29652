# The id is the shop's name.
terraform import mystore_klarna_checkout_credentials.butikk butikk
