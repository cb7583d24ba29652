package sandbox

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// pictures has the words on the screenshots of the real portal, by part of the page.
type pictures struct {
	Sidebar, Header, Main, Popup []string
}

// playground is a seed with one store of the playground, whose two keys have been used.
func playground() Seed {
	seed := Seed{Environment: Playground, Users: []User{{Token: "fake-portal-token", Email: admin}}}
	used := time.Date(2026, time.March, 24, 8, 30, 0, 0, time.UTC)
	store := Store{MerchantID: "PM00123456", Name: "Playground"}
	for _, suffix := range []string{"aB3dE", "fG5hJ"} {
		store.Keys = append(store.Keys, Key{
			CredentialID: suffix, Username: "PM00123456-" + suffix, Secret: "kco_test_api_FAKE" + suffix,
			Host: playgroundHosts.kustom, CreatedAt: used.AddDate(0, -1, 0), LastUsedAt: &used,
		})
	}
	seed.Stores = []Store{store}
	return seed
}

// words returns the visible texts of a part of the page, block by block.
func (p *tab) words(selector string) []string {
	p.t.Helper()
	return eval[[]string](p, `((part) => {
		const blocks = [];
		const visit = (e) => {
			if (e.matches(".sr-only, svg, footer")) return;
			const inner = [...e.children].filter((c) => c.matches("ul, li, div, p, h1, h2, nav, table, thead, tbody, tr, th, td, button, a, label, span.value, .row > span"));
			if (inner.length === 0 || e.matches("button, a, .logo, td")) {
				const text = e.innerText.replace(/\s+/g, " ").trim();
				const unseen = [...e.querySelectorAll(".sr-only")].map((s) => s.innerText).join("");
				if (text && text !== unseen) blocks.push(text);
				return;
			}
			inner.forEach(visit);
		};
		visit(part);
		return blocks;
	})(document.querySelector(`+"`"+selector+"`"+`))`)
}

func TestPortal_HasWordsOfScreenshots(t *testing.T) {
	data, err := os.ReadFile("testdata/pictures-2026-03.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want pictures
	if err := yaml.NewDecoder(strings.NewReader(string(data)), yaml.Strict()).Decode(&want); err != nil {
		t.Fatal(err)
	}
	p := newTestEnv(t, playground(), Options{}).apiPage()
	wantWords(t, "the side menu", p.words("aside"), want.Sidebar)
	wantWords(t, "the header", p.words("header"), want.Header)
	wantWords(t, "the page", p.words("main"), want.Main)
	p.press("Generate new")
	p.until(find("[role=dialog]", "") + ".length")
	wantWords(t, "the popup", p.words("[role=dialog]"), want.Popup)
}

// wantWords compares texts. A trailing asterisk stands for any text.
func wantWords(t *testing.T, part string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d texts, want %d: %q", part, len(got), len(want), got)
		return
	}
	for i := range want {
		known, blurred := strings.CutSuffix(want[i], "*")
		if got[i] != want[i] && (!blurred || !strings.HasPrefix(got[i], known)) {
			t.Errorf("%s has %q, want %q", part, got[i], want[i])
		}
	}
}
