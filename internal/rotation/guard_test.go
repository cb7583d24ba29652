package rotation_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// withShops runs a test in a synctest bubble, with shops that hold these usernames.
func withShops(t *testing.T, usernames map[string]string, test func(t *testing.T, s *fakeShops, shops *rotation.Shops)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeShops(usernames)
		test(t, s, newShops(s, clock.System{}))
	})
}

// awaitUnused waits for up to two minutes, as a deletion does. The timeout falls between two polls, so that the wait ends
// in one way only.
func awaitUnused(t *testing.T, shops *rotation.Shops, username string) (time.Duration, error) {
	t.Helper()
	ctx, cancel := clock.WithTimeout(t.Context(), clock.System{}, 2*time.Minute+time.Second/2)
	defer cancel()
	start := time.Now()
	err := shops.AwaitUnused(ctx, orphan(username))
	return time.Since(start), err
}

// checkUnused asks the guard about a key of store M1.
func checkUnused(t *testing.T, shops *rotation.Shops, username string) error {
	t.Helper()
	return shops.CheckUnused(t.Context(), orphan(username), time.Time{})
}

// readAll reads all shops into the cache.
func readAll(t *testing.T, shops *rotation.Shops) {
	t.Helper()
	if _, _, err := shops.Holders(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// installNew writes the pair M1-new to a shop.
func installNew(ctx context.Context, shops *rotation.Shops, shop string) error {
	_, err := shops.Install(ctx, shop, rotation.Pair{Username: "M1-new", Secret: kustom.NewSecret("s")})
	return err
}

// failDead is a hook that makes the shop named dead unreadable.
var failDead = failShop("", "dead", errRefused)

func TestGuard_ReadsShopsThatMayUseKeyAgain(t *testing.T) {
	usernames := map[string]string{"same": "M1-new", "configured": "M2-x", "foreign": "M2-y", "klarna": "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", "empty": "", "elsewhere": ""}
	withShops(t, usernames, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		shops.NoteConfigured("configured", "M1", "")
		shops.NoteConfigured("elsewhere", "M2", "")
		wantReads := func(when string, want map[string]int) {
			t.Helper()
			for name := range usernames {
				if n := s.called(readCall, name); n != want[name] {
					t.Errorf("%s: %s was read %d times, want %d", when, name, n, want[name])
				}
			}
		}
		once := map[string]int{"same": 1, "configured": 1, "foreign": 1, "klarna": 1, "empty": 1, "elsewhere": 1}
		for _, username := range []string{"M1-old", "M1-old2"} {
			if err := checkUnused(t, shops, username); err != nil {
				t.Fatal(err)
			}
			wantReads("within two seconds", once)
			time.Sleep(rotation.FreshFor - time.Nanosecond)
		}
		time.Sleep(time.Nanosecond)
		s.set("configured", "M1-old")
		wantInUse(t, checkUnused(t, shops, "M1-old"))
		wantReads("later", map[string]int{"same": 2, "configured": 2, "foreign": 1, "klarna": 2, "empty": 2, "elsewhere": 1})
	})
}

// One read may miss the extension, also if the run did that read earlier.
func TestGuard_ReadsShopWithoutExtensionTwice(t *testing.T) {
	for _, cached := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old", "b": "M1-new"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				s.uninstalled["a"] = true
				s.before = onShopCall("", "a", 2, func() error { s.uninstalled["a"] = false; return nil })
				if cached {
					_, _ = shops.Credentials(t.Context(), "a")
				}
				wantInUse(t, checkUnused(t, shops, "M1-old"))
			})
		})
	}
}

// Someone may install the extension, with the key, while a run waits.
func TestGuard_ReadsShopAgainThatHadNoExtension(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-new"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.uninstalled["a"] = true
		if err := checkUnused(t, shops, "M1-old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rotation.FreshFor)
		s.uninstalled["a"] = false
		wantInUse(t, checkUnused(t, shops, "M1-old"))
	})
}

