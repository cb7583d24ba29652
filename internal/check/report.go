package check

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// maxPages is the maximum number of pages in a report.
const maxPages = 20

// outline is a visited page, as the report shows it.
type outline struct {
	site, page string
	lines      []string
	failed     bool
}

// record records the outline of a page. Pages with the same outline are recorded once.
func (p *Printer) record(s browser.Snapshot) {
	made := outline{site: s.Site, page: browser.Mask(s.Page), lines: s.Shown.Outline(s.Secret), failed: s.Failed}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.pages {
		if other.site == made.site && slices.Equal(other.lines, made.lines) {
			p.pages[i].failed = other.failed || made.failed
			return
		}
	}
	p.pages = append(p.pages, made)
}

// Report writes an outline of each visited page: roles, names and states. It masks all values.
func (p *Printer) Report(out io.Writer, version string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "Pages that terraform-provider-kustom %s has seen\n\n"+
		"Values are masked. Look through it before you attach it to an issue.\n", version)
	// Failed pages come first, so that the limit does not drop them.
	slices.SortStableFunc(p.pages, func(a, b outline) int { return cmp.Compare(rank(a), rank(b)) })
	for _, page := range p.pages[:min(len(p.pages), maxPages)] {
		fmt.Fprintf(&text, "\n== %s, %s", page.site, page.page)
		if page.failed {
			text.WriteString(" (where something was not found)")
		}
		text.WriteString(" ==\n\n" + strings.Join(page.lines, "\n") + "\n")
	}
	_, err := io.WriteString(out, p.redact(text.String()))
	return err
}

// rank sorts failed pages first.
func rank(o outline) int {
	if o.failed {
		return 0
	}
	return 1
}

// redact masks the names of shops, stores and people.
func (p *Printer) redact(text string) string {
	if len(p.hidden) == 0 {
		return text
	}
	names := slices.Clone(p.hidden)
	// The longest first, because a name may begin with another one.
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for i, name := range names {
		names[i] = regexp.QuoteMeta(name)
	}
	return regexp.MustCompile(`(?i)`+strings.Join(names, "|")).ReplaceAllLiteralString(text, "▒")
}

// Observe prints the finding of a snapshot and records its page. It has the form of browser.Options.OnSnapshot.
func (p *Printer) Observe(s browser.Snapshot) {
	if s.Passed != nil {
		p.finding(s.Site, *s.Passed)
	}
	if s.Shown != nil {
		p.record(s)
	}
}

// Masks reports whether a text contains a name that the report masks: of a shop, a store or a person.
func (p *Printer) Masks(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.redact(text) != text
}
