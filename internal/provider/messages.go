package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// A message describes one possible failure (I8). The diagnostic and the guide both use it. An error's own text, which
// a diagnostic shows as the cause, is where the error arises. A function returns each message. Its arguments are known
// only in a run; in the guide they are "…".
//
// A message without a reason is shown with a second message, the cause, which has no title.
type message struct {
	// title says what failed. It is the diagnostic's first line.
	title string
	// why says why it failed. do says what to do next.
	why, do string
	// details come last in a diagnostic, such as a list.
	details string
	// note is shown only in the guide.
	note string
	// warning reports that the diagnostic is a warning.
	warning bool
	// general reports that a cause is not about the attribute at which it occurred.
	general bool
}

// advice returns the reason and what to do.
func (m message) advice() string { return join(m.why, m.do) }

// detail returns a diagnostic's text below the title.
func (m message) detail() string {
	if m.details == "" {
		return m.advice()
	}
	return m.advice() + "\n\n" + m.details
}

// of returns m with a subject's name in its title.
func (m message) of(name string) message {
	m.title += ": " + name
	return m
}

// because returns m with a cause's reason.
func (m message) because(cause message) message {
	m.why, m.do, m.details, m.general = cause.why, cause.do, cause.details, cause.general
	return m
}

// asError returns m as an error.
func (m message) asError() message {
	m.warning = false
	return m
}

// asWarning returns m as a warning.
func (m message) asWarning() message {
	m.warning = true
	return m
}

// addTo adds m to diags, at the attribute unless that is empty.
func (m message) addTo(diags *diag.Diagnostics, at path.Path) { diags.Append(m.at(at)) }

// at returns m as a diagnostic of the attribute, or of the whole object if that is empty.
func (m message) at(attribute path.Path) diag.Diagnostic {
	switch {
	case m.warning && attribute.Equal(path.Empty()):
		return diag.NewWarningDiagnostic(m.title, m.detail())
	case m.warning:
		return diag.NewAttributeWarningDiagnostic(attribute, m.title, m.detail())
	case attribute.Equal(path.Empty()):
		return diag.NewErrorDiagnostic(m.title, m.detail())
	}
	return diag.NewAttributeErrorDiagnostic(attribute, m.title, m.detail())
}

// lostSecret says what to do about credentials that do not work.
const lostSecret = "If the secret is lost, generate a new key: a secret is shown only once."

// named is the maximum number of shops in a message.
const named = 20

// enumerate returns the names, shortened to a readable number.
func enumerate(names []string) string {
	if len(names) <= named {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
}

// count returns a number with its noun, such as "2 shops".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// verb returns the form of a verb for n things: verb(n, "is", "are").
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// join joins sentences and omits empty ones.
func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

// paragraphs joins paragraphs and omits empty ones.
func paragraphs(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n\n")
}
