package rotation_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

func TestDecide_PlansNewShop(t *testing.T) {
	t.Parallel()
	old, klarnas, unhosted, generated := m1("M1-old"), key("1", "M1_0a1b", klarna, 2020, time.March), key("1", "M1_0a1b", "", 2020, time.March), m1("M1-generated")
	const (
		unlisted = ", a key that the portal does not list; there is nothing to delete"
		uuid     = "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"
		unread   = ", a key that this resource did not generate"
	)
	anyStore := rotation.Rules{AllowStoreChange: true}
	for name, test := range map[string]struct {
		holds         string
		held          *kustom.Key
		others        []kustom.Key
		replaced      []rotation.KeyRef
		rules         rotation.Rules
		reason        string
		deleted, kept []string
	}{
		"no key": {reason: "the shop has no key"},
		"a secret as ID": {holds: rotation.SecretAsID, reason: "the shop has a secret in the field of its " +
			"Kustom ID"},
		"a key of the store":         {holds: "M1-old", held: &old, deleted: []string{"M1-old"}, reason: "the shop uses M1-old" + unread},
		"Klarna's, by its host":      {holds: "M1_0a1b", held: &klarnas, deleted: []string{"M1_0a1b"}, reason: "the shop uses M1_0a1b, a key of api.klarna.com"},
		"Klarna's, by its form":      {holds: "M1_0a1b", held: &unhosted, deleted: []string{"M1_0a1b"}, reason: "the shop uses M1_0a1b, a Klarna key"},
		"not listed":                 {holds: "M1-a", reason: "the shop uses M1-a" + unlisted},
		"not listed, a UUID":         {holds: uuid, reason: "the shop uses " + uuid + unlisted},
		"another store, allowed":     {holds: "M2-x", rules: anyStore, kept: []string{"M2-x"}, reason: "the shop uses M2-x, a key of another store"},
		"a store with a longer name": {holds: "M12-a", rules: anyStore, kept: []string{"M12-a"}, reason: "the shop uses M12-a, a key of another store"},
		"kept":                       {holds: "M1-old", held: &old, rules: rotation.Rules{ReplacedKeys: rotation.KeepKeys}, kept: []string{"M1-old"}, reason: "the shop uses M1-old" + unread},
		"when unused": {
			holds: "M1-old", held: &old, rules: rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: time.Hour},
			deleted: []string{"M1-old*"}, reason: "the shop uses M1-old" + unread,
		},
		"another key of the store": {
			holds: "M1-generated", held: &generated, others: []kustom.Key{old}, deleted: []string{"M1-generated"}, reason: "the shop uses M1-generated" + unread,
		},
		"a key of a killed run": {
			holds: "M1-generated", held: &generated, others: []kustom.Key{old, m1("M1-erp")}, replaced: []rotation.KeyRef{ref(old)},
			deleted: []string{"M1-generated", "M1-old"}, reason: "the shop uses M1-generated" + unread,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := config()
			c.Rules = test.rules
			plan, err := rotation.Decide(c, nil, &rotation.Observation{
				MerchantID: "M1", Credentials: mystore.Credentials{KustomID: test.holds, Secret: mystore.SecretSet},
				Held: test.held, OtherKeys: test.others, Replaced: test.replaced,
			})
			if err != nil || !plan.Generate || !plan.Changes || plan.Undecided || *plan.Description != rotation.DefaultDescription {
				t.Fatalf("the plan is %+v, error %v", plan, err)
			}
			if !slices.Equal(usernamesOf(plan.Delete), test.deleted) || !slices.Equal(usernamesOf(plan.Keep), test.kept) {
				t.Errorf("it deletes %v and keeps %v, want %q and %q", plan.Delete, plan.Keep, test.deleted, test.kept)
			}
			if plan.Reason != test.reason {
				t.Errorf("the reason is %q, want %q", plan.Reason, test.reason)
			}
		})
	}
}

