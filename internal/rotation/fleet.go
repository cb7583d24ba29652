package rotation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
)

// Fleet runs one operation for many shops, several at a time. One goroutine at a time works on a member.
type Fleet struct {
	Engine      *Engine
	Concurrency int
	Rules       Rules
	// Members are sorted by name.
	Members []*Member
	// IsOutage reports whether an error affects all shops, such as an expired portal token.
	IsOutage func(error) bool
	// ReadTimeout and WriteTimeout limit the time for one shop.
	ReadTimeout, WriteTimeout time.Duration
	// Progress is called after each shop, unless it is nil. Several goroutines may call it at once.
	Progress func(m *Member, err error, done, total int)
}

// Member is one shop of a fleet during an operation.
type Member struct {
	Name string
	// Config is the shop's configuration. It is nil if the shop leaves the fleet, and during [Fleet.Read].
	Config *Config
	// Record is the shop's record, or nil if the shop is new.
	Record *Record
	// Plan is the shop's plan.
	Plan Plan
	// ClearOnRemoval reports that a shop which leaves the fleet is cleared, and its key deleted.
	ClearOnRemoval bool
	// Remaining is what stays behind if the shop leaves the fleet and is not cleared.
	Remaining Remaining
	// NotCleared reports that the shop was not cleared, because it holds another key than the recorded one.
	NotCleared bool
	// ReadErr is why the shop could not be read.
	ReadErr error
	// Kept are the keys that could not be deleted.
	Kept []KeptKey
	// Err is why the operation failed for the shop.
	Err error

	// started reports that the operation has begun to work on the shop.
	started bool
	// isNew reports that the shop had no record before the operation.
	isNew bool
	// confirming reports that the confirmation of the shop's changes has been started.
	confirming bool
	// postponed holds the confirmations that wait until all shops are done.
	postponed postponed
}

// IsRemoved reports whether the shop leaves the fleet.
func (m *Member) IsRemoved() bool { return m.Config == nil }

// HasChanges reports whether the operation changes the shop or its keys.
func (m *Member) HasChanges() bool {
	return m.IsRemoved() || m.Plan.Generate || m.Plan.Changes || m.Record != nil && len(m.Record.Memory.Undeleted) > 0
}

// Failure is a shop for which the operation failed. Index is its index in [Fleet.Members].
type Failure struct {
	Index  int
	Member *Member
	Err    error
}

// Decide plans every member. It returns the members that can't be planned; they do not delay the others.
func (f *Fleet) Decide(ctx context.Context) []Failure {
	f.noteConfigured()
	f.readShops(ctx, func(m *Member) bool { return !m.IsRemoved() && m.Record == nil && m.Config.MerchantID != "" })
	failures := f.each(ctx, f.ReadTimeout, func(ctx context.Context, m *Member) error {
		if m.IsRemoved() {
			return nil
		}
		seen, unread := f.observe(ctx, m)
		var err error
		m.Plan, err = Decide(*m.Config, m.Record, seen)
		return cmp.Or(unread, err)
	})
	f.journalPlan(ctx)
	return failures
}

// journalPlan records in the journal which shops an apply changes.
func (f *Fleet) journalPlan(ctx context.Context) {
	for _, m := range f.Members {
		if m.HasChanges() {
			f.Engine.JournalPlanned(ctx, m.Name, m.store())
		}
	}
}

// store returns the merchant ID of the store that the shop's key belongs to, or will belong to.
func (m *Member) store() string {
	if m.Config != nil {
		return m.Config.MerchantID
	}
	return m.Record.MerchantID
}

// observe observes a new member's shop.
func (f *Fleet) observe(ctx context.Context, m *Member) (*Observation, error) {
	if m.Record != nil || m.Config.MerchantID == "" {
		return nil, nil
	}
	if m.ReadErr != nil {
		return nil, m.ReadErr
	}
	seen, err := f.Engine.ObserveNew(ctx, m.Name, m.Config.MerchantID)
	if err != nil {
		return nil, err
	}
	return &seen, nil
}

// Read reads every member's shop and updates its record.
func (f *Fleet) Read(ctx context.Context) []Failure {
	for _, m := range f.Members {
		f.Engine.Shops.NoteConfigured(m.Name, m.Record.MerchantID, cmp.Or(m.Record.Memory.HeldUsername, m.Record.Username))
	}
	f.readShops(ctx, func(*Member) bool { return true })
	return f.each(ctx, f.ReadTimeout, func(ctx context.Context, m *Member) error {
		if m.ReadErr != nil {
			return m.ReadErr
		}
		return f.Engine.Read(ctx, m.Name, m.Record)
	})
}

