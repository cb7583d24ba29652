package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

// fleet is what one operation does for the shops of a fleet, several at a time. Each of its workers
// has one member to itself.
type fleet struct {
	connections connections
	rules       connectionRules
	concurrency int
	// members are sorted by name.
	members []*fleetMember
}

// fleetMember is one shop of a fleet during an operation.
type fleetMember struct {
	name string
	// config is what the configuration says of the shop.
	config connectedShop
	// plan is what the shop is to be, or what it was read to be; nil where it leaves the fleet.
	plan *fleetShop
	// state is what the shop was; nil where it is new.
	state  *fleetShop
	memory connectionMemory
	// unread is why the shop could not be looked at.
	unread error
	// kept are the keys that were to be deleted and could not be.
	kept []keptKey
	// err is why the operation has failed for the shop.
	err error
}

func newFleet(c connections, plan fleetModel, state *fleetModel, memory fleetMemory) *fleet {
	f := &fleet{connections: c, rules: plan.connectionRules, concurrency: defaultFleetConcurrency}
	if n := plan.MaxConcurrency.ValueInt64(); n > 0 {
		f.concurrency = int(n)
	}
	planned, was := plan.Shops.Elements(), map[string]fleetShop{}
	if state != nil {
		was = fleetShops(state.Shops)
	}
	for name, shop := range fleetShops(plan.Shops) {
		f.members = append(f.members, &fleetMember{name: name, plan: &shop, memory: memory[name]})
	}
	for name, shop := range was {
		// A shop whose settings are not known yet stays all the same.
		if _, stays := planned[name]; !stays {
			f.members = append(f.members, &fleetMember{name: name, state: &shop, memory: memory[name]})
		}
	}
	for _, m := range f.members {
		if shop, ok := was[m.name]; ok {
			m.state = &shop
		}
	}
	slices.SortFunc(f.members, func(a, b *fleetMember) int { return cmp.Compare(a.name, b.name) })
	return f
}

// configure tells the members what the configuration says of them, and checks it.
func (f *fleet) configure(config fleetModel, diags *diag.Diagnostics) {
	configured := fleetShops(config.Shops)
	for _, m := range f.members {
		m.config = configured[m.name].connectedShop
		checkEnvironment(diags, m.path().AtName("merchant_id"), f.connections.environment, "store", m.config.MerchantID)
	}
}

func (m *fleetMember) path() path.Path { return path.Root("shops").AtMapKey(m.name) }

// plan plans every member. A shop that can't be connected for a reason of its own does not hold up
// the others: it is warned of, and the apply tries.
func (f *fleet) plan(ctx context.Context, diags *diag.Diagnostics) {
	f.look(ctx, func(m *fleetMember) bool {
		return m.plan != nil && m.state == nil && !m.plan.MerchantID.IsUnknown()
	})
	messages := make([]diag.Diagnostics, len(f.members))
	failures := f.each(ctx, "Shop can't be connected", defaultShopReadTimeout, func(ctx context.Context, i int, m *fleetMember) error {
		return f.planMember(ctx, m, &messages[i])
	})
	for _, m := range messages {
		diags.Append(m...)
	}
	if prevented := f.prevented(failures); len(prevented) > 0 {
		diags.Append(prevented.errors()...)
		return
	}
	diags.Append(failures.warnings()...)
	f.warnOfClearing(diags)
}

// prevented returns those of the failures that leave nothing to apply: all of them where nothing would
// come of a creation, and what kept a new shop from being looked at. What is planned for a new shop
// depends on what it holds, and has to be the same when Terraform plans it again during the apply.
func (f *fleet) prevented(failures shopFailures) shopFailures {
	created := !slices.ContainsFunc(f.members, func(m *fleetMember) bool { return m.state != nil })
	if created && len(failures) == len(f.members) {
		return failures
	}
	var prevented shopFailures
	for _, failure := range failures {
		if failure.member.state == nil && advise(failure.err).general {
			prevented = append(prevented, failure)
		}
	}
	return prevented
}

func (f *fleet) planMember(ctx context.Context, m *fleetMember, diags *diag.Diagnostics) error {
	if m.plan == nil {
		return nil
	}
	if m.state == nil {
		m.plan.Problem = types.StringUnknown()
		if m.unread != nil {
			f.connections.planNewKey(m.config, &m.plan.connectedShop)
			return unlessUnknown(m.unread)
		}
		return f.connections.planNew(ctx, types.StringValue(m.name), f.rules, m.config, &m.plan.connectedShop, diags)
	}
	m.plan.Problem = m.state.Problem
	err := f.connections.planExisting(ctx, m.name, f.rules, m.memory, m.config, &m.plan.connectedShop, m.state.connectedShop, diags)
	if f.changes(m) {
		m.plan.Problem = types.StringUnknown()
	}
	return err
}

