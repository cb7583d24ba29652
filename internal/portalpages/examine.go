package portalpages

import (
	"context"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Examined is what Examine found on a store's API page.
type Examined struct {
	// User is the e-mail address of the signed-in user; empty if the page does not show it.
	User     string
	Keys     []kustom.Key
	Findings []browser.Finding
}

// Examine reads a store's keys, and checks that their page has everything else that a switch needs. It opens no
// key's menu and no dialog.
func (p *Portal) Examine(ctx context.Context, merchantID string) (examined Examined, err error) {
	err = p.look(ctx, func(v *visit) error {
		keys, err := v.list(ctx, merchantID)
		if err != nil {
			return err
		}
		step := v.Step("look for what a switch needs")
		examined, err = browser.AwaitFindings(ctx, v.Tab, step, func(p *browser.Page) (Examined, error) {
			read, err := v.read(p, merchantID)
			return Examined{User: p.User(), Findings: v.findings(p, read.Rows)}, err
		}, func(e Examined) []browser.Finding { return e.Findings })
		examined.Keys = keys
		if err != nil || len(keys) == 0 {
			return err
		}
		return v.teachDeletion(ctx, merchantID)
	})
	if err != nil {
		return Examined{}, fmt.Errorf("examine the API page of store %s: %w", merchantID, err)
	}
	return examined, nil
}

// teachDeletion asks the user to point at the elements that delete a key. They appear only after clicks, the
// last of which deletes the key. So this is taught in the playground, and the user makes the clicks.
func (v *visit) teachDeletion(ctx context.Context, merchantID string) error {
	if of, ok := kustom.MerchantID(merchantID).Environment(); !ok || of != kustom.Playground {
		return nil
	}
	step := v.Step("learn how a key is deleted")
	err := v.TeachAfter(ctx, step, "Open the menu of any key in the list. Choose nothing in it.", v.deleteKey())
	if err != nil {
		return err
	}
	return v.TeachAfter(ctx, step, "Choose the item that deletes the key. The page then asks you to confirm. Do not confirm.", v.Words.Action(labelConfirm))
}

// findings looks for the elements of the API page.
func (v *visit) findings(p *browser.Page, rows []browser.Entry) []browser.Finding {
	found := []browser.Finding{p.Examine(v.generateNew()), v.selectorFinding(p)}
	for _, column := range []string{labelKeyID, labelCreated, labelLastUsed, labelExpires} {
		finding := p.Examine(v.Words.Text(column))
		// The list is optional in a store without keys, and some of its columns are optional too.
		finding.Optional = len(rows) == 0 || column == labelExpires
		found = append(found, finding)
	}
	if len(rows) > 0 {
		found = append(found, v.menuFinding(rows))
	}
	action := p.Examine(v.Words.Text(labelAction))
	action.Optional = true
	return append(found, action)
}

// selectorFinding looks for the element that chooses a store. A user of a single store may not have one.
func (v *visit) selectorFinding(p *browser.Page) browser.Finding {
	finding := browser.Finding{Target: v.Words.Choice(labelStores), Optional: true}
	if selector, err := v.selector(p); err == nil && selector != nil {
		finding.Found = v.Words.Of(labelStores)[0]
	}
	return finding
}

// menuFinding looks for the element that opens each key's menu.
func (v *visit) menuFinding(rows []browser.Entry) browser.Finding {
	finding := browser.Finding{Target: v.Words.Action(labelKeyMenu), What: "a button in each key's row that opens its menu, or deletes it"}
	for _, row := range rows {
		if v.menu(row) == nil && len(row.Row.Find(v.deleteKey())) != 1 {
			finding.Entry = row.Row
			return finding
		}
	}
	finding.Found = "the menu of a key"
	return finding
}
