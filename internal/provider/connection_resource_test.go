package provider_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

const (
	connectionAddress = "kustom_mystore_connection.butikk"
	connectionExample = "resources/kustom_mystore_connection/"
	otherStore        = "M00999999"

	noKey      = "the shop has no key"
	unreadable = ", a key that this resource did not generate"
	triggered  = "rotate_when_changed has changed"
	unfinished = "an earlier run could not delete some keys"
)

// connected is the example of a shop that gets a key without a secret in the state.
func connected(t *testing.T) string {
	t.Helper()
	return example(t, connectionExample+"terraform.tf", connectionExample+"resource.tf")
}

// setting is the example with a further line.
func setting(t *testing.T, line string) string {
	t.Helper()
	return edit(t, connected(t), `shop        = "butikk"`, "shop = \"butikk\"\n  "+line)
}

// rotated is a configuration with another trigger.
func rotated(t *testing.T, hcl string) string {
	t.Helper()
	return edit(t, hcl, `incident = "none"`, `incident = "2026-11"`)
}

const legacyUsername = "M00123456-Kl4rN"

// usesLegacy is why the shop with that key gets another one. Its host alone tells that the key is Klarna's.
func usesLegacy() string {
	if byPages() {
		return "the shop uses " + legacyUsername + unreadable
	}
	return "the shop uses " + legacyUsername + ", a key of api.klarna.com"
}

// hasNoKey is why a shop with nothing in its credentials gets a key. On a page, an empty field tells nothing.
func hasNoKey() string {
	if testWay() == waysPages {
		return "the shop's page does not show which key it has; an empty field does not mean that it has none"
	}
	return noKey
}

// legacySeed is the store and the shops that the examples name, the shops given on one key of Klarna's.
func legacySeed(shops ...string) sandbox.Seed {
	seed := exampleSeed()
	made := time.Date(2021, time.April, 12, 8, 30, 0, 0, time.UTC)
	key := sandbox.Key{
		CredentialID: "5f0c7f0a-4f0e-4a38-9d5e-2a3f6c1b7e01", Username: legacyUsername,
		Secret: "kco_live_api_EXAMPLEklarnaQ7w2ZrT9xLmB4nVcKd8sHy", Host: legacyHost, CreatedAt: made, CreatedBy: "admin@butikk.example",
	}
	seed.Stores[0].Keys = append(seed.Stores[0].Keys, key)
	for i, shop := range seed.Shops {
		if slices.Contains(shops, shop.Name) {
			seed.Shops[i].KustomID, seed.Shops[i].KustomSecret, seed.Shops[i].UpdatedAt = key.Username, key.Secret, &made
		}
	}
	return seed
}

// outgoing is a key that a plan says goes out of use.
type outgoing struct{ merchantID, credentialID, username, host string }

// inUse is a key of the shop's own store. The pages have no other ID of it than its username, and no host.
func inUse(key sandbox.Key) outgoing {
	if byPages() {
		return outgoing{merchantID: key.MerchantID, credentialID: key.Username, username: key.Username}
	}
	return outgoing{key.MerchantID, key.CredentialID, key.Username, key.Host}
}

// elsewhere is a key of another store, of which only its username is known, and no host.
func elsewhere(key sandbox.Key) outgoing {
	return outgoing{merchantID: key.MerchantID, username: key.Username}
}

func outgoingSet(keys []outgoing) knownvalue.Check {
	list := make([]knownvalue.Check, 0, len(keys))
	for _, key := range keys {
		host := knownvalue.Check(knownvalue.Null())
		if key.host != "" {
			host = knownvalue.StringExact(key.host)
		}
		list = append(list, knownvalue.ObjectExact(map[string]knownvalue.Check{
			"merchant_id":   knownvalue.StringExact(key.merchantID),
			"credential_id": knownvalue.StringExact(key.credentialID),
			"username":      knownvalue.StringExact(key.username),
			"host":          host,
			"waits_for":     knownvalue.Null(),
		}))
	}
	return knownvalue.SetExact(list)
}

// announcement is what a plan says of a new key: why, and what becomes of the keys that it puts out
// of use. All of it is known while planning.
type announcement struct {
	reason         string
	toDelete, kept []outgoing
}

