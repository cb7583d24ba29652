// Package rotation is the engine: it decides what a shop and its keys should become, and carries it out. It
// knows which Mystore shop holds which Kustom key, how a key gets safely into a shop, and when a key may be
// deleted. Every rule about safety is in this package and nowhere else; nothing of Terraform and nothing of
// HTTP is.
//
// [Decide] is pure: it turns what is configured, recorded and seen of one shop into a [Plan]. [Engine.Execute]
// carries a plan out. Both are for one shop; a [Fleet] runs them for many at a time. Keys are deleted through
// [Engine.Delete] and [Engine.DeleteUnused] only.
package rotation

import (
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

const (
	// PropagationDelay is how long after a change a vendor may still answer as if it had not happened. Lists
	// that lag by 4 to 20 s are common in public reports of such APIs; no vendor here documents its own. What
	// is missing counts as gone only when it is still missing after this time.
	PropagationDelay = 30 * time.Second
	// FreshFor is how long a read counts as made right before a deletion or an installation.
	FreshFor = 2 * time.Second
	// ConcurrentReads is how many shops are read at once at most. Each has a token and a rate limit of its own.
	ConcurrentReads = 32
	// undoTimeout bounds what is done after a failure or a cancellation to leave nothing behind.
	undoTimeout = 20 * time.Second
)

// Warning is something that a person has to know and that stops nothing. It holds no secret.
type Warning struct{ Summary, Detail string }

// The summaries of warnings.
const (
	// ShopChanged says that a shop held another key than the plan expected.
	ShopChanged = "Shop changed since the plan"
	// AnswerIgnored says that the portal listed something that is not a key as the provider knows them.
	AnswerIgnored = "Answer of Kustom Portal ignored"
	// StepNotRecorded says that the journal lacks a step.
	StepNotRecorded = "Step not recorded"
)

// KeyRef names a key in plans and states. It holds nothing that changes by itself.
type KeyRef struct {
	MerchantID   string `json:"merchant_id"`
	CredentialID string `json:"credential_id"`
	Username     string `json:"username"`
	// Host is the API host that the key belongs to; empty where it is not known.
	Host string `json:"host"`
	// WaitsFor says, in a sentence for a person, what the key's deletion waits for; empty where it does not.
	WaitsFor string `json:"waits_for,omitempty"`
}

// Orphan returns the key as one to be deleted.
func (k KeyRef) Orphan() kustom.Orphan {
	return kustom.Orphan{MerchantID: k.MerchantID, CredentialID: k.CredentialID, Username: k.Username}
}

func refOf(key kustom.Key) KeyRef {
	return KeyRef{MerchantID: key.MerchantID, CredentialID: key.CredentialID, Username: key.Username, Host: key.Host}
}

// Engine decides and carries out what becomes of shops and keys, during one Terraform walk. It is safe for
// concurrent use.
type Engine struct {
	Keys  *Keys
	Shops *Shops
	*Prefetcher

	clock    clock.Clock
	requests *requestLog
	steps    *stepRecorder
	walk     walk
}

// Options are what an engine works with.
type Options struct {
	Portal   Portal
	Shops    ShopService
	Merchant Merchant
	Clock    clock.Clock
	// Names returns the shops that the provider can ask.
	Names func() ([]string, error)
	// SignedIn tells of a shop among them that no setting names: somebody has signed in to it on this machine. Nil where
	// there is none.
	SignedIn func(shop string) bool
	// Ignored are shops that nobody asks before a key is deleted.
	Ignored []string
	// Cache are what earlier runs have seen of shops.
	Cache LocalCache
	// Requests are the requests for keys that runs of this machine have under way.
	Requests Requests
	// Journal is told of every step; nil where nobody is.
	Journal Journal
}

// New returns an engine that has read nothing yet.
func New(o Options) *Engine {
	keys, shops := NewKeys(o.Portal, o.Clock), NewShops(o)
	keys.steps = &stepRecorder{journal: o.Journal, clock: o.Clock, warn: keys.warn, planned: map[string]bool{}}
	shops.steps = keys.steps
	return &Engine{
		Keys: keys, Shops: shops, Prefetcher: NewPrefetcher(shops), clock: o.Clock, requests: newRequestLog(o.Requests), steps: keys.steps,
	}
}

// FormatDuration returns a duration as a person writes it: 24h, where its String method returns 24h0m0s.
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
