# Keys on Kustom's host that no shop uses: what a killed run, or a person in between two steps, may
# have left behind. One that was proven before has been used, so its last use says nothing.
data "kustom_api_keys" "new" {
  legacy = false
}

output "strays" {
  value = [
    for k in data.kustom_api_keys.new.api_keys : k.username
    if length(k.mystore_shops) == 0
  ]
}

# Keys that nobody has used since Klarna's API was to end, on any host.
data "kustom_api_keys" "unused" {
  unused_since = "2026-03-31T00:00:00Z"
}

output "unused" {
  value = {
    for k in data.kustom_api_keys.unused.api_keys : k.username => k.last_used_at
  }
}
