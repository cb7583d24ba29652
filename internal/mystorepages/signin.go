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
	visitor := browser.NewVisitor(s.site, browser.Session{Host: s.site.URL.Host})
	tab, err := c.Browser.Open(ctx, visitor)
	if err != nil {
		return err
	}
	defer tab.Close()
	v := &visit{Tab: tab, client: c, site: s.site, words: s.site.Words, shop: name, page: "the page to sign in to shop " + name}
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
	s.visitor = browser.NewVisitor(s.site, session)
	s.signedIn++
	return nil
}

// entry is a page to sign in at, as far as it is one.
type entry struct {
	// Shop, User, Password and Code are the fields that it has.
	Shop, User, Password, Code *browser.Element
	Button                     *browser.Element
	// Entered says that the page is one for those who have signed in.
	Entered bool
	// Message is what the page announces.
	Message string
}

// wrongAfter is for how long a page has to ask the same again before what was typed counts as refused.
const wrongAfter = 4 * time.Second

// signingIn is a step on the way in.
func (v *visit) signingIn(do string) browser.Step {
	step := v.step(do)
	step.SigningIn = true
	return step
}

// entryOn finds what a page asks for: a password, a one-time code, both, or nothing any more.
func (v *visit) entryOn(p *browser.Page) (entry, error) {
	found := entry{Message: announced(p)}
	for e := range p.All() {
		switch {
		case e.ReadOnly || e.Disabled:
		case e.Autocomplete == "one-time-code":
			found.Code = e
		case e.Type == "password" && found.Password == nil:
			found.Password = e
		}
	}
	if codes := p.Find(v.words.Field(labelCode)); found.Code == nil && len(codes) == 1 && codes[0] != found.Password {
		found.Code = codes[0]
	}
	if found.Code == nil && found.Password == nil {
		if found.Entered = v.site.Entered(p); found.Entered {
			return found, nil
		}
		return found, &browser.AbsentError{Things: []browser.Thing{v.words.Field(labelPassword)}}
	}
	if shops := p.Find(v.words.Field(labelShopName)); len(shops) == 1 {
		found.Shop = shops[0]
	}
	if found.Password != nil {
		user, err := v.userField(p, found)
		if err != nil {
			return found, err
		}
		found.User = user
	}
	button, err := p.One(v.words.Action(labelSignIn))
	found.Button = button
	return found, err
}

// userField returns the field for the user: the one called so, or else the last one before the password.
func (v *visit) userField(p *browser.Page, found entry) (*browser.Element, error) {
	if named := p.Find(v.words.Field(labelEmail)); len(named) == 1 {
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
		return nil, &browser.AbsentError{Things: []browser.Thing{v.words.Field(labelEmail)}}
	}
	return last, nil
}

// signIn types what a person would. A one-time code may be asked for beside the password, or after it.
func (v *visit) signIn(ctx context.Context, login Login) error {
	step := v.signingIn("sign in")
	if err := v.Load(ctx, step, v.site.URL); err != nil {
		return err
	}
	asked, err := browser.Await(ctx, v.Tab, step, v.entryOn)
	if err != nil || asked.Entered {
		return err
	}
	for range 2 {
		if err := v.answer(ctx, asked, login); err != nil {
			return err
		}
		next, err := v.after(ctx, asked)
		if err != nil {
			return err
		}
		if next.Entered {
			return nil
		}
		if next.Password != nil || asked.Password == nil {
			return &SignInError{Shop: v.shop, Message: next.Message, Cause: errNotAccepted}
		}
		asked = next
	}
	return &SignInError{Shop: v.shop, Cause: errNotAccepted}
}

// errNotAccepted says that the page asks again.
var errNotAccepted = errors.New("the page asks again")

// answer types what a page asks for, and sends it.
func (v *visit) answer(ctx context.Context, asked entry, login Login) error {
	step := v.signingIn("sign in")
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

// result is a page after something was sent.
type result struct {
	entry
	same bool
}

// Quiet implements [browser.Patient].
func (r result) Quiet() time.Duration {
	if r.same {
		return wrongAfter
	}
	return settled
}

// after waits for what comes of what was sent. The same question for long is a refusal.
func (v *visit) after(ctx context.Context, before entry) (entry, error) {
	got, err := browser.Await(ctx, v.Tab, v.signingIn("sign in"), func(p *browser.Page) (result, error) {
		found, err := v.entryOn(p)
		return result{found, (found.Password != nil) == (before.Password != nil) && !found.Entered}, err
	})
	return got.entry, err
}

// codes holds the one-time codes that were used, by their seeds: each works once. It is safe for concurrent
// use.
type codes struct {
	mu   sync.Mutex
	used map[string]string
}

// take tells whether a code was not used before, and takes note of it.
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

// codePeriod is for how long a one-time code is the one of the moment (RFC 6238).
const codePeriod = 30 * time.Second

// code returns the one-time code of the moment, or the next one where that was used. Where a code may be left
// out, it is empty for a user who has none.
func (v *visit) code(ctx context.Context, seed string, demanded bool) (string, error) {
	seed = strings.ReplaceAll(seed, " ", "")
	if seed == "" {
		if demanded {
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
