package portalpages

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

const (
	// tries is how many keys are made, one after the deletion of the other, to get at one whose
	// secret is seen.
	tries = 3
	// cleanupTimeout bounds the work that goes on after a cancellation, to leave no key behind.
	cleanupTimeout = time.Minute
)

// errNoSecret says that a key was made, and its popup was not seen.
var errNoSecret = errors.New("the key was made, but the popup with its secret was not seen")

// errUnseen says that a key was asked for, and is not in the list. It may get there yet.
var errUnseen = errors.New("no new key is in the list, but one may still be made")

// secretPattern finds secrets.
var secretPattern = regexp.MustCompile(kustom.SecretForm)

func isSecret(text string) bool { return kustom.KindOf(text) == kustom.SecretKustom }

// Generate makes a key and returns it with its secret, which nobody can ever read again. Unless it
// does, no key is left behind: what was made is deleted, or the error is a [*kustom.OrphanError].
//
// The pages have no idempotency keys. Which key was made is known by its not having been there before,
// so nobody else makes a key for the store through p at the same time. From the click on, the work
// goes on for a while after a cancellation, for the sake of the secret.
func (p *Portal) Generate(ctx context.Context, merchantID, description string) (kustom.Key, error) {
	turn, _ := p.turns.LoadOrStore(merchantID, make(chan struct{}, 1))
	taken, _ := turn.(chan struct{})
	select {
	case taken <- struct{}{}:
		defer func() { <-taken }()
	case <-ctx.Done():
		return kustom.Key{}, ctx.Err()
	}
	var err error
	for range tries {
		var key kustom.Key
		key, err = p.generateOnce(ctx, merchantID, description)
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, errNoSecret) || isOrphan(err) || ctx.Err() != nil {
			break
		}
	}
	return kustom.Key{}, fmt.Errorf("generating an API key for store %s: %w", merchantID, err)
}

func isOrphan(err error) bool {
	var orphan *kustom.OrphanError
	return errors.As(err, &orphan)
}

// generateOnce makes one key. After errNoSecret, the key is gone and another may be made.
func (p *Portal) generateOnce(ctx context.Context, merchantID, description string) (kustom.Key, error) {
	orphan := kustom.Orphan{MerchantID: merchantID, Description: description}
	var made kustom.Key
	err := p.visit(ctx, func(v *visit) error {
		before, err := v.list(ctx, merchantID)
		if err != nil {
			return err
		}
		orphan.Before = barred(before)
		made, err = v.generate(ctx, merchantID, description)
		return err
	})
	var step *browser.StepError
	if err != nil && (!errors.As(err, &step) || !step.Uncertain) {
		return kustom.Key{}, err
	}
	if err != nil {
		return kustom.Key{}, p.abandon(ctx, orphan, err)
	}
	listed, err := p.confirm(ctx, made, orphan)
	if err != nil {
		return kustom.Key{}, p.abandon(ctx, orphan, err)
	}
	p.made.Store(listed.CredentialID, true)
	listed.Secret = made.Secret
	return listed, nil
}

// barred returns the IDs of keys, for [kustom.Orphan.Before].
func barred(keys []kustom.Key) string {
	text := kustom.Bar
	for _, key := range keys {
		text += key.CredentialID + kustom.Bar
	}
	return text
}

// generate does the guide's first step, on the list of the store's keys, and returns what the popup
// shows.
func (v *visit) generate(ctx context.Context, merchantID, description string) (kustom.Key, error) {
	dialog := v.words.Want("dialog", labelGenerateDialog).Saying(merchantID)
	field := v.words.Want("textbox", labelDescription).Inside("dialog")
	button := v.words.Want("button", labelGenerate).Inside("dialog")
	before, found, err := v.follow(ctx, "generate a key", v.words.Want("link", labelGenerateNew).Else(v.words.Want("button", labelGenerateNew)),
		dialog, field, button)
	if err != nil {
		return kustom.Key{}, err
	}
	step := v.step("generate a key")
	if err := v.Fill(ctx, step, found[1], description); err != nil {
		return kustom.Key{}, err
	}
	if err := ctx.Err(); err != nil {
		return kustom.Key{}, err
	}
	ctx, cancel := clock.Detach(ctx, v.portal.Clock, cleanupTimeout)
	defer cancel()
	step.Changing = true
	if err := v.Click(ctx, step, found[2]); err != nil {
		return kustom.Key{}, err
	}
	return v.popup(ctx, step, before, merchantID)
}

// popup waits for the popup of a new key, and reads it. It is shown once.
func (v *visit) popup(ctx context.Context, step browser.Step, before *browser.Page, merchantID string) (kustom.Key, error) {
	step.Wants = []browser.Want{
		v.words.Want("dialog", labelNewKey).Saying(merchantID),
		v.words.Want("textbox", labelKustomID).Inside("dialog"),
		v.words.Want("textbox", labelKustomSecret).Inside("dialog"),
	}
	step.Refused = func(page *browser.Page) string { return v.refusesKey(before, page) }
	_, found, err := v.Await(ctx, step)
	if browser.IsKind(err, browser.Refused) && v.isFull(err) {
		return kustom.Key{}, errors.Join(kustom.ErrLimitReached, err)
	}
	if err != nil {
		return kustom.Key{}, err
	}
	key := kustom.Key{MerchantID: merchantID, Username: strings.TrimSpace(found[1].Value), Secret: strings.TrimSpace(found[2].Value)}
	if !strings.HasPrefix(key.Username, merchantID+"-") || !isSecret(key.Secret) {
		return kustom.Key{}, &browser.StepError{
			Site: Name, Host: v.portal.URL.Host, Page: v.page, Step: "read the popup of the new key", Kind: browser.NotFound,
			Changing: true, Uncertain: true,
		}
	}
	return key, nil
}