// warnOfClearing says which shops will take no payments any more.
func (f *fleet) warnOfClearing(diags *diag.Diagnostics) {
	var cleared []string
	for _, m := range f.members {
		if f.clears(m) {
			cleared = append(cleared, fmt.Sprintf("%s (%s)", m.name, m.state.Username.ValueString()))
		}
	}
	if len(cleared) > 0 {
		diags.AddAttributeWarning(path.Root("shops"), "Shops will take no payments",
			fmt.Sprintf("These leave the fleet, whose deletion_policy is clear: their credentials will be emptied, and then their keys, "+
				"which are named here, deleted: %s.", enumerate(cleared)))
	}
}

// clears tells whether a member is to be emptied.
func (f *fleet) clears(m *fleetMember) bool {
	return m.plan == nil && f.rules.clears() && !m.state.Username.IsNull()
}

// planned returns the map of the shops as they are planned. Elements that are not known yet stay so.
func (f *fleet) planned(elements types.Map, diags *diag.Diagnostics) types.Map {
	shops := elements.Elements()
	for _, m := range f.members {
		if m.plan != nil {
			shops[m.name] = m.plan.object(diags)
		}
	}
	return types.MapValueMust(fleetShopType, shops)
}

// read looks at every member.
func (f *fleet) read(ctx context.Context, diags *diag.Diagnostics) shopFailures {
	f.look(ctx, func(*fleetMember) bool { return true })
	messages := make([]diag.Diagnostics, len(f.members))
	failures := f.each(ctx, "Shop not read", defaultShopReadTimeout, func(ctx context.Context, i int, m *fleetMember) error {
		if m.unread != nil {
			return m.unread
		}
		return f.connections.read(ctx, m.name, &m.plan.connectedShop, &m.memory, &messages[i])
	})
	for i, m := range f.members {
		diags.Append(messages[i]...)
		if !m.memory.isUnfinished() {
			m.plan.Problem = types.StringNull()
		}
	}
	return failures
}

// look reads the shops of those members that are wanted, while the portal lists the keys of their stores.
// A member that waited for the list before the next one is begun with would keep that one waiting.
func (f *fleet) look(ctx context.Context, wanted func(*fleetMember) bool) {
	var stores []string
	for _, m := range f.members {
		if wanted(m) {
			stores = append(stores, m.plan.MerchantID.ValueString())
		}
	}
	f.connections.keys.Expect(ctx, stores)
	f.each(ctx, "Shop not read", defaultShopReadTimeout, func(ctx context.Context, _ int, m *fleetMember) error {
		if wanted(m) {
			m.unread = f.connections.look(ctx, m.name)
		}
		return m.unread
	})
}

// apply does what is planned for each member.
func (f *fleet) apply(ctx context.Context, diags *diag.Diagnostics) shopFailures {
	var done atomic.Int64
	messages := make([]diag.Diagnostics, len(f.members))
	total := 0
	for _, m := range f.members {
		if f.changes(m) {
			total++
		}
	}
	retirer := newFleetRetirer(f.connections.connector)
	c := f.connections
	c.connector = retirer
	failures := f.each(ctx, "Shop keeps the key that it has", defaultShopWriteTimeout, func(ctx context.Context, i int, m *fleetMember) error {
		changes := f.changes(m)
		err := f.applyMember(ctx, c, m, &messages[i])
		if changes {
			logProgress(ctx, m, err, done.Add(1), total)
		}
		return err
	})
	retirer.askAgain()
	failures = slices.Concat(failures, f.retireAgain(ctx, c))
	slices.SortFunc(failures, func(a, b shopFailure) int { return cmp.Compare(a.index, b.index) })
	for i, failure := range failures {
		if failure.member.plan == nil {
			failures[i].summary = "Shop not removed"
		}
		failure.member.fail(ctx, failure.err, diags)
	}
	for i, m := range f.members {
		diags.Append(messages[i]...)
		for _, key := range m.kept {
			diags.Append(key.warning(m.name))
		}
	}
	f.warnOfLeaving(diags)
	return failures
}

// changes tells whether something is to be done for a member.
func (f *fleet) changes(m *fleetMember) bool {
	return m.plan == nil || m.plan.CredentialID.IsUnknown() || len(m.memory.Unsettled) > 0
}

