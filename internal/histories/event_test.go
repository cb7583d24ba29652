package histories_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// verb is a kind of event.
type verb string

// The verbs. Each event concerns a workspace, unless the comment says otherwise.
const (
	// assign gives a shop an owner in the configuration. toggle changes one of the owner's arguments.
	assign verb = "assign"
	toggle verb = "toggle"
	// apply applies the configuration. target and replace use -target and -replace for one of a shop's objects.
	// destroy destroys everything.
	apply   verb = "apply"
	target  verb = "target"
	replace verb = "replace"
	destroy verb = "destroy"
	// importKeys makes the next apply import the shop's objects. forget removes them from the state. restore replaces the
	// state with an old one.
	importKeys verb = "import"
	forget     verb = "forget"
	restore    verb = "restore"
	// move turns a shop's pair into a connection, by a moved block and a removed one.
	move verb = "move"
	// manual is a change by a person, and wait lets time pass. Neither concerns a workspace.
	manual verb = "by hand"
	wait   verb = "wait"
)

// event is one step of a history.
type event struct {
	verb      verb
	workspace int
	shop      int
	// n selects the owner, the argument, the manual change, the old state or the time.
	n     int
	fault fault
	order uint64
}

// String returns the event as a Go literal, to copy into a test.
func (e event) String() string {
	text := fmt.Sprintf("{verb: %q, workspace: %d, shop: %d, n: %d", e.verb, e.workspace, e.shop, e.n)
	if e.fault.kind != noFault {
		text += fmt.Sprintf(", fault: fault{%q, %d, %d, %d}", e.fault.kind, e.fault.at, e.fault.shop, e.fault.until)
	}
	if e.order != 0 {
		text += fmt.Sprintf(", order: %d", e.order)
	}
	return text + "}"
}

// GoString returns the event for the output of a failing test.
func (e event) GoString() string { return e.String() }

// The arguments that toggle changes.
const (
	toggleTriggers = iota
	toggleClear
	toggleKeep
	toggleDestroyFirst
	toggleSplit
	toggleWrongStore
	toggleExclusive
	toggleCreateFirst
	toggleAddress
	toggleDeleteUnused
	toggleAllow
	toggleRetain
	toggleForce
	toggleIgnore
	toggleCount
)

// The manual changes.
const (
	manualNewKey = iota
	manualClear
	manualSave
	manualDelete
	manualGenerate
	manualOldKey
	// manualShare makes another system, such as accounting, use the shop's key.
	manualShare
	manualCount
)

var waitTimes = []time.Duration{time.Second, 30 * time.Second, time.Hour, 50 * time.Hour}

// do carries out an event.
func (env *testEnv) do(ev event) {
	ws := env.workspaces[ev.workspace]
	env.logf("%v", ev)
	switch ev.verb {
	case assign:
		if owners[ev.n] == ownerNone && ws.configs[ev.shop].owner != ownerNone && !ws.has(ev.shop) {
			env.noteGenerated(ev.workspace)
		}
		env.noteCorrected(ev.workspace, ev.shop)
		ws.configs[ev.shop] = shopConfig{owner: owners[ev.n], rotations: ws.configs[ev.shop].rotations, clear: ws.configs[ev.shop].clear}
	case toggle:
		if ev.n == toggleWrongStore {
			env.noteCorrected(ev.workspace, ev.shop)
		}
		env.toggle(ws, ev)
	case apply:
		env.run(ev, tfdriver.Options{Order: ev.order})
	case target:
		env.run(ev, tfdriver.Options{Order: ev.order, Targets: []string{ws.configs[ev.shop].target(ev)}})
	case replace:
		env.run(ev, tfdriver.Options{Order: ev.order, Replace: []string{ws.configs[ev.shop].target(ev)}})
	case destroy:
		env.run(ev, tfdriver.Options{Order: ev.order, Destroy: true})
	case importKeys:
		env.importKeys(ws, ev.shop)
	case forget:
		env.forget(ws, ev.shop)
	case restore:
		env.restore(ws, ev.n)
	case manual:
		env.byHand(ev.shop, ev.n)
	case move:
		env.move(ws, ev.shop)
	case wait:
		env.advance(waitTimes[ev.n%len(waitTimes)])
	}
	if ev.verb != wait {
		env.clock.Advance(3 * time.Second)
	}
}