// readShops reads the shops of the members that wanted selects. Meanwhile, the portal lists the keys of their
// stores. If members waited for that list one by one, they would hold the few slots and delay the reads of other
// shops.
func (f *Fleet) readShops(ctx context.Context, wanted func(*Member) bool) {
	var stores []string
	for _, m := range f.Members {
		if !wanted(m) {
			continue
		}
		if m.Record != nil {
			stores = append(stores, m.Record.MerchantID)
		} else {
			stores = append(stores, m.Config.MerchantID)
		}
	}
	f.Engine.Keys.Prefetch(ctx, stores)
	f.each(ctx, f.ReadTimeout, func(ctx context.Context, m *Member) error {
		if wanted(m) {
			m.ReadErr = f.Engine.ReadShop(ctx, m.Name)
		}
		return m.ReadErr
	})
}

// Execute carries out each member's plan. When all members are done, it retries the deletions that shops prevented.
func (f *Fleet) Execute(ctx context.Context) []Failure {
	f.noteConfigured()
	f.journalPlan(ctx)
	var done atomic.Int64
	total := 0
	for _, m := range f.Members {
		if m.HasChanges() {
			total++
		}
	}
	failures := f.each(ctx, f.WriteTimeout, func(ctx context.Context, m *Member) error {
		m.started = true
		if !m.HasChanges() {
			return f.execute(ctx, m)
		}
		ctx, end := f.Engine.StartShop(ctx, m.Name, m.store())
		err := f.execute(ctx, m)
		end(err)
		if f.Progress != nil {
			f.Progress(m, err, int(done.Add(1)), total)
		}
		return err
	})
	f.journalUnstarted(ctx, failures)
	f.Engine.Shops.RetryUnreadable()
	failures = slices.Concat(failures, f.confirm(ctx), f.retryDeletions(ctx))
	slices.SortFunc(failures, func(a, b Failure) int { return cmp.Compare(a.Index, b.Index) })
	for _, failure := range failures {
		failure.Member.fail(failure.Err)
	}
	return failures
}

// journalUnstarted records in the journal the shops that the operation has not started.
func (f *Fleet) journalUnstarted(ctx context.Context, failures []Failure) {
	for _, failure := range failures {
		if m := failure.Member; !m.started && m.HasChanges() {
			f.Engine.steps.record(withShop(ctx, m.Name, m.store()), StepShop, "", "", Failed, failure.Err)
		}
	}
}

// fail records why the operation failed for a member. The shop has its old key. For a new shop, the plan is
// recorded too, because the next plan may not be able to read the shop.
func (m *Member) fail(err error) {
	m.Err = err
	if m.isNew {
		m.Record.Memory.DueReason = keylessReason
		m.Record.Memory.Replaceable, m.Record.Memory.OtherStoreKeys = m.Plan.Delete, m.Plan.Keep
	}
}

// noteConfigured passes on to the guard which keys the members' shops may use.
func (f *Fleet) noteConfigured() {
	for _, m := range f.Members {
		if m.Config != nil {
			f.Engine.Shops.NoteConfigured(m.Name, m.Config.MerchantID, "")
		}
		if m.Config != nil && m.Config.AllowStoreChange {
			f.Engine.Shops.NoteStoreChange(m.Name)
		}
		if m.Record != nil {
			f.Engine.Shops.NoteConfigured(m.Name, m.Record.MerchantID, cmp.Or(m.Record.Memory.HeldUsername, m.Record.Username))
		}
	}
}

// execute carries out one member's plan.
func (f *Fleet) execute(ctx context.Context, m *Member) (err error) {
	defer recoverInto(&err)
	if m.IsRemoved() {
		return f.remove(ctx, m)
	}
	if m.Record == nil {
		m.isNew, m.Record = true, &Record{MerchantID: m.Config.MerchantID, Triggers: m.Config.Triggers}
	}
	if m.ReadErr != nil {
		// The shop has no plan, because it could not be read or what it holds rules out a plan.
		return m.ReadErr
	}
	m.Kept, err = f.Engine.Execute(m.postponed.context(ctx), m.Plan, f.Rules, m.Record)
	return err
}

// remove removes a member from the fleet.
func (f *Fleet) remove(ctx context.Context, m *Member) error {
	if !m.ClearOnRemoval {
		m.Remaining = f.Engine.StopManaging(m.Name, *m.Record)
		return f.Engine.DeleteLeftovers(ctx, m.Record.Memory.Undeleted)
	}
	cleared, err := f.Engine.ClearShop(ctx, m.Name, *m.Record)
	if err != nil {
		return err
	}
	m.NotCleared = !cleared
	if err := f.Engine.DeleteLeftovers(ctx, m.Record.Memory.Undeleted); err != nil {
		return err
	}
	m.Remaining.OtherKeys = f.Engine.OtherKeys(*m.Record)
	own := KeptKey{Key: m.Record.Key().Orphan()}
	own.Err = f.Engine.DeleteIfUnused(ctx, own.Key, 0)
	if own.IsRetryable() {
		m.Kept = append(m.Kept, own)
		return nil
	}
	return own.Err
}

