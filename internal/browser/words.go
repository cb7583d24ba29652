package browser

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Table says what a site calls the things on its pages: the known words by label, and by language
// under that.
type Table map[string]map[string][]string

// Words are what a site's things are called, in any of its languages. A label says which thing is
// meant.
type Words struct{ known map[string][]string }

// NewWords returns the words of a table, with others in place of those whose labels are overridden.
// Override has none but the table's labels.
func NewWords(table Table, override map[string]string) Words {
	known := make(map[string][]string, len(table))
	for label, languages := range table {
		for _, language := range slices.Sorted(maps.Keys(languages)) {
			known[label] = append(known[label], languages[language]...)
		}
	}
	for label, word := range override {
		known[label] = []string{word}
	}
	return Words{known: known}
}

// Labels returns the labels, sorted.
func (t Table) Labels() []string { return slices.Sorted(maps.Keys(t)) }

// ErrNoLabel says that nothing on a site's pages has a label.
var ErrNoLabel = errors.New("there is no such label")

// WordError says that a word can't be a label's.
type WordError struct {
	// Places is how many times the word has to have [Place].
	Places int
}

// Error implements error.
func (e *WordError) Error() string {
	return fmt.Sprintf("the word must not be empty, and must have %d places for what differs (%s)", e.Places, Place)
}

// Check tells whether a label can be overridden with a word: it returns nil, [ErrNoLabel] or a [*WordError].
func (t Table) Check(label, word string) error {
	known, ok := t[label]
	if !ok {
		return ErrNoLabel
	}
	places := strings.Count(slices.Collect(maps.Values(known))[0][0], Place)
	if strings.TrimSpace(word) == "" || strings.Count(word, Place) != places {
		return &WordError{Places: places}
	}
	return nil
}

// Place stands in a word for something that differs from page to page, such as a username.
const Place = "%s"

// Of returns what is possibly meant by a label, with the arguments, if there are any, in their places.
func (w Words) Of(label string, args ...string) []string {
	words, ok := w.known[label]
	if !ok {
		panic("no words for the label " + label)
	}
	filled := make([]string, 0, len(words))
	for _, word := range words {
		for _, arg := range args {
			word = strings.Replace(word, Place, arg, 1)
		}
		filled = append(filled, word)
	}
	return filled
}

// Is tells whether a text is one of a label's words.
func (w Words) Is(text, label string, args ...string) bool {
	return slices.ContainsFunc(w.Of(label, args...), func(word string) bool { return same(text, word) })
}

// Want is something that a step needs on the page: an element of a role whose name is one of a label's
// words.
type Want struct {
	Role string
	// Label says what to call it, and Words are its names. Without a label, the words are not the
	// site's but data, such as a username, and without words any name will do.
	Label string
	Words []string
	// In, where it is set, is the role of what it is in, such as "dialog".
	In string
	// Says, where it is set, are texts of which one has to be in the element.
	Says []string
	// Holds, where it is set, is what a field has to hold.
	Holds string
	// Gone says that there must be no such thing.
	Gone bool
	// Or, where it is set, is what will do as well.
	Or *Want
}

// Want returns something called by a label's words.
func (w Words) Want(role, label string, args ...string) Want {
	return Want{Role: role, Label: label, Words: w.Of(label, args...)}
}

// Gone returns the absence of anything of a role with one of the names.
func Gone(role string, names ...string) Want { return Want{Role: role, Words: names, Gone: true} }

// Inside returns the same thing inside of something of a role.
func (want Want) Inside(role string) Want {
	want.In = role
	return want
}

// Saying returns the same thing with one of the texts in it, as words of their own.
func (want Want) Saying(texts ...string) Want {
	want.Says = texts
	return want
}

// Holding returns the same field with a text in it.
func (want Want) Holding(text string) Want {
	want.Holds = text
	return want
}

// Else returns the same thing or, where there is none of it, the other.
func (want Want) Else(other Want) Want {
	want.Or = &other
	return want
}

// String describes the thing.
func (want Want) String() string {
	var text strings.Builder
	if want.Gone {
		text.WriteString("no ")
	}
	text.WriteString(want.Role)
	enumerate(&text, " ", want.Words)
	if want.In != "" {
		text.WriteString(" in a " + want.In)
	}
	enumerate(&text, " saying ", want.Says)
	if want.Or != nil {
		text.WriteString(", or " + want.Or.String())
	}
	return text.String()
}

// enumerate writes words down. One that is the same in another language is not repeated.
func enumerate(text *strings.Builder, before string, words []string) {
	for i, word := range slices.Compact(slices.Clone(words)) {
		if i > 0 {
			before = " or "
		}
		fmt.Fprintf(text, "%s%q", before, word)
	}
}

// met tells whether the page has what is wanted, and returns it: the one such thing, or nothing where
// none is what is wanted. More than one is as bad as none, even where something else would do as well.
func (want Want) met(page *Page) (*Element, bool) {
	found := slices.DeleteFunc(page.All(want.Role, want.Words...), func(e *Element) bool {
		return (want.In != "" && !e.Within(want.In)) || (want.Holds != "" && e.Value != want.Holds) ||
			(len(want.Says) > 0 && !mentionsAny(e, want.Says))
	})
	switch {
	case want.Gone:
		return nil, len(found) == 0
	case len(found) == 1:
		return found[0], true
	case len(found) == 0 && want.Or != nil:
		return want.Or.met(page)
	}
	return nil, false
}

func mentionsAny(e *Element, texts []string) bool {
	text := e.Text()
	return slices.ContainsFunc(texts, func(wanted string) bool { return Mentions(text, wanted) })
}

// Mentions tells whether a text has a word in it, such as a merchant ID: not as a part of a longer one.
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

// joins tells whether what is at i in text would be part of the same word. A dot is where it is not the
// end of a sentence.
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
