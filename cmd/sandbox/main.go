// Command sandbox serves the APIs and pages of Kustom and Mystore on this machine, to try the provider without an
// account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// settings are the values of the command line.
type settings struct {
	addr    string
	seed    string
	pages   bool
	list    bool
	options sandbox.Options
}

// run serves until ctx is done.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	set, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if set.list {
		return listMutations(stdout)
	}
	seed, err := loadSeed(set.seed)
	if err != nil {
		return err
	}
	s, err := sandbox.New(seed, set.options)
	if err != nil {
		return err
	}
	srv, err := sandbox.StartAt(s, set.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; for another port, run make sandbox PORT=9001, or set -addr", err)
	}
	if err != nil {
		return err
	}
	env := srv.Env()
	if set.pages {
		env = srv.PagesEnv()
	}
	if err := introduce(stdout, srv, env); err != nil {
		return errors.Join(err, srv.Close())
	}
	<-ctx.Done()
	return srv.Close()
}

func parse(args []string, output io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&set.addr, "addr", "127.0.0.1:9000", "loopback `address` to listen on")
	flags.StringVar(&set.seed, "seed", "", "`file` (YAML or JSON) with the stores and shops to start with; default: "+
		"three shops")
	flags.BoolVar(&set.pages, "pages", false, "print the environment for the pages, with sessions, and not the one for "+
		"the APIs, with tokens")
	flags.BoolVar(&set.options.Pages.Developers, "pages-developers", false, "call the menu group of the portal's API page Developers, not Integrations")
	flags.DurationVar(&set.options.Pages.Delay, "pages-delay", 0, "how long the pages wait for their data")
	flags.Func("pages-mutations", "`names`, separated by commas, of changes to the pages that a vendor could make; -pages-list names them", func(names string) error {
		set.options.Pages.Mutations = strings.Split(names, ",")
		return nil
	})
	flags.BoolVar(&set.list, "pages-list", false, "list the changes that -pages-mutations takes, and exit")
	flags.DurationVar(&set.options.PropagationDelay, "propagation-delay", 0, "how long a new key takes to work at the merchant API")
	flags.IntVar(&set.options.Pending, "pending", 0, "`number` of times that a new key must be read before it is active")
	flags.IntVar(&set.options.KeyLimit, "key-limit", 0, "`number` of keys that a store can have (default 10)")
	flags.DurationVar(&set.options.Latency, "latency", 0, "how long every call of an API takes")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return set, checkLoopback(set.addr)
}

// listMutations prints the mutations of the pages, one on each line.
func listMutations(w io.Writer) error {
	for _, m := range sandbox.Mutations() {
		if _, err := fmt.Fprintf(w, "%-24s%s\n", m.Name, m.Description); err != nil {
			return fmt.Errorf("list the mutations: %w", err)
		}
	}
	return nil
}

// checkLoopback rejects addresses of other machines, because the sandbox's tokens are no secrets.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("-addr %s: the sandbox listens on a loopback address only", addr)
}

func loadSeed(path string) (sandbox.Seed, error) {
	if path == "" {
		return sandbox.ThreeShops(), nil
	}
	return sandbox.LoadSeed(path)
}

// introduce prints the environment for the shell that runs Terraform, and directions to the pages.
func introduce(w io.Writer, srv *sandbox.Server, env map[string]string) error {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&b, "export %s=%s\n", name, quote(env[name]))
	}
	fmt.Fprintf(&b, "# report:         %s/sandbox/report\n", srv.URL())
	fmt.Fprintf(&b, "# place an order: curl -X POST %s/sandbox/orders/<shop>\n", srv.URL())
	b.WriteString("# Klarna's API answers here, as it did before it was switched off: a switch must not stop a shop that takes payments.\n")
	b.WriteString("# The vendors' pages, to look at:\n")
	for _, line := range srv.Tour() {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print the environment: %w", err)
	}
	return nil
}

// quote quotes s for a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
