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

// HTML writes the report as one page without other files. Its script only sorts; the page works without it.
func (r *Report) HTML(out io.Writer) error {
	page, err := template.New("report").Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(out, htmlPage{r})
}

// htmlPage is the data of the template.
type htmlPage struct{ *Report }

// Remarks returns what the report does not know.
func (p htmlPage) Remarks() []string { return p.remarks() }

// DeletedTitle returns the title of the column of keys.
func (p htmlPage) DeletedTitle() string { return p.deletedTitle() }

// Attention returns the shops that need attention.
func (p htmlPage) Attention() []Shop { return p.attention() }

// Errors returns the note about an error that ended the plan.
func (p htmlPage) Errors() string { return p.errors() }

// Total is a count with its name.
type Total struct {
	Count int
	Name  string
	// Class is its CSS class.
	Class string
}

// Bar returns the counts by status, for the bar.
func (p htmlPage) Bar() []Total {
	return slices.DeleteFunc(p.Totals(), func(t Total) bool { return t.Class == "" })
}

// Totals returns all counts.
func (p htmlPage) Totals() []Total {
	shops, others := p.countRows()
	totals := []Total{{shops, verb(shops, "shop", "shops"), ""}}
	for _, status := range order {
		if n := p.Count(status); n > 0 {
			totals = append(totals, Total{n, status.phrase(n), status.Class()})
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

// Class returns a status's CSS class.
func (s Status) Class() string { return strings.ReplaceAll(string(s), " ", "-") }

// GetsNew reports whether the plan gives the shop a key that only the apply knows.
func (s Shop) GetsNew() bool { return s.Status == NewKey && s.New == "" }

// Changes reports whether one key replaces another.
func (s Shop) Changes() bool {
	return s.Old != s.New && s.Old != "" && (s.New != "" || s.Status == NewKey || s.Status == Leaves)
}

// Key returns the only key of the shop.
func (s Shop) Key() string {
	if s.New == "" {
		return s.Old
	}
	return s.New
}
