package browser

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// AbsentError says that a page does not have an element, or not yet. While a step waits, it means: look again.
type AbsentError struct {
	// Targets are the missing elements, and Way other elements that would lead to them.
	Targets, Way []Target
	// What describes a missing element in words, such as the column of a table.
	What string
	// Several reports that there were several and that the choice is ambiguous.
	Several bool
	// RightPage reports that this is the right page and only lacks the element: no click leads on.
	RightPage bool
}

// Error implements error.
func (e *AbsentError) Error() string {
	if e.What != "" {
		return e.What
	}
	var all []string
	for _, target := range e.Targets {
		all = append(all, target.String())
	}
	text := "the page does not have " + strings.Join(all, ", ")
	if e.Several {
		text = "the page has more than one of " + strings.Join(all, ", ")
	}
	return text
}

// Absent returns an [*AbsentError] in words.
func Absent(format string, args ...any) error {
	return &AbsentError{What: fmt.Sprintf(format, args...)}
}

// One returns the one matching element in e, or an [*AbsentError] if there is none or more than one.
func (e *Element) One(t Target) (*Element, error) {
	found := e.Find(t)
	switch len(found) {
	case 0:
		return nil, &AbsentError{Targets: []Target{t}}
	case 1:
		return found[0], nil
	}
	return nil, &AbsentError{Targets: []Target{t}, Several: true}
}

// Has reports whether e has at least one matching element.
func (e *Element) Has(t Target) bool { return len(e.Find(t)) > 0 }

// Find returns the elements in e that match the target best, in the order of the page. An element that a user
// has pointed at comes first, if it is still built the same; otherwise the name decides. If one element is
// within another, Find returns the one with the fitting role.
func (e *Element) Find(t Target) []*Element {
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
	// A clickable box without a role counts if nothing else has the exact name.
	if written, at := e.fitting(t, slices.DeleteFunc(e.Leaves(), notPressable)); at == exact {
		return written
	}
	return found
}

// preferred drops the elements without the role of a list if one with that role was found.
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

// notPressable reports whether an element is plain text, which the provider never clicks.
func notPressable(e *Element) bool {
	return nil != e.Closest(func(at *Element) bool {
		return at.HasRole("heading", "columnheader", "label", "option", "alert", "status") || at.Tag == "p"
	})
}

// fitting returns the candidates that match best, and how well.
func (e *Element) fitting(t Target, candidates []*Element) (found []*Element, best int) {
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

// candidates returns the elements in e that may be the target, whatever their name.
func (t Target) candidates(e *Element) []*Element {
	var all []*Element
	for candidate := range e.All() {
		if t.Kind.matches(candidate) {
			all = append(all, candidate)
		}
	}
	return all
}

// matches reports whether an element may be of a kind.
func (k TargetKind) matches(e *Element) bool {
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

// longestName is the maximum length of a text that counts as a name.
const longestName = 80

// namesOf returns the possible names of an element.
func (t Target) namesOf(e *Element) []string {
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

// Caption returns the short text right before a field, which readers take for its name.
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

// distinct drops elements that are within another one or around it. An element with its own role stays;
// otherwise the outer one does. Links to the same page count as one.
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

// acts reports whether an element's role makes it clickable.
func acts(e *Element) bool {
	return e.HasRole("button", "link", "tab", "menuitem", "menuitemradio", "combobox", "textbox", "searchbox")
}

// Dialogs returns the elements that lie over the page and ask something. The last one opened comes last.
func (p *Page) Dialogs() []*Element {
	var found []*Element
	for e := range p.All() {
		if !e.HasRole("dialog", "alertdialog") && !e.Modal && !p.isOverlay(e) {
			continue
		}
		// The box around a dialog, such as its backdrop, is not a second dialog.
		found = slices.DeleteFunc(found, func(outer *Element) bool { return outer.Contains(e) })
		found = append(found, e)
	}
	return found
}

// isOverlay reports whether an element without a role is drawn over the page, holds text, and can be answered.
// It covers the middle of the window, as dialogs do. Side menus, headers, chats, banners and toasts lie at the
// edges.
func (p *Page) isOverlay(e *Element) bool {
	if e.Position != "fixed" || !e.Box.covers(p.width/half, p.height/half) || e.HasRole("navigation", "complementary", "alert", "status") || e.Tag == "header" {
		return false
	}
	clickable, menu := false, false
	for inner := range e.All() {
		clickable = clickable || inner.Clickable && inner.Role != "link"
		menu = menu || inner.HasRole("navigation", "main", "menu", "listbox") || inner.Tag == "header"
	}
	// The frame of a whole page may be fixed too. It has nothing behind it.
	return clickable && !menu && e.Text() != "" && len(p.Text()) > len(e.Text())+fewLetters
}

const (
	half = 2
	// fewLetters is how much of a page's text may lie outside of its frame, such as in a toast.
	fewLetters = 20
)

// covers tells whether a point is in the box.
func (b Box) covers(x, y int) bool {
	return b.X <= x && x < b.X+b.Width && b.Y <= y && y < b.Y+b.Height
}

// Actions returns the clickable elements in e that are not within another one.
func (e *Element) Actions() []*Element {
	var all []*Element
	for candidate := range e.All() {
		if candidate.Clickable {
			all = append(all, candidate)
		}
	}
	return distinct(all)
}

// nearest returns the elements of a target's kind on the page, the most similar names first.
func (p *Page) nearest(t Target, most int) []string {
	var names []string
	for _, candidate := range t.candidates(p.Element) {
		name := candidate.Label()
		if t.Kind == Field || t.Kind == Choice {
			name = cmp.Or(candidate.Name, candidate.Placeholder, candidate.Caption())
		}
		if name != "" && len([]rune(name)) <= longestName/2 && !slices.Contains(names, name) && !mayIdentify(name) {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(t.similarity(b), t.similarity(a)) })
	return names[:min(len(names), most)]
}

// mayIdentify reports whether a name may identify somebody: an address, or a number.
func mayIdentify(name string) bool {
	digits := 0
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	const most = 3
	return digits > most || strings.Contains(name, "@")
}

// similarity returns how similar a text is to one of the target's names, from 0 to 1: the share of letter pairs
// that both have. A long text is not similar only because it has many letters.
func (t Target) similarity(text string) float64 {
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
