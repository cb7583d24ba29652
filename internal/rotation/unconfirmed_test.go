package rotation_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// newHiddenEnv has a shop that hides its key, and in which another object has installed a new one.
func newHiddenEnv(t *testing.T) *testEnv {
	t.Helper()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	env.cache = rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
	env.hideKey()
	env.installAnother(kustom.Request{MerchantID: "M1"})
	return env
}

// installAnother generates a key and installs it in shop a.
func (env *testEnv) installAnother(request kustom.Request) kustom.NewKey {
	env.Helper()
	env.newRun()
	made, err := env.engine.Generate(env.Context(), request)
	if err != nil {
		env.Fatal(err)
	}
	env.install("a", made)
	return made
}

func (env *testEnv) install(shop string, made kustom.NewKey) {
	env.Helper()
	pair := rotation.Pair{Username: made.Username, Secret: made.Secret}
	if err := env.engine.Shops.Prove(env.Context(), pair); err != nil {
		env.Fatal(err)
	}
	if _, err := env.engine.Shops.Install(env.Context(), shop, pair); !mystore.IsNotConfirmed(err) {
		env.Fatalf("the installation ends with %v", err)
	}
}

// tryDelete reports whether another run deletes a key.
func (env *testEnv) tryDelete(username string) bool {
	env.Helper()
	env.newRun()
	env.engine.Shops.NoteConfigured("a", "M1", "")
	err := env.engine.DeleteIfUnused(env.Context(), orphan(username), 0)
	if err != nil {
		_ = wantUnknown(env.T, err)
	}
	return err == nil
}

func TestUnconfirmed_DeletesOldKeyAfterUseOfNewKey(t *testing.T) {
	t.Parallel()
	env := newHiddenEnv(t)
	given := env.clock.Now()
	for _, used := range []time.Time{{}, given.Add(time.Minute)} {
		env.clock.Advance(time.Hour)
		if !used.IsZero() {
			env.setLastUsed("M1-new1", used)
		}
		if env.tryDelete("M1-old") {
			t.Fatalf("used at %v: the old key is deleted", used)
		}
	}
	env.setLastUsed("M1-new1", given.Add(time.Hour))
	if !env.tryDelete("M1-old") {
		t.Error("the old key stays")
	}
	env.wantKeys("M1-new1")
}

func TestUnconfirmed_IgnoresOwnUse(t *testing.T) {
	t.Parallel()
	env := newHiddenEnv(t)
	env.clock.Advance(time.Hour)
	env.engine.Shops.NoteOwnUse("M1-new1")
	env.setLastUsed("M1-new1", env.clock.Now())
	if env.tryDelete("M1-old") {
		t.Fatal("the old key is deleted")
	}
	env.setLastUsed("M1-new1", env.clock.Now().Add(2*time.Minute))
	if !env.tryDelete("M1-old") {
		t.Error("the old key stays")
	}
}

func TestUnconfirmed_KeepsKeyWithoutEvidence(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(env *testEnv) (kept string){
		"the old key is used again": func(env *testEnv) string {
			env.setLastUsed("M1-old", env.clock.Now().Add(2*time.Hour))
			return "M1-old"
		},
		"the key is newer": func(env *testEnv) string {
			// Another machine has installed it in the shop.
			env.portal.mu.Lock()
			defer env.portal.mu.Unlock()
			newer := m1("M1-newer")
			newer.CreatedAt, newer.LastUsedAt = env.clock.Now(), nil
			env.portal.keys = append(env.portal.keys, newer)
			return "M1-newer"
		},
		"two shops have the new key": func(env *testEnv) string {
			env.shops.set("b", "M1-new1")
			env.hideKeyOf("b")
			env.install("b", kustom.NewKey{Key: kustom.Key{Username: "M1-new1"}})
			return "M1-old"
		},
		"nothing is remembered": func(env *testEnv) string {
			env.cache = rotation.LocalCache{}
			return "M1-old"
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newHiddenEnv(t)
			env.clock.Advance(time.Hour)
			kept := change(env)
			env.setLastUsed("M1-new1", env.clock.Now().Add(time.Hour))
			if env.tryDelete(kept) {
				t.Errorf("%s is deleted", kept)
			}
		})
	}
}
