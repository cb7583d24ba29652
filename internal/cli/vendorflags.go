package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/shoplist"
)

// vendorFlags are the flags that replace a provider's configuration.
type vendorFlags struct{ provider.CheckOptions }

func newVendorFlags() vendorFlags {
	return vendorFlags{provider.CheckOptions{Labels: map[string]string{}, AdminURLs: map[string]string{}}}
}

// add adds the flags. Verb is what the command does with a shop.
func (f *vendorFlags) add(flags *pflag.FlagSet, verb string) {
	flags.StringVar(&f.Environment, "environment", "", "Kustom's `environment`, production or playground (default $"+envEnvironment+", or else production)")
	flags.StringVar(&f.Executable, "executable", "", "name or path of Chromium or Chrome (default the `browser` in PATH)")
	flags.StringVar(&f.Timeout, "timeout", "", "the maximum time of one step on a page, as a `duration` (default 30s)")
	flags.StringVar(&f.Profile, "profile", "", "a `file` that check --teach has written; like the provider's browser.profile (default $"+envProfile+")")
	flags.Func("label", "a word that a vendor has changed, as `label=word` such as portal.generate_new=Create; like the provider's browser.labels", f.addLabel)
	flags.Func("mystore", verb+" `shop` too, or shop=https://address/kontrollpanel; repeat it for several shops", f.addShop)
}

func (f *vendorFlags) addLabel(text string) error {
	name, word, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("it is not of the form label=word")
	}
	f.Labels[name] = word
	return nil
}

func (f *vendorFlags) addShop(text string) error {
	name, address, hasAddress := strings.Cut(text, "=")
	if !shoplist.IsName(name) {
		return errors.New("it is not the name of a shop")
	}
	f.Shops = append(f.Shops, name)
	if !hasAddress {
		return nil
	}
	f.AdminURLs[name] = address
	_, err := parseAddress(address)
	return err
}
