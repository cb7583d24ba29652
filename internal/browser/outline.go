package browser

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Outline describes a page's elements for people: roles, names and states, one line each. It replaces values by
// a note that there is one. It holds no identifier, no secret, no address and no number, so it can be shared.
// Secret matches the site's secrets; nil matches none.
func (p *Page) Outline(secret *regexp.Regexp) []string {
	o := outliner{hidden: map[*Element]bool{}}
	if secret != nil {
		o.hide(p, secret)
	}
	lines := o.children(p.Element)
	if len(lines) > mostLines {
		lines = append(lines[:mostLines], "…")
	}
	return lines
}

// outliner writes outlines.
type outliner struct {
	// hidden are the pieces of text that may be part of a secret.
	hidden map[*Element]bool
}

// longestSecret is how much text, from the start of a secret, may belong to it.
const longestSecret = 160

// hide finds the pieces of text that may be part of a secret. A secret may be split over any number of
// elements.
func (o outliner) hide(p *Page, secret *regexp.Regexp) {
	var all strings.Builder
	var pieces []*Element
	var ends []int
	for e := range p.All() {
		if e.Role == textRole {
			all.WriteString(strings.Join(strings.Fields(tidy(e.text)), ""))
			pieces, ends = append(pieces, e), append(ends, all.Len())
		}
	}
	for _, match := range secret.FindAllStringIndex(all.String(), -1) {
		start := 0
		for i, end := range ends {
			if end > match[0] && start < match[0]+longestSecret {
				o.hidden[pieces[i]] = true
			}
			start = end
		}
	}
}

// text returns the text in e, with possible secrets masked.
func (o outliner) text(e *Element) string {
	for inner := range e.All() {
		if o.hidden[inner] {
			return maskedWord
		}
	}
	return maskText(e.Text())
}

const (
	// outlineIndent is the additional indentation of a nested line.
	outlineIndent = "  "
	// mostLines is the maximum number of lines, so that a person can read the outline.
	mostLines = 200
)

// children returns the lines of the elements in e. Repeated blocks appear once, with their number.
func (o outliner) children(e *Element) []string {
	var blocks [][]string
	var inline strings.Builder
	end := func() {
		if text := maskText(inline.String()); text != "" {
			blocks = append(blocks, []string{quoted("text", text)})
		}
		inline.Reset()
	}
	var add func(*Element)
	add = func(at *Element) {
		for _, child := range at.children {
			switch {
			case o.hidden[child]:
				inline.WriteString(" " + maskedWord + " ")
			case child.Role == textRole:
				inline.WriteString(child.text)
			case child.Role == "" && !child.Clickable && !child.block:
				add(child)
			default:
				end()
				if block := o.element(child); len(block) > 0 {
					blocks = append(blocks, block)
				}
			}
		}
	}
	add(e)
	end()
	return collapse(blocks)
}

// collapse joins blocks, and writes equal neighbours once.
func collapse(blocks [][]string) []string {
	var lines []string
	for i := 0; i < len(blocks); {
		same := i + 1
		for same < len(blocks) && slices.Equal(blocks[same], blocks[i]) {
			same++
		}
		first := blocks[i][0]
		if n := same - i; n > 1 {
			first += fmt.Sprintf(" (%d times)", n)
		}
		lines = append(lines, first)
		lines = append(lines, blocks[i][1:]...)
		i = same
	}
	return lines
}

// valueRoles are the roles of elements that hold values and not names.
func valueRoles() []string {
	return []string{"cell", "gridcell", "definition", "option", "textbox", "searchbox", "combobox", "spinbutton", "time"}
}

// element returns the lines of one element; none if it adds nothing.
func (o outliner) element(e *Element) []string {
	inner := o.inner(e)
	if e.Role == "" && !e.Clickable {
		return inner
	}
	line := e.Role
	if line == "" {
		line = "box that takes clicks"
	}
	name := maskText(e.Name)
	if name == "" && e.isNamedByText() {
		name, inner = o.text(e), nil
	}
	if name != "" {
		line = quoted(line, name)
	}
	for _, hint := range []struct{ what, text string }{{"placeholder", e.Placeholder}, {"title", e.Title}} {
		if text := maskText(hint.text); text != "" {
			line += ", " + quoted(hint.what, text)
		}
	}
	if states := e.states(); len(states) > 0 {
		line += " (" + strings.Join(states, ", ") + ")"
	}
	for i := range inner {
		inner[i] = outlineIndent + inner[i]
	}
	if len(inner) == 0 && line == e.Role && e.HasRole(emptyRoles()...) {
		return nil
	}
	return append([]string{line}, inner...)
}

