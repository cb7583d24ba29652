package rotation

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// Fleet is what one operation does for many shops, several at a time. Each of its workers has one member to
// itself.
type Fleet struct {
	Engine      *Engine
	Concurrency int
	Rules       Rules
	// Members are sorted by name.
	Members []*Member
	// IsOutage tells of an error whether it is about all shops, such as an expired portal token.
	IsOutage func(error) bool
	// ReadTimeout and WriteTimeout bound what is done for one shop.
	ReadTimeout, WriteTimeout time.Duration
	// Progress, where it is set, is told of each shop that has been worked on. It may be called by several
	// goroutines at once.
	Progress func(m *Member, err error, done, total int)
}

// Member is one shop of a fleet during an operation.
type Member struct {
	Name string
	// Config is what the configuration asks for the shop; nil where it leaves the fleet, and while a fleet is
	// only read.
	Config *Config
	// Record is what is recorded of the shop; nil where it is new.
	Record *Record
	// Plan is what is to become of the shop.
	Plan Plan
	// ClearOnRemoval says that a shop that leaves the fleet is emptied, and its key deleted.
	ClearOnRemoval bool
	// Remaining is what a shop leaves that leaves the fleet.
	Remaining Remaining
	// NotCleared says that a shop was not emptied, because it has another key by now.
	NotCleared bool
	// ReadErr is why the shop could not be looked at.
	ReadErr error
	// Kept are the keys that were to be deleted and could not be.
	Kept []KeptKey
	// Err is why the operation has failed for the shop.
	Err error

	// started says that work on the shop has started.
	started bool
	// isNew says that the shop was not recorded before the operation.
	isNew bool
	// postponed is what remains to be confirmed of the shop.
	postponed postponed
}

// IsRemoved tells whether the shop leaves the fleet.
func (m *Member) IsRemoved() bool { return m.Config == nil }

// HasChanges tells whether something is to be done for a member.
func (m *Member) HasChanges() bool {
	return m.IsRemoved() || m.Plan.Generate || m.Plan.Changes || m.Record != nil && len(m.Record.Memory.Undeleted) > 0
}

// Failure is what has gone wrong with one shop.
type Failure struct {
	Index  int
	Member *Member
	Err    error
}

// Decide plans every member. A shop that can't be connected for a reason of its own is a failure, and does not
// hold up the others.
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

// journalPlan tells the journal which shops an apply changes.
func (f *Fleet) journalPlan(ctx context.Context) {
	for _, m := range f.Members {
		if m.HasChanges() {
			f.Engine.JournalPlanned(ctx, m.Name, m.store())
		}
	}
}

// store returns the merchant ID of the store that a member's shop belongs to, or is to belong to.
func (m *Member) store() string {
	if m.Config != nil {
		return m.Config.MerchantID
	}
	return m.Record.MerchantID
}

// observe looks at a new member's shop.
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

// Read looks at every member.
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

// readShops reads the shops of the members that are wanted, while the portal lists the keys of their stores. A
// member that waited for the list before the next one is begun with would keep that one waiting.
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

// Execute does what is planned for each member. A key that was kept for a shop is tried again when all members
// are done.
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

// journalUnstarted tells the journal which shops the operation never started on.
func (f *Fleet) journalUnstarted(ctx context.Context, failures []Failure) {
	for _, failure := range failures {
		if m := failure.Member; !m.started && m.HasChanges() {
			f.Engine.steps.record(withShop(ctx, m.Name, m.store()), StepShop, "", "", Failed, failure.Err)
		}
	}
}

// fail notes that a member has the key that it had. For a new shop, it remembers what was planned, because the next plan
// may not be able to read the shop.
func (m *Member) fail(err error) {
	m.Err = err
	if m.isNew {
		m.Record.Memory.DueReason = "an earlier run could not give the shop a key"
		m.Record.Memory.Replaceable, m.Record.Memory.OtherStoreKeys = m.Plan.Delete, m.Plan.Keep
	}
}

// noteConfigured tells the guard which keys the members' shops may use.
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

// execute does what is planned for one member.
func (f *Fleet) execute(ctx context.Context, m *Member) (err error) {
	defer recoverInto(&err)
	if m.IsRemoved() {
		return f.remove(ctx, m)
	}
	if m.Record == nil {
		m.isNew, m.Record = true, &Record{MerchantID: m.Config.MerchantID, Triggers: m.Config.Triggers}
	}
	if m.ReadErr != nil {
		// Nothing is decided for the shop: it could not be looked at, or what it holds rules the plan out.
		return m.ReadErr
	}
	m.Kept, err = f.Engine.Execute(m.postponed.context(ctx), m.Plan, f.Rules, m.Record)
	return err
}

// remove lets a member leave the fleet.
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

// retryDeletions deletes the keys that were left because a shop had them or could not be asked, where that is no
// longer so. It returns the shops that can't leave the fleet: with each, the record of a key that is still to be
// deleted would go.
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
		// A key that another shop holds is left to that shop.
		unsettled := slices.IndexFunc(m.Kept, func(key KeptKey) bool { return !key.IsInUse() })
		if unsettled >= 0 {
			failures = append(failures, Failure{Index: i, Member: m, Err: m.Kept[unsettled].Err})
			f.Engine.steps.record(ctx, StepShop, "", "", Failed, m.Kept[unsettled].Err)
			for _, key := range m.Kept {
				f.Engine.walk.dropPending(key.Key)
			}
			m.Kept = nil
		}
	}
	return failures
}

// each calls do for every member, as many at once as there are slots, each with its own timeout. Once ctx is
// done, or nothing works any more, it starts no further ones: these have failed as well.
func (f *Fleet) each(ctx context.Context, timeout time.Duration, do func(ctx context.Context, m *Member) error) []Failure {
	o := breaker{isOutage: f.IsOutage}
	failed := make([]error, len(f.Members))
	var workers sync.WaitGroup
	room := newSlots(f.Concurrency)
	for i, m := range f.Members {
		own, number := room.acquire(), o.start()
		workers.Go(func() {
			defer own.release()
			defer recoverInto(&failed[i])
			if failed[i] = cmp.Or(ctx.Err(), o.tripped()); failed[i] != nil {
				return
			}
			ctx, cancel := clock.WithTimeout(own.context(ctx), f.Engine.clock, timeout)
			defer cancel()
			failed[i] = do(ctx, m)
			o.record(number, failed[i])
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
