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

// fleet is one operation of the engine on many shops, with Terraform's values of each.
type fleet struct {
	rotation.Fleet
	// models has Terraform's values of each member, in the same order.
	models []*fleetModels
	// updates reports that the fleet stays, so Terraform does not replace it after an error.
	updates bool
}

// fleetModels are Terraform's values of one shop.
type fleetModels struct {
	config connectedShop
	// plan is the shop's planned or read value; nil if it leaves the fleet. State is its old value; nil if it
	// is new.
	plan, state *fleetShop
}

// old returns the shop's old value, nil if it is new.
func (m *fleetModels) old() *connectedShop {
	if m.state == nil {
		return nil
	}
	return &m.state.connectedShop
}

// checkEnvironments rejects stores of the other environment.
func (f *fleet) checkEnvironments(environment *kustom.Environment, diags *diag.Diagnostics) {
	for i, m := range f.Members {
		checkEnvironment(diags, memberPath(m).AtName("merchant_id"), environment, "store", f.models[i].config.MerchantID)
	}
}

func memberPath(m *rotation.Member) path.Path { return path.Root("shops").AtMapKey(m.Name) }

// plan plans every member. An error of one shop does not block the others: it becomes a warning, and the apply
// tries.
func (f *fleet) plan(ctx context.Context, diags *diag.Diagnostics) {
	failures := f.failures(f.Decide(ctx), shopNotConnectable())
	if blocking := f.blocking(failures); len(blocking) > 0 {
		for i := range blocking {
			blocking[i].err = f.Engine.WithMissingStore(ctx, blocking[i].err)
		}
		diags.Append(blocking.errors()...)
		return
	}
	diags.Append(failures.warnings()...)
	f.warnOfGone(diags)
	f.warnOfClearing(diags)
	f.warnOfDeletions(failures, diags)
	f.warnOfPossibleOrphans(ctx, diags)
	addEngineWarnings(f.Engine, diags)
}

// warnOfPossibleOrphans names the keys that a killed run may have left behind.
func (f *fleet) warnOfPossibleOrphans(ctx context.Context, diags *diag.Diagnostics) {
	for _, m := range f.Members {
		if m.IsRemoved() || m.Plan.Undecided {
			continue
		}
		// A plan does not fail because possible orphans can't be listed.
		if orphans, err := f.Engine.OrphanCandidatesFor(ctx, *m.Config, m.Plan, m.Record); err == nil {
			warnOfPossibleOrphans(f.Engine, diags, path.Empty(), m.Config.MerchantID, orphans, "")
		}
	}
}

// blocking returns the failures that must stop the plan. These are a shop that would get a key of another
// store, and a description that the portal does not support. For a creation they are all failures if no shop
// could be connected, and failures about all shops.
func (f *fleet) blocking(failures shopFailures) shopFailures {
	created := !slices.ContainsFunc(f.models, func(m *fleetModels) bool { return m.state != nil })
	if created && len(failures) == len(f.Members) {
		return failures
	}
	var blocking shopFailures
	for _, failure := range failures {
		if isWrongStore(failure.err) || errors.Is(failure.err, rotation.ErrNoDescriptions) || failure.member.Record == nil && advise(failure.err).general && !isShopError(failure.err) {
			blocking = append(blocking, failure)
		}
	}
	return blocking
}

// warnOfGone names the shops whose keys were deleted.
func (f *fleet) warnOfGone(diags *diag.Diagnostics) {
	var shops []string
	for _, m := range f.Members {
		if m.Plan.Gone != "" {
			shops = append(shops, gone(m.Name, m.Plan))
		}
	}
	if len(shops) > 0 {
		shopsTakeNoPayments(enumerate(shops)).addTo(diags, path.Empty())
	}
}

// warnOfClearing says which shops will take no more payments.
func (f *fleet) warnOfClearing(diags *diag.Diagnostics) {
	var cleared []string
	for _, m := range f.Members {
		if m.ClearOnRemoval {
			cleared = append(cleared, fmt.Sprintf("%s (%s)", m.Name, m.Record.Username))
		}
	}
	if len(cleared) > 0 {
		shopsWillTakeNoPayments(enumerate(cleared)).addTo(diags, path.Empty())
	}
}

