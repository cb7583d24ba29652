package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

const checkUsage = `Usage: terraform-provider-kustom check [-mystore SHOP[=ADDRESS]]... [-shops FILE] [-report FILE]

Looks, without changing anything, whether a plan would find all that it needs: in Kustom Portal, at Kustom's
merchant API, and in each shop. It uses the environment variables and the sessions that a plan would use. The exit
status is 0 where it is ready, and 1 where it is not.`

// checkCommand does what the command line of check says, and returns the exit code.
func checkCommand(ctx context.Context, args []string, o provider.Options, stdout, stderr io.Writer) int {
	const failed, misused = 1, 2
	c := provider.CheckOptions{Out: stdout, Labels: map[string]string{}, AdminURLs: map[string]string{}}
	var shops, report string
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, checkUsage)
		flags.PrintDefaults()
	}
	flags.StringVar(&c.Environment, "environment", "", "Kustom's `environment`, production or playground (default $KUSTOM_ENVIRONMENT, or else production)")
	flags.StringVar(&c.Executable, "executable", "", "name or path of Chromium or Chrome (default the `browser` in PATH)")
	flags.StringVar(&c.Timeout, "timeout", "", "how long one step on a page may take, as a `duration` (default 30s)")
	flags.Func("label", "a `label=word` such as portal.generate_new=Create, as in the provider's browser.labels", func(text string) error {
		return addPair(c.Labels, text)
	})
	flags.Func("mystore", "check `shop` too, or shop=https://address/kontrollpanel", func(text string) error {
		name, address, hasAddress := strings.Cut(text, "=")
		c.Shops = append(c.Shops, name)
		if hasAddress {
			c.AdminURLs[name] = address
		}
		return nil
	})
	flags.StringVar(&shops, "shops", "", "a CSV `file` with the columns shop and merchant_id: the store that each shop is to be of")
	flags.StringVar(&report, "report", "", "write an outline of each page into this `file`, with values masked, to attach to an issue")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return misused
	case flags.NArg() > 0:
		_, _ = fmt.Fprintln(stderr, "check takes nothing but flags. See check -h.")
		return misused
	}
	ready, err := runCheck(ctx, o, c, shops, report)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
	}
	if err != nil || !ready {
		return failed
	}
	return 0
}

func runCheck(ctx context.Context, o provider.Options, c provider.CheckOptions, shops, report string) (ready bool, err error) {
	if shops != "" {
		if c.Expected, err = expectedStores(shops); err != nil {
			return false, err
		}
	}
	if report != "" {
		file, err := os.OpenFile(report, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // The person names the file.
		if err != nil {
			return false, err
		}
		c.Report = file
		ready, err = provider.Check(ctx, o, c)
		return ready, errors.Join(err, file.Close())
	}
	return provider.Check(ctx, o, c)
}

var errPair = errors.New("it is not of the form name=value")

func addPair(pairs map[string]string, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errPair
	}
	pairs[name] = value
	return nil
}

// expectedStores reads which store each shop is to be of.
func expectedStores(file string) (map[string]string, error) {
	f, err := os.Open(file) //nolint:gosec // The person names the file.
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	}
	shop, store := slices.Index(rows[0], "shop"), slices.Index(rows[0], "merchant_id")
	if shop < 0 || store < 0 {
		return nil, fmt.Errorf("%s has no columns shop and merchant_id in its first line", file)
	}
	expected := map[string]string{}
	for _, row := range rows[1:] {
		expected[row[shop]] = row[store]
	}
	return expected, nil
}

// check runs the command, and ends the browsers that it has started.
func check(ctx context.Context, args []string) int {
	var browsers browser.Group
	code := checkCommand(ctx, args, provider.Options{
		Version: ownVersion(version, buildInfo()), Getenv: os.Getenv, SessionDir: sessionDir(), Browsers: &browsers,
	}, os.Stdout, os.Stderr)
	if err := browsers.Close(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
