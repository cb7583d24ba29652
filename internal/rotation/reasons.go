package rotation

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// awaitsFirstUse is what a replaced key's deletion waits for if the shop's page does not show which key the shop
// has.
const awaitsFirstUse = "the new key's first use by the shop"

// awaitsIdle returns what a replaced key's deletion waits for if another system may use the key.
func awaitsIdle(unusedFor time.Duration) string {
	return fmt.Sprintf("no use of the key for %s", FormatDuration(unusedFor))
}

// These are the reasons after runs that ended early.
const (
	// UnfinishedReason is why a shop gets a new key whose object an earlier run left incomplete.
	UnfinishedReason = "an earlier run did not finish"
	// keylessReason is why a new shop of a fleet gets a key after an earlier run failed.
	keylessReason = "an earlier run could not give the shop a key"
	// undeletedReason is why an apply only deletes keys.
	undeletedReason = "an earlier run could not delete some keys"
	// interruptedReason is the same if the earlier run was killed.
	interruptedReason = "an earlier run was about to delete some keys"
)

// whyUndeleted returns [undeletedReason], with the shops that prevented the deletion before.
func (m Memory) whyUndeleted() string {
	if len(m.BlockedBy) == 0 {
		return undeletedReason
	}
	return fmt.Sprintf("%s: shop %s may use them, but does not show which key it has", undeletedReason, strings.Join(m.BlockedBy, ", "))
}

// changedAttribute returns why a changed attribute asks for a new key, or an empty string. The first triggers of an
// imported shop are no change.
func (c Config) changedAttribute(record Record) string {
	switch {
	case c.MerchantID != record.MerchantID:
		return "merchant_id has changed"
	case c.Description != nil && (record.Description == nil || *c.Description != *record.Description):
		return "description has changed"
	case record.Memory.Imported && len(record.Triggers) == 0:
		return ""
	case !maps.Equal(c.Triggers, record.Triggers):
		return "rotate_when_changed has changed"
	}
	return ""
}

// takeoverReason returns why a shop that no object has managed so far gets a new key.
func (o Observation) takeoverReason() string {
	id := o.Credentials.KustomID
	store, known := o.store()
	switch {
	case o.NotShown != nil:
		return "the shop's page does not show which key it has; an empty field does not mean that it has none"
	case id == "":
		return "the shop has no key"
	case id == SecretAsID:
		return "the shop has a secret in the field of its Kustom ID"
	case known && !sameStore(store, o.MerchantID):
		return fmt.Sprintf("the shop uses %s, a key of another store", id)
	case o.Held == nil:
		return fmt.Sprintf("the shop uses %s, a key that the portal does not list; there is nothing to delete", id)
	case kustom.IsLegacyHost(o.Held.Host):
		return fmt.Sprintf("the shop uses %s, a key of %s", id, o.Held.Host)
	case isLegacy(*o.Held):
		return fmt.Sprintf("the shop uses %s, a Klarna key", id)
	}
	return fmt.Sprintf("the shop uses %s, a key that this resource did not generate", id)
}

// dueReason returns why a managed shop needs a new key, or an empty string.
func (o Observation) dueReason(updatedAt, username string) string {
	switch {
	case o.Missing != nil:
		return "the shop has no Klarna Checkout V3"
	case o.Recorded == nil && username != "" && (o.NotShown != nil || o.Credentials.KustomID == username):
		return fmt.Sprintf("the key %s was deleted in Kustom Portal", username)
	case o.NotShown != nil && o.Recorded != nil && !isLegacy(*o.Recorded):
		// The page hides the key, and nothing indicates that the shop has another one.
		return ""
	case o.Recorded == nil || o.Recorded.Username != o.Credentials.KustomID:
		return o.takeoverReason()
	case isLegacy(*o.Recorded):
		return o.takeoverReason()
	case !SameMoment(o.Credentials.UpdatedAt, updatedAt) || o.Credentials.Secret == mystore.SecretMissing:
		return "someone has changed the shop's credentials"
	}
	return ""
}

// isLegacy reports whether a key is one of Klarna's.
func isLegacy(key kustom.Key) bool { return key.Origin().Owner == kustom.OwnerKlarna }

// ageReason returns [AgeReason] of the recorded key at the last read.
func (r Record) ageReason(rules Rules) string {
	return AgeReason(r.CreatedAt, rules.RotateAfterDays, r.Memory.ObservedAt)
}

const day = 24 * time.Hour

// AgeReason returns why a key is too old, or an empty string if it is younger than the given days. 0 days means
// never.
func AgeReason(created time.Time, days int64, now time.Time) string {
	if days <= 0 || created.IsZero() || now.IsZero() || int64(now.Sub(created)/day) < days {
		return ""
	}
	return fmt.Sprintf("the key is at least %d days old: it was generated on %s", days, created.Format(time.DateOnly))
}

// expiryReason returns [ExpiryReason] of the recorded key at the last read.
func (r Record) expiryReason(rules Rules) string {
	return ExpiryReason(r.CreatedAt, r.ExpiresAt, rules.RotateBeforeExpiry, r.Memory.ObservedAt)
}

// ExpiryReason returns why a key expires too soon, or an empty string if it expires later than the given time from
// now. 0 means never. A key that lives for less than twice that time is due after half its life: otherwise its
// successor would be due at once, and so on.
func ExpiryReason(created time.Time, at *time.Time, before time.Duration, now time.Time) string {
	if at == nil || before <= 0 || now.IsZero() {
		return ""
	}
	if life := at.Sub(created); !created.IsZero() && life > 0 {
		before = min(before, life/2)
	}
	if now.Before(at.Add(-before)) {
		return ""
	}
	return "the key expires on " + at.Format(time.DateOnly)
}
