package rotation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func TestDelete_ConfirmsByReading(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// lost are the errors of requests that delete nothing, by their number, and truncated says that answers are truncated.
		lost      func(call int) error
		truncated bool
		// restored says that the portal accepts the first deletion, and the key is still there.
		restored bool
		deletes  int
		fails    error
	}{
		"done":                              {deletes: 1},
		"done, truncated answer":            {truncated: true, deletes: 1},
		"accepted, and not done":            {restored: true, deletes: 2},
		"not done, truncated answer":        {lost: func(call int) error { return map[int]error{1: errTruncated}[call] }, deletes: 2},
		"never done, truncated answer":      {lost: func(int) error { return errTruncated }, deletes: 5, fails: errTruncated},
		"refused":                           {lost: func(int) error { return errRefused }, deletes: 1, fails: errRefused},
		"outdated, then done":               {lost: func(call int) error { return map[int]error{1: outdatedError{}}[call] }, deletes: 2},
		"not done, truncated, then refused": {lost: func(call int) error { return []error{errTruncated, errRefused}[call-1] }, deletes: 2, fails: errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			a, keys := newKeys(m1("M1-old"), m1("M1-new"))
			a.before = func(kind, _ string, call int) error {
				if kind == deleteCall && test.lost != nil {
					return test.lost(call)
				}
				return nil
			}
			a.after = func(kind, _ string, call int) error {
				switch {
				case kind != deleteCall:
				case test.truncated:
					return errTruncated
				case test.restored && call == 1:
					a.keys = append(a.keys, m1("M1-old"))
				}
				return nil
			}
			wantKeysOf(t, keys, "M1", "M1-new", "M1-old")
			err := keys.Delete(t.Context(), orphan("M1-old"))
			if !errors.Is(err, test.fails) || (err == nil) != (test.fails == nil) || a.called(deleteCall) != test.deletes {
				t.Errorf("the error is %v, after %d deletions", err, a.called(deleteCall))
			}
			want := []string{"M1-new"}
			if test.fails != nil {
				want = append(want, "M1-old")
			}
			wantKeysOf(t, keys, "M1", want...)
			if got := a.usernames(); !slices.Equal(got, want) {
				t.Errorf("the keys are %q, want %q", got, want)
			}
		})
	}
}

// A list that lacks a key may be stale. After an inconclusive answer, the key is fetched by itself.
func TestDelete_FetchesUnlistedKeyAfterTruncatedAnswer(t *testing.T) {
	t.Parallel()
	a, keys := newKeys(m1("M1-old"), m1("M1-new"))
	fetched := false
	a.before = func(kind, _ string, call int) error {
		fetched = fetched || kind == keyCall
		if kind == deleteCall && call == 1 {
			return errTruncated
		}
		return nil
	}
	a.hidden = func(key kustom.Key) bool { return key.Username == "M1-old" && !fetched }
	if err := keys.Delete(t.Context(), orphan("M1-old")); err != nil || a.called(keyCall) == 0 {
		t.Errorf("after %d fetches: %v", a.called(keyCall), err)
	}
	if got := a.usernames(); !slices.Equal(got, []string{"M1-new"}) {
		t.Errorf("the keys are %q", got)
	}
}

// outdatedError is the error of a deletion that a person allowed too late.
type outdatedError struct{}

func (outdatedError) Error() string    { return "allowed after a while" }
func (outdatedError) Outdated() bool   { return true }
func (outdatedError) DidNothing() bool { return true }

