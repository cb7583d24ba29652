# Keys of any host that nothing has used since 31 March 2026, the first date for the end of Klarna's
# API.
list "kustom_api_key" "unused" {
  provider = kustom
  limit    = 500

  config {
    unused_since = "2026-03-31T00:00:00Z"
  }
}
