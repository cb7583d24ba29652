package browser

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Structure is how something on a page is built that a person has pointed at: by what it is found again. It
// holds no value, and no text that may be one.
type Structure struct {
	// Tag and Role are as in [Element].
	Tag  string `json:"tag"`
	Role string `json:"role,omitempty"`
	// Name is what it is called; empty where that may be a value.
	Name string `json:"name,omitempty"`
	// Inside are the roles of what it is in, such as a menu or a dialog, the nearest first.
	Inside []string `json:"inside,omitempty"`
	// Place tells it from what is built alike.
	Place *Place `json:"place,omitempty"`
}

// Place is where something is among what is built alike.
type Place struct {
	// After and Before are the labels of the nearest known things on both sides; one of them may be empty.
	After  string `json:"after,omitempty"`
	Before string `json:"before,omitempty"`
	// Entry says that it is counted within an entry of a list, such as the row of a key.
	Entry bool `json:"entry,omitempty"`
	// Nth says which it is between those, from 1, and Of how many there are.
	Nth int `json:"nth"`
	Of  int `json:"of"`
}

// Why something can't be taught, for the person.
var (
	errNoField     = errors.New("that is nothing that can be typed into")
	errNoText      = errors.New("that has no text that may be written down: what is read is known by what it is called")
	errNoPlace     = errors.New("that has no name that may be written down, and nothing that is known stands beside it")
	errNotFoundYet = errors.New("that can't be told from other things on the page")
	errNeverTaught = errors.New("that is never clicked")
)

// check holds what a file says to what can be.
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
		return errors.New("its name may be a value, such as an ID, which has no place in this file")
	case p == nil:
		return nil
	case p.Nth < 1 || p.Of < p.Nth:
		return errors.New("its place is not one of those that there are")
	case p.Entry == (p.After != "" || p.Before != ""):
		return errors.New("its place is either in an entry, or after or before what is known")
	}
	for _, known := range []string{s.Place.After, s.Place.Before} {
		if _, ok := table[known]; !ok && known != "" {
			return fmt.Errorf("its place is beside %q, which is no label", Mask(known))
		}
	}
	return nil
}

// mayTell tells whether a name may be written down: it is short, and no word of it may be a value.
func mayTell(name string) bool {
	return plain(name) != "" && len([]rune(name)) <= longestName/2 && tidy(name) == name && maskText(name) == name
}

// containers are the roles of what says where on a page something is.
func containers() []string {
	return []string{
		"navigation", "main", "complementary", "banner", "form", "search", "dialog", "alertdialog", "menu", "menubar", "listbox", "tablist",
		"table", "grid", "row", "article", "list",
	}
}

// insideOf returns the roles of what an element is in.
func insideOf(e *Element) []string {
	var roles []string
	for at := e.parent; at != nil; at = at.parent {
		if at.HasRole(containers()...) {
			roles = append(roles, at.Role)
		}
	}
	return roles
}

// fits tells whether an element is built so, wherever it stands.
func (t Thing) fits(s Structure, e *Element) bool {
	return e.Tag == s.Tag && e.Role == s.Role && slices.Equal(insideOf(e), s.Inside) &&
		(s.Name == "" || slices.ContainsFunc(t.namesOf(e), func(name string) bool { return plain(name) == plain(s.Name) }))
}

// alike returns what is built so in e.
func (t Thing) alike(s Structure, e *Element) []*Element {
	var found []*Element
	for candidate := range e.All() {
		if candidate.Tag != "" && t.fits(s, candidate) {
			found = append(found, candidate)
		}
	}
	return distinct(found)
}

// Shown returns what is in e of what a person has pointed at; nothing where nobody has, or where the page has
// nothing that is built so any more.
func (t Thing) Shown(e *Element) []*Element {
	for _, s := range t.site.lessons.of(t.Label) {
		if found := t.match(s, e); len(found) > 0 {
			return found
		}
	}
	return nil
}

func (t Thing) match(s Structure, e *Element) []*Element {
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

// heads tells whether an element is the heading of a column, or the name beside a value, that the thing is.
func (t Thing) heads(e *Element, least int) bool {
	for _, s := range t.site.lessons.of(t.Label) {
		for inner := range e.All() {
			if t.fits(s, inner) {
				return true
			}
		}
	}
	return max(t.fit(e.Text()), t.fit(e.Name)) >= least
}

// among returns the one that is in this place, if there are as many as there were.
func (p Place) among(alike []*Element) []*Element {
	if len(alike) != p.Of {
		return nil
	}
	return alike[p.Nth-1 : p.Nth]
}

// between returns what is built alike between the known things of a place.
func (t Thing) between(s Structure, page *Element) []*Element {
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

// anchor returns the one thing on a page that has a label's name; nil where it has none, or several.
func (w Words) anchor(page *Element, label string) *Element {
	if label == "" {
		return nil
	}
	t := w.Text(label)
	isTaught := func(e *Element) bool {
		return slices.ContainsFunc(w.lessons.of(label), func(s Structure) bool { return s.Place == nil && t.fits(s, e) })
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

// meant returns what a person means who points at an element: what is made for it, such as the button around a
// text.
func (t Thing) meant(e *Element) (*Element, error) {
	around := e.Closest(func(at *Element) bool {
		return t.Kind.could(at) && (t.Kind == Text || t.Kind == Field || acts(at) || at.Text() == e.Text())
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

// learn writes down how an element is built. Entry is the entry of a list in which it is; nil where that is of no
// concern. Hidden are names of people, shops and stores.
func (t Thing) learn(e, entry *Element, hidden func(string) bool) (Structure, error) {
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

// placeIn returns which of some elements one is.
func placeIn(e *Element, alike []*Element) *Place {
	i := slices.IndexFunc(alike, func(at *Element) bool { return at.Contains(e) || e.Contains(at) })
	return &Place{Nth: i + 1, Of: len(alike)}
}

// placeOf returns where an element stands among what is built alike, between the nearest known things.
func (t Thing) placeOf(s Structure, e *Element) (*Place, error) {
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

// String says in words how something is built.
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
