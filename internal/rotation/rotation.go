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
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// Portal is Kustom Portal, by its API or by its pages.
type Portal interface {
	// Ready returns why the portal can't be used yet, nil where it can.
	Ready() error
	// Generate makes a key. The error can be a [*kustom.ReplayedError] or a [*kustom.OrphanError].
	Generate(ctx context.Context, r kustom.Request) (kustom.NewKey, error)
	// DeleteOrphan deletes a key. It is no error where there is none.
	DeleteOrphan(ctx context.Context, orphan kustom.Orphan) error
	// DescribesKeys reports whether a key can be given a description, and its request an idempotency key.
	DescribesKeys() bool
	// Made reports whether this portal has made the key itself, in this process.
	Made(credentialID string) bool
	// Key returns a key, or a [*kustom.NoKeyError].
	Key(ctx context.Context, merchantID, credentialID string) (kustom.Key, error)
	// Keys yields the keys of a store or, if merchantID is empty, of all that the user can see.
	Keys(ctx context.Context, merchantID string) iter.Seq2[kustom.Key, error]
	// Stores yields the stores that the user can see.
	Stores(ctx context.Context) iter.Seq2[kustom.Store, error]
}

// ShopService is Mystore, by its API or by its pages.
type ShopService interface {
	// Credentials returns what a shop holds, or a [*mystore.NotInstalledError].
	Credentials(ctx context.Context, shop string) (mystore.Credentials, error)
	// Install writes a pair into a shop.
	Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error)
	// Clear empties a shop's credentials.
	Clear(ctx context.Context, shop string) (mystore.Credentials, error)
}

// Merchant is Kustom's merchant API.
type Merchant interface {
	// Prove returns nil where the pair works, and a [*kustom.ProofError] otherwise.
	Prove(ctx context.Context, username, secret string) error
}

const (
	// PropagationDelay is how long after a change a vendor may still answer as if it had not happened. Lists
	// that lag by 4 to 20 s are common in public reports of such APIs; no vendor here documents its own. What
	// is missing counts as gone only when it is still missing after this time.
	PropagationDelay = 30 * time.Second
	// FreshFor is how long a read counts as made right before a deletion or an installation.
	FreshFor = transport.FreshFor
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
	steps    *steps
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
	// Sightings are what earlier runs have seen of shops.
	Sightings Sightings
	// Requests are the requests for keys that runs of this machine have under way.
	Requests Requests
	// Journal is told of every step; nil where nobody is.
	Journal Journal
}

// New returns an engine that has read nothing yet.
func New(o Options) *Engine {
	keys, shops := NewKeys(o.Portal, o.Clock), NewShops(o)
	keys.steps = &steps{journal: o.Journal, clock: o.Clock, warn: keys.warn, planned: map[string]bool{}}
	shops.steps = keys.steps
	return &Engine{
		Keys: keys, Shops: shops, Prefetcher: NewPrefetcher(shops), clock: o.Clock, requests: newRequestLog(o.Requests), steps: keys.steps,
	}
}

// PanicError is a panic that was recovered: a fault of the provider.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// recoverInto turns a panic of the calling function into an error, so that what it had made is undone or
// remembered as after any other failure.
func recoverInto(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: debug.Stack()}
	}
}

// goSafely runs f beside the caller. A panic of f ends it, and nothing else: what f was to find out is found
// out by whoever needs it.
func goSafely(f func()) {
	go func() {
		var err error
		defer recoverInto(&err)
		f()
	}()
}

// Together runs functions beside each other and returns the first error. It ends the others then. A panic of one of
// them is an error too.
func Together(ctx context.Context, functions ...func(ctx context.Context) error) error {
	return forEach(ctx, len(functions), len(functions), func(ctx context.Context, i int) error { return functions[i](ctx) })
}

// forEach calls do for 0 to n-1, some of them at a time, and returns the first error. It ends the others then.
func forEach(ctx context.Context, limit, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() (err error) {
			defer recoverInto(&err)
			return do(ctx, i)
		})
	}
	return group.Wait()
}

// sleepUntil waits for a moment, unless it is over.
func sleepUntil(ctx context.Context, c clock.Clock, moment time.Time) error {
	if wait := moment.Sub(c.Now()); wait > 0 {
		return c.Sleep(ctx, wait)
	}
	return ctx.Err()
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
