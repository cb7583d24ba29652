package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Record is what is recorded of a shop that has been taken over. It holds no secret.
type Record struct {
	MerchantID  string
	Description *string
	Triggers    map[string]string
	// CredentialID, Username, Host, CreatedAt and ExpiresAt are those of the shop's key. Username is empty while
	// the shop has not got one; the host and the expiry are where they are known.
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

// setKey takes over what the portal tells of the shop's key.
func (r *Record) setKey(key kustom.Key) {
	r.MerchantID, r.CredentialID, r.Username, r.Host = key.MerchantID, key.CredentialID, key.Username, key.Host
	r.CreatedAt, r.ExpiresAt, r.Description = key.CreatedAt, key.ExpiresAt, key.Description
}

// Memory is the part of a record that is nobody's business but the engine's: what the last read has found for
// the next plan to go by, and what is left to do.
type Memory struct {
	// UpdatedAt is Mystore's mark of the engine's own last write.
	UpdatedAt string `json:"updated_at"`
	// Imported says that the shop was imported and not changed since.
	Imported bool `json:"imported"`
	// ObservedAt is when the shop was last read. Ages are told by it, because the clock must not be asked while
	// planning: a saved plan has to come to the same result when it is applied.
	ObservedAt time.Time `json:"observed_at"`
	// DueReason is why the shop needs a new key whatever the key's age; empty where it does not.
	DueReason string `json:"due"`
	// HeldUsername is the username that the shop held, and Store the store that it belongs to; empty where not known.
	HeldUsername string `json:"holds"`
	Store        string `json:"store"`
	// Replaceable and Foreign are the keys that a new key puts out of use, of this store and of another.
	Replaceable    []KeyRef `json:"replaceable"`
	OtherStoreKeys []KeyRef `json:"foreign"`
	// Undeleted are keys that an earlier run could not delete, or of which it does not know what became.
	Undeleted []kustom.Orphan `json:"unsettled"`
	// BlockedBy are the shops that kept the unsettled keys from being deleted, because they may use them and their pages
	// do not show which key they have.
	BlockedBy []string `json:"hidden,omitempty"`
	// OtherKeys are the usernames of the store's other keys.
	OtherKeys []string `json:"others"`
	// UnconfirmedSince is when the engine proved the shop's key itself, where the shop took it and its page did not
	// show that it has it; zero where it has been seen since, on the page or by its use. Until then, what the key
	// has replaced stays.
	UnconfirmedSince time.Time `json:"unconfirmed_since"`
	// UsedKey is the username of the key that the shop was seen to use, where its page does not show its key;
	// empty otherwise.
	UsedKey string `json:"used_key"`
	// Retired are the keys that have gone out of use and were not deleted: by policy, or until the shop's new key
	// is confirmed.
	Retired []RetiredKey `json:"retired"`
}

// IsImporting tells whether the shop was imported and has not been read yet.
func (m Memory) IsImporting() bool { return m.Imported && m.ObservedAt.IsZero() }

// IsUnfinished tells whether something is left to do whatever the configuration says.
func (m Memory) IsUnfinished() bool { return m.DueReason != "" || len(m.Undeleted) > 0 }

// AwaitsDeletion tells whether a key that was to be deleted is still to be deleted.
func (m Memory) AwaitsDeletion(key KeyRef) bool {
	return contains(m.undeletedRefs(), key) || slices.ContainsFunc(m.Retired, func(r RetiredKey) bool { return contains([]KeyRef{r.KeyRef}, key) })
}

// hasUnanswered tells whether a key is left to be looked after that was asked for with this idempotency key, without an
// answer. To ask with it again may make that very key.
func (m Memory) hasUnanswered(idempotencyKey string) bool {
	return slices.ContainsFunc(m.Undeleted, func(o kustom.Orphan) bool { return o.CredentialID == "" && o.IdempotencyKey == idempotencyKey })
}

// Leftovers are the keys of an object whose creation has failed. Recorded are those that its state names. The memory
// has them too. It also has keys without a name, each with the details that identify it.
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

// AnyUnidentified tells whether one of the keys was asked for without an answer that names it.
func AnyUnidentified(keys []kustom.Orphan) bool {
	return slices.ContainsFunc(keys, func(o kustom.Orphan) bool { return o.CredentialID == "" })
}

// undeletedRefs are the keys that are to be deleted whatever becomes of the shop's present one.
func (m Memory) undeletedRefs() []KeyRef {
	keys := make([]KeyRef, 0, len(m.Undeleted))
	for _, o := range m.Undeleted {
		keys = append(keys, KeyRef{MerchantID: o.MerchantID, CredentialID: o.CredentialID, Username: o.Username})
	}
	return keys
}

// unfinishedReason returns why an apply only deletes keys, with the shops that have kept them from being deleted.
func (m Memory) unfinishedReason() string {
	if len(m.BlockedBy) == 0 {
		return unfinishedReason
	}
	return fmt.Sprintf("%s: shop %s may use them, and does not show which key it has", unfinishedReason, strings.Join(m.BlockedBy, ", "))
}

// withInterrupted adds to the retired keys of a shop those that a killed run was about to delete. The record has not
// heard of that run. After a second one that was killed, nothing but this machine's note has the keys of the first.
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

// confirmUse takes note of what shows that the shop has the key that it was given: its page, or a use of the key that is
// later than the engine's own, and than what the provider has done with it on this machine since.
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

// RetiredKey is a key that has gone out of use and was not deleted: because its policy keeps it, or until it is
// unused.
type RetiredKey struct {
	KeyRef
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	// Interrupted says that an earlier run was about to delete the key, and was killed.
	Interrupted bool `json:"interrupted,omitempty"`
}

func (k RetiredKey) isIdle(unusedFor time.Duration, now time.Time) bool {
	return IsIdle(kustom.Key{CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}, unusedFor, now)
}
