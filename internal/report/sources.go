package report

import (
	"fmt"
	"slices"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// listed returns the keys of the data sources, each once.
func (d *document) listed() []object {
	var keys []object
	seen := map[string]bool{}
	for _, r := range d.resources() {
		attribute, ok := map[string]string{"kustom_api_keys": "api_keys", "kustom_legacy_integrations": "integrations"}[r.Type]
		if !ok {
			continue
		}
		for _, key := range r.Values.objects(attribute) {
			if id := key.text("id"); !seen[id] {
				seen[id] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// lastUses returns the last use of each key of a data source, by username.
func (d *document) lastUses() map[string]string {
	uses := map[string]string{}
	for _, key := range d.listed() {
		uses[key.text("username")] = lastUse(key)
	}
	return uses
}

// lastUse returns the day of a key's last use.
func lastUse(key object) string {
	const day = len("2006-01-02")
	at := key.text("last_used_at")
	if at == "" {
		return "never used"
	}
	return "last used " + at[:min(day, len(at))]
}

// date adds the last use of the deleted keys.
func (s *Shop) date(uses map[string]string) {
	for _, keys := range [][]Key{s.Deleted, s.DeletedLater} {
		for i := range keys {
			keys[i].LastUsed = uses[keys[i].Username]
		}
	}
}

// unusedKeys returns the keys of a data source that no known shop uses, that no object has, and that the plan does not
// delete.
func (d *document) unusedKeys(shops []Shop) []Key {
	known := map[string]bool{}
	for _, s := range shops {
		known[s.Old], known[s.New] = true, true
		for _, key := range slices.Concat(s.Deleted, s.DeletedLater, s.Kept) {
			known[key.Username] = true
		}
	}
	var unusedKeys []Key
	for _, key := range d.listed() {
		shops, _ := key["mystore_shops"].([]any)
		if len(shops) == 0 && !key.is("current") && !known[key.text("username")] {
			unusedKeys = append(unusedKeys, Key{Username: key.text("username"), Host: key.text("host"), LastUsed: lastUse(key)})
		}
	}
	return unusedKeys
}

// wave returns the value of the variable wave, if it is a number or a string.
func (d *document) wave() string {
	switch value := d.Variables["wave"].Value.(type) {
	case float64, string:
		return fmt.Sprint(value)
	}
	return ""
}

// notes returns the problems of a failed check.
func (c check) notes() []Note {
	if c.Status != "fail" && c.Status != "error" {
		return nil
	}
	var notes []Note
	for _, instance := range c.Instances {
		for _, problem := range instance.Problems {
			notes = append(notes, Note{What: fmt.Sprintf("The check %s fails: %s", c.Address.Display, problem.Message)})
		}
	}
	if notes == nil {
		notes = []Note{{What: fmt.Sprintf("The check %s fails.", c.Address.Display)}}
	}
	return notes
}

// keys reads the keys of a connection or fleet: those that are deleted now, and those that wait.
func keys(list []object) (now, later []Key) {
	for _, o := range list {
		key := Key{Username: o.text("username"), Host: o.text("host"), WaitsFor: o.text("waits_for")}
		if key.Username == "" {
			key.Username = o.text("credential_id")
		}
		if key.WaitsFor != "" {
			later = append(later, key)
		} else {
			now = append(now, key)
		}
	}
	return now, later
}

// leftKeys reads the keys of a connection or fleet that are still to be deleted.
func leftKeys(now object) []Key {
	var left []Key
	for _, o := range now.objects("keys_left") {
		plain, waiting := keys([]object{o})
		for _, key := range append(plain, waiting...) {
			key.Problem = o.text("last_error")
			left = append(left, key)
		}
	}
	return left
}

// storeOf returns the store in a username.
func storeOf(username string) string {
	store, _ := kustom.StoreOf(username)
	return store
}
