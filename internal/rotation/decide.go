package rotation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// KeyPolicy says what happens to a replaced key.
type KeyPolicy string

// The policies.
const (
	// DeleteKeys deletes replaced keys at once.
	DeleteKeys KeyPolicy = "delete"
	// KeepKeys leaves replaced keys in the portal.
	KeepKeys KeyPolicy = "keep"
	// DeleteUnusedKeys deletes replaced keys after a time without use, because another system may use them too.
	DeleteUnusedKeys KeyPolicy = "delete_when_unused"
)

// DefaultDescription is the description of a new key if none is configured.
const DefaultDescription = "terraform"

// Rules configure when a shop's key rotates, and what happens to the replaced one.
type Rules struct {
	// RotateAfterDays is the age in days at which a key is due; 0 means never.
	RotateAfterDays int64
	// RotateBeforeExpiry is how long before its expiry a key is due; 0 means never.
	RotateBeforeExpiry time.Duration
	// ReplacedKeys is the policy for replaced keys; empty means [DeleteKeys].
	ReplacedKeys KeyPolicy
	// UnusedFor is the time without use that [DeleteUnusedKeys] waits for.
	UnusedFor time.Duration
	// AllowStoreChange allows to replace a shop's key with one of another store.
	AllowStoreChange bool
}

// Config is the configuration of one shop.
type Config struct {
	Shop, MerchantID string
	// Description is the description of the shop's key in the portal, or nil if none is configured.
	Description *string
	// NoDescriptions reports that the portal shows no descriptions, so a new key gets none.
	NoDescriptions bool
	// Triggers rotate the key when they change. Nil and empty are equal.
	Triggers map[string]string
	Rules
	// HasUnknown reports that a value that may ask for a new key is unknown until the apply.
	HasUnknown bool
}

// Plan is what an apply does with one shop and its keys.
type Plan struct {
	Shop, MerchantID string
	// Generate reports that the shop gets a new key. Description is the new key's description, or nil for none.
	Generate    bool
	Description *string
	// Undecided reports that only the apply can tell whether the shop gets a new key.
	Undecided bool
	// Changes reports that the plan differs from the record: Reason, Delete and Keep are new.
	Changes bool
	Reason  string
	// Previous is the username of the key that a new key replaces. It is empty if there is none, or if it is
	// unknown.
	Previous string
	// Gone is the username of a key that the shop uses and that its store no longer has, or empty. Such a shop takes no
	// payments.
	Gone string
	// Delete are the keys to delete, at once or after what they wait for. Keep are the replaced keys that stay.
	Delete, Keep []KeyRef
	// OtherKeys are the usernames of the store's other keys, which the plan does not change.
	OtherKeys []string
}

// description returns the new key's description, or an empty string.
func (p Plan) description() string {
	if p.Description == nil {
		return ""
	}
	return *p.Description
}

// Decide returns the plan for a shop. It is pure: the result depends only on the arguments.
//
// Record is nil if no object manages the shop yet. Seen is then the result of a read, or nil if the shop could not
// be read; the apply then decides everything. For a managed shop, Decide uses what the last read recorded.
//
// The error is a [*WrongStoreError], a [*WrongImportError], [ErrNoDescriptions], or why the shop can't have a key.
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
		store, ok = storeIn(seen.ClearedUsername)
	}
	if ok {
		if err := config.checkStore(store); err != nil {
			return plan, err
		}
	}
	plan.Previous, plan.Gone = shownUsername(seen.Credentials.KustomID), seen.gone()
	replaced := append(seen.replaceable(), seen.interrupted()...)
	plan.setRetired(config.Rules, seen.takeoverReason(), replaced, seen.otherStoreKeys(), nil)
	plan.AddOtherKeys(usernames(seen.OtherKeys))
	return plan, nil
}

func decideExisting(plan Plan, config Config, record Record) (Plan, error) {
	memory := record.Memory
	if memory.Imported && record.CredentialID == "" && sameStore(memory.Store, config.MerchantID) && !sameStore(record.MerchantID, config.MerchantID) {
		// The shop needs no new key: only the import named the wrong store.
		return plan, &WrongImportError{Shop: config.Shop, Imported: record.MerchantID, Present: memory.Store}
	}
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
	plan.Previous, plan.Gone = cmp.Or(shownUsername(memory.HeldUsername), record.Username), memory.Gone
	plan.setRetired(config.Rules, reason, memory.Replaceable, memory.OtherStoreKeys, memory.undeletedRefs())
	plan.addEarlierRetired(config.Rules, memory)
	plan.AddOtherKeys(memory.OtherKeys)
	present := memory.Store
	if present == "" && record.Username != "" {
		present = record.MerchantID
	}
	return plan, config.checkStore(present)
}

