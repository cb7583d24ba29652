package browser

import (
	"errors"
	"fmt"
	"strings"
)

// Kind tells what stands in the way of a step.
type Kind string

// The kinds of failed steps.
const (
	// NotFound: something that the step needs is not on the page, or is there more than once.
	NotFound Kind = "not found"
	// Unsettled: what the step needs is there, and the page did not come to rest within the time.
	Unsettled Kind = "unsettled"
	// Elsewhere: the page is another origin's.
	Elsewhere Kind = "elsewhere"
	// SignedOut: the site asks to sign in.
	SignedOut Kind = "signed out"
	// Unclickable: something else lies where the click would go, or a field does not take what is typed.
	Unclickable Kind = "unclickable"
	// NoPage: the page could not be loaded.
	NoPage Kind = "no page"
	// Stopped: the person who attends did not want the click.
	Stopped Kind = "stopped"
	// Outdated: the person said OK so late that what was proven before has to be proven again.
	Outdated Kind = "outdated"
	// Died: the browser is gone.
	Died Kind = "died"
)

// StepError says which step on which page failed, and why. It holds nothing that was typed. What it has of
// the page's text has no secret in it and is short.
type StepError struct {
	// Site is whose page it is, such as "Kustom Portal", and Host where it is.
	Site, Host string
	// Page is what the page is, and Step what was to be done on it, in words.
	Page, Step string
	Kind       Kind
	// Wanted are the things that were looked for and not found, and What says it where they are no things.
	Wanted []Thing
	What   string
	// Nearest are the names of what is on the page instead, the likest first.
	Nearest []string
	// Structure says that other words can't help: the page has nothing of the kind.
	Structure bool
	// Unfit are those of them that the file Profile describes, as nothing on the page is built any more.
	Unfit   []Thing
	Profile string
	// Message is what the page says, or what lies in front of an element.
	Message string
	// Asked is what the browser's own dialog on the page asked. It was dismissed.
	Asked string
	// Blocked are the hosts of other sites that the page was kept from asking.
	Blocked []string
	// Changing says that the step was to change something, and Uncertain that it may have.
	Changing, Uncertain bool
	// Picture is the file with a picture of the page, if one was taken.
	Picture string
	Err     error
}

// Error implements error.
func (e *StepError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %s: could not %s: %s", e.Site, e.Page, e.Step, e.Kind)
	for _, part := range []string{describe(e.Wanted), e.What} {
		if part != "" {
			fmt.Fprintf(&text, ": %s", part)
		}
	}
	if len(e.Nearest) > 0 {
		fmt.Fprintf(&text, "; there is %q", e.Nearest)
	}
	if len(e.Unfit) > 0 {
		fmt.Fprintf(&text, "; %s describes %s, as nothing there is built", e.Profile, describe(e.Unfit))
	}
	if e.Message != "" {
		fmt.Fprintf(&text, ": %q", e.Message)
	}
	if e.Asked != "" {
		fmt.Fprintf(&text, "; the page asked %q, which was dismissed", e.Asked)
	}
	if len(e.Blocked) > 0 {
		fmt.Fprintf(&text, "; the page was kept from asking %s", strings.Join(e.Blocked, ", "))
	}
	if e.Err != nil {
		fmt.Fprintf(&text, ": %v", e.Err)
	}
	if e.Picture != "" {
		fmt.Fprintf(&text, " (see %s)", e.Picture)
	}
	return text.String()
}

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// MayHaveWorked tells whether the step may have been done all the same.
func (e *StepError) MayHaveWorked() bool { return e.Uncertain }

// DidNothing tells whether the step was to change something, and certainly did not.
func (e *StepError) DidNothing() bool { return e.Changing && !e.Uncertain }

// Outdated tells whether nothing was done because what was proven before it has to be proven again. To try again asks
// nobody again.
func (e *StepError) Outdated() bool { return e.Kind == Outdated }

// IsKind tells whether err is a failed step of that kind.
func IsKind(err error, kind Kind) bool {
	var failure *StepError
	return errors.As(err, &failure) && failure.Kind == kind
}

func describe(wanted []Thing) string {
	var all []string
	for _, thing := range wanted {
		all = append(all, thing.String())
	}
	return strings.Join(all, "; ")
}
