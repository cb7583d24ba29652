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

// maxPages is the largest number of pages in a report.
const maxPages = 20

// keep records a page. Pages with the same outline are recorded once.
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

// Report writes an outline of each visited page: roles, names and states. It masks all values.
func (t *Teller) Report(out io.Writer, version string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	fmt.Fprintf(&text, "Pages that terraform-provider-kustom %s has seen\n\nValues are masked. Please look through it before you attach it to an issue.\n", version)
	// Failed pages come first, so that the limit does not drop them.
	slices.SortStableFunc(t.pages, func(a, b outline) int { return cmp.Compare(rank(a), rank(b)) })
	for _, page := range t.pages[:min(len(t.pages), maxPages)] {
		fmt.Fprintf(&text, "\n== %s, %s", page.site, page.page)
		if page.failed {
			text.WriteString(" (where something was not found)")
		}
		text.WriteString(" ==\n\n" + strings.Join(page.lines, "\n") + "\n")
	}
	_, err := io.WriteString(out, t.redact(text.String()))
	return err
}

func rank(o outline) int {
	if o.failed {
		return 0
	}
	return 1
}

// redact masks the names of shops, stores and people.
func (t *Teller) redact(text string) string {
	if len(t.hidden) == 0 {
		return text
	}
	names := slices.Clone(t.hidden)
	// The longest first, because a name may begin with another one.
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for i, name := range names {
		names[i] = regexp.QuoteMeta(name)
	}
	return regexp.MustCompile(`(?i)`+strings.Join(names, "|")).ReplaceAllLiteralString(text, "▒")
}

// Watch receives what a browser sees; see [browser.Options].
func (t *Teller) Watch(s browser.Snapshot) {
	if s.Passed != nil {
		t.finding(s.Site, *s.Passed)
	}
	if s.Shown != nil {
		t.keep(s)
	}
}

// Hides reports whether text contains the name of a shop, a store or a person.
func (t *Teller) Hides(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.redact(name) != name
}
