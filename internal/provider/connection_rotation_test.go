package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const oneDay = 24 * time.Hour

// connectionEnv is an environment with a connection of shop butikk and a fake clock.
type connectionEnv struct {
	*testEnv
	clock *clocktest.Fake
	hcl   string
}

func newConnectionEnv(t *testing.T, seed sandbox.Seed, o sandbox.Options) *connectionEnv {
	t.Helper()
	clk := clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC))
	w := &connectionEnv{clock: clk, testEnv: newTestEnv(t, testEnvOptions{inProcess: true, seed: &seed, clock: clk, sandbox: o})}
	w.use(t, connected(t))
	return w
}

// newConnected returns an environment in which shop butikk has its key.
func newConnected(t *testing.T) *connectionEnv {
	t.Helper()
	w := newConnectionEnv(t, exampleSeed(), sandbox.Options{})
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.sandbox.ResetRequests()
	return w
}

func (w *connectionEnv) use(t *testing.T, hcl string) {
	t.Helper()
	w.hcl = hcl
	w.write(t, "main.tf", hcl)
}

// planOf is what a plan does to the connection.
type planOf struct {
	actions        string
	reason         string
	toDelete, kept []string // usernames, sorted
}

const savedPlan = "saved.tfplan"

// plan saves a plan and returns what it does to the connection.
func (w *connectionEnv) plan(t *testing.T, args ...string) planOf {
	t.Helper()
	r := w.terraform(t, append([]string{"plan", "-input=false", "-no-color", "-out=" + savedPlan}, args...)...)
	if r.code != 0 {
		t.Fatalf("plan failed:\n%s", r.output)
	}
	return w.saved(t)
}

// saved reads the saved plan.
func (w *connectionEnv) saved(t *testing.T) planOf {
	t.Helper()
	type keys []struct{ Username string }
	var change struct {
		Actions []string
		After   struct {
			Reason       string
			KeysToDelete keys `json:"keys_to_delete"`
			KeysKept     keys `json:"keys_kept"`
		}
	}
	w.showChange(t, connectionType, &change)
	usernames := func(k keys) []string {
		var names []string
		for _, key := range k {
			names = append(names, key.Username)
		}
		slices.Sort(names)
		return names
	}
	return planOf{
		actions: strings.Join(change.Actions, ", "), reason: change.After.Reason,
		toDelete: usernames(change.After.KeysToDelete), kept: usernames(change.After.KeysKept),
	}
}

func (w *connectionEnv) mustPlan(t *testing.T, want planOf, args ...string) {
	t.Helper()
	if got := w.plan(t, args...); !reflect.DeepEqual(got, want) {
		t.Errorf("the plan is\n%+v, want\n%+v", got, want)
	}
}

// holds is the username that a shop holds.
func (w *connectionEnv) holds(t *testing.T, shop string) string {
	t.Helper()
	return w.sandbox.shop(t, shop).KustomID
}

func (w *connectionEnv) usernames() []string {
	var names []string
	for _, key := range append(w.sandbox.Keys(exampleStore), w.sandbox.Keys(otherStore)...) {
		names = append(names, key.Username)
	}
	return names
}

// mustHave expects the stores to have only the key that butikk uses and these others. That key must be in the state, and both
// shops must take payments. The sandbox must have seen no violation.
func (w *connectionEnv) mustHave(t *testing.T, others ...string) {
	t.Helper()
	held := w.holds(t, "butikk")
	got, want := w.usernames(), append([]string{held}, others...)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the stores have the keys %q, want %q", got, want)
	}
	if inState := w.keysInState(t)[exampleStore]["username"]; inState != held {
		t.Errorf("the shop uses %s, in the state is %v", held, inState)
	}
	w.sandbox.wantWorking(t, "butikk", "nettbutikk")
}

// mustBeUntouched expects nothing but reads since the requests were last reset.
func (w *connectionEnv) mustBeUntouched(t *testing.T) {
	t.Helper()
	for _, r := range w.sandbox.Requests() {
		if r.Method != http.MethodGet || r.API == sandbox.Merchant {
			t.Errorf("%s %s %s (%d)", r.API, r.Method, r.Path, r.Status)
		}
	}
}

