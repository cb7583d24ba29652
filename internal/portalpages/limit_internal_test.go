package portalpages

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// A text that the page has shown before the click says nothing about the click.
func TestLimitMessage_FindsWordInNewText(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"You have reached the limit of 10 keys.":  true,
		"LIMIT":                                   true,
		"Time limits apply; the limit is reached": true,
		"Grensesnitt for utviklere":               false,
		"Unlimited keys":                          false,
		"There is a limit of 10 keys":             false,
		"":                                        false,
	} {
		var d pageNodes
		d.add(d.add(-1, "", ""), "", line)
		v := &visit{Visit: &browser.Visit{Words: browser.NewWords(Table(), nil)}, lines: []string{"There is a limit of 10 keys"}}
		if got := v.limitMessage(d.page(t)); (got != "") != want {
			t.Errorf("%q is read as %q", line, got)
		}
	}
}