func (a announcement) checks(address string) []plancheck.PlanCheck {
	return []plancheck.PlanCheck{
		knownInPlan(address, "reason", a.reason),
		plancheck.ExpectKnownValue(address, tfjsonpath.New("keys_to_delete"), outgoingSet(a.toDelete)),
		plancheck.ExpectKnownValue(address, tfjsonpath.New("keys_kept"), outgoingSet(a.kept)),
		plancheck.ExpectUnknownValue(address, tfjsonpath.New("username")),
		plancheck.ExpectUnknownValue(address, tfjsonpath.New("credential_id")),
		plancheck.ExpectUnknownValue(address, tfjsonpath.New("created_at")),
		plancheck.ExpectKnownValue(address, tfjsonpath.New("host"), shownHost()),
	}
}

// course are the steps by which a shop got its key, in the order that the servers saw them in.
func course(requests []sandbox.Request) []string {
	var steps []string
	last := ""
	for _, r := range requests {
		step := ""
		switch {
		case r.API == sandbox.Portal && r.Method == http.MethodPost:
			step = "generate"
		case r.API == sandbox.Merchant && r.Caller == "":
			step = "try invented credentials"
		case r.API == sandbox.Merchant:
			step = "prove"
		case r.API == sandbox.Mystore && r.Method == http.MethodPatch:
			step = "install"
		case r.API == sandbox.Mystore && r.Template == credentialsCall && last == "install":
			step = "read back"
		case r.API == sandbox.Portal && r.Method == http.MethodDelete:
			step = "delete"
		default:
			continue
		}
		steps = append(steps, step)
		last = step
	}
	return steps
}

// wantConnected checks that the shop got a new key in the right order, that of the keys in before exactly those in gone were
// deleted, and that there was no violation.
func (v *vendors) wantConnected(t *testing.T, shop, merchantID string, before []sandbox.Key, gone []outgoing) {
	t.Helper()
	v.wantWorking(t, shop)
	want := []string{"generate", "try invented credentials", "prove", "install", "read back"}
	deleted := map[string]bool{}
	for _, key := range gone {
		want = append(want, "delete")
		deleted[key.username] = true
	}
	if got := course(v.Requests()); !slices.Equal(got, want) {
		t.Errorf("the servers saw %q, want %q", got, want)
	}
	now := append(v.Keys(exampleStore), v.Keys(otherStore)...)
	for _, key := range before {
		still := slices.ContainsFunc(now, func(k sandbox.Key) bool { return k.Username == key.Username })
		if still == deleted[key.Username] {
			t.Errorf("key %s is still there: %t", key.Username, still)
		}
	}
	if len(now) != len(before)-len(gone)+1 {
		t.Errorf("there are %d keys, there were %d", len(now), len(before))
	}
	held := v.shop(t, shop).KustomID
	if slices.ContainsFunc(before, func(k sandbox.Key) bool { return k.Username == held }) {
		t.Errorf("shop %s still has %s", shop, held)
	}
	v.key(t, merchantID, held)
}

// conditions are those in which a shop may be when it is taken over.
func conditions() map[string]condition {
	return map[string]condition{
		"no key": {want: func([]sandbox.Key) announcement { return announcement{reason: hasNoKey()} }},
		"Klarna's key": {
			seed: func() sandbox.Seed { return legacySeed("butikk") },
			want: func(keys []sandbox.Key) announcement {
				return announcement{reason: usesLegacy(), toDelete: []outgoing{inUse(keys[1])}}
			},
		},
		"key made by hand": {
			prepare: func(t *testing.T, v *vendors) sandbox.Key { return v.byHand("butikk", exampleStore) },
			want: func(keys []sandbox.Key) announcement {
				hand := keys[len(keys)-1]
				return announcement{reason: "the shop uses " + hand.Username + unreadable, toDelete: []outgoing{inUse(hand)}}
			},
		},
		"dead key": {
			prepare: func(t *testing.T, v *vendors) sandbox.Key {
				key := v.byHand("butikk", exampleStore)
				v.mustDeleteKey(key.MerchantID, key.CredentialID)
				return key
			},
			looks: 2, // for the plan, and for the apply
			want: func(keys []sandbox.Key) announcement {
				return announcement{reason: "the shop uses " + keys[len(keys)-1].Username + ", a key that the portal does not list; there is nothing to delete"}
			},
		},
		"key of another store": {
			prepare: func(t *testing.T, v *vendors) sandbox.Key { return v.byHand("butikk", otherStore) },
			line:    "allow_store_change = true",
			want: func(keys []sandbox.Key) announcement {
				other := keys[len(keys)-1]
				return announcement{
					reason: "the shop uses " + other.Username + ", a key of another store", kept: []outgoing{elsewhere(other)},
				}
			},
		},
	}
}

