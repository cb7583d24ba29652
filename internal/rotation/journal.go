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

// Journal is told of every step of the engine that changes a shop or a key, or is about to, while it happens.
// Several goroutines may call it at once. A step never fails because of its journal: the first error of Record
// becomes a warning.
type Journal interface {
	// Record records one step. It returns soon.
	Record(Entry) error
}

// Entry is what a [Journal] is told of a step. Only Err may hold a secret, because it may quote a vendor.
type Entry struct {
	Time time.Time
	// Shop is empty where the step is about a key of which no shop is known.
	Shop       string
	MerchantID string
	Step       Step
	// Key is the key's username, or its ID where the username is not known; empty before there is a key.
	Key     string
	Outcome Outcome
	// Err is why the outcome is what it is, nil where there is no need to say.
	Err error
}

// Step is one thing that is done for a shop or with a key.
type Step string

// The steps.
const (
	// StepShop is everything that one run does for a shop.
	StepShop Step = "shop"
	// StepGenerate makes a key.
	StepGenerate Step = "generate"
	// StepProve asks the merchant API whether a key works.
	StepProve Step = "prove"
	// StepInstall writes a key into a shop.
	StepInstall Step = "install"
	// StepConfirm reads back whether the shop has the key.
	StepConfirm Step = "confirm"
	// StepDelete deletes a key.
	StepDelete Step = "delete"
	// StepClear empties a shop's credentials.
	StepClear Step = "clear"
)

// Outcome is what has become of a step.
type Outcome string

// The outcomes.
const (
	// Planned says that an apply of the plan takes the step.
	Planned Outcome = "planned"
	// Started says that the step has begun.
	Started Outcome = "started"
	// Done says that the step has succeeded.
	Done Outcome = "done"
	// Failed says that the step has not succeeded, or that nobody knows.
	Failed Outcome = "failed"
	// Accepted says that the vendor has agreed to a deletion, which is confirmed when all shops are done.
	Accepted Outcome = "accepted"
	// Replayed says that the portal has answered with a key that an earlier run has made.
	Replayed Outcome = "replayed"
	// Unconfirmed says that the shop took a key and does not show whether it has it.
	Unconfirmed Outcome = "unconfirmed"
	// Kept says that a key that was to be deleted stays, or that a shop that was to be emptied keeps what it has.
	Kept Outcome = "kept"
)

// stepRecorder tells the journal of steps. A nil *steps tells nobody. It is safe for concurrent use.
type stepRecorder struct {
	journal Journal
	clock   clock.Clock
	// warn is told once that the journal fails.
	warn func(Warning)

	mu      sync.Mutex
	planned map[string]bool
	failed  bool
}

// subject is whose step it is.
type subject struct{ shop, merchantID string }

type subjectKey struct{}

// withShop returns a context whose steps are taken for a shop. An empty merchant ID leaves the one of ctx.
func withShop(ctx context.Context, shop, merchantID string) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject{shop: shop, merchantID: cmp.Or(merchantID, subjectOf(ctx).merchantID)})
}

func subjectOf(ctx context.Context) subject {
	w, _ := ctx.Value(subjectKey{}).(subject)
	return w
}

// record tells of a step. An empty merchant ID stands for the store that the key belongs to, or the shop.
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
		s.warn(Warning{Summary: StepNotRecorded, Detail: fmt.Sprintf("The run goes on all the same. The record of its steps lacks one, and "+
			"maybe later ones. Cause: %v", failure)})
	}
}

// run takes a step, and tells of its beginning and its end.
func (s *stepRecorder) run(ctx context.Context, step Step, merchantID, key string, take func() error) error {
	s.record(ctx, step, merchantID, key, Started, nil)
	err := take()
	s.record(ctx, step, merchantID, key, outcomeOf(err), err)
	return err
}

// outcomeOf returns what has become of a step that returned err.
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

// recordKept tells that a key stays that was to be deleted, and returns why.
func (s *stepRecorder) recordKept(ctx context.Context, key kustom.Orphan, err error) error {
	s.record(ctx, StepDelete, key.MerchantID, cmp.Or(key.Username, key.CredentialID), Kept, err)
	return err
}

// JournalPlanned tells the journal, once for each shop, that an apply of the plan changes a shop.
func (e *Engine) JournalPlanned(ctx context.Context, shop, merchantID string) {
	e.steps.mu.Lock()
	known := e.steps.planned[shop]
	e.steps.planned[shop] = true
	e.steps.mu.Unlock()
	if !known {
		e.steps.record(withShop(ctx, shop, merchantID), StepShop, merchantID, "", Planned, nil)
	}
}

// StartShop tells the journal that the run begins with a shop. It returns the context of all that is done for the shop,
// and a function to call with the result at its end.
func (e *Engine) StartShop(ctx context.Context, shop, merchantID string) (inShop context.Context, end func(err error)) {
	inShop = withShop(ctx, shop, merchantID)
	e.steps.record(inShop, StepShop, merchantID, "", Started, nil)
	return inShop, func(err error) { e.steps.record(inShop, StepShop, merchantID, "", outcomeOf(err), err) }
}
