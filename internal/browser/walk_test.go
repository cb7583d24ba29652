package browser_test

import (
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// TestTab_WalkNamesWhatThePageItselfLacks: on the page that is looked for, what it lacks is named first and alone, and
// not a step on the way there.
func TestTab_WalkNamesWhatThePageItselfLacks(t *testing.T) {
	t.Parallel()
	s := serveOne(t, `<a href="#x">Extensions</a><input aria-label="Kustom ID"><button>Commit pair</button><button>Extensions and updates of all kinds</button>`)
	tab := s.open(t, browser.Options{Timeout: 5 * short})
	save, field := action("Update pair"), browser.Thing{Kind: browser.Field, Words: []string{"Kustom ID"}}
	err := tab.Walk(t.Context(), step(), browser.Route{
		Goal: func(p *browser.Page) error {
			if _, err := p.One(field); err != nil {
				return err
			}
			return &browser.AbsentError{Things: []browser.Thing{save}, Here: true}
		},
		Moves: []browser.Move{{Thing: action("Extensions")}, {Thing: action("Your extensions")}},
	})
	failed := failure(t, err, browser.NotFound)
	if len(failed.Wanted) != 1 || failed.Wanted[0].Words[0] != "Update pair" || len(failed.Nearest) == 0 || failed.Nearest[0] != "Commit pair" {
		t.Errorf("it looked for %v, and there is %q", failed.Wanted, failed.Nearest)
	}
}
