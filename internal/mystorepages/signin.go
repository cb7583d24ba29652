package mystorepages

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// SignInError says that Mystore refused a login to a shop.
type SignInError struct {
	Shop string
	// Message is what the page says.
	Message string
	Cause   error
}

// Error implements error.
func (e *SignInError) Error() string {
	if e.Message != "" {
		return fmt.Sprintf("sign in to shop %s: %q", e.Shop, e.Message)
	}
	return fmt.Sprintf("sign in to shop %s: %v", e.Shop, e.Cause)
}

// Unwrap returns the cause.
func (e *SignInError) Unwrap() error { return e.Cause }

var (
	errNoSeed  = errors.New("the page asks for a one-time code, but its seed is not set")
	errBadSeed = errors.New("the seed of the one-time codes is malformed")
)

// signInOnce signs in, unless another goroutine has done so since signedIn had the given value.
func (c *Client) signInOnce(ctx context.Context, name string, s *shop, times int) error {
	if err := s.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer s.turn.Release(1)
	if _, now := c.current(s); now > times {
		return nil
	}
	if s.refused != nil {
		// Trying a wrong password for every tab would soon lock the account.
		return s.refused
	}
	account := browser.NewAccount(s.site, browser.Session{Host: s.site.URL.Host})
	var session browser.Session
	err := c.visitAs(ctx, name, s.site, account, func(v *visit) (err error) {
		v.Page = "the page to sign in to shop " + name
		if err := v.signIn(ctx, *s.access.Login); err != nil {
			errors.As(err, &s.refused)
			return err
		}
		session, err = v.Session(ctx)
		return err
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.account = browser.NewAccount(s.site, session)
	s.signedIn++
	return nil
}

// signInPage is what a page asks for to sign in.
type signInPage struct {
	// Shop, User, Password and Code are the page's fields, if it has them.
	Shop, User, Password, Code *browser.Element
	Button                     *browser.Element
	// SignedIn reports that the page is one for signed-in users.
	SignedIn bool
	// Message is the page's message.
	Message string
}

// refusedAfter is how long a page must ask the same again before the login counts as refused.
const refusedAfter = 4 * time.Second

// signInStep returns a step of the sign-in.
func (v *visit) signInStep(do string) browser.Step {
	step := v.Step(do)
	step.SigningIn = true
	return step
}

// signInPageOn finds what a page asks for: a password, a one-time code, both, or nothing.
func (v *visit) signInPageOn(p *browser.Page) (signInPage, error) {
	found := signInPage{Message: announced(p)}
	for e := range p.All() {
		switch {
		case e.ReadOnly || e.Disabled:
		case e.Autocomplete == "one-time-code":
			found.Code = e
		case e.Type == "password" && found.Password == nil:
			found.Password = e
		}
	}
	if codes := p.Find(v.Words.Field(labelCode)); found.Code == nil && len(codes) == 1 && codes[0] != found.Password {
		found.Code = codes[0]
	}
	if found.Code == nil && found.Password == nil {
		if found.SignedIn = v.site.Entered(p); found.SignedIn {
			return found, nil
		}
		return found, &browser.AbsentError{Targets: []browser.Target{v.Words.Field(labelPassword)}}
	}
	if shops := p.Find(v.Words.Field(labelShopName)); len(shops) == 1 {
		found.Shop = shops[0]
	}
	if found.Password != nil {
		user, err := v.userField(p, found)
		if err != nil {
			return found, err
		}
		found.User = user
	}
	button, err := p.One(v.Words.Action(labelSignIn))
	found.Button = button
	return found, err
}

// userField returns the field for the user: the one with that name, or else the last one before the password.
func (v *visit) userField(p *browser.Page, found signInPage) (*browser.Element, error) {
	if named := p.Find(v.Words.Field(labelEmail)); len(named) == 1 {
		return named[0], nil
	}
	var last *browser.Element
	for e := range p.All() {
		if e == found.Password {
			break
		}
		if e.HasRole("textbox") && e != found.Shop && e != found.Code {
			last = e
		}
	}
	if last == nil {
		return nil, &browser.AbsentError{Targets: []browser.Target{v.Words.Field(labelEmail)}}
	}
	return last, nil
}

// signIn types the login. A site may ask for a one-time code beside the password, or after it.
func (v *visit) signIn(ctx context.Context, login Login) error {
	step := v.signInStep("sign in")
	if err := v.Load(ctx, step, v.site.URL); err != nil {
		return err
	}
	asked, err := browser.Await(ctx, v.Tab, step, v.signInPageOn)
	if err != nil || asked.SignedIn {
		return err
	}
	for range 2 {
		if err := v.fillIn(ctx, asked, login); err != nil {
			return err
		}
		next, err := v.awaitResult(ctx, asked)
		if err != nil {
			return err
		}
		if next.SignedIn {
			return nil
		}
		if next.Password != nil || asked.Password == nil {
			return &SignInError{Shop: v.shop, Message: next.Message, Cause: errNotAccepted}
		}
		asked = next
	}
	return &SignInError{Shop: v.shop, Cause: errNotAccepted}
}

// errNotAccepted says that the page asks for the same again.
var errNotAccepted = errors.New("the page asks again")

// fillIn types what a page asks for, and sends it.
func (v *visit) fillIn(ctx context.Context, asked signInPage, login Login) error {
	step := v.signInStep("sign in")
	var code string
	if asked.Code != nil {
		var err error
		if code, err = v.code(ctx, login.CodeSeed, asked.Password == nil); err != nil {
			return err
		}
	}
	for _, typed := range []struct {
		field  *browser.Element
		text   string
		secret bool
	}{{asked.Shop, v.shop, false}, {asked.User, login.Email, false}, {asked.Password, login.Password, true}, {asked.Code, code, true}} {
		if typed.field == nil || typed.text == "" {
			continue
		}
		step.Secret = typed.secret
		if err := v.Fill(ctx, step, typed.field, typed.text); err != nil {
			return err
		}
	}
	return v.Click(ctx, step, asked.Button)
}

// result is the page after the login was sent.
type result struct {
	signInPage
	same bool
}

// Quiet implements [browser.Quieter].
func (r result) Quiet() time.Duration {
	if r.same {
		return refusedAfter
	}
	return browser.Settled
}

// awaitResult waits for the result of what was sent. If the page keeps asking the same, the login was refused.
func (v *visit) awaitResult(ctx context.Context, before signInPage) (signInPage, error) {
	got, err := browser.Await(ctx, v.Tab, v.signInStep("sign in"), func(p *browser.Page) (result, error) {
		found, err := v.signInPageOn(p)
		return result{found, (found.Password != nil) == (before.Password != nil) && !found.SignedIn}, err
	})
	return got.signInPage, err
}

// codes holds the used one-time codes, by their seeds, because each works once. It is safe for concurrent use.
type codes struct {
	mu   sync.Mutex
	used map[string]string
}

// take records a code and reports whether it was unused.
func (c *codes) take(seed, code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used[seed] == code {
		return false
	}
	if c.used == nil {
		c.used = map[string]string{}
	}
	c.used[seed] = code
	return true
}

// codePeriod is how long a one-time code is valid (RFC 6238).
const codePeriod = 30 * time.Second

// code returns the current one-time code, or the next one if it was used. If the code is optional, it is empty
// for a user without a seed.
func (v *visit) code(ctx context.Context, seed string, required bool) (string, error) {
	seed = strings.ReplaceAll(seed, " ", "")
	if seed == "" {
		if required {
			return "", &SignInError{Shop: v.shop, Cause: errNoSeed}
		}
		return "", nil
	}
	for {
		now := v.client.Clock.Now()
		code, err := totp.GenerateCode(seed, now)
		if err != nil {
			// The library's error may quote the seed (I2).
			return "", &SignInError{Shop: v.shop, Cause: errBadSeed}
		}
		if v.client.codes.take(seed, code) {
			return code, nil
		}
		if err := v.client.Clock.Sleep(ctx, now.Truncate(codePeriod).Add(codePeriod).Sub(now)); err != nil {
			return "", err
		}
	}
}
