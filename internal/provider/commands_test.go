package provider_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// runBy is who runs a command that TestAccDocumentedCommands_Succeed does not run: a test, or .ci/run.
type runBy struct{ by, why string }

// runElsewhere has the commands that are run elsewhere, whatever document they are in.
var runElsewhere = map[string]runBy{
	"make demo":              {".ci/run", "takes as long as all other commands together"},
	"DEMO_KEEP=1 make demo":  {"TestDemo_KeepsPagesIfAsked", "ends with Ctrl-C, and not by itself"},
	"make test":              {".ci/run", "would run this test"},
	"make bench":             {"TestAccBench_MeasuresEachWay", "takes hours; the test measures three shops"},
	"make sandbox":           {"TestRun_Serves", "ends with Ctrl-C, and not by itself"},
	"make build":             {"TestAccInstallGuide_UsesBuildOfTheRepository", "is for somebody with this repository"},
	"make install":           {"TestAccInstall_InstallsForUser", "writes to somebody's home"},
	"make install VERSION=…": {"TestAccInstall_InstallsForUser", "writes to somebody's home"},
	"make uninstall":         {"TestAccInstall_InstallsForUser", "removes something from somebody's home"},
	loginCommand:             {"TestAccLoginCommand_IsWhereInitPutsIt", "opens windows for somebody to sign in"},

	"terraform test": {"TestAccExamples_PassTheirOwnTests", "runs the tests of every example"},

	"terraform query":           {"TestAccLists_RunPublishedExamples", "needs Terraform 1.14"},
	"terraform apply -invoke=…": {"TestAccVerifyCredentials_FollowsChange", "needs Terraform 1.14"},
	`terraform apply -invoke='action.kustom_verify_credentials.shop["M00412871"]'`: {"TestAccVerifyCredentials_FollowsChange", "needs Terraform 1.14"},

	"export KUSTOM_ENVIRONMENT=playground": {"TestProvider_SwitchesShopOfPlayground", "is for other stores than the example's"},

	"vault kv put secret/kustom/portal portal_token=…":                        {"TestAccExamples_StoreNoSecret", "a stand-in for Vault holds what it puts"},
	`vault kv put secret/kustom/mystore-tokens @tokens.json # {"<shop>":"…"}`: {"TestAccExamples_StoreNoSecret", "a stand-in for Vault holds what it puts"},
}

// loginCommand is how the documents sign in, with the provider that terraform init has fetched.
const loginCommand = ".terraform/providers/*/storefront-iac/kustom/*/*/terraform-provider-kustom_v* login --mystore butikk"

// walkthrough is how the commands of a document are run: one after the other, in the directory of an
// example, after those before.
type walkthrough struct {
	example string
	before  []string
	// way is how the vendors are reached.
	way string
	// elsewhere is set for a document whose commands another test runs.
	elsewhere runBy
}

// walkthroughs has the documents whose commands are not simply run in the directory that they are in.
var walkthroughs = map[string]walkthrough{
	"README.md": {example: "connections"},
	"templates/guides/where-the-secret-goes.md.tmpl": {example: "switch", before: []string{"terraform init", "terraform apply"}},
	"templates/guides/switch-one-shop.md.tmpl":       {example: "switch-one-shop"},
	"templates/guides/review-a-plan.md":              {example: "connections"},
	"templates/guides/with-only-your-logins.md.tmpl": {example: "browser", way: waysPages},
	"examples/browser/README.md":                     {example: "browser", way: waysPages},
	"templates/guides/install.md":                    {elsewhere: runBy{"TestAccInstallGuide_UsesBuildOfTheRepository", "needs a build of this repository"}},
	"templates/guides/begin-with-your-shops.md":      {elsewhere: runBy{"TestAccInit_PlansWithoutChange", "begins with a folder that is not there yet"}},
	"templates/guides/move-between-the-ways.md.tmpl": {
		elsewhere: runBy{"TestAccMove_KeepsKeys", "the configuration changes between the commands"},
	},
	"examples/confirm/README.md":                  {elsewhere: runBy{"TestAccConfirmExample_SaysWhatIsLeft", "the plan fails before a switch"}},
	"examples/fleet-sharded/README.md":            {elsewhere: runBy{"TestAccShards_SwitchOneByOne", "needs PostgreSQL"}},
	"examples/fleet-sharded-terragrunt/README.md": {elsewhere: runBy{"TestTerragrunt_GivesEachShardItsState", "Terragrunt's part is worked out by the test"}},
}

