package sandbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scriptMutations are the mutations that the scripts of the pages know.
func scriptMutations(t *testing.T, files ...string) []string {
	t.Helper()
	var names []string
	for _, file := range files {
		source, err := pageFiles.ReadFile("pages/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`mutated\("([^"]+)"\)`).FindAllStringSubmatch(string(source), -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// Each mutation has an effect, and the scripts use only known ones.
func TestMutations_HaveEffect(t *testing.T) {
	scripted := scriptMutations(t, "ui.js", "portal.js", "mystore.js")
	inGo := []string{"norwegian", "rows-late"}
	seen := map[string]bool{}
	for _, m := range Mutations() {
		if seen[m.Name] || m.Description == "" {
			t.Errorf("%s is listed twice, or has no description", m.Name)
		}
		seen[m.Name] = true
		if m.rename == nil && m.spell == nil && !slices.Contains(append(scripted, inGo...), m.Name) {
			t.Errorf("%s does nothing", m.Name)
		}
		for word := range m.rename {
			if _, ok := bokmaal[word]; !ok {
				t.Errorf("%s renames %q, which is on no page", m.Name, word)
			}
		}
	}
	for _, name := range scripted {
		if !seen[name] {
			t.Errorf("a script uses the unknown mutation %q", name)
		}
	}
	if len(seen) < 30 {
		t.Errorf("there are only %d mutations", len(seen))
	}
}

// The scripts of a vendor use only mutations that are listed for its pages.
func TestMutations_AreListedForPagesTheyChange(t *testing.T) {
	for api, script := range map[string]string{PortalPages: "portal.js", MystorePages: "mystore.js"} {
		source, err := pageFiles.ReadFile("pages/" + script)
		if err != nil {
			t.Fatal(err)
		}
		used := scriptMutations(t, script)
		for _, m := range Mutations() {
			changes := slices.Contains(used, m.Name)
			for word := range m.rename {
				changes = changes || strings.Contains(string(source), strconv.Quote(word))
			}
			if changes && !m.On(api) {
				t.Errorf("%s changes what %s shows", m.Name, script)
			}
		}
	}
}

// With any mutation, a person still sees the key and the fields.
func TestMutations_ShowPagesAnyway(t *testing.T) {
	onMystore := scriptMutations(t, "ui.js", "mystore.js")
	for _, m := range Mutations() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, ThreeShops(), Options{Pages: PagesOptions{Mutations: []string{m.Name}}})
			env.wantKeyShown(m.Name)
			if slices.Contains(onMystore, m.Name) {
				env.wantFieldsShown(m.Name)
			}
			env.wantViolations()
		})
	}
}

func (env *testEnv) wantKeyShown(mutation string) {
	env.t.Helper()
	p := newTab(env.t)
	path, err := env.s.PortalLink(admin, "/integrations/api")
	if err != nil {
		env.t.Fatal(err)
	}
	p.open(env.srv.URL() + path)
	switch mutation {
	case "store-not-chosen":
		p.pressNth("button[role=combobox]", "", 0)
		p.press("Fjellsport – M00412871")
	case "consent-modal":
		p.press("Necessary only")
	case "news-dialog":
		// It may open before or after the list, and covers the list.
		p.press("Got it")
	}
	p.until(find("*", fjellsportK) + ".length || " + find("p", "Key ID: "+fjellsportK) + ".length")
}

func (env *testEnv) wantFieldsShown(mutation string) {
	env.t.Helper()
	p := newTab(env.t)
	target := "/extensions/" + KlarnaCheckoutV3
	if mutation != "credentials-tab" && mutation != "credentials-dialog" {
		target += "/credentials"
	}
	path, err := env.s.MystoreLink("fjellsport", target)
	if err != nil {
		env.t.Fatal(err)
	}
	p.open(ShopURL(env.srv.URL(), "fjellsport") + path)
	if !strings.HasSuffix(target, "/credentials") {
		p.press("Credentials")
	}
	p.until(find("input", "") + ".length === 2")
}

// With any mutation, a person can still read the new password.
func TestMutations_GenerateKeyAnyway(t *testing.T) {
	for _, name := range []string{
		"generate-link", "generate-icon", "generate-confirm", "generate-slow", "buttons-are-divs", "inert", "list-stale", "iframe", "shadow",
		"popup-plain", "popup-inline", "popup-alertdialog", "popup-inputs", "popup-password-inputs", "popup-code", "popup-split", "popup-dl",
		"popup-password-first", "close-icon-only", "silent",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, playground(), Options{Pages: PagesOptions{Mutations: []string{name}}})
			p := env.portalAt("/integrations/api")
			p.press("Generate new")
			if name == "generate-confirm" {
				p.press("Confirm")
			}
			p.until(`things("*", "").some(([e]) => /^kco_test_api_\w{20,}$/.test(e.value ?? e.textContent))`)
			if keys := env.s.Keys("PM00123456"); len(keys) != 3 {
				t.Errorf("there are %d keys", len(keys))
			}
		})
	}
}

// With any mutation, a person can still delete a key.
func TestMutations_DeleteKeyAnyway(t *testing.T) {
	for _, name := range []string{
		"row-menu-unnamed", "row-delete-button", "menu-more-items", "delete-red", "delete-alertdialog", "delete-names-key", "delete-typed",
		"delete-native", "delete-at-once", "iframe", "shadow", "inert", "popup-plain", "buttons-are-divs", "table-cards", "table-dl", "table-grid",
		"columns-moved",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, playground(), Options{Pages: PagesOptions{Mutations: []string{name}}})
			p := env.portalAt("/integrations/api")
			env.deleteLastKey(p, name)
			for deadline := time.Now().Add(pageTimeout); len(env.s.Keys("PM00123456")) != 1; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the key is not deleted")
				}
			}
		})
	}
}

func (env *testEnv) deleteLastKey(p *tab, mutation string) {
	env.t.Helper()
	last := env.s.Keys("PM00123456")[1].Username
	p.until(find("*", last) + ".length || " + find("p", "Key ID: "+last) + ".length")
	eval[bool](p, "(window.confirm = () => true)()")
	if mutation == "row-delete-button" {
		p.pressNth("button", "Delete API Key", -1)
	} else {
		p.pressNth("main [aria-haspopup=menu]", "", -1)
		p.press("Delete API Key")
	}
	switch mutation {
	case "delete-native", "delete-at-once":
		return
	case "delete-typed":
		p.pressNth("[role=dialog] input", "", 0)
		p.enter(last)
	}
	if mutation == "delete-red" {
		p.press("Delete API key")
		return
	}
	p.press("Confirm")
}