// retryDeletions retries the deletions that failed because a shop held the key or could not be read. It returns the
// members that can't leave the fleet: without their records, nothing would remember the key to delete.
func (f *Fleet) retryDeletions(ctx context.Context) []Failure {
	var failures []Failure
	for i, m := range f.Members {
		ctx := withShop(ctx, m.Name, m.store())
		if len(m.Kept) > 0 {
			m.Kept = f.Engine.RetryDeletions(ctx, m.Kept, f.Rules, &m.Record.Memory)
		}
		if !m.IsRemoved() {
			continue
		}
		// A key that another shop holds belongs to that shop.
		undeleted := slices.IndexFunc(m.Kept, func(key KeptKey) bool { return !key.IsInUse() })
		if undeleted >= 0 {
			failures = append(failures, Failure{Index: i, Member: m, Err: m.Kept[undeleted].Err})
			f.Engine.steps.record(ctx, StepShop, "", "", Failed, m.Kept[undeleted].Err)
			for _, key := range m.Kept {
				f.Engine.run.dropPending(key.Key)
			}
			m.Kept = nil
		}
	}
	return failures
}

// each calls do for every member, with a timeout each and as many at a time as there are slots. It starts no
// further members once ctx has ended or the breaker has tripped. These count as failed.
func (f *Fleet) each(ctx context.Context, timeout time.Duration, do func(ctx context.Context, m *Member) error) []Failure {
	b := breaker{isOutage: f.IsOutage}
	failed := make([]error, len(f.Members))
	var workers sync.WaitGroup
	room := newSlots(f.Concurrency)
	for i, m := range f.Members {
		own, number := room.acquire(), b.start()
		workers.Go(func() {
			defer own.release()
			defer recoverInto(&failed[i])
			if failed[i] = cmp.Or(ctx.Err(), b.tripped()); failed[i] != nil {
				return
			}
			ctx, cancel := clock.WithTimeout(own.context(ctx), f.Engine.clock, timeout)
			defer cancel()
			failed[i] = do(ctx, m)
			b.record(number, failed[i])
		})
	}
	workers.Wait()
	var failures []Failure
	for i, err := range failed {
		if err != nil {
			failures = append(failures, Failure{Index: i, Member: f.Members[i], Err: err})
		}
	}
	return failures
}

// confirm confirms, after all members are done, that deleted keys are gone and installed ones exist. Otherwise it
// deletes or installs again. When ctx ends, it still runs for [undoTimeout]: a deletion that nobody confirms would be
// forgotten.
func (f *Fleet) confirm(ctx context.Context) []Failure {
	ctx, cancel := clock.Outlast(ctx, undoTimeout)
	defer cancel()
	stores := map[string]bool{}
	for _, m := range f.Members {
		for _, key := range m.postponed.deleted {
			stores[key.MerchantID] = true
		}
		if m.postponed.installed != nil {
			stores[m.postponed.installed.MerchantID] = true
		}
	}
	for id := range stores {
		f.Engine.Keys.invalidate(id)
	}
	f.Engine.Keys.refreshStores(ctx, slices.Collect(maps.Keys(stores)))
	failures := f.each(ctx, f.WriteTimeout, f.confirmMember)
	// The other shops are done. If there was no time to confirm their deletions, the next run does.
	return slices.DeleteFunc(failures, func(failure Failure) bool { return failure.Member.keepUnconfirmed(failure.Err) })
}

// keepUnconfirmed records the deletions of a member whose confirmation was not started because of err. It returns false
// if the confirmation was started.
func (m *Member) keepUnconfirmed(err error) bool {
	if m.confirming {
		return false
	}
	for _, key := range m.postponed.deleted {
		m.keep(key, err)
	}
	return true
}

// keep records a key that is not known to be deleted.
func (m *Member) keep(key kustom.Orphan, err error) {
	m.Kept = append(m.Kept, KeptKey{Key: key, Err: err})
	if !isInUse(err) {
		m.Record.Memory.Undeleted = append(m.Record.Memory.Undeleted, key)
	}
}

func (f *Fleet) confirmMember(ctx context.Context, m *Member) error {
	m.confirming = true
	ctx = withShop(ctx, m.Name, m.store())
	for _, key := range m.postponed.deleted {
		if err := f.Engine.deleteAgain(ctx, key, f.Rules.evidence()); err != nil {
			m.keep(key, err)
		}
	}
	if m.postponed.installed == nil {
		return nil
	}
	listed, err := f.Engine.Keys.latest(ctx, m.postponed.installed.MerchantID)
	if err != nil {
		return nil //nolint:nilerr // The shop works; the next run looks again.
	}
	if _, ok := find(listed, m.postponed.installed.CredentialID); ok || f.Engine.checkExists(ctx, m.Name, *m.postponed.installed) == nil {
		return nil
	}
	// Somebody has deleted the key, so the shop needs another one at once.
	ctx, end := f.Engine.StartShop(ctx, m.Name, m.store())
	leftovers, err := f.Engine.connect(ctx, m.Plan, f.Rules, m.Record)
	end(err)
	m.Record.Memory.Undeleted = append(m.Record.Memory.Undeleted, leftovers...)
	return err
}
