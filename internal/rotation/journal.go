package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
)

// Journal records every step that changes a shop or a key, before and after the step. Several goroutines may call
// it at once. A step never fails because of its journal: the first error of Record becomes a warning.
type Journal interface {
	// Record records one step. It must return quickly.
	Record(Entry) error
}

// Entry is the record of one step. Only Err may hold a secret, because it may quote a vendor.
type Entry struct {
	Time time.Time
	// Shop is the name of the shop, or empty if it is unknown whose key it is.
	Shop       string
	MerchantID string
	Step       Step
	// Key is the key's username, or its ID if the username is unknown. It is empty before the key exists.
	Key     string
	Outcome Outcome
	// Err is the reason for the outcome, or nil.
	Err error
}

// Step is what the engine does for a shop or with a key.
type Step string

// The steps.
const (
	// StepShop is all work of one run for a shop.
	StepShop Step = "shop"
	// StepGenerate generates a key.
	StepGenerate Step = "generate"
	// StepProve checks that the merchant API accepts a key.
	StepProve Step = "prove"
	// StepInstall writes a key to a shop.
	StepInstall Step = "install"
	// StepConfirm checks by a read that the shop has the key.
	StepConfirm Step = "confirm"
	// StepDelete deletes a key.
	StepDelete Step = "delete"
	// StepClear removes a shop's credentials.
	StepClear Step = "clear"
)

// Outcome is the result of a step.
type Outcome string

// The outcomes.
const (
	// Planned means that an apply of the plan takes the step.
	Planned Outcome = "planned"
	// Started means that the step has begun.
	Started Outcome = "started"
	// Done means that the step succeeded.
	Done Outcome = "done"
	// Failed means that the step failed, or that its result is unknown.
	Failed Outcome = "failed"
	// Accepted means that the vendor accepted a deletion. It is confirmed when all shops are done.
	Accepted Outcome = "accepted"
	// Replayed means that the portal answered with a key that an earlier run generated.
	Replayed Outcome = "replayed"
	// Unconfirmed means that the shop accepted a key and does not show whether it has it.
	Unconfirmed Outcome = "unconfirmed"
	// Kept means that a key was not deleted, or that a shop was not cleared.
	Kept Outcome = "kept"
)

// stepRecorder records steps in the journal. A nil *stepRecorder records nothing. It is safe for concurrent use.
type stepRecorder struct {
	journal Journal
	clock   clock.Clock
	// warn reports the journal's first error.
	warn func(Warning)

	mu      sync.Mutex
	planned map[string]bool
	failed  bool
}

// subject is the shop and store that a step is about.
type subject struct{ shop, merchantID string }

type subjectKey struct{}

// withShop returns a context for work on a shop. An empty merchantID keeps the store of ctx.
func withShop(ctx context.Context, shop, merchantID string) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject{shop: shop, merchantID: cmp.Or(merchantID, subjectOf(ctx).merchantID)})
}

func subjectOf(ctx context.Context) subject {
	w, _ := ctx.Value(subjectKey{}).(subject)
	return w
}

// record records a step. If merchantID is empty, it records the store of the key's username, or the store of ctx.
func (s *stepRecorder) record(ctx context.Context, step Step, merchantID, key string, outcome Outcome, err error) {
	if s == nil || s.journal == nil {
		return
	}
	w := subjectOf(ctx)
	key = redactSecret(key)
	store, _ := kustom.StoreOf(key)
	failure := s.journal.Record(Entry{
		Time: s.clock.Now(), Shop: redactSecret(w.shop), MerchantID: redactSecret(cmp.Or(merchantID, store, w.merchantID)),
		Step: step, Key: key, Outcome: outcome, Err: err,
	})
	if failure == nil {
		return
	}
	s.mu.Lock()
	first := !s.failed
	s.failed = true
	s.mu.Unlock()
	if first {
		s.warn(Warning{Summary: StepNotRecorded, Detail: fmt.Sprintf("The run continues. The record of its steps lacks "+
			"this step, and maybe later ones. Cause: %v", failure)})
	}
}

// run calls take, and records its start and its result.
func (s *stepRecorder) run(ctx context.Context, step Step, merchantID, key string, take func() error) error {
	s.record(ctx, step, merchantID, key, Started, nil)
	err := take()
	s.record(ctx, step, merchantID, key, outcomeOf(err), err)
	return err
}

// outcomeOf returns the outcome of a step that returned err.
func outcomeOf(err error) Outcome {
	var replayed *kustom.ReplayedError
	switch {
	case err == nil:
		return Done
	case errors.As(err, &replayed):
		return Replayed
	case mystore.IsNotConfirmed(err):
		return Unconfirmed
	}
	return Failed
}

// recordKept records that a key is not deleted, and returns err.
func (s *stepRecorder) recordKept(ctx context.Context, key kustom.Orphan, err error) error {
	s.record(ctx, StepDelete, key.MerchantID, cmp.Or(key.Username, key.CredentialID), Kept, err)
	return err
}

// JournalPlanned records in the journal, once per shop, that an apply changes the shop.
func (e *Engine) JournalPlanned(ctx context.Context, shop, merchantID string) {
	e.steps.mu.Lock()
	known := e.steps.planned[shop]
	e.steps.planned[shop] = true
	e.steps.mu.Unlock()
	if !known {
		e.steps.record(withShop(ctx, shop, merchantID), StepShop, merchantID, "", Planned, nil)
	}
}

// StartShop records in the journal that work on a shop starts. It returns the context for that work, and a function
// that records the result.
func (e *Engine) StartShop(ctx context.Context, shop, merchantID string) (inShop context.Context, end func(err error)) {
	inShop = withShop(ctx, shop, merchantID)
	e.steps.record(inShop, StepShop, merchantID, "", Started, nil)
	return inShop, func(err error) { e.steps.record(inShop, StepShop, merchantID, "", outcomeOf(err), err) }
}
