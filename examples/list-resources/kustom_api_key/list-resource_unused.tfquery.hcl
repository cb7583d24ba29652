# Keys that nobody has used since Klarna's API was to end, on any host.
list "kustom_api_key" "unused" {
  provider = kustom
  limit    = 500

  config {
    unused_since = "2026-03-31T00:00:00Z"
  }
}