// Only a shop that no setting names is left out because it was last seen with another store's key.
func TestGuard_ReadsConfiguredShopOfAnotherStore(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"a": "M2-y"})
	options := rotation.Options{Shops: s, Clock: clock.System{}, Names: s.names, Cache: newLocalCache(t), SignedIn: func(string) bool { return false }}
	wantCredentials(t, rotation.NewShops(options), "a", "M2-y")
	s.set("a", "M1-old")
	wantInUse(t, checkUnused(t, rotation.NewShops(options), "M1-old"))
}

// An unreadable shop blocks the keys that it may use, by what this run, the configuration and earlier runs know.
func TestGuard_UnreadableShopBlocksKeysItMayUse(t *testing.T) {
	t.Parallel()
	const klarnas = "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"
	type testCase struct {
		// saw are the usernames that earlier runs saw in the shop, one after the other.
		saw []string
		// store and username are what the shop's object knows about it, and moves that it may change its store.
		store, username string
		moves           bool
		// readable says that this run could read the shop at first, and signedIn that no setting names the shop.
		readable, signedIn, ignored bool
		blocks                      bool
	}
	for name, test := range map[string]testCase{
		"never read":                           {blocks: true},
		"never read, ignored":                  {ignored: true},
		"configured for the store":             {store: "M1", blocks: true},
		"configured for another":               {store: "M2"},
		"to leave an unknown store":            {store: "M2", moves: true, blocks: true},
		"to leave a known store":               {store: "M2", username: "M2-x", moves: true},
		"recorded with the store's key":        {username: "M1-x", blocks: true},
		"recorded with another's":              {username: "M2-x"},
		"recorded with a name without a store": {username: "someone", blocks: true},
		"moving from the store":                {store: "M2", username: "M1-x", blocks: true},
		"moving to the store":                  {store: "M1", username: "M2-x", blocks: true},
		"recorded with that key":               {store: "M2", username: "M1-old", blocks: true},
		"read by this run":                     {saw: []string{"M2-y"}, readable: true},

		"earlier: another store's key":                  {saw: []string{"M2-y"}},
		"earlier: this store's key":                     {saw: []string{"M1-x"}, blocks: true},
		"earlier: that key":                             {saw: []string{"M1-old"}, blocks: true},
		"earlier: empty":                                {saw: []string{""}, blocks: true},
		"earlier: a name without a store":               {saw: []string{klarnas}, blocks: true},
		"earlier: another store's, then this one":       {saw: []string{"M2-y", "M1-x"}, blocks: true},
		"earlier: this store's, then another":           {saw: []string{"M1-x", "M2-y"}},
		"earlier: another's, configured for this":       {saw: []string{"M2-y"}, store: "M1", blocks: true},
		"earlier: this store's, configured for another": {saw: []string{"M1-x"}, store: "M2", blocks: true},

		"signed in: another store's key":         {signedIn: true, saw: []string{"M2-y"}},
		"signed in: this store's key":            {signedIn: true, saw: []string{"M1-x"}, blocks: true},
		"signed in: never seen":                  {signedIn: true, blocks: true},
		"signed in: a name without a store":      {signedIn: true, saw: []string{klarnas}, blocks: true},
		"signed in: configured for this store":   {signedIn: true, saw: []string{"M2-y"}, store: "M1", blocks: true},
		"signed in: recorded with this store's":  {signedIn: true, saw: []string{"M2-y"}, username: "M1-x", blocks: true},
		"signed in: recorded with another store": {signedIn: true, username: "M2-x"},
	} {
		t.Run(name, func(t *testing.T) {
			cache := newLocalCache(t)
			synctest.Test(t, func(t *testing.T) {
				s := newFakeShops(map[string]string{"dead": "", "alive": "M1-new"})
				options := rotation.Options{
					Shops: s, Clock: clock.System{}, Names: s.names, Cache: cache,
					SignedIn: func(shop string) bool { return test.signedIn && shop == "dead" },
				}
				if test.ignored {
					options.Ignored = []string{"dead"}
				}
				if test.readable {
					options.Cache = rotation.LocalCache{}
				}
				shops := rotation.NewShops(options)
				for _, username := range test.saw {
					s.set("dead", username)
					shops = rotation.NewShops(options)
					if _, err := shops.Credentials(t.Context(), "dead"); err != nil {
						t.Fatal(err)
					}
				}
				if !test.readable {
					shops = rotation.NewShops(options)
				}
				s.before = failDead
				if test.store != "" || test.username != "" {
					shops.NoteConfigured("dead", test.store, test.username)
				}
				if test.moves {
					shops.NoteStoreChange("dead")
				}
				time.Sleep(time.Minute)
				asked := s.called(readCall, "dead")
				err := checkUnused(t, shops, "M1-old")
				asked = s.called(readCall, "dead") - asked
				if test.signedIn && (asked > 0) != test.blocks {
					t.Errorf("the shop was read %d times", asked)
				}
				if !test.blocks {
					if err != nil {
						t.Errorf("the error is %v", err)
					}
					return
				}
				if unknown := wantUnknown(t, err); !slices.Equal(unknown.Shops, []string{"dead"}) || !errors.Is(err, errRefused) {
					t.Errorf("the error is %+v", unknown)
				}
			})
		})
	}
}

