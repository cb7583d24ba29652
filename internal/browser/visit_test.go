package browser_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// TestVisit_HandsItsTabOver: a visit that waits for a tab gets the one of a visit of its account that has ended well and
// has left nothing in it. In all other cases it gets a new one.
func TestVisit_HandsItsTabOver(t *testing.T) {
	t.Parallel()
	failed := errors.New("it failed")
	for name, test := range map[string]struct {
		o     browser.Options
		first func(*testing.T, *browser.Visit) error
		other bool
		same  bool
	}{
		"after a read":                 {same: true},
		"another account":              {other: true},
		"after a failure":              {first: func(*testing.T, *browser.Visit) error { return failed }},
		"where a secret may be":        {first: func(_ *testing.T, v *browser.Visit) error { v.Private(true); return nil }},
		"where a secret was typed":     {first: typeSecret},
		"where windows are shown":      {o: browser.Options{Taught: func() error { return nil }, Attendant: nobody}},
		"where a user approves clicks": {o: browser.Options{Attended: true, Attendant: nobody}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveOne(t, `<input type="password" aria-label="Secret">`)
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
				for !b.Awaited(two) {
					time.Sleep(time.Millisecond)
				}
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
				t.Errorf("the second visit has the first one's tab: %t, want %t", same, test.same)
			}
		})
	}
}

// TestVisit_KeepsItsTabForTheNext: the next visit of the account gets the tab of the last one. Where it is in the way of
// another account, or nobody comes, it is closed.
func TestVisit_KeepsItsTabForTheNext(t *testing.T) {
	t.Parallel()
	g := newGroup(t, browser.Options{Timeout: long, MaxTabs: 1})
	other := browser.NewAccount(g.site.Site, browser.Session{})
	visit := func(a *browser.Account, do func(*testing.T, *browser.Visit) error) (id string) {
		t.Helper()
		err := g.Visit(t.Context(), a, func(v *browser.Visit) error {
			id = v.ID()
			if err := v.Load(t.Context(), step(), g.site.Site.URL); err != nil || do == nil {
				return err
			}
			return do(t, v)
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := visit(g.account, nil)
	if again := visit(g.account, nil); again != first {
		t.Error("the account's next visit has another tab")
	}
	second := visit(other, nil)
	if second == first {
		t.Error("another account has the tab")
	}
	if tabs, err := g.OpenTabs(); tabs != 1 || err != nil {
		t.Errorf("%d tabs are open, want 1, %v", tabs, err)
	}
	visit(other, func(_ *testing.T, v *browser.Visit) error { v.Private(true); return nil })
	if third := visit(other, nil); third == second {
		t.Error("a tab is kept that may show a secret")
	}
	err := within(t, long/2, func(ctx context.Context) error {
		for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			if tabs, err := g.OpenTabs(); tabs == 0 || err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("the tab stays open: %v", err)
	}
}

func typeSecret(t *testing.T, v *browser.Visit) error {
	s := step()
	s.Secret = true
	return v.Fill(t.Context(), s, await(t, v.Tab, field("Secret")), "kco_test_api_typed")
}

func nobody(context.Context) {}
