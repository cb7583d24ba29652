package mystorepages

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pquerna/otp/totp"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// SignInError says that Mystore did not take what was typed to sign in to a shop.
type SignInError struct {
	Shop string
	// Message is what the page says.
	Message string
	Cause   error
}

// Error implements error.
func (e *SignInError) Error() string {
	if e.Message != "" {
		return fmt.Sprintf("signing in to shop %s: %q", e.Shop, e.Message)
	}
	return fmt.Sprintf("signing in to shop %s: %v", e.Shop, e.Cause)
}

// Unwrap returns the cause.
func (e *SignInError) Unwrap() error { return e.Cause }

var (
	errNoSeed  = errors.New("a one-time code is asked for, and its seed is not set")
	errBadSeed = errors.New("the seed of the one-time codes can't be read")
)

// signInOnce signs in, unless somebody has since it had been done the given number of times.
func (c *Client) signInOnce(ctx context.Context, name string, s *shop, times int) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, now := c.current(s); now > times {
		return nil
	}
	if s.refused != nil {
		// Who tries a wrong password for every tab is soon locked out.
		return s.refused
	}
	// The sign-in page is what this visit is about, and not what it must not come upon.
	site := *c.site
	site.SignIn = nil
	visitor := browser.NewVisitor(&site, browser.Session{Host: site.URL.Host})
	tab, err := c.Browser.Open(ctx, visitor)
	if err != nil {
		return err
	}
	defer tab.Close()
	v := &visit{Tab: tab, client: c, words: c.words, shop: name, page: "the page to sign in to shop " + name}
	if err := v.signIn(ctx, *s.access.Login); err != nil {
		errors.As(err, &s.refused)
		return err
	}
	session, err := tab.Session(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.visitor = browser.NewVisitor(c.site, session)
	s.signedIn++
	return nil
}

// signIn types what a person would.
func (v *visit) signIn(ctx context.Context, login Login) error {
	step := v.step("sign in", v.words.Want("textbox", labelShopName), v.words.Want("textbox", labelEmail),
		v.words.Want("textbox", labelPassword), v.words.Want("button", labelSignIn))
	if err := v.Load(ctx, step, v.client.URL); err != nil {
		return err
	}
	before, found, err := v.Await(ctx, step)
	if err != nil {
		return err
	}
	for i, text := range []string{v.shop, login.Email, login.Password} {
		step.Secret = text == login.Password
		if err := v.Fill(ctx, step, found[i], text); err != nil {
			return err
		}
	}
	if err := v.Click(ctx, step, found[3]); err != nil {
		return err
	}
	home, code := v.shown(), v.words.Want("textbox", labelCode)
	step.Wants, step.Refused = []browser.Want{home.Else(code)}, warnings(before)
	_, found, err = v.Await(ctx, step)
	if err != nil {
		return v.notTaken(err)
	}
	if found[0].Role == code.Role {
		return v.enterCode(ctx, found[0], login.CodeSeed)
	}
	return nil
}

// enterCode types the one-time code of the moment.
func (v *visit) enterCode(ctx context.Context, field *browser.Element, seed string) error {
	if seed == "" {
		return &SignInError{Shop: v.shop, Cause: errNoSeed}
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(seed, " ", ""), v.client.Clock.Now())
	if err != nil {
		// The library's error may quote the seed (I2).
		return &SignInError{Shop: v.shop, Cause: errBadSeed}
	}
	step := v.step("enter the one-time code", v.words.Want("button", labelContinue))
	step.Secret = true
	if err := v.Fill(ctx, step, field, code); err != nil {
		return err
	}
	before, found, err := v.Await(ctx, step)
	if err != nil {
		return err
	}
	if err := v.Click(ctx, step, found[0]); err != nil {
		return err
	}
	step.Wants, step.Refused = []browser.Want{v.shown()}, warnings(before)
	_, _, err = v.Await(ctx, step)
	return v.notTaken(err)
}

// notTaken makes of a page that says no what it means.
func (v *visit) notTaken(err error) error {
	if step, ok := refusal(err); ok {
		return &SignInError{Shop: v.shop, Message: step.Message, Cause: err}
	}
	return err
}
