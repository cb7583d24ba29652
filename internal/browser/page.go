package browser

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Page is the visible content of a page at one moment, as one tree. It includes open shadow roots and frames of
// the same origin, and excludes hidden elements. It may hold a secret and must not be logged.
type Page struct {
	// URL is where the page is now.
	URL *url.URL
	*Element
	// Busy reports that part of the page is a placeholder, such as a skeleton or a spinner.
	Busy bool
	// Answered reports that the site has answered a request that a script of the page has made since the tab last loaded a
	// page or clicked. What such a page shows in full needs no long wait for more.
	Answered bool
	// Apart are the hosts of frames of another origin, which can't be read.
	Apart []string

	// document identifies the document among the earlier and later ones of the same tab.
	document string
	// width and height are the window's.
	width, height int
}

// Element is an element of a page, with its content.
type Element struct {
	// Tag is the element's HTML name. It is empty for a piece of text.
	Tag string
	// Role is the element's own role or the one that its tag implies; "text" for a piece of text.
	Role string
	// Name is the accessible name from a label or an attribute. Placeholder and Title are those attributes.
	Name, Placeholder, Title string
	// Value is the value of a field, including a password field.
	Value string
	// Type and Autocomplete are those attributes of an input.
	Type, Autocomplete string
	// Expanded is "true" or "false" for elements that open and close, and empty otherwise.
	Expanded string
	// Popup is what a button opens, such as "menu" or "listbox", if it says so.
	Popup string
	// Moment is the datetime attribute.
	Moment string
	// Path is the target of a link on the page's own host.
	Path string
	// Clickable reports that the element's role or its pointer makes it clickable.
	Clickable bool
	// Disabled, Selected, Current, Modal and ReadOnly are states, however the page expresses them.
	Disabled, Selected, Current, Modal, ReadOnly bool
	// Position is "fixed" or "sticky" for elements that do not scroll with the page.
	Position string
	// Box is where the element is in the window, in CSS pixels.
	Box Box

	block    bool
	text     string
	id       int
	children []*Element
	parent   *Element
}

// Box is a rectangle in CSS pixels.
type Box struct{ X, Y, Width, Height int }

// textRole is the role of a piece of text.
const textRole = "text"

// MarshalJSON writes the element's identity, so that two looks can be compared.
func (e *Element) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(e.id), 10), nil }

// snapshot is the finder's result. Its names are short because a page has thousands of nodes.
type snapshot struct {
	URL      string   `json:"url"`
	Document string   `json:"document"`
	View     [2]int   `json:"view"`
	Busy     bool     `json:"busy"`
	Apart    []string `json:"apart"`
	Nodes    []node   `json:"nodes"`
}

type node struct {
	Parent       int    `json:"p"`
	ID           int    `json:"i"`
	Tag          string `json:"t"`
	Role         string `json:"r"`
	Text         string `json:"x"`
	Name         string `json:"n"`
	Placeholder  string `json:"h"`
	Title        string `json:"l"`
	Value        string `json:"v"`
	Type         string `json:"y"`
	Autocomplete string `json:"a"`
	Expanded     string `json:"e"`
	Popup        string `json:"u"`
	Moment       string `json:"g"`
	Path         string `json:"q"`
	Position     string `json:"f"`
	Clickable    bool   `json:"c"`
	Disabled     bool   `json:"d"`
	Selected     bool   `json:"s"`
	Current      bool   `json:"w"`
	Modal        bool   `json:"m"`
	ReadOnly     bool   `json:"o"`
	Block        bool   `json:"k"`
	Box          [4]int `json:"b"`
}

// newPage converts the finder's result to a page.
func newPage(s snapshot) (*Page, error) {
	address, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("the page's address: %w", err)
	}
	page := &Page{URL: address, Element: &Element{}, Busy: s.Busy, document: s.Document, width: s.View[0], height: s.View[1]}
	for _, source := range s.Apart {
		if frame, err := url.Parse(source); err == nil && frame.Host != "" {
			page.Apart = append(page.Apart, frame.Host)
		}
	}
	all := make([]*Element, len(s.Nodes))
	for i, n := range s.Nodes {
		all[i] = n.element()
		if n.Parent < 0 {
			page.Element = all[i]
			continue
		}
		if n.Parent >= i {
			return nil, fmt.Errorf("the page's tree is invalid")
		}
		all[i].parent = all[n.Parent]
		all[n.Parent].children = append(all[n.Parent].children, all[i])
	}
	return page, nil
}

