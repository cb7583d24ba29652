// Command bench measures the provider's ways to manage many shops. It compares them with each other, with Terraform's
// built-in terraform_data, and with an empty provider. Both vendors are the sandbox, in the same process. Run it with
// make bench. It needs no account and no network.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and writes the report, also after an interrupt or a failure.
func run(ctx context.Context, args []string, out io.Writer) error {
	set, err := parse(args, out)
	if err != nil {
		return err
	}
	facts, err := machine(ctx, set)
	if err != nil {
		return err
	}
	b := newBench(set, out)
	err = b.measure(ctx)
	report := render(facts, set, b.results)
	fmt.Fprintf(out, "\n%s", report)
	return errors.Join(err, write(set.out, report))
}

func write(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
