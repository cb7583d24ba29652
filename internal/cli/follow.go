package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
)

// errNotFollowed says that following has ended, and that what was shown says why.
var errNotFollowed = errors.New("")

func newFollowCommand(d Deps) *cobra.Command {
	var o progress.FollowOptions
	cmd := &cobra.Command{
		Use:   "follow FILE",
		Short: "Show what the provider does for each shop while it does it",
		Long: "Shows the file that the provider writes as its progress_file, or $KUSTOM_PROGRESS_FILE, while it grows: a line for each shop,\n" +
			"a bar, and an estimate of the time that is left. Where there is no terminal, it prints each step as a line. It begins with the\n" +
			"last roll-out: the lines after the last pause of an hour or more. It ends when you press Ctrl-C, with exit status 130.",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Path = args[0]
			return follow(cmd.Context(), d, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.UntilEnded, "until-done", false, "end when every shop that was planned or begun has ended: with exit status 1 if one failed, or else 0")
	flags.BoolVar(&o.All, "all", false, "show everything that the file has, not only the last roll-out")
	return cmd
}

// oneFile refuses a command line that does not name exactly one file.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return misuse{fmt.Errorf("%s takes one file; see %s --help", cmd.Name(), cmd.CommandPath())}
}

// follow shows a progress file until it is told to stop.
func follow(ctx context.Context, d Deps, o progress.FollowOptions) error {
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		d.say("%s does not exist yet. Waiting for it.", o.Path)
	}
	o.Clock, o.Out = clock.System{}, d.Stdout
	if d.Getenv("TERM") != "dumb" {
		o.Size = terminalSize(d.Stdout)
	}
	failures, err := progress.Follow(ctx, o)
	switch {
	case ctx.Err() != nil:
		return errNotFollowed
	case err != nil:
		return err
	case failures > 0:
		return errNotFollowed
	}
	return nil
}

// terminalSize returns what tells the size of the terminal that w is; nil where it is none, or one that can't draw in
// place.
func terminalSize(w io.Writer) func() (width, height int) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || !drawsInPlace(file) {
		return nil
	}
	return func() (width, height int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}
}
