#!/bin/sh
# Checks that every module in the provider has an allowed licence, and lists the modules:
# licenses.sh <go-licence-detector> "<operating system>..." <licence>...
set -eu

detector=$1
systems=$2
shift 2

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

separator=
for licence in "$@"; do
  printf '%s"%s"' "$separator" "$licence"
  separator=,
done >"$dir/list"
printf '{"allowlist": [%s], "yellowlist": []}\n' "$(cat "$dir/list")" >"$dir/rules.json"

for system in $systems; do
  GOOS=$system go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}' .
done >"$dir/linked"
sort -u "$dir/linked" | xargs go list -m -json >"$dir/modules.json"

cat >"$dir/modules.tmpl" <<'END'
{{- range .Direct}}{{printf "%-14s %s\n" .LicenceType .Name}}{{end}}
{{- range .Indirect}}{{printf "%-14s %s\n" .LicenceType .Name}}{{end -}}
END
"$detector" -in "$dir/modules.json" -includeIndirect -rules "$dir/rules.json" \
  -depsTemplate "$dir/modules.tmpl" -depsOut "$dir/modules.txt"
sort "$dir/modules.txt"