func TestBlocked_NamesKeysThatApplyWillKeep(t *testing.T) {
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
			s := newFakeShops(map[string]string{"alive": "M2-old", "dead": ""})
			s.before = failDead
			if test.hidden {
				s.before = failShop("", "dead", &mystore.NotShownError{Shop: "dead"})
			}
			shops := rotation.NewShops(rotation.Options{Shops: s, Clock: clock.System{}, Names: s.names, Ignored: test.ignored})
			if !test.unknown {
				shops.NoteConfigured("dead", "M1", "")
			}
			for _, name := range []string{"alive", "dead"} {
				if blocked, by := shops.Blocked(keys); len(test.ignored) < 2 && len(blocked) > 0 {
					t.Errorf("before a shop is read, %v are blocked by %v", blocked, by)
				}
				_, _ = shops.Credentials(t.Context(), name)
			}
			if blocked, by := shops.Blocked(keys); !slices.Equal(usernamesOf(blocked), test.kept) || !slices.Equal(by, test.shops) {
				t.Errorf("%v are blocked by %v", blocked, by)
			}
		})
	}
}

func TestGuard_HoldsAcceptedKeyThatStaleReadsDoNotShow(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.lag = 20 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		if err := installNew(ctx, shops, "a"); err == nil {
			t.Fatal("a read showed the key")
		}
		wantInUse(t, checkUnused(t, shops, "M1-new"))
		wantInUse(t, checkUnused(t, shops, "M1-old"))
		time.Sleep(20 * time.Second)
		wantInUse(t, checkUnused(t, shops, "M1-new"))
		if err := checkUnused(t, shops, "M1-old"); err != nil {
			t.Errorf("the replaced key is held: %v", err)
		}
	})
}

func TestGuard_RefusesWithoutShops(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{"none": nil, "unknown": errors.New("mystore_tokens is not known yet")} {
		t.Run(name, func(t *testing.T) {
			fake, names := clocktest.New(noon), func() ([]string, error) { return nil, cause }
			shops := rotation.NewShops(rotation.Options{Shops: newFakeShops(nil), Clock: fake, Names: names})
			err := shops.AwaitUnused(t.Context(), orphan("M1-old"))
			if unknown := wantUnknown(t, err); len(unknown.Shops) != 0 || !errors.Is(unknown.Cause, cause) || !fake.Now().Equal(noon) {
				t.Errorf("after %v: %v", fake.Now().Sub(noon), err)
			}
		})
	}
}