// shownUsername returns the username that a shop shows, or an empty string if it shows a secret instead.
func shownUsername(kustomID string) string {
	if kustomID == SecretAsID {
		return ""
	}
	return kustomID
}

// checkStore returns a [*WrongStoreError] if the shop's current key belongs to another store and the rules forbid
// that. An empty store is unknown: the apply checks what it finds.
func (c Config) checkStore(present string) error {
	if c.AllowStoreChange || present == "" || sameStore(present, c.MerchantID) {
		return nil
	}
	return &WrongStoreError{Shop: c.Shop, Present: present, Wanted: c.MerchantID}
}

// CheckStores returns a [*WrongStoreError] if two usernames belong to different stores. It returns nil if the store
// of one of them is unknown.
func (e *Engine) CheckStores(ctx context.Context, shop, present, wanted string) error {
	if present == "" || present == wanted {
		return nil
	}
	to, ok := e.storeOf(ctx, wanted)
	if !ok {
		return nil
	}
	if from, ok := e.storeOf(ctx, present); ok && !sameStore(from, to) {
		return &WrongStoreError{Shop: shop, Present: from, Wanted: to}
	}
	return nil
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

// setRetired plans what happens to the replaced keys. Keys of other stores are always kept, and undeleted ones are
// always deleted.
func (p *Plan) setRetired(rules Rules, reason string, replaced, otherStore, undeleted []KeyRef) {
	p.Changes, p.Reason = true, reason
	p.Delete, p.Keep = undeleted, slices.Clone(otherStore)
	for _, key := range replaced {
		p.addRetired(rules, key, false)
	}
}

// addRetired adds a replaced key to Delete or Keep, by the policy. Idle reports that the key was unused for long
// enough.
func (p *Plan) addRetired(rules Rules, key KeyRef, idle bool) {
	key.WaitsFor = ""
	switch {
	case contains(p.Delete, key) || contains(p.Keep, key):
	case rules.ReplacedKeys == KeepKeys:
		p.Keep = append(p.Keep, key)
	case rules.ReplacedKeys == DeleteUnusedKeys && !idle:
		key.WaitsFor = awaitsIdle(rules.UnusedFor)
		p.Delete = append(p.Delete, key)
	default:
		p.Delete = append(p.Delete, key)
	}
}

// addEarlierRetired adds the keys that earlier applies replaced. They wait until it is confirmed that the shop has
// its new key.
func (p *Plan) addEarlierRetired(rules Rules, memory Memory) {
	for _, key := range memory.Retired {
		before := len(p.Delete)
		p.addRetired(rules, key.KeyRef, key.isIdle(rules.UnusedFor, memory.ObservedAt))
		if len(p.Delete) > before && !memory.UnconfirmedSince.IsZero() {
			p.Delete[before].WaitsFor = awaitsFirstUse
		}
	}
}

// AddOtherKeys adds the usernames of keys that the plan does not change, each once.
func (p *Plan) AddOtherKeys(usernames []string) {
	touched := slices.Concat(p.Delete, p.Keep)
	for _, name := range usernames {
		if !slices.Contains(p.OtherKeys, name) && !slices.ContainsFunc(touched, func(key KeyRef) bool { return key.Username == name }) {
			p.OtherKeys = append(p.OtherKeys, name)
		}
	}
}

// reviewRetired plans what happens to replaced keys if the shop keeps its key.
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
		p.Reason = memory.whyUndeleted()
	case slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool { return key.Interrupted }):
		p.Reason = interruptedReason
	case moved:
		p.Reason = "replaced_key_policy has changed"
	case slices.ContainsFunc(memory.Retired, func(key RetiredKey) bool { return key.WaitsFor == awaitsFirstUse }):
		p.Reason = "the shop uses its new key"
	default:
		p.Reason = fmt.Sprintf("replaced keys were not used for %s", FormatDuration(rules.UnusedFor))
	}
}

// contains reports whether a key is in a list. It compares IDs, or usernames if the ID of a key of another store is
// unknown.
func contains(keys []KeyRef, key KeyRef) bool {
	return slices.ContainsFunc(keys, func(other KeyRef) bool {
		if other.CredentialID != "" && key.CredentialID != "" {
			return other.MerchantID == key.MerchantID && other.CredentialID == key.CredentialID
		}
		return other.MerchantID == key.MerchantID && other.Username == key.Username && key.Username != ""
	})
}
