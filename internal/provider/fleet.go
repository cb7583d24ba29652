package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// fleet is one operation of the engine on many shops, and what Terraform has of each of them.
type fleet struct {
	rotation.Fleet
	// models has what Terraform has of each member, in the same order.
	models []*fleetModels
	// updates says that the fleet stays, so that an error does not make Terraform replace it.
	updates bool
}

// fleetModels are what Terraform has of one shop.
type fleetModels struct {
	config connectedShop
	// plan is what the shop is to be, or what it was read to be; nil where it leaves the fleet. State is what it
	// was; nil where it is new.
	plan, state *fleetShop
}

// was returns what the shop was, nil where it is new.
func (m *fleetModels) was() *connectedShop {
	if m.state == nil {
		return nil
	}
	return &m.state.connectedShop
}

// checkEnvironments refuses stores of the other environment.
func (f *fleet) checkEnvironments(environment *kustom.Environment, diags *diag.Diagnostics) {
	for i, m := range f.Members {
		checkEnvironment(diags, memberPath(m).AtName("merchant_id"), environment, "store", f.models[i].config.MerchantID)
	}
}

func memberPath(m *rotation.Member) path.Path { return path.Root("shops").AtMapKey(m.Name) }

// plan plans every member. A shop that can't be connected for a reason of its own does not hold up the others: it is
// warned of, and the apply tries.
func (f *fleet) plan(ctx context.Context, diags *diag.Diagnostics) {
	failures := f.failures(f.Decide(ctx), shopNotConnectable())
	for i := range failures {
		failures[i].err = f.Engine.Describe(ctx, failures[i].err)
	}
	if prevented := f.prevented(failures); len(prevented) > 0 {
		diags.Append(prevented.errors()...)
		return
	}
	diags.Append(failures.warnings()...)
	f.warnOfClearing(diags)
	f.warnOfDeletions(diags)
	f.nameStrays(ctx, diags)
	warnOfAnswers(f.Engine, diags)
}

// nameStrays names the keys that a killed run may have left behind.
func (f *fleet) nameStrays(ctx context.Context, diags *diag.Diagnostics) {
	for _, m := range f.Members {
		if m.Leaves() || m.Plan.Undecided {
			continue
		}
		// A plan does not fail because of what it can't name.
		if strays, err := f.Engine.StraysBeside(ctx, *m.Config, m.Plan, m.Record); err == nil {
			warnOfStrays(f.Engine, diags, path.Empty(), m.Config.MerchantID, strays, "")
		}
	}
}

// prevented returns those of the failures that must stop the plan: a shop that would get a key of another store, or a
// description that the portal has not, all
// of them where nothing would come of a creation, and what is about all shops while a new one is looked at.
func (f *fleet) prevented(failures shopFailures) shopFailures {
	created := !slices.ContainsFunc(f.models, func(m *fleetModels) bool { return m.state != nil })
	if created && len(failures) == len(f.Members) {
		return failures
	}
	var prevented shopFailures
	for _, failure := range failures {
		if isWrongStore(failure.err) || errors.Is(failure.err, rotation.ErrUndescribed) || failure.member.Record == nil && advise(failure.err).general && !isShopsOwn(failure.err) {
			prevented = append(prevented, failure)
		}
	}
	return prevented
}

// warnOfClearing says which shops will take no payments any more.
func (f *fleet) warnOfClearing(diags *diag.Diagnostics) {
	var cleared []string
	for _, m := range f.Members {
		if m.Clears {
			cleared = append(cleared, fmt.Sprintf("%s (%s)", m.Name, m.Record.Username))
		}
	}
	if len(cleared) > 0 {
		shopsWillTakeNoPayments(enumerate(cleared)).addTo(diags, path.Empty())
	}
}

// warnOfDeletions counts the switches and deletions, and the shops of which neither is decided yet: Terraform's own
// counts have only objects.
func (f *fleet) warnOfDeletions(diags *diag.Diagnostics) {
	var all rotation.Plan
	var others, undecided []string
	switched := 0
	for _, m := range f.Members {
		if m.Plan.Changes && !m.Plan.Undecided {
			all.Delete = appendNew(all.Delete, m.Plan.Delete, keyName)
			others = append(others, m.Plan.Others...)
		}
		switch {
		case m.Plan.Undecided:
			undecided = append(undecided, m.Name)
		case m.Plan.Generate:
			switched++
		}
	}
	all.NameOthers(others)
	text := describeDeletions(all)
	if text == "" {
		return
	}
	text = fmt.Sprintf("%s will get a new key; %s.", count(switched, "shop"), text)
	if len(undecided) > 0 {
		text += fmt.Sprintf(" Not decided yet for %s: %s.", count(len(undecided), "shop"), enumerate(undecided))
	}
	blocked, by := f.Engine.Blocked(all)
	// Terraform would quote the whole attribute, with every shop.
	keysPlanned(all, join(text, describeBlocked(blocked, by, waysToAsk))).addTo(diags, path.Empty())
}