// TestConnection_RotatesInPlace rotates the key for each reason, by an update in place. The old key is deleted.
func TestConnection_RotatesInPlace(t *testing.T) {
	const dueReason = "the key is at least 90 days old: it was generated on 2026-11-02"
	tests := map[string]struct {
		old, changed string
		age          time.Duration
		reason       string
	}{
		"trigger":              {`incident = "none"`, `incident = "2026-11"`, 0, triggered},
		"trigger added":        {`incident = "none"`, "incident = \"none\"\n    ticket = \"4711\"", 0, triggered},
		"triggers removed":     {"rotate_when_changed = {\n    incident = \"none\"\n  }", "", 0, triggered},
		"description":          {`shop        = "butikk"`, "shop = \"butikk\"\n  description = \"new\"", 0, "description has changed"},
		"age":                  {"", "", 90 * oneDay, dueReason},
		"age, long ago":        {"", "", 900 * oneDay, dueReason},
		"a moment too young":   {"", "", 90*oneDay - time.Second, ""},
		"age and trigger":      {`incident = "none"`, `incident = "2026-11"`, 91 * oneDay, dueReason},
		"no longer due by age": {"rotate_after_days = 90", "rotate_after_days = 365", 100 * oneDay, ""},
		"due by a new age": {"rotate_after_days = 90", "rotate_after_days = 30", 31 * oneDay, "the key is at least " +
			"30 days old: it was generated on 2026-11-02"},
		"age taken back": {"rotate_after_days = 90", "", 100 * oneDay, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newConnected(t)
			first := w.holds(t, "butikk")
			w.clock.Advance(test.age)
			w.use(t, edit(t, w.hcl, test.old, test.changed))
			if test.reason == "" {
				w.mustApply(t)
				w.mustBeUntouched(t)
				w.mustBeEmpty(t)
				w.mustHave(t, exampleUsername)
				return
			}
			w.mustPlan(t, planOf{actions: "update", reason: test.reason, toDelete: []string{first}})
			w.mustApplySaved(t)
			if got := course(w.sandbox.Requests()); !slices.Equal(got, []string{"generate", "try invented credentials", "prove", "install", "read back", "delete"}) {
				t.Errorf("the servers saw %q", got)
			}
			w.mustBeEmpty(t)
			w.mustHave(t, exampleUsername)
			if w.holds(t, "butikk") == first {
				t.Error("the shop still has its old key")
			}
		})
	}
}

// TestConnection_AppliesSavedPlanLater applies saved plans after days. They still do what they announce.
func TestConnection_AppliesSavedPlanLater(t *testing.T) {
	t.Run("made before the key was due", func(t *testing.T) {
		t.Parallel()
		w := newConnected(t)
		first := w.holds(t, "butikk")
		w.clock.Advance(89 * oneDay)
		w.use(t, edit(t, w.hcl, "rotate_after_days = 90", "rotate_after_days = 90\n  unused_for = \"48h\""))
		w.mustPlan(t, planOf{actions: "update", reason: noKey})
		w.clock.Advance(2 * oneDay)
		w.mustApplySaved(t)
		w.mustBeUntouched(t)
		w.mustPlan(t, planOf{
			actions: "update", reason: "the key is at least 90 days old: it was generated on 2026-11-02", toDelete: []string{first},
		})
		w.mustApplySaved(t)
		w.mustBeEmpty(t)
		w.mustHave(t, exampleUsername)
	})
	t.Run("made when it was due", func(t *testing.T) {
		t.Parallel()
		w := newConnected(t)
		first := w.holds(t, "butikk")
		w.clock.Advance(90 * oneDay)
		w.plan(t)
		// The shop has customers meanwhile, which is seen at the portal.
		w.sandbox.mustPlaceOrder("butikk")
		w.clock.Advance(oneDay)
		w.mustApplySaved(t)
		w.mustBeEmpty(t)
		w.mustHave(t, exampleUsername)
		if w.holds(t, "butikk") == first {
			t.Error("the shop still has its old key")
		}
	})
	t.Run("to adopt a shop", func(t *testing.T) {
		t.Parallel()
		w := newConnectionEnv(t, legacySeed("butikk"), sandbox.Options{})
		w.mustPlan(t, planOf{
			actions: "create", reason: "the shop uses " + legacyUsername + ", a key of api.klarna.com", toDelete: []string{legacyUsername},
		})
		w.sandbox.mustPlaceOrder("butikk")
		w.clock.Advance(30 * oneDay)
		w.mustApplySaved(t)
		w.mustBeEmpty(t)
		w.mustHave(t, exampleUsername)
	})
}

