package provider_test

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// TestExamples_AreAllRun expects a test, or an example that a test runs, to name the directory of each published file.
func TestExamples_AreAllRun(t *testing.T) {
	t.Parallel()
	sources, published := slices.Collect(maps.Values(testSources(t, "*_test.go"))), publishedFiles(t)
	for name, content := range published {
		if path.Ext(name) == ".tf" {
			sources = append(sources, content)
		}
	}
	named := map[string]bool{}
	for _, source := range sources {
		for _, word := range strings.FieldsFunc(source, func(r rune) bool { return r == '"' || r == '/' }) {
			named[word] = true
		}
	}
	for name := range published {
		if dir := strings.TrimSuffix(path.Dir(name), "/tests"); !named[path.Base(dir)] {
			t.Errorf("%s: no test names %s", name, dir)
		}
	}
}

// TestPublishedPatterns_LeaveMerchantIDsToTheProvider expects no example to have an idea of its own of what
// a merchant ID looks like: the provider knows more forms than an example would.
func TestPublishedPatterns_LeaveMerchantIDsToTheProvider(t *testing.T) {
	literal := regexp.MustCompile(`regex(?:all)?\("([^"]+)"`)
	patterns := 0
	for name, content := range publishedFiles(t) {
		for _, match := range literal.FindAllStringSubmatch(content, -1) {
			patterns++
			if pattern, err := regexp.Compile(match[1]); err != nil || pattern.MatchString("M00412871") || pattern.MatchString("PM00412871") {
				t.Errorf("%s: %s is a pattern of merchant IDs (%v)", name, match[1], err)
			}
		}
	}
	if patterns == 0 {
		t.Error("no pattern was looked at")
	}
}

// publishedFiles returns the contents of the published files, by name.
func publishedFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(examples.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(examples.FS, name)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// testSources returns the files with tests that match the patterns, by name.
func testSources(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	sources := map[string]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			sources[file] = read(t, file)
		}
	}
	return sources
}

// TestExamples_AreFormatted parses every published configuration, those of newer versions of Terraform than the one that runs
// the tests among them, and expects the form of terraform fmt.
func TestExamples_AreFormatted(t *testing.T) {
	t.Parallel()
	parser, n := hclparse.NewParser(), 0
	for name, content := range publishedFiles(t) {
		if !slices.Contains([]string{".tf", ".tofu", ".hcl"}, path.Ext(name)) {
			continue
		}
		n++
		if _, diags := parser.ParseHCL([]byte(content), name); diags.HasErrors() {
			t.Error(diags)
		}
		if string(hclwrite.Format([]byte(content))) != content {
			t.Errorf("%s is not formatted", name)
		}
	}
	if n == 0 {
		t.Error("there is no configuration")
	}
}

// TestExamples_HaveReadmes expects every example that is a configuration of its own to have a README of a
// few lines, and tests for its users where it is one that they begin with.
func TestExamples_HaveReadmes(t *testing.T) {
	files := publishedFiles(t)
	tested := []string{"browser", "github-actions", "quickstart", "rotate", "switch-fleet", "switch-one-shop", "vault-tokens"}
	for name := range files {
		dir, _, _ := strings.Cut(name, "/")
		switch dir {
		case "actions", "data-sources", "functions", "list-resources", "modules", "provider", "resources":
			continue
		}
		if lines := strings.Count(files[dir+"/README.md"], "\n"); lines < 3 {
			t.Errorf("%s has a README.md of %d lines", dir, lines)
		}
	}
	for _, dir := range tested {
		if files[dir+"/tests/"+dir+".tftest.hcl"] == "" {
			t.Errorf("%s has no tests for its users", dir)
		}
	}
}

// TestAccImportCommands_ChangeNothing runs the import command that is published for each resource, with the
// configuration that is published beside it, and plans the import block. Neither changes anything at the
// vendors. Then it applies both.
func TestAccImportCommands_ChangeNothing(t *testing.T) {
	t.Parallel()
	addresses := map[string]string{
		"kustom_api_key":                      keyAddress,
		"kustom_api_keys_exclusive":           "kustom_api_keys_exclusive.butikk",
		"kustom_mystore_connection":           "kustom_mystore_connection.butikk",
		"kustom_mystore_fleet":                "kustom_mystore_fleet.norway",
		"mystore_klarna_checkout_credentials": shopAddress,
	}
	// The shops that use a key which the example deletes, and which it gives no other.
	uses := map[string][]string{
		"kustom_api_key":            {"butikk", "nettbutikk"},
		"kustom_api_keys_exclusive": {"nettbutikk"},
	}
	resources, err := fs.ReadDir(examples.FS, "resources")
	if err != nil || len(resources) != len(addresses) {
		t.Fatalf("%d resources have examples, %d are known here: %v", len(resources), len(addresses), err)
	}
	for _, entry := range resources {
		name := entry.Name()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := allShops()
			w := newTestEnv(t, testEnvOptions{seed: &seed})
			w.sandbox.mustInstall("butikk", exampleUsername, exampleSecret)
			dir := "resources/" + name + "/"
			w.write(t, "main.tf", example(t, dir+"terraform.tf", dir+"resource.tf"))
			w.sandbox.ResetRequests()
			command := strings.Fields(lastLine(example(t, dir+"import.sh")))
			if len(command) != 4 || command[0] != "terraform" || command[1] != "import" || command[2] != addresses[name] {
				t.Fatalf("the command is %q", command)
			}
			got := w.terraform(t, "import", "-input=false", "-no-color", command[2], command[3])
			if got.code != 0 || !strings.Contains(got.output, "Import successful!") {
				t.Errorf("exit code %d:\n%s", got.code, got.output)
			}
			if state := w.state(t); len(state) != 1 || state[0].Type+"."+state[0].Name != command[2] {
				t.Errorf("the state has %v, want %s", state, command[2])
			}
			mustHaveChangedInOrder(t, w)
			w.write(t, "terraform.tfstate", "")
			w.write(t, "import.tf", example(t, dir+"import-by-string-id.tf"))
			if got := w.terraform(t, "plan", "-input=false", "-no-color"); got.code != 0 || !strings.Contains(got.output, "Plan: 1 to import, ") ||
				!strings.Contains(got.output, `(imported from "`+command[3]+`")`) && !strings.Contains(got.output, "# "+command[2]+" will be imported") {
				t.Errorf("the import block: exit code %d:\n%s", got.code, got.output)
			}
			for _, shop := range uses[name] {
				w.sandbox.mustInstall(shop, "", "")
			}
			w.mustApply(t)
			w.mustBeEmpty(t)
		})
	}
}

// allShops are the shops that the examples name, those of the sandbox among them, with keys of Kustom's
// that the example of a fleet has no reason to rotate.
func allShops() sandbox.Seed {
	seed, description := exampleWithThreeShops(), "webshop"
	for _, store := range seed.Stores[len(exampleSeed().Stores):] {
		for i := range store.Keys {
			key := &store.Keys[i]
			key.Host, key.CreatedAt, key.Description = kustomHost, seed.Stores[0].Keys[0].CreatedAt, &description
		}
	}
	return seed
}

// exampleWithThreeShops is the store and the shops that the examples name, and those of the sandbox on their legacy keys.
func exampleWithThreeShops() sandbox.Seed {
	seed, three := exampleSeed(), sandbox.ThreeShops()
	seed.Stores, seed.Shops = append(seed.Stores, three.Stores...), append(seed.Shops, three.Shops...)
	return seed
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