// warnOfDeletions counts the switches, the deletions, and the shops that are not decided yet or can't be read:
// Terraform's summary counts only objects.
func (f *fleet) warnOfDeletions(failures shopFailures, diags *diag.Diagnostics) {
	var all rotation.Plan
	var others, undecided, unreadable []string
	switched := 0
	for _, m := range f.Members {
		if failures.has(m) && !m.Plan.Undecided {
			continue
		}
		if m.Plan.Changes && !m.Plan.Undecided {
			all.Delete = appendNew(all.Delete, m.Plan.Delete, keyName)
			others = append(others, m.Plan.OtherKeys...)
		}
		switch {
		case m.Plan.Undecided:
			undecided = append(undecided, m.Name)
		case m.Plan.Generate && f.Engine.Shops.IsUnreadable(m.Name):
			unreadable = append(unreadable, m.Name)
		case m.Plan.Generate:
			switched++
		}
	}
	all.AddOtherKeys(others)
	text := describeDeletions(all)
	if text == "" {
		return
	}
	text = fmt.Sprintf("%s will get a new key; %s.", count(switched, "shop"), text)
	if len(undecided) > 0 {
		text += fmt.Sprintf(" The plan can't decide about %s yet: %s.", count(len(undecided), "shop"), enumerate(undecided))
	}
	if len(unreadable) > 0 {
		text += fmt.Sprintf(" The apply tries again to read %s, and gives each readable shop a new key: %s.", count(len(unreadable), "shop"), enumerate(unreadable))
	}
	blocked, by := f.Engine.Blocked(all)
	// Terraform would quote the whole attribute, with every shop.
	keysPlanned(all, join(text, describeBlocked(blocked, by, waysToAsk))).addTo(diags, path.Empty())
}

// appendNew appends the items whose names are not in the list yet. Shops may share a store and a key, and may
// release it at different times.
func appendNew[T any](list, more []T, name func(T) string) []T {
	for _, item := range more {
		if !slices.ContainsFunc(list, func(known T) bool { return name(known) == name(item) }) {
			list = append(list, item)
		}
	}
	return list
}

// planned returns the planned map of the shops. Unknown elements stay unknown.
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
		models.plan.setPlan(m.Plan, models.config, models.old(), host)
		switch {
		case m.HasChanges() || models.state == nil || m.Plan.Undecided:
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
		f.models[i].plan.setRecord(*m.Record)
		f.models[i].plan.KeysLeft = stillLeft(f.models[i].plan.KeysLeft, m.Record.Memory)
		if !m.Record.Memory.IsUnfinished() {
			f.models[i].plan.LastError = types.StringNull()
		}
	}
	return failures
}

// apply carries out each member's plan.
func (f *fleet) apply(ctx context.Context, diags *diag.Diagnostics) shopFailures {
	leave := f.Engine.StartOperation()
	f.redecide(ctx)
	failures := f.failures(f.Execute(ctx), shopKeepsKey())
	for i := range failures {
		switch {
		case failures[i].member.IsRemoved():
			failures[i].message = shopNotRemoved()
		case leavesShopUnknown(failures[i].err):
			failures[i].message = shopMayHaveAnotherKey()
		case hasNoExtension(failures[i].err):
			failures[i].message = shopNotConnected()
		}
		failures[i].err = f.Engine.WithMissingStore(ctx, f.Engine.WithUnusedKeys(ctx, storeOf(failures[i].member), failures[i].err))
		failures[i].member.Err = failures[i].err
	}
	names := make([]string, 0, len(f.Members))
	for i, m := range f.Members {
		names = append(names, m.Name)
		f.models[i].setResult(m)
		if m.NotCleared {
			shopLeftAlone(m.Name, m.Record.Username, f.Engine.Shops.LastSeen(m.Name)).addTo(diags, path.Empty())
		}
	}
	f.Engine.RetryPending(ctx)
	reportKeptKeys(diags, append(f.kept(), leave()...), f.updates)
	f.warnOfLeaving(diags)
	addEngineWarnings(f.Engine, diags, names...)
	return failures
}

// kept returns the keys that could not be deleted, without those that a later step may find deletable.
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

// storeOf returns the store of a member's shop. A member that was not started has no record yet.
func storeOf(m *rotation.Member) string {
	if m.Config != nil {
		return m.Config.MerchantID
	}
	return m.Record.MerchantID
}

// redecide decides again for the shops that were unreadable at plan.
func (f *fleet) redecide(ctx context.Context) {
	undecided := rotation.Fleet{}
	for _, m := range f.Members {
		if !m.IsRemoved() && m.Plan.Undecided {
			undecided.Members = append(undecided.Members, m)
		}
	}
	if len(undecided.Members) == 0 {
		return
	}
	members := f.Members
	f.Members = undecided.Members
	for _, failure := range f.Decide(ctx) {
		failure.Member.ReadErr = failure.Err
	}
	f.Members = members
}

