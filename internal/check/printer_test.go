package check

import (
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

func TestBlock_CommentsOutUnlikelyWords(t *testing.T) {
	t.Parallel()
	printer := NewPrinter(&strings.Builder{})
	thing := func(label, word string) browser.Target {
		return browser.Target{Kind: browser.Action, Label: label, Words: []string{word}}
	}
	printer.finding("Kustom Portal", browser.Finding{Target: thing("generate_new", "Generate new"), Nearest: []string{"User management", "Orders"}})
	printer.finding("Mystore", browser.Finding{Target: thing("update", "Update ID and Secret"), Nearest: []string{"Update ${both}"}})
	want := `browser {
  labels = {
    "mystore.update" = "Update $${both}"
    # "portal.generate_new" = "…" # the new word; the page has "User management", "Orders"
  }
}
`
	if got := printer.block(); got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestAlike_ComparesShopWithStore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		shop, store string
		want        bool
	}{
		{"kaffebonna", "Kaffebønna AS", true}, {"ullogtre", "Ull og Tre", true}, {"fjellsport", "Fjellsport Norge", true},
		{"fjellsport", "Kaffebønna", false}, {"a", "a", false}, {"shop", "", false},
	} {
		if got := Alike(test.shop, test.store); got != test.want {
			t.Errorf("%s and %s: %v", test.shop, test.store, got)
		}
	}
}
