package rotation_test

import (
	"context"
	"errors"
	"fmt"

	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// newLargePortal returns a portal with n stores of one key each.
func newLargePortal(c clock.Clock, n int) *fakePortal {
	var keys []kustom.Key
	for i := range n {
		keys = append(keys, keyOf(i))
	}
	return newFakePortal(c, keys...)
}

func keyOf(i int) kustom.Key {
	return kustom.Key{
		MerchantID: fmt.Sprintf("M%03d", i), CredentialID: fmt.Sprintf("c%03d", i), Username: fmt.Sprintf("M%03d-u", i),
	}
}

// newKeys returns a portal with these keys, and a cache of them.
func newKeys(keys ...kustom.Key) (*fakePortal, *rotation.Keys) {
	a := newFakePortal(clocktest.New(noon), keys...)
	return a, rotation.NewKeys(a, a.clock)
}

// wantKeysOf fails the test unless the store, or the account if merchantID is empty, has these keys.
func wantKeysOf(t *testing.T, keys *rotation.Keys, merchantID string, want ...string) {
	t.Helper()
	var got []string
	for key, err := range keys.Keys(t.Context(), merchantID) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, key.Username)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("store %q has the keys %q, want %q", merchantID, got, want)
	}
}

// lists counts the listings of one store and of all.
type lists struct{ store, full int }

func (l *lists) count(kind, about string, _ int) error {
	switch {
	case kind != listCall:
	case about == "":
		l.full++
	default:
		l.store++
	}
	return nil
}

func TestKeys_ListsAllForManyReads(t *testing.T) {
	t.Parallel()
	const stores, few = 200, 3
	a := newLargePortal(clocktest.New(noon), stores)
	keys := rotation.NewKeys(a, a.clock)
	var group sync.WaitGroup
	for i := range 2 * stores {
		group.Go(func() {
			want := keyOf(i % stores)
			got, err := keys.Key(t.Context(), want.MerchantID, want.CredentialID)
			if err != nil || got != want {
				t.Errorf("key %s is %v, %v", want.CredentialID, got, err)
			}
		})
	}
	group.Wait()
	if reads, full := a.called(keyCall), a.called(listCall); full != 1 || reads > 2*few {
		t.Errorf("there were %d reads of keys and %d lists, want at most %d and one", reads, full, 2*few)
	}
}

// While one caller lists all keys, the others wait for its list, or until their own context ends.
func TestKeys_ListsAllOnceForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, keys := newKeys(m1("M1-a"))
		release := make(chan bool)
		a.before = onCall(listCall, 0, func() error { <-release; return nil })
		var group sync.WaitGroup
		list := func(ctx context.Context, want error) {
			for _, err := range keys.Keys(ctx, "") {
				if !errors.Is(err, want) {
					t.Errorf("the error is %v, want %v", err, want)
				}
			}
			group.Done()
		}
		group.Add(2)
		go list(t.Context(), nil)
		go list(t.Context(), nil)
		synctest.Wait()
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		ended := false
		group.Add(1)
		go func() { list(cancelled, context.Canceled); ended = true }()
		synctest.Wait()
		if !ended {
			t.Error("a cancelled caller waits for the list of another one")
		}
		close(release)
		group.Wait()
		if n := a.called(listCall); n != 1 {
			t.Errorf("the portal lists all keys %d times", n)
		}
	})
}

func TestKeys_ReadsFewKeysOneByOne(t *testing.T) {
	t.Parallel()
	var n lists
	a := newLargePortal(clocktest.New(noon), 1000)
	a.before = n.count
	keys := rotation.NewKeys(a, a.clock)
	for range 2 {
		for i := 1; i <= 2; i++ {
			if _, err := keys.Key(t.Context(), keyOf(i).MerchantID, keyOf(i).CredentialID); err != nil {
				t.Error(err)
			}
		}
		wantKeysOf(t, keys, "M001", "M001-u")
	}
	// The list of the store has the first key.
	if reads := a.called(keyCall); reads != 3 || n != (lists{store: 1}) {
		t.Errorf("there were %d reads of keys and %+v", reads, n)
	}
}

