# The provider is a mock. It sends no request and needs no token.
mock_provider "kustom" {}

run "no_key_grows_old" {
  assert {
    condition     = alltrue([for c in kustom_mystore_connection.shop : c.rotate_after_days == 90])
    error_message = "A key may grow older than 90 days."
  }
}

run "an_incident_concerns_its_own_shop" {
  variables {
    incidents = { fjellsport = "SEC-1" }
  }

  assert {
    condition     = kustom_mystore_connection.shop["fjellsport"].rotate_when_changed.incident == "SEC-1"
    error_message = "The shop of the incident keeps its key."
  }

  assert {
    condition     = alltrue([for name, c in kustom_mystore_connection.shop : c.rotate_when_changed.incident == "none" if name != "fjellsport"])
    error_message = "Another shop's key is rotated."
  }
}

run "other_people_concern_all_shops" {
  variables {
    people = ["admin@butikk.example", "new@butikk.example"]
  }

  assert {
    condition     = alltrue([for c in kustom_mystore_connection.shop : c.rotate_when_changed.people == terraform_data.people.id])
    error_message = "A shop does not follow the list of people."
  }
}
