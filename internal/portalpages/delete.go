package portalpages

import (
	"context"
	"errors"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// deletions is how often a deletion is tried that is not seen to have happened.
const deletions = 3

// remove deletes a key. It is no error when the key is gone already. What is not certain to have
// happened is looked up, and done again where it has not: the list is what counts.
func (p *Portal) remove(ctx context.Context, merchantID, credentialID string) error {
	var err error
	for range deletions {
		err = p.visit(ctx, func(v *visit) error { return v.remove(ctx, merchantID, credentialID) })
		var step *browser.StepError
		if err == nil || !errors.As(err, &step) || ctx.Err() != nil {
			return err
		}
		if !step.Uncertain && step.Kind != browser.Died {
			return err
		}
	}
	return err
}

// remove does the guide's third step: the three dots, Delete API key, and its confirmation.
func (v *visit) remove(ctx context.Context, merchantID, credentialID string) error {
	keys, err := v.list(ctx, merchantID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k kustom.Key) bool { return k.CredentialID == credentialID })
	if i < 0 {
		return nil
	}
	username := keys[i].Username
	if err := v.findRow(ctx, merchantID, username); err != nil {
		return err
	}
	// The names of the button and of its menu end with the username: with all of it, so that another that
	// begins the same is not meant.
	item := v.words.Want("menuitem", labelDeleteKey)
	_, found, err := v.follow(ctx, "open the menu of key "+username, v.words.Want("button", labelActions, username), item)
	if err != nil {
		return err
	}
	step := v.step("delete key " + username)
	if err := v.Click(ctx, step, found[0]); err != nil {
		return err
	}
	step.Wants = []browser.Want{
		v.words.Want("dialog", labelDeleteKey).Saying(username),
		v.words.Want("dialog", labelDeleteKey).Saying(merchantID),
		v.words.Want("button", labelDelete).Inside("dialog"),
	}
	_, found, err = v.Await(ctx, step)
	if err != nil {
		return err
	}
	step.Changing, step.Wants = true, nil
	if err := v.Click(ctx, step, found[2]); err != nil {
		return err
	}
	step.Wants = append(v.keysOf(merchantID), browser.Gone("rowheader", username), browser.Gone("dialog"))
	_, _, err = v.Await(ctx, step)
	return err
}

// findRow goes to the page of the list that shows the key. The list was read to its end just now.
func (v *visit) findRow(ctx context.Context, merchantID, username string) error {
	row := browser.Want{Role: "rowheader", Words: []string{username}}
	page, err := v.integrations(ctx, merchantID)
	for err == nil && page.First(row.Role, username) == nil {
		keys, readErr := v.read(page, merchantID)
		if readErr != nil || len(keys) == 0 {
			return errors.Join(readErr, &unreadableError{v.page, "key " + username + " is not in the list any more"})
		}
		page, err = v.turn(ctx, merchantID, keys[len(keys)-1].Username)
	}
	return err
}