// appendNew appends what is not in the list yet by its name: shops may share a store and a key, which one of them lets go
// at once and another one later.
func appendNew[T any](list, more []T, name func(T) string) []T {
	for _, item := range more {
		if !slices.ContainsFunc(list, func(known T) bool { return name(known) == name(item) }) {
			list = append(list, item)
		}
	}
	return list
}

// planned returns the map of the shops as it is planned. What is not known yet stays as it is.
func (f *fleet) planned(elements types.Map, host types.String, diags *diag.Diagnostics) types.Map {
	shops := map[string]attr.Value{}
	for name, element := range elements.Elements() {
		shops[name] = element
	}
	for i, m := range f.Members {
		models := f.models[i]
		if models.plan == nil || diags.HasError() {
			continue
		}
		models.plan.show(m.Plan, models.config, models.was(), host)
		switch {
		case m.Changes() || models.state == nil || m.Plan.Undecided:
			models.plan.LastError = types.StringUnknown()
		default:
			models.plan.LastError = models.state.LastError
		}
		shops[m.Name] = models.plan.object()
	}
	return types.MapValueMust(fleetShopType, shops)
}

// read looks at every member.
func (f *fleet) read(ctx context.Context) shopFailures {
	failures := f.failures(f.Read(ctx), shopNotRead())
	failed := map[string]bool{}
	for _, failure := range failures {
		failed[failure.member.Name] = true
	}
	for i, m := range f.Members {
		if failed[m.Name] {
			continue
		}
		f.models[i].plan.takeAll(*m.Record)
		f.models[i].plan.KeysLeft = stillLeft(f.models[i].plan.KeysLeft, m.Record.Memory)
		if !m.Record.Memory.IsUnfinished() {
			f.models[i].plan.LastError = types.StringNull()
		}
	}
	return failures
}

// apply does what is planned for each member.
func (f *fleet) apply(ctx context.Context, diags *diag.Diagnostics) shopFailures {
	leave := f.Engine.Enter()
	f.redecide(ctx)
	failures := f.failures(f.Execute(ctx), shopKeepsKey())
	for i := range failures {
		if failures[i].member.Leaves() {
			failures[i].message = shopNotRemoved()
		} else if leavesShopUnknown(failures[i].err) {
			failures[i].message = shopMayHaveAnotherKey()
		}
		failures[i].err = f.Engine.Describe(ctx, f.Engine.WithUnusedKeys(ctx, storeOf(failures[i].member), failures[i].err))
		failures[i].member.Err = failures[i].err
	}
	for i, m := range f.Members {
		f.models[i].take(m)
		if m.LeftAlone {
			shopLeftAlone(m.Name, m.Record.Username, f.Engine.Shops.Present(m.Name)).addTo(diags, path.Empty())
		}
	}
	f.Engine.RetryPending(ctx)
	tellOfKept(diags, append(f.kept(), leave()...), f.updates)
	f.warnOfLeaving(diags)
	warnOfAnswers(f.Engine, diags)
	return failures
}

// kept returns the keys that were to be deleted and could not be, without those that a later step may find deletable.
func (f *fleet) kept() []rotation.PendingKey {
	var kept []rotation.PendingKey
	for _, m := range f.Members {
		for _, key := range m.Kept {
			if !key.IsPending() {
				kept = append(kept, rotation.PendingKey{Shop: m.Name, KeptKey: key})
			}
		}
	}
	return kept
}

// storeOf returns the store of a member's shop. One that was not begun with has no record yet.
func storeOf(m *rotation.Member) string {
	if m.Config != nil {
		return m.Config.MerchantID
	}
	return m.Record.MerchantID
}

// redecide decides again for the shops that could not be read while planning.
func (f *fleet) redecide(ctx context.Context) {
	undecided := rotation.Fleet{}
	for _, m := range f.Members {
		if !m.Leaves() && m.Plan.Undecided {
			undecided.Members = append(undecided.Members, m)
		}
	}
	if len(undecided.Members) == 0 {
		return
	}
	members := f.Members
	f.Members = undecided.Members
	for _, failure := range f.Decide(ctx) {
		failure.Member.Unread = failure.Err
	}
	f.Members = members
}

// take takes over what has become of the member.
func (m *fleetModels) take(member *rotation.Member) {
	if member.Err == nil && m.plan == nil {
		return
	}
	if member.Err == nil {
		m.plan.takeAll(*member.Record)
		m.plan.finish(member.Plan, member.Kept)
		if m.plan.LastError.IsUnknown() {
			m.plan.LastError = types.StringNull()
		}
		return
	}
	problem := advise(member.Err).advice()
	if m.state != nil {
		m.state.LastError = types.StringValue(problem)
		return
	}
	*m.plan = m.plan.unchanged()
	m.plan.LastError = types.StringValue(problem)
}

