package rotation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// KeyPolicy says what becomes of a key that a shop does not use any more.
type KeyPolicy string

// The policies.
const (
	// DeleteKeys deletes it at once.
	DeleteKeys KeyPolicy = "delete"
	// KeepKeys leaves it in the portal.
	KeepKeys KeyPolicy = "keep"
	// DeleteUnusedKeys deletes it when it was not used for a time: another system may use it too.
	DeleteUnusedKeys KeyPolicy = "delete_when_unused"
)

// DefaultDescription is the description of a new key where none is configured.
const DefaultDescription = "terraform"

// Rules say how a shop's keys rotate, and what becomes of the keys and shops that are let go of.
type Rules struct {
	// RotateAfterDays is the age in days at which a key is due; 0 is never.
	RotateAfterDays int64
	// RotateBeforeExpiry is how long before its expiry a key is due; 0 is never.
	RotateBeforeExpiry time.Duration
	// ReplacedKeys is the policy for keys that go out of use; empty is [DeleteKeys].
	ReplacedKeys KeyPolicy
	// UnusedFor is the time without use that [DeleteUnusedKeys] waits for.
	UnusedFor time.Duration
	// AllowStoreChange lets a shop get a key of another store than its present one belongs to.
	AllowStoreChange bool
}

// Config is what the configuration asks for one shop.
type Config struct {
	Shop, MerchantID string
	// Description is what the portal shows beside a key; nil where none is configured.
	Description *string
	// Undescribed says that the portal shows no descriptions, so that a new key gets none.
	Undescribed bool
	// Triggers rotate the key when they change. Nil and empty are equal: not given.
	Triggers map[string]string
	Rules
	// Undecided says that something that may ask for a new key is not known before the apply.
	Undecided bool
}

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
	// Due is why the shop needs a new key whatever the key's age; empty where it does not.
	Due string `json:"due"`
	// Holds is the username that the shop held, and Store the store that it belongs to; empty where not known.
	Holds string `json:"holds"`
	Store string `json:"store"`
	// Replaceable and Foreign are the keys that a new key puts out of use, of this store and of another.
	Replaceable []KeyRef `json:"replaceable"`
	Foreign     []KeyRef `json:"foreign"`
	// Unsettled are keys that an earlier run could not delete, or of which it does not know what became.
	Unsettled []kustom.Orphan `json:"unsettled"`
	// Hidden are the shops that kept the unsettled keys from being deleted, because they may use them and their pages
	// do not show which key they have.
	Hidden []string `json:"hidden,omitempty"`
	// Others are the usernames of the store's other keys.
	Others []string `json:"others"`
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

// Importing tells whether the shop was imported and has not been read yet.
func (m Memory) Importing() bool { return m.Imported && m.ObservedAt.IsZero() }

// IsUnfinished tells whether something is left to do whatever the configuration says.
func (m Memory) IsUnfinished() bool { return m.Due != "" || len(m.Unsettled) > 0 }

// IsLeft tells whether a key that was to be deleted is still to be deleted.
func (m Memory) IsLeft(key KeyRef) bool {
	return contains(m.unsettled(), key) || slices.ContainsFunc(m.Retired, func(r RetiredKey) bool { return contains([]KeyRef{r.KeyRef}, key) })
}

// awaits tells whether a key is left to be looked after that was asked for with this idempotency key, without an
// answer. To ask with it again may make that very key.
func (m Memory) awaits(idempotencyKey string) bool {
	return slices.ContainsFunc(m.Unsettled, func(o kustom.Orphan) bool { return o.CredentialID == "" && o.IdempotencyKey == idempotencyKey })
}

// Leftovers are the keys of an object whose creation has failed. Recorded are those that its state names. The memory
// has them too. It also has keys without a name, each with the details that identify it.
func (m Memory) Leftovers(recorded []kustom.Orphan) []kustom.Orphan {
	var leftovers []kustom.Orphan
	for _, o := range m.Unsettled {
		if o.CredentialID == "" {
			leftovers = append(leftovers, o)
		}
	}
	for _, o := range recorded {
		i := slices.IndexFunc(m.Unsettled, func(u kustom.Orphan) bool { return u.CredentialID == o.CredentialID })
		if i >= 0 {
			o.Description, o.IdempotencyKey, o.Before = m.Unsettled[i].Description, m.Unsettled[i].IdempotencyKey, m.Unsettled[i].Before
		}
		leftovers = append(leftovers, o)
	}
	return leftovers
}

