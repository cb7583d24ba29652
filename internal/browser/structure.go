package browser

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Structure describes an element that a user has pointed at, so that it can be found again. It holds no value,
// and no text that may be one.
type Structure struct {
	// Tag and Role are as in [Element].
	Tag  string `json:"tag"`
	Role string `json:"role,omitempty"`
	// Name is the element's name; empty if the name may be a value.
	Name string `json:"name,omitempty"`
	// Inside are the roles of the elements around it, such as a menu or a dialog, the nearest first.
	Inside []string `json:"inside,omitempty"`
	// Place distinguishes it from similar elements.
	Place *Place `json:"place,omitempty"`
}

// Place is an element's position among similar ones.
type Place struct {
	// After and Before are the labels of the nearest known elements on both sides. One of them may be empty.
	After  string `json:"after,omitempty"`
	Before string `json:"before,omitempty"`
	// Entry reports that the position is within a list entry, such as the row of a key.
	Entry bool `json:"entry,omitempty"`
	// Nth is the position between After and Before, from 1. Of is the number of similar elements there.
	Nth int `json:"nth"`
	Of  int `json:"of"`
}

// The reasons why an element can't be taught, for the user.
var (
	errNoField = errors.New("you can't type into it")
	errNoText  = errors.New("it has no text that the provider may write down, and the provider finds this thing by " +
		"its text")
	errNoPlace     = errors.New("it has no name that the provider may write down, and the provider knows nothing beside it")
	errNotFoundYet = errors.New("it looks the same as other elements on the page")
	errNeverTaught = errors.New("the provider never clicks it")
)

// check rejects what no description can contain.
func (s Structure) check(label string, table Table) error {
	if _, ok := table[label]; !ok {
		return ErrNoLabel
	}
	switch p := s.Place; {
	case s.Tag == "":
		return errors.New("it lacks the tag")
	case s.Name == "" && p == nil:
		return errors.New("it has neither a name nor a place")
	case s.Name != "" && !mayTell(s.Name):
		return errors.New("its name may be a value, such as an ID, and this file must not hold values")
	case p == nil:
		return nil
	case p.Nth < 1 || p.Of < p.Nth:
		return errors.New("the number of its place is out of range")
	case p.Entry == (p.After != "" || p.Before != ""):
		return errors.New("its place must be either in an entry, or after or before a known label")
	}
	for _, known := range []string{s.Place.After, s.Place.Before} {
		if _, ok := table[known]; !ok && known != "" {
			return fmt.Errorf("its place is beside %q, which is not a label", Mask(known))
		}
	}
	return nil
}

// mayTell reports whether a name may be saved: it is short, and no word of it may be a value.
func mayTell(name string) bool {
	return plain(name) != "" && len([]rune(name)) <= longestName/2 && tidy(name) == name && maskText(name) == name
}

// containers are the roles that describe an element's location on a page.
func containers() []string {
	return []string{
		"navigation", "main", "complementary", "banner", "form", "search", "dialog", "alertdialog", "menu", "menubar", "listbox", "tablist",
		"table", "grid", "row", "article", "list",
	}
}

// insideOf returns the roles of the elements around an element.
func insideOf(e *Element) []string {
	var roles []string
	for at := e.parent; at != nil; at = at.parent {
		if at.HasRole(containers()...) {
			roles = append(roles, at.Role)
		}
	}
	return roles
}

// fits reports whether an element has this structure, at any place.
func (t Target) fits(s Structure, e *Element) bool {
	return e.Tag == s.Tag && e.Role == s.Role && slices.Equal(insideOf(e), s.Inside) &&
		(s.Name == "" || slices.ContainsFunc(t.namesOf(e), func(name string) bool { return plain(name) == plain(s.Name) }))
}

// alike returns the elements in e with this structure.
func (t Target) alike(s Structure, e *Element) []*Element {
	var found []*Element
	for candidate := range e.All() {
		if candidate.Tag != "" && t.fits(s, candidate) {
			found = append(found, candidate)
		}
	}
	return distinct(found)
}

// Shown returns the elements in e that a user has pointed at. It returns none if nobody has, or if nothing on
// the page has that structure any more.
func (t Target) Shown(e *Element) []*Element {
	for _, s := range t.site.taught.of(t.Label) {
		if found := t.match(s, e); len(found) > 0 {
			return found
		}
	}
	return nil
}

func (t Target) match(s Structure, e *Element) []*Element {
	var found []*Element
	switch {
	case s.Place == nil:
		found = t.alike(s, e.root())
	case s.Place.Entry:
		found = s.Place.among(t.alike(s, e))
	default:
		found = s.Place.among(t.between(s, e.root()))
	}
	if len(found) > 1 && t.Kind != Text {
		return nil
	}
	return slices.DeleteFunc(found, func(at *Element) bool { return !e.Contains(at) })
}

// isHeading reports whether an element is the target as the heading of a column, or the label beside a value.
func (t Target) isHeading(e *Element, least int) bool {
	for _, s := range t.site.taught.of(t.Label) {
		for inner := range e.All() {
			if t.fits(s, inner) {
				return true
			}
		}
	}
	return max(t.fit(e.Text()), t.fit(e.Name)) >= least
}

// among returns the element at this position, if the number of similar elements is unchanged.
func (p Place) among(alike []*Element) []*Element {
	if len(alike) != p.Of {
		return nil
	}
	return alike[p.Nth-1 : p.Nth]
}

