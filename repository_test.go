package main

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// workflow has the parts of a GitHub Actions workflow that the tests check.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]job    `yaml:"jobs"`
}

type job struct {
	Uses    string `yaml:"uses"`
	Timeout int    `yaml:"timeout-minutes"`
	Steps   []struct {
		Uses string         `yaml:"uses"`
		Run  string         `yaml:"run"`
		With map[string]any `yaml:"with"`
	} `yaml:"steps"`
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(".github/workflows/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no workflows (%v)", err)
	}
	found := map[string]workflow{}
	for _, file := range files {
		var w workflow
		if err := yaml.Unmarshal([]byte(readFile(t, file)), &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[file] = w
	}
	return found
}

var (
	usesLine = regexp.MustCompile(`(?m)^[ -]*uses: *(.*)$`)
	// pinned is an action by its full commit, which can't move as a tag can, and a comment with its version.
	pinned = regexp.MustCompile(`^[a-zA-Z0-9-]+/[a-zA-Z0-9./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// TestWorkflows_PinActions checks every line of .github, also in comments and templates.
func TestWorkflows_PinActions(t *testing.T) {
	t.Parallel()
	actions := 0
	err := filepath.WalkDir(".github", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, line := range usesLine.FindAllStringSubmatch(readFile(t, path), -1) {
			actions++
			if !pinned.MatchString(line[1]) && !strings.HasPrefix(line[1], "./") {
				t.Errorf("%s: %q is not pinned to a commit, with its version", path, line[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if actions == 0 {
		t.Error("no action was found: the test shows nothing")
	}
}

// A workflow declares its permissions and its time limits, and leaves no token in the checkout.
func TestWorkflows_HaveFewPermissions(t *testing.T) {
	t.Parallel()
	for file, w := range workflows(t) {
		if !maps.Equal(w.Permissions, map[string]string{"contents": "read"}) {
			t.Errorf("%s: the permissions are %v", file, w.Permissions)
		}
		for name, j := range w.Jobs {
			if j.Uses == "" && j.Timeout == 0 {
				t.Errorf("%s: job %s has no time limit", file, name)
			}
			for _, step := range j.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: job %s keeps the token in the checkout", file, name)
				}
			}
		}
	}
}

var (
	comment    = regexp.MustCompile(`(?m)^ *#.*$`)
	target     = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	targetCall = regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)
	targetName = regexp.MustCompile("`(?:[A-Z_]+=[^ `]+ )?make ([a-z][a-z-]*)")
)

// targets returns the make targets that a text calls.
func targets(text string) map[string]bool {
	called := map[string]bool{}
	for _, call := range targetCall.FindAllStringSubmatch(comment.ReplaceAllString(text, ""), -1) {
		called[call[1]] = true
	}
	return called
}

// make install installs the result of make build. Both build as a release does.
func TestInstall_ReusesBuild(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args    []string
		version string
	}{
		{[]string{"build", "install"}, "0.0.1"},
		{[]string{"build"}, "0.0.1"},
		{[]string{"install"}, "0.0.1"},
		{[]string{"install", "VERSION=9.9.9"}, "9.9.9"},
	} {
		// Make takes main.go as new, and prints its commands only.
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"--dry-run", "--what-if=main.go"}, test.args...)...)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") })
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make %q: %v: %s", test.args, err, output)
		}
		var builds []string
		for line := range strings.Lines(string(output)) {
			if strings.HasPrefix(line, "go build ") {
				builds = append(builds, line)
			}
		}
		if len(builds) != 1 || !strings.Contains(builds[0], "-trimpath -ldflags '-s -w -X main.version="+test.version+"'") {
			t.Errorf("make %q builds %q", test.args, builds)
		}
	}
}

