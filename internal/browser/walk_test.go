package browser_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// If the walk has reached its page, the error names what the page lacks, and no step on the way to it.
func TestWalk_ErrorNamesWhatGoalLacks(t *testing.T) {
	t.Parallel()
	s := servePage(t, `<a href="#x">Extensions</a><input aria-label="Kustom ID"><button>Commit pair</button><button>Extensions and updates of all kinds</button>`)
	tab := s.open(t, browser.Options{Timeout: short})
	save, field := action("Update pair"), browser.Target{Kind: browser.Field, Words: []string{"Kustom ID"}}
	err := tab.Walk(t.Context(), step(), browser.Route{
		Goal: func(p *browser.Page) error {
			if _, err := p.One(field); err != nil {
				return err
			}
			return &browser.AbsentError{Targets: []browser.Target{save}, RightPage: true}
		},
		Steps: []browser.WalkStep{{Target: action("Extensions")}, {Target: action("Your extensions")}},
	})
	failed := wantStepError(t, err, browser.NotFound)
	if len(failed.Wanted) != 1 || failed.Wanted[0].Words[0] != "Update pair" || len(failed.Nearest) == 0 || failed.Nearest[0] != "Commit pair" {
		t.Errorf("the error wants %v, and the nearest names are %q", failed.Wanted, failed.Nearest)
	}
}

// A read-only browser does not wait the whole timeout for an element that a settled page lacks.
func TestAwait_ReadOnlyStopsWaitingOnSettledPage(t *testing.T) {
	t.Parallel()
	const counts = `<p role="status">0</p><script>setInterval(() => { const s = document.querySelector("p"); s.textContent = +s.textContent + 1 }, 1000)</script>`
	const late = `<script>setTimeout(() => { document.body.innerHTML = "<button>Nothing</button>" }, 10000)</script>`
	for name, test := range map[string]struct {
		body  string
		found bool
		o     browser.Options
		most  time.Duration
	}{
		"settled":       {`<button>Other</button>`, false, browser.Options{ReadOnly: true, Timeout: long}, long / 2},
		"changing":      {`<button>Other</button>` + counts + late, true, browser.Options{ReadOnly: true, Timeout: long}, long},
		"not read-only": {`<button>Other</button>` + late, true, browser.Options{Timeout: long}, long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := servePage(t, test.body).open(t, test.o)
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
			if failed := wantStepError(t, err, browser.NotFound); !slices.Equal(failed.Nearest, []string{"Other"}) {
				t.Errorf("the nearest names are %q", failed.Nearest)
			}
		})
	}
}

// shownText is the text of a page. It counts once it has been the same for a second.
type shownText string

func (shownText) Quiet() time.Duration { return time.Second }

func TestWalk_WaitsUntilLastPageSettles(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"changes": `setTimeout(() => { document.querySelector("p").textContent = "new" }, 600)`,
		"loads": `document.body.insertAdjacentHTML("beforeend", "<div aria-busy='true'>…</div>");
			setTimeout(() => { document.querySelector("p").textContent = "new"; document.querySelector("div").remove() }, 3000)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab := servePage(t, `<p role="status">old</p><script>`+script+`</script>`).open(t, browser.Options{Timeout: long})
			var shown shownText
			err := tab.Walk(t.Context(), step(), browser.Route{
				Goal: func(*browser.Page) error { return nil },
				Shows: func(p *browser.Page) any {
					shown = shownText(p.Text())
					return shown
				},
			})
			if err != nil || shown != "new" {
				t.Errorf("the walk ends with %q, error %v", shown, err)
			}
		})
	}
}
