package setup

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// From this number of shops on, a folder has fleets instead of connections; see the guide How many shops.
const (
	maxConnections = 100
	fleetSize      = 250
)

// Folder describes a folder of configuration.
type Folder struct {
	Matching   Matching
	VendorData VendorData
	// Version is the provider's version. A release is pinned in the configuration.
	Version string
	// Labels and AdminURLs are browser.labels and browser.mystore_admin_urls.
	Labels, AdminURLs map[string]string
	// Variables are the provider's environment variables that are set.
	Variables []string
	// CI is the service for which a pipeline is added; empty for none. The runs of a pipeline share a state.
	CI CI
}

// CI is a service that runs pipelines.
type CI string

// The services with a published pipeline.
const (
	CIGitHub CI = "github"
	CIGitLab CI = "gitlab"
)

// pipelines has, for each service, the published example and the path where the service expects it.
var pipelines = map[CI]struct {
	example, path string
	// chromium replaces what, to install a browser for the job.
	what, chromium string
}{
	CIGitHub: {example: "github-actions/workflow.yml", path: pathWorkflow},
	CIGitLab: {example: "gitlab-ci/gitlab-ci.yml", path: pathPipeline, what: "apk add --no-cache curl", chromium: "apk add --no-cache chromium curl"},
}

// File is one file of a folder. Its path has slashes.
type File struct{ Path, Content string }

// The paths of the files.
const (
	pathVersions  = "versions.tf"
	pathProvider  = "provider.tf"
	pathMain      = "main.tf"
	pathOutputs   = "outputs.tf"
	pathVariables = "variables.tf"
	pathValues    = "terraform.tfvars"
	pathShops     = "shops.csv"
	pathIgnore    = ".gitignore"
	pathWorkflow  = ".github/workflows/shops.yml"
	pathPipeline  = ".gitlab-ci.yml"
)

// Paths returns the paths that a folder may have, with the pipeline of a service or without one.
func Paths(ci CI) []string {
	paths := []string{pathVersions, pathProvider, pathMain, pathOutputs, pathVariables, pathValues, pathShops, pathIgnore}
	if pipeline, ok := pipelines[ci]; ok {
		paths = append(paths, pipeline.path)
	}
	return paths
}

// Fleets reports whether the folder has fleets instead of connections.
func (f Folder) Fleets() bool { return len(f.Matching.Matches) > maxConnections }

// Files returns the files of the folder. Its constant parts are the published examples.
func (f Folder) Files() ([]File, error) {
	var files []File
	var failed error
	add := func(path, content string, err error) {
		files, failed = append(files, File{path, content}), errors.Join(failed, err)
	}
	published := func(path, example string) {
		content, err := fs.ReadFile(examples.Starter, example)
		add(path, string(content), err)
	}
	versions, err := f.versions()
	add(pathVersions, versions, err)
	add(pathProvider, f.provider(), f.checkSecret(f.provider()))
	if f.Fleets() {
		published(pathMain, "switch-fleet/main.tf")
		published(pathOutputs, "switch-fleet/outputs.tf")
		published(pathVariables, "switch-fleet/variables.tf")
	} else {
		published(pathMain, "functions/shop_list/function.tf")
		published(pathOutputs, "connections/outputs.tf")
	}
	if values := f.values(); values != "" {
		add(pathValues, values, f.checkSecret(values))
	}
	shops, err := f.shops()
	add(pathShops, shops, errors.Join(err, f.checkSecret(shops)))
	add(pathIgnore, ignored, nil)
	if f.CI != "" {
		pipeline, err := f.pipeline()
		add(pipelines[f.CI].path, pipeline, err)
	}
	return files, failed
}

// errSecret says that a text may be a secret, such as a token in place of a shop's name.
var errSecret = errors.New("the files may contain a secret, so nothing is written. " +
	"Check whether the name or the description of a shop, or a flag, is a token")

// checkSecret returns an error if content may hold a secret.
func (f Folder) checkSecret(content string) error {
	if f.VendorData.Redactor.ShowLines(vendortext.New(content), len(content)+1) != content {
		return errSecret
	}
	return nil
}

const source = `source = "storefront-iac/kustom"`

// release matches versions that a registry may have.
var release = regexp.MustCompile(`^\d+\.\d+\.\d+(-(alpha|beta|rc)[.\d]*)?$`)