// The workflows, .ci/run and the documents name only existing targets, and CI runs everything that .ci/run runs.
func TestMake_TargetsAreDocumented(t *testing.T) {
	t.Parallel()
	exists := map[string]bool{}
	for _, found := range target.FindAllStringSubmatch(readFile(t, "GNUmakefile"), -1) {
		exists[found[1]] = true
	}
	called := map[string]map[string]bool{".ci/run": targets(readFile(t, ".ci/run"))}
	for file, w := range workflows(t) {
		called[file] = map[string]bool{}
		for _, j := range w.Jobs {
			for _, step := range j.Steps {
				maps.Copy(called[file], targets(step.Run))
			}
		}
	}
	for _, file := range []string{"README.md", "CONTRIBUTING.md", "contributing/changes.md", "contributing/release.md", "SECURITY.md"} {
		called[file] = map[string]bool{}
		for _, name := range targetName.FindAllStringSubmatch(readFile(t, file), -1) {
			called[file][name[1]] = true
		}
	}
	for file, calls := range called {
		if len(calls) == 0 {
			t.Errorf("%s calls no target", file)
		}
		for name := range calls {
			if !exists[name] {
				t.Errorf("%s calls make %s, which does not exist", file, name)
			}
		}
	}
	for name := range called[".ci/run"] {
		if !called[".github/workflows/ci.yml"][name] {
			t.Errorf("make %s is part of .ci/run and not of the workflow", name)
		}
	}
}

// With DEMO_KEEP, make demo passes -keep to the demo.
func TestDemo_KeepsPagesIfAsked(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]bool{"DEMO_KEEP=1": true, "DEMO_KEEP=": false} {
		output, err := exec.CommandContext(t.Context(), "make", "--dry-run", "demo", "TF=go", setting).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		if kept := strings.Contains(string(output), "/demo -tf ") && strings.Contains(string(output), " -keep"); kept != want {
			t.Errorf("%s: the demo keeps the pages up: %v, want %v:\n%s", setting, kept, want, output)
		}
	}
}

// providerSchemas returns the schemas of everything that the provider has.
func providerSchemas(t *testing.T) *tfprotov6.GetProviderSchemaResponse {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(provider.New(provider.Options{})())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return schemas
}

func TestChangelog_NamesEveryObject(t *testing.T) {
	t.Parallel()
	schemas := providerSchemas(t)
	text := readFile(t, "CHANGELOG.md")
	for kind, names := range map[string][]string{
		"Resource":           slices.Sorted(maps.Keys(schemas.ResourceSchemas)),
		"Data Source":        slices.Sorted(maps.Keys(schemas.DataSourceSchemas)),
		"Ephemeral Resource": slices.Sorted(maps.Keys(schemas.EphemeralResourceSchemas)),
		"List Resource":      slices.Sorted(maps.Keys(schemas.ListResourceSchemas)),
		"Action":             slices.Sorted(maps.Keys(schemas.ActionSchemas)),
		"Function":           slices.Sorted(maps.Keys(schemas.Functions)),
	} {
		for _, name := range names {
			if entry := "* **New " + kind + ":** `" + name + "`"; !strings.Contains(text, entry) {
				t.Errorf("CHANGELOG.md has no %q", entry)
			}
		}
	}
}

// The release notes are the version's section of the changelog. Without one, there is no release.
func TestReleaseNotes_TakeChangelogSection(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("scripts/release-notes.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changelog := "## 0.3.0 (Unreleased)\n\n* New\n\n## 0.2.0 (March 3, 2026)\n\nNOTES:\n\n* Two\n\n## 0.1.0 (January 2, 2026)\n\n* One\n"
	if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(changelog), 0o600); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{
		"v0.2.0": "\nNOTES:\n\n* Two\n", "v0.1.0": "\n* One\n", "v0.3.0": "", "v0.2": "", "v0.4.0": "",
	} {
		cmd := exec.CommandContext(t.Context(), script, tag)
		cmd.Dir = dir
		got, err := cmd.Output()
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q (%v), want %q", tag, got, err, want)
		}
	}
}

