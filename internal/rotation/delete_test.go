package rotation_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// If the portal lists the keys right before it deletes one, an older list is enough to identify the key. It is not
// enough to tell the key's last use, or that the key is gone.
func TestDeleteIfUnused_ListsOnceIfPortalLists(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		lists     bool
		known     bool
		unusedFor time.Duration
		before    int
	}{
		"an older list":     {lists: true, known: true},
		"evidence":          {lists: true, known: true, unusedFor: day, before: 1},
		"a key not listed":  {lists: true, before: 1},
		"a portal's answer": {known: true, before: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-new"))
			old := m1("M1-old")
			if test.known {
				env.portal.keys = append(env.portal.keys, old)
			}
			if test.lists {
				env.engine = rotation.New(rotation.Options{
					Portal: listingPortal{env.portal}, Shops: env.shops, Merchant: env.merchant, Clock: env.clock, Names: env.shops.names,
				})
			}
			if _, err := env.engine.Keys.Fresh(t.Context(), "M1"); err != nil {
				t.Fatal(err)
			}
			if !test.known {
				env.portal.keys = append(env.portal.keys, old)
			}
			env.clock.Advance(rotation.FreshFor)
			listed, before := env.portal.calls[listCall], -1
			env.portal.before = func(kind, _ string, _ int) error {
				if kind == deleteCall {
					before = env.portal.calls[listCall] - listed
				}
				return nil
			}
			if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), test.unusedFor); err != nil {
				t.Fatal(err)
			}
			if before != test.before {
				t.Errorf("the keys were listed %d times before the deletion, want %d", before, test.before)
			}
			if after := env.portal.calls[listCall] - listed - before; after != 1 {
				t.Errorf("the keys were listed %d times after the deletion", after)
			}
			env.wantKeys("M1-new")
		})
	}
}

// listingPortal lists the store's keys itself right before it deletes one, as the pages do.
type listingPortal struct{ *fakePortal }

func (listingPortal) ListsBeforeDeletion() bool { return true }

func (listingPortal) ListsByStore() bool { return true }

// While a person decides about a click, another run may give a shop the key.
func TestDeleteIfUnused_AsksShopsAgainAfterSlowAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// taken says that a shop gets the key while the person decides, and slow is how many clicks take long.
		taken bool
		slow  int
		keys  []string
	}{
		"nobody uses it":     {false, 1, []string{"M1-new"}},
		"a shop has got it":  {true, 1, []string{"M1-old", "M1-new"}},
		"always too slow":    {false, 99, []string{"M1-old", "M1-new"}},
		"answered at once":   {false, 0, []string{"M1-new"}},
		"slow a second time": {false, 2, []string{"M1-new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
			env.portal.before = func(kind, _ string, call int) error {
				if kind != deleteCall || call > test.slow {
					return nil
				}
				env.clock.Advance(time.Minute)
				if test.taken {
					env.shops.set("a", "M1-old")
				}
				return outdatedError{}
			}
			err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0)
			env.wantKeys(test.keys...)
			switch {
			case test.taken:
				wantInUse(t, err)
			case transport.IsOutdated(err) != (len(test.keys) == 2):
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestDelete_RetriesAfterSlowAnswer(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil, m1("M1-old"))
	env.portal.before = func(kind, _ string, call int) error {
		if kind == deleteCall && call == 1 {
			return outdatedError{}
		}
		return nil
	}
	if err := env.engine.Keys.Delete(t.Context(), orphan("M1-old")); err != nil {
		t.Fatal(err)
	}
	env.wantKeys()
}

// outdatedError is the error of a deletion that a person allowed too late.
type outdatedError struct{}

func (outdatedError) Error() string { return "allowed after a while" }

func (outdatedError) Outdated() bool { return true }

func (outdatedError) DidNothing() bool { return true }

func TestDelete_ConfirmsByReading(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, after func(call int) error // of the deletion
		discards      int
		fails         error
	}{
		"done":                         {discards: 1},
		"done, torn answer":            {after: func(int) error { return errTruncated }, discards: 1},
		"not done, torn answer":        {before: func(call int) error { return map[int]error{1: errTruncated}[call] }, discards: 2},
		"never done, torn answer":      {before: func(int) error { return errTruncated }, discards: 5, fails: errTruncated},
		"refused":                      {before: func(int) error { return errRefused }, discards: 1, fails: errRefused},
		"not done, torn, then refused": {before: func(call int) error { return []error{errTruncated, errRefused}[call-1] }, discards: 2, fails: errRefused},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newFakePortal(clocktest.New(noon), m1("M1-old"), m1("M1-new"))
			on := func(fails func(int) error) func(string, string, int) error {
				return func(kind, _ string, call int) error {
					if kind != deleteCall || fails == nil {
						return nil
					}
					return fails(call)
				}
			}
			a.before, a.after = on(test.before), on(test.after)
			keys := rotation.NewKeys(a, a.clock)
			usernames(t, keys, "M1")
			err := keys.Delete(t.Context(), orphan("M1-old"))
			if !errors.Is(err, test.fails) || (err == nil) != (test.fails == nil) {
				t.Errorf("the error is %v", err)
			}
			if n := a.called(deleteCall); n != test.discards {
				t.Errorf("it was deleted %d times, want %d", n, test.discards)
			}
			if gone := !slices.Contains(a.usernames(), "M1-old"); gone != (err == nil) {
				t.Errorf("the key is gone: %t, error %v", gone, err)
			}
			if listed := slices.Contains(usernames(t, keys, "M1"), "M1-old"); listed != (err != nil) {
				t.Errorf("the key is still listed: %t", listed)
			}
		})
	}
}

