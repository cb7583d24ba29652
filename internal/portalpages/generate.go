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

	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// cleanupTimeout bounds the cleanup after a cancellation, which deletes the unfinished key.
const cleanupTimeout = 2 * time.Minute

// errNoSecret says that a key was generated, its popup was not read, and the key was deleted.
var errNoSecret = errors.New("the portal generated the key, but the provider did not see the popup with its secret; it " +
	"deleted the key again")

// errNotListed says that the requested key is not in the list. It may still appear.
var errNotListed = errors.New("the list has no new key, but the portal may still generate one")

// secretPattern finds secrets. It is compiled at its first use.
var secretPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(kustom.SecretForm) })

// isSecret reports whether a text is one of Kustom's secrets and nothing else.
func isSecret(text string) bool { return kustom.KindOf(text) == kustom.SecretKustom }

// UnexplainedError says that several new keys appeared in a store and the provider can't tell which one it
// generated: somebody else generates keys there too. None of them was deleted.
type UnexplainedError struct {
	MerchantID string
	// Usernames are the usernames of the new keys.
	Usernames []string
}

// Error implements error.
func (e *UnexplainedError) Error() string {
	return fmt.Sprintf("store %s has unexpected new keys: %s; the provider deleted none of them", e.MerchantID, strings.Join(e.Usernames, ", "))
}

// Generate generates a key and returns it with its secret. The portal never shows the secret again. If Generate
// fails, it deletes the key, or the error is a [*kustom.OrphanError], or an [*UnexplainedError] if several keys
// are new.
//
// The click on "Generate new" generates a key at once and is never repeated. Right before it, Generate checks the
// store and its list of keys. The pages have no descriptions and no idempotency keys. So the popup identifies
// the new key, or else a comparison with the earlier keys does. After the click, the work continues for a while
// after a cancellation, to receive the secret. Description must be empty: see [Portal.SupportsDescriptions].
func (p *Portal) Generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error) {
	merchantID, description := r.MerchantID, r.Description
	found, _ := p.turns.LoadOrStore(merchantID, semaphore.NewWeighted(1))
	turn, _ := found.(*semaphore.Weighted)
	if err := turn.Acquire(ctx, 1); err != nil {
		return kustom.NewKey{}, err
	}
	defer turn.Release(1)
	key, err := p.generate(ctx, kustom.Orphan{MerchantID: merchantID, Description: description})
	if err != nil {
		return kustom.NewKey{}, fmt.Errorf("generate an API key for store %s: %w", merchantID, err)
	}
	return key, nil
}

// generate implements Generate, for one caller at a time in each store.
func (p *Portal) generate(ctx context.Context, orphan kustom.Orphan) (kustom.NewKey, error) {
	var result popup
	var clicked bool
	err := transport.WhileOutdated(func() (err error) {
		result, clicked, err = p.request(ctx, &orphan)
		return err
	})
	switch {
	case !clicked && err != nil:
		return kustom.NewKey{}, err
	case err != nil || result.Secret == "":
		return kustom.NewKey{}, p.recoverLostPopup(ctx, orphan, result, err)
	case result.Listed != nil:
		return p.newKey(result, *result.Listed), nil
	}
	return p.confirmListed(ctx, result, orphan)
}

// newKey records that p generated a key, and returns it with its secret.
func (p *Portal) newKey(result popup, key kustom.Key) kustom.NewKey {
	p.generated.Store(result.Username, true)
	return kustom.NewKey{Key: key, Secret: kustom.NewSecret(result.Secret)}
}

// request asks the portal for a key, and records in the orphan which keys existed before. It reports whether a key may have
// been generated.
func (p *Portal) request(ctx context.Context, orphan *kustom.Orphan) (result popup, clicked bool, err error) {
	err = p.visit(ctx, func(v *visit) error {
		before, err := v.list(ctx, orphan.MerchantID)
		if err != nil {
			return err
		}
		orphan.Before = joinIDs(before)
		button, err := v.generateButton(ctx, orphan.MerchantID, before)
		if err != nil {
			return err
		}
		if err := v.Approve(ctx, v.generateStep(), button); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		ctx, cancel := clock.Detach(ctx, p.Clock, p.CleanupTime())
		defer cancel()
		// The popup shows a secret. Kustom may change its form some day.
		v.Private(true)
		result, clicked, err = v.clickGenerate(ctx, button, orphan.MerchantID, before)
		if err == nil && result.Secret != "" {
			result.Listed = v.readListed(ctx, result, *orphan)
		}
		return err
	})
	return result, clicked, err
}