// applyMember does what is planned for a member, through c.
func (f *fleet) applyMember(ctx context.Context, c connections, m *fleetMember, diags *diag.Diagnostics) error {
	if m.plan == nil {
		return f.remove(ctx, c, m)
	}
	if m.plan.CredentialID.IsUnknown() {
		// What was in the way while planning was a warning only.
		if err := c.checkInstalled(ctx, m.name); err != nil {
			return err
		}
	}
	kept, err := c.apply(ctx, m.name, &m.plan.connectedShop, &m.memory, diags)
	if err != nil {
		return err
	}
	m.kept = kept
	if m.plan.Problem.IsUnknown() {
		m.plan.Problem = types.StringNull()
	}
	return nil
}

// remove leaves a member to the deletion policy.
func (f *fleet) remove(ctx context.Context, c connections, m *fleetMember) error {
	if !f.clears(m) {
		c.shops.Leave(m.name)
		return c.discard(ctx, m.memory.Unsettled)
	}
	if err := c.clear(ctx, m.name, m.state.connectedShop); err != nil {
		return err
	}
	if err := c.discard(ctx, m.memory.Unsettled); err != nil {
		return err
	}
	own := keptKey{key: m.state.orphan()}
	own.err = c.connector.Retire(ctx, own.key)
	if own.mayGoLater() {
		m.kept = append(m.kept, own)
		return nil
	}
	return own.err
}

// fail notes that a member has the key that it had. Of a new shop, what was planned is remembered: the next
// plan may be made without a look at it.
func (m *fleetMember) fail(ctx context.Context, err error, diags *diag.Diagnostics) {
	m.err = err
	problem, _, _ := strings.Cut(advise(err).text, "\n\n")
	if m.state != nil {
		m.state.Problem = types.StringValue(problem)
		return
	}
	*m.plan = m.plan.unchanged()
	m.plan.Problem = types.StringValue(problem)
	m.memory.Due = "an earlier run could not give the shop a key"
	m.memory.Replaceable = readReplacedKeys(ctx, m.plan.Replaces, diags)
	m.memory.Foreign = readReplacedKeys(ctx, m.plan.Leaves, diags)
}

// warnOfLeaving says which shops have left the fleet as they are.
func (f *fleet) warnOfLeaving(diags *diag.Diagnostics) {
	var left []string
	for _, m := range f.members {
		if m.plan == nil && m.err == nil && !f.clears(m) && !m.state.Username.IsNull() {
			left = append(left, fmt.Sprintf("%s (%s)", m.name, m.state.Username.ValueString()))
		}
	}
	if len(left) > 0 {
		diags.AddWarning("Shops and keys left as they are",
			fmt.Sprintf("These have left the fleet and go on taking payments with the keys named here, because its deletion_policy is "+
				"retain: %s.", enumerate(left)))
	}
}

// applied returns the map of the shops as they are now.
func (f *fleet) applied(diags *diag.Diagnostics) types.Map {
	shops := map[string]attr.Value{}
	for _, m := range f.members {
		if shop := m.now(); shop != nil {
			shops[m.name] = shop.object(diags)
		}
	}
	return types.MapValueMust(fleetShopType, shops)
}

// now returns what the member is after the operation; nil where it has left.
func (m *fleetMember) now() *fleetShop {
	if m.err != nil && m.state != nil {
		return m.state
	}
	return m.plan
}

// isEmptyHanded tells whether nothing has come of a creation, and nothing is left to look after.
func (f *fleet) isEmptyHanded() bool {
	for _, m := range f.members {
		if m.err == nil || len(m.memory.Unsettled) > 0 {
			return false
		}
	}
	return len(f.members) > 0
}

func (f *fleet) identity() fleetIdentity {
	identity := fleetIdentity{Shops: []string{}}
	for _, m := range f.members {
		if shop := m.now(); shop != nil {
			identity.Shops = append(identity.Shops, m.name+"/"+shop.MerchantID.ValueString())
		}
	}
	return identity
}

// memory returns what is to be kept of the members.
func (f *fleet) memory() fleetMemory {
	memory := fleetMemory{}
	for _, m := range f.members {
		if m.now() != nil {
			memory[m.name] = m.memory
		}
	}
	return memory
}

// outageAfter is how many failures in a row that are not about the shops themselves, such as an
// expired portal token, keep a fleet from starting with further shops.
const outageAfter = 10

// outage counts such failures. It is safe for concurrent use.
type outage struct {
	mu sync.Mutex
	// begun is how many shops were begun with, and before of them until the first failure of the row.
	begun, before int
	row           int
	err           error
}

