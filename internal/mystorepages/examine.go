package mystorepages

import (
	"context"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Examined is what Examine found in a shop's control panel.
type Examined struct {
	// User is the e-mail address of the signed-in user; empty if the page does not show it.
	User  string
	Holds mystore.Credentials
	// Shown reports whether the page shows which Kustom ID the shop has.
	Shown     bool
	Extension mystore.Extension
	Findings  []browser.Finding
}

// Examine reads a shop's credentials, and checks that their page has everything else that a switch needs. It
// fills in and presses nothing.
func (c *Client) Examine(ctx context.Context, shop string) (examined Examined, err error) {
	err = c.look(ctx, shop, func(v *visit) error {
		if _, err := v.open(ctx); err != nil {
			return err
		}
		examined, err = browser.AwaitFindings(ctx, v.Tab, v.Step("look for what a switch needs"), v.examine,
			func(e Examined) []browser.Finding { return e.Findings })
		return err
	})
	if err != nil {
		return Examined{}, fmt.Errorf("examine the control panel of shop %s: %w", shop, err)
	}
	examined.Shown = c.isShown(shop, examined.Holds)
	return examined, nil
}

// examine looks for the elements of the page Credentials.
func (v *visit) examine(p *browser.Page) (Examined, error) {
	found, err := v.formOn(p)
	if err != nil {
		return Examined{}, err
	}
	return Examined{
		User: p.User(), Holds: found.Holds, Extension: v.extension(p),
		Findings: []browser.Finding{
			p.Examine(v.Words.Field(labelKustomID)), p.Examine(v.Words.Field(labelKustomSecret)), p.Examine(updateTarget(v.Words)),
		},
	}, nil
}
