package rotation_test

import (
	"context"
	"errors"
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

// names are the usernames of keys; a star marks those that wait.
func names(keys []rotation.KeyRef) []string {
	var all []string
	for _, k := range keys {
		if k.WaitsFor != "" {
			k.Username += "*"
		}
		all = append(all, k.Username)
	}
	return all
}

func ref(k kustom.Key) rotation.KeyRef {
	return rotation.KeyRef{MerchantID: k.MerchantID, CredentialID: k.CredentialID, Username: k.Username, Host: k.Host}
}

func TestDecide_NewShop(t *testing.T) {
	t.Parallel()
	old, legacyKey := m1("M1-old"), key("1", "M1_0a1b", klarna, 2020, time.March)
	holds := func(username string) mystore.Credentials {
		return mystore.Credentials{KustomID: username, Secret: mystore.SecretSet}
	}
	described := m1("M1-made")
	description := rotation.DefaultDescription
	described.Description, described.CreatedAt = &description, noon
	tests := map[string]struct {
		seen         rotation.Observation
		rules        rotation.Rules
		delete, keep []string
		// reason is a part of the plan's.
		reason string
	}{
		"no key":                 {seen: rotation.Observation{}, reason: "has no key"},
		"a key of the store":     {seen: rotation.Observation{Holds: holds("M1-old"), Held: &old}, delete: []string{"M1-old"}, reason: "whose secret nobody can read"},
		"Klarna's, by its host":  {seen: rotation.Observation{Holds: holds("M1_0a1b"), Held: &legacyKey}, delete: []string{"M1_0a1b"}, reason: klarna},
		"Klarna's, not listed":   {seen: rotation.Observation{Holds: holds("M1_0a1b")}, reason: "nothing to delete"},
		"a secret as ID":         {seen: rotation.Observation{Holds: holds(rotation.SecretAsID)}, reason: "a secret in place of its Kustom ID"},
		"kept":                   {seen: rotation.Observation{Holds: holds("M1-old"), Held: &old}, rules: rotation.Rules{ReplacedKeys: rotation.KeepKeys}, keep: []string{"M1-old"}},
		"when unused":            {seen: rotation.Observation{Holds: holds("M1-old"), Held: &old}, rules: rotation.Rules{ReplacedKeys: rotation.DeleteUnusedKeys, UnusedFor: time.Hour}, delete: []string{"M1-old*"}},
		"others stay":            {seen: rotation.Observation{Holds: holds("M1-old"), Held: &old, Others: []kustom.Key{m1("M1-erp")}}, delete: []string{"M1-old"}},
		"of a killed run":        {seen: rotation.Observation{Holds: holds("M1-made"), Held: &described, Others: []kustom.Key{old}, Replaced: []rotation.KeyRef{ref(old)}}, delete: []string{"M1-made", "M1-old"}},
		"of who knows whom":      {seen: rotation.Observation{Holds: holds("M1-made"), Held: &described, Others: []kustom.Key{old}}, delete: []string{"M1-made"}},
		"another store, allowed": {seen: rotation.Observation{Holds: holds("M2-x")}, rules: rotation.Rules{AllowStoreChange: true}, keep: []string{"M2-x"}, reason: "a key of another store"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config()
			c.Rules, test.seen.MerchantID = test.rules, "M1"
			plan, err := rotation.Decide(c, nil, &test.seen)
			if err != nil || !plan.Generate || !plan.Changes || plan.Undecided {
				t.Fatalf("the plan is %+v, error %v", plan, err)
			}
			if !reflect.DeepEqual(names(plan.Delete), test.delete) || !reflect.DeepEqual(names(plan.Keep), test.keep) {
				t.Errorf("it deletes %q and keeps %q, want %q and %q", names(plan.Delete), names(plan.Keep), test.delete, test.keep)
			}
			if !strings.Contains(plan.Reason, test.reason) || *plan.Description != rotation.DefaultDescription {
				t.Errorf("the reason is %q, the description %q", plan.Reason, *plan.Description)
			}
		})
	}
}