// targetTypes has the types of objects that an event can target.
var targetTypes = []string{keyType, shopType, connectionType, fleetType}

// target returns the address that an event targets.
func (c shopConfig) target(ev event) string {
	if typeName := targetTypes[ev.n%len(targetTypes)]; typeName != fleetType {
		return c.address(typeName, ev.shop)
	}
	return fleetType + ".all"
}

func (env *testEnv) toggle(ws *workspace, ev event) {
	cfg := &ws.configs[ev.shop]
	if ev.n == toggleTriggers {
		cfg.rotations++
		return
	}
	// With keep, the shop's key may be kept without any state having it.
	argument := map[int]*bool{
		toggleClear: &cfg.clear, toggleKeep: &cfg.keep, toggleDestroyFirst: &cfg.destroyFirst, toggleSplit: &cfg.split, toggleWrongStore: &cfg.wrongStore,
		toggleCreateFirst: &cfg.createFirst, toggleAddress: &cfg.renamed, toggleDeleteUnused: &cfg.deleteUnused, toggleAllow: &cfg.allow, toggleRetain: &cfg.retain,
		toggleForce: &cfg.force, toggleIgnore: &ws.ignored[ev.shop], toggleExclusive: &ws.exclusive[storeOf[ev.shop]],
	}[ev.n]
	*argument = !*argument
}

// advance lets time pass. Customers buy in the shops, and other systems use their keys.
func (env *testEnv) advance(d time.Duration) {
	env.clock.Advance(d)
	for _, name := range slices.Concat(shopNames[:], otherSystems[:]) {
		_ = env.sandbox.PlaceOrder(name) // An order fails in a shop that takes no payments.
	}
}

// String returns the log.
func (env *testEnv) String() string { return strings.Join(env.log, "\n") }

func (env *testEnv) working() (working [shopCount]bool) {
	for shop, name := range shopNames {
		working[shop] = env.works(name) == nil
	}
	return working
}

// run runs Terraform with the event's fault.
func (env *testEnv) run(ev event, o tfdriver.Options) outcome {
	env.before = env.working()
	env.keepByPolicy()
	var out outcome
	if ev.fault.kind == concurrentRun {
		out = env.interleave(ev, o)
	} else {
		out = env.terraform(ev.workspace, ev.fault, o)
	}
	env.keepByPolicy()
	env.report(ev.workspace, out)
	if !o.Destroy {
		env.checkRun(ev, out)
	}
	env.clearImports(env.workspaces[ev.workspace])
	return out
}

func (env *testEnv) report(i int, out outcome) {
	switch {
	case out.Failed():
		env.logf("  state %d failed: %s", i, strings.Join(out.Errors, " | "))
	case out.empty:
		env.logf("  state %d: no changes", i)
	default:
		env.logf("  state %d succeeded", i)
	}
	for _, text := range out.Warnings {
		env.logf("  state %d warned: %s", i, text)
	}
}

const (
	// suspensionTime is how long a run is suspended for another: longer than the provider relies on a read.
	suspensionTime = 5 * time.Second
	// maxSuspension limits how long a run is suspended while the other one sleeps. After a longer time between the last read
	// of the portal and an installation, nothing could prevent that the run installs a deleted key.
	maxSuspension = time.Minute
)

