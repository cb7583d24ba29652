// Command docs generates the provider's documentation with tfplugindocs, and validates it. The schemas come from the
// provider itself. A Terraform binary would leave out what its version does not know, such as actions.
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

// The provider's own prefix, and the one of the types that belong to Mystore. tfplugindocs finds a type's schema only
// by its own provider name and the page's name, so it runs once for each prefix.
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
	if err := generate(ctx, tfplugindocs, ownPrefix, schema, out); err != nil {
		return err
	}
	pages, err := os.MkdirTemp("", "docs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(pages)
	if err := generate(ctx, tfplugindocs, mystorePrefix, schema, pages); err != nil {
		return err
	}
	if err := addMystore(pages, out); err != nil {
		return err
	}
	return addMessages(out)
}

// generate documents the types whose names begin with prefix.
func generate(ctx context.Context, tfplugindocs, prefix string, schema map[string]any, out string) error {
	file, err := schemaFile(prefix, ofPrefix(prefix, schema))
	if err != nil {
		return err
	}
	defer os.Remove(file)
	if out, err = relative(out); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, tfplugindocs, "generate",
		"--provider-name", prefix,
		"--rendered-provider-name", ownPrefix,
		"--providers-schema", file,
		"--website-source-dir", "templates",
		"--rendered-website-dir", out)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("tfplugindocs: %w\n%s", err, output)
	}
	return nil
}

// validate checks the pages in docs/ and their names. Unlike generate, it needs one run: here tfplugindocs also finds
// a type by a page's whole name. It does not notice that all pages of a kind are missing; make docs-check does.
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
		// A log of all pages precedes the error.
		text := output.String()
		return fmt.Errorf("tfplugindocs: %w\n%s", err, text[max(0, strings.Index(text, "Error executing command:")):])
	}
	return nil
}

// relative returns dir relative to the working directory: tfplugindocs appends the directory to the provider's.
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

// schemaFile writes the schema in the form of terraform providers schema -json, for a provider of that name. The caller
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

// ofPrefix returns a provider's schema without the types of other prefixes. Functions have no prefix, so they belong
// to the provider's own.
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

// addMystore copies the pages of Mystore's types, found in from by their names without the prefix, to where the
// registry looks for them: by their full names beside the provider's own types. It leaves out the guides.
func addMystore(from, to string) error {
	pages, err := filepath.Glob(filepath.Join(from, "*", "*.md"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		kind := filepath.Base(filepath.Dir(page))
		if kind == "guides" {
			continue
		}
		content, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		name := filepath.Join(to, kind, mystorePrefix+"_"+filepath.Base(page))
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
