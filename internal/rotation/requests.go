package rotation

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Requests remembers, on this machine, the requests for keys that are under way. Where a run is killed before it could
// tell Terraform of a key, a later run on the same machine finds the request, and by it the key. It holds no secret.
// What can't be remembered is not found, and then the key is named in the plan instead. It is safe for concurrent use,
// by several processes too.
type Requests struct {
	// Dir is the folder with a file for each request; empty where nothing is remembered.
	Dir string
	// Host and Process name this process. The defaults are the machine's name and the process's ID.
	Host    string
	Process int
	// IsRunning tells whether a process of this host runs; the default asks the operating system.
	IsRunning func(process int) bool
}

// request is what is remembered of a request for a key.
type request struct {
	MerchantID  string `json:"merchant_id"`
	Description string `json:"description"`
	Host        string `json:"host"`
	Process     int    `json:"process"`
}

// withDefaults fills in what names this process.
func (r Requests) withDefaults() Requests {
	if r.Host == "" {
		// Without a name, no request of a killed run is taken for one of this machine.
		r.Host, _ = os.Hostname()
	}
	if r.Process == 0 {
		r.Process = os.Getpid()
	}
	if r.IsRunning == nil {
		r.IsRunning = isRunning
	}
	return r
}

// isRunning tells whether a process runs. What can't be found out counts as running, which is the safe side.
func isRunning(id int) bool {
	process, err := os.FindProcess(id)
	if err != nil {
		return false
	}
	if runtime.GOOS == "windows" {
		// There, only a process that runs is found.
		return true
	}
	return !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

const requestSuffix = ".json"

func (r Requests) file(idempotencyKey string) string {
	return filepath.Join(r.Dir, idempotencyKey+requestSuffix)
}

// begin remembers a request that is about to be sent.
func (r Requests) begin(merchantID, description, idempotencyKey string) {
	if r.Dir == "" {
		return
	}
	// Strings and numbers always encode.
	content, _ := json.Marshal(request{MerchantID: merchantID, Description: description, Host: r.Host, Process: r.Process})
	keepFile(r.Dir, r.file(idempotencyKey), content)
}

// end forgets a request: what came of it is known.
func (r Requests) end(idempotencyKey string) {
	if r.Dir != "" {
		_ = os.Remove(r.file(idempotencyKey))
	}
}

// lost returns what was requested for a store by processes of this machine that do not run any more.
func (r Requests) lost(merchantID string) []kustom.Orphan {
	if r.Dir == "" || r.Host == "" {
		return nil
	}
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return nil
	}
	var lost []kustom.Orphan
	for _, entry := range entries {
		idempotencyKey, isRequest := strings.CutSuffix(entry.Name(), requestSuffix)
		content, err := os.ReadFile(filepath.Join(r.Dir, entry.Name()))
		var q request
		if !isRequest || err != nil || json.Unmarshal(content, &q) != nil || q.MerchantID != merchantID {
			continue
		}
		if q.Host == r.Host && q.Process != r.Process && !r.IsRunning(q.Process) {
			lost = append(lost, kustom.Orphan{MerchantID: merchantID, Description: q.Description, IdempotencyKey: idempotencyKey})
		}
	}
	return lost
}

// HasLost tells whether a killed run of this machine has asked for a key of a store and told nobody what came of it.
func (e *Engine) HasLost(merchantID string) bool { return len(e.requests.lost(merchantID)) > 0 }

// DeleteLost deletes the keys of a store that killed runs of this machine have asked for and told nobody of. Their
// secrets have gone nowhere. It returns those that were not deleted, each with the reason.
func (e *Engine) DeleteLost(ctx context.Context, merchantID string) []KeptKey {
	e.walk.losing.Lock()
	defer e.walk.losing.Unlock()
	var kept []KeptKey
	for _, key := range e.requests.lost(merchantID) {
		key, err := e.deleteLost(ctx, key)
		if err != nil {
			kept = append(kept, KeptKey{Key: key, Err: err})
			continue
		}
		e.requests.end(key.IdempotencyKey)
	}
	return kept
}

// deleteLost deletes one of them. A key that was used, or that a shop holds, is somebody's all the same.
func (e *Engine) deleteLost(ctx context.Context, key kustom.Orphan) (named kustom.Orphan, err error) {
	named = key
	defer recoverInto(&err)
	if named.CredentialID, err = e.Keys.Identify(ctx, key); err != nil {
		return named, err
	}
	known, err := e.Keys.Key(ctx, key.MerchantID, named.CredentialID)
	if isNoKey(err) {
		return named, nil
	}
	if err != nil {
		return named, err
	}
	named.Username = known.Username
	if e.Keys.Made(known.CredentialID) || !Stray(known) {
		return named, nil
	}
	if err := e.checkUnused(ctx, named, known.CreatedAt); isInUse(err) {
		return named, nil
	}
	return named, e.Keys.Delete(ctx, named)
}
