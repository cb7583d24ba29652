// Package login is what the provider's binary does for a person at the command line: it lets them sign in
// to the vendors' pages in a window, and keeps the sessions for the provider, or prints them for CI.
//
// It knows nothing of Terraform.
package login

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// Options are what the commands work with.
type Options struct {
	Getenv func(string) string
	// Keep is where sessions are kept. Its folder is empty where the user has none for such things.
	Keep           browser.Keep
	Stdout, Stderr io.Writer
	// Stdin is where the person presses Enter to say that they are in; nil is nowhere.
	Stdin io.Reader
	// SignIn lets a person sign in: see [browser.SignIn].
	SignIn func(context.Context, browser.Options, *browser.Site, <-chan struct{}) (browser.Session, error)
}

// The exit codes, as shells know them.
const (
	exitDone    = 0
	exitFailed  = 1
	exitMisused = 2
	exitStopped = 130
)

const about = `terraform-provider-kustom is the provider kustom of Terraform and OpenTofu, which start it by
themselves. Run by hand, it does this:

  terraform-provider-kustom login      lets you sign in to Kustom Portal, and to shops at Mystore, in a
                                       window, for a provider that reaches them by their pages
  terraform-provider-kustom check      looks whether a plan would find all that it needs, and changes nothing
  terraform-provider-kustom logout     removes what login has kept
  terraform-provider-kustom -version   prints the version
  terraform-provider-kustom -debug     runs under a debugger, and prints what Terraform needs to find it

login -h, check -h and logout -h say more. How to use the provider is described at
https://registry.terraform.io/providers/storefront-iac/kustom/latest/docs
`

// About says what the binary is, and what can be done with it by hand.
func About(w io.Writer) { _, _ = io.WriteString(w, about) }

// errMisused says that the command line makes no sense. Why has been said already.
var errMisused = errors.New("misused")

// Run does what a command line says, and returns the exit code.
func Run(ctx context.Context, args []string, o Options) int {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	var err error
	switch name {
	case "login":
		err = login(ctx, args[1:], o)
	case "logout":
		err = logout(args[1:], o)
	default:
		if name != "" {
			say(o, "There is no command of this name.\n")
		}
		About(o.Stderr)
		return exitMisused
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, errMisused):
		return exitMisused
	}
	say(o, "%v", err)
	if ctx.Err() != nil {
		return exitStopped
	}
	return exitFailed
}

// say tells the person something, a line of its own.
func say(o Options, format string, args ...any) { _, _ = fmt.Fprintf(o.Stderr, format+"\n", args...) }

// parse parses the arguments of a command that takes nothing but flags.
func parse(flags *flag.FlagSet, args []string, o Options, usage string) error {
	flags.SetOutput(o.Stderr)
	flags.Usage = func() {
		say(o, "%s", usage)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errMisused
	case flags.NArg() > 0:
		say(o, "%s takes nothing but flags. See %[1]s -h.", flags.Name())
		return errMisused
	}
	return nil
}

const logoutUsage = `Usage: terraform-provider-kustom logout

Removes all sessions that login has kept. It does not sign you out at the vendors: what was copied of a
session, such as into a CI secret, works until you sign out there or the session expires.`

func logout(args []string, o Options) error {
	if err := parse(flag.NewFlagSet("logout", flag.ContinueOnError), args, o, logoutUsage); err != nil {
		return err
	}
	removed, err := o.Keep.Remove()
	if err != nil {
		return err
	}
	noun := "sessions"
	if removed == 1 {
		noun = "session"
	}
	say(o, "Removed %d %s from this machine. This does not sign you out at the vendors: what was copied of a session works until you sign out "+
		"there or it expires.", removed, noun)
	return nil
}
