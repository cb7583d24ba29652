package report

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Advice in notes.
const (
	nextApply   = "Apply again: the next plan includes this shop."
	nextMend    = "Fix that, and apply again: the next plan includes this shop."
	nextWait    = "Apply again then, or let a nightly run do it."
	nextWarning = "Read the plan's warnings."
	nextDelete  = "Fix that, and apply again: the next plan deletes it."
)

// planConnection adds the rows of a connection's planned change.
func (r *Report) planConnection(c *change) {
	before, after := c.Change.Before, c.Change.After
	moves := before != nil && after != nil && before.text("shop") != after.text("shop")
	if after == nil || moves {
		r.Shops = append(r.Shops, leaving(c, before.text("shop"), before, before))
		before = nil
	}
	if after == nil {
		return
	}
	r.Shops = append(r.Shops, planned(c, after.text("shop"), before, after, asObject(c.Change.Unknown)))
}

// planFleet adds a row for each shop of a fleet's planned change.
func (r *Report) planFleet(c *change) {
	unknown := asObject(c.Change.Unknown)
	before, after := c.Change.Before.object("shops"), c.Change.After.object("shops")
	if c.Change.After != nil && after == nil {
		r.Shops = append(r.Shops, Shop{Address: c.Address, Status: Undecided, Notes: []Note{{
			What: "The fleet's shops are known only during the apply, or are marked as sensitive.", Next: nextWarning,
		}}})
		return
	}
	for _, name := range before.names() {
		if _, stays := after[name]; !stays {
			r.Shops = append(r.Shops, leaving(c, name, before.object(name), c.Change.Before))
		}
	}
	for _, name := range after.names() {
		r.Shops = append(r.Shops, planned(c, name, before.object(name), after.object(name), unknown.object("shops").object(name)))
	}
}

// planned returns the row of a shop that the plan keeps or connects.
func planned(c *change, name string, before, after, unknown object) Shop {
	s := Shop{Name: name, Store: after.text("merchant_id"), Address: c.Address, Why: after.text("reason")}
	s.Old = before.text("username")
	switch {
	case after == nil:
		return s.sensitive()
	case unknown.is("keys_to_delete") || unknown.is("reason"):
		s.Status, s.Why = Undecided, ""
		s.note("The plan could not decide what happens to this shop. The shop could not be read, or a value is known "+
			"only during the apply.", nextWarning)
		return s
	case unknown.is("credential_id"):
		s.Status = NewKey
		s.Old = after.text("previous_username")
		s.noteStoreChange(before, after)
	case before != nil && changesKeys(before, after):
		s.Status, s.New = KeysOnly, s.Old
	default:
		return s.unchanged(after)
	}
	s.Deleted, s.DeletedLater = keys(after.objects("keys_to_delete"))
	s.Kept, _ = keys(after.objects("keys_kept"))
	if c.isTainted() {
		s.note("An earlier run did not finish this shop.", "This plan gives it a new key.")
	}
	if problem := before.text("last_error"); problem != "" {
		s.note("The last apply failed: "+problem, "This plan tries again: fix that first.")
	}
	return s
}

// unchanged returns the row of a shop that the plan does not change.
func (s Shop) unchanged(now object) Shop {
	s.Status, s.New, s.Why = Unchanged, s.Old, ""
	s.DeletedLater = leftKeys(now)
	s.Notes = nil
	s.noteState(now)
	return s
}

// sensitive returns the row of a shop whose values are all sensitive.
func (s Shop) sensitive() Shop {
	s.Status = Undecided
	s.note("Everything about this shop is marked as sensitive.", "Mark less as sensitive.")
	return s
}

// changesKeys reports whether a plan that generates no key changes what happens to keys.
func changesKeys(before, after object) bool {
	for _, name := range []string{"reason", "keys_to_delete", "keys_kept"} {
		if !reflect.DeepEqual(before[name], after[name]) {
			return true
		}
	}
	return false
}

// leaving returns the row of a shop that the configuration no longer has. Rules has the deletion policy.
func leaving(c *change, name string, shop, rules object) Shop {
	s := Shop{Name: name, Store: shop.text("merchant_id"), Address: c.Address, Status: Leaves, Old: shop.text("username")}
	s.New = s.Old
	if rules.text("deletion_policy") != "clear" || c.does("forget") {
		s.Why = "not in the configuration any more; the shop keeps its key"
		return s
	}
	s.New, s.Why = "", "not in the configuration any more"
	if s.Old != "" {
		s.Deleted = []Key{{Username: s.Old, Host: shop.text("host")}}
	}
	s.noteClearing()
	return s
}

// note adds a note about the shop.
func (s *Shop) note(what, next string) { s.Notes = append(s.Notes, Note{What: what, Next: next}) }