// versions returns the block that requires a version of Terraform and of the provider, and configures the state.
func (f Folder) versions() (string, error) {
	name := "connections/terraform.tf"
	if f.CI != "" {
		name = "github-actions/terraform.tf"
	}
	content, err := fs.ReadFile(examples.Starter, name)
	if err != nil || !release.MatchString(f.Version) {
		return string(content), err
	}
	pinned := strings.Replace(string(content), source, "source  = \"storefront-iac/kustom\"\n      version = "+quote(f.Version), 1)
	if pinned == string(content) {
		return "", fmt.Errorf("%s has no place for a version", name)
	}
	return pinned, nil
}

// meanings describe the provider's environment variables, in the order of the comment.
var meanings = []struct{ variable, meaning string }{
	{"KUSTOM_PORTAL_TOKEN", "a token of Kustom Portal"},
	{"KUSTOM_PORTAL_SESSION", "a session of Kustom Portal"},
	{"MYSTORE_TOKENS", "the shops' tokens, a JSON object"},
	{"MYSTORE_TOKENS_FILE", "a file with the shops' tokens"},
	{"MYSTORE_SESSIONS", "the shops' sessions, a JSON object"},
	{"MYSTORE_LOGINS", "the shops' logins, a JSON object"},
	{"MYSTORE_ADMIN_URLS", "addresses of the shops' control panels, a JSON object"},
	{"KUSTOM_PORTAL_URL", "address of the portal's API"},
	{"KUSTOM_PORTAL_PAGES_URL", "address of the portal's pages"},
	{"KUSTOM_API_URL", "address of the merchant API"},
	{"MYSTORE_URL", "address of Mystore's API"},
}

// Variables returns the names of the environment variables with the vendors' addresses and credentials.
func Variables() []string {
	var names []string
	for _, m := range meanings {
		names = append(names, m.variable)
	}
	return names
}

// provider returns the provider's block, which holds no secret.
func (f Folder) provider() string {
	var text strings.Builder
	text.WriteString("# Put no secrets into this folder. The provider reads its credentials from environment variables:\n#\n")
	for _, m := range meanings {
		if slices.Contains(f.Variables, m.variable) {
			fmt.Fprintf(&text, "#   %-24s%s\n", m.variable, m.meaning)
		}
	}
	if f.usesPages() {
		text.WriteString("#\n" +
			"# If a token or session is missing, it uses the session that \"terraform-provider-kustom login\" keeps.\n")
	}
	fmt.Fprintf(&text, "provider \"kustom\" {\n  environment = %s\n", quote(string(f.VendorData.Environment)))
	if unread := f.Matching.Unread(); len(unread) > 0 {
		for i, name := range unread {
			unread[i] = quote(name)
		}
		text.WriteString("\n  # The provider can't read these shops, and does not know their stores. While it has a token or a session for one of\n" +
			"  # them, it deletes no old key of any shop. For each shop, create a new token and add the shop to " + pathShops + ", or\n" +
			"  # remove its token. If the shop is closed, name it here.\n")
		fmt.Fprintf(&text, "  # ignored_shops = [%s]\n", strings.Join(unread, ", "))
	}
	if f.usesPages() {
		text.WriteString("\n  # Without a token, the provider uses the web pages.\n" + f.browser())
	}
	text.WriteString("}\n")
	return text.String()
}

// browser returns the block for the vendors' pages.
func (f Folder) browser() string {
	var attributes []string
	for _, a := range []struct {
		name   string
		values map[string]string
	}{{"labels", f.Labels}, {"mystore_admin_urls", f.AdminURLs}} {
		if len(a.values) > 0 {
			attributes = append(attributes, entries(a.name, a.values))
		}
	}
	if len(attributes) == 0 {
		return "  browser {}\n"
	}
	return "  browser {\n" + strings.Join(attributes, "\n") + "  }\n"
}

// usesPages reports whether the provider uses any vendor's pages.
func (f Folder) usesPages() bool { return f.VendorData.PortalByPages || f.VendorData.ShopsByPages }

// values returns the variables whose defaults do not fit; empty if all do.
func (f Folder) values() string {
	var text strings.Builder
	if f.Fleets() {
		chunks := (len(f.Matching.Matches) + fleetSize - 1) / fleetSize
		fmt.Fprintf(&text, "# If you change this number, shops move between fleets, and each moved shop gets a new key.\n"+
			"chunks = %d\n", chunks)
	}
	if shared := f.Matching.shared(); len(shared) > 0 {
		for i, merchantID := range shared {
			shared[i] = quote(merchantID)
		}
		if text.Len() > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "# Several shops share each of these stores.\nshared_merchant_ids = [%s]\n", strings.Join(shared, ", "))
	}
	return text.String()
}