type condition struct {
	seed    func() sandbox.Seed
	prepare func(*testing.T, *vendors) sandbox.Key
	// line is what the configuration needs.
	line string
	// looks is how often, before the key is made, the shop's key is looked for again because the portal does not list it.
	looks int
	// want is the announcement, given the keys that there are, and after them the prepared one.
	want func([]sandbox.Key) announcement
}

// set returns vendors with shop butikk in that condition, the keys that there are, and what is to be
// announced.
func (c condition) set(t *testing.T) (*vendors, []sandbox.Key, announcement) {
	t.Helper()
	seed := exampleSeed()
	if c.seed != nil {
		seed = c.seed()
	}
	v := newVendors(t, seed, sandbox.Options{})
	named := []sandbox.Key{}
	if c.prepare != nil {
		named = append(named, c.prepare(t, v))
	}
	keys := append(v.Keys(exampleStore), v.Keys(otherStore)...)
	return v, keys, c.want(append(slices.Clone(keys), named...))
}

// TestConnection_AdoptsShop takes over a shop in every condition. The plan says exactly what becomes of which key, and
// the apply does that and no more.
func TestConnection_AdoptsShop(t *testing.T) {
	for name, condition := range conditions() {
		t.Run(name, func(t *testing.T) {
			v, before, want := condition.set(t)
			made := v.clock.Now().Add(time.Duration(condition.looks) * rotation.PropagationDelay).Format(time.RFC3339)
			runInProcess(t, v, []resource.TestStep{{
				Config:           setting(t, condition.line),
				ConfigPlanChecks: plans(append(want.checks(connectionAddress), planned{connectionAddress: "create"})...),
				ConfigStateChecks: inState(connectionAddress, values{
					"id": "butikk/" + exampleStore, "description": shownDescription(), "created_at": made, "reason": want.reason,
					"keys_to_delete": outgoingSet(want.toDelete), "keys_kept": outgoingSet(want.kept),
				}),
				PostApplyFunc: func() { v.wantConnected(t, "butikk", exampleStore, before, want.toDelete) },
			}})
			// The default is to leave the shop and its key as they are.
			v.wantWorking(t, "butikk")
		})
	}
}

// TestConnection_KeepsReplacedKeyIfTold takes over the same shops and deletes nothing.
func TestConnection_KeepsReplacedKeyIfTold(t *testing.T) {
	for _, name := range []string{"Klarna's key", "key made by hand", "key of another store"} {
		t.Run(name, func(t *testing.T) {
			condition := conditions()[name]
			v, before, want := condition.set(t)
			want.toDelete, want.kept = nil, append(want.toDelete, want.kept...)
			runInProcess(t, v, []resource.TestStep{{
				Config:           setting(t, "replaced_key_policy = \"keep\"\n"+condition.line),
				ConfigPlanChecks: plans(append(want.checks(connectionAddress), planned{connectionAddress: "create"})...),
				PostApplyFunc:    func() { v.wantConnected(t, "butikk", exampleStore, before, nil) },
			}})
		})
	}
}

func connectedShops(shops ...string) config.Variables {
	merchantIDs := map[string]config.Variable{}
	for _, shop := range shops {
		merchantIDs[shop] = config.StringVariable(exampleStore)
	}
	return config.Variables{"shops": config.MapVariable(merchantIDs)}
}

