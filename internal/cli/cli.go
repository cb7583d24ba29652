// Package cli is what the provider's binary does for a person at the command line: it lets them sign in
// to the vendors' pages in a window, keeps the sessions for the provider or prints them for CI, checks what a
// plan would find, writes a configuration for their shops, reports what a plan does, and shows how far an apply is.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/setup"
)

// Deps are what the commands work with.
type Deps struct {
	// Version is the version of the binary.
	Version string
	Getenv  func(string) string
	// Keep is where sessions are kept. Its folder is empty where the user has none for such things.
	Keep           browser.SessionStore
	Stdout, Stderr io.Writer
	// Stdin is where the person presses Enter to say that they are in, and answers, and what a report is made of; nil
	// is nowhere.
	Stdin io.Reader
	// Asks says that there is a person at Stdin who can be asked.
	Asks bool
	// SignIn lets a person sign in: see [browser.SignIn].
	SignIn func(context.Context, browser.Options, *browser.Site, browser.SignInHooks) (browser.SignedIn, error)
	// Check looks whether a plan would find all that it needs, and tells what it finds: see [provider.Check].
	Check func(context.Context, provider.CheckOptions) (ready bool, err error)
	// Survey reads the stores and the shops that a plan could reach: see [provider.Survey].
	Survey func(context.Context, provider.SurveyOptions) (setup.Seen, error)
	// Debug serves the provider to a debugger.
	Debug func() error
}

// The exit codes, as shells know them: a command has done what it was asked for, it has not, its command line makes no
// sense, or somebody has stopped it.
const (
	exitDone    = 0
	exitFailed  = 1
	exitMisused = 2
	// exitAttention says that a report or a folder is written, and something needs attention.
	exitAttention = 3
	exitStopped   = 130
)

const program = "terraform-provider-kustom"

// misuse says that a command line makes no sense.
type misuse struct{ error }

// Run does what a command line says, and returns the exit code.
func Run(ctx context.Context, args []string, d Deps) int {
	root := newRootCommand(d)
	// Without arguments cobra would take those of the process.
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if text := err.Error(); text != "" {
		d.say("%s", text)
	}
	var misused misuse
	switch {
	case errors.As(err, &misused):
		return exitMisused
	case errors.Is(err, errNeedsAttention):
		return exitAttention
	case ctx.Err() != nil:
		return exitStopped
	}
	return exitFailed
}

// say tells the person something, a line of its own.
func (d Deps) say(format string, args ...any) { _, _ = fmt.Fprintf(d.Stderr, format+"\n", args...) }

func newRootCommand(d Deps) *cobra.Command {
	var debug bool
	root := &cobra.Command{
		Use:   program,
		Short: "The provider kustom of Terraform and OpenTofu",
		Long: "The provider kustom of Terraform and OpenTofu. They start it by themselves. Run it by hand to sign in, to check and to\n" +
			"review plans. The documentation is at https://registry.terraform.io/providers/storefront-iac/kustom/latest/docs",
		Version:       d.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		// How many letters may differ in a name that is nearest.
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if debug {
				return d.Debug()
			}
			cmd.SetOut(d.Stderr)
			_ = cmd.Help()
			return misuse{errors.New("")}
		},
	}
	root.Flags().BoolVar(&debug, "debug", false, "run under a debugger, and print the setting that lets Terraform find this process")
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetOut(d.Stdout)
	root.SetErr(d.Stderr)
	root.SetFlagErrorFunc(explainFlag)
	root.AddCommand(newLoginCommand(d), newLogoutCommand(d), newCheckCommand(d), newInitCommand(d), newReportCommand(d))
	return root
}

// knownCommand refuses a command that there is not, and names the nearest that there is.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; do you mean " + strings.Join(near, " or ") + "?"
	}
	return misuse{errors.New(text + "\n" + program + " --help lists the commands")}
}

// flagsAlone refuses arguments that are no flags.
func flagsAlone(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return misuse{fmt.Errorf("%s takes only flags; see %s --help", cmd.Name(), cmd.CommandPath())}
}

func explainFlag(cmd *cobra.Command, err error) error {
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		err = fmt.Errorf("%w; flags begin with two hyphens", err)
	}
	return misuse{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
}