// The pages list one store at a time, so a list of all stores saves no load.
func TestKeys_ListsStoresOneByOneByPages(t *testing.T) {
	t.Parallel()
	for byPages, want := range map[bool]lists{false: {store: 3, full: 1}, true: {store: 4}} {
		var n lists
		a := newLargePortal(clocktest.New(noon), 10)
		a.before, a.byPages = n.count, byPages
		keys := rotation.NewKeys(a, a.clock)
		for i := 1; i <= 4; i++ {
			wantKeysOf(t, keys, keyOf(i).MerchantID, keyOf(i).Username)
		}
		if n != want {
			t.Errorf("by pages %t: there were %+v lists, want %+v", byPages, n, want)
		}
	}
}

func TestPrefetch_ListsAllForManyStores(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stores int
		// fails says that the prefetch fails. ahead are the lists before a caller asks, and all those in the end.
		fails      bool
		ahead, all lists
	}{
		"a few":               {stores: 3, all: lists{store: 3}},
		"many":                {stores: 4, ahead: lists{full: 1}, all: lists{full: 1}},
		"many, after failure": {stores: 10, fails: true, ahead: lists{full: 1}, all: lists{full: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n lists
				a := newLargePortal(clock.System{}, 10)
				a.before = func(kind, about string, call int) error {
					if _ = n.count(kind, about, call); test.fails && call == 1 {
						return errLost
					}
					return nil
				}
				keys := rotation.NewKeys(a, clock.System{})
				var stores []string
				for i := range test.stores {
					stores = append(stores, keyOf(i).MerchantID, keyOf(i).MerchantID)
				}
				for range 2 {
					keys.Prefetch(t.Context(), stores)
				}
				if synctest.Wait(); n != test.ahead {
					t.Errorf("ahead: %+v", n)
				}
				for _, id := range stores {
					wantKeysOf(t, keys, id, id+"-u")
				}
				keys.Prefetch(t.Context(), stores)
				if synctest.Wait(); n != test.all {
					t.Errorf("in the end: %+v", n)
				}
			})
		})
	}
}

func TestOf_ListsManyStoresAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stores, want []string
		lists        lists
	}{
		"all":         {nil, []string{"M000-u", "M001-u", "M002-u", "M003-u", "M004-u"}, lists{full: 1}},
		"one store":   {[]string{"M001"}, []string{"M001-u"}, lists{store: 1}},
		"a few":       {[]string{"M004", "M000", "M001"}, []string{"M000-u", "M001-u", "M004-u"}, lists{store: 3}},
		"many stores": {[]string{"M000", "M001", "M002", "M004"}, []string{"M000-u", "M001-u", "M002-u", "M004-u"}, lists{full: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var n lists
			a := newLargePortal(clocktest.New(noon), 5)
			a.before = n.count
			keys, err := rotation.NewKeys(a, a.clock).Of(t.Context(), test.stores)
			var got []string
			for _, key := range keys {
				got = append(got, key.Username)
			}
			if slices.Sort(got); err != nil || !slices.Equal(got, test.want) || n != test.lists {
				t.Errorf("the keys are %q by %+v, want %q by %+v; error %v", got, n, test.want, test.lists, err)
			}
			a.after = failCalls("", errLost)
			if keys, err := rotation.NewKeys(a, a.clock).Of(t.Context(), test.stores); !errors.Is(err, errLost) || keys != nil {
				t.Errorf("after a failure the keys are %v, error %v", keys, err)
			}
		})
	}
}