func TestDecide_RefusesUnsuitableShop(t *testing.T) {
	t.Parallel()
	missing := &mystore.NotInstalledError{Shop: "a"}
	for name, test := range map[string]struct {
		seen    rotation.Observation
		present string
		err     error
	}{
		"another store":            {seen: rotation.Observation{Credentials: mystore.Credentials{KustomID: "K2_0a1b", Secret: mystore.SecretSet}}, present: "K2"},
		"another store, cleared":   {seen: rotation.Observation{ClearedUsername: "M2-x"}, present: "M2"},
		"the extension is missing": {seen: rotation.Observation{Missing: missing}, err: missing},
	} {
		test.seen.MerchantID = "M1"
		c := config()
		_, err := rotation.Decide(c, nil, &test.seen)
		var wrong *rotation.WrongStoreError
		if errors.As(err, &wrong) != (test.present != "") || wrong != nil && *wrong != (rotation.WrongStoreError{Shop: "a", Present: test.present, Wanted: "M1"}) {
			t.Errorf("%s: the error is %v", name, err)
		}
		c.AllowStoreChange = true
		if _, err := rotation.Decide(c, nil, &test.seen); !errors.Is(err, test.err) {
			t.Errorf("%s, with a change of the store allowed: the error is %v", name, err)
		}
	}
}

func TestDecide_LeavesUnreadableShopToApply(t *testing.T) {
	t.Parallel()
	if plan, err := rotation.Decide(config(), nil, nil); err != nil || !plan.Undecided || !plan.Generate {
		t.Errorf("the plan is %+v, error %v", plan, err)
	}
}

