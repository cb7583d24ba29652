package browser_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// A waiting visit takes over the tab of another visit of its account, if that visit has succeeded and has left nothing
// in the tab. Otherwise it gets a new tab.
func TestVisit_TakesOverCleanTab(t *testing.T) {
	t.Parallel()
	failed := errors.New("it failed")
	for name, test := range map[string]struct {
		o browser.Options
		// first is what the first visit does.
		first func(*testing.T, *browser.Visit) error
		// other reports that the visits are of two accounts.
		other bool
		// same reports that both visits have the same tab.
		same bool
	}{
		"after a read":           {same: true},
		"another account":        {other: true},
		"after a failure":        {first: func(*testing.T, *browser.Visit) error { return failed }},
		"page may show a secret": {first: func(_ *testing.T, v *browser.Visit) error { v.Private(true); return nil }},
		"secret was typed":       {first: typeSecret},
		"user teaches":           {o: browser.Options{Taught: func() error { return nil }, Attendant: noAnswer}},
		"user approves clicks":   {o: browser.Options{Attended: true, Attendant: noAnswer}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servePage(t, `<input type="password" aria-label="Secret">`)
			test.o.MaxTabs, test.o.Timeout = 1, long
			b := browser.New(shared.Group(t), test.o)
			one := browser.NewAccount(s.Site, browser.Session{})
			two := one
			if test.other {
				two = browser.NewAccount(s.Site, browser.Session{})
			}
			var ids []string
			visit := func(a *browser.Account, do func(*testing.T, *browser.Visit) error) error {
				return b.Visit(t.Context(), a, func(v *browser.Visit) error {
					ids = append(ids, v.ID())
					if err := v.Load(t.Context(), step(), s.Site.URL); err != nil || do == nil {
						return err
					}
					return do(t, v)
				})
			}
			var group sync.WaitGroup
			err := visit(one, func(t *testing.T, v *browser.Visit) error {
				group.Go(func() {
					if err := visit(two, nil); err != nil {
						t.Error(err)
					}
				})
				eventually(t, "the second visit waits", func() bool { return b.IsWaiting(two) })
				if test.first != nil {
					return test.first(t, v)
				}
				return nil
			})
			group.Wait()
			if err != nil && !errors.Is(err, failed) {
				t.Fatal(err)
			}
			if same := ids[0] == ids[1]; same != test.same {
				t.Errorf("both visits have the same tab: %t, want %t", same, test.same)
			}
		})
	}
}

// A tab stays open for the next visit of its account. It is closed if another account needs a tab, and after a while.
func TestVisit_KeepsTabForNextVisit(t *testing.T) {
	t.Parallel()
	s, group := servePage(t, twoButtons), shared.Group(t)
	b := browser.New(group, browser.Options{Timeout: long, MaxTabs: 1})
	account, other := browser.NewAccount(s.Site, browser.Session{}), browser.NewAccount(s.Site, browser.Session{})
	visit := func(a *browser.Account, do func(*testing.T, *browser.Visit) error) (id string) {
		t.Helper()
		err := b.Visit(t.Context(), a, func(v *browser.Visit) error {
			id = v.ID()
			if err := v.Load(t.Context(), step(), s.Site.URL); err != nil || do == nil {
				return err
			}
			return do(t, v)
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := visit(account, nil)
	if again := visit(account, nil); again != first {
		t.Error("the account's next visit has another tab")
	}
	second := visit(other, nil)
	if second == first {
		t.Error("another account gets the tab")
	}
	if tabs, err := group.OpenTabs(account, other); tabs != 1 || err != nil {
		t.Errorf("%d tabs are open, want 1, %v", tabs, err)
	}
	visit(other, func(_ *testing.T, v *browser.Visit) error { v.Private(true); return nil })
	if third := visit(other, nil); third == second {
		t.Error("a tab is kept that may show a secret")
	}
	eventually(t, "the last tab is closed", func() bool {
		tabs, err := group.OpenTabs(account, other)
		return tabs == 0 && err == nil
	})
}

func typeSecret(t *testing.T, v *browser.Visit) error {
	s := step()
	s.Secret = true
	return v.Fill(t.Context(), s, mustFind(t, v.Tab, field("Secret")), "kco_test_api_typed")
}

func noAnswer(context.Context) {}
