package provider

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// keyOfStore is a key of the store M1.
func keyOfStore(username, host string) *kustom.Key {
	return &kustom.Key{
		MerchantID: "M1", CredentialID: "id-of-" + username, Username: username, Host: host,
		CreatedAt: time.Date(2026, time.November, 2, 9, 15, 0, 0, time.UTC),
	}
}

func ours(username string) *kustom.Key { return keyOfStore(username, kustom.Production.Host()) }

// holding is what a shop of the store M1 is found to hold, written at the moment "then".
func holding(username string, own, held *kustom.Key) inspection {
	return inspection{
		merchantID: "M1", own: own, held: held,
		holds: mystore.Credentials{KustomID: username, SecretSet: username != "", UpdatedAt: "then"},
	}
}

func TestNewReason(t *testing.T) {
	t.Parallel()
	legacy := keyOfStore("M1-a", kustom.Production.LegacyHost())
	tests := map[string]struct {
		found inspection
		want  string
	}{
		"none":                          {holding("", nil, nil), "the shop has no key"},
		"another store's":               {holding("M2-a", nil, nil), "the shop uses M2-a, a key of another store"},
		"of a store with a longer name": {holding("M12-a", nil, nil), "the shop uses M12-a, a key of another store"},
		"deleted":                       {holding("M1-a", nil, nil), "the shop uses M1-a, a key that does not exist"},
		"Klarna's":                      {holding("M1-a", nil, legacy), "the shop uses M1-a, a key of api.klarna.com"},
		"made by hand":                  {holding("M1-a", nil, ours("M1-a")), "the shop uses M1-a, a key whose secret nobody can read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.found.newReason(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDueReason(t *testing.T) {
	t.Parallel()
	own, other := ours("M1-a"), ours("M1-b")
	missing := inspection{merchantID: "M1", own: own, missing: &mystore.NotInstalledError{Shop: "a"}}
	rewritten, secretless := holding("M1-a", own, own), holding("M1-a", own, own)
	rewritten.holds.UpdatedAt = "later"
	secretless.holds.SecretSet = false
	legacy := keyOfStore("M1-a", kustom.Production.LegacyHost())
	tests := map[string]struct {
		found inspection
		// username is the connection's key.
		username, want string
	}{
		"as it was left":        {holding("M1-a", own, own), "M1-a", ""},
		"extension uninstalled": {missing, "M1-a", "the shop has no Klarna Checkout V3"},
		"key deleted":           {holding("M1-a", nil, nil), "M1-a", "the key M1-a was deleted in Kustom Portal"},
		"key deleted, other in its place": {
			holding("M1-b", nil, other), "M1-a", "the shop uses M1-b, a key whose secret nobody can read",
		},
		"other key":            {holding("M1-b", own, other), "M1-a", "the shop uses M1-b, a key whose secret nobody can read"},
		"other store's key":    {holding("M2-b", own, nil), "M1-a", "the shop uses M2-b, a key of another store"},
		"unknown key":          {holding("M1-c", own, nil), "M1-a", "the shop uses M1-c, a key that does not exist"},
		"cleared":              {holding("", own, nil), "M1-a", "the shop has no key"},
		"written again":        {rewritten, "M1-a", "somebody has changed the shop's credentials"},
		"secret gone":          {secretless, "M1-a", "somebody has changed the shop's credentials"},
		"imported, Klarna's":   {holding("M1-a", legacy, legacy), "M1-a", "the shop uses M1-a, a key of api.klarna.com"},
		"imported, no key":     {holding("", nil, nil), "", "the shop has no key"},
		"imported, dead key":   {holding("M1-a", nil, nil), "", "the shop uses M1-a, a key that does not exist"},
		"imported, foreign":    {holding("M2-a", nil, nil), "", "the shop uses M2-a, a key of another store"},
		"imported, then keyed": {holding("M1-b", nil, other), "", "the shop uses M1-b, a key whose secret nobody can read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.found.dueReason("then", test.username); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTooOld(t *testing.T) {
	t.Parallel()
	key := ours("M1-a")
	const reason = "the key is 90 days old or older: it was made on 2026-11-02"
	tests := map[string]struct {
		days types.Int64
		age  time.Duration
		want string
	}{
		"never":           {types.Int64Null(), 10000 * 24 * time.Hour, ""},
		"new":             {types.Int64Value(90), 0, ""},
		"a moment less":   {types.Int64Value(90), 90*24*time.Hour - time.Nanosecond, ""},
		"to the moment":   {types.Int64Value(90), 90 * 24 * time.Hour, reason},
		"long ago":        {types.Int64Value(90), 1000 * 24 * time.Hour, reason},
		"from the future": {types.Int64Value(1), -24 * time.Hour, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tooOld(*key, test.days, key.CreatedAt.Add(test.age)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestOutOfUse: what a new key puts out of use is what the connection has and what the shop holds,
// each once, and a key of another store apart from them.
func TestOutOfUse(t *testing.T) {
	t.Parallel()
	own, other := ours("M1-a"), ours("M1-b")
	used := time.Date(2026, time.March, 2, 23, 59, 0, 0, time.UTC)
	dated := *own
	dated.LastUsedAt = &used
	entry := func(username, lastUse string) replacedKey {
		return replacedKey{MerchantID: "M1", CredentialID: "id-of-" + username, Username: username, Host: "api.kustom.co", LastUse: lastUse}
	}
	tests := map[string]struct {
		found                inspection
		replaceable, foreign []replacedKey
	}{
		"none":         {holding("", nil, nil), nil, nil},
		"deleted":      {holding("M1-a", nil, nil), nil, nil},
		"own":          {holding("M1-a", own, own), []replacedKey{entry("M1-a", "in use")}, nil},
		"by hand":      {holding("M1-b", nil, other), []replacedKey{entry("M1-b", "in use")}, nil},
		"other":        {holding("M1-b", own, other), []replacedKey{entry("M1-a", "never"), entry("M1-b", "in use")}, nil},
		"cleared":      {holding("", &dated, nil), []replacedKey{entry("M1-a", "2026-03-02")}, nil},
		"other, dated": {holding("M1-b", &dated, other), []replacedKey{entry("M1-a", "2026-03-02"), entry("M1-b", "in use")}, nil},
		"foreign": {
			holding("M2-x", own, nil), []replacedKey{entry("M1-a", "never")},
			[]replacedKey{{MerchantID: "M2", Username: "M2-x", LastUse: "in use"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.found.replaceable(); !reflect.DeepEqual(got, test.replaceable) {
				t.Errorf("replaceable are %+v, want %+v", got, test.replaceable)
			}
			if got := test.found.foreign(); !reflect.DeepEqual(got, test.foreign) {
				t.Errorf("foreign are %+v, want %+v", got, test.foreign)
			}
		})
	}
}

// TestAnnounce: each key that goes out of use is announced once, and as one that stays or one that
// goes, but not both. A key that an earlier run could not settle may be the shop's by now.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	old := replacedKey{MerchantID: "M1", CredentialID: "old", Username: "M1-a", LastUse: "in use"}
	foreign := replacedKey{MerchantID: "M2", Username: "M2-x", LastUse: "in use"}
	unsettled := replacedKey{MerchantID: "M1", CredentialID: "unsettled", Username: "M1-u", LastUse: "not known"}
	arrived := unsettled
	arrived.LastUse = "in use"
	tests := map[string]struct {
		policy                       types.String
		replaced, foreign, unsettled []replacedKey
		deleted, left                string
	}{
		"nothing":                 {policy: types.StringNull()},
		"default":                 {types.StringNull(), []replacedKey{old}, nil, nil, "M1-a", ""},
		"delete":                  {types.StringValue("delete"), []replacedKey{old}, nil, nil, "M1-a", ""},
		"keep":                    {types.StringValue("keep"), []replacedKey{old}, nil, nil, "", "M1-a"},
		"foreign":                 {types.StringNull(), []replacedKey{old}, []replacedKey{foreign}, nil, "M1-a", "M2-x"},
		"foreign, keep":           {types.StringValue("keep"), []replacedKey{old}, []replacedKey{foreign}, nil, "", "M1-a M2-x"},
		"unsettled":               {types.StringNull(), []replacedKey{old}, nil, []replacedKey{unsettled}, "M1-a M1-u", ""},
		"unsettled, keep":         {types.StringValue("keep"), []replacedKey{old}, nil, []replacedKey{unsettled}, "M1-u", "M1-a"},
		"unsettled, in the shop":  {types.StringNull(), []replacedKey{old, arrived}, nil, []replacedKey{unsettled}, "M1-a M1-u", ""},
		"unsettled, in it, keep":  {types.StringValue("keep"), []replacedKey{old, arrived}, nil, []replacedKey{unsettled}, "M1-u", "M1-a"},
		"unsettled, nothing else": {types.StringValue("keep"), nil, nil, []replacedKey{unsettled}, "M1-u", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var diags diag.Diagnostics
			var m connectedShop
			m.announce(connectionRules{ReplacedKeys: test.policy}, "because", test.replaced, test.foreign, test.unsettled, &diags)
			usernames := func(list types.List) string {
				var names []string
				for _, key := range readReplacedKeys(t.Context(), list, &diags) {
					names = append(names, key.Username)
				}
				return strings.Join(names, " ")
			}
			if got := usernames(m.Replaces); got != test.deleted {
				t.Errorf("replaces %q, want %q", got, test.deleted)
			}
			if got := usernames(m.Leaves); got != test.left {
				t.Errorf("leaves %q, want %q", got, test.left)
			}
			if diags.HasError() || m.Reason.ValueString() != "because" {
				t.Errorf("reason %v, %v", m.Reason, diags)
			}
		})
	}
}

// TestRetirees: what is known of an unsettled key is more than its announcement says.
func TestRetirees(t *testing.T) {
	t.Parallel()
	announced := func(id string) replacedKey {
		return replacedKey{MerchantID: "M1", CredentialID: id, Username: "M1-" + id, Host: "api.kustom.co", LastUse: "never"}
	}
	plain := func(id string) kustom.Orphan {
		return kustom.Orphan{MerchantID: "M1", CredentialID: id, Username: "M1-" + id}
	}
	nameless := kustom.Orphan{MerchantID: "M1", Description: "terraform", IdempotencyKey: "0c1d"}
	tests := map[string]struct {
		announced []replacedKey
		unsettled []kustom.Orphan
		want      []kustom.Orphan
	}{
		"none":               {nil, nil, nil},
		"announced":          {[]replacedKey{announced("a"), announced("b")}, nil, []kustom.Orphan{plain("a"), plain("b")}},
		"unsettled as well":  {[]replacedKey{announced("a"), announced("u")}, []kustom.Orphan{plain("u")}, []kustom.Orphan{plain("u"), plain("a")}},
		"only unsettled":     {[]replacedKey{announced("u")}, []kustom.Orphan{plain("u")}, []kustom.Orphan{plain("u")}},
		"of an unknown name": {[]replacedKey{{MerchantID: "M1", LastUse: "not known"}}, []kustom.Orphan{nameless}, []kustom.Orphan{nameless}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := retirees(test.announced, test.unsettled); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestUnsettledID: what a tainted object's state says of a key is enough to delete it.
func TestUnsettledID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		orphan    kustom.Orphan
		id        string
		unsettled bool
	}{
		"known":   {kustom.Orphan{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a", Description: "d"}, "c-1", false},
		"unknown": {kustom.Orphan{MerchantID: "M1", Description: "d", IdempotencyKey: "0c1d"}, "unsettled:0c1d", true},
		"known, and how it was made": {
			kustom.Orphan{MerchantID: "M1", CredentialID: "c-1", Description: "d", IdempotencyKey: "0c1d"}, "c-1", false,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := unsettledID(test.orphan)
			if id.ValueString() != test.id || isUnsettled(id) != test.unsettled {
				t.Errorf("the ID is %v, unsettled: %t", id, isUnsettled(id))
			}
			got := readOrphan(types.StringValue("M1"), id, nullWhenEmpty(test.orphan.Username), types.StringValue("d"))
			want := test.orphan
			if !test.unsettled {
				want.IdempotencyKey = ""
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestIncomplete: an object whose key is in doubt is told from one that never had a key.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	var imported, doubtful, whole connectionModel
	doubtful.remember(kustom.Orphan{MerchantID: "M1", CredentialID: "c-1", Username: "M1-a"})
	whole.take(*ours("M1-a"))
	for name, test := range map[string]struct {
		model connectionModel
		want  bool
	}{"imported": {imported, false}, "in doubt": {doubtful, true}, "whole": {whole, false}} {
		if got := test.model.isIncomplete(); got != test.want {
			t.Errorf("%s: incomplete is %t", name, got)
		}
	}
}
