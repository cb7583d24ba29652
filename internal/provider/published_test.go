package provider_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// exampleRuns names, for every published file, a test that runs it. A name that ends with a slash stands
// for all files below it, but those that have a line of their own.
var exampleRuns = map[string]string{
	"rotate-connections/":                                 "TestAccRotateConnections_RotatesOnlyNamedShops",
	"rotate-connections/tests/":                           "TestAccExamples_PassTheirOwnTests",
	"secret-from-vault/":                                  "TestAccSecretFromVault_IsStoredNowhere",
	"actions/kustom_create_test_order/":                   "TestAccActions_RunAfterATrigger",
	"actions/kustom_verify_credentials/":                  "TestAccActions_RunAfterATrigger",
	"browser/":                                            "TestAccBrowserExample_NeedsOnlySessions",
	"browser/tests/":                                      "TestAccExamples_PassTheirOwnTests",
	"confirm/":                                            "TestAccConfirm",
	"connections-modules/":                                "TestAccModules_SwitchEachShop",
	"connections-to-fleet/":                               "TestAccMove_KeepsKeysThroughFleet",
	"connections-to-pairs/":                               "TestAccMove_KeepsKeysFromPairsToConnections",
	"connections/":                                        "TestAccExamples_SwitchOnlyTheirShops",
	"connections/tests/":                                  "TestAccExamples_PassTheirOwnTests",
	"data-sources/kustom_api_keys/":                       "TestAccI5_NextRunPutsRightAKill",
	"data-sources/kustom_endpoint_status/":                "TestAccDataSources",
	"data-sources/kustom_legacy_integrations/":            "TestAccDataSources",
	"data-sources/kustom_stores/":                         "TestAccDataSources",
	"data-sources/kustom_support_bundle/":                 "TestAccDataSources",
	"encrypted-state/":                                    "TestAccEncryptedState_HidesSecrets",
	"ephemeral-tokens/":                                   "TestAccEphemeralTokens_AreStoredNowhere",
	"fleet-sharded-terragrunt/":                           "TestTerragrunt_LeadsEachShardToItsState",
	"fleet-sharded/":                                      "TestAccShards_SwitchEachOnItsOwn",
	"fleet-sharded/github-actions.yml":                    "TestAccShardWorkflow_SwitchesShardsSideBySide",
	"fleet-sharded/locks.sql":                             "TestAccShards_LockEachState",
	"fleet-to-connections/":                               "TestAccMove_KeepsKeysThroughFleet",
	"fleet/":                                              "TestAccExamples_SwitchOnlyTheirShops",
	"fleet/tests/":                                        "TestAccExamples_PassTheirOwnTests",
	"list-resources/kustom_api_key/":                      "TestAccLists_RunPublishedExamples",
	"list-resources/mystore_klarna_checkout_credentials/": "TestAccLists_RunPublishedExamples",
	"modules/shop-connection/":                            "TestAccModules_SwitchEachShop",
	"modules/shop-pair/":                                  "TestAccModules_SwitchEachShop",
	"pairs-to-connections/":                               "TestAccMove_KeepsKeysFromPairsToConnections",
	"pairs-to-fleet/":                                     "TestAccMove_KeepsKeysThroughFleet",
	"provider/":                                           "TestAccProviderPlayground",
	"quickstart/":                                         "TestAccExamples_SwitchOnlyTheirShops",
	"quickstart/tests/":                                   "TestAccExamples_PassTheirOwnTests",
	"resources/":                                          "TestAccImportCommands_ChangeNothing",
	"resources/mystore_klarna_checkout_credentials/resource_write_only.tf": "TestAccImportByIdentity",
	"rotate/":                "TestAccRotateExample",
	"rotate/tests/":          "TestAccExamples_PassTheirOwnTests",
	"switch-fleet-vault/":    "TestAccVault_TokensAreStoredNowhere",
	"switch-fleet/":          "TestAccFleet_SwitchesListOfASpreadsheet",
	"switch-modules/":        "TestAccModules_SwitchEachShop",
	"switch-one-shop/":       "TestAccSwitchOneShop_WarnsOfTrafficToKlarna",
	"switch-one-shop/tests/": "TestAccExamples_PassTheirOwnTests",
	"switch/":                "TestAccSwitch",
	"verify-after-change/":   "TestAccVerifyCredentials_FollowsChange",
	"vault-tokens/":          "TestAccVault_TokensAreStoredNowhere",
	"vault-tokens/tests/":    "TestAccExamples_PassTheirOwnTests",
	"waves/":                 "TestAccWaves_LeaveReplacedKeysToALaterRun",
	"functions/shop_list/":   "TestAccShopList_SwitchesInWaves",
	"github-actions/":        "TestAccPlanWorkflow_AppliesReviewedPlan",
	"gitlab-ci/":             "TestAccGitLabPipeline_AppliesReviewedPlan",
	"github-actions/tests/":  "TestAccExamples_PassTheirOwnTests",
}

// TestExamples_AreAllRun expects each published file to have a test, and nothing in the list to be left
// of what is gone.
func TestExamples_AreAllRun(t *testing.T) {
	tests, sources := packageTests(t)
	used := map[string]bool{}
	for name, content := range publishedFiles(t) {
		if path.Ext(name) == ".tf" {
			// An example may run another one, such as a module.
			sources += content
		}
		run := name
		for exampleRuns[run] == "" && strings.Contains(strings.TrimSuffix(run, "/"), "/") {
			run = path.Dir(strings.TrimSuffix(run, "/")) + "/"
		}
		if exampleRuns[run] == "" && path.Base(name) != "README.md" {
			t.Errorf("%s: no test is named in exampleRuns that runs it", name)
		}
		used[run] = true
	}
	for run, test := range exampleRuns {
		switch {
		case !used[run]:
			t.Errorf("%s: there is no such example", run)
		case !slices.Contains(tests, test):
			t.Errorf("%s: there is no test %s", run, test)
		case !strings.Contains(sources, path.Base(run)):
			t.Errorf("%s: no test names %s", run, path.Base(run))
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

// packageTests returns the names of this package's tests, and their source without the list above.
func packageTests(t *testing.T) (names []string, source string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		content := read(t, name)
		file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && strings.HasPrefix(function.Name.Name, "Test") {
				names = append(names, function.Name.Name)
			}
		}
		if before, list, found := strings.Cut(content, "var exampleRuns = "); found {
			_, after, _ := strings.Cut(list, "\n}\n")
			content = before + after
		}
		source += content
	}
	return names, source
}

// TestExamples_Parse parses every published configuration, those of newer versions of Terraform than the
// one that runs the tests among them.
func TestExamples_Parse(t *testing.T) {
	parser, n := hclparse.NewParser(), 0
	for name, content := range publishedFiles(t) {
		if !slices.Contains([]string{".tf", ".tofu", ".hcl"}, path.Ext(name)) {
			continue
		}
		n++
		if _, diags := parser.ParseHCL([]byte(content), name); diags.HasErrors() {
			t.Error(diags)
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
			if err := w.sandbox.Install("butikk", exampleUsername, exampleSecret); err != nil {
				t.Fatal(err)
			}
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
				if err := w.sandbox.Install(shop, "", ""); err != nil {
					t.Fatal(err)
				}
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
