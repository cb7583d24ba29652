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
)

// Requests remembers the unanswered requests for keys on this machine. If a run is killed before it saved a key, a
// later run finds its request, and with that the key. It holds no secret. If a request can't be saved, plans name
// its key instead. It is safe for concurrent use, by several processes too.
type Requests struct {
	// Dir is the folder with a file for each request. If it is empty, nothing is remembered.
	Dir string
	// Host names this machine; the default is its host name. Machines may share the folder on a file system that
	// does not show the locks of the others.
	Host string
	// Lock locks a file for this process; the default is [lockfile.Take].
	Lock func(ctx context.Context, name string) (*lockfile.Lock, error)
}

// request is the content of a request's file.
type request struct {
	MerchantID  string `json:"merchant_id"`
	Description string `json:"description"`
	Host        string `json:"host"`
}

// requestLog has the requests of one engine, and finds those of killed runs. It is safe for concurrent use.
type requestLog struct {
	Requests

	mu sync.Mutex
	// locks has the locks of unanswered requests, by idempotency key. They show other processes that this one is
	// alive.
	locks map[string]*lockfile.Lock
}

func newRequestLog(r Requests) *requestLog {
	if r.Host == "" {
		// Without a host name, no request counts as one of this machine.
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

// begin saves a request before it is sent. It saves nothing without a lock: other runs would take the request for
// abandoned.
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
	writeCached(r.file(idempotencyKey), request{MerchantID: merchantID, Description: description, Host: r.Host})
}

// end removes an answered request.
func (r *requestLog) end(idempotencyKey string) {
	r.mu.Lock()
	lock, begun := r.locks[idempotencyKey]
	delete(r.locks, idempotencyKey)
	r.mu.Unlock()
	// Another process may have begun a request with the same idempotency key.
	if begun {
		_ = os.Remove(r.file(idempotencyKey))
		lock.Remove()
	}
}

// forget removes the request of a killed run after its key was found.
func (r *requestLog) forget(idempotencyKey string) {
	_ = os.Remove(r.file(idempotencyKey))
	_ = os.Remove(r.lockFile(idempotencyKey))
}

// abandoned returns the requests for a store by processes of this machine that no longer run.
func (r *requestLog) abandoned(merchantID string) []kustom.Orphan {
	if r.Dir == "" || r.Host == "" {
		return nil
	}
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return nil
	}
	var requests []kustom.Orphan
	for _, entry := range entries {
		idempotencyKey, isRequest := strings.CutSuffix(entry.Name(), requestSuffix)
		if !isRequest {
			continue
		}
		q, ok := r.readAbandoned(idempotencyKey)
		if ok && q.MerchantID == merchantID && q.Host == r.Host {
			requests = append(requests, kustom.Orphan{MerchantID: merchantID, Description: q.Description, IdempotencyKey: idempotencyKey})
		}
	}
	return requests
}

// readAbandoned returns a request if its process no longer runs.
func (r *requestLog) readAbandoned(idempotencyKey string) (q request, ok bool) {
	lock := lockfile.Try(r.lockFile(idempotencyKey))
	if lock == nil {
		return request{}, false
	}
	defer lock.Unlock()
	content, err := os.ReadFile(r.file(idempotencyKey))
	return q, err == nil && json.Unmarshal(content, &q) == nil
}