// Terraform may update the shops after it begins to delete their old key.
func TestAwaitUnused_WaitsForUpdatesOfThisRun(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old", "b": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		for after, name := range map[time.Duration]string{20 * time.Second: "a", 30 * time.Second: "b"} {
			time.AfterFunc(after, func() {
				if err := installNew(t.Context(), shops, name); err != nil {
					t.Error(err)
				}
			})
		}
		took, err := awaitUnused(t, shops, "M1-old")
		if err != nil || took < 30*time.Second || took > 32*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		if n := s.called(readCall, "b"); n > 10 {
			t.Errorf("the shop was read %d times", n)
		}
	})
}

func TestAwaitUnused_SeesChangesByOthers(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fakeShops)
		most   time.Duration
	}{
		"moved":   {func(s *fakeShops) { s.set("a", "M1-new") }, 40 * time.Second},
		"cleared": {func(s *fakeShops) { s.set("a", "") }, 40 * time.Second},
		// A second read confirms that the extension is missing.
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

func TestAwaitUnused_RefusesKeyStillInUse(t *testing.T) {
	withShops(t, map[string]string{"b": "M1-old", "a": "M1-old", "c": "M1-old", "d": "M1-other"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		time.AfterFunc(time.Minute, func() { s.set("b", "M1-new") })
		took, err := awaitUnused(t, shops, "M1-old")
		h := wantKeyInUse(t, err)
		if h.Username != "M1-old" || !slices.Equal(h.Shops, []string{"a", "c"}) || h.Unmanaged {
			t.Errorf("the error is %+v", h)
		}
		if took < 110*time.Second || took > 2*time.Minute {
			t.Errorf("it refused after %v", took)
		}
	})
}

func TestAwaitUnused_RefusesWhenShopBecomesUnreadable(t *testing.T) {
	for name, test := range map[string]struct {
		usernames map[string]string
		shop      string
		from      int
	}{
		"at first":         {map[string]string{"a": "M1-old", "b": "M1-other"}, "a", 1},
		"when asked again": {map[string]string{"a": "M1-old", "b": "M1-other"}, "a", 2},
		"while waiting":    {map[string]string{"a": "M1-old", "b": "M1-other"}, "a", 4},
		"another shop":     {map[string]string{"a": "M1-new", "b": "M1-old"}, "b", 1},
	} {
		t.Run(name, func(t *testing.T) {
			withShops(t, test.usernames, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				s.before = func(_ context.Context, _, shop string, call int) error {
					if shop == test.shop && call >= test.from {
						return errLost
					}
					return nil
				}
				_, err := awaitUnused(t, shops, "M1-old")
				if _ = wantUnknown(t, err); !errors.Is(err, errLost) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}

func TestAwaitUnused_WaitsForEndOfWrite(t *testing.T) {
	for name, outcome := range map[string]error{"success": nil, "refused": errRefused, "lost": errLost} {
		t.Run(name, func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				s.before = onShopCall(writeCall, "", 0, func() error { time.Sleep(30 * time.Second); return outcome })
				readAll(t, shops)
				go func() { _ = installNew(t.Context(), shops, "a") }()
				synctest.Wait()
				took, err := awaitUnused(t, shops, "M1-old")
				if outcome == nil && (err != nil || took < 30*time.Second || took > 32*time.Second) {
					t.Errorf("after %v: %v", took, err)
				}
				if outcome != nil {
					wantInUse(t, err)
				}
				time.Sleep(5 * time.Minute)
			})
		})
	}
}

func TestGuard_HoldsNewKeyDuringWrite(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		s.after = onShopCall(writeCall, "", 0, func() error { time.Sleep(30 * time.Second); return nil })
		readAll(t, shops)
		go func() { _ = installNew(t.Context(), shops, "a") }()
		synctest.Wait()
		_, err := awaitUnused(t, shops, "M1-new")
		wantInUse(t, err)
	})
}