// TestAccDocumentedCommands_Succeed runs every command of the README, of the guides and of the examples' READMEs,
// but those that are said to be run elsewhere.
func TestAccDocumentedCommands_Succeed(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	var runs []documentedRun
	for _, file := range append(documents(t), exampleReadmes(t)...) {
		here := walkthroughs[file]
		if here.example == "" {
			here.example = filepath.Base(filepath.Dir(file))
		}
		var script []string
		for _, command := range commandsOf(t, file) {
			needed[file] = true
			if _, ok := runElsewhere[command]; ok {
				needed[command] = true
			} else if here.elsewhere.by == "" {
				script = append(script, command)
			}
		}
		if len(script) > 0 {
			runs = append(runs, documentedRun{file, here, script})
		}
	}
	for i, documented := range runs {
		if slices.ContainsFunc(runs[:i], documented.isPartOf) || slices.ContainsFunc(runs[i+1:], documented.beginsOther) {
			continue
		}
		t.Run(documented.file, func(t *testing.T) {
			t.Parallel()
			here, script := documented.walkthrough, documented.script
			w := newTestEnv(t, testEnvOptions{installed: true, way: here.way}).checkOut(t, here.example)
			w.serveVault(t, nil)
			w.set("TF_CLI_ARGS_apply", "-auto-approve")
			w.set("TF_INPUT", "0")
			w.set("TF_CLI_ARGS", "-no-color")
			if here.example == "switch-fleet" {
				w.useTokensFile(t)
			}
			if here.before == nil && !strings.HasPrefix(strings.Join(script, "\n"), "terraform init") {
				here.before = []string{"terraform init -backend=false"}
			}
			script = slices.DeleteFunc(slices.Concat(here.before, script), w.hasSet)
			if i := slices.IndexFunc(script, func(command string) bool { return strings.ContainsAny(command, "…<") }); i >= 0 {
				t.Fatalf("who runs %q, which is to be filled in by the reader?", script[i])
			}
			if got := w.shell(t, "set -x\n"+strings.Join(script, "\n")); got.code != 0 {
				t.Errorf("exit code %d:\n%s", got.code, got.output)
			}
		})
	}
	for command := range runElsewhere {
		if !needed[command] {
			t.Errorf("%q is in no document any more", command)
		}
	}
	for file := range walkthroughs {
		if !needed[file] {
			t.Errorf("%s has no commands any more", file)
		}
	}
}

// documentedRun is what a document has its reader do.
type documentedRun struct {
	file string
	walkthrough
	script []string
}

// commands are those that do something. The tests set the variables themselves.
func (d documentedRun) commands() string {
	all := slices.DeleteFunc(slices.Concat(d.before, d.script), func(command string) bool { return strings.HasPrefix(command, "export ") })
	return strings.Join(all, "\n") + "\n"
}

// isPartOf reports whether another document has all of it, in the same example.
func (d documentedRun) isPartOf(other documentedRun) bool {
	return d.example == other.example && d.way == other.way && strings.HasPrefix(other.commands(), d.commands())
}

// beginsOther reports whether another document has all of it, and more.
func (d documentedRun) beginsOther(other documentedRun) bool {
	return d.isPartOf(other) && d.commands() != other.commands()
}

// TestRunElsewhere_NamesTests that there are.
func TestRunElsewhere_NamesTests(t *testing.T) {
	t.Parallel()
	sources := strings.Join(slices.Collect(maps.Values(testSources(t, "../../*_test.go", "../../cmd/*/*_test.go", "*_test.go"))), "")
	ci := read(t, "../../.ci/run")
	all := maps.Clone(runElsewhere)
	for file, w := range walkthroughs {
		if w.elsewhere.by != "" {
			all[file] = w.elsewhere
		}
	}
	for what, run := range all {
		if run.by == ".ci/run" && !strings.Contains(ci, "\nstage "+what+"\n") || run.by != ".ci/run" && !strings.Contains(sources, "\nfunc "+run.by+"(t ") {
			t.Errorf("there is no %s to run %s", run.by, what)
		}
	}
}

// TestAccLoginCommand_IsWhereInitPutsIt runs the program that the documents sign in with, where terraform init puts it.
func TestAccLoginCommand_IsWhereInitPutsIt(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{installed: true}).checkOut(t, "browser")
	program, found := strings.CutSuffix(loginCommand, " login --mystore butikk")
	if !found {
		t.Fatalf("%q does not sign in", loginCommand)
	}
	if got := w.shell(t, "terraform init -backend=false && "+program+" --version"); got.code != 0 || !strings.Contains(got.output, "kustom") {
		t.Errorf("exit code %d:\n%s", got.code, got.output)
	}
}

// hasSet reports whether a command sets a variable to something that the reader has to fill in, and that
// this environment has already.
func (w *testEnv) hasSet(command string) bool {
	assignment, found := strings.CutPrefix(command, "export ")
	name, value, _ := strings.Cut(assignment, "=")
	return found && strings.ContainsAny(value, "…<") &&
		slices.ContainsFunc(w.env, func(variable string) bool { return strings.HasPrefix(variable, name+"=") })
}

