variable "kustom_secret" {
  type      = string
  sensitive = true
}

#
# Run it at any time, with a provider whose environment is the playground:
#
#   terraform apply -invoke=action.kustom_create_test_order.butikk
action "kustom_create_test_order" "butikk" {
  config {
    kustom_id     = "PM00123456-aB3dE"
    kustom_secret = var.kustom_secret
    shop_url      = "https://butikk.example"
  }
}
