package report_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
)

// o is a JSON object.
type o = map[string]any

// with returns an object with some attributes changed.
func with(base, changed o) o {
	all := maps.Clone(base)
	maps.Copy(all, changed)
	return all
}

// planOf returns a plan with one change.
func planOf(kind string, actions []string, before, after, unknown o, more ...o) o {
	change := o{"actions": actions, "before": before, "after": after, "after_unknown": unknown}
	all := o{"address": kind + ".x", "type": kind, "name": "x", "change": change}
	for _, m := range more {
		maps.Copy(all, m)
	}
	return o{"format_version": "1.2", "resource_changes": []any{all}}
}

// join returns a plan with the changes of all.
func join(plans ...o) o {
	joined := maps.Clone(plans[0])
	var changes []any
	for _, p := range plans {
		list, _ := p["resource_changes"].([]any)
		changes = append(changes, list...)
	}
	joined["resource_changes"] = changes
	return joined
}

var (
	create, update, remove, noop = []string{"create"}, []string{"update"}, []string{"delete"}, []string{"no-op"}
	createFirst, deleteFirst     = []string{"create", "delete"}, []string{"delete", "create"}

	oldKeys = []any{o{"username": "M00000001-old", "credential_id": "1", "host": "api.klarna.com", "merchant_id": "M1"}}
	// connected is a connection that was given a key.
	connected = o{
		"shop": "a", "merchant_id": "M00000001", "username": "M00000001-given", "host": "api.kustom.co", "deletion_policy": "retain",
		"reason": "why", "keys_to_delete": oldKeys, "previous_username": "M00000001-old",
	}
	// key and installed are a pair.
	key       = o{"merchant_id": "M00000001", "username": "M00000001-given", "host": "api.kustom.co", "deletion_policy": "delete", "credential_id": "1"}
	installed = o{"shop": "a", "kustom_id": "M00000001-given", "deletion_policy": "retain"}
)

const (
	connection  = "kustom_mystore_connection"
	credentials = "mystore_klarna_checkout_credentials"
	apiKey      = "kustom_api_key"
)

// told returns what a report says of its shops, in short.
func told(r *report.Report) []string {
	var lines []string
	for _, s := range r.Shops {
		line := fmt.Sprintf("%s/%s %s %s>%s", s.Name, s.Store, s.Status, s.Old, s.New)
		for i, keys := range [][]report.Key{s.Deleted, s.DeletedLater, s.Kept} {
			for _, k := range keys {
				line += []string{" gone:", " later:", " kept:"}[i] + k.Username
			}
		}
		for _, n := range s.Notes {
			line += " !" + n.What
		}
		lines = append(lines, line)
	}
	return lines
}

