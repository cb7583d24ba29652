// Package cli has the commands of the provider's binary. They let a person sign in to the vendors' pages, check what
// a plan would find, write a configuration, and report a plan, a state or the progress of an apply.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Run runs a command line and returns the exit code.
func Run(ctx context.Context, args []string, d Deps) int {
	root := newRootCommand(d)
	// For a nil slice, cobra would take the arguments of the process.
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if text := err.Error(); text != "" {
		d.say("%s", text)
	}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errNeedsAttention):
		return exitAttention
	case ctx.Err() != nil:
		return exitStopped
	}
	return exitFailed
}

func newRootCommand(d Deps) *cobra.Command {
	var debug bool
	root := &cobra.Command{
		Use:   program,
		Short: "The kustom provider for Terraform and OpenTofu",
		Long: "The kustom provider for Terraform and OpenTofu, which start it when they need it. Run it yourself to sign " +
			"in, to check\n" +
			"your shops and to review plans. The documentation is at " +
			"https://registry.terraform.io/providers/storefront-iac/kustom/latest/docs",
		Version:       d.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		// Suggestions differ from the typed name in at most two letters.
		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if debug {
				return d.Debug()
			}
			cmd.SetOut(d.Stderr)
			_ = cmd.Help()
			return usageError{errors.New("")}
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

// knownCommand rejects an unknown command and suggests similar ones.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("there is no command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{errors.New(text + "\n" + program + " --help lists the commands")}
}

// explainFlag returns the error for an invalid flag, with a hint.
func explainFlag(cmd *cobra.Command, err error) error {
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		err = fmt.Errorf("%w; flags begin with two hyphens", err)
	}
	return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
}
