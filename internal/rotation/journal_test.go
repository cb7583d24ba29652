package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// memoryJournal keeps its entries in memory. Record returns err.
type memoryJournal struct {
	err error

	mu      sync.Mutex
	entries []rotation.Entry
}

func (d *memoryJournal) Record(e rotation.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, e)
	return d.err
}

// steps returns the step, the outcome and the key of each of a shop's entries.
func (d *memoryJournal) steps(shop string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var steps []string
	for _, e := range d.entries {
		if e.Shop == shop {
			steps = append(steps, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Step, e.Outcome, e.Key)))
		}
	}
	return steps
}

// newJournalEnv returns a test environment with a journal.
func newJournalEnv(t *testing.T, shops map[string]string, keys ...kustom.Key) (*testEnv, *memoryJournal) {
	t.Helper()
	env, d := newTestEnv(t, shops, keys...), new(memoryJournal)
	env.journal = d
	env.newRun()
	return env, d
}

func wantSteps(t *testing.T, d *memoryJournal, shop string, want ...string) {
	t.Helper()
	if got := d.steps(shop); !slices.Equal(got, want) {
		t.Errorf("of shop %q the journal has\n%s\nwant\n%s", shop, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestJournal_RecordsSteps(t *testing.T) {
	t.Parallel()
	generated := []string{"generate started", "generate done M1-new1", "prove started M1-new1"}
	proven := slices.Concat(generated, []string{"prove done M1-new1", "install started M1-new1"})
	installed := slices.Concat(proven, []string{"install done M1-new1", "confirm started M1-new1", "confirm done M1-new1"})
	undone := []string{"delete started M1-new1", "delete done M1-new1"}
	for name, test := range map[string]struct {
		// other is the username of shop b, and change what happens after the plan.
		other  string
		change func(*testEnv)
		fails  bool
		want   []string
	}{
		"the switch is done":       {want: slices.Concat(installed, []string{"delete started M1-old", "delete done M1-old"})},
		"shop b uses the old key":  {other: "M1-old", want: slices.Concat(installed, []string{"delete kept M1-old"})},
		"the page hides its key":   {change: func(env *testEnv) { env.hideKey("a") }, want: slices.Concat(proven, []string{"install unconfirmed M1-new1", "delete kept M1-old"})},
		"the portal makes no key":  {change: func(env *testEnv) { env.portal.before = failCalls(generateCall, errRefused) }, fails: true, want: []string{"generate started", "generate failed"}},
		"the key is not proven":    {change: func(env *testEnv) { env.merchant.verdicts = []kustom.Verdict{kustom.VerdictFirewall} }, fails: true, want: slices.Concat(generated, []string{"prove failed M1-new1"}, undone)},
		"the shop refuses the key": {change: func(env *testEnv) { env.shops.before = failShop(writeCall, "", errRefused) }, fails: true, want: slices.Concat(proven, []string{"install failed M1-new1"}, undone)},
	} {
		t.Run(name, func(t *testing.T) {
			env, d := newJournalEnv(t, map[string]string{"a": "M1-old", "b": test.other}, m1("M1-old"))
			plan := env.plan(config())
			if test.change != nil {
				test.change(env)
			}
			if _, err := env.engine.Execute(t.Context(), plan, rotation.Rules{}, new(rotation.Record)); (err != nil) != test.fails {
				t.Errorf("the error is %v", err)
			}
			wantSteps(t, d, "a", test.want...)
			for _, e := range d.entries {
				explained := e.Outcome == rotation.Failed || e.Outcome == rotation.Kept || e.Outcome == rotation.Unconfirmed
				if e.MerchantID != "M1" || e.Time.Before(noon) || explained != (e.Err != nil) {
					t.Errorf("an entry is %+v", e)
				}
			}
		})
	}
}

func TestJournal_RecordsClearedShops(t *testing.T) {
	t.Parallel()
	for holds, outcome := range map[string]string{"M1-own": "done", "M1-hand": "kept"} {
		env, d := newJournalEnv(t, map[string]string{"a": holds}, m1("M1-own"))
		ctx, end := env.engine.StartShop(t.Context(), "a", "M1")
		_, err := env.engine.ClearShop(ctx, "a", rotation.Record{MerchantID: "M1", CredentialID: "id-M1-own", Username: "M1-own"})
		end(err)
		wantSteps(t, d, "a", "shop started", "clear started M1-own", "clear "+outcome+" M1-own", "shop done")
	}
}

func TestJournal_RecordsFleet(t *testing.T) {
	t.Parallel()
	env, d := newJournalEnv(t, map[string]string{"a": "M1-old", "dead": "M2-x", "same": "M1-same"},
		m1("M1-old"), key("2", "M2-x", host, 2026, 0), m1("M1-same"))
	env.shops.before = failDead
	f := newFleet(env.engine, 1, newMember("a", "M1"), newMember("dead", "M2"), newMember("same", "M1"))
	f.Members[2].Record = &rotation.Record{MerchantID: "M1", CredentialID: "id-M1-same", Username: "M1-same"}
	f.Decide(t.Context())
	if planned := len(d.entries); planned != 2 {
		t.Errorf("the plan has %d entries", planned)
	}
	f.Execute(t.Context())
	wantSteps(t, d, "dead", "shop planned", "shop started", "shop failed")
	wantSteps(t, d, "same")
	got := d.steps("a")
	last := []string{"delete started M1-old", "delete accepted M1-old", "shop done", "delete done M1-old"}
	if got[0] != "shop planned" || got[1] != "shop started" || !slices.Equal(got[len(got)-len(last):], last) {
		t.Errorf("the journal has %q", got)
	}
}

func TestJournal_RecordsUnstartedShops(t *testing.T) {
	t.Parallel()
	env, d := newJournalEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	f := newFleet(env.engine, 1, newMember("a", "M1"))
	f.Decide(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Members[0].Record = &rotation.Record{MerchantID: "M1"}
	f.Execute(ctx)
	wantSteps(t, d, "a", "shop planned", "shop failed")
}

func TestJournal_FailureIsOneWarning(t *testing.T) {
	t.Parallel()
	env, d := newJournalEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	d.err = errors.New("no space left on device")
	env.mustConnect(config(), new(rotation.Record))
	env.wantKeys("M1-new1")
	env.wantHolds("a", "M1-new1")
	warnings := env.engine.Keys.Warnings()
	if len(warnings) != 1 || !strings.HasSuffix(warnings[0].Detail, d.err.Error()) {
		t.Errorf("the warnings are %+v", warnings)
	}
}

func TestJournal_RedactsSecretInPlaceOfName(t *testing.T) {
	t.Parallel()
	const secret = "kco_test_api_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"
	if !kustom.MayHoldSecret(secret) {
		t.Fatal("the secret has not the form of one")
	}
	env, d := newJournalEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	ctx, end := env.engine.StartShop(t.Context(), secret, secret)
	_, err := env.engine.Shops.Clear(ctx, "a", secret, "")
	end(err)
	for _, e := range d.entries {
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, secret) {
			t.Errorf("an entry is %s", text)
		}
	}
}