// begin returns the number of a shop that is begun with.
func (o *outage) begin() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun++
	return o.begun
}

// note notes what became of a shop. One that was begun with before the failures does not end their row:
// it may have been past what has stopped working.
func (o *outage) note(number int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil && advise(err).general:
		if o.row == 0 {
			o.before = o.begun
		}
		o.row++
		o.err = err
	case number > o.before:
		o.row = 0
	}
}

// cause returns the last of the failures, once there have been enough.
func (o *outage) cause() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.row < outageAfter {
		return nil
	}
	return o.err
}

// each calls do for every member, as many at once as there are slots, each with its own timeout. Once ctx
// is done, or nothing works any more, it starts no further ones: these have failed as well.
func (f *fleet) each(ctx context.Context, summary string, timeout time.Duration, do func(ctx context.Context, i int, m *fleetMember) error) shopFailures {
	var o outage
	failed := make([]error, len(f.members))
	var workers sync.WaitGroup
	room := newSlots(f.concurrency)
	for i, m := range f.members {
		own, number := room.take(), o.begin()
		workers.Go(func() {
			defer own.release()
			if failed[i] = cmp.Or(ctx.Err(), o.cause()); failed[i] != nil {
				return
			}
			ctx, cancel := clock.WithTimeout(own.in(ctx), f.connections.clock, timeout)
			defer cancel()
			failed[i] = do(ctx, i, m)
			o.note(number, failed[i])
		})
	}
	workers.Wait()
	var failures shopFailures
	for i, err := range failed {
		if err != nil {
			failures = append(failures, shopFailure{index: i, member: f.members[i], summary: summary, err: err})
		}
	}
	return failures
}

// logProgress tells how far an apply has come.
func logProgress(ctx context.Context, m *fleetMember, err error, done int64, total int) {
	fields := map[string]any{"shop": m.name, "done": done, "of": total}
	switch {
	case err != nil:
		tflog.Info(ctx, "shop failed", fields)
	case m.plan == nil:
		tflog.Info(ctx, "shop removed", fields)
	default:
		fields["username"] = m.plan.Username.ValueString()
		tflog.Info(ctx, "shop connected", fields)
	}
}

// shopFailure is what has gone wrong with one shop.
type shopFailure struct {
	index   int
	member  *fleetMember
	summary string
	err     error
}

// shopFailures are what has gone wrong with the shops of a fleet, sorted by name.
type shopFailures []shopFailure

// errors returns a diagnostic for each shop, and one for all shops to which the same has happened for
// a reason that is not theirs.
func (s shopFailures) errors() diag.Diagnostics {
	var diags diag.Diagnostics
	groups := map[string][]string{}
	for _, failure := range s {
		if a := advise(failure.err); a.general {
			groups[a.text] = append(groups[a.text], failure.member.name)
		}
	}
	for _, failure := range s {
		text := advise(failure.err).text
		shops, general := groups[text]
		if !general {
			report(&diags, failure.member.path(), failure.summary+": "+failure.member.name, failure.err)
			continue
		}
		if shops[0] == failure.member.name {
			reportWithHint(&diags, path.Empty(), failure.summary, failure.err, "This is so of "+enumerate(shops)+".")
		}
	}
	return diags
}

// warnings returns the same as warnings.
func (s shopFailures) warnings() diag.Diagnostics {
	var diags diag.Diagnostics
	for _, d := range s.errors() {
		if at, ok := d.(diag.DiagnosticWithPath); ok {
			diags.AddAttributeWarning(at.Path(), d.Summary(), d.Detail())
		} else {
			diags.AddWarning(d.Summary(), d.Detail())
		}
	}
	return diags
}

// named is how many shops a message names.
const named = 20

// enumerate returns the names, or as many of them as a person will read.
func enumerate(names []string) string {
	if len(names) <= named {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
}

// fleetMemory is what a fleet keeps of each of its shops in private state, by name.
type fleetMemory map[string]connectionMemory

const fleetMemoryKey = "fleet"

func recallFleet(ctx context.Context, private privateState, diags *diag.Diagnostics) fleetMemory {
	return recallFrom[fleetMemory](ctx, private, fleetMemoryKey, diags)
}

func (m fleetMemory) keep(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	keepIn(ctx, private, fleetMemoryKey, m, diags)
}

// importing tells whether the fleet was imported and has not been read yet.
func (m fleetMemory) importing() bool {
	for _, shop := range m {
		if shop.importing() {
			return true
		}
	}
	return false
}
