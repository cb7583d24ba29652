package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/setup"
)

// Deps are the dependencies of the commands.
type Deps struct {
	// Version is the version of the binary.
	Version string
	Getenv  func(string) string
	// Sessions stores sessions. Its Dir is empty if the user has no folder for configuration.
	Sessions       browser.SessionStore
	Stdout, Stderr io.Writer
	// Stdin has the person's answers, or the document of a report. A nil Stdin is empty.
	Stdin io.Reader
	// Interactive says that a person at Stdin can answer questions.
	Interactive bool
	// SignIn opens a window and returns the session after the person has signed in; see [browser.SignIn].
	SignIn func(context.Context, browser.Options, *browser.Site, browser.SignInHooks) (browser.SignedIn, error)
	// Check checks whether a plan would find everything that it needs, and prints what it finds; see
	// [provider.Check].
	Check func(context.Context, provider.CheckOptions) (ready bool, err error)
	// Survey reads the stores and shops that a plan could reach; see [provider.Survey].
	Survey func(context.Context, provider.SurveyOptions) (setup.VendorData, error)
	// Debug serves the provider to a debugger.
	Debug func() error
}

// The exit codes. A command succeeds, fails, gets an invalid command line, or is interrupted.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	// exitAttention: a report or a folder is written, and something needs attention.
	exitAttention = 3
	exitStopped   = 130
)

const program = "terraform-provider-kustom"

// usageError is the error for an invalid command line.
type usageError struct{ error }

// say prints a line to standard error.
func (d Deps) say(format string, args ...any) { _, _ = fmt.Fprintf(d.Stderr, format+"\n", args...) }

// noArguments rejects positional arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes only flags; see %s --help", cmd.Name(), cmd.CommandPath())}
}

// errNeedsAttention is returned after a report or a folder is written in which something needs attention. It has no
// text.
var errNeedsAttention = errors.New("")
