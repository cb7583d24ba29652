package portalpages

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// cleanupTimeout bounds the work that goes on after a cancellation, to leave no key behind.
const cleanupTimeout = 2 * time.Minute

// errNoSecret says that a key was made, and its popup was not seen. The key was deleted again.
var errNoSecret = errors.New("the key was made, but the popup with its secret was not seen; the key was deleted again")

// errUnseen says that a key was asked for, and is not in the list. It may get there yet.
var errUnseen = errors.New("no new key is in the list, but one may still be made")

// secretPattern finds secrets. It is compiled when it is first used.
var secretPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(kustom.SecretForm) })

// isSecret tells whether a text is a secret of Kustom's, and nothing else.
func isSecret(text string) bool { return kustom.KindOf(text) == kustom.SecretKustom }

// UnexplainedError says that a store got keys that can't be told apart from one that was asked for: somebody
// else makes keys there too. None of them was deleted.
type UnexplainedError struct {
	MerchantID string
	// Usernames are the keys in question.
	Usernames []string
}

// Error implements error.
func (e *UnexplainedError) Error() string {
	return fmt.Sprintf("store %s has new keys that this run can't explain: %s; none of them was deleted", e.MerchantID, strings.Join(e.Usernames, ", "))
}

// Generate makes a key and returns it with its secret, which nobody can ever read again. Unless it does, the
// key is deleted, or the error is a [*kustom.OrphanError], or an [*UnexplainedError] where nothing tells
// which new key it is.
//
// The click on "Generate new" makes a key at once, and is never repeated. Right before it, the store and its
// list of keys are proven. The pages have no descriptions and no idempotency keys: which key was made is
// known by the popup, or else by its not having been there before. From the click on, the work goes on for a
// while after a cancellation, for the sake of the secret. Description must be empty: see
// [Portal.DescribesKeys].
func (p *Portal) Generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error) {
	merchantID, description := r.MerchantID, r.Description
	turn, _ := p.turns.LoadOrStore(merchantID, make(chan struct{}, 1))
	taken, _ := turn.(chan struct{})
	select {
	case taken <- struct{}{}:
		defer func() { <-taken }()
	case <-ctx.Done():
		return kustom.NewKey{}, ctx.Err()
	}
	key, err := p.generate(ctx, kustom.Orphan{MerchantID: merchantID, Description: description})
	if err != nil {
		return kustom.NewKey{}, fmt.Errorf("generating an API key for store %s: %w", merchantID, err)
	}
	return key, nil
}

func (p *Portal) generate(ctx context.Context, orphan kustom.Orphan) (kustom.NewKey, error) {
	var made popup
	var clicked bool
	err := transport.WhileOutdated(func() (err error) {
		made, clicked, err = p.ask(ctx, &orphan)
		return err
	})
	switch {
	case !clicked && err != nil:
		return kustom.NewKey{}, err
	case err != nil || made.Secret == "":
		return kustom.NewKey{}, p.abandon(ctx, orphan, made, err)
	case made.Listed != nil:
		return p.keep(made, *made.Listed), nil
	}
	return p.confirm(ctx, made, orphan)
}

// keep notes that p has made a key, and returns it.
func (p *Portal) keep(made popup, key kustom.Key) kustom.NewKey {
	p.made.Store(made.Username, true)
	return kustom.NewKey{Key: key, Secret: kustom.NewSecret(made.Secret)}
}

// ask asks for a key, and notes in the orphan which keys there were before. It tells whether a key may have been made.
func (p *Portal) ask(ctx context.Context, orphan *kustom.Orphan) (made popup, clicked bool, err error) {
	err = p.visit(ctx, func(v *visit) error {
		before, err := v.list(ctx, orphan.MerchantID)
		if err != nil {
			return err
		}
		orphan.Before = barred(before)
		button, err := v.prove(ctx, orphan.MerchantID, before)
		if err != nil {
			return err
		}
		if err := v.Approve(ctx, v.generating(), button); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		ctx, cancel := clock.Detach(ctx, p.Clock, cleanupTimeout+p.Browser.Patience())
		defer cancel()
		// The popup shows a secret, whose form may be another one some day.
		v.Private(true)
		made, clicked, err = v.press(ctx, button, orphan.MerchantID, before)
		if err == nil && made.Secret != "" {
			made.Listed = v.listed(ctx, made, *orphan)
		}
		return err
	})
	return made, clicked, err
}

