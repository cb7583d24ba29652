package rotation

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// LocalCache remembers, from run to run on this machine, the username that each shop was last seen with, and which keys
// its last new key replaced. If a shop can't be read, it says which keys the shop may use: a provider learns nothing
// from Terraform about objects that a run does not change. It holds no secret. An entry that is lost counts as unknown,
// which is the safe side. It is safe for concurrent use, by several processes too.
type LocalCache struct {
	// Dir is the folder with a file for each shop; empty where nothing is remembered.
	Dir string
	// Project tells the configurations of this machine apart; where it is empty, nothing is remembered of what one has
	// told of its shops.
	Project string
}

// lastUsername returns the username that a shop was last seen with, empty where that is not known.
func (s LocalCache) lastUsername(shop string) string {
	if s.Dir == "" {
		return ""
	}
	content, err := os.ReadFile(s.file(shop))
	if err != nil {
		return ""
	}
	return redactSecret(string(content))
}

// recordUsername remembers the username that a shop was seen with.
func (s LocalCache) recordUsername(shop, username string) {
	if s.Dir == "" || username == "" || s.lastUsername(shop) == username {
		return
	}
	wholefile.Keep(s.file(shop), []byte(username))
}

// lastMissed returns when a run last began to miss the key that a shop holds; zero where none has.
func (s LocalCache) lastMissed(shop string) (m missed) {
	if s.Dir == "" {
		return missed{}
	}
	content, err := os.ReadFile(s.missedFile(shop))
	if err != nil || json.Unmarshal(content, &m) != nil {
		return missed{}
	}
	return m
}

// recordMissed remembers that a key was missed.
func (s LocalCache) recordMissed(shop string, m missed) {
	if s.Dir == "" {
		return
	}
	// A string and a time always encode.
	content, _ := json.Marshal(m)
	wholefile.Keep(s.missedFile(shop), content)
}

// forgetMissed forgets it.
func (s LocalCache) forgetMissed(shop string) {
	if s.Dir != "" {
		_ = os.Remove(s.missedFile(shop))
	}
}

// replacement is a key that a shop gets, and the keys that go because of it.
type replacement struct {
	Username string   `json:"username"`
	Keys     []KeyRef `json:"keys"`
}

// recordReplacement remembers that a shop is about to get a key in place of others, which are then deleted. If the run is
// killed in between, nothing else records that.
func (s LocalCache) recordReplacement(shop string, r replacement) {
	if s.Dir == "" || len(r.Keys) == 0 {
		return
	}
	// Strings always encode.
	content, _ := json.Marshal(r)
	wholefile.Keep(s.replacedFile(shop), content)
}

// settleReplacement notes that a run has come to the end of deleting the keys that a shop's key took the place of. Kept
// are those that it could not delete. One that is in use is another shop's matter.
func (s LocalCache) settleReplacement(shop, username string, kept []KeptKey) {
	if len(s.replacedBy(shop, username)) == 0 {
		return
	}
	left := replacement{Username: username}
	for _, key := range kept {
		if key.Key.CredentialID != "" && !key.IsInUse() {
			left.Keys = append(left.Keys, KeyRef{MerchantID: key.Key.MerchantID, CredentialID: key.Key.CredentialID, Username: key.Key.Username})
		}
	}
	if len(left.Keys) == 0 {
		_ = os.Remove(s.replacedFile(shop)) // What stays is looked for once more, and not found.
		return
	}
	s.recordReplacement(shop, left)
}

// replacedBy returns the keys that go because a run of this machine gave a shop a key; none where that is not known.
func (s LocalCache) replacedBy(shop, username string) []KeyRef {
	if s.Dir == "" {
		return nil
	}
	content, err := os.ReadFile(s.replacedFile(shop))
	var r replacement
	if err != nil || json.Unmarshal(content, &r) != nil || username == "" || r.Username != username {
		return nil
	}
	return r.Keys
}

func (s LocalCache) replacedDir() string { return s.Dir + "-replaced" }

func (s LocalCache) replacedFile(shop string) string {
	return filepath.Join(s.replacedDir(), url.PathEscape(shop))
}

// missedDir is a folder beside that of the sightings, so that no shop's name can be its name.
func (s LocalCache) missedDir() string { return s.Dir + "-missed" }

func (s LocalCache) missedFile(shop string) string {
	return filepath.Join(s.missedDir(), url.PathEscape(shop))
}

func (s LocalCache) file(shop string) string { return filepath.Join(s.Dir, url.PathEscape(shop)) }