// TestConnection_DeletesSharedKeyWithItsLastShop takes over shops that share a key of Klarna's, in one run or in two. The key
// is deleted after the last of them has another key.
func TestConnection_DeletesSharedKeyWithItsLastShop(t *testing.T) {
	hcl := example(t, "connections/terraform.tf", "connections/variables.tf", "connections/main.tf", "connections/outputs.tf")
	each := func(shop string) string { return `kustom_mystore_connection.shop["` + shop + `"]` }
	steps := map[string][][]string{
		"both at once":        {{"butikk", "nettbutikk"}},
		"one after the other": {{"butikk"}, {"butikk", "nettbutikk"}},
	}
	for name, runs := range steps {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t, legacySeed("butikk", "nettbutikk"), sandbox.Options{})
			shared := inUse(v.key(t, exampleStore, legacyUsername))
			want := announcement{reason: usesLegacy(), toDelete: []outgoing{shared}}
			var steps []resource.TestStep
			taken := 0
			for _, shops := range runs {
				changes, checks := planned{}, []plancheck.PlanCheck{}
				for _, shop := range shops[taken:] {
					changes[each(shop)] = "create"
					checks = append(checks, want.checks(each(shop))...)
				}
				taken = len(shops)
				last := taken == 2
				steps = append(steps, resource.TestStep{
					Config: hcl, ConfigVariables: connectedShops(shops...),
					ConfigPlanChecks: plans(append(checks, changes)...),
					PostApplyFunc: func() {
						v.wantWorking(t, "butikk", "nettbutikk")
						gone := !slices.ContainsFunc(v.Keys(exampleStore), func(k sandbox.Key) bool { return k.Username == legacyUsername })
						if gone != last {
							t.Errorf("with %v connected the shared key is gone: %t", shops, gone)
						}
					},
				})
			}
			runInProcess(t, v, steps)
			if len(v.Keys(exampleStore)) != 3 {
				t.Errorf("%d keys are left, want the unused one and one for each shop", len(v.Keys(exampleStore)))
			}
		})
	}
}

// TestValidate_RejectsShopInTwoObjects rejects a configuration with a shop in two resources: each would undo what the other
// does. A later run in the same process starts anew.
func TestValidate_RejectsShopInTwoObjects(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, testEnvOptions{inProcess: true})
	w.write(t, "terraform.tf", example(t, connectionExample+"terraform.tf"))
	connection := "resource \"kustom_mystore_connection\" \"one\" {\n  shop        = \"fjellsport\"\n  merchant_id = \"M00412871\"\n}\n"
	others := map[string]string{
		"kustom_mystore_connection": strings.Replace(connection, "one", "other", 1),
		"kustom_mystore_fleet":      "resource \"kustom_mystore_fleet\" \"other\" {\n  shops = { fjellsport = { merchant_id = \"M00412871\" } }\n}\n",
		"mystore_klarna_checkout_credentials": "resource \"mystore_klarna_checkout_credentials\" \"other\" {\n  provider      = kustom\n  shop          = \"fjellsport\"\n" +
			"  kustom_id     = \"M00412871-aB3dE\"\n  kustom_secret = \"kco_live_api_EXAMPLE\"\n}\n",
	}
	for kind, other := range others {
		w.write(t, "main.tf", connection+other)
		r := w.terraform(t, "plan", "-input=false", "-no-color")
		if r.code != 1 || !words("Error: Shop in two resources").MatchString(r.output) || !strings.Contains(r.output, "fjellsport") ||
			!words(kind).MatchString(r.output) {
			t.Errorf("%s: exit code %d:\n%s", kind, r.code, r.output)
		}
	}
	w.write(t, "main.tf", connection)
	w.mustApply(t)
	w.mustBeEmpty(t)
}

// TestConnection_RejectsKeyOfAnotherStore refuses to give a shop a key of another store: its payments would go to
// another merchant.
func TestConnection_RejectsKeyOfAnotherStore(t *testing.T) {
	v, _, _ := conditions()["key of another store"].set(t)
	runInProcess(t, v, []resource.TestStep{{
		Config: connected(t),
		ExpectError: words("Shop butikk takes payments for store M00999999 (Annen, https://annen.example), but would get a key of store " +
			"M00123456 (Butikk, https://butikk.example)."),
	}})
	v.wantOnlyReads(t)
}

// TestConnection_RejectsUnknownStore expects a merchant ID with a typing error to be called unknown, and not another
// merchant's, for a shop without an object and for a connected one.
func TestConnection_RejectsUnknownStore(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	mistyped := edit(t, connected(t), `"M00123456"`, `"M00123465"`)
	runInProcess(t, v, []resource.TestStep{
		{Config: mistyped, ExpectError: words("can't see such a store")},
		{Config: connected(t)},
		{Config: mistyped, ExpectError: words("The portal user can't see store M00123465.")},
	})
}