// generating is the step that makes a key.
func (v *visit) generating() browser.Step {
	step := v.step("generate a key")
	step.Changing = true
	return step
}

// barred returns the IDs of keys, for [kustom.Orphan.Before].
func barred(keys []kustom.Key) string {
	text := kustom.Bar
	for _, key := range keys {
		text += key.CredentialID + kustom.Bar
	}
	return text
}

// proof is what is proven right before a key is made.
type proof struct {
	Page   keyPage
	Button *browser.Element
}

// Quiet implements [browser.Patient].
func (p proof) Quiet() time.Duration { return p.Page.Quiet() }

// prove makes sure that the page is about the store, and shows nothing but keys that were there before. It
// returns the button that makes another.
func (v *visit) prove(ctx context.Context, merchantID string, before []kustom.Key) (*browser.Element, error) {
	seen, err := browser.Await(ctx, v.Tab, v.step("find Generate new"), func(p *browser.Page) (proof, error) {
		if len(p.Dialogs()) > 0 {
			return proof{}, browser.Absent("a dialog is open that was not asked for")
		}
		read, err := v.read(p, merchantID)
		if err != nil {
			return proof{}, err
		}
		for _, key := range read.Keys {
			if indexOf(before, key.Username) < 0 {
				return proof{}, &UnexplainedError{MerchantID: merchantID, Usernames: []string{key.Username}}
			}
		}
		button, err := p.One(v.generateNew())
		if err == nil && button.Disabled {
			err = browser.Absent("%q is disabled", v.words.Of(labelGenerateNew)[0])
		}
		v.lines = p.Lines()
		return proof{read, button}, err
	})
	return seen.Button, err
}

// popup is what a page shows after a key was asked for.
type popup struct {
	Username, Secret string
	// Confirm is what a dialog before the popup has to be answered with.
	Confirm *browser.Element
	// Message is what the page says beside, which is no outcome.
	Message string
	// Listed is the key as the list beside the popup shows it, with no other that was not there before; nil where that
	// is not seen.
	Listed *kustom.Key
}

const (
	// lostPopup is for how long a page has to show nothing of a new key before the popup counts as lost.
	lostPopup = 10 * time.Second
	// beforeConfirm is for how long a dialog has to ask the same before it is answered: it may be about to
	// become the popup.
	beforeConfirm = 1500 * time.Millisecond
)

// Quiet implements [browser.Patient].
func (p popup) Quiet() time.Duration {
	switch {
	case p.Secret != "":
		return 0
	case p.Confirm != nil:
		return beforeConfirm
	}
	return lostPopup
}

// press clicks Generate new, answers a dialog that asks to confirm that, once, and reads the popup. It tells
// whether a key may have been made.
func (v *visit) press(ctx context.Context, button *browser.Element, merchantID string, before []kustom.Key) (popup, bool, error) {
	step := v.generating()
	if err := v.Click(ctx, step, button); err != nil {
		var failed *browser.StepError
		return popup{}, errors.As(err, &failed) && failed.Uncertain, err
	}
	seen, err := v.popup(ctx, step, merchantID, before, true)
	if err == nil && seen.Confirm != nil {
		if err := v.Click(ctx, step, seen.Confirm); err != nil {
			return seen, true, err
		}
		seen, err = v.popup(ctx, step, merchantID, before, false)
	}
	return seen, true, err
}

// listed closes the popup, and returns the new key as the list shows it that the popup was in front of; nil where it does
// not have that key, or has others that are new.
func (v *visit) listed(ctx context.Context, made popup, orphan kustom.Orphan) *kustom.Key {
	if err := v.Escape(ctx, v.step("close the popup of the new key")); err != nil {
		return nil
	}
	keys, ok := v.stay(ctx, orphan.MerchantID, func(keys []kustom.Key) bool {
		return indexOf(keys, made.Username) >= 0 && len(newKeys(keys, orphan, made.Username)) == 0
	})
	if !ok {
		return nil
	}
	return &keys[indexOf(keys, made.Username)]
}

