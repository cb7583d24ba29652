package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
)

// The formats of reports.
const (
	formatMarkdown = "markdown"
	formatHTML     = "html"
)

// reportFlags are the values of the flags of report.
type reportFlags struct {
	format   string
	detailed bool
	follow   bool
	// following has the options of --follow.
	following progress.FollowOptions
}

func newReportCommand(d Deps) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report [FILE]",
		Short: "Report a saved plan, a state or the progress of an apply, shop by shop",
		Long: "Reads the output of `terraform show -json saved.tfplan` for a saved plan, or of `terraform show -json` for a state, from\n" +
			"a file or from standard input. It prints a report for you to review. The report lists the shops that need attention\n" +
			"first. Then it lists each shop with its store, its old and its new key, the reason, and the keys to delete. It has no\n" +
			"secret, and fits into a comment on a pull request. Its last line has all counts. The command also reads the output of\n" +
			"OpenTofu.\n\n" +
			"With --follow, FILE is the provider's progress_file, or $KUSTOM_PROGRESS_FILE. The report follows the file: it shows a\n" +
			"line for each shop, a bar, and an estimate of the time that is left. Without a terminal, it prints each step as a line.\n" +
			"It begins with the last roll-out: the lines after the last pause of an hour or more. It ends when you press Ctrl-C, with\n" +
			"exit status 130.\n\n" +
			"The exit status is 0. With --detailed-exitcode, it is 3 if something needs attention, such as a shop that failed or whose\n" +
			"old key waits for its deletion. It is 1 if there is no report, and 2 if the command line is wrong.",
		Example: "  terraform show -json saved.tfplan | " + program + " report\n" +
			"  terraform show -json | " + program + " report --format html >report.html",
		Args: atMostOneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), d, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", formatMarkdown, "`markdown`, or html for a page without other files")
	flags.BoolVar(&f.detailed, "detailed-exitcode", false, "return 3 if something needs attention")
	flags.BoolVar(&f.follow, "follow", false, "show a progress file while it grows")
	flags.BoolVar(&f.following.UntilEnded, "until-done", false, "with --follow, end when every shop is finished: with exit status 1 if one failed, or else 0")
	flags.BoolVar(&f.following.All, "all", false, "with --follow, show the whole file, and not only the last roll-out")
	return cmd
}

// atMostOneFile rejects more than one argument.
func atMostOneFile(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes one file; see %s --help", cmd.Name(), cmd.CommandPath())}
}

func (f *reportFlags) run(ctx context.Context, d Deps, args []string) error {
	switch {
	case f.follow && len(args) == 0:
		return usageError{errors.New("--follow takes a file; see " + program + " report --help")}
	case f.follow && (f.detailed || f.format != formatMarkdown):
		return usageError{errors.New("--format and --detailed-exitcode can't be used with --follow; see " + program + " report --help")}
	case f.follow:
		f.following.Path = args[0]
		return follow(ctx, d, f.following)
	case f.following.UntilEnded || f.following.All:
		return usageError{errors.New("--until-done and --all need --follow; see " + program + " report --help")}
	}
	if f.format != formatMarkdown && f.format != formatHTML {
		return usageError{fmt.Errorf("--format is %q, but must be %s or %s", f.format, formatMarkdown, formatHTML)}
	}
	in, name, err := d.open(args)
	if err != nil {
		return err
	}
	r, err := report.Read(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	write := r.Markdown
	if f.format == formatHTML {
		write = r.HTML
	}
	if err := write(d.Stdout); err != nil {
		return err
	}
	if f.detailed && r.NeedsAttention() {
		return errNeedsAttention
	}
	return nil
}

// open opens the given file, or standard input if there is none or it is "-". It also returns a name for errors.
func (d Deps) open(args []string) (io.ReadCloser, string, error) {
	if len(args) == 1 && args[0] != "-" {
		file, err := os.Open(args[0])
		return file, args[0], err
	}
	if d.Stdin == nil || IsTerminal(d.Stdin) {
		return nil, "", usageError{errors.New("give a file, or the JSON on standard input; see " + program + " report --help")}
	}
	return io.NopCloser(d.Stdin), "standard input", nil
}

// IsTerminal reports whether in is a terminal, where a person would have to type the input.
func IsTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
