data "kustom_support_bundle" "nettbutikk" {
  merchant_id = "M00123456"
  shop        = "nettbutikk"
}

# For a mail to support: terraform output -raw support_bundle > support-bundle.md
output "support_bundle" {
  value = data.kustom_support_bundle.nettbutikk.markdown
}