// popup waits for the popup of a new key, and reads it: it is shown once.
func (v *visit) popup(ctx context.Context, step browser.Step, merchantID string, before []kustom.Key, mayAsk bool) (popup, error) {
	// What the page announces may be gone long before the popup counts as lost.
	var message string
	return browser.Await(ctx, v.Tab, step, func(p *browser.Page) (popup, error) {
		if said := v.limitMessage(p); said != "" {
			message = said
		}
		secret, at, err := p.ValueOf(isSecret)
		if err != nil {
			return popup{}, err
		}
		if secret != "" {
			username, err := v.besides(at, merchantID, before)
			return popup{Username: username, Secret: secret}, err
		}
		dialog := v.aboutKeys(p, labelGenerateNew)
		if dialog == nil {
			return popup{Message: message}, nil
		}
		if username, _, err := dialog.ValueOf(func(text string) bool { return isOf(text, merchantID) && indexOf(before, text) < 0 }); err != nil || username != "" {
			return popup{}, browser.Absent("the popup shows no secret of a known form")
		}
		if !mayAsk {
			return popup{}, browser.Absent("the dialog shows no key yet")
		}
		confirm, err := v.affirm(dialog, v.generateNew())
		return popup{Confirm: confirm}, err
	})
}

// aboutKeys returns the last dialog that is about keys, or nil. Others, such as one about cookies or a chat, are not
// answered.
func (v *visit) aboutKeys(p *browser.Page, label string) *browser.Element {
	words := slices.Concat(v.words.Of(label), nouns())
	dialogs := p.Dialogs()
	for _, dialog := range slices.Backward(dialogs) {
		text := strings.ToLower(dialog.Text())
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, strings.ToLower(word)) }) {
			return dialog
		}
	}
	return nil
}

// besides returns the Key ID that is shown with a secret: the nearest one that was not there before.
func (v *visit) besides(at *browser.Element, merchantID string, before []kustom.Key) (string, error) {
	for ; at != nil; at = at.Parent() {
		username, _, err := at.ValueOf(func(text string) bool { return isOf(text, merchantID) && indexOf(before, text) < 0 })
		if err != nil || username != "" {
			return username, err
		}
	}
	return "", browser.Absent("the popup shows no Key ID of store %s", merchantID)
}

// limitMessage returns what the page says of a limit since it was asked for a key; it explains why there is no key, and
// proves nothing.
func (v *visit) limitMessage(p *browser.Page) string {
	for _, line := range p.Lines() {
		says := func(word string) bool { return browser.Mentions(strings.ToLower(line), strings.ToLower(word)) }
		if !slices.Contains(v.lines, line) && slices.ContainsFunc(v.words.Of(labelLimit), says) {
			return line
		}
	}
	return ""
}

// affirm returns the button of a dialog that says yes: the one with one of the names, or else the only one
// that does not say no.
func (v *visit) affirm(dialog *browser.Element, names ...browser.Thing) (*browser.Element, error) {
	for _, thing := range append(names, v.words.Action(labelConfirm)) {
		if found := dialog.Find(thing); len(found) == 1 && !found[0].Disabled {
			return found[0], nil
		}
	}
	no := v.words.Action(labelCancel)
	var rest []*browser.Element
	for _, e := range dialog.Actions() {
		if e != dialog && e.HasRole("button") && !e.Disabled && hasLetter(e.Label()) && !slices.Contains(dialog.Find(no), e) {
			rest = append(rest, e)
		}
	}
	if len(rest) == 1 {
		return rest[0], nil
	}
	return nil, &browser.AbsentError{Things: []browser.Thing{v.words.Action(labelConfirm)}, Several: len(rest) > 1}
}

