package browser

import (
	"regexp"
	"slices"
)

// Sight is what a tab has seen of a page when a step ended, or what it has used on the way to one. It may hold
// a secret.
type Sight struct {
	// Site, Host, Page and Step are as in a [Record].
	Site, Host, Page, Step string
	// Shown is the page; nil where the sight is of a thing on the way.
	Shown *Page
	// Passed is a thing on the way that was found; nil where the sight is of a page.
	Passed *Finding
	// Secret matches the site's secrets; nil matches none.
	Secret *regexp.Regexp
	// Failed says that the step ended without what it looked for.
	Failed bool
}

// Finding is whether a page has a thing.
type Finding struct {
	Thing Thing
	// What describes it where it is known by structure, and not by a name.
	What string
	// Found is what the found thing is called on the page; empty where it was not found.
	Found string
	// Several says that there is more than one.
	Several bool
	// Nearest are the names of what there is instead, the likest first. Names that may be somebody's are not among
	// them.
	Nearest []string
	// Optional says that the page need not have it.
	Optional bool
	// Taught says that it was found by what a person has pointed at.
	Taught bool
	// Entry is the entry of a list in which the thing is looked for; nil where it is looked for on the whole page.
	Entry *Element
}

// OK tells whether the thing was found, or need not be.
func (f Finding) OK() bool { return f.Found != "" && !f.Several || f.Optional }

// Examine looks for a thing on a page. A text may be there more than once.
func (p *Page) Examine(t Thing) Finding {
	f := Finding{Thing: t}
	found := p.Find(t)
	if len(found) == 0 {
		f.Nearest = p.nearest(t, nearestNames)
		return f
	}
	f.Found, f.Several = t.called(found[0]), len(found) > 1 && t.Kind != Text
	f.Taught = len(t.Shown(p.Element)) > 0
	return f
}

// called returns the name of an element that fits the thing best.
func (t Thing) called(e *Element) string {
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

// watch tells who watches of a page.
func (t *Tab) watch(s Step, page *Page, err error) {
	if page == nil || t.gate.isPrivate() {
		return
	}
	t.browser.options.Watch(Sight{
		Site: t.visitor.site.Name, Host: t.visitor.site.URL.Host, Page: s.Page, Step: s.Do, Shown: page, Secret: t.visitor.site.Secret, Failed: err != nil,
	})
}

// passed tells who watches of a thing on the way.
func (t *Tab) passed(s Step, thing Thing, e *Element) {
	t.browser.options.Watch(Sight{
		Site: t.visitor.site.Name, Host: t.visitor.site.URL.Host, Page: s.Page, Step: s.Do,
		Passed: &Finding{Thing: thing, Found: t.discreet(thing.called(e)), Taught: slices.Contains(thing.Shown(e.root()), e)},
	})
}
