package mystorepages

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Credentials reads a shop's credentials. The error is a [*mystore.NotInstalledError] if the shop's pages say
// that it can't have any, and a [*mystore.NotShownError] if they do not show which it has. It is not known
// whether real pages show the saved Kustom ID. So an empty field counts only if the same page has shown an ID
// before.
func (c *Client) Credentials(ctx context.Context, shop string) (holds mystore.Credentials, err error) {
	err = c.look(ctx, shop, func(v *visit) error {
		found, err := v.open(ctx)
		holds = found.Holds
		return err
	})
	if err == nil && !c.isShown(shop, holds) {
		err = &mystore.NotShownError{Shop: shop, Masked: holds.KustomID}
	}
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("read the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
}

// isShown reports whether a page shows which ID the shop has. It remembers the pages that do.
func (c *Client) isShown(shop string, holds mystore.Credentials) bool {
	if holds.KustomID != "" {
		shown := !mystore.IsMasked(holds.KustomID)
		if shown {
			c.shows.Store(shop, true)
		}
		return shown
	}
	_, shows := c.shows.Load(shop)
	return shows && holds.Secret != mystore.SecretSet
}

// masked reports whether a page masks a field's value.
func masked(text string) bool { return text != "" && strings.Trim(text, "*•●·.xX") == "" }

// Install writes a pair to a shop. After an uncertain failure ([transport.IsUncertain]), the pair may have been
// written. The error is a [*mystore.NotConfirmedError] if the shop's page accepted the pair and does not show
// which ID it has.
func (c *Client) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := c.write(ctx, shop, kustomID, kustomSecret)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("write the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
}

// Clear deletes a shop's credentials. The shop then takes no payments with Klarna Checkout V3. The error is a
// [*mystore.NotConfirmedError] if the shop's page does not show IDs.
func (c *Client) Clear(ctx context.Context, shop string) (mystore.Credentials, error) {
	holds, err := c.write(ctx, shop, "", "")
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("clear the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
}

// Extension returns a shop's Klarna Checkout V3, or a [*mystore.NotInstalledError]. Its version is empty if the
// pages do not show it. It is active unless the pages say otherwise.
func (c *Client) Extension(ctx context.Context, shop string) (extension mystore.Extension, err error) {
	err = c.look(ctx, shop, func(v *visit) error {
		extension = mystore.Extension{Active: true}
		return v.walk(ctx, browser.Route{Goal: func(p *browser.Page) error {
			if v.atForm(p) == nil || len(v.credentialsOf(p)) > 0 {
				extension = v.extension(p)
				return nil
			}
			return &browser.AbsentError{Targets: []browser.Target{v.extensionTarget()}}
		}})
	})
	if err != nil {
		return mystore.Extension{}, fmt.Errorf("read the extensions of shop %s: %w", shop, err)
	}
	return extension, nil
}

// extension reads what a page says about the extension.
func (v *visit) extension(p *browser.Page) mystore.Extension {
	extension := mystore.Extension{Active: !p.Has(v.Words.Text(labelInactive))}
	for _, line := range p.Lines() {
		for _, word := range v.Words.Of(labelVersion) {
			if rest, ok := strings.CutPrefix(line, word); ok && extension.Version == "" {
				extension.Version, _, _ = strings.Cut(strings.TrimLeft(rest, ": "), " ")
			}
		}
	}
	return extension
}

// families are the search terms for the extension: the name that all its versions share, and its possible new
// name.
func families() []string { return []string{"Kustom Checkout", "Klarna Checkout"} }

// open goes to the page Credentials, from its known address or by the menu, and reads it.
func (v *visit) open(ctx context.Context) (form, error) {
	return v.openExpecting(ctx, func(form) bool { return false })
}

// openExpecting is like open, and does not wait whether a form that is as expected changes.
func (v *visit) openExpecting(ctx context.Context, expected func(form) bool) (form, error) {
	var found form
	err := v.walk(ctx, browser.Route{Goal: v.atForm, Shows: func(p *browser.Page) any {
		found, _ = v.formOn(p)
		found.Expected = expected(found)
		return found
	}})
	return found, err
}

// walk goes to a page of the extension, from the address that this run or an earlier one found. If that no
// longer works, it starts at the control panel's first page.
func (v *visit) walk(ctx context.Context, to browser.Route) error {
	if known, ok := v.client.addresses.Load(v.shop); ok {
		address, _ := known.(*url.URL)
		return v.walkFrom(ctx, address, to)
	}
	if place := v.client.Places.of(v.shop, v.site.URL); place != nil {
		err := v.walkFrom(ctx, place, to)
		if !browser.IsKind(err, browser.NotFound) && !browser.IsKind(err, browser.NoPage) || ctx.Err() != nil {
			return err
		}
		v.client.Places.forget(v.shop)
	}
	return v.walkFrom(ctx, v.site.URL, to)
}

// walkFrom loads a page of the control panel, and goes from there to one of the extension.
func (v *visit) walkFrom(ctx context.Context, address *url.URL, to browser.Route) error {
	v.Page = "the control panel of shop " + v.shop
	step := v.Step("open Credentials of Klarna Checkout V3")
	if err := v.Load(ctx, step, address); err != nil {
		return err
	}
	var at *url.URL
	moves := browser.Openers()
	moves = append(moves, browser.WalkStep{Target: v.Words.Action(labelExtensions).InMenu()}, browser.WalkStep{Target: v.Words.Action(labelYours).InMenu()})
	for _, family := range families() {
		moves = append(moves, browser.WalkStep{Target: v.Words.Field(labelSearch), Find: v.search, Type: family})
	}
	moves = append(moves, browser.WalkStep{Target: v.extensionTarget()},
		browser.WalkStep{Target: v.Words.Action(labelCredentials), Find: v.credentialsOf})
	err := v.Walk(ctx, step, browser.Route{Steps: moves, Shows: to.Shows, Goal: func(p *browser.Page) error {
		at = p.URL
		if err := v.notInstalled(p); err != nil {
			return err
		}
		return to.Goal(p)
	}})
	v.client.addresses.Delete(v.shop)
	if err == nil {
		v.Page = "the credentials of shop " + v.shop
		v.client.addresses.Store(v.shop, at)
		v.client.Places.save(v.shop, at, v.site.URL)
	}
	return err
}

// extensionTarget leads to the page of the extension. It excludes other links about the extension, such as its
// manual.
func (v *visit) extensionTarget() browser.Target {
	return v.Words.Action(labelExtension).InMenu("active", "inactive", "installed", "enabled", "version", "v", "settings", "aktiv", "inaktiv", "installert")
}

// search finds the search field of the page that lists the shop's extensions. It accepts no other page.
func (v *visit) search(p *browser.Page) []*browser.Element {
	fields := p.Find(v.Words.Field(labelSearch))
	if len(fields) != 1 || !p.Has(v.Words.Text(labelYours)) && !p.Has(v.Words.Text(labelExtensions)) {
		return nil
	}
	return fields
}

// mentions returns the places where a page names the extension.
func (v *visit) mentions(p *browser.Page) []*browser.Element {
	return p.Find(v.Words.Text(labelExtension))
}

// credentialsOf finds the control that opens the extension's credentials. On a page with several extensions, it
// is the one nearest to the extension's name.
func (v *visit) credentialsOf(p *browser.Page) []*browser.Element {
	all, mentions := p.Find(v.Words.Action(labelCredentials)), v.mentions(p)
	var near []*browser.Element
	for _, e := range all {
		box := e.Closest(func(at *browser.Element) bool { return slices.ContainsFunc(mentions, at.Contains) })
		if box != nil && !slices.ContainsFunc(all, func(other *browser.Element) bool { return other != e && box.Contains(other) }) {
			near = append(near, e)
		}
	}
	if len(near) != 1 {
		return nil
	}
	return near
}

// missingExtension is a [*mystore.NotInstalledError] that must be observed for a while, because a search takes
// time.
type missingExtension struct{ *mystore.NotInstalledError }

// Quiet implements [browser.Quieter].
func (missingExtension) Quiet() time.Duration { return browser.SettledEmpty }

// Unwrap returns the error itself.
func (e missingExtension) Unwrap() error { return e.NotInstalledError }

// notInstalled returns an error if the page has searched for the extension and says that there is none, or
// shows only another version.
func (v *visit) notInstalled(p *browser.Page) error {
	fields := v.search(p)
	if len(fields) == 0 || fields[0].Value != families()[0] || len(v.mentions(p)) > 0 {
		return nil
	}
	missing := &mystore.NotInstalledError{Shop: v.shop}
	for _, leaf := range p.Leaves() {
		if text := leaf.Text(); !leaf.HasRole("textbox", "searchbox") && isFamily(text) {
			missing.Other = transport.Shown(text)
		}
	}
	if missing.Other == "" && !p.Has(v.Words.Text(labelNoExtension)) {
		return nil
	}
	return missingExtension{missing}
}

func isFamily(text string) bool {
	const longest = 40
	return len(text) <= longest && slices.ContainsFunc(families(), func(family string) bool {
		return strings.Contains(strings.ToLower(text), strings.ToLower(family))
	})
}

// form is the page Credentials.
type form struct {
	ID, Secret, Update *browser.Element
	Holds              mystore.Credentials
	// Expected reports that the form is as the caller expects it.
	Expected bool
}

// Quiet implements [browser.Quieter].
func (f form) Quiet() time.Duration {
	switch {
	case f.Holds.KustomID == "":
		return browser.SettledEmpty
	case f.Expected:
		return 0
	}
	return browser.Settled
}

// atForm returns nil on the page Credentials.
func (v *visit) atForm(p *browser.Page) error {
	_, err := v.formOn(p)
	return err
}

// formOn finds the two fields and the button that saves both.
func (v *visit) formOn(p *browser.Page) (form, error) {
	id, err := p.One(v.Words.Field(labelKustomID))
	if err != nil {
		return form{}, err
	}
	secret, err := p.One(v.Words.Field(labelKustomSecret))
	if err != nil {
		return form{}, err
	}
	update := updateTarget(v.Words)
	for box := id; box != nil; box = box.Parent() {
		if !box.Contains(secret) {
			continue
		}
		button, err := box.One(update)
		if err == nil {
			found := form{ID: id, Secret: secret, Update: button}
			found.Holds = mystore.Credentials{KustomID: strings.TrimSpace(id.Value), Secret: secretState(secret), UpdatedAt: v.updatedAt(p)}
			return found, nil
		}
		if box.Has(update) {
			return form{}, err
		}
	}
	return form{}, &browser.AbsentError{Targets: []browser.Target{update}, RightPage: true}
}

// updateTarget is the button that saves both fields.
func updateTarget(words browser.Words) browser.Target {
	return words.Action(labelUpdate).Before("id", "and", "secret", "key", "og")
}

// secretState returns what a field shows of the secret: a value, or dots in its place. Pages may empty the
// field after saving, so an empty field proves nothing.
func secretState(field *browser.Element) mystore.SecretState {
	if field.Value != "" || masked(field.Placeholder) {
		return mystore.SecretSet
	}
	return mystore.SecretNotShown
}

// updatedAt returns the page's time of the pair's last change; empty if there is none. It is only compared.
func (v *visit) updatedAt(p *browser.Page) string {
	for _, leaf := range p.Leaves() {
		for _, word := range v.Words.Of(labelLastUpdated) {
			rest, ok := strings.CutPrefix(leaf.Text(), word)
			if !ok {
				continue
			}
			for inner := range leaf.All() {
				if inner.Moment != "" {
					return inner.Moment
				}
			}
			if rest = strings.Trim(rest, ": "); rest != "" {
				return rest
			}
		}
	}
	return ""
}

// notWrittenError says that a write failed before any click that changes the shop.
type notWrittenError struct{ cause error }

func (e *notWrittenError) Error() string { return e.cause.Error() }

func (e *notWrittenError) Unwrap() error { return e.cause }

// DidNothing reports that the write certainly did not happen.
func (e *notWrittenError) DidNothing() bool { return true }

// write does the guide's second step.
func (c *Client) write(ctx context.Context, shop, kustomID, kustomSecret string) (holds mystore.Credentials, err error) {
	touched := false
	err = transport.WhileOutdated(func() error {
		holds, touched, err = c.writeOnce(ctx, shop, kustomID, kustomSecret)
		return err
	})
	if err != nil && !touched {
		return mystore.Credentials{}, &notWrittenError{cause: err}
	}
	return holds, err
}

// writeOnce is one attempt of write. It reports whether the click that changes the shop may have been made. The
// error is of the kind [browser.Outdated] if the user took so long to approve that the page must be checked
// again.
func (c *Client) writeOnce(ctx context.Context, shop, kustomID, kustomSecret string) (holds mystore.Credentials, touched bool, err error) {
	err = c.visit(ctx, shop, func(v *visit) error {
		// What the form holds is about to be replaced. That it still holds what was typed is checked right before the click.
		found, err := v.openExpecting(ctx, func(form) bool { return true })
		if err != nil {
			return err
		}
		if err := v.fill(ctx, found, kustomID, kustomSecret); err != nil {
			return err
		}
		ready, err := v.checkFilled(ctx, kustomID, kustomSecret)
		if err != nil {
			return err
		}
		if err := v.Approve(ctx, v.updateStep(), ready.Update); err != nil {
			return err
		}
		touched = true
		holds, err = v.update(ctx, ready.Update, kustomID)
		return err
	})
	return holds, touched, err
}

// updateStep is the step that changes the shop.
func (v *visit) updateStep() browser.Step {
	step := v.Step("update ID and Secret")
	step.Changing = true
	return step
}

// writeTimeout bounds a write, which continues after a cancellation: the state of a shop after an interrupted
// write is unknown.
const writeTimeout = 2 * time.Minute

// CleanupTime is how long a read may take that finds out whether an interrupted write was done.
func (c *Client) CleanupTime(string) time.Duration { return writeTimeout }

// fill fills in both fields.
func (v *visit) fill(ctx context.Context, found form, kustomID, kustomSecret string) error {
	// This shows what an empty field means after the write: whether the page shows IDs at all.
	v.client.isShown(v.shop, found.Holds)
	step := v.Step("fill in Kustom ID and Kustom Secret")
	if err := v.Fill(ctx, step, found.ID, kustomID); err != nil {
		return err
	}
	step.Secret = true
	return v.Fill(ctx, step, found.Secret, kustomSecret)
}

// ready is a form that holds the typed values.
type ready struct{ Update *browser.Element }

// checkFilled checks, right before the click, that the page is still the shop's and holds the typed values.
func (v *visit) checkFilled(ctx context.Context, kustomID, kustomSecret string) (ready, error) {
	return browser.Await(ctx, v.Tab, v.Step("find Update ID and Secret"), func(p *browser.Page) (ready, error) {
		found, err := v.formOn(p)
		if err != nil {
			return ready{}, err
		}
		if found.ID.Value != kustomID || found.Secret.Value != kustomSecret {
			return ready{}, browser.Absent("the fields do not hold the typed text")
		}
		if found.Update.Disabled {
			return ready{}, browser.Absent("%q is disabled", found.Update.Label())
		}
		return ready{found.Update}, nil
	})
}

// update presses Update ID and Secret once. Only the page loaded anew shows the outcome. Messages in the
// meantime, such as a toast, do not count, and neither does a page that keeps loading.
func (v *visit) update(ctx context.Context, button *browser.Element, kustomID string) (mystore.Credentials, error) {
	ctx, cancel := clock.Detach(ctx, v.client.Clock, writeTimeout)
	defer cancel()
	step := v.updateStep()
	if err := v.Click(ctx, step, button); err != nil {
		return mystore.Credentials{}, err
	}
	said, unsettled := browser.Await(ctx, v.Tab, step, func(p *browser.Page) (announcement, error) {
		return announcement{announced(p), p.Answered}, nil
	})
	const looks = 2
	var after form
	var err error
	for range looks {
		// A page loaded anew that shows what was typed shows the outcome.
		if after, err = v.openExpecting(ctx, func(f form) bool { return f.Holds.KustomID == kustomID }); err != nil {
			break
		}
		if after.Holds.KustomID == kustomID && v.client.isShown(v.shop, after.Holds) {
			after.Holds.ReadBack = true
			return after.Holds, nil
		}
	}
	if unsettled != nil {
		return mystore.Credentials{}, unsettled
	}
	if err != nil {
		return mystore.Credentials{}, &uncertainError{cause: err}
	}
	if !v.client.isShown(v.shop, after.Holds) {
		return mystore.Credentials{}, &mystore.NotConfirmedError{Shop: v.shop}
	}
	what := "after the click, the page shows another Kustom ID than the typed one"
	if said.Text != "" {
		what += "; it said: " + said.Text
	}
	return mystore.Credentials{}, v.Fail(ctx, step, browser.NotFound, what, true)
}

// uncertainError says that a click was made and its result could not be read.
type uncertainError struct{ cause error }

func (e *uncertainError) Error() string {
	return "the result of the click could not be read: " + e.cause.Error()
}

func (e *uncertainError) Unwrap() error { return e.cause }

// MayHaveWorked reports that the write may have happened.
func (e *uncertainError) MayHaveWorked() bool { return true }

// announcement is what a page says after the click. Answered reports that the site has answered the click's request.
type announcement struct {
	Text     string
	Answered bool
}

// Quiet implements [browser.Quieter]. Without an answer, the page may be about to send its request.
func (a announcement) Quiet() time.Duration {
	if a.Answered {
		return 0
	}
	return browser.Settled
}

// announced returns a page's message. It explains, and proves nothing.
func announced(p *browser.Page) string {
	var said []string
	for e := range p.All() {
		if e.HasRole("alert", "status") && e.Text() != "" && !slices.Contains(said, e.Text()) {
			said = append(said, e.Text())
		}
	}
	return strings.Join(said, " ")
}
