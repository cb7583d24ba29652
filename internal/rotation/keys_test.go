package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// account is a portal with a number of stores of one key each, that counts what it is asked.
type account struct {
	mu       sync.Mutex
	keys     []kustom.Key
	reads    int
	lists    map[string]int
	listErr  error
	onListed func()
}

func newAccount(stores int) *account {
	a := &account{lists: map[string]int{}}
	for i := range stores {
		a.keys = append(a.keys, keyOf(i))
	}
	return a
}

func keyOf(i int) kustom.Key {
	return kustom.Key{
		MerchantID: fmt.Sprintf("M%03d", i), CredentialID: fmt.Sprintf("c%03d", i), Username: fmt.Sprintf("M%03d-u", i),
	}
}

func (a *account) Ready() error { return nil }

func (a *account) Made(string) bool { return false }

func (a *account) Key(_ context.Context, merchantID, credentialID string) (kustom.Key, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reads++
	for _, key := range a.keys {
		if key.MerchantID == merchantID && key.CredentialID == credentialID {
			return key, nil
		}
	}
	return kustom.Key{}, &kustom.NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
}

func (a *account) Keys(_ context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		a.mu.Lock()
		a.lists[merchantID]++
		keys, err, onListed := slices.Clone(a.keys), a.listErr, a.onListed
		a.mu.Unlock()
		if err != nil {
			yield(kustom.Key{}, err)
			return
		}
		for _, key := range keys {
			if (merchantID == "" || key.MerchantID == merchantID) && !yield(key, nil) {
				return
			}
		}
		if onListed != nil {
			onListed()
		}
	}
}

func (a *account) Generate(_ context.Context, merchantID, _ string) (kustom.Key, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := kustom.Key{MerchantID: merchantID, CredentialID: "new", Username: merchantID + "-new"}
	a.keys = append(a.keys, key)
	key.Secret = "secret"
	return key, nil
}

func (a *account) Discard(_ context.Context, orphan kustom.Orphan) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = slices.DeleteFunc(a.keys, func(key kustom.Key) bool { return key.CredentialID == orphan.CredentialID })
	return nil
}

func (a *account) asked() (reads, storeLists, fullLists int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for store, n := range a.lists {
		if store != "" {
			storeLists += n
		}
	}
	return a.reads, storeLists, a.lists[""]
}

func (a *account) wantAsked(t *testing.T, reads, storeLists, fullLists int) {
	t.Helper()
	if r, s, f := a.asked(); r != reads || s != storeLists || f != fullLists {
		t.Errorf("asked for %d keys, %d stores and %d times for all, want %d, %d and %d", r, s, f, reads, storeLists, fullLists)
	}
}

func usernames(t *testing.T, keys *rotation.Keys, merchantID string) []string {
	t.Helper()
	var names []string
	for key, err := range keys.Keys(t.Context(), merchantID) {
		if err != nil {
			t.Fatal(err)
		}
		if key.Secret != "" {
			t.Error("I2: a secret is kept")
		}
		names = append(names, key.Username)
	}
	slices.Sort(names)
	return names
}

// TestI7KeysAreReadInBulk reads many keys at once, each twice: beyond the first few, all are listed
// once for everybody.
func TestI7KeysAreReadInBulk(t *testing.T) {
	t.Parallel()
	const stores, few = 200, 3
	a := newAccount(stores)
	keys := rotation.NewKeys(a)
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
	if reads, _, full := a.asked(); full != 1 || reads > 2*few {
		t.Errorf("asked for %d keys and %d times for all, want at most %d and once", reads, full, 2*few)
	}
}