// interleave runs one workspace until a request, then the other until one of its requests, then finishes the first, and
// then the other. The other one finishes earlier if the first one sleeps for too long.
func (env *testEnv) interleave(ev event, o tfdriver.Options) outcome {
	other := 1 - ev.workspace
	first := &run{env: env, workspace: ev.workspace, fault: ev.fault, shopTokens: env.tokensFor(env.workspaces[ev.workspace], ev.fault), yieldAt: ev.fault.at}
	second := &run{env: env, workspace: other, fault: ev.fault, shopTokens: env.tokensFor(env.workspaces[other], ev.fault), yieldAt: ev.fault.until}
	reached, resume, done := make(chan struct{}), make(chan struct{}), make(chan outcome, 1)
	second.onYield = func() { close(reached); <-resume; env.clock.Advance(suspensionTime) }
	finish := sync.OnceValue(func() outcome { close(resume); return <-done })
	begin := func() {
		go func() { done <- env.terraformAs(second, tfdriver.Options{Order: ev.order}) }()
		select {
		case <-reached:
		case out := <-done:
			done <- out
		}
	}
	began := false
	first.onYield = func() {
		began = true
		firstStopped := env.clock.Now()
		second.beforeSleep(func(until time.Time) {
			if until.Sub(firstStopped) > maxSuspension {
				second.yield()
			}
		})
		env.clock.Advance(suspensionTime)
		begin()
		secondStopped := env.clock.Now()
		first.beforeSleep(func(until time.Time) {
			if until.Sub(secondStopped) > maxSuspension {
				first.suspend(func() { finish() })
			}
		})
	}
	out := env.terraformAs(first, o)
	if !began {
		begin()
	}
	env.report(other, finish())
	env.clearImports(env.workspaces[other])
	return out
}

// keepByPolicy records keys that a policy keeps without any state having them.
func (env *testEnv) keepByPolicy() {
	for _, ws := range env.workspaces {
		for shop, cfg := range ws.configs {
			if cfg.keep {
				env.noteKnown(env.shop(shopNames[shop]).KustomID)
			}
		}
	}
}

// importKeys makes the next apply import the shop's key and credentials.
func (env *testEnv) importKeys(ws *workspace, shop int) {
	name := shopNames[shop]
	held, ok := env.keys()[env.shop(name).KustomID]
	if !ok {
		return
	}
	for _, typeName := range []string{shopType, connectionType} {
		ws.noteInstalled(shop, held.Username, typeName)
	}
	ws.configs[shop].imports = map[string]string{
		keyType: held.MerchantID + "/" + held.CredentialID, shopType: name, connectionType: name + "/" + held.MerchantID,
	}
}

// move turns a shop's pair into a connection, if the state has the pair.
func (env *testEnv) move(ws *workspace, shop int) {
	cfg := &ws.configs[shop]
	if cfg.owner != ownerPair || ws.state.Current[cfg.address(shopType, shop)] == nil {
		return
	}
	cfg.owner, cfg.moved = ownerConnection, true
	ws.noteInstalled(shop, env.shop(shopNames[shop]).KustomID, connectionType)
}

func (env *testEnv) clearImports(ws *workspace) {
	for shop := range ws.configs {
		ws.configs[shop].imports = nil
	}
}

func (env *testEnv) forget(ws *workspace, shop int) {
	before := ws.state
	for _, typeName := range []string{keyType, shopType, connectionType} {
		ws.state = ws.state.Without(shopConfig{}.address(typeName, shop)).Without(shopConfig{renamed: true}.address(typeName, shop))
	}
	if fleet := ws.state.Current[fleetType+".all"]; fleet != nil && concerns(fleet, shop) {
		ws.state = ws.state.Without(fleetType + ".all")
	}
	env.noteForgotten(before)
}

func (env *testEnv) restore(ws *workspace, ago int) {
	if len(ws.older) == 0 {
		return
	}
	before := ws.state
	ws.state = ws.older[max(0, len(ws.older)-1-ago)]
	env.noteForgotten(before)
}