func (s *Shop) noteClearing() {
	s.note("The shop's credentials are cleared: the shop takes no payments with Klarna Checkout V3 until it gets another key.",
		`To keep them, set deletion_policy to "retain" and apply that first.`)
}

// noteStoreChange warns if payments go to another merchant. After is the planned object.
func (s *Shop) noteStoreChange(before, after object) {
	from := before.text("merchant_id")
	switch {
	case from != "" && from != s.Store:
		s.note(fmt.Sprintf("The shop's payments go to another merchant: from store %s to store %s.", from, s.Store),
			"Check that you want this.")
	case hasForeignKey(s.Store, s.Old, after):
		s.note(fmt.Sprintf("The shop's payments go to another merchant, store %s: the shop's current key belongs to "+
			"another store.", s.Store),
			"Check that you want this.")
	}
}

// hasForeignKey reports whether the shop's key belongs to another store, by its username or by the kept keys.
func hasForeignKey(store, username string, after object) bool {
	if of := storeOf(username); of != "" {
		return of != store
	}
	return username != "" && slices.ContainsFunc(after.objects("keys_kept"), func(key object) bool {
		return key.text("username") == username && key.text("merchant_id") != store
	})
}

// planExclusive adds the row of a store whose other keys are deleted.
func (r *Report) planExclusive(c *change) {
	if c.Change.After == nil || c.does("no-op") {
		return
	}
	s := Shop{Store: c.Change.After.text("merchant_id"), Address: c.Address, Status: KeysOnly, Why: "not one of the keys " +
		"that the store may have"}
	s.Deleted, s.DeletedLater = keys(c.Change.After.objects("keys_to_delete"))
	if asObject(c.Change.Unknown).is("keys_to_delete") {
		s.Status, s.Why = Undecided, ""
		s.note("The plan can't tell which of the store's keys the apply deletes.", nextWarning)
	}
	if s.Notes != nil || s.Deleted != nil || s.DeletedLater != nil {
		r.Shops = append(r.Shops, s)
	}
}

// stateFleet adds a row for each shop of a fleet's state.
func (r *Report) stateFleet(o *resource) {
	shops := o.Values.object("shops")
	if shops == nil {
		r.Shops = append(r.Shops, Shop{Address: o.Address, Status: Undecided, Notes: []Note{{What: "The fleet's shops are marked as sensitive."}}})
	}
	for _, name := range shops.names() {
		r.Shops = append(r.Shops, found(o, name, shops.object(name)))
	}
}

// found returns the row of a connected shop in a state.
func found(o *resource, name string, now object) Shop {
	s := Shop{
		Name: name, Store: now.text("merchant_id"), Address: o.Address, Status: Done, Why: now.text("reason"), New: now.text("username"),
	}
	if now == nil {
		return s.sensitive()
	}
	s.Old = now.text("previous_username")
	s.DeletedLater = leftKeys(now)
	gone, waiting := keys(now.objects("keys_to_delete"))
	s.Deleted = slices.DeleteFunc(append(gone, waiting...), func(key Key) bool {
		return slices.ContainsFunc(s.DeletedLater, func(left Key) bool { return left.Username == key.Username })
	})
	s.Kept, _ = keys(now.objects("keys_kept"))
	if o.Tainted {
		s.Status = Failed
		s.note("An earlier run did not finish this shop.", nextApply)
		return s
	}
	s.noteState(now)
	if s.Status == Failed {
		// The plan was not carried out.
		s.Deleted, s.DeletedLater, s.Kept = nil, nil, nil
		if s.New != "" {
			s.Old = s.New
		}
		s.New = ""
	}
	return s
}

// noteState notes what a shop waits for, or why it failed.
func (s *Shop) noteState(now object) {
	problem := now.text("last_error")
	switch {
	case problem != "":
		s.Status = Failed
		s.note(problem, nextMend)
	case now.text("username") == "":
		s.Status = Failed
		s.note("The provider has not given the shop a key yet.", nextApply)
	case kustom.IsLegacyHost(now.text("host")):
		s.Status = Waiting
		s.note(fmt.Sprintf("The shop's key still belongs to %s.", now.text("host")), nextApply)
	case len(s.DeletedLater) > 0:
		s.Status = Waiting
		s.noteLeft()
	}
}

// noteLeft notes why replaced keys are left. Failed deletions come first, because they need somebody.
func (s *Shop) noteLeft() {
	waiting := slices.DeleteFunc(slices.Clone(s.DeletedLater), func(key Key) bool { return key.Problem != "" })
	for _, key := range s.DeletedLater {
		if key.Problem != "" {
			s.note(fmt.Sprintf("The shop has its new key. The replaced key %s could not be deleted: %s", key.Username, key.Problem), nextDelete)
		}
	}
	if len(waiting) > 0 {
		s.note(fmt.Sprintf("The deletion of %s waits for this: %s.", count(len(waiting), "replaced key"), waiting[0].WaitsFor), nextWait)
	}
}
