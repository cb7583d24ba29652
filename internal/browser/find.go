package browser

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// AbsentError says that a page does not have, or not yet, what is looked for. While a step waits, it means
// to look again.
type AbsentError struct {
	// Things are what was looked for, and Way what else would lead to it.
	Things, Way []Thing
	// What says it in words where it is not a thing, such as the column of a table.
	What string
	// Several says that there were too many, and nothing tells which is meant.
	Several bool
	// Here says that the page is the one that is looked for, and only lacks this: there is no way on from it.
	Here bool
}

// Error implements error.
func (e *AbsentError) Error() string {
	if e.What != "" {
		return e.What
	}
	var all []string
	for _, thing := range e.Things {
		all = append(all, thing.String())
	}
	text := "there is not " + strings.Join(all, ", ")
	if e.Several {
		text = "there is more than one " + strings.Join(all, ", ")
	}
	return text
}

// Absent returns an [*AbsentError] in words.
func Absent(format string, args ...any) error {
	return &AbsentError{What: fmt.Sprintf(format, args...)}
}

// One returns the one thing in e, or an [*AbsentError] where there is none, or more than one.
func (e *Element) One(t Thing) (*Element, error) {
	found := e.Find(t)
	switch len(found) {
	case 0:
		return nil, &AbsentError{Things: []Thing{t}}
	case 1:
		return found[0], nil
	}
	return nil, &AbsentError{Things: []Thing{t}, Several: true}
}

// Has tells whether there is at least one such thing in e.
func (e *Element) Has(t Thing) bool { return len(e.Find(t)) > 0 }

// Find returns the elements in e that fit the thing best, in the order of the page: what a person has pointed
// at, where that is still built so, or else what has its name. Of two that are one in the other, the one that is
// made for it is returned.
func (e *Element) Find(t Thing) []*Element {
	if found := t.Shown(e); len(found) > 0 {
		return found
	}
	found, level := e.fitting(t, t.candidates(e))
	if t.Kind == Choice {
		return preferred(found)
	}
	if t.Kind != Action || level == exact {
		return found
	}
	// A box without a role still takes clicks, where nothing else has the very name.
	if written, at := e.fitting(t, slices.DeleteFunc(e.Leaves(), notPressable)); at == exact {
		return written
	}
	return found
}

// preferred drops boxes that only may be lists where there are some that say so.
func preferred(found []*Element) []*Element {
	var lists []*Element
	for _, e := range found {
		if e.HasRole("combobox", "listbox") || e.Popup == "listbox" {
			lists = append(lists, e)
		}
	}
	if len(lists) > 0 {
		return lists
	}
	return found
}

// notPressable tells whether a text is not one that would be clicked.
func notPressable(e *Element) bool {
	return nil != e.Closest(func(at *Element) bool {
		return at.HasRole("heading", "columnheader", "label", "option", "alert", "status") || at.Tag == "p"
	})
}

// fitting returns the candidates that fit best, and how well.
func (e *Element) fitting(t Thing, candidates []*Element) (found []*Element, best int) {
	for _, candidate := range candidates {
		level := unlike
		for _, name := range t.namesOf(candidate) {
			level = max(level, t.fit(name))
		}
		if level == unlike || level < best {
			continue
		}
		if level > best {
			found, best = nil, level
		}
		found = append(found, candidate)
	}
	return distinct(found), best
}

// candidates returns what could be the thing in e, whatever it is called.
func (t Thing) candidates(e *Element) []*Element {
	var all []*Element
	for candidate := range e.All() {
		if t.Kind.could(candidate) {
			all = append(all, candidate)
		}
	}
	return all
}

// could tells whether an element may be of a kind.
func (k ThingKind) could(e *Element) bool {
	switch k {
	case Action:
		return e.Clickable && !e.HasRole("option", "combobox", "textbox", "searchbox")
	case Field:
		return e.HasRole("textbox", "searchbox", "spinbutton") || e.HasRole("combobox") && e.Tag == "input"
	case Choice:
		return e.HasRole("combobox", "listbox") || e.Popup == "listbox" || e.Clickable && e.Popup != "menu" && e.HasRole("", "button")
	case Text:
		return e.Role != textRole && e.own() != ""
	}
	return false
}

// longestName is how much text something may have that is called by it.
const longestName = 80

// namesOf returns what an element may be called.
func (t Thing) namesOf(e *Element) []string {
	switch t.Kind {
	case Field:
		return []string{e.Name, e.Placeholder, e.Title, e.Caption()}
	case Choice:
		return []string{e.Name, e.Title, e.Caption()}
	case Action, Text:
	}
	names := []string{e.Name, e.Title, e.own()}
	if text := e.Text(); len([]rune(text)) <= longestName {
		names = append(names, text)
	}
	return names
}

