package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// errNotReady is returned after the check has printed what is missing.
var errNotReady = errors.New("")

// checkFlags are the values of the flags of check.
type checkFlags struct {
	vendorFlags
	shops, report string
}

func newCheckCommand(d Deps) *cobra.Command {
	f := checkFlags{vendorFlags: newVendorFlags()}
	f.Out = d.Stdout
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check whether a plan would find everything that it needs, and change nothing",
		Long: "Checks whether a plan would find everything that it needs: in Kustom Portal, at Kustom's merchant API and in each shop.\n" +
			"It changes nothing. It uses the same environment variables and sessions as a plan. The exit status is 0 if everything is\n" +
			"ready, or else 1.\n\n" +
			"With --teach, it opens a window. For each thing that it can't find, it asks you to point at it. The page does not\n" +
			"receive that click. The check then describes the thing in the file of --profile, or else in " + provider.DefaultProfile + ".\n" +
			"The file holds no value, and the provider reads it as browser.profile. You can skip a thing, or stop.\n\n" +
			"Some things appear only after a click that changes something, such as the dialog that deletes a key. Teach them with\n" +
			"--environment playground: there, you make that click yourself.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), d) },
	}
	flags := cmd.Flags()
	f.add(flags, "check")
	flags.StringVar(&f.shops, "shops", "", "a CSV `file` with the columns shop and merchant_id: the store of each shop")
	flags.BoolVar(&f.Teach, "teach", false, "open a window, and point at the things that the check can't find")
	flags.StringVar(&f.report, "report", "", "write an outline of each page to this `file`, with masked values, to "+
		"attach to an issue")
	return cmd
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

// expectedStores reads a list of shops, and returns the merchant ID of each shop.
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