// The manifest fits the provider, and the licences are checked for each released operating system.
func TestRelease_FitsProviderAndLicenceCheck(t *testing.T) {
	t.Parallel()
	var manifest struct {
		Version  int
		Metadata struct {
			Protocols []string `json:"protocol_versions"`
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, "terraform-registry-manifest.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Version != 1 || !slices.Equal(manifest.Metadata.Protocols, []string{"6.0"}) {
		t.Errorf("the manifest says %+v", manifest)
	}
	var release struct {
		Builds []struct{ GOOS []string }
	}
	if err := yaml.Unmarshal([]byte(readFile(t, ".goreleaser.yml")), &release); err != nil {
		t.Fatal(err)
	}
	checked := regexp.MustCompile(`(?m)^SYSTEMS := (.*)$`).FindStringSubmatch(readFile(t, "GNUmakefile"))
	if checked == nil || len(release.Builds) != 1 {
		t.Fatal("the test can't find the operating systems")
	}
	released := release.Builds[0].GOOS
	slices.Sort(released)
	if got := strings.Fields(checked[1]); !slices.Equal(slices.Sorted(slices.Values(got)), released) {
		t.Errorf("the licences are checked for %v, and the releases are for %v", got, released)
	}
}

// task is the beginning of a page: a verb for what the object does.
var task = regexp.MustCompile(`^(Begins|Checks|Collects|Generates|Installs|Keeps|Lists|Shows|Switches) [a-z]`)

// Each page of the documentation begins with its task, has a complete example and, for a resource, ends with the
// import.
func TestPages_HaveFormOfRegistry(t *testing.T) {
	t.Parallel()
	schemas := providerSchemas(t)
	for kind, types := range map[string]struct {
		keyword string
		names   []string
	}{
		"resources":      {"resource", slices.Sorted(maps.Keys(schemas.ResourceSchemas))},
		"data-sources":   {"data", slices.Sorted(maps.Keys(schemas.DataSourceSchemas))},
		"list-resources": {"list", slices.Sorted(maps.Keys(schemas.ListResourceSchemas))},
		"functions":      {"function", slices.Sorted(maps.Keys(schemas.Functions))},
		"actions":        {"action", slices.Sorted(maps.Keys(schemas.ActionSchemas))},
	} {
		pages, err := filepath.Glob("docs/" + kind + "/*.md")
		if err != nil || len(pages) != len(types.names) {
			t.Errorf("docs/%s has %d pages for %d objects (%v)", kind, len(pages), len(types.names), err)
		}
		for _, name := range types.names {
			page := "docs/" + kind + "/" + strings.TrimPrefix(name, "kustom_") + ".md"
			sections := strings.Split(readFile(t, page), "\n## ")
			_, begins, _ := strings.Cut(sections[0], "\n---\n\n# ")
			if _, begins, _ = strings.Cut(begins, "\n\n"); !task.MatchString(begins) {
				t.Errorf("%s does not begin with a task: %.60q", page, begins)
			}
			if len(sections) < 3 {
				t.Errorf("%s has %d sections", page, len(sections))
				continue
			}
			if kind == "functions" {
				checkExample(t, page, sections[1], "locals {\n  shops = provider::kustom::"+name+"(")
				continue
			}
			checkExample(t, page, sections[1], types.keyword+` "`+name+`" "`)
			last := sections[len(sections)-1]
			if kind != "resources" {
				if !strings.HasPrefix(last, "Schema\n") {
					t.Errorf("%s ends with %.20q", page, last)
				}
				continue
			}
			for _, want := range []string{"Import\n", "import {", "\n  id ", "\n  identity = {", "\nterraform import " + name + "."} {
				if !strings.Contains(last, want) {
					t.Errorf("%s ends without %q:\n%s", page, want, last)
				}
			}
		}
	}
}

// The index page says what the provider does, and that a part of it is assumed. It has an example and links to every guide.
func TestIndexPage_StartsWithTask(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs/index.md")
	for _, want := range []string{"\n---\n\n# kustom Provider\n\nMoves Mystore shops ", "is assumed", "source = \"storefront-iac/kustom\"\n", "\nprovider \"kustom\" {", "\nresource \"kustom_mystore_connection\" \""} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	guides, err := filepath.Glob("docs/guides/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("there are no guides: %v", err)
	}
	for _, guide := range guides {
		if name := filepath.Base(guide); !strings.Contains(page, "](guides/"+name+")") {
			t.Errorf("the page has no link to %s", guide)
		}
	}
}

// checkExample expects the example of a page to have the provider's source, without which Terraform looks for the
// provider elsewhere, and a block that begins with begins.
func checkExample(t *testing.T, page, section, begins string) {
	t.Helper()
	for _, want := range []string{"Example Usage\n", "source = \"storefront-iac/kustom\"\n", "\n" + begins} {
		if !strings.Contains(section, want) {
			t.Errorf("%s: its example has no %q", page, want)
		}
	}
	if strings.Contains(begins, `"mystore_`) && !strings.Contains(section, "\n  provider = kustom\n") {
		t.Errorf("%s: its example does not name the provider", page)
	}
}

var (
	link = regexp.MustCompile(`\]\(([^)#:]*)(?:#([^):]*))?\)`)
	// published is a link from a guide to the repository. The registry has no other files than the guides.
	published = regexp.MustCompile(`https://github\.com/storefront-iac/terraform-provider-kustom/(?:tree|blob)/main/([^)# ]+)`)
)

// documents returns all Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var documents []string
	for _, pattern := range []string{"*.md", "adr/*.md", "contributing/*.md", "docs/*.md", "docs/*/*.md", "examples/*/README.md", "examples/modules/*/README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		documents = append(documents, files...)
	}
	return documents
}