// generateStep is the step that generates a key.
func (v *visit) generateStep() browser.Step {
	step := v.Step("generate a key")
	step.Changing = true
	return step
}

// joinIDs returns the IDs of keys in the form of [kustom.Orphan.Before].
func joinIDs(keys []kustom.Key) string {
	text := kustom.Bar
	for _, key := range keys {
		text += key.CredentialID + kustom.Bar
	}
	return text
}

// readyPage is the page right before a key is generated.
type readyPage struct {
	Page   keyPage
	Button *browser.Element
	// same reports that the page shows the whole list as it was read right before.
	same bool
}

// Quiet implements [browser.Quieter]. A list that still is as it was read has settled.
func (p readyPage) Quiet() time.Duration {
	if p.same {
		return 0
	}
	return p.Page.Quiet()
}

// generateButton checks that the page is about the store and shows only keys that existed before. It returns the button
// that generates another key.
func (v *visit) generateButton(ctx context.Context, merchantID string, before []kustom.Key) (*browser.Element, error) {
	seen, err := browser.Await(ctx, v.Tab, v.Step("find Generate new"), func(p *browser.Page) (readyPage, error) {
		if len(p.Dialogs()) > 0 {
			return readyPage{}, browser.Absent("an unexpected dialog is open")
		}
		read, err := v.read(p, merchantID)
		if err != nil {
			return readyPage{}, err
		}
		for _, key := range read.Keys {
			if indexOf(before, key.Username) < 0 {
				return readyPage{}, &UnexplainedError{MerchantID: merchantID, Usernames: []string{key.Username}}
			}
		}
		button, err := p.One(v.generateNew())
		if err == nil && button.Disabled {
			err = browser.Absent("%q is disabled", v.Words.Of(labelGenerateNew)[0])
		}
		v.lines = p.Lines()
		same := v.single && slices.EqualFunc(read.Keys, before, func(a, b kustom.Key) bool { return a.Username == b.Username })
		return readyPage{read, button, same}, err
	})
	return seen.Button, err
}

// popup is what a page shows after a key was requested.
type popup struct {
	Username, Secret string
	// Confirm answers a dialog that comes before the popup.
	Confirm *browser.Element
	// Message is the page's other text. It does not show whether the key was generated.
	Message string
	// Listed is the key in the list beside the popup, if it is the only new one; nil otherwise.
	Listed *kustom.Key
}

const (
	// popupTimeout is how long a page may show no new key before the popup counts as lost.
	popupTimeout = 10 * time.Second
	// confirmDelay is how long a dialog must stay the same before it is answered: it may be about to become
	// the popup.
	confirmDelay = 1500 * time.Millisecond
)

// Quiet implements [browser.Quieter].
func (p popup) Quiet() time.Duration {
	switch {
	case p.Secret != "":
		return 0
	case p.Confirm != nil:
		return confirmDelay
	}
	return popupTimeout
}

