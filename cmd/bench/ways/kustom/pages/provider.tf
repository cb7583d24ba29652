provider "kustom" {
  browser {}
}
