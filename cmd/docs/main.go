// Command docs generates the provider's documentation with tfplugindocs, and validates it. It reads the schemas from
// the provider and not from Terraform, because older versions omit resource identities, list resources and actions.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The provider's own prefix, and the prefix of Mystore's types. tfplugindocs documents one prefix in each run.
const (
	ownPrefix     = "kustom"
	mystorePrefix = "mystore"
)

func main() {
	tfplugindocs := flag.String("tfplugindocs", "tfplugindocs", "the tfplugindocs `binary`")
	out := flag.String("out", "docs", "the `directory` to write to")
	validateOnly := flag.Bool("validate", false, "write nothing, but check docs/ by the registry's rules")
	flag.Parse()
	if err := run(context.Background(), *tfplugindocs, *out, *validateOnly); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, tfplugindocs, out string, validateOnly bool) error {
	schema, err := providerSchema(ctx)
	if err != nil {
		return err
	}
	if validateOnly {
		return validate(ctx, tfplugindocs, schema)
	}
	if err := generate(ctx, tfplugindocs, ownPrefix, schema, "templates", out); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "docs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	// Guides are rendered once, with the provider's own types.
	kinds, pages := filepath.Join(tmp, "templates"), filepath.Join(tmp, "pages")
	templates, err := filepath.Glob(filepath.Join("templates", "*.md.tmpl"))
	if err != nil {
		return err
	}
	for _, template := range templates {
		if err := copyPage(template, filepath.Join(kinds, filepath.Base(template))); err != nil {
			return err
		}
	}
	if err := generate(ctx, tfplugindocs, mystorePrefix, schema, kinds, pages); err != nil {
		return err
	}
	if err := addMystore(pages, out); err != nil {
		return err
	}
	return addMessages(out)
}

// generate documents the types with a prefix.
func generate(ctx context.Context, tfplugindocs, prefix string, schema map[string]any, templates, out string) error {
	file, err := schemaFile(prefix, ofPrefix(prefix, schema))
	if err != nil {
		return err
	}
	defer os.Remove(file)
	if templates, err = relative(templates); err != nil {
		return err
	}
	if out, err = relative(out); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, tfplugindocs, "generate",
		"--provider-name", prefix,
		"--rendered-provider-name", ownPrefix,
		"--providers-schema", file,
		"--website-source-dir", templates,
		"--rendered-website-dir", out)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("tfplugindocs: %w\n%s", err, output)
	}
	return nil
}

// validate checks the pages in docs/ and their names. It can check all types in one run, because tfplugindocs matches
// a page to a type by its whole name. It ignores a kind without pages, which the comparison with the generated pages
// finds.
func validate(ctx context.Context, tfplugindocs string, schema map[string]any) error {
	file, err := schemaFile(ownPrefix, schema)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	cmd := exec.CommandContext(ctx, tfplugindocs, "validate", "--provider-name", ownPrefix, "--providers-schema", file)
	var output bytes.Buffer
	cmd.Stderr = &output
	if err := cmd.Run(); err != nil {
		// The findings come after a log of all pages.
		text := output.String()
		return fmt.Errorf("tfplugindocs: %w\n%s", err, text[max(0, strings.Index(text, "Error executing command:")):])
	}
	return nil
}

// relative returns dir relative to the working directory, because tfplugindocs appends every directory to the
// provider's.
func relative(dir string) (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.Rel(wd, abs)
}

// schemaFile writes the schema as terraform providers schema -json does, for a provider with that name. The caller
// removes the file.
func schemaFile(name string, schema map[string]any) (string, error) {
	file, err := os.CreateTemp("", "schema*.json")
	if err != nil {
		return "", err
	}
	defer file.Close()
	return file.Name(), json.NewEncoder(file).Encode(map[string]any{
		"format_version":   "1.0",
		"provider_schemas": map[string]any{name: schema},
	})
}

// ofPrefix removes the types with other prefixes from a schema. Functions have no prefix, and are documented once.
func ofPrefix(prefix string, schema map[string]any) map[string]any {
	result := make(map[string]any, len(schema))
	for kind, value := range schema {
		if kind == "functions" && prefix != ownPrefix {
			continue
		}
		types, ok := value.(schemas)
		if !ok {
			result[kind] = value
			continue
		}
		result[kind] = types.ofPrefix(prefix)
	}
	return result
}

// addMystore copies the pages of Mystore's types from their names without the prefix to their full names, where the
// registry expects them.
func addMystore(from, to string) error {
	pages, err := filepath.Glob(filepath.Join(from, "*", "*.md"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		kind := filepath.Base(filepath.Dir(page))
		name := mystorePrefix + "_" + filepath.Base(page)
		if err := copyPage(page, filepath.Join(to, kind, name)); err != nil {
			return err
		}
	}
	return nil
}

// copyPage copies a page, or the template of one.
func copyPage(from, to string) error {
	page, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, page, 0o644)
}
