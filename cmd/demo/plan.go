package main

import (
	"encoding/json"
	"fmt"
	"slices"
)

// plan is the part of terraform show -json's output that the demo looks at.
type plan struct {
	Changes []resourceChange `json:"resource_changes"`
}

type resourceChange struct {
	Type   string `json:"type"`
	Change struct {
		Actions   []string `json:"actions"`
		Importing *struct {
			ID string `json:"id"`
		} `json:"importing"`
	} `json:"change"`
}

// summary counts what a plan does.
type summary struct {
	// imported are the import ids, sorted.
	imported []string
	// replaced and installed count the keys that are created before the old one is deleted, and
	// the shops whose credentials are set. Other counts all other changes.
	replaced, installed, other int
}

func readPlan(showJSON []byte) (summary, error) {
	var p plan
	if err := json.Unmarshal(showJSON, &p); err != nil {
		return summary{}, fmt.Errorf("reading the plan: %w", err)
	}
	var s summary
	for _, c := range p.Changes {
		s.add(c)
	}
	slices.Sort(s.imported)
	return s, nil
}

func (s *summary) add(c resourceChange) {
	actions := c.Change.Actions
	if c.Change.Importing != nil {
		s.imported = append(s.imported, c.Change.Importing.ID)
	}
	switch {
	case slices.Equal(actions, []string{"no-op"}) || slices.Equal(actions, []string{"read"}):
	case c.Type == "kustom_api_key" && slices.Equal(actions, []string{"create", "delete"}):
		s.replaced++
	case c.Type == "mystore_klarna_checkout_credentials" && len(actions) == 1 && actions[0] != "delete":
		s.installed++
	default:
		s.other++
	}
}

// legacyKeys is the output of examples/data-sources/kustom_legacy_integrations: username => key.
type legacyKeys map[string]struct {
	Current bool `json:"current"`
}

// current returns the usernames of the keys that are current, sorted.
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
