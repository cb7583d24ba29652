package browser_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// profileOf returns a profile file with one description of an element.
func profileOf(structure string) string {
	return `{"version": 1, "sites": {"site": {"make": [` + structure + `]}}}`
}

// The error does not quote the file.
func TestParseProfile_RefusesInvalid(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_x1y2"
	for name, test := range map[string]struct{ file, want string }{
		"no JSON":         {`version = 1 ` + secret, "it is not a JSON object"},
		"empty":           {``, "it is not a JSON object"},
		"too large":       {`{"version": 1, "sites": {}}` + strings.Repeat(" ", browser.MostProfile), "larger than the limit of 65536 bytes"},
		"two objects":     {`{"version": 1, "sites": {}} {}`, "something follows"},
		"other version":   {`{"version": 2, "sites": {}}`, "its version is 2"},
		"no version":      {`{"sites": {}}`, "its version is 0"},
		"unknown key":     {`{"version": 1, "words": {}}`, `the unknown key "words"`},
		"unknown site":    {`{"version": 1, "sites": {"elsewhere": {}}}`, `the unknown site "elsewhere"`},
		"unknown label":   {`{"version": 1, "sites": {"site": {"moon": [{"tag": "a", "name": "x"}]}}}`, "site.moon: there is no such label"},
		"wrong type":      {profileOf(`{"tag": 1}`), `the wrong type`},
		"unknown in it":   {profileOf(`{"tag": "a", "xpath": "/a"}`), `the unknown key "xpath"`},
		"no tag":          {profileOf(`{"name": "Make"}`), "lacks the tag"},
		"neither":         {profileOf(`{"tag": "a"}`), "neither a name nor a place"},
		"value as a name": {profileOf(`{"tag": "a", "name": "` + secret + `"}`), "may be a value"},
		"long name":       {profileOf(`{"tag": "a", "name": "` + strings.Repeat("word ", 9) + `"}`), "may be a value"},
		"place past last": {profileOf(`{"tag": "a", "place": {"after": "stores", "nth": 2, "of": 1}}`), "its place"},
		"place of none":   {profileOf(`{"tag": "a", "place": {"nth": 1, "of": 1}}`), "its place"},
		"unknown anchor":  {profileOf(`{"tag": "a", "place": {"after": "moon", "nth": 1, "of": 1}}`), `beside "moon"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := browser.ParseProfile("pages.json", []byte(test.file), map[string]browser.Table{"site": knownWords()})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// Saving leaves no other file behind.
func TestProfile_SavesWhatItReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, tables := filepath.Join(dir, "pages.json"), map[string]browser.Table{"site": knownWords()}
	const written = `{
  "version": 1,
  "sites": {
    "site": {
      "make": [
        {
          "tag": "div",
          "name": "Lag <en> til",
          "inside": [
            "main"
          ],
          "place": {
            "after": "stores",
            "nth": 1,
            "of": 2
          }
        }
      ]
    }
  }
}
`
	if err := os.WriteFile(file, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := browser.ReadProfile(file, tables)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(file)
	if err != nil || string(again) != written {
		t.Errorf("the saved file is %s: %v", again, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, want one file: %v", left, err)
	}
	if err := browser.NewProfile(filepath.Join(dir, "none", "pages.json"), tables).Save(); err == nil {
		t.Error("a file in a missing folder was written")
	}
}

// wordsTaught returns a site's words with one description of an element.
func wordsTaught(t *testing.T, structure string) browser.Words {
	t.Helper()
	p, err := browser.ParseProfile("pages.json", []byte(profileOf(structure)), map[string]browser.Table{"site": knownWords()})
	if err != nil {
		t.Fatal(err)
	}
	return browser.NewWords(knownWords(), nil).Taught(p.Of("site"))
}

// parsePage returns a page with these nodes, which have the finder's form.
func parsePage(t *testing.T, nodes string) *browser.Page {
	t.Helper()
	p, err := browser.ParsePage([]byte(`{"url": "https://x.example/", "nodes": [{"p": -1, "i": 1, "t": "body"},` + nodes + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	oldButton = `{"p": 0, "i": 2, "t": "button", "r": "button", "c": true, "n": "Generate new"}`
	newBox    = `{"p": 0, "i": 3, "t": "div", "c": true, "n": "Lag en til"}`
	inMenu    = `{"p": 0, "i": 9, "t": "div", "r": "menu"}, {"p": 1, "i": 3, "t": "div", "c": true, "n": "Lag en til"}`
	namedIcon = `{"p": 0, "i": 4, "t": "h2", "r": "heading", "n": "Stores"}, {"p": 0, "i": 5, "t": "i", "c": true}`
)

// Without a match for the description, the known name decides. Several matches count as none.
func TestProfile_TakesPrecedenceOverNames(t *testing.T) {
	t.Parallel()
	const byName, byPlace = `{"tag": "div", "name": "Lag en til"}`, `{"tag": "i", "place": {"after": "stores", "nth": 1, "of": 1}}`
	for name, test := range map[string]struct {
		structure, nodes string
		want             int
	}{
		"described":         {byName, oldButton + "," + newBox, 3},
		"no longer there":   {byName, oldButton, 2},
		"twice":             {byName, oldButton + "," + newBox + `, {"p": 0, "i": 7, "t": "div", "c": true, "n": "Lag en til"}`, 2},
		"elsewhere":         {byName, inMenu, 0},
		"in the menu":       {`{"tag": "div", "name": "Lag en til", "inside": ["menu"]}`, inMenu, 3},
		"another role":      {`{"tag": "div", "role": "button", "name": "Lag en til"}`, newBox, 0},
		"by its place":      {byPlace, namedIcon, 5},
		"two in that place": {byPlace, namedIcon + `, {"p": 0, "i": 6, "t": "i", "c": true}`, 0},
		"before the anchor": {byPlace, `{"p": 0, "i": 5, "t": "i", "c": true}, {"p": 0, "i": 4, "t": "h2", "r": "heading", "n": "Stores"}`, 0},
		"two anchors":       {byPlace, namedIcon + `, {"p": 0, "i": 8, "t": "h2", "r": "heading", "n": "Stores"}`, 0},
		"no anchor":         {byPlace, `{"p": 0, "i": 5, "t": "i", "c": true}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := parsePage(t, test.nodes).One(wordsTaught(t, test.structure).Action("make"))
			got := "0"
			if err == nil {
				id, err := found.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				got = string(id)
			}
			if got != strconv.Itoa(test.want) {
				t.Errorf("One returns element %s (%v), want %d", got, err, test.want)
			}
		})
	}
}

// An outdated description is a likely cause.
func TestProfile_IsNamedInErrors(t *testing.T) {
	t.Parallel()
	tab := servePage(t, `<button>Other</button>`).open(t, browser.Options{Timeout: short})
	words := wordsTaught(t, `{"tag": "div", "name": "Lag en til"}`)
	_, err := find(t.Context(), tab, step(), words.Action("make"))
	failed := wantStepError(t, err, browser.NotFound)
	if failed.Profile != "pages.json" || len(failed.Unfit) != 1 || !strings.Contains(err.Error(), "in pages.json") {
		t.Errorf("the error is %v", err)
	}
}