func (n node) element() *Element {
	return &Element{
		Tag: n.Tag, Role: n.Role, Name: tidy(n.Name), Placeholder: tidy(n.Placeholder), Title: tidy(n.Title), Value: n.Value,
		Type: n.Type, Autocomplete: n.Autocomplete, Expanded: n.Expanded, Popup: n.Popup, Moment: n.Moment, Path: n.Path,
		Clickable: n.Clickable, Disabled: n.Disabled, Selected: n.Selected, Current: n.Current, Modal: n.Modal, ReadOnly: n.ReadOnly,
		Position: n.Position, Box: Box{n.Box[0], n.Box[1], n.Box[2], n.Box[3]}, block: n.Block, text: n.Text, id: n.ID,
	}
}

// ParsePage converts a snapshot in the finder's form to a page. It is for tests and fuzzing.
func ParsePage(data []byte) (*Page, error) {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	return newPage(s)
}

// All yields the element and everything in it, in the order of the page.
func (e *Element) All() iter.Seq[*Element] {
	return func(yield func(*Element) bool) { e.walk(yield) }
}

func (e *Element) walk(yield func(*Element) bool) bool {
	if !yield(e) {
		return false
	}
	for _, child := range e.children {
		if !child.walk(yield) {
			return false
		}
	}
	return true
}

// Is reports whether other is the same element, in any look at the page.
func (e *Element) Is(other *Element) bool {
	return other != nil && e.id == other.id && e.Role != textRole
}

// Holds reports whether an element of any look at the page is e or within it.
func (e *Element) Holds(other *Element) bool {
	for inner := range e.All() {
		if inner.Is(other) {
			return true
		}
	}
	return false
}

// Parent returns the element around e, or nil.
func (e *Element) Parent() *Element { return e.parent }

// Contains reports whether other is e or within it.
func (e *Element) Contains(other *Element) bool {
	for at := other; at != nil; at = at.parent {
		if at == e {
			return true
		}
	}
	return false
}

// Closest returns the nearest element around e, or e itself, for which is returns true; nil if there is none.
func (e *Element) Closest(is func(*Element) bool) *Element {
	for at := e; at != nil; at = at.parent {
		if is(at) {
			return at
		}
	}
	return nil
}

// HasRole reports whether the element has one of the roles.
func (e *Element) HasRole(roles ...string) bool {
	for _, role := range roles {
		if e.Role == role {
			return true
		}
	}
	return false
}

// Text returns the visible text in e, in the order of the page, with single spaces.
func (e *Element) Text() string { return tidy(strings.Join(e.Lines(), " ")) }

// Lines returns the visible text in e as it is drawn: one line for each run of text that only inline elements
// interrupt. Lines are not wrapped.
func (e *Element) Lines() []string { return e.lines(func(*Element) bool { return true }) }

// LinesOutside is like Lines without the text of clickable elements.
func (e *Element) LinesOutside() []string {
	return e.lines(func(inner *Element) bool { return inner == e || !inner.Clickable })
}

func (e *Element) lines(keep func(*Element) bool) []string {
	var lines []string
	var line strings.Builder
	end := func() {
		if text := tidy(line.String()); text != "" {
			lines = append(lines, text)
		}
		line.Reset()
	}
	var add func(*Element)
	add = func(at *Element) {
		if at.Role == textRole {
			line.WriteString(at.text)
			return
		}
		if !keep(at) {
			return
		}
		if at.block {
			end()
		}
		for _, child := range at.children {
			add(child)
		}
		if at.block {
			end()
		}
	}
	add(e)
	end()
	return lines
}

// own returns the text of e itself, without that of its child elements.
func (e *Element) own() string {
	var text strings.Builder
	for _, child := range e.children {
		if child.Role == textRole {
			text.WriteString(child.text)
		}
	}
	return tidy(text.String())
}

// Leaves returns the innermost elements in e that have text, in the order of the page.
func (e *Element) Leaves() []*Element {
	var leaves []*Element
	for candidate := range e.All() {
		if candidate.Role != textRole && candidate.own() != "" {
			leaves = append(leaves, candidate)
		}
	}
	return leaves
}

// Label returns an element's label: its name, or else its text, or else its other attributes.
func (e *Element) Label() string {
	for _, text := range []string{e.Name, e.Text(), e.Title, e.Placeholder} {
		if text != "" {
			return text
		}
	}
	return ""
}

// invisible are the characters that take no room on a page.
const invisible = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"

// tidy returns text without extra white space and invisible characters.
func tidy(text string) string {
	if strings.ContainsAny(text, invisible) {
		text = strings.Map(func(r rune) rune {
			if strings.ContainsRune(invisible, r) {
				return -1
			}
			return r
		}, text)
	}
	return strings.Join(strings.Fields(text), " ")
}

// plain returns a text in the form for comparison: in small letters, and without characters at its ends that
// are neither letters nor digits, such as "*", "…", ":" or an arrow. A text of only such characters stays as it
// is.
func plain(text string) string {
	text = strings.ToLower(tidy(text))
	trimmed := strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if trimmed == "" {
		return text
	}
	return trimmed
}