// TestConnection_RotatesWithoutRefresh rotates with -refresh=false. The replaced key is deleted all the same (I3).
func TestConnection_RotatesWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := newConnected(t)
	for _, incident := range []string{"2026-11", "2026-12"} {
		first := w.holds(t, "butikk")
		w.use(t, edit(t, connected(t), `incident = "none"`, `incident = "`+incident+`"`))
		w.mustPlan(t, planOf{actions: "update", reason: triggered, toDelete: []string{first}}, "-refresh=false")
		w.mustApplySaved(t)
		w.mustHave(t, exampleUsername)
	}
	w.mustBeEmpty(t)
}

// TestConnection_DecidesUnknownSettingsInApply has settings that are unknown in the plan. The apply rotates the key only if
// they turn out to have changed.
func TestConnection_DecidesUnknownSettingsInApply(t *testing.T) {
	const trigger = `incident = startswith(terraform_data.late.output, "a") ? "a" : "b"`
	uses := map[string]string{
		"trigger": trigger,
		// The key was generated by hand. Its description is not configured, and gives way to the default.
		"trigger of an imported shop": trigger,
		"description":                 `description = startswith(terraform_data.late.output, "a") ? "a" : "b"`,
		"store":                       `merchant_id = startswith(terraform_data.late.output, "a") ? "M00123456" : "M00999999"`,
	}
	for name, use := range uses {
		for _, input := range []string{"a2", "b"} {
			t.Run(name+" turns out "+input, func(t *testing.T) {
				t.Parallel()
				seed := exampleSeed()
				seed.Shops[0].MerchantID = ""
				w := newConnectionEnv(t, seed, sandbox.Options{})
				hcl, shop, keys := connected(t), "butikk", 2
				switch name {
				case "trigger of an imported shop":
					hcl, shop, keys = connectionImport(t, hcl, "nettbutikk"), "nettbutikk", 1
					fallthrough
				case "trigger":
					hcl = edit(t, hcl, `incident = "none"`, use)
				case "description":
					hcl = setting(t, use)
				case "store":
					hcl = edit(t, setting(t, "allow_store_change = true"), `merchant_id = "M00123456"`, use)
				}
				w.use(t, hcl+lateSetting("a1"))
				w.mustApply(t)
				w.mustBeEmpty(t)
				first := w.holds(t, shop)
				w.use(t, hcl+lateSetting(input))
				w.mustApply(t)
				w.mustBeEmpty(t)
				if changed := w.holds(t, shop) != first; changed != (input == "b") {
					t.Errorf("the key was changed: %t", changed)
				}
				w.sandbox.wantWorking(t, shop)
				if len(w.usernames()) != keys {
					t.Errorf("the stores have the keys %q, want %d", w.usernames(), keys)
				}
			})
		}
	}
}

// lateSetting returns a resource whose output is unknown in a plan that changes its input.
func lateSetting(input string) string {
	return "\nresource \"terraform_data\" \"late\" {\n  input = \"" + input + "\"\n}\n"
}

// TestConnection_ChangesSettingsWithoutRequests changes settings that concern Terraform alone.
func TestConnection_ChangesSettingsWithoutRequests(t *testing.T) {
	t.Parallel()
	w := newConnected(t)
	first := w.holds(t, "butikk")
	for _, line := range []string{
		`deletion_policy = "clear"`, `deletion_policy = "retain"`, `replaced_key_policy = "keep"`, `replaced_key_policy = "delete"`,
		"timeouts {\n    update = \"7m\"\n  }",
	} {
		w.use(t, edit(t, connected(t), "rotate_after_days = 90", "rotate_after_days = 90\n  "+line))
		if got := w.plan(t); got.actions != "update" || got.reason != noKey {
			t.Errorf("%s: the plan is %+v", line, got)
		}
		w.mustApplySaved(t)
		w.mustBeEmpty(t)
	}
	w.use(t, edit(t, connected(t), "rotate_after_days = 90", "rotate_after_days = 45"))
	w.mustApply(t)
	w.mustBeEmpty(t)
	w.mustBeUntouched(t)
	if w.holds(t, "butikk") != first {
		t.Error("the shop has another key")
	}
}

