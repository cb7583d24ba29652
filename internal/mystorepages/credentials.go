package mystorepages

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Credentials reads a shop's credentials. The error is a [*mystore.NotInstalledError] where the shop
// can't have any.
func (c *Client) Credentials(ctx context.Context, shop string) (holds mystore.Credentials, err error) {
	err = c.look(ctx, shop, func(v *visit) error {
		page, err := v.credentials(ctx)
		if err != nil {
			return err
		}
		holds = v.read(page)
		return nil
	})
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("reading the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
}

// Install writes a pair into a shop. After a failure that is uncertain ([transport.IsUncertain])
// it may have been written.
func (c *Client) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	holds, err := c.write(ctx, shop, kustomID, kustomSecret)
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("writing the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
}

// Clear empties a shop's credentials: it takes no more payments by Klarna Checkout V3.
func (c *Client) Clear(ctx context.Context, shop string) (mystore.Credentials, error) {
	holds, err := c.write(ctx, shop, "", "")
	if err != nil {
		return mystore.Credentials{}, fmt.Errorf("clearing the credentials of shop %s: %w", shop, err)
	}
	return holds, nil
}

// Extension returns a shop's Klarna Checkout V3, or a [*mystore.NotInstalledError].
func (c *Client) Extension(ctx context.Context, shop string) (extension mystore.Extension, err error) {
	err = c.look(ctx, shop, func(v *visit) error {
		page, err := v.extension(ctx)
		if err != nil {
			return err
		}
		extension, err = v.version(page)
		return err
	})
	if err != nil {
		return mystore.Extension{}, fmt.Errorf("reading the extensions of shop %s: %w", shop, err)
	}
	return extension, nil
}

// family is what all versions of the extension are called.
const family = "Klarna Checkout"

// extension goes to the page of Klarna Checkout V3.
func (v *visit) extension(ctx context.Context) (*browser.Page, error) {
	if err := v.enter(ctx); err != nil {
		return nil, err
	}
	v.page = "the extensions of shop " + v.shop
	search, button := v.words.Want("searchbox", labelSearch), v.words.Want("button", labelSearch)
	page, found, err := v.follow(ctx, "open Extensions", v.words.Want("link", labelExtensions),
		v.words.Want("heading", labelExtensions), v.shown(), v.list(), search, button)
	if err != nil {
		return nil, err
	}
	link := v.words.Want("link", labelExtension)
	if page.First(link.Role, link.Words...) == nil {
		// It may be further down than one page of the list goes.
		if err := v.search(ctx, page, found[3], button); err != nil {
			return nil, err
		}
	}
	v.page = "Klarna Checkout V3 of shop " + v.shop
	page, _, err = v.follow(ctx, "open Klarna Checkout V3", link,
		v.words.Want("heading", labelExtension), v.shown(), v.words.Want("link", labelCredentials))
	return page, err
}

// list is the list of extensions, or the words that there are none.
func (v *visit) list() browser.Want {
	none := browser.Want{Role: "paragraph", Label: labelNoExtension}.Saying(v.words.Of(labelNoExtension)...)
	return v.words.Want("list", labelYours).Else(none)
}

// search searches for the extension, by the name of all its versions. The error is a
// [*mystore.NotInstalledError] where it is not found.
func (v *visit) search(ctx context.Context, before *browser.Page, field *browser.Element, button browser.Want) error {
	step := v.step("search for "+family, v.shown(), v.list())
	if err := v.Fill(ctx, step, field, family); err != nil {
		return err
	}
	step.After = before
	_, found, err := v.Follow(ctx, step, button)
	if err != nil {
		return err
	}
	return v.installed(found[1])
}

// installed makes sure that the extension is in the list of those that were found.
func (v *visit) installed(list *browser.Element) error {
	if list.First("link", v.words.Of(labelExtension)...) != nil {
		return nil
	}
	missing := &mystore.NotInstalledError{Shop: v.shop}
	for _, link := range list.All("link") {
		if strings.Contains(strings.ToLower(link.Name), strings.ToLower(family)) {
			missing.Other = transport.Shown(link.Name)
		}
	}
	return missing
}

// version reads the page of the extension.
func (v *visit) version(page *browser.Page) (mystore.Extension, error) {
	for _, paragraph := range page.All("paragraph") {
		for _, word := range v.words.Of(labelVersion) {
			if after, ok := strings.CutPrefix(paragraph.Text(), word+" "); ok {
				version, rest, _ := strings.Cut(after, " ")
				active := true
				for _, no := range v.words.Of(labelNotActive) {
					active = active && !strings.Contains(rest, no)
				}
				return mystore.Extension{Version: version, Active: active}, nil
			}
		}
	}
	return mystore.Extension{}, &unreadableError{v.page, "there is no version"}
}

// onCredentials is what is on the page of a shop's credentials.
func (v *visit) onCredentials() []browser.Want {
	none := browser.Want{Role: "paragraph", Label: labelNotUpdated}.Saying(v.words.Of(labelNotUpdated)...)
	return []browser.Want{
		v.words.Want("heading", labelCredentials), v.shown(), v.words.Want("link", labelExtension),
		v.words.Want("textbox", labelKustomID), v.words.Want("textbox", labelKustomSecret), v.words.Want("button", labelUpdate),
		browser.Want{Role: "paragraph", Label: labelLastUpdated}.Saying(v.words.Of(labelLastUpdated)...).Else(none),
	}
}

// credentials goes to the page Credentials: where it was found before, or else by the menu.
func (v *visit) credentials(ctx context.Context) (*browser.Page, error) {
	step := v.step("open Credentials", v.onCredentials()...)
	step.Page, step.Settled = "the credentials of shop "+v.shop, true
	if known, ok := v.client.addresses.Load(v.shop); ok {
		address, _ := known.(*url.URL)
		v.page = step.Page
		if err := v.Load(ctx, step, address); err != nil {
			return nil, err
		}
		page, _, err := v.Await(ctx, step)
		if !browser.IsKind(err, browser.NotFound) {
			return page, err
		}
		v.client.addresses.Delete(v.shop)
	}
	if _, err := v.extension(ctx); err != nil {
		return nil, err
	}
	v.page = step.Page
	page, _, err := v.Follow(ctx, step, v.words.Want("link", labelCredentials))
	if err == nil {
		v.client.addresses.Store(v.shop, page.URL)
	}
	return page, err
}

// read reads the page Credentials.
func (v *visit) read(page *browser.Page) mystore.Credentials {
	id := page.First("textbox", v.words.Of(labelKustomID)...)
	secret := page.First("textbox", v.words.Of(labelKustomSecret)...)
	holds := mystore.Credentials{KustomID: id.Value, SecretSet: secret.Value != "" || v.words.Is(secret.Description, labelSecretSaved)}
	for _, paragraph := range page.All("paragraph") {
		for _, word := range v.words.Of(labelLastUpdated) {
			if strings.HasPrefix(paragraph.Text(), word) {
				holds.UpdatedAt = paragraph.Time()
			}
		}
	}
	return holds
}

// untouchedError says that a write failed before anything was clicked that changes the shop.
type untouchedError struct{ cause error }

func (e *untouchedError) Error() string { return e.cause.Error() }

func (e *untouchedError) Unwrap() error { return e.cause }

// DidNothing tells that the write certainly did not happen.
func (e *untouchedError) DidNothing() bool { return true }

// write does the guide's second step.
func (c *Client) write(ctx context.Context, shop, kustomID, kustomSecret string) (holds mystore.Credentials, err error) {
	touched := false
	err = c.visit(ctx, shop, func(v *visit) error {
		page, err := v.credentials(ctx)
		if err != nil {
			return err
		}
		if err := v.fill(ctx, page, kustomID, kustomSecret); err != nil {
			return err
		}
		touched = true
		holds, err = v.update(ctx, page)
		return err
	})
	if err != nil && !touched {
		return mystore.Credentials{}, &untouchedError{cause: err}
	}
	return holds, err
}

// writeTimeout bounds a write, which goes on after a cancellation: nobody could tell what a shop holds
// whose write was torn.
const writeTimeout = time.Minute

// fill fills in both fields.
func (v *visit) fill(ctx context.Context, page *browser.Page, kustomID, kustomSecret string) error {
	id := page.First("textbox", v.words.Of(labelKustomID)...)
	secret := page.First("textbox", v.words.Of(labelKustomSecret)...)
	step := v.step("fill in Kustom ID and Kustom Secret")
	if err := v.Fill(ctx, step, id, kustomID); err != nil {
		return err
	}
	step.Secret = true
	if err := v.Fill(ctx, step, secret, kustomSecret); err != nil {
		return err
	}
	return ctx.Err()
}

// update presses Update ID and Secret.
func (v *visit) update(ctx context.Context, page *browser.Page) (mystore.Credentials, error) {
	ctx, cancel := clock.Detach(ctx, v.client.Clock, writeTimeout)
	defer cancel()
	step := v.step("update ID and Secret")
	step.Changing = true
	if err := v.Click(ctx, step, page.First("button", v.words.Of(labelUpdate)...)); err != nil {
		return mystore.Credentials{}, err
	}
	done := browser.Want{Role: "status", Label: labelUpdated}.Saying(v.words.Of(labelUpdated)...)
	step.Wants, step.Refused = append(v.onCredentials(), done), warnings(page)
	after, _, err := v.Await(ctx, step)
	if err != nil {
		return mystore.Credentials{}, err
	}
	return v.read(after), nil
}

// warnings returns what finds a warning on a page: one that was not there before.
func warnings(before *browser.Page) func(*browser.Page) string {
	return func(page *browser.Page) string {
		news := page.News(before, "alert")
		if len(news) == 0 {
			return ""
		}
		return news[0].Text()
	}
}

// refusal returns the step that a page has refused, if that is what err is.
func refusal(err error) (*browser.StepError, bool) {
	var step *browser.StepError
	if errors.As(err, &step) && step.Kind == browser.Refused {
		return step, true
	}
	return nil, false
}
