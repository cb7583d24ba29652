package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// folder is one for n shops.
func folder(n int) Folder {
	f := Folder{Version: "1.2.3", VendorData: VendorData{Environment: kustom.Production}, Variables: []string{"MYSTORE_TOKENS"}}
	for i := range n {
		f.Matching.Matches = append(f.Matching.Matches, Match{
			Shop: shoplist.Shop{Name: fmt.Sprintf("shop-%d", i), MerchantID: fmt.Sprintf("M%d", i+1), Wave: 1}, By: ByKey,
		})
	}
	return f
}

// written returns the files of a folder, by their paths.
func written(t *testing.T, f Folder) map[string]string {
	t.Helper()
	files, err := f.Files()
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{}
	for _, file := range files {
		if !slices.Contains(Paths(f.CI), file.Path) {
			t.Errorf("%s is not in Paths", file.Path)
		}
		contents[file.Path] = file.Content
	}
	return contents
}

// TestFiles_AreFormatted expects what is written to be Terraform's language, formatted as Terraform does.
func TestFiles_AreFormatted(t *testing.T) {
	t.Parallel()
	pages := folder(1)
	pages.VendorData.PortalByPages = true
	words := pages
	words.Labels = map[string]string{"portal.generate_new": "Ny \"${nøkkel}\" \\ %{if}\nher", "portal.key_id": "ID"}
	addresses := words
	addresses.AdminURLs = map[string]string{"a": "https://www.a.example/kontrollpanel", "langt-navn": "https://b.example"}
	shared := folder(300)
	shared.Matching.Matches[1].MerchantID, shared.Matching.Matches[2].MerchantID = "M1", "M1"
	workflow := folder(2)
	workflow.CI = CIGitHub
	for name, f := range map[string]Folder{
		"connections": folder(1), "fleets": folder(101), "shared": shared, "pages": pages, "words": words, "addresses": addresses, "workflow": workflow,
	} {
		for path, content := range written(t, f) {
			if filepath.Ext(path) != ".tf" && filepath.Ext(path) != ".tfvars" {
				continue
			}
			if _, diags := hclsyntax.ParseConfig([]byte(content), path, hcl.InitialPos); diags.HasErrors() {
				t.Errorf("%s: %v", name, diags)
			}
			if formatted := string(hclwrite.Format([]byte(content))); formatted != content {
				t.Errorf("%s: %s is not formatted:\n%s", name, path, content)
			}
		}
	}
	if got := written(t, addresses)["provider.tf"]; !strings.Contains(got, `"Ny \"$${nøkkel}\" \\ %%{if} her"`) || !strings.Contains(got, `"a"          = "https://www.a.example/kontrollpanel"`) {
		t.Errorf("got:\n%s", got)
	}
}

func TestFiles_PinARelease(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"1.2.3": `version = "1.2.3"`, "0.1.0-rc1": `version = "0.1.0-rc1"`, "dev": "", "0.0.0-20261128090000-25696b0deadb": "", "1.2": "",
	} {
		f := folder(1)
		f.Version = version
		for _, f.CI = range []CI{"", CIGitHub, CIGitLab} {
			got := written(t, f)["versions.tf"]
			if strings.Contains(got, "\n      version = \"") != (want != "") || !strings.Contains(got, want) || !strings.Contains(got, "required_version") {
				t.Errorf("%s: got\n%s", version, got)
			}
			if (f.CI != "") != strings.Contains(got, "backend ") {
				t.Errorf("with CI %q, the state is kept so:\n%s", f.CI, got)
			}
		}
	}
}

func TestFiles_ConnectionsOrFleets(t *testing.T) {
	t.Parallel()
	for shops, want := range map[int]string{1: "", 100: "", 101: "chunks = 1\n", 250: "chunks = 1\n", 251: "chunks = 2\n", 1000: "chunks = 4\n"} {
		got := written(t, folder(shops))
		kind := "kustom_mystore_connection"
		if want != "" {
			kind = "kustom_mystore_fleet"
		}
		if !strings.Contains(got["main.tf"], `resource "`+kind+`"`) || !strings.HasSuffix(got["terraform.tfvars"], want) {
			t.Errorf("%d shops: want %s, %q; got %s\n%s", shops, kind, want, got["terraform.tfvars"], got["main.tf"])
		}
		if rows := strings.Count(got["shops.csv"], "\n"); rows != shops+1 {
			t.Errorf("%d shops: the list has %d lines", shops, rows)
		}
	}
}