// clickGenerate clicks Generate new, answers a confirmation dialog once, and reads the popup. It reports whether a key
// may have been generated.
func (v *visit) clickGenerate(ctx context.Context, button *browser.Element, merchantID string, before []kustom.Key) (popup, bool, error) {
	step := v.generateStep()
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

// readListed closes the popup and returns the new key from the list behind it. It returns nil if the list lacks the
// key or has other new keys.
func (v *visit) readListed(ctx context.Context, result popup, orphan kustom.Orphan) *kustom.Key {
	if err := v.Escape(ctx, v.Step("close the popup of the new key")); err != nil {
		return nil
	}
	keys, ok := v.readShown(ctx, orphan.MerchantID, func(keys []kustom.Key) bool {
		return indexOf(keys, result.Username) >= 0 && len(newKeys(keys, orphan, result.Username)) == 0
	})
	if !ok {
		return nil
	}
	return &keys[indexOf(keys, result.Username)]
}

// popup waits for the popup of a new key and reads it. The portal shows it once.
func (v *visit) popup(ctx context.Context, step browser.Step, merchantID string, before []kustom.Key, mayAsk bool) (popup, error) {
	// The page's announcement may disappear long before the popup counts as lost.
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
			username, err := v.usernameBeside(at, merchantID, before)
			return popup{Username: username, Secret: secret}, err
		}
		dialog := v.keyDialog(p, labelGenerateNew)
		if dialog == nil {
			return popup{Message: message}, nil
		}
		if username, _, err := dialog.ValueOf(func(text string) bool { return isKeyOf(text, merchantID) && indexOf(before, text) < 0 }); err != nil || username != "" {
			return popup{}, browser.Absent("the popup shows no secret of a known form")
		}
		if !mayAsk {
			return popup{}, browser.Absent("the dialog shows no key yet")
		}
		confirm, err := v.confirmButton(dialog, v.generateNew())
		return popup{Confirm: confirm}, err
	})
}

// keyDialog returns the last dialog about keys, or nil. It ignores other dialogs, such as one about cookies or
// a chat.
func (v *visit) keyDialog(p *browser.Page, label string) *browser.Element {
	words := slices.Concat(v.Words.Of(label), nouns())
	dialogs := p.Dialogs()
	for _, dialog := range slices.Backward(dialogs) {
		text := strings.ToLower(dialog.Text())
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, strings.ToLower(word)) }) {
			return dialog
		}
	}
	return nil
}

// usernameBeside returns the Key ID that the popup shows with a secret: the nearest one that is new.
func (v *visit) usernameBeside(at *browser.Element, merchantID string, before []kustom.Key) (string, error) {
	for ; at != nil; at = at.Parent() {
		username, _, err := at.ValueOf(func(text string) bool { return isKeyOf(text, merchantID) && indexOf(before, text) < 0 })
		if err != nil || username != "" {
			return username, err
		}
	}
	return "", browser.Absent("the popup shows no Key ID of store %s", merchantID)
}

// limitMessage returns what the page has said about a limit since the request. It explains a missing key, and
// proves nothing.
func (v *visit) limitMessage(p *browser.Page) string {
	for _, line := range p.Lines() {
		says := func(word string) bool { return browser.Mentions(strings.ToLower(line), strings.ToLower(word)) }
		if !slices.Contains(v.lines, line) && slices.ContainsFunc(v.Words.Of(labelLimit), says) {
			return line
		}
	}
	return ""
}

// confirmButton returns a dialog's confirming button: the one with one of the names, or else the only one that does
// not refuse.
func (v *visit) confirmButton(dialog *browser.Element, names ...browser.Target) (*browser.Element, error) {
	for _, target := range append(names, v.Words.Action(labelConfirm)) {
		if found := dialog.Find(target); len(found) == 1 && !found[0].Disabled {
			return found[0], nil
		}
	}
	no := v.Words.Action(labelCancel)
	var rest []*browser.Element
	for _, e := range dialog.Actions() {
		if e != dialog && e.HasRole("button") && !e.Disabled && hasLetter(e.Label()) && !slices.Contains(dialog.Find(no), e) {
			rest = append(rest, e)
		}
	}
	if len(rest) == 1 {
		return rest[0], nil
	}
	return nil, &browser.AbsentError{Targets: []browser.Target{v.Words.Action(labelConfirm)}, Several: len(rest) > 1}
}

