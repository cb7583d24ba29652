package rotation

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// written is Mystore's time of the engine's last write, and made the creation time of each key.
const written = "2026-11-02T09:15:00Z"

var made = time.Date(2026, time.November, 2, 9, 15, 0, 0, time.UTC)

// listed returns a key of store M1 with the given host.
func listed(username, host string) *kustom.Key {
	return &kustom.Key{MerchantID: "M1", CredentialID: "id-" + username, Username: username, Host: host, CreatedAt: made}
}

// kustoms returns a key of store M1 for Kustom's host.
func kustoms(username string) *kustom.Key { return listed(username, kustom.Production.Host()) }

// observed returns an observation of a shop of store M1 that holds a username.
func observed(username string, own, held *kustom.Key) Observation {
	return Observation{
		MerchantID: "M1", Recorded: own, Held: held,
		Credentials: mystore.Credentials{KustomID: username, Secret: mystore.SecretSet, UpdatedAt: written},
	}
}

func TestGone_OnlyOfUnlistedKey(t *testing.T) {
	t.Parallel()
	own := kustoms("M1-a")
	with := func(username string, others ...kustom.Key) Observation {
		o := observed(username, nil, nil)
		o.OtherKeys = others
		return o
	}
	for name, test := range map[string]struct {
		seen Observation
		want string
	}{
		"listed":                   {observed("M1-a", own, own), ""},
		"not listed":               {with("M1-a", *kustoms("M1-b")), "M1-a"},
		"listed in another case":   {with("M1-A", *own), ""},
		"recorded in another case": {observed("M1-A", own, nil), ""},
		"recorded, another held":   {observed("M1-b", own, nil), "M1-b"},
		"listed without a space":   {with("M1-a ", *own), ""},
		"no key":                   {observed("", nil, nil), ""},
		"another store's":          {observed("M2-a", nil, nil), ""},
		"Klarna's, is never there": {observed("M1_a", nil, nil), ""},
	} {
		if got := test.seen.gone(); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestDueReason_NamesChange(t *testing.T) {
	t.Parallel()
	own, other := kustoms("M1-a"), kustoms("M1-b")
	legacy := listed("M1-a", kustom.Production.LegacyHost())
	uninstalled := Observation{MerchantID: "M1", Recorded: own, Missing: &mystore.NotInstalledError{Shop: "a"}}
	sameMoment, rewritten, secretless := observed("M1-a", own, own), observed("M1-a", own, own), observed("M1-a", own, own)
	sameMoment.Credentials.UpdatedAt = "2026-11-02T10:15:00.000+01:00"
	rewritten.Credentials.UpdatedAt = "2026-11-02T09:15:01Z"
	secretless.Credentials.Secret = mystore.SecretMissing
	for name, test := range map[string]struct {
		seen Observation
		// username is that of the recorded key.
		username, want string
	}{
		"unchanged":                    {observed("M1-a", own, own), "M1-a", ""},
		"unchanged, other time format": {sameMoment, "M1-a", ""},
		"extension uninstalled":        {uninstalled, "M1-a", "the shop has no Klarna Checkout V3"},
		"key deleted":                  {observed("M1-a", nil, nil), "M1-a", "the key M1-a was deleted in Kustom Portal"},
		"key deleted, another held": {observed("M1-b", nil, other), "M1-a", "the shop uses M1-b, a key that this resource " +
			"did not generate"},
		"another key": {observed("M1-b", own, other), "M1-a", "the shop uses M1-b, a key that this resource " +
			"did not generate"},
		"another store's key": {observed("M2-b", own, nil), "M1-a", "the shop uses M2-b, a key of another store"},
		"a key that is not listed": {
			observed("M1-c", own, nil), "M1-a", "the shop uses M1-c, a key that the portal does not list; there is nothing to delete",
		},
		"cleared":            {observed("", own, nil), "M1-a", "the shop has no key"},
		"written again":      {rewritten, "M1-a", "someone has changed the shop's credentials"},
		"secret removed":     {secretless, "M1-a", "someone has changed the shop's credentials"},
		"imported, Klarna's": {observed("M1-a", legacy, legacy), "M1-a", "the shop uses M1-a, a key of api.klarna.com"},
		"imported, no key":   {observed("", nil, nil), "", "the shop has no key"},
		"imported, not listed": {
			observed("M1-a", nil, nil), "", "the shop uses M1-a, a key that the portal does not list; there is nothing to delete",
		},
		"imported, another store's": {observed("M2-a", nil, nil), "", "the shop uses M2-a, a key of another store"},
		"imported, then given one":  {observed("M1-b", nil, other), "", "the shop uses M1-b, a key that this resource did not generate"},
	} {
		if got := test.seen.dueReason(written, test.username); got != test.want {
			t.Errorf("%s: the reason is %q, want %q", name, got, test.want)
		}
	}
}

func TestReplaceable_HasEachKeyOnce(t *testing.T) {
	t.Parallel()
	own, other := kustoms("M1-a"), kustoms("M1-b")
	for name, test := range map[string]struct {
		seen                 Observation
		replaceable, foreign []KeyRef
	}{
		"no key":            {seen: observed("", nil, nil)},
		"not listed":        {seen: observed("M1-a", nil, nil)},
		"a secret as ID":    {seen: observed(SecretAsID, nil, nil)},
		"own":               {seen: observed("M1-a", own, kustoms("M1-a")), replaceable: []KeyRef{refOf(*own)}},
		"by hand":           {seen: observed("M1-b", nil, other), replaceable: []KeyRef{refOf(*other)}},
		"own and another":   {seen: observed("M1-b", own, other), replaceable: []KeyRef{refOf(*own), refOf(*other)}},
		"own, shop cleared": {seen: observed("", own, nil), replaceable: []KeyRef{refOf(*own)}},
		"own, another store's": {
			seen: observed("M2-x", own, nil), replaceable: []KeyRef{refOf(*own)}, foreign: []KeyRef{{MerchantID: "M2", Username: "M2-x"}},
		},
	} {
		if got := test.seen.replaceable(); !reflect.DeepEqual(got, test.replaceable) {
			t.Errorf("%s: replaceable are %+v, want %+v", name, got, test.replaceable)
		}
		if got := test.seen.otherStoreKeys(); !reflect.DeepEqual(got, test.foreign) {
			t.Errorf("%s: foreign are %+v, want %+v", name, got, test.foreign)
		}
	}
}

func TestInterrupted_HasCachedKeysOnly(t *testing.T) {
	t.Parallel()
	before, other := *kustoms("M1-before"), *kustoms("M1-other")
	for name, test := range map[string]struct {
		others   []kustom.Key
		replaced []KeyRef
		want     []KeyRef
	}{
		"remembered":       {[]kustom.Key{other, before}, []KeyRef{refOf(before)}, []KeyRef{refOf(before)}},
		"deleted already":  {[]kustom.Key{other}, []KeyRef{refOf(before)}, nil},
		"nothing is known": {[]kustom.Key{other, before}, nil, nil},
		"another store's":  {[]kustom.Key{before}, []KeyRef{{MerchantID: "M2", CredentialID: before.CredentialID}}, nil},
	} {
		seen := Observation{MerchantID: "M1", OtherKeys: test.others, Replaced: test.replaced}
		if got := seen.interrupted(); !slices.Equal(got, test.want) {
			t.Errorf("%s: the keys are %+v, want %+v", name, got, test.want)
		}
	}
}

func TestKeysToDelete_KeepsDetailsOfRequests(t *testing.T) {
	t.Parallel()
	ref := func(id string) KeyRef {
		return KeyRef{MerchantID: "M1", CredentialID: id, Username: "M1-" + id, Host: kustom.Production.Host()}
	}
	waiting := ref("waits")
	waiting.WaitsFor = "no use of the key for 24h"
	plain := func(id string) kustom.Orphan {
		return kustom.Orphan{MerchantID: "M1", CredentialID: id, Username: "M1-" + id}
	}
	attempted := plain("u")
	attempted.Attempted = made
	nameless := kustom.Orphan{MerchantID: "M1", Description: "terraform", IdempotencyKey: "0c1d"}
	for name, test := range map[string]struct {
		announced []KeyRef
		unsettled []kustom.Orphan
		want      []kustom.Orphan
	}{
		"none":               {},
		"announced":          {announced: []KeyRef{ref("a"), ref("b")}, want: []kustom.Orphan{plain("a"), plain("b")}},
		"one that waits":     {announced: []KeyRef{waiting, ref("b")}, want: []kustom.Orphan{plain("b")}},
		"unsettled too":      {[]KeyRef{ref("a"), ref("u")}, []kustom.Orphan{attempted}, []kustom.Orphan{attempted, plain("a")}},
		"not announced":      {[]KeyRef{ref("a")}, []kustom.Orphan{attempted}, []kustom.Orphan{attempted, plain("a")}},
		"of an unknown name": {[]KeyRef{{MerchantID: "M1"}}, []kustom.Orphan{nameless}, []kustom.Orphan{nameless}},
	} {
		before := fmt.Sprint(test.unsettled)
		if got := keysToDelete(test.announced, test.unsettled); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: the keys are %+v, want %+v", name, got, test.want)
		}
		if after := fmt.Sprint(test.unsettled); after != before {
			t.Errorf("%s: what is unsettled has become %s", name, after)
		}
	}
}