// byHand makes a manual change in a shop or in the portal.
func (env *testEnv) byHand(shop, what int) {
	name, id := shopNames[shop], storeIDs[storeOf[shop]]
	env.mu.Lock()
	defer env.mu.Unlock()
	now := env.shop(name)
	env.lag.keepShop(now, env.clock.Now())
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	switch what {
	case manualNewKey, manualGenerate:
		key, err := env.sandbox.GenerateKey(id, "")
		must(err)
		env.noteKnown(key.Username)
		if what == manualNewKey {
			must(env.sandbox.Install(name, key.Username, key.Secret))
		}
	case manualClear:
		must(env.sandbox.Install(name, "", ""))
	case manualSave:
		must(env.sandbox.Install(name, now.KustomID, now.KustomSecret))
	case manualDelete:
		if key, ok := env.keys()[now.KustomID]; ok {
			env.lag.keepKey(key, env.clock.Now())
			must(env.sandbox.DeleteKey(key.MerchantID, key.CredentialID))
		}
	case manualShare:
		if key, ok := env.keys()[now.KustomID]; ok {
			must(env.sandbox.Install(otherSystems[slices.Index(storeIDs[:], key.MerchantID)], key.Username, key.Secret))
		}
	case manualOldKey:
		if key, ok := env.keys()[id+"-old00"]; ok {
			must(env.sandbox.Install(name, key.Username, key.Secret))
		}
	}
	env.noteHolders()
	// A person has removed the shop's key, and is responsible for it.
	env.noteKnown(now.KustomID)
}

// converge runs, without faults, all workspaces until there is nothing to do.
func (env *testEnv) converge() {
	env.logf("no more faults")
	env.settle()
	if env.runUntilUnchanged() && slices.ContainsFunc(env.workspaces[:], (*workspace).deletesUnused) {
		env.logf("no other system uses a key any more")
		for _, name := range otherSystems {
			_ = env.sandbox.Install(name, "", "") // Each one exists.
		}
		env.advance(25 * time.Hour)
		env.runUntilUnchanged()
		env.checkWaiting()
	}
	if len(env.violated) == 0 {
		env.checkEnd()
	}
}

// deletesUnused reports whether the workspace has objects that delete keys after a time without use.
func (ws *workspace) deletesUnused() bool {
	return slices.ContainsFunc(ws.configs[:], func(c shopConfig) bool { return c.deleteUnused && c.deletesReplaced() })
}

// deletesReplaced reports whether the shop's object deletes the keys that it replaces.
func (c shopConfig) deletesReplaced() bool {
	return c.owner == ownerConnection || c.owner == ownerFleet
}

// runUntilUnchanged runs all workspaces until there is nothing to do, and reports whether it succeeded.
func (env *testEnv) runUntilUnchanged() bool {
	const rounds = 5
	for round := range rounds {
		unchanged := true
		for i := range env.workspaces {
			env.advance(2 * time.Minute)
			env.logf("converging: state %d, run %d", i, round+1)
			out := env.run(event{verb: apply, workspace: i}, tfdriver.Options{Order: uint64(round)})
			env.workspaces[i].retained = nil
			env.resolveRefusals(i, out.Errors)
			unchanged = unchanged && out.empty && !out.Failed()
		}
		if unchanged {
			return true
		}
	}
	env.violate(converges, "after %d runs of each state, a plan still has changes", rounds)
	return false
}

