package portalpages

import (
	"context"
	"fmt"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Examined is what the API page of a store is found to have.
type Examined struct {
	// User is the e-mail address of who is signed in; empty where the page does not show it.
	User     string
	Keys     []kustom.Key
	Findings []browser.Finding
}

// Examine reads a store's keys, and looks on their page for everything else that a switch needs there. It opens
// no menu of a key, and no dialog.
func (p *Portal) Examine(ctx context.Context, merchantID string) (examined Examined, err error) {
	err = p.look(ctx, func(v *visit) error {
		keys, err := v.list(ctx, merchantID)
		if err != nil {
			return err
		}
		examined, err = browser.Await(ctx, v.Tab, v.step("look for what a switch needs"), func(p *browser.Page) (Examined, error) {
			read, err := v.read(p, merchantID)
			return Examined{User: p.User(), Findings: v.findings(p, read.Rows)}, err
		})
		examined.Keys = keys
		return err
	})
	if err != nil {
		return Examined{}, fmt.Errorf("examining the API page of store %s: %w", merchantID, err)
	}
	return examined, nil
}

// findings looks for the things on the API page.
func (v *visit) findings(p *browser.Page, rows []browser.Entry) []browser.Finding {
	found := []browser.Finding{p.Examine(v.generateNew()), v.selectorFinding(p)}
	for _, column := range []string{labelKeyID, labelCreated, labelLastUsed, labelExpires} {
		finding := p.Examine(v.words.Text(column))
		// A store without keys need not have the list, and a list may lack what is nice to know.
		finding.Optional = len(rows) == 0 || column == labelExpires
		found = append(found, finding)
	}
	if len(rows) > 0 {
		found = append(found, v.menuFinding(rows))
	}
	action := p.Examine(v.words.Text(labelAction))
	action.Optional = true
	return append(found, action)
}

// selectorFinding is about what chooses a store. A user of a single store need not have it.
func (v *visit) selectorFinding(p *browser.Page) browser.Finding {
	finding := browser.Finding{Thing: v.words.Choice(labelStores), Optional: true}
	if selector, err := v.selector(p); err == nil && selector != nil {
		finding.Found = v.words.Of(labelStores)[0]
	}
	return finding
}

// menuFinding is about what each key is deleted with.
func (v *visit) menuFinding(rows []browser.Entry) browser.Finding {
	finding := browser.Finding{What: "a button in each key's row that opens its menu, or deletes it"}
	for _, row := range rows {
		if row.Menu() == nil && len(row.Row.Find(v.deleteKey())) != 1 {
			return finding
		}
	}
	finding.Found = "the menu of a key"
	return finding
}
