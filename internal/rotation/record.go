package rotation

import (
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Record is what the state has about a shop that an object manages. It holds no secret.
type Record struct {
	MerchantID  string
	Description *string
	Triggers    map[string]string
	// CredentialID, Username, Host, CreatedAt and ExpiresAt describe the shop's key. Username is empty until the
	// shop has a key. Host and ExpiresAt are empty if they are unknown.
	CredentialID, Username, Host string
	CreatedAt                    time.Time
	ExpiresAt                    *time.Time
	// Reason is why the last apply changed the shop's key.
	Reason                 string
	KeysToDelete, KeysKept []KeyRef
	Memory                 Memory
}

// Key returns the shop's recorded key.
func (r Record) Key() KeyRef {
	return KeyRef{MerchantID: r.MerchantID, CredentialID: r.CredentialID, Username: r.Username, Host: r.Host}
}

// IsOfOtherStore reports whether a record is about a store that the shop never got a key of, such as one with a mistyped ID.
// What it remembers is then of no use for the configured store.
func (r Record) IsOfOtherStore(merchantID string) bool {
	return r.Username == "" && len(r.Memory.Undeleted) == 0 && !r.Memory.Imported && merchantID != "" && !sameStore(r.MerchantID, merchantID)
}

// setKey records a key as the shop's key.
func (r *Record) setKey(key kustom.Key) {
	r.MerchantID, r.CredentialID, r.Username, r.Host = key.MerchantID, key.CredentialID, key.Username, key.Host
	r.CreatedAt, r.ExpiresAt, r.Description = key.CreatedAt, key.ExpiresAt, key.Description
}

// Memory is the part of a record that only the engine reads: what the last read found, for the next plan, and what
// is left to do.
type Memory struct {
	// UpdatedAt is Mystore's time of the engine's last write.
	UpdatedAt string `json:"updated_at"`
	// Imported reports that the shop was imported and has not been changed since.
	Imported bool `json:"imported"`
	// ObservedAt is when the shop was last read. Plans compute ages from it, and not from the clock: a saved plan
	// must come to the same result when it is applied.
	ObservedAt time.Time `json:"observed_at"`
	// DueReason is why the shop needs a new key, whatever the age of its key. It is empty if it needs none.
	DueReason string `json:"due"`
	// HeldUsername is the username that the shop held, and Store is the merchant ID of its store. Both are empty if
	// unknown.
	HeldUsername string `json:"holds"`
	Store        string `json:"store"`
	// Gone is the username that the shop held although its store no longer had the key, or empty.
	Gone string `json:"gone,omitempty"`
	// Replaceable and OtherStoreKeys are the keys that a new key replaces: those of the configured store, and that
	// of another store.
	Replaceable    []KeyRef `json:"replaceable"`
	OtherStoreKeys []KeyRef `json:"foreign"`
	// Undeleted are keys that an earlier run could not delete, or whose fate it does not know.
	Undeleted []kustom.Orphan `json:"unsettled"`
	// BlockedBy are the shops that keep Undeleted from being deleted: they may use the keys, and their pages do not
	// show which key they have.
	BlockedBy []string `json:"hidden,omitempty"`
	// OtherKeys are the usernames of the store's other keys.
	OtherKeys []string `json:"others"`
	// UnconfirmedSince is when the engine proved the shop's key, if the shop accepted the key and its page does not
	// show it. It is zero once the page or a use of the key has confirmed it. Until then, the replaced keys are
	// kept.
	UnconfirmedSince time.Time `json:"unconfirmed_since"`
	// UsedKey is the username of the key that the shop was seen to use, if its page does not show its key.
	UsedKey string `json:"used_key"`
	// Retired are the keys that were replaced and not deleted: because the policy keeps them, or until the shop's
	// new key is confirmed.
	Retired []RetiredKey `json:"retired"`
}

// IsImporting reports whether the shop was imported and has not been read yet.
func (m Memory) IsImporting() bool { return m.Imported && m.ObservedAt.IsZero() }

// IsUnfinished reports whether something is left to do, whatever the configuration says.
func (m Memory) IsUnfinished() bool { return m.DueReason != "" || len(m.Undeleted) > 0 }

// AwaitsDeletion reports whether a key is still to be deleted.
func (m Memory) AwaitsDeletion(key KeyRef) bool {
	return contains(m.undeletedRefs(), key) || slices.ContainsFunc(m.Retired, func(r RetiredKey) bool { return contains([]KeyRef{r.KeyRef}, key) })
}

// hasUnanswered reports whether a request with this idempotency key is unanswered. Sending it again may return the
// same key, which is to be deleted.
func (m Memory) hasUnanswered(idempotencyKey string) bool {
	return slices.ContainsFunc(m.Undeleted, func(o kustom.Orphan) bool { return o.CredentialID == "" && o.IdempotencyKey == idempotencyKey })
}

// Leftovers returns the keys of an object whose creation failed. The state names the recorded ones. Memory adds the
// details of their requests, and the keys whose IDs are unknown.
func (m Memory) Leftovers(recorded []kustom.Orphan) []kustom.Orphan {
	var leftovers []kustom.Orphan
	for _, o := range m.Undeleted {
		if o.CredentialID == "" {
			leftovers = append(leftovers, o)
		}
	}
	for _, o := range recorded {
		i := slices.IndexFunc(m.Undeleted, func(u kustom.Orphan) bool { return u.CredentialID == o.CredentialID })
		if i >= 0 {
			o.Description, o.IdempotencyKey, o.Before = m.Undeleted[i].Description, m.Undeleted[i].IdempotencyKey, m.Undeleted[i].Before
		}
		leftovers = append(leftovers, o)
	}
	return leftovers
}

// AnyUnidentified reports whether the ID of one of the keys is unknown, because no answer named it.
func AnyUnidentified(keys []kustom.Orphan) bool {
	return slices.ContainsFunc(keys, func(o kustom.Orphan) bool { return o.CredentialID == "" })
}

// undeletedRefs returns the keys to delete, whatever happens to the shop's current key.
func (m Memory) undeletedRefs() []KeyRef {
	keys := make([]KeyRef, 0, len(m.Undeleted))
	for _, o := range m.Undeleted {
		keys = append(keys, refOfOrphan(o))
	}
	return keys
}

// withInterrupted returns the retired keys, and those that a killed run was about to delete. The record does not
// have that run. If a second run was killed, only this machine's cache has the keys of the first one.
func (m Memory) withInterrupted(seen Observation) []RetiredKey {
	known, retired := m.undeletedRefs(), slices.Clone(m.Retired)
	for _, key := range m.Retired {
		known = append(known, key.KeyRef)
	}
	for _, key := range seen.interrupted() {
		if !contains(known, key) {
			retired = append(retired, RetiredKey{KeyRef: key, Interrupted: true})
		}
	}
	return retired
}

// confirmUse ends the wait for a confirmation if the shop's page shows the key, or if something used the key later
// than the provider itself did.
func (m *Memory) confirmUse(seen Observation, last unconfirmedInstall) {
	if seen.NotShown == nil {
		if !m.UnconfirmedSince.IsZero() {
			m.UpdatedAt = seen.Credentials.UpdatedAt
		}
		m.UnconfirmedSince, m.UsedKey = time.Time{}, ""
		return
	}
	if seen.Recorded == nil || seen.Recorded.LastUsedAt == nil || m.UnconfirmedSince.IsZero() {
		return
	}
	own := m.UnconfirmedSince
	if last.Username == seen.Recorded.Username && last.OwnUse.After(own) {
		own = last.OwnUse
	}
	if seen.Recorded.LastUsedAt.After(own.Add(ownUseMargin)) {
		m.UnconfirmedSince, m.UsedKey = time.Time{}, seen.Recorded.Username
	}
}

// RetiredKey is a key that was replaced and not deleted: because the policy keeps it, or until it is idle.
type RetiredKey struct {
	KeyRef
	CreatedAt  time.Time     `json:"created_at"`
	LastUsedAt *time.Time    `json:"last_used_at"`
	Precision  time.Duration `json:"precision,omitempty"`
	// Interrupted reports that an earlier run was killed before it could delete the key.
	Interrupted bool `json:"interrupted,omitempty"`
}

func (k RetiredKey) isIdle(unusedFor time.Duration, now time.Time) bool {
	return IsIdle(kustom.Key{CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, Precision: k.Precision}, unusedFor, now)
}