// settle makes the corrections that only people can make: each shop gets one owner, in one state and of the right
// kind.
func (env *testEnv) settle() {
	env.advance(time.Hour)
	env.settled = true
	for shop, name := range shopNames {
		for i, ws := range env.workspaces {
			env.noteCorrected(i, shop)
			ws.ignored[shop] = false
			// A shop that moved to another store may move back.
			store, _, has := strings.Cut(env.shop(name).KustomID, "-")
			ws.configs[shop].allow = ws.configs[shop].allow || has && store != storeIDs[storeOf[shop]]
			// If stopsKeeping is set, no policy keeps keys at the end.
			ws.configs[shop].keep = ws.configs[shop].keep && !env.stopsKeeping
			ws.configs[shop].wrongStore, ws.configs[shop].split, ws.configs[shop].destroyFirst, ws.configs[shop].imports = false, false, false, nil
		}
		if env.workspaces[0].configs[shop].owner != ownerNone {
			env.noteGenerated(1)
			env.disown(env.workspaces[1], shop)
		}
	}
	for i, ws := range env.workspaces {
		for store := range ws.exclusive {
			ws.exclusive[store] = ws.exclusive[store] && env.ownsStore(i, store)
		}
		env.forgetSecretless(ws)
	}
}

// forgetSecretless removes imported keys without a shop from the state. Nobody has their secrets, so no shop can get
// such a key again.
func (env *testEnv) forgetSecretless(ws *workspace) {
	for shop, cfg := range ws.configs {
		key, credentials := ws.state.Current[cfg.address(keyType, shop)], ws.state.Current[cfg.address(shopType, shop)]
		if cfg.owner != ownerPair || key == nil || credentials != nil || key.Text("secret") != "" {
			continue
		}
		before := ws.state
		ws.state = ws.state.WithoutInstance(key)
		env.noteForgotten(before)
	}
}

// noteGenerated records that a person is responsible for the keys that a workspace has generated. After a killed run, no run can
// find them if the object is removed without another run.
func (env *testEnv) noteGenerated(workspace int) {
	env.mu.Lock()
	defer env.mu.Unlock()
	for _, change := range env.changes {
		if change.workspace == workspace && change.what == "generate" {
			env.noteKnown(change.key)
		}
	}
}

// noteCorrected records that a person who corrects a shop's store is responsible for the keys that the workspace generated for the
// other store. After a killed run, no later run deals with that store.
func (env *testEnv) noteCorrected(workspace, shop int) {
	if !env.workspaces[workspace].configs[shop].wrongStore {
		return
	}
	env.mu.Lock()
	defer env.mu.Unlock()
	for _, change := range env.changes {
		if change.workspace == workspace && change.what == "generate" && strings.HasPrefix(change.key, storeIDs[1-storeOf[shop]]+"-") {
			env.noteKnown(change.key)
		}
	}
}

// disown removes a shop from a workspace that does not own it.
func (env *testEnv) disown(ws *workspace, shop int) {
	inFleet := ws.configs[shop].owner == ownerFleet
	ws.configs[shop] = shopConfig{owner: ownerNone, rotations: ws.configs[shop].rotations}
	if inFleet || ws.has(shop) {
		env.forget(ws, shop)
	}
}

// ownsStore reports whether the workspace owns all shops of a store.
func (env *testEnv) ownsStore(i, store int) bool {
	for shop := range shopNames {
		if storeOf[shop] == store && env.workspaces[i].configs[shop].owner == ownerNone {
			return false
		}
	}
	return true
}

func (env *testEnv) owned(shop int) bool {
	return slices.ContainsFunc(env.workspaces[:], func(ws *workspace) bool { return ws.configs[shop].owner != ownerNone })
}

// checkEnd checks the invariants when nothing is left to do.
func (env *testEnv) checkEnd() {
	for shop, name := range shopNames {
		if err := env.works(name); err != nil && env.owned(shop) {
			env.violate(converges, "no plan has changes, and shop %s takes no payments: %v", name, err)
		}
	}
	for _, ws := range env.workspaces {
		for _, instance := range ws.state.Instances() {
			env.checkKept(instance)
		}
	}
	for username, key := range env.keys() {
		if !env.isAccountedFor(username, key.CredentialID) {
			env.violate(leavesNoOrphan, "no plan has changes, and key %s is in no state and in no shop", username)
		}
	}
}
