package browser_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// wrap is a file with one lesson.
func wrap(lesson string) string {
	return `{"version": 1, "sites": {"site": {"make": [` + lesson + `]}}}`
}

// TestProfile_Refuses what a file can't have, in plain words, without its content.
func TestProfile_Refuses(t *testing.T) {
	t.Parallel()
	const secret = "kco_live_api_x1y2"
	for name, test := range map[string]struct{ file, want string }{
		"no JSON":         {`version = 1 ` + secret, "it is not a JSON object"},
		"empty":           {``, "it is not a JSON object"},
		"too large":       {`{"version": 1, "sites": {}}` + strings.Repeat(" ", browser.MostProfile), "larger than the limit of 65536 bytes"},
		"goes on":         {`{"version": 1, "sites": {}} {}`, "something follows"},
		"other version":   {`{"version": 2, "sites": {}}`, "its version is 2"},
		"no version":      {`{"sites": {}}`, "its version is 0"},
		"unknown key":     {`{"version": 1, "words": {}}`, `the unknown key "words"`},
		"unknown site":    {`{"version": 1, "sites": {"elsewhere": {}}}`, `the unknown site "elsewhere"`},
		"unknown label":   {`{"version": 1, "sites": {"site": {"moon": [{"tag": "a", "name": "x"}]}}}`, "site.moon: there is no such label"},
		"wrong type":      {wrap(`{"tag": 1}`), `the wrong type`},
		"unknown in it":   {wrap(`{"tag": "a", "xpath": "/a"}`), `the unknown key "xpath"`},
		"no tag":          {wrap(`{"name": "Make"}`), "lacks the tag"},
		"nothing":         {wrap(`{"tag": "a"}`), "neither a name nor a place"},
		"value as a name": {wrap(`{"tag": "a", "name": "` + secret + `"}`), "may be a value"},
		"long name":       {wrap(`{"tag": "a", "name": "` + strings.Repeat("word ", 9) + `"}`), "may be a value"},
		"place of none":   {wrap(`{"tag": "a", "place": {"after": "stores", "nth": 2, "of": 1}}`), "its place"},
		"place of nobody": {wrap(`{"tag": "a", "place": {"nth": 1, "of": 1}}`), "its place"},
		"unknown anchor":  {wrap(`{"tag": "a", "place": {"after": "moon", "nth": 1, "of": 1}}`), `beside "moon"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := browser.ParseProfile("pages.json", []byte(test.file), map[string]browser.Table{"site": taughtTable()})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestProfile_SavesWhatItReads, and leaves no other file behind.
func TestProfile_SavesWhatItReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, tables := filepath.Join(dir, "pages.json"), map[string]browser.Table{"site": taughtTable()}
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
		t.Errorf("the file is %s: %v", again, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the folder has %v: %v", left, err)
	}
	if err := browser.NewProfile(filepath.Join(dir, "none", "pages.json"), tables).Save(); err == nil {
		t.Error("a file in no folder was written")
	}
}

// withProfile returns a site's words with one lesson.
func withProfile(t *testing.T, lesson string) browser.Words {
	t.Helper()
	p, err := browser.ParseProfile("pages.json", []byte(wrap(lesson)), map[string]browser.Table{"site": taughtTable()})
	if err != nil {
		t.Fatal(err)
	}
	return browser.NewWords(taughtTable(), nil).Taught(p.Of("site"))
}

// page makes a page of nodes in the finder's form.
func page(t *testing.T, nodes string) *browser.Page {
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

// TestProfile_ComesFirst: what is described is found, or else what has the known name; and never one of several.
func TestProfile_ComesFirst(t *testing.T) {
	t.Parallel()
	const byName, byPlace = `{"tag": "div", "name": "Lag en til"}`, `{"tag": "i", "place": {"after": "stores", "nth": 1, "of": 1}}`
	for name, test := range map[string]struct {
		lesson, nodes string
		want          int
	}{
		"described":                {byName, oldButton + "," + newBox, 3},
		"described no more":        {byName, oldButton, 2},
		"twice":                    {byName, oldButton + "," + newBox + `, {"p": 0, "i": 7, "t": "div", "c": true, "n": "Lag en til"}`, 2},
		"elsewhere":                {byName, inMenu, 0},
		"in the menu":              {`{"tag": "div", "name": "Lag en til", "inside": ["menu"]}`, inMenu, 3},
		"another role":             {`{"tag": "div", "role": "button", "name": "Lag en til"}`, newBox, 0},
		"by its place":             {byPlace, namedIcon, 5},
		"one more in that place":   {byPlace, namedIcon + `, {"p": 0, "i": 6, "t": "i", "c": true}`, 0},
		"before the known thing":   {byPlace, `{"p": 0, "i": 5, "t": "i", "c": true}, {"p": 0, "i": 4, "t": "h2", "r": "heading", "n": "Stores"}`, 0},
		"the known thing is twice": {byPlace, namedIcon + `, {"p": 0, "i": 8, "t": "h2", "r": "heading", "n": "Stores"}`, 0},
		"the known thing is gone":  {byPlace, `{"p": 0, "i": 5, "t": "i", "c": true}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := page(t, test.nodes).One(withProfile(t, test.lesson).Action("make"))
			got := "0"
			if err == nil {
				id, err := found.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				got = string(id)
			}
			if got != strconv.Itoa(test.want) {
				t.Errorf("it is element %s (%v), want %d", got, err, test.want)
			}
		})
	}
}

// TestProfile_IsNamedInErrors where nothing is built any more as it says.
func TestProfile_IsNamedInErrors(t *testing.T) {
	t.Parallel()
	tab := serveOne(t, `<button>Other</button>`).open(t, browser.Options{Timeout: short})
	words := withProfile(t, `{"tag": "div", "name": "Lag en til"}`)
	_, err := find(t.Context(), tab, step(), words.Action("make"))
	failed := failure(t, err, browser.NotFound)
	if failed.Profile != "pages.json" || len(failed.Unfit) != 1 || !strings.Contains(err.Error(), "in pages.json") {
		t.Errorf("the error is %v", err)
	}
}