func TestDecide_PlansManagedShop(t *testing.T) {
	t.Parallel()
	text, other := "terraform", "other"
	soon := noon.Add(72 * time.Hour)
	own, retired := m1("M1-own"), rotation.RetiredKey{KeyRef: ref(m1("M1-retired")), CreatedAt: noon.AddDate(0, -1, 0)}
	used := noon.Add(-time.Minute)
	inUse := retired
	inUse.LastUsedAt = &used
	unused := rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: 24 * time.Hour}
	tests := map[string]struct {
		config func(*rotation.Config)
		record func(*rotation.Record)
		// generates, changes and undecided describe the plan, and reason is a part of its reason.
		generates, changes, undecided bool
		reason                        string
		delete, keep                  []string
	}{
		"nothing":                               {},
		"nil and empty triggers":                {config: func(c *rotation.Config) { c.Triggers = map[string]string{} }},
		"empty and nil triggers":                {record: func(r *rotation.Record) { r.Triggers = map[string]string{} }},
		"no description configured":             {record: func(r *rotation.Record) { r.Description = &other }},
		"triggers changed":                      {config: func(c *rotation.Config) { c.Triggers = map[string]string{"q": "1"} }, generates: true, changes: true, reason: "rotate_when_changed", delete: []string{"M1-own"}},
		"first triggers of an import":           {config: func(c *rotation.Config) { c.Triggers = map[string]string{"q": "1"} }, record: func(r *rotation.Record) { r.Memory.Imported = true }},
		"description changed":                   {config: func(c *rotation.Config) { c.Description = &other }, generates: true, changes: true, reason: "description", delete: []string{"M1-own"}},
		"same description":                      {config: func(c *rotation.Config) { c.Description = &text }, record: func(r *rotation.Record) { r.Description = &text }},
		"due":                                   {record: func(r *rotation.Record) { r.Memory.DueReason = "because" }, generates: true, changes: true, reason: "because", delete: []string{"M1-own"}},
		"too old":                               {config: func(c *rotation.Config) { c.RotateAfterDays = 30 }, generates: true, changes: true, reason: "30 days", delete: []string{"M1-own"}},
		"not too old":                           {config: func(c *rotation.Config) { c.RotateAfterDays = 90 }},
		"age does not matter":                   {config: func(c *rotation.Config) { c.RotateAfterDays = 0 }},
		"expires":                               {config: func(c *rotation.Config) { c.RotateBeforeExpiry = 96 * time.Hour }, record: func(r *rotation.Record) { r.ExpiresAt = &soon }, generates: true, changes: true, reason: "expires", delete: []string{"M1-own"}},
		"expires later":                         {config: func(c *rotation.Config) { c.RotateBeforeExpiry = 24 * time.Hour }, record: func(r *rotation.Record) { r.ExpiresAt = &soon }},
		"undecided":                             {config: func(c *rotation.Config) { c.HasUnknown = true }, undecided: true},
		"undecided, and due":                    {config: func(c *rotation.Config) { c.HasUnknown = true }, record: func(r *rotation.Record) { r.Memory.DueReason = "because" }, generates: true, changes: true, delete: []string{"M1-own"}},
		"left over":                             {record: func(r *rotation.Record) { r.Memory.Undeleted = []kustom.Orphan{orphan("M1-left")} }, changes: true, reason: "earlier run", delete: []string{"M1-left"}},
		"left over, and due":                    {record: leaving("M1-left"), generates: true, changes: true, delete: []string{"M1-left", "M1-own"}},
		"left over, the shop's, and due":        {record: leaving("M1-own"), generates: true, changes: true, delete: []string{"M1-own"}},
		"left over, the shop's, policy is keep": {config: func(c *rotation.Config) { c.ReplacedKeys = rotation.KeepKeys }, record: leaving("M1-own"), generates: true, changes: true, delete: []string{"M1-own"}},
		"left over, policy is keep":             {config: func(c *rotation.Config) { c.ReplacedKeys = rotation.KeepKeys }, record: leaving("M1-left"), generates: true, changes: true, delete: []string{"M1-left"}, keep: []string{"M1-own"}},
		"left over, without its username": {record: func(r *rotation.Record) {
			r.Memory.DueReason, r.Memory.Undeleted = "because", []kustom.Orphan{{MerchantID: "M1", CredentialID: own.CredentialID}}
		}, generates: true, changes: true, delete: []string{""}},
		"another store's key, and due": {record: func(r *rotation.Record) {
			r.Memory.DueReason, r.Memory.OtherStoreKeys = "because", []rotation.KeyRef{{MerchantID: "M2", Username: "M2-x"}}
		}, generates: true, changes: true, delete: []string{"M1-own"}, keep: []string{"M2-x"}},
		"the same key twice, and due": {record: func(r *rotation.Record) {
			r.Memory.DueReason, r.Memory.Replaceable = "because", []rotation.KeyRef{ref(own), ref(own)}
		}, generates: true, changes: true, delete: []string{"M1-own"}},
		"kept, policy is keep":            {config: func(c *rotation.Config) { c.ReplacedKeys = rotation.KeepKeys }, record: keeping(retired)},
		"kept, policy is delete now":      {record: keeping(retired), changes: true, reason: "replaced_key_policy", delete: []string{"M1-retired"}},
		"kept, policy is when unused now": {config: func(c *rotation.Config) { c.Rules = unused }, record: keeping(inUse), changes: true, reason: "replaced_key_policy", delete: []string{"M1-retired*"}},
		"waits, used":                     {config: func(c *rotation.Config) { c.Rules = unused }, record: retiring(inUse)},
		"waits, never used since":         {config: func(c *rotation.Config) { c.Rules = unused }, record: retiring(retired), changes: true, reason: "not used for 24h", delete: []string{"M1-retired"}},
		"waits, policy is keep now":       {config: func(c *rotation.Config) { c.ReplacedKeys = rotation.KeepKeys }, record: retiring(inUse), changes: true, reason: "replaced_key_policy", keep: []string{"M1-retired"}},
		"waits, and rotates":              {config: func(c *rotation.Config) { c.Rules, c.Triggers = unused, map[string]string{"q": "1"} }, record: retiring(inUse), generates: true, changes: true, delete: []string{"M1-own*", "M1-retired*"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := config()
			record := rotation.Record{
				MerchantID: "M1", CredentialID: own.CredentialID, Username: own.Username, CreatedAt: noon.AddDate(0, 0, -31),
				Memory: rotation.Memory{ObservedAt: noon, Store: "M1", Replaceable: []rotation.KeyRef{ref(own)}},
			}
			if test.config != nil {
				test.config(&c)
			}
			if test.record != nil {
				test.record(&record)
			}
			plan, err := rotation.Decide(c, &record, nil)
			if err != nil || plan.Generate != test.generates || plan.Changes != test.changes || plan.Undecided != test.undecided {
				t.Errorf("the plan is %+v, error %v", plan, err)
			}
			if !strings.Contains(plan.Reason, test.reason) {
				t.Errorf("the reason is %q", plan.Reason)
			}
			if test.changes && (!reflect.DeepEqual(usernamesOf(plan.Delete), test.delete) || !reflect.DeepEqual(usernamesOf(plan.Keep), test.keep)) {
				t.Errorf("it deletes %q and keeps %q, want %q and %q", usernamesOf(plan.Delete), usernamesOf(plan.Keep), test.delete, test.keep)
			}
		})
	}
}

// leaving returns a change of a record: its key is due, and an earlier run could not delete another.
func leaving(username string) func(*rotation.Record) {
	return func(r *rotation.Record) {
		r.Memory.DueReason, r.Memory.Undeleted = "because", []kustom.Orphan{orphan(username)}
	}
}