var (
	// code is what a document has as code: a block, an indented line, or a part of a sentence.
	code    = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$|^ {4,}([^ \n][^\n]*)$|`([^`]+)`")
	command = regexp.MustCompile(`^([A-Z_]+=[^ ]* )*((terraform|tofu|make|vault|terragrunt|export|git|go) [^ ]|\.ci/run|\.terraform/)`)
)

// commandsOf returns the commands in a document, in its order.
func commandsOf(t *testing.T, file string) []string {
	t.Helper()
	var commands []string
	for _, match := range code.FindAllStringSubmatch(read(t, filepath.Join("../..", file)), -1) {
		language, block, indented, span := match[1], match[2], match[3], strings.Join(strings.Fields(match[4]), " ")
		switch {
		case slices.Contains([]string{"sh", "shell", "bash", "console"}, language):
			for line := range strings.Lines(block) {
				commands = append(commands, strings.TrimSpace(line))
			}
		case command.MatchString(indented):
			line, _, _ := strings.Cut(indented, "   #")
			commands = append(commands, strings.TrimSpace(line))
		case command.MatchString(span):
			commands = append(commands, span)
		}
	}
	return commands
}

// exampleReadmes returns the READMEs of the examples.
func exampleReadmes(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../../examples/*/README.md")
	if err != nil || len(found) == 0 {
		t.Fatalf("no example has a README: %v", err)
	}
	for i, file := range found {
		found[i] = strings.TrimPrefix(file, "../../")
	}
	return found
}

// TestDocuments_ShowConfigurationsOfExamples expects what the README and the guides show of a configuration to be what an
// example has, apart from comments, or to be known here.
func TestDocuments_ShowConfigurationsOfExamples(t *testing.T) {
	t.Parallel()
	published := ""
	for name, content := range publishedFiles(t) {
		if filepath.Ext(name) == ".tf" {
			published += uncommented(content) + "\n"
		}
	}
	// What TestAccInstallGuide_UsesBuildOfTheRepository and TestMoveGuide_ListsShopsAsItSays know.
	known := regexp.MustCompile(`^(provider_installation \{|locals \{\n  shops = )`)
	shown := 0
	for _, file := range documents(t) {
		for _, block := range append(blocksOf(t, file, "hcl"), blocksOf(t, file, "terraform")...) {
			shown++
			if !known.MatchString(block) && !strings.Contains(published, uncommented(block)) {
				t.Errorf("%s shows what no example has:\n%s", file, block)
			}
		}
	}
	if shown == 0 {
		t.Error("nothing is shown")
	}
}

var comments = regexp.MustCompile(`(?m) *#.*$`)

// uncommented returns a configuration without comments and blank lines.
func uncommented(configuration string) string {
	lines := slices.DeleteFunc(strings.Split(comments.ReplaceAllString(configuration, ""), "\n"), func(line string) bool {
		return strings.TrimSpace(line) == ""
	})
	return strings.Join(lines, "\n")
}

// TestMoveGuide_ListsShopsAsItSays works out what the guide says about the two forms of the list of shops, and finds the plan
// of each move.
func TestMoveGuide_ListsShopsAsItSays(t *testing.T) {
	t.Parallel()
	const guide = "templates/guides/move-between-the-ways.md.tmpl"
	stores, want := map[string]cty.Value{}, map[string]string{}
	for _, shop := range sandbox.ThreeShops().Shops {
		stores[shop.MerchantID], want[shop.Name] = cty.StringVal(shop.Name), shop.MerchantID
	}
	config := blocksOf(t, guide, "terraform")[0] + "variable \"stores\" {}\noutput \"shops\" {\n  value = local.shops\n}\n"
	m, err := tfdriver.ParseModule(map[string]string{"main.tf": config}, map[string]cty.Value{"stores": cty.MapVal(stores)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Output("shops", tfdriver.NewState())
	if err != nil {
		t.Fatal(err)
	}
	if shops := decodedJSON(t, got); fmt.Sprint(shops) != fmt.Sprint(want) {
		t.Errorf("the shops are %v, want %v", shops, want)
	}
	text := read(t, filepath.Join("../..", guide))
	for _, move := range moves {
		if !strings.Contains(text, "*"+move.want+"*") || !strings.Contains(text, `tffile "examples/`+move.example+`/main.tf"`) {
			t.Errorf("the guide does not say of %s: *%s*", move.example, move.want)
		}
	}
}

// TestAccInstallGuide_UsesBuildOfTheRepository uses a build of the repository as the guide says.
func TestAccInstallGuide_UsesBuildOfTheRepository(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{external: true}).checkOut(t, "quickstart")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	shown := blocksOf(t, "templates/guides/install.md", "hcl")
	i := slices.IndexFunc(shown, func(b string) bool { return strings.HasPrefix(b, "provider_installation {") })
	if i < 0 {
		t.Fatal("the guide does not say how")
	}
	config := filepath.Join(t.TempDir(), "tfrc")
	content := edit(t, shown[i], "<this repository>", root)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	w.set("TF_CLI_CONFIG_FILE", config)
	if got := w.shell(t, "make -C "+root+" build\nterraform plan"); got.code != 0 || !strings.Contains(got.output, "1 to add, 0 to change, 0 to destroy") {
		t.Errorf("exit code %d:\n%s", got.code, got.output)
	}
}
