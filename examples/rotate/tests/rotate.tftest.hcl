# The provider is a mock. It sends no request and needs no token. The invented values must be
# well-formed, because the provider checks them.
mock_provider "kustom" {
  mock_resource "kustom_api_key" {
    defaults = {
      username = "M00123456-aB3dE"
      secret   = "kco_live_api_EXAMPLE"
    }
  }
}

variables {
  campaign          = "2027-q1"
  previous_campaign = "2026-q4"
}

run "each_shop_gets_a_key_of_its_own_store" {
  assert {
    condition     = tomap({ for id, k in kustom_api_key.checkout : k.merchant_id => mystore_klarna_checkout_credentials.shop[id].shop }) == tomap(var.stores)
    error_message = "A shop has another store's key, or none."
  }

  assert {
    condition     = alltrue([for id, c in mystore_klarna_checkout_credentials.shop : c.kustom_id == kustom_api_key.checkout[id].username])
    error_message = "A shop has another key's ID."
  }
}

run "no_shop_is_rotated_before_the_first_wave" {
  command = plan

  variables {
    waves = 0
  }

  assert {
    condition     = alltrue([for k in kustom_api_key.checkout : k.rotate_when_changed.campaign == "2026-q4"])
    error_message = "A shop is rotated in wave 0."
  }
}

run "all_shops_are_rotated_by_the_last_wave" {
  command = plan

  variables {
    waves = 4
  }

  assert {
    condition     = alltrue([for k in kustom_api_key.checkout : k.rotate_when_changed.campaign == "2027-q1"])
    error_message = "A shop has been forgotten."
  }
}

run "a_shop_is_rotated_once" {
  command = plan

  variables {
    waves = 2
  }

  assert {
    condition     = alltrue([for id, k in kustom_api_key.checkout : (k.rotate_when_changed.campaign == "2027-q1") == (local.wave[id] < 2)])
    error_message = "Another wave's shops are rotated."
  }
}

run "there_is_no_fifth_wave" {
  command = plan

  variables {
    waves = 5
  }

  expect_failures = [var.waves]
}

# The next plan also rotates keys that a campaign has missed.
run "no_key_grows_old" {
  command = plan

  assert {
    condition     = alltrue([for k in kustom_api_key.checkout : k.rotate_after_days == 180])
    error_message = "A key may grow older than 180 days."
  }
}