// AnyUnnamed tells whether one of the keys was asked for without an answer that names it.
func AnyUnnamed(keys []kustom.Orphan) bool {
	return slices.ContainsFunc(keys, func(o kustom.Orphan) bool { return o.CredentialID == "" })
}

// unsettled are the keys that are to be deleted whatever becomes of the shop's present one.
func (m Memory) unsettled() []KeyRef {
	keys := make([]KeyRef, 0, len(m.Unsettled))
	for _, o := range m.Unsettled {
		keys = append(keys, KeyRef{MerchantID: o.MerchantID, CredentialID: o.CredentialID, Username: o.Username})
	}
	return keys
}

// Plan is what is to become of one shop and its keys.
type Plan struct {
	Shop, MerchantID string
	// Generate says that the shop gets a new key, with this description; nil where it gets none.
	Generate    bool
	Description *string
	// Undecided says that only the apply can tell whether it does.
	Undecided bool
	// Changes says that the plan is another one than was recorded: Reason, Delete and Keep are new.
	Changes bool
	Reason  string
	// Previous is the username of the key that the shop has before it gets a new one; empty where it has none, or where
	// that is not known.
	Previous string
	// Delete are the keys that are deleted, at once or when what they wait for has come; Keep those that go out
	// of use and stay.
	Delete, Keep []KeyRef
	// Others are the usernames of the store's other keys, which stand as they are.
	Others []string
}

// description returns the new key's description, empty where it gets none.
func (p Plan) description() string {
	if p.Description == nil {
		return ""
	}
	return *p.Description
}

// firstUse is what the deletion of a replaced key waits for, where the shop's page does not show which key it has.
const firstUse = "the new key's first use by the shop"

// unusedWait is what the deletion of a replaced key waits for, where something else may use it too.
func unusedWait(unusedFor time.Duration) string {
	return fmt.Sprintf("no use of the key for %s", FormatDuration(unusedFor))
}

// unfinishedReason is why an apply only deletes keys.
const unfinishedReason = "keys are left that an earlier run could not delete"

// unfinishedReason returns why an apply only deletes keys, with the shops that have kept them from being deleted.
func (m Memory) unfinishedReason() string {
	if len(m.Hidden) == 0 {
		return unfinishedReason
	}
	return fmt.Sprintf("%s: shop %s may use them, and does not show which key it has", unfinishedReason, strings.Join(m.Hidden, ", "))
}

// Decide returns what is to become of a shop. It is pure: it looks at its arguments only.
//
// Record is nil where no object has taken the shop over yet. Then seen is what a read found, or nil where the shop could
// not be read; the apply decides everything then. For a shop that has been taken over, Decide uses what the last read
// recorded.
//
// The error is a [*WrongStoreError], [ErrUndescribed], or why the shop can't have a key.
func Decide(config Config, record *Record, seen *Observation) (Plan, error) {
	plan := Plan{Shop: config.Shop, MerchantID: config.MerchantID, Description: config.Description}
	if config.Undescribed && config.Description != nil {
		return plan, ErrUndescribed
	}
	if record == nil {
		return decideNew(plan, config, seen)
	}
	return decideExisting(plan, config, *record)
}

func decideNew(plan Plan, config Config, seen *Observation) (Plan, error) {
	plan.newKey(config)
	if seen == nil {
		plan.Undecided = true
		return plan, nil
	}
	if seen.Missing != nil {
		return plan, seen.Missing
	}
	store, ok := seen.store()
	if !ok {
		store, ok = storeIn(seen.Emptied)
	}
	if ok {
		if err := config.checkStore(store); err != nil {
			return plan, err
		}
	}
	plan.Previous = held(seen.Holds.KustomID)
	replaced := append(seen.replaceable(), seen.interrupted()...)
	plan.retire(config.Rules, seen.newReason(), replaced, seen.foreign(), nil)
	plan.NameOthers(usernames(seen.Others))
	return plan, nil
}

func decideExisting(plan Plan, config Config, record Record) (Plan, error) {
	memory := record.Memory
	if config.Description == nil {
		plan.Description = record.Description
	}
	reason := cmp.Or(memory.Due, record.tooOld(config.Rules), record.expires(config.Rules))
	if reason == "" && config.Undecided {
		plan.Undecided = true
		return plan, nil
	}
	if reason = cmp.Or(reason, config.change(record)); reason == "" {
		plan.review(config.Rules, record)
		return plan, nil
	}
	plan.newKey(config)
	plan.Previous = cmp.Or(held(memory.Holds), record.Username)
	plan.retire(config.Rules, reason, memory.Replaceable, memory.Foreign, memory.unsettled())
	plan.add(config.Rules, memory)
	plan.NameOthers(memory.Others)
	return plan, config.checkStore(cmp.Or(memory.Store, record.MerchantID))
}