// refusesKey returns what the portal says of a key that it does not make: a warning in the dialog that
// was not there before.
func (v *visit) refusesKey(before, page *browser.Page) string {
	if page.First("textbox", v.words.Of(labelKustomSecret)...) != nil {
		return ""
	}
	for _, alert := range page.News(before, "alert") {
		if alert.Within("dialog") {
			return alert.Text()
		}
	}
	return v.noAccess(page)
}

// isFull tells whether a refusal is for too many keys.
func (v *visit) isFull(err error) bool {
	var step *browser.StepError
	if !errors.As(err, &step) {
		return false
	}
	return slices.ContainsFunc(v.words.Of(labelTooMany), func(word string) bool {
		before, after, _ := strings.Cut(word, browser.Place)
		return strings.HasPrefix(step.Message, before) && strings.HasSuffix(step.Message, after)
	})
}

// confirm finds a new key in its store's list. Its popup has been read, so it is left behind. A browser
// sends a form again by itself when the connection breaks on which it was sent, and so may have made
// another key, which is deleted (I3).
func (p *Portal) confirm(ctx context.Context, made kustom.Key, orphan kustom.Orphan) (kustom.Key, error) {
	ctx, cancel := clock.Detach(ctx, p.Clock, cleanupTimeout)
	defer cancel()
	keys, err := p.storeKeys(ctx, made.MerchantID)
	if err != nil {
		return kustom.Key{}, err
	}
	i := slices.IndexFunc(keys, func(key kustom.Key) bool { return key.Username == made.Username })
	if i < 0 {
		return kustom.Key{}, fmt.Errorf("key %s: %w", made.Username, errUnseen)
	}
	for _, key := range keys {
		if key.Username == made.Username || !p.isNew(key, orphan) {
			continue
		}
		if err := p.remove(ctx, key.MerchantID, key.CredentialID); err != nil {
			return kustom.Key{}, fmt.Errorf("deleting key %s, which was made at the same time: %w", key.Username, err)
		}
	}
	return keys[i], nil
}

// abandon discards a key that can't be used, although ctx may be done, and returns cause, joined with
// errNoSecret where there was one, or an [*kustom.OrphanError] where it can't be deleted or may come yet.
func (p *Portal) abandon(ctx context.Context, orphan kustom.Orphan, cause error) error {
	ctx, cancel := clock.Detach(ctx, p.Clock, cleanupTimeout)
	defer cancel()
	deleted, err := p.removeNew(ctx, orphan)
	if err == nil && deleted == 0 {
		err = errUnseen
	}
	if err != nil {
		orphan.Before += p.Clock.Now().UTC().Format(time.RFC3339)
		return &kustom.OrphanError{Orphan: orphan, Cause: cause, Cleanup: err}
	}
	return errors.Join(errNoSecret, cause)
}

// removeNew deletes what is new in an orphan's store since it was asked for, and returns how many keys
// that were.
func (p *Portal) removeNew(ctx context.Context, orphan kustom.Orphan) (int, error) {
	keys, err := p.storeKeys(ctx, orphan.MerchantID)
	if err != nil {
		return 0, err
	}
	keys = slices.DeleteFunc(keys, func(key kustom.Key) bool { return !p.isNew(key, orphan) })
	for i, key := range keys {
		if err := p.remove(ctx, key.MerchantID, key.CredentialID); err != nil {
			return i, err
		}
	}
	return len(keys), nil
}

// lateness is how long a key may still take to be made that nobody waits for any more, and how much the
// portal's clock and this machine's may differ.
const lateness = time.Minute

// isNew tells whether a key is what came of asking for an orphan: it was not there before, is called the
// same, nobody has used it, and it is neither one that p has made nor one that was made later on.
func (p *Portal) isNew(key kustom.Key, orphan kustom.Orphan) bool {
	var description string
	if key.Description != nil {
		description = *key.Description
	}
	before, until := orphan.Before, time.Time{}
	if i := strings.LastIndex(before, kustom.Bar); i >= 0 {
		// Without a time, this is still the run that has asked for the key.
		until, _ = time.Parse(time.RFC3339, before[i+len(kustom.Bar):])
	}
	return key.LastUsedAt == nil && description == orphan.Description && !p.Made(key.CredentialID) &&
		!strings.Contains(before, kustom.Bar+key.CredentialID+kustom.Bar) &&
		(until.IsZero() || key.CreatedAt.Before(until.Add(lateness)))
}

// errOtherWay says that only the portal's API knows which key was made.
var errOtherWay = errors.New("the key was asked for through the portal's API, which alone can tell which one it is")

// Discard deletes a key that nobody holds the secret of. Where its ID is not known, it is what is new
// since it was asked for.
func (p *Portal) Discard(ctx context.Context, orphan kustom.Orphan) error {
	var err error
	switch {
	case orphan.CredentialID != "":
		err = p.remove(ctx, orphan.MerchantID, orphan.CredentialID)
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
