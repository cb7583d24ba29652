// Package vendortext holds text that a vendor has chosen, or whoever stands between: an API's messages, a
// header, a proxy's status, the names in a certificate. Such a text may repeat a secret, move a terminal's
// cursor or have no end. A [Text] becomes a message or a log field by [Redactor.Show] only.
package vendortext

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// maxShown is how many characters of a text are shown.
	maxShown = 300
	// maxRead is how many bytes of a text are searched for secrets. Only the first half of them is shown, so
	// that a secret which begins in that half ends in what is searched.
	maxRead = 16 << 10
	// minIndexed is the length in bytes of the shortest secret that is searched for in other encodings too. A
	// shorter one is found in half of all words.
	minIndexed = 4
)

// mask stands for a secret.
const mask = "(sensitive)"

// placeholder is what a Text prints as.
const placeholder = "(vendor text)"

// Text is text that a vendor has chosen. It prints as a placeholder by every verb of package fmt, in package
// log/slog and in JSON. The zero value is no text. A Text never changes.
type Text struct{ raw string }

// New returns the text with this value.
func New(raw string) Text { return Text{raw: raw} }

// IsZero reports whether there is no text.
func (t Text) IsZero() bool { return t.raw == "" }

// Format implements fmt.Formatter.
func (t Text) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(placeholder)) }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalText implements encoding.TextMarshaler, and with it JSON.
func (t Text) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// UnmarshalJSON implements json.Unmarshaler: a JSON string is a text.
func (t *Text) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &t.raw) }

// Redactor makes texts fit to be shown. It knows the secrets that it has been told of, and the forms of others.
// It is safe for concurrent use. A nil Redactor knows only the forms.
type Redactor struct {
	mu sync.RWMutex
	// known has every secret that was learned.
	known map[string]bool
	needles
}

// NewRedactor returns a redactor that knows no secret yet.
func NewRedactor() *Redactor {
	return &Redactor{known: map[string]bool{}, needles: newNeedles()}
}

// Learn adds secrets to those that are never shown, whatever they are encoded as.
func (r *Redactor) Learn(secrets ...string) {
	if r == nil {
		return
	}
	for _, secret := range secrets {
		r.learn(secret)
	}
}

func (r *Redactor) learn(secret string) {
	r.mu.RLock()
	known := r.known[secret]
	r.mu.RUnlock()
	if known || secret == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[secret] = true
	r.add(secret)
}

// Show returns a text fit to be shown: one line of at most 300 characters, each of which prints, without any
// secret that is known or has a secret's form.
func (r *Redactor) Show(t Text) string { return r.clean(t.raw, maxShown, false) }

// ShowLines is Show for a text of several lines, which is at most as many characters long as limit.
func (r *Redactor) ShowLines(t Text, limit int) string { return r.clean(t.raw, limit, true) }

// Error returns err with a text that is fit to be shown, for an error that quotes a vendor. It wraps err.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{text: r.Show(New(err.Error())), cause: err}
}

// shownError is an error with another text.
type shownError struct {
	text  string
	cause error
}

// Error implements error.
func (e *shownError) Error() string { return e.text }

// Unwrap returns the error whose text may not be shown.
func (e *shownError) Unwrap() error { return e.cause }

// clean does the work of Show and ShowLines.
func (r *Redactor) clean(raw string, limit int, lines bool) string {
	most := maxRead
	if lines {
		most = max(most, 8*limit)
	}
	read := raw[:min(len(raw), most)]
	hidden := r.hidden(read, lines)
	var shown strings.Builder
	masked, count := false, 0
	for at, char := range read {
		if count >= limit || at >= most/2 {
			shown.WriteString("…")
			break
		}
		if hidden[at] {
			if !masked {
				shown.WriteString(mask)
				count += len(mask)
			}
			masked = true
			continue
		}
		masked = false
		if printed, ok := printable(char, lines); ok {
			shown.WriteRune(printed)
			count++
		}
	}
	return shown.String()
}

// printable returns what is printed in place of a character. It is not ok for one that is left out.
func printable(char rune, lines bool) (rune, bool) {
	switch {
	case char == '\n' && lines:
		return char, true
	case char == utf8.RuneError:
		return '?', true
	case unicode.IsPrint(char):
		return char, true
	case unicode.IsSpace(char) || unicode.IsControl(char):
		return ' ', true
	}
	return 0, false
}

// hidden returns, for each byte of a text, whether it belongs to a secret. Own says that the provider wrote the
// text around what it quotes: a secret of a few characters is then not looked for.
func (r *Redactor) hidden(text string, own bool) []bool {
	hidden := make([]bool, len(text))
	markForms(text, hidden)
	if r == nil {
		return hidden
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.mark(text, hidden)
	if !own {
		r.markShort(text, hidden)
	}
	return hidden
}