// held returns the username that a shop shows, and nothing where it shows a secret in its place.
func held(kustomID string) string {
	if kustomID == SecretAsID {
		return ""
	}
	return kustomID
}

// checkStore refuses a shop a key of another store than its present one belongs to.
func (c Config) checkStore(present string) error {
	if c.AllowStoreChange || present == c.MerchantID {
		return nil
	}
	return &WrongStoreError{Shop: c.Shop, Present: present, Wanted: c.MerchantID}
}

// CheckStores refuses a shop that holds one key another one of another store: a [*WrongStoreError]. Where the store
// of one of the two usernames is not known, nothing is refused.
func (e *Engine) CheckStores(ctx context.Context, shop, present, wanted string) error {
	if present == "" || present == wanted {
		return nil
	}
	to, ok := e.storeOf(ctx, wanted)
	if !ok {
		return nil
	}
	if from, ok := e.storeOf(ctx, present); ok && from != to {
		return &WrongStoreError{Shop: shop, Present: from, Wanted: to}
	}
	return nil
}

// newKey plans a new key.
func (p *Plan) newKey(config Config) {
	p.Generate = true
	p.Description = config.Description
	if p.Description == nil && !config.Undescribed {
		description := DefaultDescription
		p.Description = &description
	}
}

// retire plans what becomes of the keys that go out of use. Keys of other stores always stay, and unsettled
// ones always go.
func (p *Plan) retire(rules Rules, reason string, replaced, foreign, unsettled []KeyRef) {
	p.Changes, p.Reason = true, reason
	p.Delete, p.Keep = unsettled, slices.Clone(foreign)
	for _, key := range replaced {
		p.dispose(rules, key, false)
	}
}

// dispose adds a key that is out of use to those that go or stay.
func (p *Plan) dispose(rules Rules, key KeyRef, quiet bool) {
	key.WaitsFor = ""
	switch {
	case contains(p.Delete, key) || contains(p.Keep, key):
	case rules.ReplacedKeys == KeepKeys:
		p.Keep = append(p.Keep, key)
	case rules.ReplacedKeys == DeleteUnusedKeys && !quiet:
		key.WaitsFor = unusedWait(rules.UnusedFor)
		p.Delete = append(p.Delete, key)
	default:
		p.Delete = append(p.Delete, key)
	}
}

// add adds the keys that earlier applies have put out of use. They wait where it is not confirmed that the shop has
// the key that took their place.
func (p *Plan) add(rules Rules, memory Memory) {
	for _, key := range memory.Retired {
		before := len(p.Delete)
		p.dispose(rules, key.KeyRef, key.isQuiet(rules.UnusedFor, memory.ObservedAt))
		if len(p.Delete) > before && !memory.UnconfirmedSince.IsZero() {
			p.Delete[before].WaitsFor = firstUse
		}
	}
}

// NameOthers notes which of a store's keys the plan does not touch, each once.
func (p *Plan) NameOthers(usernames []string) {
	touched := slices.Concat(p.Delete, p.Keep)
	for _, name := range usernames {
		if !slices.Contains(p.Others, name) && !slices.ContainsFunc(touched, func(key KeyRef) bool { return key.Username == name }) {
			p.Others = append(p.Others, name)
		}
	}
}

// review plans what becomes of keys that are out of use, where the shop keeps its key.
func (p *Plan) review(rules Rules, record Record) {
	memory := record.Memory
	now := Plan{Delete: memory.unsettled()}
	now.add(rules, memory)
	goes := slices.ContainsFunc(now.Delete, func(key KeyRef) bool { return key.WaitsFor == "" })
	moved := slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool {
		return contains(now.Keep, key.KeyRef) != contains(record.KeysKept, key.KeyRef)
	})
	if !goes && !moved {
		return
	}
	for _, key := range record.KeysKept {
		if !contains(now.Delete, key) && !contains(now.Keep, key) {
			now.Keep = append(now.Keep, key)
		}
	}
	p.Changes, p.Delete, p.Keep = true, now.Delete, now.Keep
	switch {
	case len(memory.Unsettled) > 0:
		p.Reason = memory.unfinishedReason()
	case slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool { return key.Interrupted }):
		p.Reason = "keys are left that an earlier run was about to delete"
	case moved:
		p.Reason = "replaced_key_policy has changed"
	case slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool { return key.WaitsFor == firstUse }):
		p.Reason = "the shop uses its new key"
	default:
		p.Reason = fmt.Sprintf("replaced keys were not used for %s", FormatDuration(rules.UnusedFor))
	}
}