func TestPlan_ShowsEachShop(t *testing.T) {
	t.Parallel()
	waiting := with(connected, o{
		"keys_to_delete": []any{o{"username": "M00000001-old", "waits_for": "no use"}}, "keys_left": []any{o{"username": "M00000001-old", "waits_for": "no use"}},
	})
	left := with(connected, o{"keys_left": []any{o{"username": "M00000001-old", "last_error": "The portal refuses."}}})
	clears := with(connected, o{"deletion_policy": "clear"})
	pairConfig := func(argument, reference string) o {
		return o{"configuration": o{"root_module": o{"resources": []any{
			o{"type": credentials, "name": "x", "expressions": o{argument: o{"references": []any{reference}}}},
		}}}}
	}
	newKey := with(key, o{"username": nil})
	newID := with(installed, o{"kustom_id": nil})
	for name, test := range map[string]struct {
		plan o
		want []string
	}{
		"unchanged":         {planOf(connection, noop, connected, connected, nil), []string{"a/M00000001 unchanged M00000001-given>M00000001-given"}},
		"rules change only": {planOf(connection, update, connected, with(connected, o{"unused_for": "1h"}), nil), []string{"a/M00000001 unchanged M00000001-given>M00000001-given"}},
		"waiting": {planOf(connection, noop, waiting, waiting, nil),
			[]string{"a/M00000001 waiting M00000001-given>M00000001-given later:M00000001-old !The deletion of 1 replaced key waits for this: no use."}},
		"left": {planOf(connection, noop, left, left, nil),
			[]string{"a/M00000001 waiting M00000001-given>M00000001-given later:M00000001-old !The shop has its new key. The replaced key M00000001-old could not be deleted: The portal refuses."}},
		"rotation": {planOf(connection, update, connected, with(connected, o{"reason": "rotate_when_changed has changed", "username": nil, "previous_username": "M00000001-given"}), o{"credential_id": true}),
			[]string{"a/M00000001 new key M00000001-given> gone:M00000001-old"}},
		"changed by hand": {planOf(connection, update, connected, with(connected, o{"previous_username": "M00000001-hand"}), o{"credential_id": true}),
			[]string{"a/M00000001 new key M00000001-hand> gone:M00000001-old"}},
		"only old keys": {planOf(connection, update, connected, with(connected, o{"reason": "replaced keys were not used for 24h"}), nil),
			[]string{"a/M00000001 old keys deleted M00000001-given>M00000001-given gone:M00000001-old"}},
		"not read": {planOf(connection, create, nil, o{"shop": "a", "merchant_id": "M00000001"}, o{"reason": true, "keys_to_delete": true, "credential_id": true}),
			[]string{"a/M00000001 not decided yet > !The plan could not decide what happens to this shop. The shop could " +
				"not be read, or a value is known only during the apply."}},
		"tainted": {planOf(connection, deleteFirst, connected, connected, o{"credential_id": true}, o{"action_reason": "replace_because_tainted"}),
			[]string{"a/M00000001 new key M00000001-old> gone:M00000001-old !An earlier run did not finish this shop."}},
		"another store": {planOf(connection, update, connected, with(connected, o{"merchant_id": "M00000002", "reason": "merchant_id has changed", "username": nil, "previous_username": "M00000001-given"}), o{"credential_id": true}),
			[]string{"a/M00000002 new key M00000001-given> gone:M00000001-old !The shop's payments go to another merchant: from store M00000001 to store M00000002."}},
		"key of another store": {planOf(connection, create, nil, o{"shop": "a", "merchant_id": "M00000002", "previous_username": "K123_ab", "keys_kept": []any{o{"username": "K123_ab", "merchant_id": "M1"}}}, o{"credential_id": true}),
			[]string{"a/M00000002 new key K123_ab> kept:K123_ab !The shop's payments go to another merchant, store " +
				"M00000002: the shop's current key belongs to another store."}},
		"key of another store, by its name": {planOf(connection, create, nil, o{"shop": "a", "merchant_id": "M00000002", "previous_username": "M00000001-x"}, o{"credential_id": true}),
			[]string{"a/M00000002 new key M00000001-x> !The shop's payments go to another merchant, store M00000002: the " +
				"shop's current key belongs to another store."}},
		"leaves":    {planOf(connection, remove, connected, nil, nil), []string{"a/M00000001 leaves M00000001-given>M00000001-given"}},
		"forgotten": {planOf(connection, []string{"forget"}, clears, nil, nil), []string{"a/M00000001 leaves M00000001-given>M00000001-given"}},
		"emptied": {planOf(connection, remove, clears, nil, nil),
			[]string{"a/M00000001 leaves M00000001-given> gone:M00000001-given !The shop's credentials are cleared: the " +
				"shop takes no payments with Klarna Checkout V3 until it gets another key."}},
		"another shop": {planOf(connection, deleteFirst, connected, o{"shop": "b", "merchant_id": "M00000001"}, o{"credential_id": true}),
			[]string{"b/M00000001 new key >", "a/M00000001 leaves M00000001-given>M00000001-given"}},
		"fleet": {planOf("kustom_mystore_fleet", update,
			o{"deletion_policy": "clear", "shops": o{"gone": connected, "same": connected, "bad": o{"merchant_id": "M1", "last_error": "why"}}},
			o{"deletion_policy": "clear", "shops": o{"same": connected, "new": o{"merchant_id": "M2"}, "bad": o{"merchant_id": "M1", "reason": "r"}}},
			o{"shops": o{"new": o{"credential_id": true}, "bad": o{"credential_id": true}}}),
			[]string{
				"bad/M1 new key > !The last apply failed: why",
				"gone/M00000001 leaves M00000001-given> gone:M00000001-given !The shop's credentials are cleared: the " +
					"shop takes no payments with Klarna Checkout V3 until it gets another key.",
				"new/M2 new key >", "same/M00000001 unchanged M00000001-given>M00000001-given",
			}},
		"fleet that failed and is not read": {planOf("kustom_mystore_fleet", noop,
			o{"shops": o{"bad": o{"merchant_id": "M1", "last_error": "why"}}}, o{"shops": o{"bad": o{"merchant_id": "M1", "last_error": "why"}}}, nil),
			[]string{"bad/M1 failed > !why"}},
		"fleet that is sensitive": {planOf("kustom_mystore_fleet", create, nil, o{"shops": "(sensitive)"}, nil),
			[]string{"/ not decided yet > !The fleet's shops are known only during the apply, or are marked as sensitive."}},
		"pair unchanged": {join(planOf(apiKey, noop, key, key, nil), planOf(credentials, noop, installed, installed, nil)),
			[]string{"a/M00000001 unchanged M00000001-given>M00000001-given"}},
		"pair is new": {join(with(planOf(apiKey, create, nil, newKey, nil), pairConfig("kustom_id", "kustom_api_key.x")), planOf(credentials, create, nil, newID, nil)),
			[]string{"a/M00000001 new key >"}},
		"not a pair": {join(with(planOf(apiKey, create, nil, newKey, nil), pairConfig("shop", "kustom_api_key.x")), planOf(credentials, create, nil, newID, nil)),
			[]string{"/M00000001 new key >", "a/ new key >"}},
		"pair is rotated": {join(planOf(apiKey, createFirst, key, newKey, nil), planOf(credentials, update, installed, newID, nil)),
			[]string{"a/M00000001 new key M00000001-given> gone:M00000001-given"}},
		"pair's key stays": {join(planOf(apiKey, createFirst, with(key, o{"deletion_policy": "retain"}), newKey, nil), planOf(credentials, update, installed, newID, nil)),
			[]string{"a/M00000001 new key M00000001-given>"}},
		"pair is rotated in the wrong order": {join(planOf(apiKey, deleteFirst, with(key, o{"force_destroy": true}), newKey, nil), planOf(credentials, update, installed, newID, nil)),
			[]string{"a/M00000001 new key M00000001-given> gone:M00000001-given !The key is deleted even if a shop uses " +
				"it: force_destroy is set. !The plan deletes the old key before it generates the new one. While a shop " +
				"uses the old key, the apply fails."}},
		"pair gets another store": {planOf(credentials, update, installed, with(installed, o{"kustom_id": "M00000002-new"}), nil),
			[]string{"a/M00000002 new key M00000001-given>M00000002-new !The shop's payments go to another merchant: from store M00000001 to store M00000002."}},
		"pair leaves": {join(planOf(apiKey, remove, key, nil, nil), planOf(credentials, remove, installed, nil, nil)),
			[]string{"a/M00000001 leaves M00000001-given>M00000001-given gone:M00000001-given"}},
		"key leaves": {planOf(apiKey, remove, key, nil, nil), []string{"/M00000001 old keys deleted M00000001-given> gone:M00000001-given"}},
		"key of Klarna's is kept": {planOf(apiKey, noop, with(key, o{"host": "api.klarna.com"}), with(key, o{"host": "api.klarna.com"}), nil),
			[]string{"/M00000001 waiting M00000001-given>M00000001-given !The key still belongs to api.klarna.com."}},
		"unfinished key": {planOf(apiKey, createFirst, with(key, o{"username": nil, "idempotency_key": "x"}), newKey, nil),
			[]string{"/M00000001 new key > gone:1 !An earlier run did not finish this key."}},
		"exclusive": {planOf("kustom_api_keys_exclusive", create, nil, o{"merchant_id": "M1", "keys_to_delete": oldKeys}, nil),
			[]string{"/M1 old keys deleted > gone:M00000001-old"}},
		"exclusive without keys": {planOf("kustom_api_keys_exclusive", create, nil, o{"merchant_id": "M1", "keys_to_delete": []any{}}, nil), nil},
		"exclusive not known": {planOf("kustom_api_keys_exclusive", create, nil, o{"merchant_id": "M1"}, o{"keys_to_delete": true}),
			[]string{"/M1 not decided yet > !The plan can't tell which of the store's keys the apply deletes."}},
		"fleet with a shop that is sensitive": {planOf("kustom_mystore_fleet", update, o{"shops": o{"x": connected}}, o{"shops": o{"x": "(sensitive)"}}, nil),
			[]string{"x/ not decided yet M00000001-given> !Everything about this shop is marked as sensitive."}},
		"shop moves to another object": {join(
			planOf(connection, []string{"forget"}, connected, nil, nil),
			planOf("kustom_mystore_fleet", noop, o{"shops": o{"a": connected}}, o{"shops": o{"a": connected}}, nil)),
			[]string{"a/M00000001 unchanged M00000001-given>M00000001-given"}},
		"key moves to another object": {join(
			planOf(apiKey, []string{"forget"}, key, nil, nil), planOf(connection, noop, connected, connected, nil)),
			[]string{"a/M00000001 unchanged M00000001-given>M00000001-given"}},
		"key that stays leaves": {planOf(apiKey, []string{"forget"}, key, nil, nil), []string{"/M00000001 leaves M00000001-given>M00000001-given"}},
		"two shops with one key": {join(with(planOf(apiKey, createFirst, key, newKey, nil), pairConfig("kustom_id", "kustom_api_key.x")),
			planOf(credentials, update, installed, newID, nil), planOf(credentials, update, with(installed, o{"shop": "b"}), with(newID, o{"shop": "b"}), nil)),
			[]string{"a/M00000001 new key M00000001-given> gone:M00000001-given", "b/M00000001 new key M00000001-given> gone:M00000001-given"}},
		"left-over key":  {planOf(apiKey, remove, key, nil, nil, o{"deposed": "1"}), []string{"/M00000001 old keys deleted M00000001-given> gone:M00000001-given"}},
		"something else": {planOf("aws_instance", create, nil, o{"shop": "a"}, nil), nil},
	} {
		r := read(t, marshal(t, test.plan))
		if got := told(r); !slices.Equal(got, test.want) {
			t.Errorf("%s: the report says\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
		if got := r.NeedsAttention(); got != strings.Contains(strings.Join(test.want, ""), "!") {
			t.Errorf("%s: that something needs attention is %t", name, got)
		}
	}
}

// The module distinguishes keys and shops with equal names.
func TestPlan_PairsInNestedModules(t *testing.T) {
	t.Parallel()
	written := o{"resources": []any{o{"type": credentials, "name": "x", "expressions": o{"kustom_id": o{"references": []any{"kustom_api_key.x"}}}}}}
	document := o{"configuration": o{"root_module": o{"module_calls": o{"a": o{"module": o{"module_calls": o{"b": o{"module": written}}}}}}}}
	var plans []o
	for _, shop := range []string{"s.1", "s\\\"2"} {
		place := o{"module_address": `module.a["` + shop + `"].module.b`, "index": 0}
		plans = append(plans,
			planOf(apiKey, create, nil, o{"merchant_id": "store of " + shop}, nil, place), planOf(credentials, create, nil, o{"shop": shop}, nil, place))
	}
	r := read(t, marshal(t, with(document, join(plans...))))
	if got, want := told(r), []string{`s.1/store of s.1 new key >`, `s\"2/store of s\"2 new key >`}; !slices.Equal(got, want) {
		t.Errorf("the report says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPlan_SaysWhyAKeyIsMade(t *testing.T) {
	t.Parallel()
	for want, plan := range map[string]o{
		"the provider has not given the shop a key yet":             planOf(apiKey, create, nil, key, nil),
		"it is 90 days old":                                         planOf(apiKey, createFirst, with(key, o{"rotation_due": "it is 90 days old"}), key, nil),
		"requested with -replace":                                   planOf(apiKey, createFirst, key, key, nil, o{"action_reason": "replace_by_request"}),
		"the shop uses M00000001-given, a key of api.klarna.com":    planOf(apiKey, createFirst, with(key, o{"host": "api.klarna.com"}), key, nil),
		"description, rotate_when_changed changed":                  planOf(apiKey, createFirst, key, key, nil, o{"change": o{"actions": createFirst, "before": key, "after": key, "replace_paths": []any{[]any{"description"}, []any{"rotate_when_changed"}, []any{}}}}),
		"left over from an earlier run":                             planOf(apiKey, remove, key, nil, nil, o{"deposed": "1"}),
		"the key is replaced":                                       planOf(apiKey, createFirst, key, key, nil),
		"the shop's credentials are written again":                  planOf(credentials, update, installed, installed, nil),
		"the shop gets another key":                                 planOf(credentials, update, installed, with(installed, o{"kustom_id": nil}), nil),
		"not in the configuration any more; the key stays":          planOf(apiKey, remove, with(key, o{"deletion_policy": "retain"}), nil, nil),
		"not in the configuration any more; the shop keeps its key": planOf(credentials, remove, installed, nil, nil),
	} {
		if r := read(t, marshal(t, plan)); len(r.Shops) != 1 || r.Shops[0].Why != want {
			t.Errorf("want %q: %+v", want, r.Shops)
		}
	}
}

// TestPlan_ShowsError can't be applied, and its report says so first.
func TestPlan_ShowsError(t *testing.T) {
	t.Parallel()
	plan := with(planOf(connection, noop, connected, connected, nil), o{"errored": true, "complete": false, "checks": []any{
		o{"address": o{"to_display": "check.a"}, "status": "fail", "instances": []any{o{"problems": []any{o{"message": "kco_live_api_PLANTED is bad"}}}}},
		o{"address": o{"to_display": "check.b"}, "status": "error"}, o{"address": o{"to_display": "check.c"}, "status": "pass"},
	}})
	r := read(t, marshal(t, plan))
	if want := "Plan with an error for 1 shop: 1 unchanged; 2 checks fail"; r.Summary() != want || !r.NeedsAttention() {
		t.Errorf("the summary is %q, want %q", r.Summary(), want)
	}
	for _, text := range []string{markdown(t, r), page(t, r)} {
		for _, want := range []string{"ended with an error", "check.a fails", "check.b fails", "After the apply, plan again"} {
			if !strings.Contains(text, want) {
				t.Errorf("the report does not say %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "check.c") || planted.MatchString(text) {
			t.Errorf("the report says too much:\n%s", text)
		}
	}
}

func TestState_ShowsEachShop(t *testing.T) {
	t.Parallel()
	stateOf := func(resources ...any) o {
		child := o{"address": "module.a", "child_modules": []any{o{"address": "module.a.module.b", "resources": resources}}}
		return o{"format_version": "1.0", "values": o{"root_module": o{"child_modules": []any{child}}}}
	}
	made := func(kind string, values o, tainted bool) o {
		return o{"type": kind, "address": "x", "values": values, "tainted": tainted}
	}
	for name, test := range map[string]struct {
		state o
		want  []string
	}{
		"done":    {stateOf(made(connection, connected, false)), []string{"a/M00000001 done M00000001-old>M00000001-given gone:M00000001-old"}},
		"tainted": {stateOf(made(connection, connected, true)), []string{"a/M00000001 failed M00000001-old>M00000001-given gone:M00000001-old !An earlier run did not finish this shop."}},
		"no key yet": {stateOf(made(connection, with(connected, o{"username": nil}), false)),
			[]string{"a/M00000001 failed M00000001-old> !The provider has not given the shop a key yet."}},
		"failed rotation": {stateOf(made(connection, with(connected, o{"last_error": "why"}), false)),
			[]string{"a/M00000001 failed M00000001-given> !why"}},
		"key of Klarna's": {stateOf(made(connection, o{"shop": "a", "username": "M1-x", "host": "api.klarna.com"}, false)),
			[]string{"a/ waiting >M1-x !The shop's key still belongs to api.klarna.com."}},
		"sensitive fleet": {stateOf(made("kustom_mystore_fleet", o{"shops": "x"}, false)), []string{"/ not decided yet > !The fleet's shops are marked as sensitive."}},
		"pair":            {stateOf(made(apiKey, key, false), made(credentials, installed, false)), []string{"a/M00000001 done >M00000001-given"}},
		"pair is due": {stateOf(made(apiKey, with(key, o{"rotation_due": "old"}), false), made(credentials, installed, false)),
			[]string{"a/M00000001 waiting >M00000001-given !The key is due for rotation: old"}},
		"pair's key is Klarna's": {stateOf(made(apiKey, with(key, o{"host": "api.klarna.com"}), false), made(credentials, installed, false)),
			[]string{"a/M00000001 waiting >M00000001-given !The key still belongs to api.klarna.com."}},
		"unfinished": {stateOf(made(apiKey, o{"merchant_id": "M1", "idempotency_key": "x"}, false), made(credentials, installed, true)),
			[]string{"/M1 failed > !An earlier run did not finish this key.", "a/M00000001 failed >M00000001-given !An earlier run did not finish this shop."}},
	} {
		if got := told(read(t, marshal(t, test.state))); !slices.Equal(got, test.want) {
			t.Errorf("%s: the report says\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

// A key without a shop does not count as a shop, and a key of two shops counts once.
func TestSummary_CountsShopsAndKeysOnce(t *testing.T) {
	t.Parallel()
	created := with(connected, o{"username": nil})
	plan := join(
		planOf(connection, create, nil, created, o{"credential_id": true}), planOf(connection, create, nil, with(created, o{"shop": "b"}), o{"credential_id": true}),
		planOf("kustom_api_keys_exclusive", create, nil, o{"merchant_id": "M1", "keys_to_delete": []any{o{"username": "M1-stray"}}}, nil))
	r := read(t, marshal(t, plan))
	if want := "Plan for 2 shops: 2 get a new key; 1 other object; 2 keys deleted now; nothing needs attention"; r.Summary() != want {
		t.Errorf("the summary is %q, want %q", r.Summary(), want)
	}
}
