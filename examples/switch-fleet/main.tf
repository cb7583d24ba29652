# Spreadsheets like to begin a file with a byte order mark.
module "list" {
  source = "../modules/shop-list"

  rows                = csvdecode(trimprefix(file(var.shops_file), "\uFEFF"))
  shared_merchant_ids = var.shared_merchant_ids
}

locals {
  # The hash of a shop's name decides its chunk, so that other shops come and go without moving it.
  chunks = {
    for name, shop in module.list.shops : parseint(substr(md5(name), 0, 4), 16) % var.chunks => name...
  }
}

# For each shop a new key is made, proven and added to Mystore, and the key that the shop used before
# is deleted. No secret is stored anywhere.
resource "kustom_mystore_fleet" "chunk" {
  for_each = local.chunks

  shops = { for name in each.value : name => module.list.shops[name] }
  # A shop that leaves the list keeps the key that it has.
  deletion_policy = "retain"

}