// TestConnection_CorrectsChangesByHand changes keys and credentials by hand. The plan names the change, the apply corrects it,
// and the next plan is empty.
func TestConnection_CorrectsChangesByHand(t *testing.T) {
	type keys struct{ own, hand string }
	tests := map[string]struct {
		// change returns the username of a key that it has made, if any.
		change func(*testing.T, *connectionEnv, sandbox.Shop) string
		reason func(keys) string
		// ownGone and handGone say which keys the plan deletes, and left that the hand-made one stays.
		ownGone, handGone, left bool
	}{
		"key deleted in the portal": {
			change: func(t *testing.T, w *connectionEnv, _ sandbox.Shop) string { w.loseKey(t); return "" },
			reason: func(k keys) string { return "the key " + k.own + " was deleted in Kustom Portal" },
		},
		"other key": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				return w.sandbox.byHand(s.Name, exampleStore).Username
			},
			reason:  func(k keys) string { return "the shop uses " + k.hand + unreadable },
			ownGone: true, handGone: true,
		},
		"other store's key": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				return w.sandbox.byHand(s.Name, otherStore).Username
			},
			reason:  func(k keys) string { return "the shop uses " + k.hand + ", a key of another store" },
			ownGone: true, left: true,
		},
		"same key with another secret": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				w.sandbox.mustInstall(s.Name, s.KustomID, "kco_live_api_wrong")
				return ""
			},
			reason:  func(keys) string { return "someone has changed the shop's credentials" },
			ownGone: true,
		},
		"cleared": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				w.sandbox.mustInstall(s.Name, "", "")
				return ""
			},
			reason:  func(keys) string { return noKey },
			ownGone: true,
		},
		"Klarna's key back": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				w.sandbox.mustInstall(s.Name, legacyUsername, w.sandbox.key(t, exampleStore, legacyUsername).Secret)
				return legacyUsername
			},
			reason:  func(k keys) string { return "the shop uses " + k.hand + ", a key of api.klarna.com" },
			ownGone: true, handGone: true,
		},
		"extension installed anew": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				w.sandbox.mustUninstall(s.Name)
				w.sandbox.mustInstallExtension(s.Name, s.Extensions[0])
				return ""
			},
			reason:  func(keys) string { return noKey },
			ownGone: true,
		},
		"key deleted, other in its place": {
			change: func(t *testing.T, w *connectionEnv, s sandbox.Shop) string {
				w.loseKey(t)
				return w.sandbox.byHand(s.Name, exampleStore).Username
			},
			reason:   func(k keys) string { return "the shop uses " + k.hand + unreadable },
			handGone: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := legacySeed() // Klarna's key is there, unused
			seed.Shops[0].MerchantID = ""
			w := newConnectionEnv(t, seed, sandbox.Options{})
			w.use(t, setting(t, "allow_store_change = true"))
			w.mustApply(t)
			w.clock.Advance(time.Hour)
			shop, _ := w.sandbox.Shop("butikk")
			k := keys{own: shop.KustomID}
			k.hand = test.change(t, w, shop)
			w.sandbox.ResetRequests()
			want, others := planOf{actions: "update", reason: test.reason(k)}, []string{exampleUsername}
			if test.ownGone {
				want.toDelete = append(want.toDelete, k.own)
			}
			if test.handGone {
				want.toDelete = append(want.toDelete, k.hand)
			}
			if test.left {
				want.kept, others = []string{k.hand}, append(others, k.hand)
			}
			slices.Sort(want.toDelete)
			if k.hand != legacyUsername {
				others = append(others, legacyUsername)
			}
			w.mustPlan(t, want)
			w.mustBeUntouched(t)
			w.mustApplySaved(t)
			w.mustBeEmpty(t)
			w.mustHave(t, others...)
			if held := w.holds(t, "butikk"); held == k.own || held == k.hand {
				t.Errorf("the shop still holds %s", held)
			}
		})
	}
}

// loseKey deletes butikk's key in the portal.
func (w *connectionEnv) loseKey(t *testing.T) {
	t.Helper()
	key := w.sandbox.key(t, exampleStore, w.holds(t, "butikk"))
	w.sandbox.mustDeleteKey(key.MerchantID, key.CredentialID)
}

