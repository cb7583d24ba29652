package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
	"github.com/storefront-iac/terraform-provider-kustom/internal/report"
)

// errNeedsAttention says that the report has what needs attention.
var errNeedsAttention = errors.New("")

// The formats of reports.
const (
	formatMarkdown = "markdown"
	formatHTML     = "html"
)

// reportFlags are the flags of report, as they are given.
type reportFlags struct {
	format   string
	detailed bool
	follow   bool
	// following says how, if it is a progress file that is followed.
	following progress.FollowOptions
}

func newReportCommand(d Deps) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report [FILE]",
		Short: "Say what a saved plan does with each shop, how the shops of a state are, or how far an apply is",
		Long: "Reads what `terraform show -json saved.tfplan` prints of a saved plan, or `terraform show -json` of a state, from a file\n" +
			"or from standard input, and prints a report for a person to review: what needs attention first, then each shop, its\n" +
			"store, its old and its new key, why, and which keys are deleted. It has no secret, and fits a comment on a pull\n" +
			"request. Its last line has all counts. It works for OpenTofu too.\n\n" +
			"With --follow, FILE is one that the provider writes as its progress_file, or $KUSTOM_PROGRESS_FILE. It is shown while\n" +
			"it grows: a line for each shop, a bar, and an estimate of the time that is left; or each step as a line, where there\n" +
			"is no terminal. It begins with the last roll-out: the lines after the last pause of an hour or more. It ends when you\n" +
			"press Ctrl-C, with exit status 130.\n\n" +
			"The exit status is 0. With --detailed-exitcode it is 3 where something needs attention, such as a shop that failed or\n" +
			"whose old key still waits for its deletion. It is 1 where there is no report, and 2 where the command line makes no\n" +
			"sense.",
		Example: "  terraform show -json saved.tfplan | " + program + " report\n" +
			"  terraform show -json | " + program + " report --format html >report.html",
		Args: atMostOneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), d, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", formatMarkdown, "`markdown`, or html for a page that needs nothing else")
	flags.BoolVar(&f.detailed, "detailed-exitcode", false, "end with 3 where something needs attention")
	flags.BoolVar(&f.follow, "follow", false, "show a progress file while it grows")
	flags.BoolVar(&f.following.UntilEnded, "until-done", false, "with --follow, end when every shop that was planned or begun has ended: with exit status 1 if one failed, or else 0")
	flags.BoolVar(&f.following.All, "all", false, "with --follow, show everything that the file has, not only the last roll-out")
	return cmd
}

// atMostOneFile refuses several files.
func atMostOneFile(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return misuse{fmt.Errorf("%s takes one file; see %s --help", cmd.Name(), cmd.CommandPath())}
}

func (f *reportFlags) run(ctx context.Context, d Deps, args []string) error {
	switch {
	case f.follow && len(args) == 0:
		return misuse{errors.New("--follow takes a file; see " + program + " report --help")}
	case f.follow && (f.detailed || f.format != formatMarkdown):
		return misuse{errors.New("--format and --detailed-exitcode do not go with --follow; see " + program + " report --help")}
	case f.follow:
		f.following.Path = args[0]
		return follow(ctx, d, f.following)
	case f.following.UntilEnded || f.following.All:
		return misuse{errors.New("--until-done and --all go with --follow; see " + program + " report --help")}
	}
	if f.format != formatMarkdown && f.format != formatHTML {
		return misuse{fmt.Errorf("--format is %q, and is to be %s or %s", f.format, formatMarkdown, formatHTML)}
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

// open opens the file that is given or, where none is, standard input.
func (d Deps) open(args []string) (io.ReadCloser, string, error) {
	if len(args) == 1 && args[0] != "-" {
		file, err := os.Open(args[0])
		return file, args[0], err
	}
	if d.Stdin == nil || IsTerminal(d.Stdin) {
		return nil, "", misuse{errors.New("give a file, or the JSON on standard input; see " + program + " report --help")}
	}
	return io.NopCloser(d.Stdin), "standard input", nil
}

// IsTerminal tells whether somebody would have to type what is read: it is a device, as a terminal is.
func IsTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}
