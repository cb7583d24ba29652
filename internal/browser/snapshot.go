package browser

import (
	"regexp"
	"slices"
)

// Snapshot is what a tab saw of a page at the end of a step, or an element that it used on the way. It may hold a
// secret.
type Snapshot struct {
	// Site, Host, Page and Step are as in a [Record].
	Site, Host, Page, Step string
	// Shown is the page; nil if the snapshot is about an element on the way.
	Shown *Page
	// Passed is an element on the way; nil if the snapshot is about a page.
	Passed *Finding
	// Secret matches the site's secrets; nil matches none.
	Secret *regexp.Regexp
	// Failed reports that the step did not find what it looked for.
	Failed bool
}

// Finding says whether a page has an element.
type Finding struct {
	Target Target
	// What describes an element that is found by structure and not by a name.
	What string
	// Found is the element's name on the page; empty if it was not found.
	Found string
	// Several reports that there is more than one.
	Several bool
	// Nearest are the names of similar elements, the most similar first, without names that may identify
	// somebody.
	Nearest []string
	// Optional reports that the page need not have the element.
	Optional bool
	// Taught reports that the element was found because a user has pointed at it.
	Taught bool
	// Entry is the list entry in which the element is searched; nil if the whole page is searched.
	Entry *Element
}

// OK reports whether the element was found or is optional.
func (f Finding) OK() bool { return f.Found != "" && !f.Several || f.Optional }

// Examine looks for an element on a page. A text may be there more than once.
func (p *Page) Examine(t Target) Finding {
	f := Finding{Target: t}
	found := p.Find(t)
	if len(found) == 0 {
		f.Nearest = p.nearest(t, nearestNames)
		return f
	}
	f.Found, f.Several = t.nameOn(found[0]), len(found) > 1 && t.Kind != Text
	f.Taught = len(t.Shown(p.Element)) > 0
	return f
}

// nameOn returns the name of the element that matches the target best.
func (t Target) nameOn(e *Element) string {
	best, name := unlike, ""
	for _, candidate := range t.namesOf(e) {
		if fit := t.fit(candidate); fit > best {
			best, name = fit, candidate
		}
	}
	if name == "" {
		return t.Words[0]
	}
	return name
}

// snap passes a page to OnSnapshot.
func (t *Tab) snap(s Step, page *Page, err error) {
	if page == nil || t.gate.isPrivate() {
		return
	}
	t.browser.options.OnSnapshot(Snapshot{
		Site: t.account.site.Name, Host: t.account.site.URL.Host, Page: s.Page, Step: s.Do, Shown: page, Secret: t.account.site.Secret, Failed: err != nil,
	})
}

// reportElement passes an element on the way to OnSnapshot.
func (t *Tab) reportElement(s Step, target Target, e *Element) {
	t.browser.options.OnSnapshot(Snapshot{
		Site: t.account.site.Name, Host: t.account.site.URL.Host, Page: s.Page, Step: s.Do,
		Passed: &Finding{Target: target, Found: t.redact(target.nameOn(e)), Taught: slices.Contains(target.Shown(e.root()), e)},
	})
}