// While a person decides about a click, another run may give a shop the key.
func TestDeleteIfUnused_AsksShopsAgainAfterSlowAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// taken says that a shop gets the key while the person decides, and slow is how many clicks take long.
		taken bool
		slow  int
		keys  []string
	}{
		"slow, and no shop uses it": {false, 1, []string{"M1-new"}},
		"a shop gets it meanwhile":  {true, 1, []string{"M1-old", "M1-new"}},
		"always too slow":           {false, 99, []string{"M1-old", "M1-new"}},
		"not slow":                  {false, 0, []string{"M1-new"}},
		"slow a second time":        {false, 2, []string{"M1-new"}},
	} {
		t.Run(name, func(t *testing.T) {
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
			if test.taken {
				wantInUse(t, err)
			} else if transport.IsOutdated(err) != (len(test.keys) == 2) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// Another run may have sent the request again and installed the key.
func TestDeleteIfUnused_KeepsKeyFoundByItsRequestInUse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-used"}, m1("M1-used"))
	env.portal.replays["k"] = env.portal.keys[0]
	wantInUse(t, env.engine.DeleteIfUnused(t.Context(), kustom.Orphan{MerchantID: "M1", IdempotencyKey: "k"}, 0))
	env.wantHolds("a", "M1-used")
}

func TestDeleteIfUnused_RefusesIDOfAnotherUsername(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
	key := orphan("M1-old")
	key.Username = "M1-other"
	if err := env.engine.DeleteIfUnused(t.Context(), key, 0); err == nil {
		t.Error("a key with another username was deleted")
	}
	env.wantKeys("M1-old", "M1-new")
}

// If the portal lists the keys right before it deletes one, an older list is enough to identify the key. It does
// not prove the key's last use, or that the key is gone.
func TestDeleteIfUnused_ListsOnceIfPortalLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// listed says that the older list has the key. before is how many lists come before the deletion.
		byPages, listed bool
		unusedFor       time.Duration
		before          int
	}{
		"an older list":     {byPages: true, listed: true},
		"evidence":          {byPages: true, listed: true, unusedFor: 24 * time.Hour, before: 1},
		"a key not listed":  {byPages: true, before: 1},
		"a portal's answer": {listed: true, before: 1},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-new"))
			env.portal.byPages = test.byPages
			list := func() {
				if _, err := env.engine.Keys.Fresh(t.Context(), "M1"); err != nil {
					t.Fatal(err)
				}
			}
			if !test.listed {
				list()
			}
			env.portal.keys = append(env.portal.keys, m1("M1-old"))
			if test.listed {
				list()
			}
			env.clock.Advance(rotation.FreshFor)
			listed, before := env.portal.calls[listCall], -1
			env.portal.before = onCall(deleteCall, 0, func() error { before = env.portal.calls[listCall] - listed; return nil })
			if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), test.unusedFor); err != nil {
				t.Fatal(err)
			}
			if after := env.portal.calls[listCall] - listed - before; before != test.before || after != 1 {
				t.Errorf("the keys were listed %d times before the deletion and %d times after it, want %d and one", before, after, test.before)
			}
			env.wantKeys("M1-new")
		})
	}
}

// A shop that sells little may not use its key for longer than the evidence asks for.
func TestDeleteIfUnused_KeepsIdleKeyOfUnreadableShop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lastSeen string
		hides    bool
		kept     bool
	}{
		"last seen with the key":                       {lastSeen: "M1-old", kept: true},
		"last seen with the key in another form":       {lastSeen: "m1-OLD ", kept: true},
		"last seen with another key":                   {lastSeen: "M1-other"},
		"never seen":                                   {},
		"last seen with the key, and hides its ID now": {lastSeen: "M1-old", hides: true},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-new", "dead": "M1-old"}, m1("M1-new"), m1("M1-old"))
			env.shops.before = func(_ context.Context, kind, shop string, _ int) error {
				switch {
				case shop != "dead" || kind != readCall:
					return nil
				case test.hides:
					return &mystore.NotShownError{Shop: shop}
				}
				return errRefused
			}
			env.engine.Shops.NoteConfigured("dead", "M1", test.lastSeen)
			err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), time.Hour)
			if kept := err != nil; kept != test.kept {
				t.Errorf("kept: %t (%v)", kept, err)
			}
		})
	}
}

// The pages can't find the key of a request. They identify it by the keys that the store had before.
func TestDeleteLeftovers_DeletesUnidentifiedKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	unnamed := kustom.Orphan{MerchantID: "M1", Description: "terraform", Before: "|id-M1-old|"}
	env.engine.Keys = rotation.NewKeys(struct{ rotation.Portal }{env.portal}, env.clock)
	err := env.engine.DeleteLeftovers(t.Context(), []kustom.Orphan{unnamed})
	if err != nil || !slices.Equal(env.portal.deletions, []kustom.Orphan{unnamed}) {
		t.Errorf("deleted: %+v, error %v", env.portal.deletions, err)
	}
}