// TestConnection_MovesToAnotherStoreInPlace gives a shop a key of another store in place: the key that was made for
// it is deleted, although it is another store's now.
func TestConnection_MovesToAnotherStoreInPlace(t *testing.T) {
	seed := exampleSeed()
	seed.Shops[0].MerchantID = "" // a shop that has changed hands may use either store
	v := newVendors(t, seed, sandbox.Options{})
	moved := edit(t, setting(t, "allow_store_change = true"), exampleStore, otherStore)
	var first sandbox.Key
	runInProcess(t, v, []resource.TestStep{
		{Config: setting(t, "allow_store_change = true"), PostApplyFunc: func() { first = v.key(t, exampleStore, v.shop(t, "butikk").KustomID) }},
		{
			PreConfig: v.ResetRequests,
			Config:    moved,
			ConfigPlanChecks: plans(
				planned{connectionAddress: "update"},
				knownInPlan(connectionAddress, "id", "butikk/"+otherStore),
				knownInPlan(connectionAddress, "reason", "merchant_id has changed"),
				plancheck.ExpectKnownValue(connectionAddress, tfjsonpath.New("keys_to_delete"), knownvalue.SetExact([]knownvalue.Check{
					knownvalue.ObjectPartial(map[string]knownvalue.Check{"merchant_id": knownvalue.StringExact(exampleStore)}),
				})),
			),
			PostApplyFunc: func() {
				v.wantWorking(t, "butikk")
				v.key(t, otherStore, v.shop(t, "butikk").KustomID)
				v.wantAnswer(t, sandbox.Portal, http.MethodDelete, keyCall, http.StatusNoContent)
				if len(v.Keys(exampleStore)) != 1 || v.Keys(exampleStore)[0].Username == first.Username {
					t.Error("the first store still has the connection's key")
				}
			},
		},
	})
}

// TestConnection_IsReplacedForAnotherShop replaces the object: the old shop stays as its deletion_policy says, and
// the new one is taken over.
func TestConnection_IsReplacedForAnotherShop(t *testing.T) {
	v := newVendors(t, exampleSeed(), sandbox.Options{})
	runInProcess(t, v, []resource.TestStep{
		{Config: connected(t)},
		{
			Config: edit(t, connected(t), `shop        = "butikk"`, `shop = "nettbutikk"`),
			ConfigPlanChecks: plans(
				planned{connectionAddress: "delete, create"},
				knownInPlan(connectionAddress, "reason", "the shop uses "+exampleUsername+unreadable),
			),
			PostApplyFunc: func() {
				v.wantWorking(t, "butikk", "nettbutikk")
				if len(v.Keys(exampleStore)) != 2 {
					t.Errorf("there are %d keys, want one for each shop", len(v.Keys(exampleStore)))
				}
			},
		},
	})
}

// connectionImport returns a configuration for the given shop, with an import block.
func connectionImport(t *testing.T, hcl, shop string) string {
	t.Helper()
	return edit(t, strings.Replace(hcl, `shop        = "`, `shop = "`, 1), `shop = "butikk"`, `shop = "`+shop+`"`) + importBlock(connectionAddress, shop+"/"+exampleStore)
}

