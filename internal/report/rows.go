package report

import (
	"fmt"
	"slices"
	"strings"
)

// Status is the planned change or the state of a shop.
type Status string

// The statuses. Plans have the first four, states have [Done]. Both have [Failed], [Waiting] and [Unchanged].
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

// order is the order of the statuses in a report.
var order = []Status{Failed, Undecided, NewKey, KeysOnly, Leaves, Waiting, Unchanged, Done}

// Key is a key of a store.
type Key struct {
	Username, Host string
	// LastUsed says when the key was last used, or that it never was; empty if unknown.
	LastUsed string
	// WaitsFor is what the deletion waits for; empty if for nothing.
	WaitsFor string
	// Problem says why the key could not be deleted; empty if it could, or if it waits.
	Problem string
}

// Note is something that needs attention.
type Note struct {
	// What says what it is, and Next what to do.
	What, Next string
}

// Shop is one row of a report: a shop, or a key that is not known to belong to one.
type Shop struct {
	// Name is empty if the shop is unknown, and Store if the store is.
	Name, Store string
	// Address is Terraform's address of the object.
	Address string
	Status  Status
	// Old is the username of the shop's key in a plan, or of the key before New in a state. In a plan, New is empty
	// if only the apply knows it.
	Old, New string
	Why      string
	// Deleted are the keys that the plan deletes, or that the last apply deleted. DeletedLater are those that wait for
	// their deletion. Kept go out of use and stay.
	Deleted, DeletedLater, Kept []Key
	// Notes say what needs attention.
	Notes []Note
}

// Report is the report of a plan or a state.
type Report struct {
	// Plan says that it is the report of a plan.
	Plan bool
	// Wave is the value of the variable wave; empty if there is none.
	Wave  string
	Shops []Shop
	// Unused are the keys that no known shop uses, and that the plan does not delete.
	Unused []Key
	// Checks are the failed checks.
	Checks []Note
	// Errored says that the plan ended with an error.
	Errored bool
	// Partial says that the plan does not cover the whole configuration.
	Partial bool
}

// NeedsAttention reports whether something needs attention.
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

// Count returns how many shops have the status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, s := range r.Shops {
		if s.Status == status && s.Name != "" {
			n++
		}
	}
	return n
}

// countRows counts the rows of shops, and the other rows.
func (r *Report) countRows() (shops, others int) {
	for _, s := range r.Shops {
		if s.Name != "" {
			shops++
		} else {
			others++
		}
	}
	return shops, others
}

// Keys counts the keys that are deleted now, and those that are deleted later. It counts a key of two shops once.
func (r *Report) Keys() (gone, later int) {
	now, then := map[string]bool{}, map[string]bool{}
	for _, s := range r.Shops {
		for _, key := range s.Deleted {
			now[key.Username] = true
		}
		for _, key := range s.DeletedLater {
			then[key.Username] = true
		}
	}
	return len(now), len(then)
}

// Summary returns all counts on one line of plain text.
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
			counts = append(counts, fmt.Sprintf("%d %s", n, status.phrase(n)))
		}
	}
	shops, others := r.countRows()
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

// attentionCounts returns the counts of what needs attention.
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

// phrase returns the words after a number of shops.
func (s Status) phrase(n int) string {
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

// verb returns one for 1, or else several.
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

// knowsUse reports whether the last use of any key is known.
func (r *Report) knowsUse() bool {
	return slices.ContainsFunc(r.Shops, func(s Shop) bool {
		return slices.ContainsFunc(slices.Concat(s.Deleted, s.DeletedLater), func(key Key) bool { return key.LastUsed != "" })
	})
}

// remarks returns what the report does not know.
func (r *Report) remarks() []string {
	var remarks []string
	if gone, later := r.Keys(); r.Plan && gone+later > 0 && !r.knowsUse() {
		remarks = append(remarks, "This plan does not say when these keys were last used. To see that, add the data "+
			"source kustom_api_keys to the configuration.")
	}
	if r.Partial {
		remarks = append(remarks, "This plan does not do everything that the configuration asks for. After the apply, "+
			"plan again.")
	}
	return remarks
}
