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

// outline is a page that was visited, as the report has it.
type outline struct {
	site, page string
	lines      []string
	failed     bool
}

// mostPages is how many pages a report has, so that a person can read it.
const mostPages = 20

// keep takes note of a page. One that looks like another is kept once: with what failed on it, if anything did.
func (t *Teller) keep(s browser.Snapshot) {
	made := outline{site: s.Site, page: browser.Mask(s.Page), lines: s.Shown.Outline(s.Secret), failed: s.Failed}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.pages {
		if other.site == made.site && slices.Equal(other.lines, made.lines) {
			t.pages[i].failed = other.failed || made.failed
			return
		}
	}
	t.pages = append(t.pages, made)
}

// Report writes an outline of each page that was visited: roles, names and states, and of values no more than that they
// are there.
func (t *Teller) Report(out io.Writer, version string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "Pages that terraform-provider-kustom %s has seen\n\nValues are masked. Please look through it before you attach it to an issue.\n", version)
	// What failed comes first, and stays where there are too many.
	slices.SortStableFunc(t.pages, func(a, b outline) int { return cmp.Compare(rank(a), rank(b)) })
	for _, page := range t.pages[:min(len(t.pages), mostPages)] {
		fmt.Fprintf(&text, "\n== %s, %s", page.site, page.page)
		if page.failed {
			text.WriteString(" (where something was not found)")
		}
		text.WriteString(" ==\n\n" + strings.Join(page.lines, "\n") + "\n")
	}
	_, err := io.WriteString(out, t.discreet(text.String()))
	return err
}

func rank(o outline) int {
	if o.failed {
		return 0
	}
	return 1
}

// discreet leaves out the names of shops, stores and people.
func (t *Teller) discreet(text string) string {
	if len(t.hidden) == 0 {
		return text
	}
	names := slices.Clone(t.hidden)
	// The longest first: a name may begin with another one.
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for i, name := range names {
		names[i] = regexp.QuoteMeta(name)
	}
	return regexp.MustCompile(`(?i)`+strings.Join(names, "|")).ReplaceAllLiteralString(text, "▒")
}