// keeping returns a change of a record: the policy was to keep this key.
func keeping(key rotation.RetiredKey) func(*rotation.Record) {
	return func(r *rotation.Record) {
		r.KeysKept, r.Memory.Retired = []rotation.KeyRef{key.KeyRef}, []rotation.RetiredKey{key}
	}
}

// retiring returns a change of a record: this key waits until it is idle.
func retiring(key rotation.RetiredKey) func(*rotation.Record) {
	return func(r *rotation.Record) {
		waiting := key.KeyRef
		waiting.WaitsFor = "no use of the key for 24h"
		r.KeysToDelete, r.Memory.Retired = []rotation.KeyRef{waiting}, []rotation.RetiredKey{key}
	}
}

// Two swapped rows must not send a shop's payments to another merchant.
func TestDecide_RefusesAnotherStore(t *testing.T) {
	t.Parallel()
	record := rotation.Record{MerchantID: "M2", Username: "M2-x", CredentialID: "x", Memory: rotation.Memory{ObservedAt: noon, Store: "M2"}}
	_, err := rotation.Decide(config(), &record, nil)
	var wrong *rotation.WrongStoreError
	if !errors.As(err, &wrong) || wrong.Present != "M2" || wrong.Wanted != "M1" {
		t.Errorf("the error is %v", err)
	}
	c := config()
	c.AllowStoreChange = true
	if plan, err := rotation.Decide(c, &record, nil); err != nil || !plan.Generate || plan.Reason != "merchant_id has changed" {
		t.Errorf("the plan is %+v, error %v", plan, err)
	}
	// Someone has installed a key of another store by hand.
	record.MerchantID, record.Memory.DueReason = "M1", "the shop uses M2-x, a key of another store"
	if _, err := rotation.Decide(config(), &record, nil); !errors.As(err, &wrong) {
		t.Errorf("the error is %v", err)
	}
}

