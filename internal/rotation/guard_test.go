package rotation_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// awaitUnused is one deletion's wait, which may last two minutes. Its bound falls between two looks, not on
// one, so that there is one way for it to end.
func awaitUnused(t *testing.T, shops *rotation.Shops, username string) (time.Duration, error) {
	t.Helper()
	ctx, cancel := clock.WithTimeout(t.Context(), clock.System{}, 2*time.Minute+time.Second/2)
	defer cancel()
	start := time.Now()
	err := shops.AwaitUnused(ctx, orphan(username))
	return time.Since(start), err
}

// withShops runs a test in a bubble, with shops that hold these usernames.
func withShops(t *testing.T, holds map[string]string, test func(t *testing.T, s *fakeShops, shops *rotation.Shops)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(holds)
		test(t, s, newShops(s, clock.System{}))
	})
}

func TestGuard_ReleasesKeyThatNoShopHolds(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-new", "b": "", "c": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		for range 2 {
			if took, err := awaitUnused(t, shops, "M1-old"); err != nil || took != 0 {
				t.Errorf("after %v: %v", took, err)
			}
		}
		for _, name := range []string{"a", "b", "c"} {
			if n := s.called(readCall, name); n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
	})
}

// TestGuard_ReadsRelevantShopsRightBefore: shops that may use a key of the store are read again unless they
// were read within two seconds; shops of other stores are not.
func TestGuard_ReadsRelevantShopsRightBefore(t *testing.T) {
	holds := map[string]string{"same": "M1-new", "configured": "M2-x", "foreign": "M2-y", "klarna": "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", "empty": "", "elsewhere": ""}
	withShops(t, holds, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		shops.NoteConfigured("configured", "M1", "")
		shops.NoteConfigured("elsewhere", "M2", "")
		if err := shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		wantReads := func(when string, want map[string]int) {
			t.Helper()
			for name := range holds {
				if n := s.called(readCall, name); n != want[name] {
					t.Errorf("%s: %s was read %d times, want %d", when, name, n, want[name])
				}
			}
		}
		once := map[string]int{"same": 1, "configured": 1, "foreign": 1, "klarna": 1, "empty": 1, "elsewhere": 1}
		wantReads("at first", once)
		time.Sleep(rotation.FreshFor - time.Nanosecond)
		if err := shops.CheckUnused(t.Context(), orphan("M1-old2"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		wantReads("within two seconds", once)
		time.Sleep(time.Nanosecond)
		s.set("configured", "M1-old")
		wantInUse(t, shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}))
		wantReads("later", map[string]int{"same": 2, "configured": 2, "foreign": 1, "klarna": 2, "empty": 2, "elsewhere": 1})
	})
}

// TestGuard_SeesKeyThatAnotherRunInstalls into a shop that was empty, of which nobody has told whose it is.
func TestGuard_SeesKeyThatAnotherRunInstalls(t *testing.T) {
	withShops(t, map[string]string{"a": "", "b": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		if _, _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rotation.FreshFor)
		s.set("a", "M1-old")
		wantInUse(t, shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}))
	})
}

// TestGuard_LooksTwiceForMissingExtension: a shop whose extension one look does not show may use the key.
func TestGuard_LooksTwiceForMissingExtension(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-new"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.uninstalled["a"] = true
		s.before = func(_ context.Context, _, shop string, call int) error {
			if shop == "a" && call == 2 {
				s.uninstalled["a"] = false
			}
			return nil
		}
		wantInUse(t, shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}))
	})
}

