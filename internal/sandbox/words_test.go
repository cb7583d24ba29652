package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestNorwegian goes through all pages in Norwegian, by the words that people read.
func TestNorwegian(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{Pending: 1})
	v := b.visitor()
	v.lang = "nb-NO,nb;q=0.9,en;q=0.8"
	at := func(status int, title string) {
		t.Helper()
		v.at(status, title)
		v.wantNoEnglish()
	}
	v.portal("/")
	at(200, "Logg inn")
	v.press("Send magisk lenke", "E-post", admin)
	at(200, "Sjekk e-posten din")
	v.follow("link", "Åpne postkassen")
	at(200, "Postkasse")
	v.follow("link", "Logg inn på Kustom Portal")
	at(200, "Hjem")
	v.follow("link", "Integrasjoner")
	at(200, "Integrasjoner")
	v.follow("link", "API")
	at(200, "API")
	v.press("Vis", "Butikk", kaffebonna)
	v.follow("link", "API-nøkler").follow("link", "Generer ny")
	v.get("dialog", "Generer en ny API-nøkkel")
	at(200, "")
	v.press("Generer", "Beskrivelse", "terraform")
	if got := v.text("status"); got != "Vent mens nøkkelen opprettes" {
		t.Errorf("the status is %q", got)
	}
	at(200, "")
	v.open(v.url.String()).get("dialog", "Din nye API-nøkkel")
	at(200, "")
	username := attribute(v.get("textbox", "Kustom ID"), "value")
	v.press("Ferdig")
	v.openMenu("Handlinger for "+username).follow("menuitem", "Slett API-nøkkel").get("dialog", "Slett API-nøkkel")
	at(200, "")
	v.press("Slett")
	at(200, "Integrasjoner")
	if got := v.text("status"); got != "API-nøkkelen "+username+" er slettet" {
		t.Errorf("the status is %q", got)
	}
	v.portal("/nothing")
	at(404, "Ikke funnet")
	v.portal("/").press("Logg ut")
	at(200, "Logg inn")

	v.mystore("/sign-in").press("Logg inn", "Butikknavn", "fjellsport", "E-post", "owner@fjellsport.example", "Passord", "wrong")
	at(422, "Logg inn")
	v.press("Logg inn", "Butikknavn", "fjellsport", "E-post", "owner@fjellsport.example", "Passord", "fake-mystore-password-fjellsport")
	at(200, "Hjem")
	v.follow("link", "Utvidelser").press("Søk", "Søk", "klarna")
	at(200, "Utvidelser")
	v.follow("link", "Klarna Checkout V3").follow("link", "Legitimasjon")
	at(200, "Legitimasjon")
	v.press("Oppdater ID og Secret")
	at(422, "Legitimasjon")
}

// wantNoEnglish looks for words that the table has another word for.
func (v *visitor) wantNoEnglish() {
	v.t.Helper()
	for n := range v.doc.Descendants() {
		said := []string{strings.Join(strings.Fields(n.Data), " ")}
		if n.Type == html.ElementNode {
			said = []string{attribute(n, "aria-label"), attribute(n, "data-label")}
		}
		for _, word := range said {
			if translated, ok := bokmaal[word]; ok && translated != word {
				v.t.Errorf("%s says %q", v.url, word)
			}
		}
	}
}

// TestLanguageIsKept: the link in the footer wins over what the browser asks for.
func TestLanguageIsKept(t *testing.T) {
	b := newBench(t, ThreeShops(), Options{})
	v := b.signedIn(admin).at(200, "Home")
	v.follow("link", "Norsk bokmål").at(200, "Hjem")
	v.follow("link", "Integrasjoner").at(200, "Integrasjoner")
	v.follow("link", "English").at(200, "Integrations")
	v.portal("/").at(200, "Home")
	v.portal("/?lang=tlh").at(200, "Home")
	for lang, title := range map[string]string{"no": "Logg inn", "nn-NO": "Logg inn", "da, nb": "Logg inn", "de": "Sign in", "": "Sign in", "en-GB,nb": "Sign in"} {
		other := b.visitor()
		other.lang = lang
		other.portal("/").at(200, title)
	}
}

// TestEveryWordIsUsed: what no page says is not in the table.
func TestEveryWordIsUsed(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"pages/*.html", "pages/content/*.html", "*pages.go", "sessions.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(content)
		}
	}
	for word := range bokmaal {
		if !strings.Contains(source.String(), `"`+word+`"`) {
			t.Errorf("nothing says %q", word)
		}
	}
}

func TestUnknownWord(t *testing.T) {
	if got, err := (words{Lang: english}).W("Klarna"); err == nil {
		t.Errorf("a word that is not in the table is %q", got)
	}
}
