package rotation_test

import (
	"context"
	"errors"

	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestObserve_ListsAgainIfHeldKeyIsMissing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		holds string
		// keys are listed from the start, and late ones from the second listing on.
		keys, late []kustom.Key
		waits      bool
		held       string
		// searched says that all stores' keys are listed, because the username does not have its store.
		searched bool
	}{
		"listed":               {holds: "M1-a", keys: []kustom.Key{m1("M1-a")}, held: "M1-a"},
		"listed later":         {holds: "M1-a", late: []kustom.Key{m1("M1-a")}, waits: true, held: "M1-a"},
		"another listed later": {holds: "M1-a", late: []kustom.Key{m1("M1-b")}, waits: true},
		"deleted":              {holds: "M1-a", waits: true},
		"Klarna's":             {holds: "M1_0a1b", late: []kustom.Key{key("1", "M1_0a1b", klarna, 2020, 0)}},
		"a UUID":               {holds: "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", searched: true},
		"another store's":      {holds: "M2-a"},
		"no key":               {holds: ""},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": test.holds}, append(test.keys, m1("M1-erp"))...)
			env.portal.before = onCall(listCall, 2, func() error {
				env.portal.keys = append(env.portal.keys, test.late...)
				return nil
			})
			seen, err := env.engine.Observe(t.Context(), "a", "M1", "")
			if err != nil {
				t.Fatal(err)
			}
			if (seen.Held == nil) != (test.held == "") || seen.Held != nil && seen.Held.Username != test.held {
				t.Errorf("it holds %v, want %q", seen.Held, test.held)
			}
			if len(seen.OtherKeys) != 1 || seen.OtherKeys[0].Username != "M1-erp" {
				t.Errorf("the others are %v", seen.OtherKeys)
			}
			if waited := env.clock.Now().Sub(noon); waited >= rotation.PropagationDelay != test.waits || !test.waits && waited != 0 {
				t.Errorf("it waited for %v", waited)
			}
			if n := env.portal.called(listCall); (test.waits || test.searched) != (n == 2) {
				t.Errorf("it listed the keys %d times", n)
			}
		})
	}
}

func TestObserve_WaitsOnceForPlanAndApply(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-a"}, m1("M1-erp"))
	env.cache = newLocalCache(t)
	observe := func(inNewRun bool) time.Duration {
		t.Helper()
		if inNewRun {
			env.newRun()
		}
		begun := env.clock.Now()
		if _, err := env.engine.Observe(t.Context(), "a", "M1", ""); err != nil {
			t.Fatal(err)
		}
		return env.clock.Now().Sub(begun)
	}
	if waited := observe(true); waited != rotation.PropagationDelay {
		t.Errorf("the plan waited for %v", waited)
	}
	if waited := observe(false) + observe(true); waited != 0 {
		t.Errorf("the plan's second read and the apply waited for %v", waited)
	}
	env.clock.Advance(2 * time.Hour)
	if waited := observe(true); waited != rotation.PropagationDelay {
		t.Errorf("a run hours later waited for %v", waited)
	}
	env.portal.keys = append(env.portal.keys, m1("M1-a"))
	if waited := observe(true); waited != 0 {
		t.Errorf("it waited for a key that is listed: %v", waited)
	}
	env.portal.keys = env.portal.keys[:1]
	if waited := observe(true); waited != rotation.PropagationDelay {
		t.Errorf("after the key was listed, it waited for %v", waited)
	}
}

func TestObserve_FailsIfKeysCanNotBeListedAgain(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"interrupted": context.Canceled, "not listed again": errLost} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": "M1-a"}, m1("M1-erp"))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			env.portal.before = failCall(listCall, 2, errLost)
			if name == "interrupted" {
				env.portal.after = onCall(listCall, 0, func() error { cancel(); return nil })
			}
			if _, err := env.engine.Observe(ctx, "a", "M1", ""); !errors.Is(err, want) {
				t.Errorf("the error is %v, want %v", err, want)
			}
		})
	}
}