func TestGuard_ShopIsUnknownAfterUnansweredWrite(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-old"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		readAll(t, shops)
		s.after = failShop("", "", errLost)
		if err := installNew(t.Context(), shops, "a"); err == nil {
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

func TestGuard_IgnoresShopsOutsideConfiguration(t *testing.T) {
	t.Parallel()
	s := newFakeShops(map[string]string{"butikk": "M1-new"})
	s.before = failShop("", "stranger", errRefused)
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

// Waits hold Terraform's slots, so they must not add up.
func TestAwaitUnused_FirstTimeoutEndsAllWaits(t *testing.T) {
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
			t.Errorf("a later wait ended after %v: %v", took, err)
		}
		s.set("c", "M1-new")
		time.Sleep(rotation.FreshFor)
		if took, err := awaitUnused(t, shops, "M1-oldc"); err != nil || took != 0 {
			t.Errorf("a replaced key was refused after %v: %v", took, err)
		}
		if _, err := awaitUnused(t, shops, "M1-unheld"); err != nil {
			t.Errorf("an unused key was refused: %v", err)
		}
	})
}

func TestAwaitUnused_TimesOutDuringRead(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-olda", "b": "M1-oldb"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
		readAll(t, shops)
		s.before = func(ctx context.Context, _, _ string, _ int) error { return clock.System{}.Sleep(ctx, 50*time.Second) }
		if _, err := awaitUnused(t, shops, "M1-olda"); err == nil {
			t.Fatal("it was allowed")
		}
		s.before = nil
		if took, err := awaitUnused(t, shops, "M1-oldb"); err == nil || took > time.Second {
			t.Errorf("a later wait ended after %v: %v", took, err)
		}
	})
}

func TestAwaitUnused_CancelEndsOneWait(t *testing.T) {
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

func TestAwaitUnused_DoesNotWaitForUnmanagedShops(t *testing.T) {
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

// The read of an unmanaged shop that shows another key may be stale.
func TestAwaitUnused_WaitsWhileReadOfUnmanagedShopMayBeStale(t *testing.T) {
	withShops(t, map[string]string{"a": "M1-other"}, func(t *testing.T, _ *fakeShops, shops *rotation.Shops) {
		shops.StopManaging("a", "M1-old")
		took, err := awaitUnused(t, shops, "M1-old")
		if took < rotation.PropagationDelay || took > rotation.PropagationDelay+10*time.Second || err != nil {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestGuard_RemembersHolderThatBecomesUnreadable(t *testing.T) {
	for _, username := range []string{"M1-old", "M1-other"} {
		t.Run(username, func(t *testing.T) {
			withShops(t, map[string]string{"a": "M1-old", "b": "M1-new"}, func(t *testing.T, s *fakeShops, shops *rotation.Shops) {
				unused := func(username string) error {
					time.Sleep(time.Minute)
					shops.RetryUnreadable()
					return checkUnused(t, shops, username)
				}
				wantInUse(t, unused("M1-old"))
				s.before = failShop(readCall, "a", errLost)
				_ = wantUnknown(t, unused("M1-old"))
				_ = wantUnknown(t, unused(username))
				s.before = nil
				wantInUse(t, unused("M1-old"))
				if err := unused("M1-other"); err != nil {
					t.Errorf("an unused key was refused: %v", err)
				}
			})
		})
	}
}

func TestGuard_KeepsKeyShownInAnotherForm(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]string{
		"space behind":     "M1-aB3dE ",
		"line break":       "M1-aB3dE\r\n",
		"hard space":       "\u00a0M1-aB3dE",
		"zero-width space": "M1-aB3dE\u200b",
		"byte order mark":  "\ufeffM1-aB3dE",
		"other case":       "m1-AB3DE",
		"stars at the end": "M1-aB***",
		"dots at the end":  "M1-aB•••",
		"all but the MID":  "M1-*****",
		"crosses":          "M1-xxxxx",
		"cut":              "M1-aB…",
		"cut by full dots": "M1-aB...",
		"all masked":       "********",
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": shown, "b": "M1-other"}, m1("M1-aB3dE"), m1("M1-other"))
			if err := env.engine.DeleteIfUnused(t.Context(), orphan("M1-aB3dE"), 0); err == nil {
				t.Error("it was deleted")
			}
			env.wantKeys("M1-aB3dE", "M1-other")
		})
	}
}
