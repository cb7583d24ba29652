package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// plan has the parts of the output of terraform show -json that the demo uses.
type plan struct {
	Changes []resourceChange `json:"resource_changes"`
}

type resourceChange struct {
	Type   string `json:"type"`
	Change struct {
		Actions []string `json:"actions"`
		After   struct {
			PreviousUsername string `json:"previous_username"`
			KeysToDelete     []struct {
				Username string `json:"username"`
			} `json:"keys_to_delete"`
		} `json:"after"`
	} `json:"change"`
}

// summary summarizes a plan.
type summary struct {
	// replaced has the usernames of the keys that shops replace, and deleted those of the keys that are deleted then,
	// both sorted.
	replaced, deleted []string
	// other counts all other changes.
	other int
}

func readPlan(showJSON []byte) (summary, error) {
	var p plan
	if err := json.Unmarshal(showJSON, &p); err != nil {
		return summary{}, fmt.Errorf("read the plan: %w", err)
	}
	var s summary
	for _, c := range p.Changes {
		s.add(c)
	}
	slices.Sort(s.replaced)
	slices.Sort(s.deleted)
	return s, nil
}

func (s *summary) add(c resourceChange) {
	actions := c.Change.Actions
	switch {
	case slices.Equal(actions, []string{"no-op"}) || slices.Equal(actions, []string{"read"}):
	case c.Type == "kustom_mystore_connection" && slices.Equal(actions, []string{"create"}):
		s.replaced = append(s.replaced, c.Change.After.PreviousUsername)
		for _, key := range c.Change.After.KeysToDelete {
			s.deleted = append(s.deleted, key.Username)
		}
	default:
		s.other++
	}
}

// legacyKeys is the output of examples/data-sources/kustom_legacy_integrations: username => key.
type legacyKeys map[string]struct {
	Current bool `json:"current"`
}

// all returns the usernames of all keys, sorted.
func (l legacyKeys) all() []string { return slices.Sorted(maps.Keys(l)) }

// current returns the usernames of the current keys, sorted.
func (l legacyKeys) current() []string {
	var usernames []string
	for username, key := range l {
		if key.Current {
			usernames = append(usernames, username)
		}
	}
	slices.Sort(usernames)
	return usernames
}