// shops returns the list of shops. It has only the columns that the configuration uses, because the user's own list
// may have tokens.
func (f Folder) shops() (string, error) {
	matches := f.Matching.Matches
	described := slices.ContainsFunc(matches, func(m Match) bool { return m.Description != "" })
	waves := slices.ContainsFunc(matches, func(m Match) bool { return m.Wave > 1 })
	row := func(shop, merchantID, description, wave string) []string {
		cells := []string{shop, merchantID}
		if described {
			cells = append(cells, description)
		}
		if waves {
			cells = append(cells, wave)
		}
		return cells
	}
	rows := [][]string{row("shop", "merchant_id", "description", "wave")}
	for _, m := range matches {
		rows = append(rows, row(m.Name, m.MerchantID, m.Description, strconv.Itoa(m.Wave)))
	}
	var text bytes.Buffer
	err := csv.NewWriter(&text).WriteAll(rows)
	return text.String(), err
}

// ignored is the content of .gitignore. The lock file is not ignored.
const ignored = `.terraform/
*.tfplan
# The state of connections and fleets has no secret. Keep it in a backend that everyone who applies can use.
*.tfstate
*.tfstate.*
crash.log
crash.*.log
# Tokens and sessions.
.env
*.session
tokens.*
`

// pipeline returns the published pipeline without its first comment, with the secrets of this folder.
func (f Folder) pipeline() (string, error) {
	published := pipelines[f.CI]
	content, err := fs.ReadFile(examples.Starter, published.example)
	text := string(content)
	if first, rest, ok := strings.Cut(text, "\n#\n"); ok && strings.HasPrefix(first, "# Copy this file to ") && !strings.Contains(first, "\n") {
		text = rest
	}
	if !f.usesPages() || err != nil {
		return text, err
	}
	text = strings.Replace(text, published.what, published.chromium, 1)
	return f.sessionsNote() + strings.ReplaceAll(text, secretLines("KUSTOM_PORTAL_TOKEN", "MYSTORE_TOKENS"), secretLines(f.secrets()...)), nil
}

// secrets returns the variables with the job's credentials.
func (f Folder) secrets() []string {
	names := []string{"KUSTOM_PORTAL_TOKEN"}
	if f.VendorData.PortalByPages {
		names = []string{"KUSTOM_PORTAL_SESSION"}
	}
	if !f.VendorData.ShopsByPages || slices.Contains(f.Variables, "MYSTORE_TOKENS") {
		names = append(names, "MYSTORE_TOKENS")
	}
	if f.VendorData.ShopsByPages {
		names = append(names, "MYSTORE_SESSIONS")
	}
	for _, name := range []string{"MYSTORE_LOGINS", "MYSTORE_ADMIN_URLS"} {
		if f.VendorData.ShopsByPages && slices.Contains(f.Variables, name) {
			names = append(names, name)
		}
	}
	return names
}

// secretLines returns the lines that pass secrets to a step of a GitHub workflow. GitLab passes them by itself.
func secretLines(names ...string) string {
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "          %s: ${{ secrets.%s }}\n", name, name)
	}
	return text.String()
}

// sessionsNote returns a comment about the risks of sessions in a pipeline.
func (f Folder) sessionsNote() string {
	return fmt.Sprintf(`# The jobs use the secrets %s, because a token is missing.
# "terraform-provider-kustom login --print" prints sessions, on a machine with a screen. Anyone with a session can do
# everything that its user can do. A session is never read-only. So require a reviewer for the environment shops-plan too,
# or let only people open requests who may act as that user. When the sessions expire, sign in again. If a vendor accepts
# a session from one network only, sign in on your own runner, and run the jobs there.
#
`, strings.Join(f.secrets(), ", "))
}

// entries returns an attribute that is a map.
func entries(attribute string, values map[string]string) string {
	width := 0
	for name := range values {
		width = max(width, utf8.RuneCountInString(quote(name)))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "    %s = {\n", attribute)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "      %-*s = %s\n", width, quote(name), quote(values[name]))
	}
	text.WriteString("    }\n")
	return text.String()
}

// quote returns a text as an HCL string, where "${" and "%{" begin an expression. It joins lines with spaces.
func quote(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{").Replace(text) + `"`
}
