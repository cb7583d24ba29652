package browser_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// TestTab_WalkNamesWhatThePageItselfLacks: on the page that is looked for, what it lacks is named first and alone, and
// not a step on the way there.
func TestTab_WalkNamesWhatThePageItselfLacks(t *testing.T) {
	t.Parallel()
	s := serveOne(t, `<a href="#x">Extensions</a><input aria-label="Kustom ID"><button>Commit pair</button><button>Extensions and updates of all kinds</button>`)
	tab := s.open(t, browser.Options{Timeout: 5 * short})
	save, field := action("Update pair"), browser.Target{Kind: browser.Field, Words: []string{"Kustom ID"}}
	err := tab.Walk(t.Context(), step(), browser.Route{
		Goal: func(p *browser.Page) error {
			if _, err := p.One(field); err != nil {
				return err
			}
			return &browser.AbsentError{Targets: []browser.Target{save}, Here: true}
		},
		Steps: []browser.WalkStep{{Target: action("Extensions")}, {Target: action("Your extensions")}},
	})
	failed := failure(t, err, browser.NotFound)
	if len(failed.Wanted) != 1 || failed.Wanted[0].Words[0] != "Update pair" || len(failed.Nearest) == 0 || failed.Nearest[0] != "Commit pair" {
		t.Errorf("it looked for %v, and there is %q", failed.Wanted, failed.Nearest)
	}
}

// TestTab_CheckStopsWaitingAtRest: a look that changes nothing does not wait for the whole timeout for what a page at rest
// does not have. A page that is at work gets it.
func TestTab_CheckStopsWaitingAtRest(t *testing.T) {
	t.Parallel()
	const counts = `<p role="status">0</p><script>setInterval(() => { const s = document.querySelector("p"); s.textContent = +s.textContent + 1 }, 1000)</script>`
	const late = `<script>setTimeout(() => { document.body.innerHTML = "<button>Nothing</button>" }, 12000)</script>`
	for name, test := range map[string]struct {
		body  string
		found bool
		o     browser.Options
		most  time.Duration
	}{
		"at rest":            {`<button>Other</button>`, false, browser.Options{ReadOnly: true, Timeout: long}, long / 2},
		"at work":            {`<button>Other</button>` + counts + late, true, browser.Options{ReadOnly: true, Timeout: long}, long},
		"where a run may do": {`<button>Other</button>` + late, true, browser.Options{Timeout: long}, long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, test.body).open(t, test.o)
			err := within(t, test.most, func(ctx context.Context) error {
				_, err := find(ctx, tab, step(), action("Nothing"))
				return err
			})
			if test.found {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if failed := failure(t, err, browser.NotFound); !slices.Equal(failed.Nearest, []string{"Other"}) {
				t.Errorf("there is %q", failed.Nearest)
			}
		})
	}
}

// shownText is a text of a page that counts after it has stayed the same for a while.
type shownText string

func (shownText) Quiet() time.Duration { return time.Second }

// TestTab_WalkSettlesWhatItsEndShows: a walk that reads its last page ends with what the page keeps showing, and not while
// part of the page is a placeholder.
func TestTab_WalkSettlesWhatItsEndShows(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"changes": `setTimeout(() => { document.querySelector("p").textContent = "new" }, 600)`,
		"loads": `document.body.insertAdjacentHTML("beforeend", "<div aria-busy='true'>…</div>");
			setTimeout(() => { document.querySelector("p").textContent = "new"; document.querySelector("div").remove() }, 3000)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := serveOne(t, `<p role="status">old</p><script>`+script+`</script>`).open(t, browser.Options{Timeout: long})
			var shown shownText
			err := tab.Walk(t.Context(), step(), browser.Route{
				Goal: func(*browser.Page) error { return nil },
				Shows: func(p *browser.Page) any {
					shown = shownText(p.Text())
					return shown
				},
			})
			if err != nil || shown != "new" {
				t.Errorf("it ended with %q, error %v", shown, err)
			}
		})
	}
}