// Lists miss keys that move between pages, and reads may be stale.
func TestKey_ReadsMissingKeyTwice(t *testing.T) {
	t.Parallel()
	for _, comesBack := range []bool{true, false} {
		t.Run(fmt.Sprintf("comes back: %t", comesBack), func(t *testing.T) {
			fake := clocktest.New(noon)
			a := newFakePortal(fake, m1("M1-other"))
			a.before = func(string, string, int) error {
				if comesBack && fake.Now().Sub(noon) >= 20*time.Second && len(a.usernames()) == 1 {
					a.keys = append(a.keys, m1("M1-late"))
				}
				return nil
			}
			keys := rotation.NewKeys(a, fake)
			wantKeysOf(t, keys, "", "M1-other")
			got, err := keys.Key(t.Context(), "M1", "id-M1-late")
			var none *kustom.NoKeyError
			if comesBack && (err != nil || got.Username != "M1-late") || !comesBack && !errors.As(err, &none) {
				t.Errorf("the key is %v, error %v", got, err)
			}
			if waited := fake.Now().Sub(noon); waited < rotation.PropagationDelay {
				t.Errorf("it read again after %v", waited)
			}
		})
	}
}

func TestKey_OfThisRunNeverCountsAsDeleted(t *testing.T) {
	t.Parallel()
	a, keys := newKeys(m1("M1-old"))
	made, err := keys.Generate(t.Context(), kustom.Request{MerchantID: "M1"})
	if err != nil {
		t.Fatal(err)
	}
	a.keys = nil
	_, err = keys.Key(t.Context(), "M1", made.CredentialID)
	if unlisted, ok := errors.AsType[*rotation.NotListedError](err); !ok || unlisted.CredentialID != made.CredentialID {
		t.Errorf("the error is %v", err)
	}
}

func TestKeys_RefusesInvisibleStore(t *testing.T) {
	t.Parallel()
	a, keys := newKeys(m1("M1-a"), key("2", "M2-a", host, 2026, 0), key("3", "M3-a", host, 2026, 0), key("4", "M4-a", host, 2026, 0))
	a.addStore("M5")
	wantKeysOf(t, keys, "M5")
	for _, asked := range [][]string{{"M9"}, {"M1", "M2", "M9"}, {"M1", "M2", "M3", "M4", "M9"}} {
		_, err := keys.Of(t.Context(), asked)
		for _, streamed := range keys.Stream(t.Context(), asked) {
			if streamed != nil {
				err = errors.Join(err, streamed)
			}
		}
		if n := strings.Count(fmt.Sprint(err), (&rotation.StoreNotFoundError{MerchantID: "M9"}).Error()); n != 2 {
			t.Errorf("%q: the errors are %v", asked, err)
		}
	}
}

func TestKeys_AppliesOwnChangesToLists(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "while", "after"} {
		t.Run(when, func(t *testing.T) {
			a := newLargePortal(clocktest.New(noon), 5)
			keys := rotation.NewKeys(a, a.clock)
			change := sync.OnceFunc(func() {
				if _, err := keys.Generate(t.Context(), kustom.Request{MerchantID: "M001"}); err != nil {
					t.Error(err)
				}
				if err := keys.Delete(t.Context(), kustom.Orphan{MerchantID: "M002", CredentialID: "c002"}); err != nil {
					t.Error(err)
				}
			})
			switch when {
			case "before":
				change()
			case "while":
				a.after = func(kind, about string, _ int) error {
					if kind == listCall && about == "" {
						change()
					}
					return nil
				}
			}
			if _, err := keys.Of(t.Context(), nil); err != nil {
				t.Error(err)
			}
			change()
			wantKeysOf(t, keys, "", "M000-u", "M001-new1", "M001-u", "M003-u", "M004-u")
		})
	}
}

func TestKeys_DoesNotCacheFailedList(t *testing.T) {
	t.Parallel()
	a, keys := newKeys(m1("M1-a"))
	a.before = failCall("", 1, errLost)
	for _, err := range keys.Keys(t.Context(), "") {
		if !errors.Is(err, errLost) {
			t.Errorf("the error is %v", err)
		}
	}
	wantKeysOf(t, keys, "", "M1-a")
}

