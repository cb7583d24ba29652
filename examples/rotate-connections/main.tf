# Anything whose ID changes can ask for a rotation: here a list of people, with whose change nobody who
# has left can still know a key. A time_rotating of the provider hashicorp/time works the same way.
resource "terraform_data" "people" {
  triggers_replace = var.people
}

resource "kustom_mystore_connection" "shop" {
  for_each = var.shops

  shop        = each.key
  merchant_id = each.value

  # The first plan that finds the key this old rotates it.
  rotate_after_days = 90

  # A change of any value rotates it as well: of the first one in its own shop, of the second in all.
  rotate_when_changed = {
    incident = lookup(var.incidents, each.key, "none")
    people   = terraform_data.people.id
  }
}