func TestDelete_RetriesAcceptedDeletion(t *testing.T) {
	t.Parallel()
	a := newFakePortal(clocktest.New(noon), m1("M1-old"), m1("M1-new"))
	a.after = func(kind, _ string, call int) error {
		if kind == deleteCall && call == 1 {
			a.keys = append(a.keys, m1("M1-old"))
		}
		return nil
	}
	if err := rotation.NewKeys(a, a.clock).Delete(t.Context(), orphan("M1-old")); err != nil {
		t.Error(err)
	}
	if got := a.usernames(); !slices.Equal(got, []string{"M1-new"}) || a.called(deleteCall) != 2 {
		t.Errorf("the keys are %q after %d deletions", got, a.called(deleteCall))
	}
}

// The pages identify such a key by the keys that the store had before.
func TestDeleteLeftovers_DeletesUnidentifiedKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	unnamed := kustom.Orphan{MerchantID: "M1", Description: "terraform", Before: "|id-M1-old|"}
	var discarded []kustom.Orphan
	env.engine.Keys = rotation.NewKeys(pagesPortal{env.portal, &discarded}, env.clock)
	if err := env.engine.DeleteLeftovers(t.Context(), []kustom.Orphan{unnamed}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(discarded, []kustom.Orphan{unnamed}) {
		t.Errorf("the portal was asked to delete %+v", discarded)
	}
}

// pagesPortal can't find the key of a request.
type pagesPortal struct {
	rotation.Portal
	discarded *[]kustom.Orphan
}

func (p pagesPortal) DeleteOrphan(_ context.Context, o kustom.Orphan) error {
	*p.discarded = append(*p.discarded, o)
	return nil
}

func TestIsIdle_CountsFromLastUseOrCreation(t *testing.T) {
	t.Parallel()
	used := func(ago time.Duration) *time.Time { at := noon.Add(-ago); return &at }
	for name, test := range map[string]struct {
		key   kustom.Key
		quiet bool
	}{
		"never used, old":       {kustom.Key{CreatedAt: noon.Add(-time.Hour)}, true},
		"never used, new":       {kustom.Key{CreatedAt: noon.Add(-time.Minute)}, false},
		"used long ago":         {kustom.Key{CreatedAt: noon.Add(-24 * time.Hour), LastUsedAt: used(time.Hour)}, true},
		"used just now":         {kustom.Key{CreatedAt: noon.Add(-24 * time.Hour), LastUsedAt: used(time.Minute)}, false},
		"made after a last use": {kustom.Key{CreatedAt: noon, LastUsedAt: used(time.Hour)}, false},
	} {
		if got := rotation.IsIdle(test.key, time.Hour, noon); got != test.quiet {
			t.Errorf("%s: quiet: %t", name, got)
		}
		if rotation.IsIdle(test.key, 0, noon) {
			t.Errorf("%s: quiet although no evidence counts", name)
		}
	}
}