func TestKeys_DropsKeysOfIgnoredFilter(t *testing.T) {
	t.Parallel()
	klarnas, other := m1("d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"), m1("M2-other")
	klarnas.MerchantID, other.MerchantID = "M2", "M2"
	a, keys := newKeys(m1("M1-own"), other, klarnas)
	a.unfiltered = true
	wantKeysOf(t, keys, "M1", "M1-own")
	if fresh, err := keys.Fresh(t.Context(), "M1"); err != nil || len(fresh) != 1 {
		t.Errorf("read again: %v, error %v", fresh, err)
	}
	if warnings := keys.Warnings(); len(warnings) != 1 {
		t.Errorf("the warnings are %v", warnings)
	}
}

func TestKeys_DropsInvalidKeys(t *testing.T) {
	t.Parallel()
	secret := "kco_live_api_misplaced"
	odd := m1("M1-described")
	odd.Description, odd.Host, odd.CreatedBy = &secret, secret, secret
	_, keys := newKeys(m1("M1-own"), odd, m1("M2-listed_as_M1"), m1(secret), m1("two words"), kustom.Key{MerchantID: "M1", Username: "M1-x"})
	wantKeysOf(t, keys, "M1", "M1-described", "M1-own")
	for key, err := range keys.Keys(t.Context(), "M1") {
		if err != nil {
			t.Fatal(err)
		}
		if key.Description != nil && *key.Description == secret || strings.Contains(fmt.Sprintf("%+v", key), secret) {
			t.Errorf("a key has a secret: %+v", key)
		}
	}
	warnings := keys.Warnings()
	if len(warnings) != 4 || strings.Contains(fmt.Sprint(warnings), secret) {
		t.Errorf("the warnings are %v", warnings)
	}
	if again := keys.Warnings(); len(again) != 0 {
		t.Errorf("it warns again: %v", again)
	}
}

func TestGenerate_DeletesKeyOfInvalidAnswer(t *testing.T) {
	t.Parallel()
	other, secret := "other", "kco_live_api_misplaced"
	for name, corrupt := range map[string]func(*kustom.NewKey){
		"another store":          func(k *kustom.NewKey) { k.MerchantID = "M2" },
		"another store's name":   func(k *kustom.NewKey) { k.Username = "M2-x" },
		"no ID":                  func(k *kustom.NewKey) { k.CredentialID = "" },
		"no name":                func(k *kustom.NewKey) { k.Username = "" },
		"a secret as name":       func(k *kustom.NewKey) { k.Username = secret },
		"a secret as host":       func(k *kustom.NewKey) { k.Host = secret },
		"a secret described":     func(k *kustom.NewKey) { k.Description = &secret },
		"another description":    func(k *kustom.NewKey) { k.Description = &other },
		"Klarna's host":          func(k *kustom.NewKey) { k.Host = klarna },
		"no secret":              func(k *kustom.NewKey) { k.Secret = kustom.Secret{} },
		"no secret of that form": func(k *kustom.NewKey) { k.Secret = kustom.NewSecret("<html>") },
	} {
		t.Run(name, func(t *testing.T) {
			a, keys := newKeys(m1("M1-old"))
			a.answer = corrupt
			made, err := keys.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "terraform", IdempotencyKey: "k"})
			if err == nil || made != (kustom.NewKey{}) || strings.Contains(err.Error(), secret) {
				t.Errorf("it returned %v, error %v", made, err)
			}
			if got := a.usernames(); !slices.Equal(got, []string{"M1-old"}) {
				t.Errorf("the keys are %q", got)
			}
		})
	}
}

// An answer that names an older key must not delete that key.
func TestGenerate_KeepsOlderKeyOfInvalidAnswer(t *testing.T) {
	t.Parallel()
	a, keys := newKeys(m1("M1-old"))
	a.answer = func(k *kustom.NewKey) { k.Key, k.Secret = m1("M1-old"), kustom.Secret{} }
	wantKeysOf(t, keys, "M1", "M1-old")
	_, err := keys.Generate(t.Context(), kustom.Request{MerchantID: "M1", IdempotencyKey: "k"})
	if orphan, ok := errors.AsType[*kustom.OrphanError](err); !ok || orphan.CredentialID != "" || !slices.Contains(a.usernames(), "M1-old") {
		t.Errorf("the error is %v, the keys are %q", err, a.usernames())
	}
}
