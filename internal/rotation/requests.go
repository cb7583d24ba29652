package rotation

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// Requests remembers, on this machine, the requests for keys that are under way. Where a run is killed before it could
// tell Terraform of a key, a later run on the same machine finds the request, and by it the key. It holds no secret.
// What can't be remembered is not found, and then the key is named in the plan instead. It is safe for concurrent use,
// by several processes too.
type Requests struct {
	// Dir is the folder with a file for each request; empty where nothing is remembered.
	Dir string
	// Host names this machine; the default is the machine's own name. A folder may be shared by machines whose file
	// system does not show the locks of the others.
	Host string
	// Lock locks a file as this process; the default is [lockfile.Take].
	Lock func(ctx context.Context, name string) (*lockfile.Lock, error)
}

// request is what is remembered of a request for a key.
type request struct {
	MerchantID  string `json:"merchant_id"`
	Description string `json:"description"`
	Host        string `json:"host"`
}

// requestLog are the requests of one engine, and what it finds of others'.
type requestLog struct {
	Requests

	mu sync.Mutex
	// locks are those of the requests that are under way, by idempotency key. They tell others that this process runs.
	locks map[string]*lockfile.Lock
}

func newRequestLog(r Requests) *requestLog {
	if r.Host == "" {
		// Without a name, no request of a killed run is taken for one of this machine.
		r.Host, _ = os.Hostname()
	}
	if r.Lock == nil {
		r.Lock = lockfile.Take
	}
	return &requestLog{Requests: r, locks: map[string]*lockfile.Lock{}}
}

const (
	requestSuffix = ".json"
	lockSuffix    = ".lock"
)

func (r *requestLog) file(idempotencyKey string) string {
	return filepath.Join(r.Dir, idempotencyKey+requestSuffix)
}

func (r *requestLog) lockFile(idempotencyKey string) string {
	return filepath.Join(r.Dir, idempotencyKey+lockSuffix)
}

// begin remembers a request that is about to be sent. What others could not see to be under way is not remembered.
func (r *requestLog) begin(ctx context.Context, merchantID, description, idempotencyKey string) {
	if r.Dir == "" || os.MkdirAll(r.Dir, 0o700) != nil {
		return
	}
	lock, err := r.Lock(ctx, r.lockFile(idempotencyKey))
	if err != nil {
		return
	}
	r.mu.Lock()
	r.locks[idempotencyKey] = lock
	r.mu.Unlock()
	// Strings always encode.
	content, _ := json.Marshal(request{MerchantID: merchantID, Description: description, Host: r.Host})
	wholefile.Keep(r.file(idempotencyKey), content)
}

// end forgets a request: what came of it is known.
func (r *requestLog) end(idempotencyKey string) {
	r.mu.Lock()
	lock, begun := r.locks[idempotencyKey]
	delete(r.locks, idempotencyKey)
	r.mu.Unlock()
	// What another process has begun with the same idempotency key is not known yet.
	if begun {
		_ = os.Remove(r.file(idempotencyKey))
		lock.Remove()
	}
}

// forget forgets a request of a killed run: what came of it is known.
func (r *requestLog) forget(idempotencyKey string) {
	_ = os.Remove(r.file(idempotencyKey))
	_ = os.Remove(r.lockFile(idempotencyKey))
}

// lost returns what was requested for a store by processes of this machine that do not run any more.
func (r *requestLog) lost(merchantID string) []kustom.Orphan {
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
		if !isRequest {
			continue
		}
		q, ok := r.abandoned(idempotencyKey)
		if ok && q.MerchantID == merchantID && q.Host == r.Host {
			lost = append(lost, kustom.Orphan{MerchantID: merchantID, Description: q.Description, IdempotencyKey: idempotencyKey})
		}
	}
	return lost
}

// abandoned returns a request of a process that does not run any more.
func (r *requestLog) abandoned(idempotencyKey string) (q request, ok bool) {
	lock := lockfile.Try(r.lockFile(idempotencyKey))
	if lock == nil {
		return request{}, false
	}
	defer lock.Unlock()
	content, err := os.ReadFile(r.file(idempotencyKey))
	return q, err == nil && json.Unmarshal(content, &q) == nil
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
		e.requests.forget(key.IdempotencyKey)
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
	if err := e.checkUnused(ctx, named, known.LatestCreation()); isInUse(err) {
		return named, nil
	}
	return named, e.Keys.Delete(ctx, named)
}
