package rotation_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// hiddenPair is a shop that hides its key, and was given a new one by whoever does not delete the old one.
func hiddenPair(t *testing.T) *testEnv {
	t.Helper()
	w := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	w.sightings = rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
	w.hide()
	w.another(kustom.Request{MerchantID: "M1"})
	return w
}

// another makes a key, and gives it to shop a.
func (w *testEnv) another(request kustom.Request) kustom.NewKey {
	w.Helper()
	w.rerun()
	made, err := w.engine.Generate(w.Context(), request)
	if err != nil {
		w.Fatal(err)
	}
	w.install("a", made)
	return made
}

func (w *testEnv) install(shop string, made kustom.NewKey) {
	w.Helper()
	pair := rotation.Pair{Username: made.Username, Secret: made.Secret}
	if err := w.engine.Shops.Prove(w.Context(), pair); err != nil {
		w.Fatal(err)
	}
	if _, err := w.engine.Shops.Install(w.Context(), shop, pair); !mystore.IsNotConfirmed(err) {
		w.Fatalf("the installation ends with %v", err)
	}
}

// deletes tells whether another run deletes a key.
func (w *testEnv) deletes(username string) bool {
	w.Helper()
	w.rerun()
	w.engine.Shops.NoteConfigured("a", "M1", "")
	err := w.engine.DeleteIfUnused(w.Context(), orphan(username), 0)
	if err != nil {
		_ = wantUnknown(w.T, err)
	}
	return err == nil
}

// TestGiven_OldKeyGoesWhenTheNewOneIsUsed later than the provider itself has used it.
func TestGiven_OldKeyGoesWhenTheNewOneIsUsed(t *testing.T) {
	t.Parallel()
	w := hiddenPair(t)
	given := w.clock.Now()
	for _, used := range []time.Time{{}, given.Add(time.Minute)} {
		w.clock.Advance(time.Hour)
		if !used.IsZero() {
			w.use("M1-new1", used)
		}
		if w.deletes("M1-old") {
			t.Fatalf("used at %v: the old key is deleted", used)
		}
	}
	w.use("M1-new1", given.Add(time.Hour))
	if !w.deletes("M1-old") {
		t.Error("the old key stays")
	}
	w.wantKeys("M1-new1")
}

// TestGiven_OwnUseIsNoEvidence: the provider has proven the key once more, or made a test order with it.
func TestGiven_OwnUseIsNoEvidence(t *testing.T) {
	t.Parallel()
	w := hiddenPair(t)
	w.clock.Advance(time.Hour)
	w.engine.Shops.NoteOwnUse("M1-new1")
	w.use("M1-new1", w.clock.Now())
	if w.deletes("M1-old") {
		t.Fatal("the old key is deleted")
	}
	w.use("M1-new1", w.clock.Now().Add(2*time.Minute))
	if !w.deletes("M1-old") {
		t.Error("the old key stays")
	}
}

// TestGiven_NoEvidence: what the shop may use all the same is not deleted.
func TestGiven_NoEvidence(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *testEnv) (kept string){
		"the old key is used again": func(w *testEnv) string {
			w.use("M1-old", w.clock.Now().Add(2*time.Hour))
			return "M1-old"
		},
		"the key is newer": func(w *testEnv) string {
			// Another machine has given it to the shop.
			w.portal.mu.Lock()
			defer w.portal.mu.Unlock()
			newer := m1("M1-newer")
			newer.CreatedAt, newer.LastUsedAt = w.clock.Now(), nil
			w.portal.keys = append(w.portal.keys, newer)
			return "M1-newer"
		},
		"two shops have the new key": func(w *testEnv) string {
			w.shops.move("b", "M1-new1")
			w.hideShop("b")
			w.install("b", kustom.NewKey{Key: kustom.Key{Username: "M1-new1"}})
			return "M1-old"
		},
		"nothing is remembered": func(w *testEnv) string {
			w.sightings = rotation.LocalCache{}
			return "M1-old"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := hiddenPair(t)
			w.clock.Advance(time.Hour)
			kept := change(w)
			w.use("M1-new1", w.clock.Now().Add(time.Hour))
			if w.deletes(kept) {
				t.Errorf("%s is deleted", kept)
			}
		})
	}
}
