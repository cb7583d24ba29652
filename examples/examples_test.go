package examples_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
)

// TestFiles_AreEmbedded expects that the tests and the demo run the same files that users find in this directory.
func TestFiles_AreEmbedded(t *testing.T) {
	here := os.DirFS(".")
	for _, name := range published(t, here) {
		want, err := fs.ReadFile(here, name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fs.ReadFile(examples.FS, name)
		if err != nil {
			t.Errorf("%s is not embedded: its directory is not named in examples.go, or its name begins with a dot", name)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is embedded with other content", name)
		}
	}
}

// published returns the names of the examples' files, without those that a run leaves behind.
func published(t *testing.T, in fs.FS) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(in, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".terraform":
			return fs.SkipDir
		case entry.IsDir() || filepath.Dir(name) == "." && filepath.Ext(name) == ".go":
		case entry.Name() == ".terraform.lock.hcl" || strings.HasPrefix(entry.Name(), "terraform.tfstate") || filepath.Ext(name) == ".tfplan":
		default:
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
