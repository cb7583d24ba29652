package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// A message is what the provider says of one thing that can go wrong (I8). The diagnostic and the guide take their texts
// from it, so that a wording is in one place. Each is returned by a function whose arguments are what only a run
// knows; in the guide they are "…".
//
// A message with a title, and no reason of its own, goes with a cause: another message, which has no title.
type message struct {
	// title says what failed: the diagnostic's first line.
	title string
	// why says why it failed, and do what to do next.
	why, do string
	// details are what comes after that in a diagnostic, such as a list.
	details string
	// note is what only the guide says.
	note string
	// warning says that the diagnostic is a warning.
	warning bool
	// general says that a cause is not about the attribute at which it came up.
	general bool
}

// advice returns why something failed and what to do.
func (m message) advice() string { return join(m.why, m.do) }

// detail returns what a diagnostic says below its title.
func (m message) detail() string {
	if m.details == "" {
		return m.advice()
	}
	return m.advice() + "\n\n" + m.details
}

// of returns m with the name of what it is about in its title.
func (m message) of(name string) message {
	m.title += ": " + name
	return m
}

// because returns m with the reason that a cause gives.
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

// at returns m as a diagnostic of the attribute, or of the whole object where that is empty.
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

// lostSecret is what to do about a pair that does not work.
const lostSecret = "If the secret is lost, generate a new key: a secret is shown only once."

// named is how many shops a message names.
const named = 20

// enumerate returns the names, or as many of them as a person will read.
func enumerate(names []string) string {
	if len(names) <= named {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// join puts sentences after each other; empty ones are left out.
func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

// paragraphs puts paragraphs below each other; empty ones are left out.
func paragraphs(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n\n")
}