// warnOfLeaving says which shops have left the fleet as they are, and which keys of the stores stay.
func (f *fleet) warnOfLeaving(diags *diag.Diagnostics) {
	var left, moved, others []string
	for _, m := range f.Members {
		if !m.Leaves() || m.Err != nil || m.Record.Username == "" {
			continue
		}
		others = appendNew(others, m.Left.Others, func(name string) string { return name })
		if m.Clears {
			continue
		}
		if m.Left.Given != "" {
			moved = append(moved, fmt.Sprintf("%s (%s in place of %s)", m.Name, m.Left.Given, m.Record.Username))
		} else {
			left = append(left, fmt.Sprintf("%s (%s)", m.Name, m.Record.Username))
		}
	}
	var parts []string
	if len(left) > 0 {
		parts = append(parts, fmt.Sprintf("These have left the fleet as they are, because its deletion_policy is retain: %s. Each takes payments with "+
			"the key named here until something gives it another one.", enumerate(left)))
	}
	if len(moved) > 0 {
		parts = append(parts, fmt.Sprintf("Another resource of this run has given these another key: %s. The fleet leaves the keys that they had in "+
			"the portal: %s.", enumerate(moved), whoDeletesReplaced))
	}
	if len(parts) == 0 {
		if len(others) > 0 {
			keysStay(fmt.Sprintf("Other keys of the stores of the shops that have left the fleet, which it leaves: %s.", enumerate(others))).addTo(diags, path.Empty())
		}
		return
	}
	if len(others) > 0 {
		parts = append(parts, fmt.Sprintf("Other keys of their stores, which the fleet leaves too: %s.", enumerate(others)))
	}
	shopsLeft(strings.Join(parts, "\n\n")).addTo(diags, path.Empty())
}

// now returns what a member is after the operation; nil where it has left.
func (f *fleet) now(i int) *fleetShop {
	if f.Members[i].Err != nil && f.models[i].state != nil {
		return f.models[i].state
	}
	return f.models[i].plan
}

// applied returns the map of the shops as they are now.
func (f *fleet) applied() types.Map {
	shops := map[string]attr.Value{}
	for i, m := range f.Members {
		if shop := f.now(i); shop != nil {
			shops[m.Name] = shop.object()
		}
	}
	return types.MapValueMust(fleetShopType, shops)
}

// nothingSaved tells whether nothing has come of a creation, and nothing is left to look after.
func (f *fleet) nothingSaved() bool {
	for _, m := range f.Members {
		if m.Err == nil || m.Record != nil && len(m.Record.Memory.Unsettled) > 0 {
			return false
		}
	}
	return len(f.Members) > 0
}

// importIDs returns the import IDs of the shops as they are now, sorted.
func (f *fleet) importIDs() []string {
	ids := []string{}
	for i, m := range f.Members {
		if shop := f.now(i); shop != nil {
			ids = append(ids, m.Name+"/"+shop.MerchantID.ValueString())
		}
	}
	return ids
}

// memory returns what is to be kept of the members.
func (f *fleet) memory() fleetMemory {
	memory := fleetMemory{}
	for i, m := range f.Members {
		if f.now(i) != nil && m.Record != nil {
			memory[m.Name] = m.Record.Memory
		}
	}
	return memory
}

// shopFailure is what has gone wrong with one shop.
type shopFailure struct {
	member  *rotation.Member
	message message
	err     error
}

// shopFailures are what has gone wrong with the shops of a fleet, sorted by name.
type shopFailures []shopFailure

func (f *fleet) failures(all []rotation.Failure, m message) shopFailures {
	var failures shopFailures
	for _, failure := range all {
		failures = append(failures, shopFailure{member: failure.Member, message: m, err: failure.Err})
	}
	slices.SortStableFunc(failures, func(a, b shopFailure) int { return cmp.Compare(a.member.Name, b.member.Name) })
	return failures
}

// shopsOwn tells whether each of the failures is one of a shop's own.
func (s shopFailures) shopsOwn() bool {
	return !slices.ContainsFunc(s, func(f shopFailure) bool { return !isShopsOwn(f.err) })
}

// errors returns an error for each shop, and one for all shops to which the same has happened for a reason that is not
// theirs.
func (s shopFailures) errors() diag.Diagnostics { return s.diagnostics(message.asError) }

// warnings returns the same as warnings.
func (s shopFailures) warnings() diag.Diagnostics { return s.diagnostics(message.asWarning) }

func (s shopFailures) diagnostics(as func(message) message) diag.Diagnostics {
	var diags diag.Diagnostics
	groups := map[string][]string{}
	for _, failure := range s {
		if cause := advise(failure.err); cause.general {
			groups[cause.detail()] = append(groups[cause.detail()], failure.member.Name)
		}
	}
	for _, failure := range s {
		shops, general := groups[advise(failure.err).detail()]
		if !general {
			m, at := explain(memberPath(failure.member), failure.message.of(failure.member.Name), failure.err, "")
			as(m).addTo(&diags, at)
			continue
		}
		if shops[0] == failure.member.Name {
			m, at := explain(path.Empty(), failure.message, failure.err, "This is so of "+enumerate(shops)+".")
			as(m).addTo(&diags, at)
		}
	}
	return diags
}

// fleetMemory is what a fleet keeps of each of its shops in private state, by name.
type fleetMemory map[string]rotation.Memory

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
		if shop.Importing() {
			return true
		}
	}
	return false
}
