# Keys of Kustom's host that no shop uses. A killed run may have left them, or a person who stopped
# between two steps. A proof counts as a use, so the last use says nothing about such a key.
data "kustom_api_keys" "new" {
  legacy = false
}

output "strays" {
  value = [
    for k in data.kustom_api_keys.new.api_keys : k.username
    if length(k.mystore_shops) == 0
  ]
}

# Keys of any host that nothing has used since 31 March 2026, the first date for the end of Klarna's
# API.
data "kustom_api_keys" "unused" {
  unused_since = "2026-03-31T00:00:00Z"
}

output "unused" {
  value = {
    for k in data.kustom_api_keys.unused.api_keys : k.username => k.last_used_at
  }
}