// TestGuard_UnreadableShopBlocksOnlyItsKeys: those of the store that it is configured for or was last seen with. A
// shop that was never read and that nothing is known of blocks any.
func TestGuard_UnreadableShopBlocksOnlyItsKeys(t *testing.T) {
	tests := map[string]struct {
		know    func(t *testing.T, shops *rotation.Shops)
		ignored []string
		blocks  bool
	}{
		"never read":                {blocks: true},
		"never read, ignored":       {ignored: []string{"dead"}},
		"configured for the store":  {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "M1", "") }, blocks: true},
		"configured for another":    {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "M2", "") }},
		"to leave an unknown store": {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "M2", ""); s.NoteStoreChange("dead") }, blocks: true},
		"to leave a known store": {know: func(_ *testing.T, s *rotation.Shops) {
			s.NoteConfigured("dead", "M2", "M2-x")
			s.NoteStoreChange("dead")
		}},
		"last seen with the store":    {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "", "M1-x") }, blocks: true},
		"last seen with another":      {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "", "M2-x") }},
		"moving from another store":   {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "M2", "M1-x") }, blocks: true},
		"moving to the store":         {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "M1", "M2-x") }, blocks: true},
		"last seen with that key":     {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "M2", "M1-old") }, blocks: true},
		"last seen with an odd name":  {know: func(_ *testing.T, s *rotation.Shops) { s.NoteConfigured("dead", "", "someone") }, blocks: true},
		"last seen by this very walk": {know: func(t *testing.T, s *rotation.Shops) { _, _ = s.Credentials(t.Context(), "dead") }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeShops(map[string]string{"dead": "M2-y", "alive": "M1-new"})
				if test.know == nil || name != "last seen by this very walk" {
					s.before = failDead
				}
				shops := rotation.NewShops(rotation.Options{Shops: s, Clock: clock.System{}, Names: s.names, Ignored: test.ignored})
				if test.know != nil {
					test.know(t, shops)
				}
				s.before = failDead
				time.Sleep(time.Minute)
				err := shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{})
				if !test.blocks {
					if err != nil {
						t.Errorf("the error is %v", err)
					}
					return
				}
				if unknown := wantUnknown(t, err); !reflect.DeepEqual(unknown.Shops, []string{"dead"}) || !errors.Is(err, errRefused) {
					t.Errorf("the error is %+v", unknown)
				}
			})
		})
	}
}

// TestGuard_LeavesAloneWhereSomebodyOnlySignedIn: a shop that nothing configures, and that was last seen with another
// store's key, is not asked, and its ended session blocks nothing. Of any other one it is not known.
func TestGuard_LeavesAloneWhereSomebodyOnlySignedIn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		saw    string
		know   func(shops *rotation.Shops)
		blocks bool
	}{
		"another store's key":         {saw: "M2-y"},
		"this store's key":            {saw: "M1-x", blocks: true},
		"never seen":                  {blocks: true},
		"a name without a store":      {saw: "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", blocks: true},
		"configured for this store":   {saw: "M2-y", know: func(s *rotation.Shops) { s.NoteConfigured("other", "M1", "") }, blocks: true},
		"recorded with this store's":  {saw: "M2-y", know: func(s *rotation.Shops) { s.NoteConfigured("other", "", "M1-x") }, blocks: true},
		"recorded with another store": {know: func(s *rotation.Shops) { s.NoteConfigured("other", "", "M2-x") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFakeShops(map[string]string{"other": test.saw, "alive": "M1-new"})
			options := rotation.Options{
				Shops: s, Clock: clock.System{}, Names: s.names, Cache: rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")},
				SignedIn: func(shop string) bool { return shop == "other" },
			}
			if _, err := rotation.NewShops(options).Credentials(t.Context(), "other"); err != nil {
				t.Fatal(err)
			}
			s.before = func(ctx context.Context, kind, shop string, call int) error {
				if shop == "other" {
					return errRefused
				}
				return nil
			}
			shops := rotation.NewShops(options)
			if test.know != nil {
				test.know(shops)
			}
			err := shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{})
			if asked := s.called(readCall, "other") > 1; asked != test.blocks || (err != nil) != test.blocks {
				t.Errorf("asked: %t, the error is %v", asked, err)
			}
		})
	}
}

