package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// shownOutput says where an output comes from that the README or a guide shows.
type shownOutput struct {
	// begins is what the output's block begins with, and example the configuration whose plan prints it, on the sandbox.
	begins, example string
	// token is the portal's, where it is not the sandbox's.
	token string
}

// shownOutputs has all outputs that are shown, by file.
var shownOutputs = map[string][]shownOutput{
	"templates/guides/switch-one-shop.md.tmpl": {
		{begins: "Terraform will perform the following actions:\n\n  # kustom_mystore_connection.shop[", example: "connections"},
	},
	"templates/guides/where-the-secret-goes.md.tmpl": {
		{begins: "Terraform will perform the following actions:\n\n  # kustom_api_key.checkout[", example: "switch"},
	},
	"templates/guides/when-something-goes-wrong.md": {
		{begins: "Error: Shop can't be connected", example: "quickstart", token: "no-longer-good"},
	},
}

// TestAccDocuments_ShowWhatIsPrinted runs what the README and the guides show the output of, and finds each paragraph
// of it in what is really printed. They show Terraform's; OpenTofu words some of it differently.
func TestAccDocuments_ShowWhatIsPrinted(t *testing.T) {
	t.Parallel()
	if w := newTestEnv(t, testEnvOptions{}); strings.HasPrefix(w.terraform(t, "version").output, "OpenTofu") {
		t.Skip("the documents show what Terraform prints: run make test TF=terraform")
	}
	for _, file := range documents(t) {
		known := slices.Clone(shownOutputs[file])
		for _, block := range blocksOf(t, file, "") {
			i := slices.IndexFunc(known, func(o shownOutput) bool { return strings.HasPrefix(block, o.begins) })
			if i < 0 {
				t.Errorf("%s shows an output that no test has seen:\n%s", file, block)
				continue
			}
			shown := known[i]
			known = slices.Delete(known, i, i+1)
			t.Run(shown.example, func(t *testing.T) {
				t.Parallel()
				seed := sandbox.ThreeShops()
				w := newTestEnv(t, testEnvOptions{seed: &seed, external: true}).checkOut(t, shown.example)
				if shown.token != "" {
					w.set("KUSTOM_PORTAL_TOKEN", shown.token)
				}
				printed := normalized(w.terraform(t, "plan", "-input=false", "-no-color").output)
				rest := printed
				for paragraph := range strings.SplitSeq(strings.TrimSpace(block), "\n\n") {
					_, after, found := strings.Cut(rest, normalized(paragraph))
					if !found {
						t.Fatalf("%s shows this, which is not what is printed, or not there:\n%s\n\nThis is:\n%s", file, normalized(paragraph), printed)
					}
					rest = after
				}
			})
		}
		for _, shown := range known {
			t.Errorf("%s does not show what begins with %q any more", file, shown.begins)
		}
	}
}

// documents returns the README and the guides. Translations are left out: TestTranslations_HaveCodeOfOriginal holds their code to the
// originals'.
func documents(t *testing.T) []string {
	t.Helper()
	guides, err := filepath.Glob("../../templates/guides/*.md*")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"README.md"}
	for _, guide := range guides {
		if !translated.MatchString(guide) {
			files = append(files, "templates/guides/"+filepath.Base(guide))
		}
	}
	return files
}

// translated is the name of a guide in Norwegian (bokmål), which is its original's with the language's code.
var translated = regexp.MustCompile(`-nb\.md(\.tmpl)?$`)

// TestTranslations_HaveCodeOfOriginal expects a translated guide to have the same code blocks, commands and examples as its original.
func TestTranslations_HaveCodeOfOriginal(t *testing.T) {
	t.Parallel()
	translations, err := filepath.Glob("../../templates/guides/*-nb.md*")
	if err != nil || len(translations) == 0 {
		t.Fatalf("no guide is translated: %v", err)
	}
	// What reads the same in every language: fenced blocks, indented lines, and files of examples.
	verbatim := regexp.MustCompile("(?ms)^ *```[a-z]*\n.*?^ *```$|^ {4,}[^ \n][^\n]*$|^{{ *tffile [^\n]*}}$")
	for _, translation := range translations {
		original := strings.Replace(translation, "-nb.md", ".md", 1)
		got, want := verbatim.FindAllString(read(t, translation), -1), verbatim.FindAllString(read(t, original), -1)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s has the code\n%s\nand its original\n%s", translation, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")

// blocksOf returns a document's code blocks of a language.
func blocksOf(t *testing.T, file, language string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range fence.FindAllStringSubmatch(string(content), -1) {
		if match[1] == language {
			blocks = append(blocks, match[2])
		}
	}
	return blocks
}

// varying is what differs from run to run: IDs, keys, times and the sandbox's address.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "(an ID)"},
	{regexp.MustCompile(`\b(M[0-9]{8})-[A-Za-z0-9]{5}\b`), "$1-(a key)"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z`), "(a time)"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "portal.kustom.co"},
	// How text is wrapped depends on what stands in it.
	{regexp.MustCompile(`[ \n]+`), " "},
}

// normalized returns an output without what differs from run to run.
func normalized(output string) string {
	for _, v := range varying {
		output = v.pattern.ReplaceAllString(output, v.instead)
	}
	return strings.TrimSpace(output)
}
