// Package report reports what a saved plan does with each shop and its keys, or what a state says about them, as
// Markdown or as an HTML page. It reads the output of "terraform show -json" or "tofu show -json". A report has no
// secret.
package report

import (
	"cmp"
	"io"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Read reads the JSON of a plan or of a state.
func Read(in io.Reader) (*Report, error) {
	d, err := decode(in)
	if err != nil {
		return nil, err
	}
	redactor := hide(d)
	r := &Report{Plan: d.isPlan(), Wave: d.wave()}
	uses := d.lastUses()
	if r.Plan {
		r.readPlan(d)
		r.Unused = d.unusedKeys(r.Shops)
	} else {
		r.readState(d)
	}
	for i := range r.Shops {
		r.Shops[i].date(uses)
	}
	for _, c := range d.Checks {
		r.Checks = append(r.Checks, c.notes()...)
	}
	r.clean(redactor)
	slices.SortStableFunc(r.Shops, compare)
	return r, nil
}

// compare sorts rows that need attention to the top.
func compare(a, b Shop) int {
	return cmp.Or(
		-cmp.Compare(min(1, len(a.Notes)), min(1, len(b.Notes))),
		cmp.Compare(slices.Index(order, a.Status), slices.Index(order, b.Status)),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Store, b.Store), cmp.Compare(a.Address, b.Address))
}

// clean redacts every text.
func (r *Report) clean(redactor *vendortext.Redactor) {
	show := func(texts ...*string) {
		for _, text := range texts {
			*text = redactor.Show(vendortext.New(*text))
		}
	}
	notes := func(notes []Note) {
		for i := range notes {
			show(&notes[i].What, &notes[i].Next)
		}
	}
	keys := func(keys []Key) {
		for i := range keys {
			show(&keys[i].Username, &keys[i].Host, &keys[i].LastUsed, &keys[i].WaitsFor, &keys[i].Problem)
		}
	}
	show(&r.Wave)
	keys(r.Unused)
	notes(r.Checks)
	for i := range r.Shops {
		s := &r.Shops[i]
		show(&s.Name, &s.Store, &s.Address, &s.Old, &s.New, &s.Why)
		keys(s.Deleted)
		keys(s.DeletedLater)
		keys(s.Kept)
		notes(s.Notes)
	}
}

// readPlan adds the shops of a plan.
func (r *Report) readPlan(d *document) {
	r.Partial = d.Complete != nil && !*d.Complete
	r.Errored = d.Errored
	var pairs pairs
	for i := range d.Changes {
		c := &d.Changes[i]
		switch c.Type {
		case typeConnection:
			r.planConnection(c)
		case typeFleet:
			r.planFleet(c)
		case typeKey:
			pairs.keys = append(pairs.keys, c)
		case typeCredentials:
			pairs.credentials = append(pairs.credentials, c)
		case typeExclusive:
			r.planExclusive(c)
		}
	}
	r.Shops = append(r.Shops, pairs.shops(d)...)
	r.dropMoved()
}

// dropMoved removes the row of a shop or key that only moves from one object to another.
func (r *Report) dropMoved() {
	shops, keys := map[string]bool{}, map[string]bool{}
	for _, s := range r.Shops {
		if s.Status != Leaves {
			shops[s.Name], keys[s.Old] = true, true
		}
	}
	r.Shops = slices.DeleteFunc(r.Shops, func(s Shop) bool {
		stays := shops[s.Name]
		if s.Name == "" {
			stays = keys[s.Old]
		}
		return stays && s.Status == Leaves && len(s.Notes)+len(s.Deleted) == 0
	})
}

// readState adds the shops of a state.
func (r *Report) readState(d *document) {
	var pairs statePairs
	for _, o := range d.resources() {
		switch o.Type {
		case typeConnection:
			r.Shops = append(r.Shops, found(o, o.Values.text("shop"), o.Values))
		case typeFleet:
			r.stateFleet(o)
		case typeKey:
			pairs.keys = append(pairs.keys, o)
		case typeCredentials:
			pairs.credentials = append(pairs.credentials, o)
		}
	}
	r.Shops = append(r.Shops, pairs.shops()...)
}