// setResult copies the member's result.
func (m *fleetModels) setResult(member *rotation.Member) {
	if member.Err == nil && m.plan == nil {
		return
	}
	if member.Err == nil {
		m.plan.setRecord(*member.Record)
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

// warnOfLeaving says which shops have left the fleet unchanged, and which keys of the stores stay.
func (f *fleet) warnOfLeaving(diags *diag.Diagnostics) {
	var left, moved, others []string
	for _, m := range f.Members {
		if !m.IsRemoved() || m.Err != nil || m.Record.Username == "" {
			continue
		}
		others = appendNew(others, m.Remaining.OtherKeys, func(name string) string { return name })
		if m.ClearOnRemoval {
			continue
		}
		if m.Remaining.InstalledKey != "" {
			moved = append(moved, fmt.Sprintf("%s (%s in place of %s)", m.Name, m.Remaining.InstalledKey, m.Record.Username))
		} else {
			left = append(left, fmt.Sprintf("%s (%s)", m.Name, m.Record.Username))
		}
	}
	var parts []string
	if len(left) > 0 {
		parts = append(parts, fmt.Sprintf("These shops have left the fleet and keep their keys, because deletion_policy "+
			"is retain: %s. Each takes payments with the key named here until it gets another one.", enumerate(left)))
	}
	if len(moved) > 0 {
		parts = append(parts, fmt.Sprintf("Another resource of this run has given these shops another key: %s. The fleet "+
			"leaves their old keys in the portal. %s", enumerate(moved), replacedKeyDeletion))
	}
	if len(parts) == 0 {
		if len(others) > 0 {
			keysStay(fmt.Sprintf("The fleet leaves these other keys of the stores of the removed shops: %s.", enumerate(others))).addTo(diags, path.Empty())
		}
		return
	}
	if len(others) > 0 {
		parts = append(parts, fmt.Sprintf("The fleet also leaves these other keys of their stores: %s.", enumerate(others)))
	}
	shopsLeft(strings.Join(parts, "\n\n")).addTo(diags, path.Empty())
}

// current returns a member after the operation; nil if it has left.
func (f *fleet) current(i int) *fleetShop {
	if f.Members[i].Err != nil && f.models[i].state != nil {
		return f.models[i].state
	}
	return f.models[i].plan
}

// applied returns the map of the shops after the operation.
func (f *fleet) applied() types.Map {
	shops := map[string]attr.Value{}
	for i, m := range f.Members {
		if shop := f.current(i); shop != nil {
			shops[m.Name] = shop.object()
		}
	}
	return types.MapValueMust(fleetShopType, shops)
}

// nothingSaved reports whether a creation has achieved nothing and left nothing to clean up.
func (f *fleet) nothingSaved() bool {
	for _, m := range f.Members {
		if m.Err == nil || m.Record != nil && len(m.Record.Memory.Undeleted) > 0 {
			return false
		}
	}
	return len(f.Members) > 0
}

// importIDs returns the import IDs of the present shops, sorted.
func (f *fleet) importIDs() []string {
	ids := []string{}
	for i, m := range f.Members {
		if shop := f.current(i); shop != nil {
			ids = append(ids, m.Name+"/"+shop.MerchantID.ValueString())
		}
	}
	return ids
}

// memory returns the members' private state.
func (f *fleet) memory() fleetMemory {
	memory := fleetMemory{}
	for i, m := range f.Members {
		if f.current(i) != nil && m.Record != nil {
			memory[m.Name] = m.Record.Memory
		}
	}
	return memory
}

// shopFailure is the failure of one shop.
type shopFailure struct {
	member  *rotation.Member
	message message
	err     error
}

// shopFailures are the failures of a fleet's shops, sorted by name.
type shopFailures []shopFailure

// failures returns the engine's failures with a message, sorted by shop.
func (f *fleet) failures(all []rotation.Failure, m message) shopFailures {
	var failures shopFailures
	for _, failure := range all {
		failures = append(failures, shopFailure{member: failure.Member, message: m, err: failure.Err})
	}
	slices.SortStableFunc(failures, func(a, b shopFailure) int { return cmp.Compare(a.member.Name, b.member.Name) })
	return failures
}

// onlyShopErrors reports whether each failure is about one shop only.
func (s shopFailures) onlyShopErrors() bool {
	return !slices.ContainsFunc(s, func(f shopFailure) bool { return !isShopError(f.err) })
}

// has reports whether a member has failed.
func (s shopFailures) has(m *rotation.Member) bool {
	return slices.ContainsFunc(s, func(f shopFailure) bool { return f.member == m })
}

// errors returns an error for each shop. Failures with the same general cause share one error.
func (s shopFailures) errors() diag.Diagnostics { return s.diagnostics(message.asError) }

// warnings returns the same as warnings.
func (s shopFailures) warnings() diag.Diagnostics { return s.diagnostics(message.asWarning) }

// diagnostics implements errors and warnings.
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
			m, at := explain(path.Empty(), failure.message, failure.err, "This applies to "+enumerate(shops)+".")
			as(m).addTo(&diags, at)
		}
	}
	return diags
}

// fleetMemory is a fleet's private state of each of its shops, by name.
type fleetMemory map[string]rotation.Memory

const fleetMemoryKey = "fleet"

// readFleetMemory returns the engine's memory of each shop from private state.
func readFleetMemory(ctx context.Context, private privateState, diags *diag.Diagnostics) fleetMemory {
	return readPrivate[fleetMemory](ctx, private, fleetMemoryKey, diags)
}

// write saves the memory in private state.
func (m fleetMemory) write(ctx context.Context, private privateState, diags *diag.Diagnostics) {
	writePrivate(ctx, private, fleetMemoryKey, m, diags)
}

// importing reports whether the fleet was imported and not read yet.
func (m fleetMemory) importing() bool {
	for _, shop := range m {
		if shop.IsImporting() {
			return true
		}
	}
	return false
}