func TestDecide_RefusesNewShop(t *testing.T) {
	t.Parallel()
	t.Run("another store, emptied by this walk", func(t *testing.T) {
		t.Parallel()
		seen := rotation.Observation{MerchantID: "M1", Emptied: "M2-x"}
		_, err := rotation.Decide(config(), nil, &seen)
		var wrong *rotation.WrongStoreError
		if !errors.As(err, &wrong) || wrong.Present != "M2" || wrong.Wanted != "M1" {
			t.Errorf("the error is %v", err)
		}
		allowed := config()
		allowed.AllowStoreChange = true
		if _, err := rotation.Decide(allowed, nil, &seen); err != nil {
			t.Errorf("allowed: %v", err)
		}
	})
	t.Run("another store", func(t *testing.T) {
		t.Parallel()
		seen := rotation.Observation{MerchantID: "M1", Holds: mystore.Credentials{KustomID: "K2_0a1b", Secret: mystore.SecretSet}}
		_, err := rotation.Decide(config(), nil, &seen)
		var wrong *rotation.WrongStoreError
		if !errors.As(err, &wrong) || *wrong != (rotation.WrongStoreError{Shop: "a", Present: "K2", Wanted: "M1"}) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("no extension", func(t *testing.T) {
		t.Parallel()
		missing := &mystore.NotInstalledError{Shop: "a"}
		if _, err := rotation.Decide(config(), nil, &rotation.Observation{MerchantID: "M1", Missing: missing}); !errors.Is(err, missing) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("not readable", func(t *testing.T) {
		t.Parallel()
		if plan, err := rotation.Decide(config(), nil, nil); err != nil || !plan.Undecided || !plan.Generate {
			t.Errorf("the plan is %+v, error %v", plan, err)
		}
	})
}

func TestDecide_ExistingShop(t *testing.T) {
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
		// generates and changes say what the plan does, reason a part of why.
		generates, changes, undecided bool
		reason                        string
		delete, keep                  []string
	}{
		"nothing":                     {},
		"nil and empty triggers":      {config: func(c *rotation.Config) { c.Triggers = map[string]string{} }},
		"empty and nil triggers":      {record: func(r *rotation.Record) { r.Triggers = map[string]string{} }},
		"no description configured":   {record: func(r *rotation.Record) { r.Description = &other }},
		"triggers changed":            {config: func(c *rotation.Config) { c.Triggers = map[string]string{"q": "1"} }, generates: true, changes: true, reason: "rotate_when_changed", delete: []string{"M1-own"}},
		"first triggers of an import": {config: func(c *rotation.Config) { c.Triggers = map[string]string{"q": "1"} }, record: func(r *rotation.Record) { r.Memory.Imported = true }},
		"description changed":         {config: func(c *rotation.Config) { c.Description = &other }, generates: true, changes: true, reason: "description", delete: []string{"M1-own"}},
		"same description":            {config: func(c *rotation.Config) { c.Description = &text }, record: func(r *rotation.Record) { r.Description = &text }},
		"due":                         {record: func(r *rotation.Record) { r.Memory.Due = "because" }, generates: true, changes: true, reason: "because", delete: []string{"M1-own"}},
		"too old":                     {config: func(c *rotation.Config) { c.RotateAfterDays = 30 }, generates: true, changes: true, reason: "30 days", delete: []string{"M1-own"}},
		"not too old":                 {config: func(c *rotation.Config) { c.RotateAfterDays = 90 }},
		"age does not matter":         {config: func(c *rotation.Config) { c.RotateAfterDays = 0 }},
		"expires":                     {config: func(c *rotation.Config) { c.RotateBeforeExpiry = 96 * time.Hour }, record: func(r *rotation.Record) { r.ExpiresAt = &soon }, generates: true, changes: true, reason: "expires", delete: []string{"M1-own"}},
		"expires later":               {config: func(c *rotation.Config) { c.RotateBeforeExpiry = 24 * time.Hour }, record: func(r *rotation.Record) { r.ExpiresAt = &soon }},
		"undecided":                   {config: func(c *rotation.Config) { c.Undecided = true }, undecided: true},
		"undecided, and due":          {config: func(c *rotation.Config) { c.Undecided = true }, record: func(r *rotation.Record) { r.Memory.Due = "because" }, generates: true, changes: true, delete: []string{"M1-own"}},
		"left over":                   {record: func(r *rotation.Record) { r.Memory.Unsettled = []kustom.Orphan{orphan("M1-left")} }, changes: true, reason: "earlier run", delete: []string{"M1-left"}},
		"left over, and due": {record: func(r *rotation.Record) {
			r.Memory.Due, r.Memory.Unsettled = "because", []kustom.Orphan{orphan("M1-left")}
		}, generates: true, changes: true, delete: []string{"M1-left", "M1-own"}},
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
			t.Parallel()
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
			if test.changes && (!reflect.DeepEqual(names(plan.Delete), test.delete) || !reflect.DeepEqual(names(plan.Keep), test.keep)) {
				t.Errorf("it deletes %q and keeps %q, want %q and %q", names(plan.Delete), names(plan.Keep), test.delete, test.keep)
			}
		})
	}
}

// keeping is a record whose policy was to keep a key.
func keeping(key rotation.RetiredKey) func(*rotation.Record) {
	return func(r *rotation.Record) {
		r.KeysKept, r.Memory.Retired = []rotation.KeyRef{key.KeyRef}, []rotation.RetiredKey{key}
	}
}

// retiring is a record of which a key waits to be unused.
func retiring(key rotation.RetiredKey) func(*rotation.Record) {
	return func(r *rotation.Record) {
		waiting := key.KeyRef
		waiting.WaitsFor = "no use of the key for 24h"
		r.KeysToDelete, r.Memory.Retired = []rotation.KeyRef{waiting}, []rotation.RetiredKey{key}
	}
}

// TestDecide_RefusesAnotherStore: two swapped rows must not send a shop's money to another merchant.
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
	// A shop that somebody has given another store's key by hand.
	record.MerchantID, record.Memory.Due = "M1", "the shop uses M2-x, a key of another store"
	if _, err := rotation.Decide(config(), &record, nil); !errors.As(err, &wrong) {
		t.Errorf("the error is %v", err)
	}
}

