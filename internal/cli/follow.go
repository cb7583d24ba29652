package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
)

// errNotFollowed is returned after an interrupt or a failed shop. The screen shows why, so it has no text.
var errNotFollowed = errors.New("")

// follow shows a progress file until ctx is done or, with UntilEnded, until every shop has ended.
func follow(ctx context.Context, d Deps, o progress.FollowOptions) error {
	switch info, err := os.Stat(o.Path); {
	case errors.Is(err, fs.ErrNotExist):
		d.say("%s does not exist yet. Waiting until a run of the provider creates it. Press Ctrl-C to end.", o.Path)
	case err == nil && info.Size() == 0:
		d.say("%s is empty. Waiting until a run of the provider writes to it. Press Ctrl-C to end.", o.Path)
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

// terminalSize returns a function that returns the size of the terminal w. It returns nil if w is no terminal, or one
// that cannot redraw lines.
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
