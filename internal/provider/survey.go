package provider

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/setup"
)

// SurveyOptions are the arguments of [Survey]. It ignores the check's options for a report.
type SurveyOptions struct {
	CheckOptions
	// Only are the shops to read; empty means all accessible ones.
	Only []string
}

// Survey reads the stores and the shops that a plan could reach, with the same environment and sessions. It
// changes nothing.
func Survey(ctx context.Context, o Options, so SurveyOptions) (setup.VendorData, error) {
	b, warnings, err := so.readOnly(o, func(*browserSettings) {})
	if err != nil {
		return setup.VendorData{}, err
	}
	reached, err := b.shopNames()
	if err != nil {
		return setup.VendorData{}, err
	}
	reached = slices.Concat(reached, so.Shops)
	slices.Sort(reached)
	reached = slices.Compact(reached)
	near := map[string]string{}
	source := setup.Source{
		Stores: b.engine.Keys.Stores, Advise: checkAdvice,
		Keys: func(ctx context.Context) iter.Seq2[kustom.Key, error] { return b.engine.Keys.Keys(ctx, "") },
	}
	byPages := false
	for _, name := range so.selectShops(reached, near) {
		source.Shops = append(source.Shops, b.checkedShop(name))
		byPages = byPages || !b.hasToken(name)
	}
	data, err := setup.ReadVendors(ctx, source)
	data.Environment, data.Near, data.Redactor = *b.environment, near, b.redactor
	data.PortalByPages, data.ShopsByPages = b.portalByPages(), byPages
	data.Notes = append(warnings, data.Notes...)
	return data, err
}

// selectShops returns the shops of [SurveyOptions.Only] that are in reached, sorted; all of reached if Only is empty. For
// each other shop of Only, it adds a similar name in reached to near.
func (so SurveyOptions) selectShops(reached []string, near map[string]string) []string {
	if len(so.Only) == 0 {
		return reached
	}
	names := map[string]bool{}
	for _, shop := range so.Only {
		if slices.Contains(reached, shop) {
			names[shop] = true
		} else if other := nearest(shop, slices.Values(reached)); other != "" {
			near[shop] = other
		}
	}
	return slices.Sorted(maps.Keys(names))
}
