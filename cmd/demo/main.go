// Command demo switches the sandbox's three shops from Klarna's API to Kustom's, with a real Terraform or OpenTofu
// and the installed provider, and checks every step. Run it with make demo. It needs no account and no network.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	tf := flag.String("tf", "terraform", "the Terraform or OpenTofu `binary`")
	provider := flag.String("provider", "dist/terraform-provider-kustom", "the provider `binary`")
	keep := flag.Bool("keep", false, "keep the vendors' pages up until Ctrl-C, to look at them")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *tf, *provider, os.Stdout, isTerminal(os.Stdout), *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run runs the demo. It stops and removes everything that it started and created.
func run(ctx context.Context, tf, provider string, out io.Writer, color, keep bool) (err error) {
	d, err := newDemo(tf, provider, out, color, keep)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := d.close(); err == nil {
			err = closeErr
		}
		// Errors after an interrupt are not worth reading.
		if ctx.Err() != nil && !d.looked {
			err = context.Cause(ctx)
		}
	}()
	for i, step := range d.steps() {
		d.out.headline(i+1, step.title)
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	d.out.summary()
	if !keep {
		d.out.say("\nTo look at the shops' pages afterwards, run it with DEMO_KEEP=1.")
	}
	return nil
}

// isTerminal reports whether f shows colors; see https://no-color.org.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}