// TestGuard_TellsBeforehandWhatItWillKeep: a plan says which deletions the apply will refuse.
func TestGuard_TellsBeforehandWhatItWillKeep(t *testing.T) {
	t.Parallel()
	keys := []rotation.KeyRef{{MerchantID: "M1", Username: "M1-old"}, {MerchantID: "M2", Username: "M2-old"}}
	for name, test := range map[string]struct {
		ignored     []string
		unknown     bool
		hidden      bool
		kept, shops []string
	}{
		"a shop of the store can't be read":  {kept: []string{"M1-old"}, shops: []string{"dead"}},
		"it is ignored":                      {ignored: []string{"dead"}},
		"it is not known whose it is":        {unknown: true, kept: []string{"M1-old", "M2-old"}, shops: []string{"dead"}},
		"its page does not show its key":     {hidden: true},
		"there is no shop that can be asked": {ignored: []string{"alive", "dead"}, kept: []string{"M1-old", "M2-old"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFakeShops(map[string]string{"alive": "M2-old", "dead": ""})
			s.before = failDead
			if test.hidden {
				s.before = func(_ context.Context, _, shop string, _ int) error {
					if shop == "dead" {
						return &mystore.NotShownError{Shop: shop}
					}
					return nil
				}
			}
			shops := rotation.NewShops(rotation.Options{Shops: s, Clock: clock.System{}, Names: s.names, Ignored: test.ignored})
			if !test.unknown {
				shops.NoteConfigured("dead", "M1", "")
			}
			for _, name := range []string{"alive", "dead"} {
				if blocked, by := shops.Blocked(keys); len(test.ignored) < 2 && len(blocked) > 0 {
					t.Errorf("before a shop is read, %v will stay because of %v", blocked, by)
				}
				_, _ = shops.Credentials(t.Context(), name)
			}
			for range 2 {
				blocked, by := shops.Blocked(keys)
				var kept []string
				for _, key := range blocked {
					kept = append(kept, key.Username)
				}
				if !slices.Equal(kept, test.kept) || !slices.Equal(by, test.shops) {
					t.Errorf("%v will stay because of %v", kept, by)
				}
			}
		})
	}
}

// TestGuard_GoesByWhatEarlierRunsSaw: nothing in this run tells of a shop that can't be read. The key that it was last
// seen with by an earlier run tells whose keys it may use.
func TestGuard_GoesByWhatEarlierRunsSaw(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// saw is what the shop held in earlier runs, one after the other.
		saw    []string
		know   func(shops *rotation.Shops)
		blocks bool
	}{
		"another store's key":                  {saw: []string{"M2-y"}},
		"this store's key":                     {saw: []string{"M1-x"}, blocks: true},
		"that key":                             {saw: []string{"M1-old"}, blocks: true},
		"never":                                {blocks: true},
		"empty":                                {saw: []string{""}, blocks: true},
		"a name without a store":               {saw: []string{"d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"}, blocks: true},
		"another store's, then this one":       {saw: []string{"M2-y", "M1-x"}, blocks: true},
		"this store's, then another":           {saw: []string{"M1-x", "M2-y"}},
		"another's, configured for this":       {saw: []string{"M2-y"}, know: func(s *rotation.Shops) { s.NoteConfigured("dead", "M1", "") }, blocks: true},
		"this store's, configured for another": {saw: []string{"M1-x"}, know: func(s *rotation.Shops) { s.NoteConfigured("dead", "M2", "") }, blocks: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFakeShops(map[string]string{"dead": "", "alive": "M1-new"})
			options := rotation.Options{
				Shops: s, Clock: clock.System{}, Names: s.names, Cache: rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")},
			}
			for _, username := range test.saw {
				s.set("dead", username)
				if _, err := rotation.NewShops(options).Credentials(t.Context(), "dead"); err != nil {
					t.Fatal(err)
				}
			}
			s.before = failDead
			shops := rotation.NewShops(options)
			if test.know != nil {
				test.know(shops)
			}
			err := shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{})
			if !test.blocks {
				if err != nil {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if unknown := wantUnknown(t, err); !reflect.DeepEqual(unknown.Shops, []string{"dead"}) {
				t.Errorf("the error is %+v", unknown)
			}
		})
	}
}

// failDead refuses all access to the shop of that name.
func failDead(_ context.Context, _, shop string, _ int) error {
	if shop == "dead" {
		return errRefused
	}
	return nil
}

// TestGuard_HoldsWhatLaggingReadsDoNotShow: after a write that the shop accepted, its key is in use until a read
// could show it.
func TestGuard_HoldsWhatLaggingReadsDoNotShow(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.lag = 20 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		if _, err := shops.Install(ctx, "a", rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")}); err == nil {
			t.Fatal("a read showed the key")
		}
		wantInUse(t, shops.CheckUnused(t.Context(), orphan("M1-new"), time.Time{}))
		wantInUse(t, shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}))
		time.Sleep(20 * time.Second)
		wantInUse(t, shops.CheckUnused(t.Context(), orphan("M1-new"), time.Time{}))
		if err := shops.CheckUnused(t.Context(), orphan("M1-old"), time.Time{}); err != nil {
			t.Errorf("the replaced key is held: %v", err)
		}
	})
}

