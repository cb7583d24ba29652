package report

import (
	_ "embed" // The page is embedded.
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page.html.tmpl
var pageText string

// HTML writes the report as one page that needs nothing else. It can be read without its script, which only sorts.
func (r *Report) HTML(out io.Writer) error {
	page, err := template.New("report").Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(out, htmlPage{r})
}

// htmlPage is what the template shows.
type htmlPage struct{ *Report }

// Remarks are what the report does not know.
func (p htmlPage) Remarks() []string { return p.remarks() }

// GoneTitle is the title of the column of keys.
func (p htmlPage) GoneTitle() string { return p.goneTitle() }

// Attention are the shops that need attention.
func (p htmlPage) Attention() []Shop { return p.attention() }

// Errors is what an error that ended the plan means.
func (p htmlPage) Errors() string { return p.errors() }

// Total is a count with its name.
type Total struct {
	Count int
	Name  string
	// Class is what it is shown as.
	Class string
}

// Bar are the counts of the shops' statuses, for a bar that shows them beside each other.
func (p htmlPage) Bar() []Total {
	return slices.DeleteFunc(p.Totals(), func(t Total) bool { return t.Class == "" })
}

// Totals are the counts.
func (p htmlPage) Totals() []Total {
	shops, others := p.named()
	totals := []Total{{shops, verb(shops, "shop", "shops"), ""}}
	for _, status := range order {
		if n := p.Count(status); n > 0 {
			totals = append(totals, Total{n, status.said(n), status.Class()})
		}
	}
	if others > 0 {
		totals = append(totals, Total{others, verb(others, "other object", "other objects"), ""})
	}
	gone, later := p.Keys()
	if p.Plan && gone > 0 {
		totals = append(totals, Total{gone, verb(gone, "key", "keys") + " deleted now", ""})
	}
	if later > 0 {
		totals = append(totals, Total{later, verb(later, "key", "keys") + " deleted later", ""})
	}
	return totals
}

// Class returns what a status is shown as.
func (s Status) Class() string { return strings.ReplaceAll(string(s), " ", "-") }

// GetsNew tells whether a plan gives the shop a key that only the apply knows.
func (s Shop) GetsNew() bool { return s.Status == NewKey && s.New == "" }

// Changes tells whether one key takes the place of another.
func (s Shop) Changes() bool {
	return s.Old != s.New && s.Old != "" && (s.New != "" || s.Status == NewKey || s.Status == Leaves)
}

// Key returns the one key that a shop has.
func (s Shop) Key() string {
	if s.New == "" {
		return s.Old
	}
	return s.New
}
