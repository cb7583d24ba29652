package provider_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser/browsertest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// foreign are words that nobody would guess, in place of those of both vendors' pages.
func foreign() map[string]string {
	return map[string]string{
		"Integrations": "Verksted", "API": "Adgang", "Generate new": "Lag en til", "Key ID": "Hvilken", "Creation date": "Fra", "Last used": "Rørt",
		"Expiration date": "Til", "Delete API Key": "Ta vekk", "Confirm": "Gjør det", "Extensions": "Tilvekst", "Your extensions": "Egne",
		"Credentials": "Papirer", "Kustom ID": "Hvem", "Kustom Secret": "Hysj", "Update ID and Secret": "Bytt ut",
	}
}

// playgroundShop is a shop of the playground, with Klarna's key.
func playgroundShop() sandbox.Seed {
	seed := loneShop()
	seed.Environment = sandbox.Playground
	test := strings.NewReplacer("M00", "PM00", "_live_", "_test_", "api.klarna.com", "api.playground.klarna.com", "api.kustom.co", "api.playground.kustom.co")
	store, shop := &seed.Stores[0], &seed.Shops[0]
	for _, text := range []*string{&store.MerchantID, &shop.MerchantID, &shop.KustomID, &shop.KustomSecret} {
		*text = test.Replace(*text)
	}
	for i := range store.Keys {
		for _, text := range []*string{&store.Keys[i].Username, &store.Keys[i].Secret, &store.Keys[i].Host} {
			*text = test.Replace(*text)
		}
	}
	for i := range store.Services {
		store.Services[i].Host = test.Replace(store.Services[i].Host)
	}
	shop.KustomID = inKlarnasForm(shop.KustomID)
	for i, key := range store.Keys {
		store.Keys[i].Username = inKlarnasForm(key.Username)
	}
	return seed
}

// taughtShop is a shop whose pages are built and worded as nobody knows, and somebody who knows them.
type taughtShop struct {
	*vendors
	*browsertest.Teacher
	seed sandbox.Seed
	file string
}

func newTaughtShop(t *testing.T) *taughtShop {
	t.Helper()
	s := &taughtShop{seed: playgroundShop(), file: filepath.Join(t.TempDir(), "pages.json")}
	s.vendors = newVendorsBy(t, waysPages, s.seed, sandbox.Options{Pages: sandbox.PagesOptions{Mutations: []string{"buttons-are-divs", "row-menu-unnamed"}}})
	for _, api := range []string{sandbox.PortalPages, sandbox.MystorePages} {
		s.Arm(sandbox.Fault{API: api, Kind: sandbox.FaultRename, Times: 100000, Rename: foreign()})
	}
	s.Teacher = &browsertest.Teacher{Do: s.show}
	for _, address := range slices.Collect(maps.Values(s.env)) {
		s.Hosts = append(s.Hosts, hostsIn(address)...)
	}
	return s
}