func hasLetter(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// confirmListed finds a new key in its store's list, on a freshly loaded page. If the list has another new key,
// somebody else generated it, and may take this key for theirs. Then confirmListed deletes this key only.
func (p *Portal) confirmListed(ctx context.Context, result popup, orphan kustom.Orphan) (kustom.NewKey, error) {
	ctx, cancel := clock.Detach(ctx, p.Clock, p.CleanupTime())
	defer cancel()
	orphan.CredentialID, orphan.Username = result.Username, result.Username
	keys, err := p.storeKeys(ctx, orphan.MerchantID)
	if err != nil {
		return kustom.NewKey{}, &kustom.OrphanError{Orphan: orphan, Cause: err, Cleanup: err}
	}
	i := indexOf(keys, result.Username)
	if i < 0 {
		return kustom.NewKey{}, &kustom.OrphanError{Orphan: orphan, Cause: errNotListed, Cleanup: errNotListed}
	}
	if others := newKeys(keys, orphan, result.Username); len(others) > 0 {
		cause := &UnexplainedError{MerchantID: orphan.MerchantID, Usernames: others}
		if err := p.removeUndelivered(ctx, orphan.MerchantID, result.Username); err != nil {
			return kustom.NewKey{}, &kustom.OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
		}
		return kustom.NewKey{}, cause
	}
	return p.newKey(result, keys[i]), nil
}

// newKeys returns the usernames of the keys that appeared after the request, except the given one.
func newKeys(keys []kustom.Key, orphan kustom.Orphan, except string) []string {
	var found []string
	for _, key := range keys {
		if key.Username != except && !strings.Contains(orphan.Before, kustom.Bar+key.Username+kustom.Bar) {
			found = append(found, key.Username)
		}
	}
	return found
}

// recoverLostPopup finds and deletes the key that a click generated if its popup was not read, even if ctx is done. If there
// is no new key, it may still appear. If there are several, the provider can't tell which one is its own.
func (p *Portal) recoverLostPopup(ctx context.Context, orphan kustom.Orphan, seen popup, cause error) error {
	ctx, cancel := clock.Detach(ctx, p.Clock, p.CleanupTime())
	defer cancel()
	if cause == nil {
		cause = errors.New("the page shows no new key")
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
		err = errNotListed
	}
	return &kustom.OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
}

// removeNew deletes the key that appeared in an orphan's store after the request, and reports whether there was
// one. The error is an [*UnexplainedError] if there are several.
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
		return true, p.removeUndelivered(ctx, keys[0].MerchantID, keys[0].Username)
	}
	found := &UnexplainedError{MerchantID: orphan.MerchantID}
	for _, key := range keys {
		found.Usernames = append(found.Usernames, key.Username)
	}
	return false, found
}

// clockSkew is how far a key's time in the list may be from the click: the portal's clock may differ from this
// machine's.
const clockSkew = 2 * time.Minute

// mayBe reports whether a key may be the result of an orphan's request: it is new, unused, not generated by p, and
// created at about that time.
func (p *Portal) mayBe(key kustom.Key, orphan kustom.Orphan) bool {
	if key.LastUsedAt != nil || p.Generated(key.Username) || strings.Contains(orphan.Before, kustom.Bar+key.Username+kustom.Bar) {
		return false
	}
	i := strings.LastIndex(orphan.Before, kustom.Bar)
	asked, err := time.Parse(time.RFC3339, orphan.Before[i+len(kustom.Bar):])
	if err != nil {
		return true
	}
	return key.LatestCreation().After(asked.Add(-cleanupTimeout-clockSkew)) && key.CreatedAt.Before(asked.Add(clockSkew))
}

// errRequestedByAPI says that only the portal's API can identify the key that was generated.
var errRequestedByAPI = errors.New("the key was requested through the portal's API, and only that API shows which key it is")

// DeleteOrphan deletes an orphaned key. If its ID is unknown, it deletes the key that appeared after the request, if
// there is a single one. The page on which it deletes the key then shows the list without it. Callers that need
// a readyPage list the keys again.
func (p *Portal) DeleteOrphan(ctx context.Context, orphan kustom.Orphan) error {
	var err error
	switch {
	case orphan.CredentialID != "":
		err = p.remove(ctx, orphan.MerchantID, orphan.CredentialID, false)
	case orphan.Before != "":
		_, err = p.removeNew(ctx, orphan)
	default:
		err = errRequestedByAPI
	}
	if err != nil {
		return fmt.Errorf("delete API key %s of store %s: %w", orphan.CredentialID, orphan.MerchantID, err)
	}
	return nil
}
