package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

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
}

func newReportCommand(d Deps) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report [FILE]",
		Short: "Say what a saved plan does with each shop, or how the shops of a state are",
		Long: "Reads what `terraform show -json saved.tfplan` prints of a saved plan, or `terraform show -json` of a state, from a file\n" +
			"or from standard input, and prints a report for a person to review: what needs attention first, then each shop, its\n" +
			"store, its old and its new key, why, and which keys are deleted. It has no secret, and fits a comment on a pull\n" +
			"request. Its last line has all counts. It works for OpenTofu too.\n\n" +
			"The exit status is 0. With --detailed-exitcode it is 3 where something needs attention, such as a shop that failed or\n" +
			"whose old key still waits for its deletion. It is 1 where there is no report, and 2 where the command line makes no\n" +
			"sense.",
		Example: "  terraform show -json saved.tfplan | " + program + " report\n" +
			"  terraform show -json | " + program + " report --format html >report.html",
		Args: atMostOneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(d, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", formatMarkdown, "`markdown`, or html for a page that needs nothing else")
	flags.BoolVar(&f.detailed, "detailed-exitcode", false, "end with 3 where something needs attention")
	return cmd
}

// atMostOneFile refuses several files.
func atMostOneFile(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return misuse{fmt.Errorf("%s takes one file; see %s --help", cmd.Name(), cmd.CommandPath())}
}

func (f *reportFlags) run(d Deps, args []string) error {
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
	if d.Stdin == nil || isTerminal(d.Stdin) {
		return nil, "", misuse{errors.New("give a file, or the JSON on standard input; see " + program + " report --help")}
	}
	return io.NopCloser(d.Stdin), "standard input", nil
}

// isTerminal tells whether somebody would have to type what is read.
func isTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}