// The username of the shop does not have its store. The list of another store has the key, or an earlier run saw it.
func TestDecide_RefusesStoreOfListedOrCachedKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		holds string
		hides bool
	}{
		"listed by another store":     {holds: "d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"},
		"hidden now, and seen before": {holds: "M2-old", hides: true},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"a": test.holds}, key("2", test.holds, host, 2026, 0), m1("M1-x"))
			env.newCache()
			if test.hides {
				if _, err := env.engine.Shops.Credentials(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
				env.newRun()
				env.hideKey("a")
			}
			seen, err := env.engine.Observe(t.Context(), "a", "M1", "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = rotation.Decide(config(), nil, &seen)
			if wrong := (*rotation.WrongStoreError)(nil); !errors.As(err, &wrong) || wrong.Present != "M2" {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestDecide_IsPure(t *testing.T) {
	t.Parallel()
	record := rotation.Record{MerchantID: "M1", Memory: rotation.Memory{
		DueReason: "because", ObservedAt: noon, Store: "M1", Replaceable: []rotation.KeyRef{ref(m1("M1-own"))},
		OtherStoreKeys: make([]rotation.KeyRef, 0, 8), Undeleted: []kustom.Orphan{orphan("M1-left")},
	}}
	before := record
	first, err := rotation.Decide(config(), &record, nil)
	second, again := rotation.Decide(config(), &record, nil)
	if err != nil || again != nil || !reflect.DeepEqual(first, second) || !reflect.DeepEqual(record, before) {
		t.Errorf("first %+v, then %+v; the record is %+v", first, second, record)
	}
}

func TestCheckStores_RefusesAnotherStore(t *testing.T) {
	t.Parallel()
	const listed = "e1a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"
	env := newTestEnv(t, nil, key("1", listed, klarna, 2020, 0))
	for _, test := range []struct {
		present, wanted string
		refused         bool
	}{
		{"M1-a", "M1-b", false}, {"M1-a", "M2-b", true}, {"K1_0a", "M2-b", true}, {"", "M2-b", false},
		{"d0a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55", "M2-b", false}, {"M1-a", "unknown", false},
		{"M1-a ", "M2-b", true}, {"m1-a\u200b", "M2-b", true}, {"m1-a", "M1-b", false},
		{listed, "M1-b", false}, {listed, "M2-b", true}, {"M2-b", listed, true},
	} {
		var wrong *rotation.WrongStoreError
		if err := env.engine.CheckStores(t.Context(), "a", test.present, test.wanted); errors.As(err, &wrong) != test.refused {
			t.Errorf("from %q to %q: %v", test.present, test.wanted, err)
		}
	}
}

func TestAgeReason_CountsWholeDays(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, test := range []struct {
		days int64
		age  time.Duration
		due  bool
	}{
		{0, 10000 * day, false}, {-1, 10000 * day, false}, {90, 0, false}, {90, 90*day - time.Nanosecond, false}, {90, 90 * day, true},
		{90, 1000 * day, true}, {1, -day, false}, {36500, 31 * day, false}, {106751991167300, 31 * day, false},
	} {
		want := ""
		if test.due {
			want = fmt.Sprintf("the key is at least %d days old: it was generated on 2026-03-10", test.days)
		}
		if got := rotation.AgeReason(noon, test.days, noon.Add(test.age)); got != want {
			t.Errorf("%+v: the reason is %q", test, got)
		}
	}
}

// The successor of a key with a short life must not be due at once.
func TestExpiryReason_OfShortLifeIsHalfLife(t *testing.T) {
	t.Parallel()
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for _, test := range []struct {
		life, before, age time.Duration
		due               bool
	}{
		{life: year, before: 14 * day, age: 350 * day},
		{life: year, before: 14 * day, age: 351 * day, due: true},
		{life: year, before: year, age: 0},
		{life: year, before: year, age: year / 2, due: true},
		{life: year, before: math.MaxInt64, age: time.Hour},
		{life: year, before: math.MaxInt64, age: 2 * year, due: true},
		{life: year, before: 0, age: 2 * year},
		{life: year, before: -day, age: 2 * year},
		{life: -time.Hour, before: day, age: 0, due: true},
	} {
		expires := noon.Add(test.life)
		if got := rotation.ExpiryReason(noon, &expires, test.before, noon.Add(test.age)) != ""; got != test.due {
			t.Errorf("%+v: due %t", test, got)
		}
	}
	if expires := noon.Add(day); rotation.ExpiryReason(time.Time{}, &expires, 2*day, noon) == "" {
		t.Error("a key of unknown age does not expire")
	}
}

func TestFormatDuration_OmitsZeroUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 30 * time.Second: "30s", 10 * time.Minute: "10m",
		time.Hour + 20*time.Second: "1h0m20s", 0: "0s",
	} {
		if got := rotation.FormatDuration(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func TestLeftovers_KeepsDetailsOfRequests(t *testing.T) {
	t.Parallel()
	unnamed := kustom.Orphan{MerchantID: "M1", Description: "terraform", Before: "|id-M1-old|2026-01-01T00:00:00Z"}
	asked := orphan("M1-new1")
	asked.IdempotencyKey, asked.Attempted = "request-1", noon
	memory := rotation.Memory{Undeleted: []kustom.Orphan{unnamed, asked}}
	recorded := orphan("M1-new1")
	recorded.Attempted = noon.Add(time.Hour)
	got := memory.Leftovers([]kustom.Orphan{recorded, orphan("M1-new2")})
	asked.Attempted = recorded.Attempted
	if want := []kustom.Orphan{unnamed, asked, orphan("M1-new2")}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !rotation.AnyUnidentified(got) || rotation.AnyUnidentified(got[1:]) {
		t.Error("AnyUnidentified is wrong")
	}
}

// The portal's pages have no descriptions, so a default one would never be read back.
func TestExecute_OmitsUnsupportedDescription(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.noDescriptions = true
	c := config()
	c.NoDescriptions = true
	var record rotation.Record
	if _, err := env.connect(c, &record); err != nil || record.Description != nil {
		t.Fatalf("the description is %v, error %v", record.Description, err)
	}
	env.wantKeys("M1-new1")
	env.newRun()
	if err := env.engine.Read(t.Context(), "a", &record); err != nil {
		t.Fatal(err)
	}
	if plan, err := rotation.Decide(c, &record, nil); err != nil || plan.Generate || plan.Changes || plan.Description != nil {
		t.Errorf("the plan is %+v, error %v", plan, err)
	}
}

func TestDecide_RefusesUnsupportedDescription(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil)
	env.portal.noDescriptions = true
	c, description := config(), "webshop"
	c.NoDescriptions, c.Description = true, &description
	if _, err := rotation.Decide(c, nil, nil); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("a new shop: %v", err)
	}
	if _, err := rotation.Decide(c, &rotation.Record{MerchantID: "M1"}, nil); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("a connected shop: %v", err)
	}
	if _, err := env.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: description}); !errors.Is(err, rotation.ErrNoDescriptions) {
		t.Errorf("generating: %v", err)
	}
	if env.portal.called(generateCall) != 0 {
		t.Error("a key was requested")
	}
}