func TestGuard_RefusesWhenNoShopCanBeAsked(t *testing.T) {
	withShops(t, nil, func(t *testing.T, _ *fakeShops, shops *rotation.Shops) {
		took, err := awaitUnused(t, shops, "M1-old")
		if unknown := wantUnknown(t, err); took != 0 || len(unknown.Shops) != 0 || unknown.Cause != nil {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestGuard_WaitsForShopsThatThisWalkMoves: the shop's update comes later than the deletion of its old key.
func TestGuard_WaitsForShopsThatThisWalkMoves(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		for after, name := range map[time.Duration]string{20 * time.Second: "a", 30 * time.Second: "b"} {
			time.AfterFunc(after, func() {
				if _, err := shops.Install(t.Context(), name, rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")}); err != nil {
					t.Error(err)
				}
			})
		}
		took, err := awaitUnused(t, shops, "M1-old")
		if err != nil || took < 30*time.Second || took > 32*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		// Twice a minute is often enough to ask a shop that this walk itself will move.
		if n := s.called(readCall, "b"); n > 10 {
			t.Errorf("the shop was read %d times", n)
		}
	})
}

// TestGuard_SeesWhatOthersChange: what somebody does by hand, or in another run, is seen too.
func TestGuard_SeesWhatOthersChange(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fakeShops)
		most   time.Duration
	}{
		"moved":   {func(s *fakeShops) { s.set("a", "M1-new") }, 40 * time.Second},
		"cleared": {func(s *fakeShops) { s.set("a", "") }, 40 * time.Second},
		// That the extension is missing counts after a second look.
		"uninstalled": {func(s *fakeShops) { s.mu.Lock(); defer s.mu.Unlock(); s.uninstalled["a"] = true }, 70 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				time.AfterFunc(33*time.Second, func() { test.change(s) })
				if took, err := awaitUnused(t, shops, "M1-old"); err != nil || took < 33*time.Second || took > test.most {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

// TestGuard_ReadsAgainWhatWasReadEarlier: what was true at the beginning of the walk may not be any more.
func TestGuard_ReadsAgainWhatWasReadEarlier(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		if _, _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.set("a", "M1-new")
		time.Sleep(rotation.FreshFor)
		if took, err := awaitUnused(t, shops, "M1-old"); err != nil || took != 0 {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestGuard_RefusesKeyInUse(t *testing.T) {
	withShops(t, map[string]string{"b": "M1-old", "a": "M1-old", "c": "M1-old", "d": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		time.AfterFunc(time.Minute, func() { s.set("b", "M1-new") })
		took, err := awaitUnused(t, shops, "M1-old")
		h := wantKeyInUse(t, err)
		if h.Username != "M1-old" || !reflect.DeepEqual(h.Shops, []string{"a", "c"}) || h.Unmanaged {
			t.Errorf("the error is %+v", h)
		}
		if took < 110*time.Second || took > 2*time.Minute {
			t.Errorf("it refused after %v", took)
		}
	})
}

func TestGuard_RefusesWhenShopIsUnreadable(t *testing.T) {
	t.Run("names unknown", func(t *testing.T) {
		t.Parallel()
		unknown := errors.New("mystore_tokens is not known yet")
		shops := rotation.NewShops(rotation.Options{Shops: newFakeShops(nil), Clock: clock.System{}, Names: func() ([]string, error) { return nil, unknown }})
		err := shops.AwaitUnused(t.Context(), orphan("M1-old"))
		_ = wantUnknown(t, err)
		if !errors.Is(err, unknown) {
			t.Errorf("the error is %v", err)
		}
	})
	for name, failsAt := range map[string]int{"at first": 1, "when asked again": 2, "while waiting": 4} {
		t.Run(name, func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old", "b": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				s.before = func(_ context.Context, _, shop string, call int) error {
					if shop == "a" && call >= failsAt {
						return errLost
					}
					return nil
				}
				_, err := awaitUnused(t, shops, "M1-old")
				_ = wantUnknown(t, err)
				if !errors.Is(err, errLost) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
	t.Run("another shop", func(t *testing.T) {
		withShops(t, map[string]string{"a": "M1-new", "b": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
			s.before = failShop("", "b", errLost)
			_, err := awaitUnused(t, shops, "M1-old")
			_ = wantUnknown(t, err)
		})
	})
}

// TestGuard_WriteInProgressReleasesNothing: until it has ended, and been read back.
func TestGuard_WriteInProgressReleasesNothing(t *testing.T) {
	tests := map[string]struct {
		outcome error
		works   bool
	}{
		"it ends well":  {works: true},
		"it is refused": {outcome: errRefused},
		"it gets lost":  {outcome: errLost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				s.before = func(_ context.Context, kind, _ string, _ int) error {
					if kind != writeCall {
						return nil
					}
					time.Sleep(30 * time.Second)
					return test.outcome
				}
				if _, _, err := shops.Holders(t.Context()); err != nil {
					t.Fatal(err)
				}
				go func() {
					_, _ = shops.Install(t.Context(), "a", rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")})
				}()
				synctest.Wait()
				took, err := awaitUnused(t, shops, "M1-old")
				if test.works && (err != nil || took < 30*time.Second || took > 32*time.Second) {
					t.Errorf("after %v: %v", took, err)
				}
				if !test.works {
					wantInUse(t, err)
				}
				time.Sleep(5 * time.Minute)
			})
		})
	}
}

// TestGuard_HoldsNewKeyFromTheWriteOn: a key that is being written into a shop may not be deleted.
func TestGuard_HoldsNewKeyFromTheWriteOn(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.after = func(_ context.Context, kind, _ string, _ int) error {
			if kind == writeCall {
				time.Sleep(30 * time.Second)
			}
			return nil
		}
		if _, _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = shops.Install(t.Context(), "a", rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")})
		}()
		synctest.Wait()
		_, err := awaitUnused(t, shops, "M1-new")
		wantInUse(t, err)
	})
}

// TestGuard_ShopIsUnknownAfterUnansweredWrite: a write whose answer and whose read-back were lost leaves
// nothing to rely on.
func TestGuard_ShopIsUnknownAfterUnansweredWrite(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		if _, _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.after = func(context.Context, string, string, int) error { return errLost }
		if _, err := shops.Install(t.Context(), "a", rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")}); err == nil {
			t.Fatal("it was written")
		}
		_, err := awaitUnused(t, shops, "M1-old")
		_ = wantUnknown(t, err)
		_, err = awaitUnused(t, shops, "M1-new")
		wantInUse(t, err)
		s.after = nil
		shops.RetryUnreadable()
		if _, err := awaitUnused(t, shops, "M1-old"); err != nil {
			t.Error(err)
		}
		_, err = awaitUnused(t, shops, "M1-new")
		wantInUse(t, err)
	})
}

// TestGuard_IgnoresShopsThatAreNotConfigured: that somebody has asked in vain for a shop without a token
// says nothing of a key that no configured shop holds.
func TestGuard_IgnoresShopsThatAreNotConfigured(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"butikk": "M1-new"})
	s.before = func(_ context.Context, _, shop string, _ int) error {
		return map[bool]error{shop == "stranger": errRefused}[true]
	}
	shops := newShops(s, clock.System{})
	for range 2 {
		if err := shops.AwaitUnused(t.Context(), orphan("M1-old")); err != nil {
			t.Fatal(err)
		}
		if _, err := shops.Credentials(t.Context(), "stranger"); err == nil {
			t.Fatal("a shop without a token was read")
		}
	}
}

