package report

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// pairs are the separate objects of keys and of shops' credentials in a plan.
type pairs struct{ keys, credentials []*change }

// shops returns a row for each shop with its key, and for each key that is not known to be a shop's.
func (p *pairs) shops(d *document) []Shop {
	var shops []Shop
	taken := map[*change]bool{}
	for _, c := range p.credentials {
		key := p.keyOf(d, c)
		if key != nil {
			taken[key] = true
		}
		shops = append(shops, plannedPair(key, c)...)
	}
	for _, key := range p.keys {
		if !taken[key] {
			shops = append(shops, plannedKey(key))
		}
	}
	return shops
}

// keyOf returns the key of a shop's credentials: the one with the same username or, if only the apply knows it, the
// one that the configuration refers to. It returns nil if neither identifies it.
func (p *pairs) keyOf(d *document, c *change) *change {
	i := slices.IndexFunc(p.keys, func(key *change) bool {
		return sameText(c.Change.After, "kustom_id", key.Change.After, "username") ||
			sameText(c.Change.Before, "kustom_id", key.Change.Before, "username") ||
			key.Module == c.Module && reflect.DeepEqual(key.Index, c.Index) && d.refersTo(c, "kustom_id", key.Type+"."+key.Name)
	})
	if i < 0 {
		return nil
	}
	return p.keys[i]
}

// sameText reports whether two attributes have the same text, which is not empty.
func sameText(a object, name string, b object, other string) bool {
	text := a.text(name)
	return text != "" && text != hidden && text == b.text(other)
}

// plannedPair returns the rows of a shop's credentials and of their key; key is nil if unknown.
func plannedPair(key, c *change) []Shop {
	before, after := c.Change.Before, c.Change.After
	var shops []Shop
	if after == nil || before != nil && before.text("shop") != after.text("shop") {
		shops = append(shops, leavingPair(key, c))
		before = nil
	}
	if after == nil {
		return shops
	}
	s := Shop{Name: after.text("shop"), Address: c.Address, Status: Unchanged, Old: before.text("kustom_id"), New: after.text("kustom_id")}
	if key != nil {
		s.addKey(key)
	}
	if s.Store == "" {
		s.Store = storeOf(cmp.Or(s.New, s.Old))
	}
	switch {
	case c.does("no-op") && s.Status != NewKey:
	case s.New == "" || s.New != s.Old:
		s.Status = NewKey
	default:
		s.Status, s.Why = NewKey, cmp.Or(s.Why, "the shop's credentials are written again")
	}
	if s.Status == NewKey && s.Why == "" {
		s.Why = "the shop gets another key"
	}
	if from := storeOf(s.Old); from != "" && s.Store != "" && from != s.Store {
		s.noteStoreChange(object{"merchant_id": from}, nil)
	}
	return append(shops, s)
}

// leavingPair returns the row of a shop whose credentials the configuration no longer has.
func leavingPair(key, c *change) Shop {
	before := c.Change.Before
	id := before.text("kustom_id")
	s := leaving(c, before.text("shop"), object{"merchant_id": storeOf(id), "username": id}, before)
	// Its key is a separate object.
	s.Deleted = nil
	if key != nil {
		s.deleteKey(key)
	}
	return s
}

// plannedKey returns the row of a key that is not known to belong to a shop.
func plannedKey(key *change) Shop {
	s := Shop{Address: key.Address, Status: Unchanged, Old: key.Change.Before.text("username"), New: key.Change.After.text("username")}
	s.addKey(key)
	if key.Change.After == nil {
		s.Status, s.Why = KeysOnly, "not in the configuration any more"
		if key.Deposed != "" {
			s.Why = "left over from an earlier run"
		}
		if s.Deleted == nil {
			s.Status, s.New, s.Why = Leaves, s.Old, s.Why+"; the key stays"
		}
	}
	return s
}