// isNamedByText reports whether an element's text is its name.
func (e *Element) isNamedByText() bool {
	if e.Role == "" {
		return !slices.ContainsFunc(e.Actions(), func(inner *Element) bool { return inner != e })
	}
	return e.HasRole("link", "button", "tab", "menuitem", "menuitemradio", "heading", "columnheader", "label", "term")
}

// emptyRoles returns the roles that add nothing to an outline without a name or content.
func emptyRoles() []string {
	return []string{"list", "listitem", "row", "group", "presentation", "none", "img", "region", "section"}
}

// inner returns the lines of the content of e. For a value, it only says that there is one.
func (o outliner) inner(e *Element) []string {
	if !e.HasRole(valueRoles()...) {
		return o.children(e)
	}
	var lines []string
	if text := e.Text(); text != "" {
		lines = append(lines, formOf(text))
	}
	for _, action := range e.Actions() {
		if action != e {
			lines = append(lines, o.element(action)...)
		}
	}
	return lines
}

// states returns an element's visible states.
func (e *Element) states() []string {
	var states []string
	add := func(is bool, state string) {
		if is {
			states = append(states, state)
		}
	}
	add(e.Expanded == "true", "open")
	add(e.Expanded == "false", "closed")
	add(e.Popup != "", "opens something")
	add(e.Disabled, "disabled")
	add(e.Selected, "selected")
	add(e.Current, "current")
	add(e.Modal, "modal")
	add(e.ReadOnly, "can't be edited")
	add(e.Type == "password", "hidden input")
	add(e.Value != "" && e.HasRole("textbox", "searchbox", "combobox"), "filled in")
	return states
}

func quoted(what, text string) string { return fmt.Sprintf("%s “%s”", what, text) }

var (
	emailForm  = regexp.MustCompile(`\S+@\S+`)
	amountForm = regexp.MustCompile(`(?i)^(kr|nok|sek|dkk|eur|€|\$|£)?\s*-?[\d.,\s]+(kr|nok|sek|dkk|eur|€|\$|£)?$`)
)

// formOf describes the kind of a value's text.
func formOf(text string) string {
	letters, digits := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	switch {
	case emailForm.MatchString(text):
		return "(an e-mail address)"
	case digits == 0 && letters == 0:
		return "(a mark)"
	case letters == 0 || amountForm.MatchString(text):
		return "(a number)"
	case digits > 0 && !strings.Contains(text, " "):
		return "(an identifier)"
	case digits > 0:
		return "(text with a number, such as a date)"
	}
	return "(text)"
}

const (
	// maskedWord replaces a word that may be a value.
	maskedWord = "▒"
	// longestWord is the maximum length of a word that may be a name on a page.
	longestWord = 20
	// fewest is how many single letters in a row may be a secret that is drawn letter by letter.
	fewest = 5
)

// maskText returns a text of the page in which all possible values are masked.
func maskText(text string) string {
	words := strings.Fields(tidy(text))
	single := 0
	for i, word := range words {
		if single++; len([]rune(word)) > 1 {
			single = 0
		}
		if single >= fewest {
			return maskedWord
		}
		if mayBeValue(word) {
			words[i] = maskedWord
		}
	}
	words = slices.CompactFunc(words, func(a, b string) bool { return a == maskedWord && b == maskedWord })
	text = strings.Join(words, " ")
	if len(words) == 1 && len([]rune(text)) == 1 && isWordLetter([]rune(text)[0]) {
		return maskedWord
	}
	if letters := []rune(text); len(letters) > longest/2 {
		text = string(letters[:longest/2]) + "…"
	}
	return text
}

// Mask returns a text in which all possible values are masked, as in an outline.
func Mask(text string) string { return maskText(text) }

// mayBeValue reports whether a word may be a value and not a word of a language: it has a digit, a character of
// addresses and identifiers, or inner capital letters, or is too long.
func mayBeValue(word string) bool {
	inner := strings.TrimFunc(word, func(r rune) bool { return !isWordLetter(r) })
	letters := []rune(inner)
	if len(letters) > longestWord || strings.ContainsAny(inner, "@_=+/\\:") {
		return true
	}
	allUpper := inner == strings.ToUpper(inner)
	const longestAcronym = 5
	if allUpper && len(letters) > longestAcronym && strings.ToLower(inner) != inner {
		return true
	}
	for i, r := range letters {
		if unicode.IsDigit(r) || i > 0 && unicode.IsUpper(r) && unicode.IsLower(letters[i-1]) {
			return true
		}
	}
	return false
}

func isWordLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