// TestGuard_StalledWalkWaitsOnce: waits that hold Terraform's slots must not add up. After the first one
// has run out of time, those under way end, and new ones are refused at once.
func TestGuard_StalledWalkWaitsOnce(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-olda", "b": "M1-oldb", "c": "M1-oldc", "d": "M1-new"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		var waits sync.WaitGroup
		start := time.Now()
		waits.Go(func() {
			_, err := awaitUnused(t, shops, "M1-olda")
			wantInUse(t, err)
		})
		time.Sleep(time.Minute)
		waits.Go(func() {
			if took, err := awaitUnused(t, shops, "M1-oldb"); took > 62*time.Second || !reflect.DeepEqual(wantKeyInUse(t, err).Shops, []string{"b"}) {
				t.Errorf("after %v: %v", took, err)
			}
		})
		waits.Wait()
		if took := time.Since(start); took > 122*time.Second {
			t.Errorf("two waits took %v", took)
		}
		if took, err := awaitUnused(t, shops, "M1-oldc"); took != 0 || wantKeyInUse(t, err).Unmanaged {
			t.Errorf("a later one ended after %v: %v", took, err)
		}
		s.set("c", "M1-new")
		time.Sleep(rotation.FreshFor)
		if took, err := awaitUnused(t, shops, "M1-oldc"); err != nil || took != 0 {
			t.Errorf("what has moved on all the same was refused after %v: %v", took, err)
		}
		if _, err := awaitUnused(t, shops, "M1-unheld"); err != nil {
			t.Errorf("what nobody holds was refused: %v", err)
		}
	})
}