// Caption returns the short text right before a field, which is what people take for its name.
func (e *Element) Caption() string {
	const levels = 4
	inner := e
	for range levels {
		outer := inner.parent
		if outer == nil {
			return ""
		}
		if text := lastTextBefore(outer, e); text != "" {
			return text
		}
		inner = outer
	}
	return ""
}

// lastTextBefore returns the last short text in outer before e; none where another field is between.
func lastTextBefore(outer, e *Element) string {
	text := ""
	for at := range outer.All() {
		if at == e {
			break
		}
		switch {
		case at.Contains(e):
		case at.HasRole("textbox", "searchbox", "combobox", "checkbox", "radio"):
			text = ""
		case at.Role != textRole && at.own() != "" && len([]rune(at.own())) <= longestName:
			text = at.own()
		case at.Role == textRole && at.parent.Contains(e) && tidy(at.text) != "":
			text = tidy(at.text)
		}
	}
	return text
}

// distinct drops what is in another of the elements, or around it: what has a role of its own stays, or else
// what is outside. Links to the same page are one.
func distinct(found []*Element) []*Element {
	var kept []*Element
	for _, e := range found {
		i := slices.IndexFunc(kept, func(k *Element) bool {
			return k.Contains(e) || e.Contains(k) || e.Path != "" && e.Path == k.Path
		})
		switch {
		case i < 0:
			kept = append(kept, e)
		case kept[i].Contains(e) && !acts(kept[i]) && acts(e):
			kept[i] = e
		}
	}
	return kept
}

// acts tells whether an element is made to be clicked by its role.
func acts(e *Element) bool {
	return e.HasRole("button", "link", "tab", "menuitem", "menuitemradio", "combobox", "textbox", "searchbox")
}

// Dialogs returns what lies over the page and asks something: the last opened is the last.
func (p *Page) Dialogs() []*Element {
	var found []*Element
	for e := range p.All() {
		if !e.HasRole("dialog", "alertdialog") && !e.Modal && !p.overlays(e) {
			continue
		}
		// The box around a dialog, such as its backdrop, is not another one.
		found = slices.DeleteFunc(found, func(outer *Element) bool { return outer.Contains(e) })
		found = append(found, e)
	}
	return found
}

// overlays tells whether an element without a role is drawn over the page, holds text, and can be answered. It
// covers the middle of the window, as dialogs do; side menus, heads, chats, banners and toasts lie at its edges.
func (p *Page) overlays(e *Element) bool {
	if e.Position != "fixed" || !e.Box.covers(p.width/half, p.height/half) || e.HasRole("navigation", "complementary", "alert", "status") || e.Tag == "header" {
		return false
	}
	clickable, menu := false, false
	for inner := range e.All() {
		clickable = clickable || inner.Clickable && inner.Role != "link"
		menu = menu || inner.HasRole("navigation", "main", "menu", "listbox") || inner.Tag == "header"
	}
	// The frame of a whole page may be fixed, too: it has nothing behind it.
	return clickable && !menu && e.Text() != "" && len(p.Text()) > len(e.Text())+fewLetters
}

const (
	half = 2
	// fewLetters is how much text of a page may lie outside of the frame of all of it, such as in a toast.
	fewLetters = 20
)

// covers tells whether a point is in the box.
func (b Box) covers(x, y int) bool {
	return b.X <= x && x < b.X+b.Width && b.Y <= y && y < b.Y+b.Height
}

// Actions returns what can be clicked in e, without what is in another such thing.
func (e *Element) Actions() []*Element {
	var all []*Element
	for candidate := range e.All() {
		if candidate.Clickable {
			all = append(all, candidate)
		}
	}
	return distinct(all)
}

// nearest returns what there is on the page of a thing's kind, the likest names first.
func (p *Page) nearest(t Thing, most int) []string {
	var names []string
	for _, candidate := range t.candidates(p.Element) {
		name := candidate.Label()
		if t.Kind == Field || t.Kind == Choice {
			name = cmp.Or(candidate.Name, candidate.Placeholder, candidate.Caption())
		}
		if name != "" && len([]rune(name)) <= longestName/2 && !slices.Contains(names, name) && !telling(name) {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(t.likeness(b), t.likeness(a)) })
	return names[:min(len(names), most)]
}

// telling tells whether a name may be somebody's: an address, or a number.
func telling(name string) bool {
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	const most = 3
	return digits > most || strings.Contains(name, "@")
}

// likeness is how much a text is like one of the thing's names, from 0 to 1: which part of both are pairs of letters
// that the other has too. A long text is not like a name only because it has many letters.
func (t Thing) likeness(text string) float64 {
	const pair = 2
	best, text := 0.0, plain(text)
	for _, word := range t.Words {
		shared, word := 0, plain(word)
		for i := 0; i+pair <= len(word); i++ {
			if strings.Contains(text, word[i:i+pair]) {
				shared++
			}
		}
		best = max(best, float64(pair*shared)/float64(len(word)+len(text)))
	}
	return best
}
