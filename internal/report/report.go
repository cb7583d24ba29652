// Package report says what a saved plan does with each shop and its keys, or what a state says of them, in a form that
// a person can review: Markdown for a comment, or an HTML page. It reads what "terraform show -json" or "tofu show
// -json" prints. A report has no secret.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Status says what becomes of a shop, or how it is.
type Status string

// The statuses. The first ones are of plans, the others of states; both have [Waiting] and [Failed].
const (
	NewKey    Status = "new key"
	Undecided Status = "not decided yet"
	KeysOnly  Status = "old keys deleted"
	Leaves    Status = "leaves"
	Failed    Status = "failed"
	Waiting   Status = "waiting"
	Unchanged Status = "unchanged"
	Done      Status = "done"
)

// order is the order in which a report has the statuses.
var order = []Status{Failed, Undecided, NewKey, KeysOnly, Leaves, Waiting, Unchanged, Done}

// Key is a key of a store.
type Key struct {
	Username, Host string
	// LastUsed is when the key was last used, or that it never was; empty where that is not known.
	LastUsed string
	// WaitsFor is what the key's deletion waits for; empty where it waits for nothing.
	WaitsFor string
	// Problem is why the key could not be deleted; empty where it could, or waits.
	Problem string
}

// Note is something that needs attention.
type Note struct {
	// What is what it is about, and Next what to do.
	What, Next string
}

// Shop is one row of a report: a shop, or a key that is not known to belong to one.
type Shop struct {
	// Name is empty where the shop is not known, and Store where the store is not.
	Name, Store string
	// Address is where Terraform has it.
	Address string
	Status  Status
	// Old is the username of the key that the shop has or, in a state, that it had before New. In a plan, New is empty
	// where only the apply will tell.
	Old, New string
	Why      string
	// Gone are the keys that the plan deletes or, in a state, that the last change has deleted. Later are those that are
	// still to be deleted, and Kept those that go out of use and stay.
	Gone, Later, Kept []Key
	// Notes are what needs attention.
	Notes []Note
}

// Report is what a plan or a state says.
type Report struct {
	// Plan says that it is of a plan, and not of a state.
	Plan bool
	// Wave is the value of the variable of that name; empty where there is none.
	Wave  string
	Shops []Shop
	// Stay are keys that no shop is known to use and that the plan does not delete.
	Stay []Key
	// Checks are the checks that fail.
	Checks []Note
	// Errored says that the plan ended with an error.
	Errored bool
	// Partial says that the plan does not have all that the configuration asks for.
	Partial bool
}

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
		r.Stay = d.strays(r.Shops)
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

// compare puts what needs attention first.
func compare(a, b Shop) int {
	return cmp.Or(
		-cmp.Compare(min(1, len(a.Notes)), min(1, len(b.Notes))),
		cmp.Compare(slices.Index(order, a.Status), slices.Index(order, b.Status)),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Store, b.Store), cmp.Compare(a.Address, b.Address))
}

// clean makes every text fit to be shown.
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
	keys(r.Stay)
	notes(r.Checks)
	for i := range r.Shops {
		s := &r.Shops[i]
		show(&s.Name, &s.Store, &s.Address, &s.Old, &s.New, &s.Why)
		keys(s.Gone)
		keys(s.Later)
		keys(s.Kept)
		notes(s.Notes)
	}
}

// NeedsAttention tells whether something needs attention.
func (r *Report) NeedsAttention() bool {
	return r.Errored || len(r.Checks) > 0 || len(r.attention()) > 0
}

// attention returns the shops that need attention.
func (r *Report) attention() []Shop {
	var shops []Shop
	for _, s := range r.Shops {
		if len(s.Notes) > 0 {
			shops = append(shops, s)
		}
	}
	return shops
}

// Count returns how many shops have a status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, s := range r.Shops {
		if s.Status == status && s.Name != "" {
			n++
		}
	}
	return n
}

// named returns how many rows are of shops, and how many are not known to be.
func (r *Report) named() (shops, others int) {
	for _, s := range r.Shops {
		if s.Name != "" {
			shops++
		} else {
			others++
		}
	}
	return shops, others
}

// Keys returns how many keys a plan deletes, and how many it deletes later. A key of two shops is one key.
func (r *Report) Keys() (gone, later int) {
	now, then := map[string]bool{}, map[string]bool{}
	for _, s := range r.Shops {
		for _, key := range s.Gone {
			now[key.Username] = true
		}
		for _, key := range s.Later {
			then[key.Username] = true
		}
	}
	return len(now), len(then)
}

// Summary returns one line of plain text with all counts.
func (r *Report) Summary() string {
	what := "State of"
	switch {
	case r.Errored:
		what = "Plan with an error for"
	case r.Plan:
		what = "Plan for"
	}
	var counts []string
	for _, status := range order {
		if n := r.Count(status); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, status.said(n)))
		}
	}
	shops, others := r.named()
	parts := []string{what + " " + count(shops, "shop")}
	if len(counts) > 0 {
		parts[0] += ": " + strings.Join(counts, ", ")
	}
	if others > 0 {
		parts = append(parts, count(others, "other object"))
	}
	gone, later := r.Keys()
	if r.Plan && gone > 0 {
		parts = append(parts, count(gone, "key")+" deleted now")
	}
	if later > 0 {
		parts = append(parts, count(later, "key")+" deleted later")
	}
	return strings.Join(append(parts, r.attentionCounts()...), "; ")
}

// attentionCounts says how much needs attention.
func (r *Report) attentionCounts() []string {
	if !r.NeedsAttention() {
		return []string{"nothing needs attention"}
	}
	var parts []string
	if n := len(r.attention()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d %s attention", n, verb(n, "needs", "need")))
	}
	if n := len(r.Checks); n > 0 {
		parts = append(parts, fmt.Sprintf("%s %s", count(n, "check"), verb(n, "fails", "fail")))
	}
	return parts
}

// said returns what follows a number of shops with this status.
func (s Status) said(n int) string {
	switch s {
	case NewKey:
		return verb(n, "gets a new key", "get a new key")
	case KeysOnly:
		return verb(n, "only has old keys deleted", "only have old keys deleted")
	case Leaves:
		return verb(n, "leaves", "leave")
	default:
		return string(s)
	}
}

// verb returns what goes with one thing, or with several.
func verb(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// knowsUse tells whether the report knows of any key when it was last used.
func (r *Report) knowsUse() bool {
	return slices.ContainsFunc(r.Shops, func(s Shop) bool {
		return slices.ContainsFunc(slices.Concat(s.Gone, s.Later), func(key Key) bool { return key.LastUsed != "" })
	})
}

// remarks are what the report does not know.
func (r *Report) remarks() []string {
	var remarks []string
	if gone, later := r.Keys(); r.Plan && gone+later > 0 && !r.knowsUse() {
		remarks = append(remarks, "This plan does not say when these keys were last used. It does if the configuration has the data "+
			"source kustom_api_keys.")
	}
	if r.Partial {
		remarks = append(remarks, "This plan does not have all that the configuration asks for: another plan has to follow it.")
	}
	return remarks
}
