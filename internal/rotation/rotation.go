// Package rotation is the engine: it decides which key each shop should have, and which keys to delete, and does
// both. Every rule about which key may be installed or deleted is in this package. It imports nothing of Terraform and
// sends no HTTP requests itself.
//
// [Decide] is pure: it returns a [Plan] for one shop from its configuration, its [Record] and an [Observation].
// [Engine.Execute] carries out a plan. A [Fleet] does both for many shops at a time.
//
// [Engine.DeleteIfUnused] asks the shops right before it deletes a key. Some deletions ask no shop: that of a key which
// this run or a killed run generated and did not hand out, and those that the user asks for with force_destroy or
// delete_unverified. They call [Keys.Delete].
//
// A run is one refresh and plan, or one apply, in one process of the provider. The engine lives for one run.
package rotation

import (
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

const (
	// PropagationDelay is how long a vendor's reads may be stale after a change. Public reports of such APIs often
	// show lists that lag by 4 to 20 seconds. Kustom and Mystore document no delay. Something counts as missing
	// only if it is still missing after this time.
	PropagationDelay = 30 * time.Second
	// FreshFor is the maximum age of a read that a deletion or an installation relies on.
	FreshFor = transport.FreshFor
	// ConcurrentReads is the maximum number of concurrent reads of shops. Each shop has its own token and rate
	// limit.
	ConcurrentReads = 32
	// undoTimeout limits the cleanup through an API after a failure or a cancellation. Pages may take longer.
	undoTimeout = 20 * time.Second
)

// Warning is a message for the user that stops nothing. It holds no secret. Shop is the shop that it is about, or empty.
type Warning struct{ Summary, Detail, Shop string }

// The summaries of warnings.
const (
	// ShopChanged means that a shop held a key that the plan did not expect.
	ShopChanged = "Shop changed since the plan"
	// AnswerIgnored means that the portal listed a key in a form that the provider does not know.
	AnswerIgnored = "Answer of Kustom Portal ignored"
	// StepNotRecorded means that the journal lacks a step.
	StepNotRecorded = "Step not recorded"
)

// KeyRef identifies a key in plans and states. It has only fields that never change by themselves, so that plans
// stay empty.
type KeyRef struct {
	MerchantID   string `json:"merchant_id"`
	CredentialID string `json:"credential_id"`
	Username     string `json:"username"`
	// Host is the API host that the key belongs to, or empty if it is unknown.
	Host string `json:"host"`
	// WaitsFor says for the user what the key's deletion waits for. It is empty if the deletion does not wait.
	WaitsFor string `json:"waits_for,omitempty"`
}

// Orphan returns the key in the form that deletions take.
func (k KeyRef) Orphan() kustom.Orphan {
	return kustom.Orphan{MerchantID: k.MerchantID, CredentialID: k.CredentialID, Username: k.Username}
}

func refOfOrphan(o kustom.Orphan) KeyRef {
	return KeyRef{MerchantID: o.MerchantID, CredentialID: o.CredentialID, Username: o.Username}
}

func refOf(key kustom.Key) KeyRef {
	return KeyRef{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, Host: key.Host}
}

// Engine plans and applies changes of shops and keys during one run. It is safe for concurrent use.
type Engine struct {
	Keys  *Keys
	Shops *Shops
	*Prefetcher

	clock    clock.Clock
	requests *requestLog
	steps    *stepRecorder
	run      runState
}

// Options configures an [Engine].
type Options struct {
	Portal   Portal
	Shops    ShopService
	Merchant Merchant
	Clock    clock.Clock
	// Names returns the names of the shops that the provider can ask. The engine does not change the list.
	Names func() ([]string, error)
	// SignedIn reports whether a shop is among them only because somebody signed in to it on this machine, and no
	// setting names it. It is nil if there is no such shop.
	SignedIn func(shop string) bool
	// Ignored lists shops that are not asked before a key is deleted.
	Ignored []string
	// Cache has what earlier runs on this machine saw of the shops.
	Cache LocalCache
	// Requests has the unanswered requests for keys of all runs on this machine.
	Requests Requests
	// Journal records every step. It is nil if no journal is kept.
	Journal Journal
}

// New returns an engine with empty caches.
func New(o Options) *Engine {
	keys, shops := NewKeys(o.Portal, o.Clock), NewShops(o)
	keys.steps = &stepRecorder{journal: o.Journal, clock: o.Clock, warn: keys.warn, planned: map[string]bool{}}
	shops.steps = keys.steps
	return &Engine{
		Keys: keys, Shops: shops, Prefetcher: NewPrefetcher(shops), clock: o.Clock, requests: newRequestLog(o.Requests), steps: keys.steps,
		run: runState{deletingAbandoned: semaphore.NewWeighted(1)},
	}
}

// FormatDuration returns a duration without trailing zero units: 24h, where [time.Duration.String] returns 24h0m0s.
func FormatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
