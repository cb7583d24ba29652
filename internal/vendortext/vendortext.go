// Package vendortext handles text from a vendor, or from a proxy in front of it: an API's message, a header, a
// proxy's status, the names in a certificate. Such a text may repeat a secret, move a terminal's cursor, or be
// endless. Only [Redactor] turns a [Text] into a message or a log field.
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
	// maxShown is the maximum number of shown characters.
	maxShown = 300
	// maxRead is how many bytes of a text are searched for secrets. Only the first half is shown, so that a secret
	// which begins there ends within the searched part.
	maxRead = 16 << 10
)

// mask replaces a secret.
const mask = "(sensitive)"

// placeholder is the printed form of a Text.
const placeholder = "(vendor text)"

// Text is text from a vendor. It prints as a placeholder with every verb of package fmt, in package log/slog and in
// JSON. The zero value is no text. A Text is immutable.
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

// UnmarshalJSON implements json.Unmarshaler. It accepts a JSON string.
func (t *Text) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &t.raw) }

// Redactor removes secrets and control characters from texts. It knows the added secrets, and the forms of others.
// It is safe for concurrent use. A nil Redactor knows only the forms.
type Redactor struct {
	mu sync.RWMutex
	// known has the added secrets.
	known map[string]bool
	needles
}

// NewRedactor returns a redactor without added secrets.
func NewRedactor() *Redactor {
	return &Redactor{known: map[string]bool{}, needles: newNeedles()}
}

// AddSecrets adds secrets. They are masked in all encodings.
func (r *Redactor) AddSecrets(secrets ...string) {
	if r == nil {
		return
	}
	for _, secret := range secrets {
		r.addSecret(secret)
	}
}

func (r *Redactor) addSecret(secret string) {
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

// Show returns a text on one line of at most 300 printable characters, without secrets.
func (r *Redactor) Show(t Text) string { return r.clean(t.raw, maxShown, false) }

// ShowLines is [Redactor.Show] for a text of several lines. It returns at most limit characters.
func (r *Redactor) ShowLines(t Text, limit int) string { return r.clean(t.raw, limit, true) }

// Error returns an error with the redacted text of err, which may quote a vendor. It wraps err.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{text: r.Show(New(err.Error())), cause: err}
}

// shownError is an error with a redacted text.
type shownError struct {
	text  string
	cause error
}

// Error implements error.
func (e *shownError) Error() string { return e.text }

// Unwrap returns the error whose text may be unsafe to show.
func (e *shownError) Unwrap() error { return e.cause }

// clean implements Show and ShowLines.
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

// printable returns the printed form of a character. If ok is false, the character is removed.
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

// hidden reports, for each byte of a text, whether it belongs to a secret. Own says that the provider wrote the text
// around a quotation. Short secrets are then not searched.
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
