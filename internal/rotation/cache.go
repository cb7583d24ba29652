package rotation

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// LocalCache is an on-disk cache that the runs on this machine share. For each shop, it has the username that was
// last seen, and the keys that its current key replaced. If a shop can't be read, it tells which keys the shop may
// use, because Terraform does not pass on objects that a run does not change. It holds no secret. A lost entry
// counts as unknown, which deletes less. It is safe for concurrent use, by several processes too.
type LocalCache struct {
	// Dir is the folder with a file for each shop. If it is empty, nothing is cached.
	Dir string
	// Project identifies the configuration on this machine. If it is empty, the stores of its shops are not cached.
	Project string
}

// lastUsername returns the username that a shop was last seen with, or an empty string.
func (c LocalCache) lastUsername(shop string) string {
	if c.Dir == "" {
		return ""
	}
	content, err := os.ReadFile(c.file(shop))
	if err != nil {
		return ""
	}
	return redactSecret(string(content))
}

// recordUsername caches the username that a shop was seen with.
func (c LocalCache) recordUsername(shop, username string) {
	if c.Dir == "" || username == "" || c.lastUsername(shop) == username {
		return
	}
	wholefile.Keep(c.file(shop), []byte(username))
}

// lastMissed returns when a run first missed the key that a shop holds, or zero.
func (c LocalCache) lastMissed(shop string) missed {
	if c.Dir == "" {
		return missed{}
	}
	return readCached[missed](c.missedFile(shop))
}

// recordMissed caches a miss.
func (c LocalCache) recordMissed(shop string, m missed) {
	if c.Dir == "" {
		return
	}
	writeCached(c.missedFile(shop), m)
}

// forgetMissed removes a shop's miss.
func (c LocalCache) forgetMissed(shop string) {
	if c.Dir != "" {
		_ = os.Remove(c.missedFile(shop))
	}
}

// replacement is a shop's new key, and the keys to delete because of it.
type replacement struct {
	Username string   `json:"username"`
	Keys     []KeyRef `json:"keys"`
}

// recordReplacement caches that a shop gets a key in place of others, which are deleted after that. If the run is
// killed in between, nothing else has these keys.
func (c LocalCache) recordReplacement(shop string, r replacement) {
	if c.Dir == "" || len(r.Keys) == 0 {
		return
	}
	writeCached(c.replacedFile(shop), r)
}

// settleReplacement updates the cache after a run has deleted the replaced keys. The run could not delete the kept
// ones. A key in use is dropped, because it belongs to another shop.
func (c LocalCache) settleReplacement(shop, username string, kept []KeptKey) {
	if len(c.replacedBy(shop, username)) == 0 {
		return
	}
	left := replacement{Username: username}
	for _, key := range kept {
		if key.Key.CredentialID != "" && !key.IsInUse() {
			left.Keys = append(left.Keys, refOfOrphan(key.Key))
		}
	}
	if len(left.Keys) == 0 {
		_ = os.Remove(c.replacedFile(shop)) // What stays is looked for once more, and not found.
		return
	}
	c.recordReplacement(shop, left)
}

// replacedBy returns the keys that a shop's current key replaced and that are still to be deleted.
func (c LocalCache) replacedBy(shop, username string) []KeyRef {
	if c.Dir == "" {
		return nil
	}
	if r := readCached[replacement](c.replacedFile(shop)); username != "" && r.Username == username {
		return r.Keys
	}
	return nil
}

func (c LocalCache) replacedDir() string { return c.Dir + "-replaced" }

func (c LocalCache) replacedFile(shop string) string {
	return filepath.Join(c.replacedDir(), url.PathEscape(shop))
}

// missedDir is a sibling of Dir, so that it can't have the name of a shop.
func (c LocalCache) missedDir() string { return c.Dir + "-missed" }

func (c LocalCache) missedFile(shop string) string {
	return filepath.Join(c.missedDir(), url.PathEscape(shop))
}

func (c LocalCache) file(shop string) string { return filepath.Join(c.Dir, url.PathEscape(shop)) }

// readCached returns the value in a file, or a zero one if the file has none.
func readCached[T any](file string) T {
	var value, none T
	content, err := os.ReadFile(file) //nolint:gosec // Its callers name files of the cache only.
	if err != nil || json.Unmarshal(content, &value) != nil {
		return none
	}
	return value
}

// writeCached writes a value of strings, times and booleans, which always encode, to a file.
func writeCached(file string, value any) {
	content, _ := json.Marshal(value)
	wholefile.Keep(file, content)
}