// TestI7ExpectedKeysAreListedAhead: who says which stores will be asked for waits for nothing, and pays
// for the list only.
func TestI7ExpectedKeysAreListedAhead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ expected, storeLists, fullLists int }{
		"a few": {expected: 3, storeLists: 3},
		"many":  {expected: 4, fullLists: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(10)
				keys := rotation.NewKeys(a)
				var stores []string
				for i := range test.expected {
					stores = append(stores, keyOf(i).MerchantID, keyOf(i).MerchantID)
				}
				keys.Expect(t.Context(), stores)
				keys.Expect(t.Context(), stores)
				synctest.Wait()
				a.wantAsked(t, 0, 0, test.fullLists)
				for _, id := range stores {
					if got := usernames(t, keys, id); len(got) != 1 {
						t.Errorf("store %s has %q", id, got)
					}
				}
				keys.Expect(t.Context(), stores)
				synctest.Wait()
				a.wantAsked(t, 0, test.storeLists, test.fullLists)
			})
		})
	}
}

// TestExpectedListFails: the failure of a list that nobody has asked for yet is nobody's.
func TestExpectedListFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(10)
		a.listErr = errLost
		keys := rotation.NewKeys(a)
		var stores []string
		for i := range 10 {
			stores = append(stores, keyOf(i).MerchantID)
		}
		keys.Expect(t.Context(), stores)
		synctest.Wait()
		a.listErr = nil
		for _, id := range stores {
			if got := usernames(t, keys, id); len(got) != 1 {
				t.Errorf("store %s has %q", id, got)
			}
		}
		a.wantAsked(t, 0, 0, 2)
	})
}

// TestI7FewKeysListNoAccount reads the keys of a small configuration in a large account.
func TestI7FewKeysListNoAccount(t *testing.T) {
	t.Parallel()
	a := newAccount(1000)
	keys := rotation.NewKeys(a)
	for range 2 {
		if _, err := keys.Key(t.Context(), "M001", "c001"); err != nil {
			t.Error(err)
		}
		if _, err := keys.Key(t.Context(), "M002", "c002"); err != nil {
			t.Error(err)
		}
		usernames(t, keys, "M001")
	}
	// What the list of a store has is not asked for again.
	a.wantAsked(t, 3, 1, 0)
}

// TestI3ListAloneIsNotBelieved asks for a key that the list does not have, and for a store.
func TestI3ListAloneIsNotBelieved(t *testing.T) {
	t.Parallel()
	a := newAccount(10)
	keys := rotation.NewKeys(a)
	usernames(t, keys, "")
	_, err := keys.Key(t.Context(), "M001", "gone")
	var none *kustom.NoKeyError
	if !errors.As(err, &none) {
		t.Errorf("the error is %v", err)
	}
	usernames(t, keys, "M999")
	a.wantAsked(t, 1, 1, 1)
}

// TestKeysKnowWhatTheyDid makes and deletes keys before, while and after all are listed.
func TestKeysKnowWhatTheyDid(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "while", "after"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			a := newAccount(5)
			keys := rotation.NewKeys(a)
			act := func() {
				if _, err := keys.Generate(t.Context(), "M001", ""); err != nil {
					t.Error(err)
				}
				if err := keys.Discard(t.Context(), kustom.Orphan{MerchantID: "M002", CredentialID: "c002"}); err != nil {
					t.Error(err)
				}
			}
			switch when {
			case "before":
				act()
			case "while":
				a.onListed = sync.OnceFunc(act)
			}
			usernames(t, keys, "")
			if when == "after" {
				act()
			}
			want := []string{"M000-u", "M001-new", "M001-u", "M003-u", "M004-u"}
			if got := usernames(t, keys, ""); !slices.Equal(got, want) {
				t.Errorf("the keys are %v, want %v", got, want)
			}
		})
	}
}

func TestI7FailedListIsNotRemembered(t *testing.T) {
	t.Parallel()
	a := newAccount(5)
	a.listErr = errors.New("no answer")
	keys := rotation.NewKeys(a)
	for _, err := range keys.Keys(t.Context(), "") {
		if !errors.Is(err, a.listErr) {
			t.Errorf("the error is %v", err)
		}
	}
	a.listErr = nil
	if got := usernames(t, keys, ""); len(got) != 5 {
		t.Errorf("the keys are %v", got)
	}
}
