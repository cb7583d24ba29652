package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// errNotReady says that the check has told what is missing.
var errNotReady = errors.New("")

// checkFlags are the flags of check, as they are given.
type checkFlags struct {
	provider.CheckOptions
	shops, report string
}

func newCheckCommand(d Deps) *cobra.Command {
	f := checkFlags{CheckOptions: provider.CheckOptions{Out: d.Stdout, Labels: map[string]string{}, AdminURLs: map[string]string{}}}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look whether a plan would find all that it needs, and change nothing",
		Long: "Looks, without changing anything, whether a plan would find all that it needs: in Kustom Portal, at Kustom's merchant\n" +
			"API, and in each shop. It uses the environment variables and the sessions that a plan would use. The exit status is 0\n" +
			"where it is ready, and 1 where it is not.",
		Args: flagsAlone,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), d) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Environment, "environment", "", "Kustom's `environment`, production or playground (default $"+envEnvironment+", or else production)")
	flags.StringVar(&f.Executable, "executable", "", "name or path of Chromium or Chrome (default the `browser` in PATH)")
	flags.StringVar(&f.Timeout, "timeout", "", "how long one step on a page may take, as a `duration` (default 30s)")
	flags.Func("label", "a `label=word` such as portal.generate_new=Create, as in the provider's browser.labels", f.addLabel)
	flags.Func("mystore", "check `shop` too, or shop=https://address/kontrollpanel; for several shops, give it several times", f.addShop)
	flags.StringVar(&f.shops, "shops", "", "a CSV `file` with the columns shop and merchant_id: the store that each shop is to be of")
	flags.StringVar(&f.report, "report", "", "write an outline of each page into this `file`, with values masked, to attach to an issue")
	return cmd
}

func (f *checkFlags) addLabel(text string) error {
	name, word, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("it is not of the form label=word")
	}
	f.Labels[name] = word
	return nil
}

func (f *checkFlags) addShop(text string) error {
	name, address, hasAddress := strings.Cut(text, "=")
	f.Shops = append(f.Shops, name)
	if hasAddress {
		f.AdminURLs[name] = address
	}
	return nil
}

func (f *checkFlags) run(ctx context.Context, d Deps) (err error) {
	if f.shops != "" {
		if f.Expected, err = expectedStores(f.shops); err != nil {
			return err
		}
	}
	if f.report != "" {
		file, err := os.OpenFile(f.report, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		f.Report = file
		return errors.Join(f.check(ctx, d), file.Close())
	}
	return f.check(ctx, d)
}

func (f *checkFlags) check(ctx context.Context, d Deps) error {
	ready, err := d.Check(ctx, f.CheckOptions)
	if err != nil {
		return err
	}
	if !ready {
		return errNotReady
	}
	return nil
}

// expectedStores reads which store each shop is to be of.
func expectedStores(file string) (map[string]string, error) {
	content, err := os.ReadFile(file) //nolint:gosec // The person names the file.
	if err != nil {
		return nil, err
	}
	shops, err := shoplist.ParseShops(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	expected := map[string]string{}
	for _, shop := range shops {
		expected[shop.Name] = shop.MerchantID
	}
	return expected, nil
}
