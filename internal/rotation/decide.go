package rotation

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
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
	// NoDescriptions says that the portal shows no descriptions, so that a new key gets none.
	NoDescriptions bool
	// Triggers rotate the key when they change. Nil and empty are equal: not given.
	Triggers map[string]string
	Rules
	// HasUnknown says that something that may ask for a new key is not known before the apply.
	HasUnknown bool
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
	// OtherKeys are the usernames of the store's other keys, which stand as they are.
	OtherKeys []string
}

// description returns the new key's description, empty where it gets none.
func (p Plan) description() string {
	if p.Description == nil {
		return ""
	}
	return *p.Description
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
	if config.NoDescriptions && config.Description != nil {
		return plan, ErrNoDescriptions
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
		store, ok = kustom.StoreOf(seen.ClearedUsername)
	}
	if ok {
		if err := config.checkStore(store); err != nil {
			return plan, err
		}
	}
	plan.Previous = shownUsername(seen.Credentials.KustomID)
	replaced := append(seen.replaceable(), seen.interrupted()...)
	plan.setRetired(config.Rules, seen.takeoverReason(), replaced, seen.otherStoreKeys(), nil)
	plan.AddOtherKeys(usernames(seen.OtherKeys))
	return plan, nil
}

func decideExisting(plan Plan, config Config, record Record) (Plan, error) {
	memory := record.Memory
	if config.Description == nil {
		plan.Description = record.Description
	}
	reason := cmp.Or(memory.DueReason, record.ageReason(config.Rules), record.expiryReason(config.Rules))
	if reason == "" && config.HasUnknown {
		plan.Undecided = true
		return plan, nil
	}
	if reason = cmp.Or(reason, config.changedAttribute(record)); reason == "" {
		plan.reviewRetired(config.Rules, record)
		return plan, nil
	}
	plan.newKey(config)
	plan.Previous = cmp.Or(shownUsername(memory.HeldUsername), record.Username)
	plan.setRetired(config.Rules, reason, memory.Replaceable, memory.OtherStoreKeys, memory.undeletedRefs())
	plan.addEarlierRetired(config.Rules, memory)
	plan.AddOtherKeys(memory.OtherKeys)
	return plan, config.checkStore(cmp.Or(memory.Store, record.MerchantID))
}

// shownUsername returns the username that a shop shows, and nothing where it shows a secret in its place.
func shownUsername(kustomID string) string {
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
func CheckStores(shop, present, wanted string) error {
	from, ok := kustom.StoreOf(present)
	to, known := kustom.StoreOf(wanted)
	if !ok || !known || from == to {
		return nil
	}
	return &WrongStoreError{Shop: shop, Present: from, Wanted: to}
}

// newKey plans a new key.
func (p *Plan) newKey(config Config) {
	p.Generate = true
	p.Description = config.Description
	if p.Description == nil && !config.NoDescriptions {
		description := DefaultDescription
		p.Description = &description
	}
}

// setRetired plans what becomes of the keys that go out of use. Keys of other stores always stay, and unsettled
// ones always go.
func (p *Plan) setRetired(rules Rules, reason string, replaced, foreign, unsettled []KeyRef) {
	p.Changes, p.Reason = true, reason
	p.Delete, p.Keep = unsettled, slices.Clone(foreign)
	for _, key := range replaced {
		p.addRetired(rules, key, false)
	}
}

// addRetired adds a key that is out of use to those that go or stay.
func (p *Plan) addRetired(rules Rules, key KeyRef, quiet bool) {
	key.WaitsFor = ""
	switch {
	case contains(p.Delete, key) || contains(p.Keep, key):
	case rules.ReplacedKeys == KeepKeys:
		p.Keep = append(p.Keep, key)
	case rules.ReplacedKeys == DeleteUnusedKeys && !quiet:
		key.WaitsFor = awaitsIdle(rules.UnusedFor)
		p.Delete = append(p.Delete, key)
	default:
		p.Delete = append(p.Delete, key)
	}
}

// addEarlierRetired adds the keys that earlier applies have put out of use. They wait where it is not confirmed that the shop has
// the key that took their place.
func (p *Plan) addEarlierRetired(rules Rules, memory Memory) {
	for _, key := range memory.Retired {
		before := len(p.Delete)
		p.addRetired(rules, key.KeyRef, key.isIdle(rules.UnusedFor, memory.ObservedAt))
		if len(p.Delete) > before && !memory.UnconfirmedSince.IsZero() {
			p.Delete[before].WaitsFor = awaitsFirstUse
		}
	}
}

// AddOtherKeys notes which of a store's keys the plan does not touch, each once.
func (p *Plan) AddOtherKeys(usernames []string) {
	touched := slices.Concat(p.Delete, p.Keep)
	for _, name := range usernames {
		if !slices.Contains(p.OtherKeys, name) && !slices.ContainsFunc(touched, func(key KeyRef) bool { return key.Username == name }) {
			p.OtherKeys = append(p.OtherKeys, name)
		}
	}
}

// reviewRetired plans what becomes of keys that are out of use, where the shop keeps its key.
func (p *Plan) reviewRetired(rules Rules, record Record) {
	memory := record.Memory
	now := Plan{Delete: memory.undeletedRefs()}
	now.addEarlierRetired(rules, memory)
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
	case len(memory.Undeleted) > 0:
		p.Reason = memory.unfinishedReason()
	case slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool { return key.Interrupted }):
		p.Reason = "keys are left that an earlier run was about to delete"
	case moved:
		p.Reason = "replaced_key_policy has changed"
	case slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool { return key.WaitsFor == awaitsFirstUse }):
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