// TestGuard_TimeoutDuringReadRefuses: the time can run out while a shop is asked, too.
func TestGuard_TimeoutDuringReadRefuses(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-olda", "b": "M1-oldb"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		if _, _, err := shops.Holders(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.before = func(ctx context.Context, _, _ string, _ int) error { return clock.System{}.Sleep(ctx, 50*time.Second) }
		if _, err := awaitUnused(t, shops, "M1-olda"); err == nil {
			t.Fatal("it was released")
		}
		s.before = nil
		if took, err := awaitUnused(t, shops, "M1-oldb"); err == nil || took > time.Second {
			t.Errorf("a later wait ended after %v: %v", took, err)
		}
	})
}

// TestGuard_CancelledWaitEndsAtOnce: ends at once, and ends no other.
func TestGuard_CancelledWaitEndsAtOnce(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second+1, cancel)
		start := time.Now()
		err := shops.AwaitUnused(ctx, orphan("M1-old"))
		if took := time.Since(start); took != 10*time.Second+1 || !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", took, err)
		}
		wantInUse(t, err)
		time.AfterFunc(10*time.Second, func() { s.set("a", "M1-new") })
		if _, err := awaitUnused(t, shops, "M1-old"); err != nil {
			t.Errorf("a later wait was refused: %v", err)
		}
	})
}

// TestGuard_DoesNotWaitForShopsThatAreLeft: nothing in this walk will move them.
func TestGuard_DoesNotWaitForShopsThatAreLeft(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-old", "c": "M1-kept"}, func(t *testing.T, _ *fakeShops, shops *rotation.Shops) {
		shops.StopManaging("a", "")
		shops.StopManaging("c", "")
		if took, err := awaitUnused(t, shops, "M1-kept"); took != 0 || !wantKeyInUse(t, err).Unmanaged {
			t.Errorf("after %v: %v", took, err)
		}
		time.AfterFunc(10*time.Second, func() { shops.StopManaging("b", "") })
		if took, err := awaitUnused(t, shops, "M1-old"); took > 11*time.Second || !wantKeyInUse(t, err).Unmanaged {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestGuard_WaitsForLeftShopThatShowsAnotherKey: the read may lag, but not for ever.
func TestGuard_WaitsForLeftShopThatShowsAnotherKey(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-other"}, func(t *testing.T, _ *fakeShops, shops *rotation.Shops) {
		shops.StopManaging("a", "M1-old")
		took, err := awaitUnused(t, shops, "M1-old")
		if took < rotation.PropagationDelay || took > rotation.PropagationDelay+10*time.Second || err != nil {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestGuard_RemembersHolderThatBecomesUnreadable: a key that such a shop may use must not be deleted the second
// time that this is tried, either.
func TestGuard_RemembersHolderThatBecomesUnreadable(t *testing.T) {
	for _, username := range []string{"M1-old", "M1-other"} {
		t.Run(username, func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old", "b": "M1-new"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				unused := func(username string) error {
					time.Sleep(time.Minute)
					shops.RetryUnreadable()
					return shops.CheckUnused(t.Context(), orphan(username), time.Time{})
				}
				wantInUse(t, unused("M1-old"))
				s.before = failShop(readCall, "a", errLost)
				_ = wantUnknown(t, unused("M1-old"))
				_ = wantUnknown(t, unused(username))
				s.before = nil
				wantInUse(t, unused("M1-old"))
				if err := unused("M1-other"); err != nil {
					t.Errorf("a key that nobody holds was refused: %v", err)
				}
			})
		})
	}
}