// TestDecide_IsPure: the same arguments give the same plan, and stay as they are.
func TestDecide_IsPure(t *testing.T) {
	t.Parallel()
	record := rotation.Record{MerchantID: "M1", Memory: rotation.Memory{
		Due: "because", ObservedAt: noon, Store: "M1", Replaceable: []rotation.KeyRef{ref(m1("M1-own"))},
		Foreign: make([]rotation.KeyRef, 0, 8), Unsettled: []kustom.Orphan{orphan("M1-left")},
	}}
	before := record
	first, err := rotation.Decide(config(), &record, nil)
	second, again := rotation.Decide(config(), &record, nil)
	if err != nil || again != nil || !reflect.DeepEqual(first, second) || !reflect.DeepEqual(record, before) {
		t.Errorf("first %+v, then %+v; the record is %+v", first, second, record)
	}
}

func TestCheckStores(t *testing.T) {
	t.Parallel()
	const listed = "e1a1f6b2-6b3e-4c37-9a60-0b6f3d1c2e55"
	w := newTestEnv(t, nil, key("1", listed, klarna, 2020, 0))
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
		if err := w.engine.CheckStores(t.Context(), "a", test.present, test.wanted); errors.As(err, &wrong) != test.refused {
			t.Errorf("from %q to %q: %v", test.present, test.wanted, err)
		}
	}
}

func TestTooOld_IsNeverForZeroOrAbsurdAges(t *testing.T) {
	t.Parallel()
	for days, want := range map[int64]bool{0: false, -1: false, 1: true, 30: true, 32: false, 36500: false, 106751991167300: false} {
		if got := rotation.TooOld(noon.AddDate(0, 0, -31), days, noon) != ""; got != want {
			t.Errorf("after %d days: %t", days, got)
		}
	}
}

// TestExpires_IsNotForEver: the successor of a key that lives for a short time is not due at once.
func TestExpires_IsNotForEver(t *testing.T) {
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
		if got := rotation.Expires(noon, &expires, test.before, noon.Add(test.age)) != ""; got != test.due {
			t.Errorf("%+v: due %t", test, got)
		}
	}
	if expires := noon.Add(day); rotation.Expires(time.Time{}, &expires, 2*day, noon) == "" {
		t.Error("a key is not due of which nobody knows when it was made")
	}
}