// TestConnection_ImportKeepsKey imports a shop that has a key of Kustom's. The shop keeps the key when its configuration
// gets its first triggers, in the same run or a later one. Only another value of a trigger rotates the key.
func TestConnection_ImportKeepsKey(t *testing.T) {
	plain := connected(t)
	for _, setting := range []string{"rotate_when_changed = {", "incident = \"none\"\n  }", "rotate_after_days = 90"} {
		plain = edit(t, plain, setting, "")
	}
	tests := map[string]struct {
		hcl  func(*testing.T) string
		want string
	}{
		"plain":         {func(*testing.T) string { return plain }, "import nettbutikk/" + exampleStore},
		"with triggers": {connected, "import nettbutikk/" + exampleStore + ", update"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			// The other shop's page shows no Kustom ID. It may have any, so it would keep the old key from being deleted.
			hcl := connectionImport(t, test.hcl(t), "nettbutikk") + ignoringOnPages("butikk")
			steps := []resource.TestStep{{
				Config: hcl,
				ConfigPlanChecks: plans(
					planned{connectionAddress: test.want},
					knownInPlan(connectionAddress, "username", exampleUsername),
					plancheck.ExpectKnownValue(connectionAddress, tfjsonpath.New("host"), shownHost()),
					knownInPlan(connectionAddress, "created_at", "2026-10-01T08:00:00Z"),
					plancheck.ExpectKnownValue(connectionAddress, tfjsonpath.New("reason"), knownvalue.Null()),
					plancheck.ExpectKnownValue(connectionAddress, tfjsonpath.New("keys_to_delete"), outgoingSet(nil)),
				),
				PostApplyFunc: func() { v.wantOnlyReads(t); v.wantWorking(t, "nettbutikk") },
			}}
			if test.want == "import nettbutikk/"+exampleStore {
				steps = append(steps, resource.TestStep{
					Config:        connectionImport(t, connected(t), "nettbutikk") + ignoringOnPages("butikk"),
					PostApplyFunc: func() { v.wantOnlyReads(t) },
				})
			} else {
				before := v.Keys(exampleStore)
				want := announcement{reason: triggered, toDelete: []outgoing{inUse(before[0])}}
				steps = append(steps, resource.TestStep{
					Config:           rotated(t, hcl),
					ConfigPlanChecks: plans(append(want.checks(connectionAddress), planned{connectionAddress: "update"})...),
					PostApplyFunc:    func() { v.wantConnected(t, "nettbutikk", exampleStore, before, want.toDelete) },
				})
			}
			runInProcess(t, v, steps)
		})
	}
}

// ignoringOnPages returns the configuration of a provider that need not ask a shop before it deletes a key, where shops
// are reached by their pages.
func ignoringOnPages(shop string) string {
	if testWay() != waysPages {
		return ""
	}
	return fmt.Sprintf("\nprovider \"kustom\" {\n  ignored_shops = [%q]\n}\n", shop)
}

// TestConnection_ImportReplacesUnusableKey imports a shop that can't keep what it has: the same run gives it a key.
func TestConnection_ImportReplacesUnusableKey(t *testing.T) {
	for name, condition := range conditions() {
		if name == "key made by hand" {
			continue // such a shop keeps its key
		}
		t.Run(name, func(t *testing.T) {
			v, before, want := condition.set(t)
			if testWay() == waysPages && name == "no key" {
				v.wantNoImport(t, connectionImport(t, setting(t, condition.line), "butikk"))
				return
			}
			runInProcess(t, v, []resource.TestStep{{
				Config: connectionImport(t, setting(t, condition.line), "butikk"),
				ConfigPlanChecks: plans(append(want.checks(connectionAddress),
					planned{connectionAddress: "import butikk/" + exampleStore + ", update"})...),
				PostApplyFunc: func() { v.wantConnected(t, "butikk", exampleStore, before, want.toDelete) },
			}})
		})
	}
}

// TestConnection_ImportCommandReplacesUnusableKey imports the same shops with the command, which plans nothing. The next plan
// gives the same reason as that of a new connection.
func TestConnection_ImportCommandReplacesUnusableKey(t *testing.T) {
	apiOnly(t, "TestConnection_ImportReplacesUnusableKey shows what differs by pages")
	for name, condition := range conditions() {
		if name == "key made by hand" {
			continue // such a shop keeps its key
		}
		t.Run(name, func(t *testing.T) {
			v, before, want := condition.set(t)
			hcl := setting(t, condition.line)
			runInProcess(t, v, []resource.TestStep{
				{Config: hcl, ResourceName: connectionAddress, ImportState: true, ImportStateId: "butikk/" + exampleStore, ImportStatePersist: true},
				{
					Config:           hcl,
					ConfigPlanChecks: plans(append(want.checks(connectionAddress), planned{connectionAddress: "update"})...),
					PostApplyFunc:    func() { v.wantConnected(t, "butikk", exampleStore, before, want.toDelete) },
				},
			})
		})
	}
}

