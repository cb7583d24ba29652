package browser

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Table has a site's names for the elements of its pages: by label, the known words in any language. The most
// likely one comes first.
type Table map[string][]string

// Labels returns the labels, sorted.
func (t Table) Labels() []string { return slices.Sorted(maps.Keys(t)) }

var (
	// ErrNoLabel says that no element of a site's pages has the label.
	ErrNoLabel = errors.New("there is no such label")
	// ErrNoWord says that a word has no visible character.
	ErrNoWord = errors.New("the word must not be empty")
)

// Check reports whether a label can get another word: it returns nil, [ErrNoLabel] or [ErrNoWord].
func (t Table) Check(label, word string) error {
	if _, ok := t[label]; !ok {
		return ErrNoLabel
	}
	if plain(word) == "" {
		return ErrNoWord
	}
	return nil
}

// Words are a site's names for its elements. A label identifies an element.
type Words struct {
	known map[string][]string
	// taught are the elements that users have pointed at. They take precedence over words.
	taught *TaughtElements
}

// NewWords returns the words of a table, with override in place of the words of its labels. Override may only
// have the table's labels.
func NewWords(table Table, override map[string]string) Words {
	known := maps.Clone(table)
	for label, word := range override {
		known[label] = []string{word}
	}
	return Words{known: known}
}

// Taught returns the same words with the elements that a user has pointed at, which may be nil.
func (w Words) Taught(taught *TaughtElements) Words {
	w.taught = taught
	return w
}

// labels returns all labels, sorted.
func (w Words) labels() []string { return slices.Sorted(maps.Keys(w.known)) }

func (w Words) target(kind TargetKind, label string) Target {
	return Target{Kind: kind, Label: label, Words: w.Of(label), site: w}
}

// Of returns the possible words of a label.
func (w Words) Of(label string) []string {
	words, ok := w.known[label]
	if !ok {
		panic("no words for the label " + label)
	}
	return words
}

// Is reports whether a text is one of a label's words.
func (w Words) Is(text, label string) bool {
	return slices.ContainsFunc(w.Of(label), func(word string) bool { return plain(word) == plain(text) })
}

// all returns every word in the form for comparison.
func (w Words) all() []string {
	all := []string{}
	for _, words := range w.known {
		for _, word := range words {
			all = append(all, plain(word))
		}
	}
	return all
}

// Target is an element that a step needs on a page. Its purpose and its name identify it, not the page's HTML:
// an action may be a link, a button, a tab, a menu item or a clickable box.
type Target struct {
	Kind TargetKind
	// Label identifies it for people, and Words are its names. Without a label, the words are not the site's.
	Label string
	Words []string
	// Nouns, if not nil, are the only words that may follow the name, and none may come before it: "key" in
	// "Generate new key". An element that changes something or leads on must not be confused with another one:
	// "Developer logs" is not "Developer".
	Nouns []string

	// site has the elements that users have pointed at.
	site Words
}

// TargetKind is the purpose of a target.
type TargetKind string

// The kinds of targets.
const (
	// Action is clicked.
	Action TargetKind = "button, link or menu item"
	// Field is typed into.
	Field TargetKind = "field"
	// Choice offers some values, of which one is chosen.
	Choice TargetKind = "list to choose from"
	// Text is read.
	Text TargetKind = "text"
)

// Action returns a clickable target with a label's words.
func (w Words) Action(label string) Target { return w.target(Action, label) }

// Field returns an input target with a label's words.
func (w Words) Field(label string) Target { return w.target(Field, label) }

// Choice returns a target that offers values, with a label's words.
func (w Words) Choice(label string) Target { return w.target(Choice, label) }

// Text returns a readable target with a label's words.
func (w Words) Text(label string) Target { return w.target(Text, label) }

// Before returns the same target, but only these nouns may follow its name, and nothing may come before it.
// Counts and signs may still follow.
func (t Target) Before(nouns ...string) Target {
	t.Nouns = append([]string{}, nouns...)
	return t
}

// InMenu returns the same target as an entry of a menu: a badge and these nouns may follow its name.
func (t Target) InMenu(nouns ...string) Target {
	return t.Before(append([]string{"new", "beta", "preview", "ny", "nytt"}, nouns...)...)
}

// String describes the target.
func (t Target) String() string {
	var text strings.Builder
	text.WriteString("a " + string(t.Kind))
	for i, word := range t.Words {
		before := " or "
		if i == 0 {
			before = " called "
		}
		text.WriteString(before + `"` + word + `"`)
	}
	return text.String()
}

// How well a text matches a name.
const (
	unlike = iota
	// after has something short before the name, such as the name of an icon.
	after
	// before has something short after it, such as a count or a badge.
	before
	exact
)

const (
	longestBadge = 24
	longestIcon  = 12
)

// fit returns how well a text matches one of the target's names.
func (t Target) fit(text string) int {
	best := unlike
	text = plain(text)
	if text == "" {
		return best
	}
	for _, word := range t.Words {
		word = plain(word)
		if word == "" {
			continue
		}
		rest, begins := strings.CutPrefix(text, word)
		lead, ends := strings.CutSuffix(text, word)
		switch {
		case text == word:
			return exact
		case begins && separate(rest) && t.mayFollow(rest):
			best = max(best, before)
		case ends && t.Nouns == nil && strings.HasSuffix(lead, " ") && len([]rune(lead)) <= longestIcon:
			best = max(best, after)
		}
	}
	return best
}

// separate reports whether the text after a name does not continue the name's last word.
func separate(rest string) bool {
	first := []rune(rest)[0]
	return !unicode.IsLetter(first) && !unicode.IsDigit(first) && first != '-' && first != '_'
}

func (t Target) mayFollow(rest string) bool {
	if t.Nouns == nil {
		return len([]rune(rest)) <= longestBadge
	}
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if !slices.Contains(t.Nouns, word) {
			return false
		}
	}
	return true
}

// Mentions reports whether a text has a word, such as a merchant ID, and not only as part of a longer one.
func Mentions(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 || word == "" {
			return false
		}
		start, end := from+i, from+i+len(word)
		if !joins(text, start-1) && !joins(text, end) {
			return true
		}
		from = start + 1
	}
}

// joins reports whether the character at i in text continues a word. A dot does if it does not end a sentence.
func joins(text string, i int) bool {
	return isLetter(text, i) || i > 0 && i < len(text) && text[i] == '.' && isLetter(text, i-1) && isLetter(text, i+1)
}

func isLetter(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}
