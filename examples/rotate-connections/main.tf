# Any resource whose ID changes can trigger a rotation. Here it is a list of people: when the list
# changes, every key is rotated, so people who have left know no valid key. A time_rotating of the
# provider hashicorp/time works too.
resource "terraform_data" "people" {
  triggers_replace = var.people
}

resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value

  # The first plan after this age rotates the key.
  rotate_after_days = 90

  # A change of any value rotates the key too. The first value rotates one shop's key, the second
  # rotates all keys.
  rotate_when_changed = {
    incident = lookup(var.incidents, each.key, "none")
    people   = terraform_data.people.id
  }
}