// between returns the similar elements between the known elements of a place.
func (t Target) between(s Structure, page *Element) []*Element {
	after, before := t.site.anchor(page, s.Place.After), t.site.anchor(page, s.Place.Before)
	if s.Place.After != "" && after == nil || s.Place.Before != "" && before == nil {
		return nil
	}
	order := orderOf(page)
	return slices.DeleteFunc(t.alike(s, page), func(e *Element) bool {
		return after != nil && (order[e] < order[after] || after.Contains(e)) || before != nil && (order[e] > order[before] || e.Contains(before))
	})
}

// orderOf says which element comes before which.
func orderOf(page *Element) map[*Element]int {
	order := map[*Element]int{}
	for e := range page.All() {
		order[e] = len(order)
	}
	return order
}

// anchor returns the one element on a page with a label's name; nil if there are none or several.
func (w Words) anchor(page *Element, label string) *Element {
	if label == "" {
		return nil
	}
	t := w.Text(label)
	isTaught := func(e *Element) bool {
		return slices.ContainsFunc(w.taught.of(label), func(s Structure) bool { return s.Place == nil && t.fits(s, e) })
	}
	var found []*Element
	for e := range page.All() {
		if e.Tag == "" || e.HasRole("option") {
			continue
		}
		if isTaught(e) || slices.ContainsFunc(t.namesOf(e), func(name string) bool { return t.fit(name) == exact }) {
			found = append(found, e)
		}
	}
	if found = distinct(found); len(found) != 1 {
		return nil
	}
	return found[0]
}

// root returns the page that an element is on.
func (e *Element) root() *Element {
	at := e
	for at.parent != nil {
		at = at.parent
	}
	return at
}

// meant returns the element that a user means: the functional one, such as the button around a text.
func (t Target) meant(e *Element) (*Element, error) {
	around := e.Closest(func(at *Element) bool {
		return t.Kind.matches(at) && (t.Kind == Text || t.Kind == Field || acts(at) || at.Text() == e.Text())
	})
	switch {
	case around != nil:
		return around, nil
	case t.Kind == Field:
		return nil, errNoField
	case t.Kind == Text:
		return nil, errNoText
	}
	return e, nil
}

// describe describes an element. Entry is the list entry around it; nil if that does not matter. Hidden are names
// of people, shops and stores.
func (t Target) describe(e, entry *Element, hidden func(string) bool) (Structure, error) {
	s := Structure{Tag: e.Tag, Role: e.Role, Inside: insideOf(e)}
	for _, name := range t.namesOf(e) {
		if s.Name == "" && mayTell(name) && !hidden(name) {
			s.Name = name
		}
	}
	switch {
	case t.Kind == Text && s.Name == "":
		return Structure{}, errNoText
	case entry != nil:
		s.Place = placeIn(e, t.alike(s, entry))
		s.Place.Entry = true
	case s.Name == "" || t.Kind != Text && len(t.alike(s, e.root())) > 1:
		var err error
		if s.Place, err = t.placeOf(s, e); err != nil {
			return Structure{}, err
		}
	}
	scope := e.root()
	if entry != nil {
		scope = entry
	}
	if found := t.match(s, scope); !slices.ContainsFunc(found, func(at *Element) bool { return at.Contains(e) || e.Contains(at) }) {
		return Structure{}, errNotFoundYet
	}
	return s, nil
}

// placeIn returns an element's index among some elements.
func placeIn(e *Element, alike []*Element) *Place {
	i := slices.IndexFunc(alike, func(at *Element) bool { return at.Contains(e) || e.Contains(at) })
	return &Place{Nth: i + 1, Of: len(alike)}
}

// placeOf returns an element's position among similar ones, between the nearest known elements.
func (t Target) placeOf(s Structure, e *Element) (*Place, error) {
	page := e.root()
	order := orderOf(page)
	beside := Place{}
	var after, before *Element
	for _, label := range t.site.labels() {
		at := t.site.anchor(page, label)
		switch {
		case at == nil || label == t.Label || at.Contains(e) || e.Contains(at):
		case order[at] < order[e] && (after == nil || order[at] > order[after]):
			beside.After, after = label, at
		case order[at] > order[e] && (before == nil || order[at] < order[before]):
			beside.Before, before = label, at
		}
	}
	if after == nil && before == nil {
		return nil, errNoPlace
	}
	s.Place = &beside
	counted := placeIn(e, t.between(s, page))
	beside.Nth, beside.Of = counted.Nth, counted.Of
	if beside.Nth == 0 {
		return nil, errNotFoundYet
	}
	return &beside, nil
}

// String describes the structure in words.
func (s Structure) String() string {
	var text strings.Builder
	text.WriteString("a " + s.Tag)
	if s.Role != "" && s.Role != s.Tag {
		text.WriteString(" that is a " + s.Role)
	}
	if s.Name != "" {
		fmt.Fprintf(&text, ", called %q", s.Name)
	}
	if len(s.Inside) > 0 {
		text.WriteString(", in a " + strings.Join(s.Inside, " in a "))
	}
	if p := s.Place; p != nil {
		fmt.Fprintf(&text, ", number %d of %d", p.Nth, p.Of)
		if p.Entry {
			text.WriteString(" in its row")
		}
		if p.After != "" {
			text.WriteString(" after " + p.After)
		}
		if p.Before != "" {
			text.WriteString(" before " + p.Before)
		}
	}
	return text.String()
}
