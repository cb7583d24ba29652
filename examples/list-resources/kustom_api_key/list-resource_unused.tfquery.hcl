# Keys without use since the first date for the end of Klarna's API, on any host.
list "kustom_api_key" "unused" {
  provider = kustom
  limit    = 500

  config {
    unused_since = "2026-03-31T00:00:00Z"
  }
}