// addKey adds the planned change of the shop's key.
func (s *Shop) addKey(key *change) {
	before, after := key.Change.Before, key.Change.After
	s.Store = cmp.Or(after.text("merchant_id"), before.text("merchant_id"))
	s.Old = cmp.Or(s.Old, before.text("username"))
	if key.does("create") {
		s.Status, s.New, s.Why = NewKey, "", keyReason(key)
		if key.isTainted() || before.text("idempotency_key") != "" {
			s.note("An earlier run did not finish this key.", "This plan generates another one.")
		}
	}
	s.deleteKey(key)
	if s.Status == Unchanged && after != nil && kustom.IsLegacyHost(after.text("host")) {
		s.Status = Waiting
		s.note(fmt.Sprintf("The key still belongs to %s.", after.text("host")), "To replace it, remove host from its "+
			"configuration.")
	}
}

// deleteKey adds the deletion of a key, if the plan deletes it.
func (s *Shop) deleteKey(key *change) {
	before := key.Change.Before
	if !key.does("delete") || before.text("deletion_policy") == "retain" {
		return
	}
	s.Deleted = append(s.Deleted, Key{Username: cmp.Or(before.text("username"), before.text("credential_id")), Host: before.text("host")})
	if before.is("force_destroy") {
		s.note("The key is deleted even if a shop uses it: force_destroy is set.", "Check that no shop does.")
	}
	if len(key.Change.Actions) == 2 && key.Change.Actions[0] == "delete" {
		s.note("The plan deletes the old key before it generates the new one. While a shop uses the old key, the apply fails.",
			"Set create_before_destroy = true in the key's lifecycle block.")
	}
}

// keyReason returns why the plan generates a key.
func keyReason(key *change) string {
	before, after := key.Change.Before, key.Change.After
	switch {
	case before == nil:
		return "the provider has not given the shop a key yet"
	case cmp.Or(after.text("rotation_due"), before.text("rotation_due")) != "":
		return cmp.Or(after.text("rotation_due"), before.text("rotation_due"))
	case key.Reason == "replace_by_request":
		return "requested with -replace"
	case kustom.IsLegacyHost(before.text("host")):
		return fmt.Sprintf("the shop uses %s, a key of %s", before.text("username"), before.text("host"))
	}
	var names []string
	for _, path := range key.Change.ReplacePaths {
		if len(path) > 0 {
			names = append(names, fmt.Sprint(path[0]))
		}
	}
	if len(names) == 0 {
		return "the key is replaced"
	}
	return strings.Join(names, ", ") + " changed"
}

// statePairs are the separate objects of keys and of shops' credentials in a state.
type statePairs struct{ keys, credentials []*resource }

// shops returns a row for each shop with its key, and for each key that is not known to be a shop's.
func (p *statePairs) shops() []Shop {
	var shops []Shop
	taken := map[*resource]bool{}
	for _, c := range p.credentials {
		s := Shop{Name: c.Values.text("shop"), Address: c.Address, Status: Done, New: c.Values.text("kustom_id")}
		s.Store = storeOf(s.New)
		i := slices.IndexFunc(p.keys, func(key *resource) bool { return sameText(c.Values, "kustom_id", key.Values, "username") })
		if i >= 0 {
			taken[p.keys[i]] = true
			s.foundKey(p.keys[i])
		}
		if c.Tainted {
			s.Status = Failed
			s.note("An earlier run did not finish this shop.", nextApply)
		}
		shops = append(shops, s)
	}
	for _, key := range p.keys {
		if !taken[key] {
			s := Shop{Address: key.Address, Status: Done, New: key.Values.text("username")}
			s.foundKey(key)
			shops = append(shops, s)
		}
	}
	return shops
}

// foundKey adds the state of the shop's key.
func (s *Shop) foundKey(key *resource) {
	v := key.Values
	s.Store = cmp.Or(v.text("merchant_id"), s.Store)
	switch {
	case key.Tainted || v.text("idempotency_key") != "":
		s.Status = Failed
		s.note("An earlier run did not finish this key.", nextApply)
	case kustom.IsLegacyHost(v.text("host")):
		s.Status = Waiting
		s.note(fmt.Sprintf("The key still belongs to %s.", v.text("host")), nextApply)
	case v.text("rotation_due") != "":
		s.Status = Waiting
		s.note("The key is due for rotation: "+v.text("rotation_due"), nextApply)
	}
}