func TestIsIdle_CountsFromLastUseOrCreation(t *testing.T) {
	t.Parallel()
	used := func(ago time.Duration) *time.Time { at := noon.Add(-ago); return &at }
	for name, test := range map[string]struct {
		key  kustom.Key
		idle bool
	}{
		"never used, old":     {kustom.Key{CreatedAt: noon.Add(-time.Hour)}, true},
		"never used, new":     {kustom.Key{CreatedAt: noon.Add(-time.Minute)}, false},
		"used long ago":       {kustom.Key{CreatedAt: noon.Add(-24 * time.Hour), LastUsedAt: used(time.Hour)}, true},
		"used just now":       {kustom.Key{CreatedAt: noon.Add(-24 * time.Hour), LastUsedAt: used(time.Minute)}, false},
		"created after a use": {kustom.Key{CreatedAt: noon, LastUsedAt: used(time.Hour)}, false},
		// A page may show only the day. The key may have been used at its end.
		"used on that day, exact to a day": {kustom.Key{CreatedAt: noon.Add(-72 * time.Hour), LastUsedAt: used(12 * time.Hour), Precision: 24 * time.Hour}, false},
		"used on the day before that":      {kustom.Key{CreatedAt: noon.Add(-72 * time.Hour), LastUsedAt: used(36 * time.Hour), Precision: 24 * time.Hour}, true},
		"neither is known":                 {kustom.Key{}, false},
		"only its use is known":            {kustom.Key{LastUsedAt: used(48 * time.Hour)}, true},
		"used at year one":                 {kustom.Key{LastUsedAt: &time.Time{}}, false},
	} {
		if got := rotation.IsIdle(test.key, time.Hour, noon); got != test.idle || rotation.IsIdle(test.key, 0, noon) {
			t.Errorf("%s: idle %t", name, got)
		}
	}
}

// Another run may be about to install a key that it has just generated. That does not hold for a key that a shop of
// this run has held.
func TestDeleteIfUnused_WaitsForYoungKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		username string
		waits    bool
	}{
		"of another run":       {"M1-young", true},
		"replaced by this run": {"M1-old", false},
	} {
		t.Run(name, func(t *testing.T) {
			young := m1(test.username)
			young.LastUsedAt = nil
			young.CreatedAt = noon.Add(-6 * time.Second)
			env := newTestEnv(t, map[string]string{"a": "M1-old"}, young)
			if _, err := env.engine.Shops.Credentials(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if err := installNew(t.Context(), env.engine.Shops, "a"); err != nil {
				t.Fatal(err)
			}
			if err := env.engine.DeleteIfUnused(t.Context(), orphan(young.Username), 0); err != nil {
				t.Fatal(err)
			}
			if age := env.clock.Now().Sub(young.CreatedAt); age >= rotation.PropagationDelay != test.waits {
				t.Errorf("the key was deleted %v after it was generated", age)
			}
		})
	}
}

// Another run installs the key before the second try.
func TestDeleteIfUnused_AsksShopsBeforeEachTry(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-other", "b": ""}, m1("M1-old"), m1("M1-other"))
	env.portal.before = onCall(deleteCall, 1, func() error {
		env.shops.set("b", "M1-old")
		return &transport.Error{Method: http.MethodDelete, Kind: transport.Refused, Status: http.StatusServiceUnavailable, Uncertain: true}
	})
	wantInUse(t, env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0))
	env.wantHolds("b", "M1-old")
}

// Another run has just proven and installed an old key, and the reads of shops are stale.
func TestDeleteIfUnused_WaitsAfterRecentUse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-other", "b": ""}, m1("M1-old"), m1("M1-other"))
	env.shops.lag = 20 * time.Second
	env.setLastUsed("M1-old", env.clock.Now())
	env.clock.Advance(time.Second)
	env.shops.set("b", "M1-old")
	wantInUse(t, env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0))
	env.wantHolds("b", "M1-old")
}

// The portal's answer is lost, and then the portal can't be reached for long.
func TestDeleteIfUnused_DoesNotRepeatUnconfirmedDeletion(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-new"}, m1("M1-old"), m1("M1-new"))
	late := *errLost
	late.Late = true
	env.portal.before = func(kind, _ string, _ int) error {
		if kind == deleteCall || env.portal.called(deleteCall) > 0 {
			return &late
		}
		return nil
	}
	if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-old"), 0); err == nil || transport.IsOutdated(err) {
		t.Errorf("the error is %v", err)
	}
	if n := env.portal.called(deleteCall); n != 1 {
		t.Errorf("it requested the deletion %d times", n)
	}
}

// Another shop held the key, and uses another one now. Something else uses the key.
func TestRetryDeletions_KeepsKeyUsedSincePlan(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M1-old"}, m1("M1-old"), m1("M1-other"))
	c := config()
	c.Rules = rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: 24 * time.Hour}
	var record rotation.Record
	env.mustConnect(c, &record)
	env.clock.Advance(48 * time.Hour)
	plan := env.readAndDecideFor(c, &record)
	kept := env.wantKept(env.engine.Execute(t.Context(), plan, c.Rules, &record))
	env.shops.set("b", "M1-other")
	env.setLastUsed("M1-old", env.clock.Now())
	env.clock.Advance(time.Minute)
	env.wantKept(env.engine.RetryDeletions(t.Context(), []rotation.KeptKey{kept}, c.Rules, &record.Memory), nil)
	env.wantKeys("M1-new1", "M1-old", "M1-other")
}
