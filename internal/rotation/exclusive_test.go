package rotation_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestInventory_ListsShopsOfEachKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-x", "b": "M1-x", "dead": "M1-y"}, m1("M1-x"), m1("M1-y"))
	env.shops.before = failDead
	keys, unread, err := env.engine.Inventory(t.Context(), "M1")
	if err != nil || len(keys) != 2 || len(unread) != 1 || unread[0].Shop != "dead" {
		t.Fatalf("the keys are %v, unread %v, error %v", keys, unread, err)
	}
	if !slices.Equal(keys[0].Shops, []string{"a", "b"}) || len(keys[1].Shops) != 0 {
		t.Errorf("the keys are %v", keys)
	}
	if _, err := env.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "x"}); err != nil {
		t.Fatal(err)
	}
	keys = append(keys, rotation.StoreKey{KeyRef: rotation.KeyRef{MerchantID: "M1", CredentialID: "id-new1"}})
	if got := env.engine.NotGenerated(keys); len(got) != 2 {
		t.Errorf("a key of this run is among those to delete: %v", got)
	}
}

func TestDeleteAll_NeedsShopsOrEvidence(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shops    map[string]string
		evidence rotation.Evidence
		deleted  bool
	}{
		"no shop":                {},
		"no shop, opted in":      {evidence: rotation.Evidence{Unverified: true}, deleted: true},
		"no shop, long unused":   {evidence: rotation.Evidence{UnusedFor: time.Hour}, deleted: true},
		"no shop, used recently": {evidence: rotation.Evidence{UnusedFor: 10000 * time.Hour}},
		"a shop":                 {shops: map[string]string{"a": "M1-new"}, deleted: true},
		"a shop that holds it":   {shops: map[string]string{"a": "M1-old"}},
		"held, opted in":         {shops: map[string]string{"a": "M1-old"}, evidence: rotation.Evidence{Unverified: true, UnusedFor: time.Hour}},
		"dead shop":              {shops: map[string]string{"dead": "M1-x", "a": "M1-new"}},
		"dead shop, opted in":    {shops: map[string]string{"dead": "M1-x", "a": "M1-new"}, evidence: rotation.Evidence{Unverified: true}},
		"only a dead shop":       {shops: map[string]string{"dead": "M1-x"}, evidence: rotation.Evidence{Unverified: true}},
		"dead shop, long unused": {shops: map[string]string{"dead": "M1-x", "a": "M1-new"}, evidence: rotation.Evidence{UnusedFor: time.Hour}, deleted: true},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, test.shops, m1("M1-old"), m1("M1-new"))
			env.shops.before = failDead
			ctx, cancel := clock.WithTimeout(t.Context(), env.clock, time.Minute)
			defer cancel()
			errs := env.engine.DeleteAll(ctx, []rotation.StoreKey{{KeyRef: ref(m1("M1-old"))}}, test.evidence)
			if (errs[0] == nil) != test.deleted || slices.Contains(env.portal.usernames(), "M1-old") == test.deleted {
				t.Errorf("the keys are %q, error %v", env.portal.usernames(), errs[0])
			}
		})
	}
}

func TestDeleteAll_WaitsDelayNoOtherDeletion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		deleted := map[string]time.Duration{}
		var keys []kustom.Key
		var asked []rotation.StoreKey
		for _, username := range []string{"M1-stuck", "M1-moving", "M1-free"} {
			k := key("1", username, host, 1999, 0)
			keys, asked = append(keys, k), append(asked, rotation.StoreKey{KeyRef: ref(k)})
		}
		portal := newFakePortal(clock.System{}, keys...)
		portal.before = func(kind, about string, _ int) error {
			mu.Lock()
			defer mu.Unlock()
			if kind == deleteCall {
				deleted[about] = time.Since(began)
			}
			return nil
		}
		s := newFakeShops(map[string]string{"stuck": "M1-stuck", "moving": "M1-moving"})
		time.AfterFunc(10*time.Second, func() { s.set("moving", "M1-new") })
		engine := rotation.New(rotation.Options{Portal: portal, Shops: s, Clock: clock.System{}, Names: s.names})
		ctx, cancel := clock.WithTimeout(t.Context(), clock.System{}, 2*time.Minute+time.Second/2)
		defer cancel()
		errs := engine.DeleteAll(ctx, asked, rotation.Evidence{})
		if wantInUse(t, errs[0]); errs[1] != nil || errs[2] != nil {
			t.Errorf("the errors are %v", errs)
		}
		if at, ok := deleted["id-M1-free"]; !ok || at != 0 {
			t.Errorf("the key that no shop uses was deleted: %t, after %v", ok, at)
		}
		if at, ok := deleted["id-M1-moving"]; !ok || at < 10*time.Second || at > 20*time.Second {
			t.Errorf("the key of the shop that moves on was deleted: %t, after %v", ok, at)
		}
		if got := portal.usernames(); !slices.Equal(got, []string{"M1-stuck"}) {
			t.Errorf("the keys are %q", got)
		}
	})
}

// Another run may stall between the moment it generates a key and the moment it installs the key.
func TestDeleteAll_KeepsYoungKeysOfOtherRuns(t *testing.T) {
	t.Parallel()
	aged := func(name string, age time.Duration) kustom.Key {
		made := m1(name)
		made.CreatedAt = noon.Add(-age)
		return made
	}
	today := aged("M1-today", 12*time.Hour)
	today.Precision = 24 * time.Hour
	env := newTestEnv(t, map[string]string{"a": "M1-held", "b": "M1-replaced"},
		aged("M1-old", 61*time.Minute), aged("M1-young", 59*time.Minute), aged("M1-held", time.Minute), aged("M1-replaced", 2*time.Minute), today)
	inventory := func() []rotation.StoreKey {
		t.Helper()
		keys, _, err := env.engine.Inventory(t.Context(), "M1")
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	inventory()
	// This run gives shop b another key, so no other run is about to install the key that b had.
	if _, err := env.shops.Install(t.Context(), "b", "M1-held", "secret"); err != nil {
		t.Fatal(err)
	}
	env.clock.Advance(rotation.FreshFor)
	others := slices.DeleteFunc(inventory(), func(key rotation.StoreKey) bool { return key.Username == "M1-held" })
	for i, err := range env.engine.DeleteAll(t.Context(), others, rotation.Evidence{Unverified: true, UnusedFor: time.Minute}) {
		name := others[i].Username
		young := (*rotation.KeyTooYoungError)(nil)
		if got, want := errors.As(err, &young), name == "M1-young" || name == "M1-today"; got != want || err != nil && !got {
			t.Errorf("deleting %s: %v", name, err)
		}
	}
	env.wantKeys("M1-held", "M1-today", "M1-young")
	env.clock.Advance(time.Minute)
	for _, key := range inventory() {
		if key.Username == "M1-young" && !key.YoungUntil.IsZero() {
			t.Errorf("a key that is an hour old is young until %s", key.YoungUntil)
		}
	}
}