// contains tells whether a key is in a list. IDs tell keys apart; of a key of another store, only the username is known.
func contains(keys []KeyRef, key KeyRef) bool {
	return slices.ContainsFunc(keys, func(other KeyRef) bool {
		if other.CredentialID != "" && key.CredentialID != "" {
			return other.MerchantID == key.MerchantID && other.CredentialID == key.CredentialID
		}
		return other.MerchantID == key.MerchantID && other.Username == key.Username && key.Username != ""
	})
}

// change returns which attribute asks for a new key, and nothing where none does. That an imported shop gets
// its first triggers is no change.
func (c Config) change(record Record) string {
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

// newReason returns why a shop that is taken over gets a new key.
func (o Observation) newReason() string {
	id := o.Holds.KustomID
	store, known := o.store()
	switch {
	case o.Unshown != nil:
		return "the shop's page does not show which key it has; an empty field does not mean that it has none"
	case id == "":
		return "the shop has no key"
	case id == SecretAsID:
		return "the shop has a secret in place of its Kustom ID"
	case known && store != o.MerchantID:
		return fmt.Sprintf("the shop uses %s, a key of another store", id)
	case o.Held == nil:
		return fmt.Sprintf("the shop uses %s, a key that the portal does not list; there is nothing to delete", id)
	case kustom.IsLegacyHost(o.Held.Host):
		return fmt.Sprintf("the shop uses %s, a key of %s", id, o.Held.Host)
	case isLegacy(*o.Held):
		return fmt.Sprintf("the shop uses %s, a key of Klarna's", id)
	}
	return fmt.Sprintf("the shop uses %s, a key whose secret nobody can read", id)
}

// dueReason returns why a shop that has been taken over needs a new key, and nothing where it does not.
func (o Observation) dueReason(updatedAt, username string) string {
	switch {
	case o.Missing != nil:
		return "the shop has no Klarna Checkout V3"
	case o.Own == nil && username != "" && (o.Unshown != nil || o.Holds.KustomID == username):
		return fmt.Sprintf("the key %s was deleted in Kustom Portal", username)
	case o.Unshown != nil && o.Own != nil && !isLegacy(*o.Own):
		// Nothing speaks against its having the key.
		return ""
	case o.Own == nil || o.Own.Username != o.Holds.KustomID:
		return o.newReason()
	case isLegacy(*o.Own):
		return o.newReason()
	case !SameMoment(o.Holds.UpdatedAt, updatedAt) || o.Holds.Secret == mystore.SecretMissing:
		return "somebody has changed the shop's credentials"
	}
	return ""
}

// isLegacy tells whether a key is one of Klarna's.
func isLegacy(key kustom.Key) bool { return key.Origin().Owner == kustom.OwnerKlarna }

// tooOld returns that the shop's key had reached the age of the rules when it was read, and nothing where it
// had not.
func (r Record) tooOld(rules Rules) string {
	return TooOld(r.CreatedAt, rules.RotateAfterDays, r.Memory.ObservedAt)
}

const day = 24 * time.Hour

// TooOld returns that a key has reached an age in days, and nothing where it has not. 0 days is never.
func TooOld(created time.Time, days int64, now time.Time) string {
	if days <= 0 || created.IsZero() || now.IsZero() || int64(now.Sub(created)/day) < days {
		return ""
	}
	return fmt.Sprintf("the key is %d days old or older: it was made on %s", days, created.Format(time.DateOnly))
}

// expires returns that the shop's key was about to expire when it was read, and nothing where it was not.
func (r Record) expires(rules Rules) string {
	return Expires(r.CreatedAt, r.ExpiresAt, rules.RotateBeforeExpiry, r.Memory.ObservedAt)
}

// Expires returns that a key expires within a time, and nothing where it does not. 0 is never. A key that does not live
// for twice that time is due after half its life: otherwise its successor would be due at once, and so would all that
// follow.
func Expires(created time.Time, at *time.Time, before time.Duration, now time.Time) string {
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