// hostsIn returns the hosts of the addresses in a text.
func hostsIn(text string) []string {
	var hosts []string
	for _, part := range strings.Split(text, "http://")[1:] {
		hosts = append(hosts, strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(`/"\`, r) })[0])
	}
	return hosts
}

// named is the innermost element with a text, or the field with that label.
func named(text string) string {
	return fmt.Sprintf(`(() => {
		const own = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim();
		const e = [...document.querySelectorAll("body *")].find((e) => own(e) === %q && e.checkVisibility());
		return e?.closest("label")?.control ?? e;
	})()`, text)
}

// show does what a person who knows the pages would do.
func (s *taughtShop) show(question string) browsertest.Answer {
	switch {
	case strings.Contains(question, "The provider can't use that"):
		return browsertest.Answer{Press: "Stop"}
	case strings.Contains(question, "Is this the right one?"):
		return browsertest.Answer{Press: "OK"}
	case strings.Contains(question, "Open the menu of any key"):
		return browsertest.Answer{Click: []string{`document.querySelector("td [aria-haspopup=menu]")`}, Press: "Done"}
	case strings.Contains(question, "Choose the item that deletes the key"):
		return browsertest.Answer{Click: []string{named("Ta vekk")}, Press: "Done"}
	}
	known := foreign()
	known["Developers"] = known["Integrations"]
	for word, text := range known {
		if strings.Contains(question, fmt.Sprintf("called %q", word)) || word == "Delete API Key" && strings.Contains(question, `called "Delete API key"`) {
			return browsertest.Answer{Point: named(text)}
		}
	}
	return browsertest.Answer{Press: "Skip"}
}

// check checks the shop, and returns what it says.
func (s *taughtShop) check(t *testing.T, o provider.CheckOptions) (ready bool, says string) {
	t.Helper()
	var out bytes.Buffer
	o.Out, o.Profile = &out, s.file
	s.ResetRequests()
	ready, err := provider.Check(t.Context(), provider.Options{
		Version: "test", Clock: s.clock, Getenv: func(name string) string { return s.env[name] }, Browsers: &browsers, Attendant: s.Attend,
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("the check asked for %s %s", r.Method, r.Path)
		}
	}
	return ready, out.String()
}

// TestPagesTaught_SwitchesShop: pages on which nothing is known are taught, without a change at the vendors; then they are read, and
// the shop is switched: its old key goes by a menu that was taught too.
func TestPagesTaught_SwitchesShop(t *testing.T) {
	t.Parallel()
	pagesOnly(t)
	s := newTaughtShop(t)
	ready, says := s.check(t, provider.CheckOptions{Teach: true})
	questions, errs := s.Questions()
	if !ready || len(errs) > 0 {
		t.Fatalf("it is not ready (%v):%s\n%q", errs, says, questions)
	}
	for _, text := range []string{"as the profile describes it", "are described in " + s.file, "browser {\n  profile = "} {
		if !strings.Contains(says, text) {
			t.Errorf("it does not say %q:%s", text, says)
		}
	}
	s.holdsNoValue(t)
	if ready, says := s.check(t, provider.CheckOptions{}); !ready {
		t.Errorf("with the profile, it is not ready:%s", says)
	}
	asked, _ := s.Questions()
	if len(asked) != len(questions) {
		t.Errorf("it has asked again: %q", asked[len(questions):])
	}
	w := s.commands(t, provider.Options{})
	w.useExample(t, wayConnection, s.seed)
	w.configure(t, fmt.Sprintf("browser { profile = %q }", s.file))
	w.mustApply(t)
	shop := s.seed.Shops[0]
	s.wantWorking(t, shop.Name)
	now := s.vendors.shop(t, shop.Name).KustomID
	if keys := s.Keys(shop.MerchantID); now == shop.KustomID || len(keys) != 1 || keys[0].Username != now {
		t.Errorf("the shop has %s, and its store the keys %v", now, keys)
	}
}

// holdsNoValue looks in the file for everything that the sandbox knows.
func (s *taughtShop) holdsNoValue(t *testing.T) {
	t.Helper()
	file, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	shop, store := s.seed.Shops[0], s.seed.Stores[0]
	values := []string{shop.Name, shop.KustomID, shop.KustomSecret, store.MerchantID, store.Name, s.seed.Users[0].Email, "127.0.0.1"}
	for _, key := range s.Keys(store.MerchantID) {
		values = append(values, key.Username, key.Secret)
	}
	for _, value := range values {
		if value == "" || strings.Contains(strings.ToLower(string(file)), strings.ToLower(value)) {
			t.Errorf("the file has %q", value)
		}
	}
	if t.Failed() {
		t.Logf("%s", file)
	}
}

// TestPagesProfile_RefusesUnknownVersion says what is wrong with the file, before anything is done.
func TestPagesProfile_RefusesUnknownVersion(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pages.json")
	if err := os.WriteFile(file, []byte(`{"version": 9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := provider.Check(t.Context(), provider.Options{Getenv: func(string) string { return "" }}, provider.CheckOptions{Profile: file, Out: &bytes.Buffer{}})
	if err == nil || !strings.Contains(err.Error(), "Unusable profile: The provider can't use the file "+file) || !strings.Contains(err.Error(), "its version is 9") {
		t.Errorf("the error is %v", err)
	}
	_, err = provider.Check(t.Context(), provider.Options{Getenv: func(string) string { return "" }},
		provider.CheckOptions{Profile: file, Teach: true, Out: &bytes.Buffer{}})
	if err == nil || !strings.Contains(err.Error(), "its version is 9") {
		t.Errorf("with teach, the error is %v", err)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != `{"version": 9}` {
		t.Errorf("the file is now %s: %v", content, err)
	}
}