// TestQuiet_CountsFromLastUseOrCreation: a key that was just made and never used is not quiet.
func TestQuiet_CountsFromLastUseOrCreation(t *testing.T) {
	t.Parallel()
	used := func(ago time.Duration) *time.Time { at := noon.Add(-ago); return &at }
	for name, test := range map[string]struct {
		key   kustom.Key
		quiet bool
	}{
		"never used, old":       {kustom.Key{CreatedAt: noon.Add(-time.Hour)}, true},
		"never used, new":       {kustom.Key{CreatedAt: noon.Add(-time.Minute)}, false},
		"used long ago":         {kustom.Key{CreatedAt: noon.Add(-24 * time.Hour), LastUsedAt: used(time.Hour)}, true},
		"used just now":         {kustom.Key{CreatedAt: noon.Add(-24 * time.Hour), LastUsedAt: used(time.Minute)}, false},
		"made after a last use": {kustom.Key{CreatedAt: noon, LastUsedAt: used(time.Hour)}, false},
		// A page may show only the day. The key may have been used at its end.
		"used on that day, exact to a day": {kustom.Key{CreatedAt: noon.Add(-72 * time.Hour), LastUsedAt: used(12 * time.Hour), Precision: 24 * time.Hour}, false},
		"used on the day before that":      {kustom.Key{CreatedAt: noon.Add(-72 * time.Hour), LastUsedAt: used(36 * time.Hour), Precision: 24 * time.Hour}, true},
	} {
		if got := rotation.Quiet(test.key, time.Hour, noon); got != test.quiet {
			t.Errorf("%s: quiet: %t", name, got)
		}
		if rotation.Quiet(test.key, 0, noon) {
			t.Errorf("%s: quiet although no evidence counts", name)
		}
	}
}

// TestFormatDuration writes durations as a person does.
func TestFormatDuration(t *testing.T) {
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

// TestLeftovers_KeepWhatTellsAKey: the state names keys, and only the memory knows what tells one that has no name.
func TestLeftovers_KeepWhatTellsAKey(t *testing.T) {
	t.Parallel()
	unnamed := kustom.Orphan{MerchantID: "M1", Description: "terraform", Before: "|id-M1-old|2026-01-01T00:00:00Z"}
	asked := orphan("M1-new1")
	asked.IdempotencyKey, asked.Attempted = "request-1", noon
	memory := rotation.Memory{Unsettled: []kustom.Orphan{unnamed, asked}}
	recorded := orphan("M1-new1")
	recorded.Attempted = noon.Add(time.Hour)
	got := memory.Leftovers([]kustom.Orphan{recorded, orphan("M1-new2")})
	asked.Attempted = recorded.Attempted
	if want := []kustom.Orphan{unnamed, asked, orphan("M1-new2")}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !rotation.AnyUnnamed(got) || rotation.AnyUnnamed(got[1:]) {
		t.Error("it does not tell which have no name")
	}
}

// TestDeleteLeftovers_ByPages deletes the key of which only the store's earlier keys are known.
func TestDeleteLeftovers_ByPages(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	unnamed := kustom.Orphan{MerchantID: "M1", Description: "terraform", Before: "|id-M1-old|"}
	var discarded []kustom.Orphan
	w.engine.Keys = rotation.NewKeys(pagesPortal{w.portal, &discarded}, w.clock)
	if err := w.engine.DeleteLeftovers(t.Context(), []kustom.Orphan{unnamed}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(discarded, []kustom.Orphan{unnamed}) {
		t.Errorf("the portal was asked to delete %+v", discarded)
	}
}

// pagesPortal is a portal that can't tell which key a request made.
type pagesPortal struct {
	rotation.Portal
	discarded *[]kustom.Orphan
}

func (p pagesPortal) DeleteOrphan(_ context.Context, o kustom.Orphan) error {
	*p.discarded = append(*p.discarded, o)
	return nil
}

// TestDecide_NamesAKeyOnce: a key that is left from a failed run can have no name where the shop's has.
func TestDecide_NamesAKeyOnce(t *testing.T) {
	t.Parallel()
	record := rotation.Record{MerchantID: "M1", CredentialID: "id-M1-old", Username: "M1-old"}
	record.Memory = rotation.Memory{
		Due: "it is due", Replaceable: []rotation.KeyRef{ref(m1("M1-old"))},
		Unsettled: []kustom.Orphan{{MerchantID: "M1", CredentialID: "id-M1-old"}},
	}
	plan, err := rotation.Decide(config(), &record, nil)
	if err != nil || len(plan.Delete) != 1 {
		t.Errorf("the plan deletes %+v, error %v", plan.Delete, err)
	}
}