func hasLetter(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// confirm finds a new key in its store's list, on a page that was loaded anew. Another key that is new there
// is somebody else's, who might take this one for theirs: this one is deleted, and nothing else.
func (p *Portal) confirm(ctx context.Context, made popup, orphan kustom.Orphan) (kustom.NewKey, error) {
	ctx, cancel := clock.Detach(ctx, p.Clock, cleanupTimeout+p.Browser.Patience())
	defer cancel()
	orphan.CredentialID, orphan.Username = made.Username, made.Username
	keys, err := p.storeKeys(ctx, orphan.MerchantID)
	if err != nil {
		return kustom.NewKey{}, &kustom.OrphanError{Orphan: orphan, Cause: err, Cleanup: err}
	}
	i := indexOf(keys, made.Username)
	if i < 0 {
		return kustom.NewKey{}, &kustom.OrphanError{Orphan: orphan, Cause: errUnseen, Cleanup: errUnseen}
	}
	if others := newKeys(keys, orphan, made.Username); len(others) > 0 {
		cause := &UnexplainedError{MerchantID: orphan.MerchantID, Usernames: others}
		if err := p.removeOwn(ctx, orphan.MerchantID, made.Username); err != nil {
			return kustom.NewKey{}, &kustom.OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
		}
		return kustom.NewKey{}, cause
	}
	return p.keep(made, keys[i]), nil
}

// newKeys returns the usernames of the keys that were not there before a key was asked for, but for one.
func newKeys(keys []kustom.Key, orphan kustom.Orphan, but string) []string {
	var found []string
	for _, key := range keys {
		if key.Username != but && !strings.Contains(orphan.Before, kustom.Bar+key.Username+kustom.Bar) {
			found = append(found, key.Username)
		}
	}
	return found
}

// abandon finds out what became of a click whose popup was not read, although ctx may be done. One new key is
// what the click has made, and is deleted; none may come yet; of several, nothing tells which one it is.
func (p *Portal) abandon(ctx context.Context, orphan kustom.Orphan, seen popup, cause error) error {
	ctx, cancel := clock.Detach(ctx, p.Clock, cleanupTimeout+p.Browser.Patience())
	defer cancel()
	if cause == nil {
		cause = errors.New("the page shows nothing of a new key")
	}
	orphan.Before += p.Clock.Now().UTC().Format(time.RFC3339)
	deleted, err := p.removeNew(ctx, orphan)
	var unexplained *UnexplainedError
	switch {
	case errors.As(err, &unexplained):
		return errors.Join(err, cause)
	case err == nil && deleted:
		return errors.Join(errNoSecret, cause)
	case err == nil && seen.Message != "":
		return errors.Join(kustom.ErrLimitReached, cause)
	case err == nil:
		err = errUnseen
	}
	return &kustom.OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
}

// removeNew deletes what is new in an orphan's store since it was asked for, and tells whether there was
// such a key. The error is an [*UnexplainedError] where there are several.
func (p *Portal) removeNew(ctx context.Context, orphan kustom.Orphan) (bool, error) {
	keys, err := p.storeKeys(ctx, orphan.MerchantID)
	if err != nil {
		return false, err
	}
	keys = slices.DeleteFunc(keys, func(key kustom.Key) bool { return !p.mayBe(key, orphan) })
	switch len(keys) {
	case 0:
		return false, nil
	case 1:
		return true, p.removeOwn(ctx, keys[0].MerchantID, keys[0].Username)
	}
	found := &UnexplainedError{MerchantID: orphan.MerchantID}
	for _, key := range keys {
		found.Usernames = append(found.Usernames, key.Username)
	}
	return false, found
}

// lateness is how far from the click the moment may be that the list shows for a key: it is to the minute, and
// the portal's clock and this machine's may differ.
const lateness = 2 * time.Minute

// mayBe tells whether a key is what may have come of asking for an orphan: it was not there before, nobody
// has used it, it is not one that p has made, and it was made about then.
func (p *Portal) mayBe(key kustom.Key, orphan kustom.Orphan) bool {
	if key.LastUsedAt != nil || p.Made(key.Username) || strings.Contains(orphan.Before, kustom.Bar+key.Username+kustom.Bar) {
		return false
	}
	i := strings.LastIndex(orphan.Before, kustom.Bar)
	asked, err := time.Parse(time.RFC3339, orphan.Before[i+len(kustom.Bar):])
	if err != nil {
		return true
	}
	if key.CreatedAt.Equal(key.CreatedAt.Truncate(day)) && key.CreatedAt.Equal(asked.UTC().Truncate(day)) {
		// The list shows the day alone.
		return true
	}
	return key.CreatedAt.After(asked.Add(-cleanupTimeout-lateness)) && key.CreatedAt.Before(asked.Add(lateness))
}

const day = 24 * time.Hour

// errOtherWay says that only the portal's API knows which key was made.
var errOtherWay = errors.New("the key was asked for through the portal's API, which alone can tell which one it is")

// Discard deletes a key that nobody holds the secret of. Where its ID is not known, it is what is new
// since it was asked for, if that is a single key. The page on which it was deleted shows the list without the key; who
// needs a proof lists the keys anew.
func (p *Portal) Discard(ctx context.Context, orphan kustom.Orphan) error {
	var err error
	switch {
	case orphan.CredentialID != "":
		err = p.remove(ctx, orphan.MerchantID, orphan.CredentialID, false)
	case orphan.Before != "":
		_, err = p.removeNew(ctx, orphan)
	default:
		err = errOtherWay
	}
	if err != nil {
		return fmt.Errorf("deleting API key %s of store %s: %w", orphan.CredentialID, orphan.MerchantID, err)
	}
	return nil
}