// TestFiles_ListIsReadBack expects the list to be as the provider reads it, with the columns that it needs.
func TestFiles_ListIsReadBack(t *testing.T) {
	t.Parallel()
	f := folder(2)
	if got := written(t, f)["shops.csv"]; got != "shop,merchant_id\nshop-0,M1\nshop-1,M2\n" {
		t.Errorf("got %q", got)
	}
	f.Matching.Matches[0].Description = "Oslo, 2nd; floor"
	f.Matching.Matches[1].Wave = 2
	f.Matching.Matches[1].Columns = map[string]string{"token": "hush"}
	got := written(t, f)["shops.csv"]
	shops, err := shoplist.ParseShops([]byte(got))
	if err != nil || len(shops) != 2 || shops[0].Description != "Oslo, 2nd; floor" || shops[1].Wave != 2 || strings.Contains(got, "hush") {
		t.Errorf("got %q: %v (%v)", got, shops, err)
	}
}

func TestFiles_PipelineIsThePublishedOne(t *testing.T) {
	t.Parallel()
	for ci, file := range map[CI]string{CIGitHub: "github-actions/workflow.yml", CIGitLab: "gitlab-ci/gitlab-ci.yml"} {
		f := folder(1)
		path := pipelines[ci].path
		if _, ok := written(t, f)[path]; ok {
			t.Errorf("%s: nobody has asked for a pipeline", ci)
		}
		f.CI = ci
		published, err := os.ReadFile("../../examples/" + file)
		if err != nil {
			t.Fatal(err)
		}
		got := written(t, f)[path]
		if !strings.HasSuffix(string(published), got) || strings.Contains(got, "Copy this file") || !strings.Contains(got, "terraform apply") {
			t.Errorf("%s: got:\n%s", ci, got)
		}
	}
}

// A vendor that is reached by its pages has a session and a browser in place of a token.
func TestFiles_PipelineSignsInWithSessions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		portal, shops bool
		variables     []string
		want, not     string
	}{
		"pages":       {true, true, nil, "KUSTOM_PORTAL_SESSION, MYSTORE_SESSIONS", "MYSTORE_TOKENS: "},
		"portal":      {true, false, []string{"MYSTORE_TOKENS"}, "KUSTOM_PORTAL_SESSION, MYSTORE_TOKENS", "MYSTORE_SESSIONS: "},
		"shops":       {false, true, nil, "KUSTOM_PORTAL_TOKEN, MYSTORE_SESSIONS", "KUSTOM_PORTAL_SESSION: "},
		"some shops":  {true, true, []string{"MYSTORE_TOKENS"}, "KUSTOM_PORTAL_SESSION, MYSTORE_TOKENS, MYSTORE_SESSIONS", "KUSTOM_PORTAL_TOKEN: "},
		"logins":      {false, true, []string{"MYSTORE_LOGINS", "MYSTORE_ADMIN_URLS"}, "KUSTOM_PORTAL_TOKEN, MYSTORE_SESSIONS, MYSTORE_LOGINS, MYSTORE_ADMIN_URLS", "MYSTORE_TOKENS: "},
		"tokens only": {false, false, nil, "", "SESSION"},
	} {
		f := folder(1)
		f.VendorData.PortalByPages, f.VendorData.ShopsByPages, f.Variables = test.portal, test.shops, test.variables
		f.CI = CIGitHub
		got := written(t, f)[pathWorkflow]
		if !strings.Contains(got, test.want) || strings.Contains(got, test.not) {
			t.Errorf("%s: got:\n%s", name, got)
		}
		for secret := range strings.SplitSeq(test.want, ", ") {
			// A plan, an apply and the nightly look.
			if n := strings.Count(got, "          "+secret+": ${{ secrets."+secret+" }}\n"); secret != "" && n != 3 {
				t.Errorf("%s: %d steps get %s", name, n, secret)
			}
		}
		f.CI = CIGitLab
		if got := written(t, f)[pathPipeline]; strings.Contains(got, "chromium") != (test.want != "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got:\n%s", name, got)
		}
	}
}

func TestWrite_CreatesFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	files := []File{{"a.tf", "a"}, {".github/workflows/shops.yml", "b"}}
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Join(dir, file.Path)
		content, err := os.ReadFile(name)
		info, statErr := os.Stat(name)
		if err != nil || statErr != nil || string(content) != file.Content || info.Mode().Perm() != fileMode {
			t.Errorf("%s: got %q, %v (%v, %v)", file.Path, content, info, err, statErr)
		}
	}
}

// If one file exists, none is written.
func TestWrite_OverwritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, put := range map[string]func(string) error{
		"file":   func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":   func(path string) error { return os.Symlink("nowhere", path) },
	} {
		if err := put(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		err := Write(dir, []File{{"first", "x"}, {name, "x"}})
		if existing, ok := errors.AsType[*ExistingError](err); !ok || !slices.Equal(existing.Paths, []string{name}) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "first")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: another file is written (%v)", name, err)
		}
	}
	if content, err := os.ReadFile(filepath.Join(dir, "file")); string(content) != "mine" {
		t.Errorf("got %q (%v)", content, err)
	}
}

// Files that were written before a failure are removed.
func TestWrite_LeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Write(dir, []File{{"first", "x"}, {"first/second", "x"}}); err == nil {
		t.Fatal("a file is no folder")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
}
