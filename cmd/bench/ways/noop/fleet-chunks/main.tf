locals {
  chunks = { for i, names in chunklist(sort(keys(var.shops)), 250) : format("%03d", i) => names }
}

resource "noop_fleet" "chunk" {
  for_each = local.chunks
  shops    = { for shop in each.value : shop => { merchant_id = var.shops[shop] } }
}
