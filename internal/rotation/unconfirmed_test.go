package rotation_test

import (
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// newHiddenEnv returns an environment with a shop that hides its key. An earlier run has installed the key M1-new1.
func newHiddenEnv(t *testing.T) *testEnv {
	t.Helper()
	env := newTestEnv(t, map[string]string{"a": "M1-old", "b": "M2-b"}, m1("M1-old"))
	env.newCache()
	env.hideKey("a")
	if _, err := env.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1"}); err != nil {
		t.Fatal(err)
	}
	env.install("a")
	return env
}

// install proves the key M1-new1, and installs it in a shop that hides its key.
func (env *testEnv) install(shop string) {
	env.Helper()
	pair := rotation.Pair{Username: "M1-new1", Secret: kustom.NewSecret("s")}
	if err := env.engine.Shops.Prove(env.Context(), pair); err != nil {
		env.Fatal(err)
	}
	if _, err := env.engine.Shops.Install(env.Context(), shop, pair); !mystore.IsNotConfirmed(err) {
		env.Fatalf("the error is %v", err)
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
			env.hideKey("b")
			env.install("b")
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
