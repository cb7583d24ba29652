package browser

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says why a step failed.
type Kind string

// The kinds of failed steps.
const (
	// NotFound: an element that the step needs is missing, or is there more than once.
	NotFound Kind = "not found"
	// Unsettled: the elements are there, but the page did not settle in time.
	Unsettled Kind = "unsettled"
	// Elsewhere: the page is another origin's.
	Elsewhere Kind = "elsewhere"
	// SignedOut: the site asks to sign in.
	SignedOut Kind = "signed out"
	// Unclickable: another element covers the point of the click, or a field does not accept the text.
	Unclickable Kind = "unclickable"
	// NoPage: the page could not be loaded.
	NoPage Kind = "no page"
	// Stopped: the user refused the click.
	Stopped Kind = "stopped"
	// Outdated: the user approved so late that the earlier proofs must be made again.
	Outdated Kind = "outdated"
	// Died: the browser is gone.
	Died Kind = "died"
)

// StepError says which step failed on which page, and why. It holds no typed text. The page's text in it is
// short and has no secret.
type StepError struct {
	// Site is the site's name, such as "Kustom Portal", and Host its host.
	Site, Host string
	// Page names the page, and Step the action, in words.
	Page, Step string
	Kind       Kind
	// Wanted are the elements that were not found. What describes them if they have no [Target].
	Wanted []Target
	What   string
	// Nearest are the names of similar elements on the page, the most similar first.
	Nearest []string
	// Structure reports that other words can't help: the page has no element of that kind.
	Structure bool
	// Unfit are those of Wanted that the file Profile describes, but that no longer match anything on the page.
	Unfit   []Target
	Profile string
	// Message is the page's message, or the text of the element in front.
	Message string
	// Asked is the text of the browser's own dialog on the page. The dialog was dismissed.
	Asked string
	// Blocked are the hosts of other sites whose requests were blocked.
	Blocked []string
	// Changing reports that the step was to change something, and Uncertain that it may have.
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
		fmt.Fprintf(&text, "; the nearest names are %q", e.Nearest)
	}
	if len(e.Unfit) > 0 {
		fmt.Fprintf(&text, "; nothing on the page matches the description of %[2]s in %[1]s", e.Profile, describe(e.Unfit))
	}
	if e.Message != "" {
		fmt.Fprintf(&text, ": %q", e.Message)
	}
	if e.Asked != "" {
		fmt.Fprintf(&text, "; the page asked %q, and the provider dismissed the question", e.Asked)
	}
	if len(e.Blocked) > 0 {
		fmt.Fprintf(&text, "; the provider blocked the page's requests to %s", strings.Join(e.Blocked, ", "))
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

// MayHaveWorked reports whether the step may have happened.
func (e *StepError) MayHaveWorked() bool { return e.Uncertain }

// DidNothing reports whether the step was to change something and certainly did not.
func (e *StepError) DidNothing() bool { return e.Changing && !e.Uncertain }

// Outdated reports whether nothing was done because the earlier proofs must be made again. A retry does not ask
// the user again.
func (e *StepError) Outdated() bool { return e.Kind == Outdated }

// IsKind reports whether err is a failed step of that kind.
func IsKind(err error, kind Kind) bool {
	var failure *StepError
	return errors.As(err, &failure) && failure.Kind == kind
}

func describe(wanted []Target) string {
	var all []string
	for _, target := range wanted {
		all = append(all, target.String())
	}
	return strings.Join(all, "; ")
}