// TestConnection_WarnsOfShopWithDeletedKey expects the plan to say that a shop takes no payments because somebody deleted its
// key, whether an object manages the shop already or not.
func TestConnection_WarnsOfShopWithDeletedKey(t *testing.T) {
	for _, managed := range []bool{true, false} {
		t.Run(fmt.Sprintf("managed %t", managed), func(t *testing.T) {
			t.Parallel()
			w := newConnectionEnv(t, exampleSeed(), sandbox.Options{})
			w.use(t, setting(t, ""))
			w.mustApply(t)
			key := w.holds(t, "butikk")
			w.loseKey(t)
			if !managed {
				if r := w.terraform(t, "state", "rm", connectionAddress); r.code != 0 {
					t.Fatal(r.output)
				}
			}
			const warning = "Shop takes no payments"
			says := "Kustom Portal no longer has the key of shop butikk (" + key + ")."
			if r := w.terraform(t, "plan", "-input=false", "-no-color"); !strings.Contains(r.output, warning) || !strings.Contains(unwrapped(r.output), says) {
				t.Errorf("it does not say %q:\n%s", says, r.output)
			}
			w.mustApply(t)
			if r := w.terraform(t, "plan", "-input=false", "-no-color"); strings.Contains(r.output, warning) {
				t.Errorf("it still says so:\n%s", r.output)
			}
		})
	}
}

// TestConnection_FailsWithoutTokens expects an error if a token is missing for all: a plan that reads nothing would look like
// one without changes.
func TestConnection_FailsWithoutTokens(t *testing.T) {
	t.Parallel()
	w := newConnectionEnv(t, exampleSeed(), sandbox.Options{})
	w.use(t, setting(t, ""))
	w.mustApply(t)
	env := w.vendors
	for name, says := range map[string]string{"MYSTORE_TOKENS": "The provider has no Mystore token for shop butikk.", "KUSTOM_PORTAL_TOKEN": "The provider's portal_token is not set."} {
		w.vendors = maps.Clone(env)
		w.vendors[name] = ""
		if r := w.terraform(t, "plan", "-input=false", "-no-color"); r.code == 0 || !strings.Contains(unwrapped(r.output), says) {
			t.Errorf("without %s, the exit code is %d:\n%s", name, r.code, r.output)
		}
	}
}

// TestConnection_RemovesShopWithoutExtension removes Klarna Checkout V3 from a connected shop. The plan warns, because it may
// have other shops, and the apply fails. No key is generated. The connection can still be removed.
func TestConnection_RemovesShopWithoutExtension(t *testing.T) {
	for _, test := range []struct {
		policy string
		// removed says that the configuration has no connection any more. Else, terraform destroy removes it.
		removed bool
	}{{"retain", true}, {"clear", true}, {"retain", false}, {"clear", false}} {
		t.Run(fmt.Sprintf("%s, removed from the configuration: %t", test.policy, test.removed), func(t *testing.T) {
			t.Parallel()
			w := newConnectionEnv(t, exampleSeed(), sandbox.Options{})
			w.use(t, setting(t, `deletion_policy = "`+test.policy+`"`))
			w.mustApply(t)
			key := w.holds(t, "butikk")
			w.sandbox.mustUninstall("butikk")
			w.sandbox.ResetRequests()
			const says = "Shop butikk has no Klarna Checkout V3. Only Klarna Checkout V3 can use Kustom."
			r := w.terraform(t, "plan", "-input=false", "-no-color")
			if r.code != 0 || !strings.Contains(unwrapped(r.output), says) {
				t.Errorf("the plan's exit code is %d:\n%s", r.code, r.output)
			}
			if r := w.apply(t); r.code == 0 || !strings.Contains(unwrapped(r.output), says) {
				t.Errorf("the apply's exit code is %d:\n%s", r.code, r.output)
			}
			w.mustBeUntouched(t)
			if test.removed {
				w.use(t, example(t, connectionExample+"terraform.tf"))
				w.mustApply(t)
			} else {
				w.mustDestroy(t)
			}
			if kept := slices.Contains(w.usernames(), key); kept != (test.policy == "retain") {
				t.Errorf("the key was kept: %t", kept)
			}
			w.sandbox.wantViolations(t)
		})
	}
}