// Each link within the repository leads to a file, and to a heading of that file.
func TestLinks_LeadSomewhere(t *testing.T) {
	t.Parallel()
	links, anchors := 0, 0
	for _, file := range documents(t) {
		text := readFile(t, file)
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target, anchor := file, found[2]
			if found[1] != "" {
				target = filepath.Join(filepath.Dir(file), found[1])
			}
			links++
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: broken link: %v", file, err)
			} else if anchor != "" {
				anchors++
				if !slices.Contains(headings(readFile(t, target)), anchor) {
					t.Errorf("%s: broken link: %s has no heading #%s", file, target, anchor)
				}
			}
		}
		for _, found := range published.FindAllStringSubmatch(text, -1) {
			links++
			if _, err := os.Stat(found[1]); err != nil {
				t.Errorf("%s: broken link: %v", file, err)
			}
		}
	}
	if links == 0 || anchors == 0 {
		t.Errorf("%d links and %d anchors were found: the test shows nothing", links, anchors)
	}
}

var (
	fenced      = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	heading     = regexp.MustCompile(`(?m)^#+ (.*)$`)
	htmlAnchor  = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	punctuation = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// headings returns the anchors of a document's headings, as GitHub and the registry make them, and the anchors that
// tfplugindocs writes before nested attributes.
func headings(text string) []string {
	var anchors []string
	for _, found := range htmlAnchor.FindAllStringSubmatch(text, -1) {
		anchors = append(anchors, found[1])
	}
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		anchors = append(anchors, strings.ReplaceAll(punctuation.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return anchors
}

// The README and each guide keep their limit of words. The pages of messages have none.
func TestDocuments_AreShort(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob("docs/guides/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("there are no guides: %v", err)
	}
	for _, file := range append(guides, "README.md") {
		limit := 1500
		switch name := filepath.Base(file); {
		case name == "README.md":
			limit = 1200
		case strings.HasPrefix(name, "messages"):
			continue
		}
		if words := len(strings.Fields(readFile(t, file))); words >= limit {
			t.Errorf("%s has %d words, and not less than %d", file, words, limit)
		}
	}
}

// Without the database, the script says what it skipped. It fails only if the check is required.
func TestVuln_SkipsVisiblyWithoutDatabase(t *testing.T) {
	t.Parallel()
	for required, fails := range map[string]bool{"": false, "1": true} {
		cmd := exec.CommandContext(t.Context(), "scripts/vuln.sh", "false")
		cmd.Env = append(os.Environ(), "GOVULNDB=http://127.0.0.1:1", "VULN_REQUIRED="+required)
		output, err := cmd.CombinedOutput()
		if (err != nil) != fails || !strings.Contains(string(output), "SKIPPED: the vulnerability database") {
			t.Errorf("required: %q: %v: %s", required, err, output)
		}
	}
}

// The release workflow uses the Go version of go.mod.
func TestGoVersion_IsPinnedToPatchRelease(t *testing.T) {
	t.Parallel()
	if !regexp.MustCompile(`(?m)^toolchain go1\.\d+\.\d+$`).MatchString(readFile(t, "go.mod")) {
		t.Error("go.mod names no patch release of Go")
	}
}

// Each row of the threat model names an existing test.
func TestSecurity_NamesTestsThatExist(t *testing.T) {
	t.Parallel()
	_, model, _ := strings.Cut(readFile(t, "SECURITY.md"), "\n## Threat model\n")
	model, _, _ = strings.Cut(model, "\n## ")
	exists := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, found := range testFunction.FindAllStringSubmatch(readFile(t, name), -1) {
				exists[found[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := testName.FindAllString(model, -1)
	if len(named) < 15 {
		t.Errorf("the threat model names %d tests", len(named))
	}
	for _, name := range named {
		if !exists[name] {
			t.Errorf("there is no %s", name)
		}
	}
	for line := range strings.Lines(model) {
		isRow := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") && !strings.HasSuffix(line, "| test |\n")
		if isRow && !testName.MatchString(line) {
			t.Errorf("no test checks %s", line)
		}
	}
}

var (
	testName     = regexp.MustCompile(`\bTest[A-Z]\w+`)
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)