// TestConnection_RejectsImportOfOtherStore imports a shop with the ID of a store that it does not use. A needless key would
// replace the shop's own.
func TestConnection_RejectsImportOfOtherStore(t *testing.T) {
	apiOnly(t, "a page that shows no Kustom ID shows no store either")
	config := edit(t, setting(t, ""), `shop = "butikk"`, `shop = "nettbutikk"`)
	id := "nettbutikk/" + otherStore
	says := words("The import says that shop nettbutikk belongs to store " + otherStore + ", but the shop uses a key of store " + exampleStore)
	for name, steps := range map[string][]resource.TestStep{
		"block": {{Config: config + importBlock(connectionAddress, id), ExpectError: says}},
		"command": {
			{Config: config, ResourceName: connectionAddress, ImportState: true, ImportStateId: id, ImportStatePersist: true},
			{Config: config, ExpectError: says},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendors(t, exampleSeed(), sandbox.Options{})
			runInProcess(t, v, steps)
			v.wantOnlyReads(t)
		})
	}
}

// wantNoImport expects an error for the import of a shop whose page shows no Kustom ID: its key is unknown.
func (v *vendors) wantNoImport(t *testing.T, hcl string) {
	t.Helper()
	runInProcess(t, v, []resource.TestStep{{Config: hcl, ExpectError: words("The page of shop butikk does not show its Kustom ID.")}})
	v.wantOnlyReads(t)
}

// TestConnection_RejectsBadInput expects one error for each mistake, and no change at the vendors.
func TestConnection_RejectsBadInput(t *testing.T) {
	const malformed = `It has the form <shop>/<merchant_id>, such as my-shop/M00123456.`
	withImport := func(id string) func(*testing.T) string {
		return func(t *testing.T) string { return connected(t) + importBlock(connectionAddress, id) }
	}
	without := func(t *testing.T, s *sandbox.Sandbox) {
		apiOnly(t, "a page without the extension differs from the expected page")
		observed{s, t}.mustUninstall("butikk")
	}
	otherTokens := map[string]string{"MYSTORE_TOKENS": `{"nettbutikk":"example-token-nettbutikk"}`}
	rejectAll(t, []badInput{
		{name: "import ID without a store", hcl: withImport("butikk"), planned: true,
			summary: "Malformed import ID", says: []string{`"butikk" is not the import ID of a connection.`}},
		{name: "import ID the wrong way round", hcl: withImport("M00123456/butikk"), planned: true,
			summary: "Malformed import ID", says: []string{malformed}},
		{name: "import ID with more", hcl: withImport("butikk/M00123456/7a3c0c1e"), planned: true,
			summary: "Malformed import ID", says: []string{malformed}},
		{name: "import without the shop's token", hcl: withImport("butikk/M00123456"), env: otherTokens, planned: true,
			summary: "Connection not read", says: []string{"The provider has no Mystore token for shop butikk."}},
		{name: "import without Klarna Checkout V3", hcl: withImport("butikk/M00123456"), prepare: without, planned: true,
			summary: "Connection not read", says: []string{"Shop butikk has no Klarna Checkout V3."}},
		// While planning it is a warning: one shop must not keep the others from being planned.
		{name: "no token for the shop", hcl: connected, env: otherTokens,
			summary: "Shop not connected: butikk", at: `shop`,
			says: []string{"The provider has no Mystore token for shop butikk."}},
		{name: "no Klarna Checkout V3", hcl: connected, prepare: without, planned: true,
			summary: "Shop can't be connected", at: `shop`, says: []string{"Shop butikk has no Klarna Checkout V3."}},
		{name: "user can't see Integrations", hcl: connected, env: portalTokenIs("example-token-staff"), planned: true,
			summary: "Shop can't be connected", says: []string{"can't see Integrations."}},
		{name: "user can't see the store", hcl: connected, env: portalTokenIs("example-token-stranger"), planned: true,
			summary: "Shop can't be connected", at: "merchant_id", says: []string{"can't see such a store."}},
		{name: "key limit reached", hcl: connected, limit: 1,
			summary: "Shop not connected: butikk", says: []string{"Store M00123456 has the maximum number of API keys."}},
		{name: "playground's store in production", hcl: with(connected, exampleStore, "PM00123456"), planned: true,
			summary: "The store belongs to the playground environment", at: "merchant_id"},
	})
}
