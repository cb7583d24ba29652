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

// The verbs. Each event concerns an estate, unless the comment says otherwise.
const (
	// want gives a shop an owner in the configuration. tune toggles one of the owner's arguments.
	want verb = "want"
	tune verb = "tune"
	// apply applies the configuration. target and replace use -target and -replace for one of a shop's objects.
	// destroy destroys everything.
	apply   verb = "apply"
	target  verb = "target"
	replace verb = "replace"
	destroy verb = "destroy"
	// adopt makes the next apply import the shop's objects. forget removes them from the state. restore replaces the
	// state with an old one.
	adopt   verb = "import"
	forget  verb = "forget"
	restore verb = "restore"
	// move turns a shop's pair into a connection, by a moved block and a removed one.
	move verb = "move"
	// hand is a change by hand, and wait lets time pass. Neither concerns an estate.
	hand verb = "by hand"
	wait verb = "wait"
)

// event is one step of a history.
type event struct {
	verb   verb
	estate int
	shop   int
	// n selects the owner, the argument, the change by hand, the old state or the time.
	n       int
	trouble trouble
	order   uint64
}

// String returns the event as a Go literal, to copy into a test.
func (e event) String() string {
	text := fmt.Sprintf("{verb: %q, estate: %d, shop: %d, n: %d", e.verb, e.estate, e.shop, e.n)
	if e.trouble.kind != noTrouble {
		text += fmt.Sprintf(", trouble: trouble{%q, %d, %d, %d}", e.trouble.kind, e.trouble.at, e.trouble.shop, e.trouble.until)
	}
	if e.order != 0 {
		text += fmt.Sprintf(", order: %d", e.order)
	}
	return text + "}"
}

// GoString returns the event for the output of a failing test.
func (e event) GoString() string { return e.String() }

// The arguments that tune toggles.
const (
	tuneTurn = iota
	tuneClear
	tuneKeep
	tuneLate
	tuneSplit
	tuneMistaken
	tuneExclusive
	tuneOverlap
	tuneName
	tuneQuiet
	tuneAllow
	tuneRetain
	tuneForce
	tuneIgnore
	tunes
)

// The changes by hand.
const (
	handNewKey = iota
	handClear
	handSave
	handDelete
	handGenerate
	handOldKey
	// handShare makes another system, such as accounting, use the shop's key.
	handShare
	hands
)

var waits = []time.Duration{time.Second, 30 * time.Second, time.Hour, 50 * time.Hour}

// do carries out an event.
func (w *testEnv) do(ev event) {
	e := w.estates[ev.estate]
	w.tell("%v", ev)
	switch ev.verb {
	case want:
		if owners[ev.n] == ownerNone && e.wishes[ev.shop].owner != ownerNone && !e.has(ev.shop) {
			w.knowMade(ev.estate)
		}
		w.correct(ev.estate, ev.shop)
		e.wishes[ev.shop] = wish{owner: owners[ev.n], turns: e.wishes[ev.shop].turns, clear: e.wishes[ev.shop].clear}
	case tune:
		if ev.n == tuneMistaken {
			w.correct(ev.estate, ev.shop)
		}
		w.tune(e, ev)
	case apply:
		w.run(ev, tfdriver.Options{Order: ev.order})
	case target:
		w.run(ev, tfdriver.Options{Order: ev.order, Targets: []string{e.wishes[ev.shop].target(ev)}})
	case replace:
		w.run(ev, tfdriver.Options{Order: ev.order, Replace: []string{e.wishes[ev.shop].target(ev)}})
	case destroy:
		w.run(ev, tfdriver.Options{Order: ev.order, Destroy: true})
	case adopt:
		w.adopt(e, ev.shop)
	case forget:
		w.forget(e, ev.shop)
	case restore:
		w.restore(e, ev.n)
	case hand:
		w.byHand(ev.shop, ev.n)
	case move:
		w.move(e, ev.shop)
	case wait:
		w.pass(waits[ev.n%len(waits)])
	}
	if ev.verb != wait {
		w.clock.Advance(3 * time.Second)
	}
}

// aimed has the types of objects that an event can target.
var aimed = []string{keyType, shopType, connectionType, fleetType}

// target returns the address that an event targets.
func (w wish) target(ev event) string {
	if typeName := aimed[ev.n%len(aimed)]; typeName != fleetType {
		return w.address(typeName, ev.shop)
	}
	return fleetType + ".all"
}

func (w *testEnv) tune(e *estate, ev event) {
	wish := &e.wishes[ev.shop]
	if ev.n == tuneTurn {
		wish.turns++
		return
	}
	// With keep, the shop's key may be kept without any state having it.
	argument := map[int]*bool{
		tuneClear: &wish.clear, tuneKeep: &wish.keep, tuneLate: &wish.late, tuneSplit: &wish.split, tuneMistaken: &wish.mistaken,
		tuneOverlap: &wish.overlap, tuneName: &wish.renamed, tuneQuiet: &wish.quiet, tuneAllow: &wish.allow, tuneRetain: &wish.retain,
		tuneForce: &wish.force, tuneIgnore: &e.ignored[ev.shop], tuneExclusive: &e.exclusive[storeOf[ev.shop]],
	}[ev.n]
	*argument = !*argument
}

// pass lets time pass. Customers buy in the shops, and other systems use their keys.
func (w *testEnv) pass(d time.Duration) {
	w.clock.Advance(d)
	for _, name := range slices.Concat(shopNames[:], otherSystems[:]) {
		_ = w.sandbox.PlaceOrder(name) // Some may take no payments.
	}
}

// String returns the story so far.
func (w *testEnv) String() string { return strings.Join(w.story, "\n") }

func (w *testEnv) working() (working [shopCount]bool) {
	for shop, name := range shopNames {
		working[shop] = w.works(name) == nil
	}
	return working
}

// run runs Terraform with the event's trouble.
func (w *testEnv) run(ev event, o tfdriver.Options) outcome {
	w.before = w.working()
	w.keepByPolicy()
	var out outcome
	if ev.trouble.kind == meet {
		out = w.meeting(ev, o)
	} else {
		out = w.terraform(ev.estate, ev.trouble, o)
	}
	w.keepByPolicy()
	w.report(ev.estate, out)
	if !o.Destroy {
		w.judgeRun(ev, out)
	}
	w.clearImports(w.estates[ev.estate])
	return out
}

func (w *testEnv) report(i int, out outcome) {
	switch {
	case out.Failed():
		w.tell("  state %d failed: %s", i, strings.Join(out.Errors, " | "))
	case out.empty:
		w.tell("  state %d: no changes", i)
	default:
		w.tell("  state %d ended well", i)
	}
	for _, text := range out.Warnings {
		w.tell("  state %d warned: %s", i, text)
	}
}

const (
	// meetingTime is how long a run pauses for another: longer than the provider relies on a read.
	meetingTime = 5 * time.Second
	// longestStop is the longest pause of a run while the other one waits. After a longer pause between the last read
	// of the portal and an installation, nothing could prevent that the run installs a deleted key.
	longestStop = time.Minute
)

// meeting runs one estate until a request, then the other until one of its requests, then finishes the first, and
// then the other. It ends earlier if the first one waits for longer than the pause.
func (w *testEnv) meeting(ev event, o tfdriver.Options) outcome {
	other := 1 - ev.estate
	first := &run{world: w, estate: ev.estate, trouble: ev.trouble, shopTokens: w.tokensFor(w.estates[ev.estate], ev.trouble), meetAt: ev.trouble.at}
	second := &run{world: w, estate: other, trouble: ev.trouble, shopTokens: w.tokensFor(w.estates[other], ev.trouble), meetAt: ev.trouble.until}
	reached, resume, done := make(chan struct{}), make(chan struct{}), make(chan outcome, 1)
	second.met = func() { close(reached); <-resume; w.clock.Advance(meetingTime) }
	finish := sync.OnceValue(func() outcome { close(resume); return <-done })
	begin := func() {
		go func() { done <- w.terraformAs(second, tfdriver.Options{Order: ev.order}) }()
		select {
		case <-reached:
		case out := <-done:
			done <- out
		}
	}
	began := false
	first.met = func() {
		began = true
		firstStopped := w.clock.Now()
		second.beforeSleep(func(until time.Time) {
			if until.Sub(firstStopped) > longestStop {
				second.meet()
			}
		})
		w.clock.Advance(meetingTime)
		begin()
		secondStopped := w.clock.Now()
		first.beforeSleep(func(until time.Time) {
			if until.Sub(secondStopped) > longestStop {
				first.standStill(func() { finish() })
			}
		})
	}
	out := w.terraformAs(first, o)
	if !began {
		begin()
	}
	w.report(other, finish())
	w.clearImports(w.estates[other])
	return out
}

// keepByPolicy records keys that a policy keeps without any state having them.
func (w *testEnv) keepByPolicy() {
	for _, e := range w.estates {
		for shop, wish := range e.wishes {
			if wish.keep {
				w.answer(w.shop(shopNames[shop]).KustomID)
			}
		}
	}
}

// adopt makes the next apply import the shop's key and credentials.
func (w *testEnv) adopt(e *estate, shop int) {
	name := shopNames[shop]
	held, ok := w.keys()[w.shop(name).KustomID]
	if !ok {
		return
	}
	for _, typeName := range []string{shopType, connectionType} {
		e.own(shop, held.Username, typeName)
	}
	e.wishes[shop].imports = map[string]string{
		keyType: held.MerchantID + "/" + held.CredentialID, shopType: name, connectionType: name + "/" + held.MerchantID,
	}
}

// move turns a shop's pair into a connection, if the state has the pair.
func (w *testEnv) move(e *estate, shop int) {
	wish := &e.wishes[shop]
	if wish.owner != ownerPair || e.state.Current[wish.address(shopType, shop)] == nil {
		return
	}
	wish.owner, wish.moved = ownerConnection, true
	e.own(shop, w.shop(shopNames[shop]).KustomID, connectionType)
}

func (w *testEnv) clearImports(e *estate) {
	for shop := range e.wishes {
		e.wishes[shop].imports = nil
	}
}

func (w *testEnv) forget(e *estate, shop int) {
	before := e.state
	for _, typeName := range []string{keyType, shopType, connectionType} {
		e.state = e.state.Without(wish{}.address(typeName, shop)).Without(wish{renamed: true}.address(typeName, shop))
	}
	if fleet := e.state.Current[fleetType+".all"]; fleet != nil && concerns(fleet, shop) {
		e.state = e.state.Without(fleetType + ".all")
	}
	w.letGo(before)
}

func (w *testEnv) restore(e *estate, ago int) {
	if len(e.older) == 0 {
		return
	}
	before := e.state
	e.state = e.older[max(0, len(e.older)-1-ago)]
	w.letGo(before)
}

// byHand makes a change by hand in a shop or in the portal.
func (w *testEnv) byHand(shop, what int) {
	name, id := shopNames[shop], storeIDs[storeOf[shop]]
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.shop(name)
	w.lag.keepShop(now, w.clock.Now())
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	switch what {
	case handNewKey, handGenerate:
		key, err := w.sandbox.GenerateKey(id, "")
		must(err)
		w.known[key.Username] = true
		if what == handNewKey {
			must(w.sandbox.Install(name, key.Username, key.Secret))
		}
	case handClear:
		must(w.sandbox.Install(name, "", ""))
	case handSave:
		must(w.sandbox.Install(name, now.KustomID, now.KustomSecret))
	case handDelete:
		if key, ok := w.keys()[now.KustomID]; ok {
			w.lag.keepKey(key, w.clock.Now())
			must(w.sandbox.DeleteKey(key.MerchantID, key.CredentialID))
		}
	case handShare:
		if key, ok := w.keys()[now.KustomID]; ok {
			must(w.sandbox.Install(otherSystems[slices.Index(storeIDs[:], key.MerchantID)], key.Username, key.Secret))
		}
	case handOldKey:
		if key, ok := w.keys()[id+"-old00"]; ok {
			must(w.sandbox.Install(name, key.Username, key.Secret))
		}
	}
	w.noteHolders()
	// A person has removed the shop's key, and is responsible for it.
	w.known[now.KustomID] = true
}

// converge ends all trouble, and runs all estates until there is nothing to do.
func (w *testEnv) converge() {
	w.tell("all trouble is over")
	w.settle()
	if w.untilQuiet() && slices.ContainsFunc(w.estates[:], (*estate).waits) {
		w.tell("nothing uses old keys any more")
		for _, name := range otherSystems {
			_ = w.sandbox.Install(name, "", "") // Each is there.
		}
		w.pass(25 * time.Hour)
		w.untilQuiet()
		w.judgeWaiting()
	}
	if len(w.broken) == 0 {
		w.judgeEnd()
	}
}

// waits reports whether the estate has objects that delete keys after a time without use.
func (e *estate) waits() bool {
	return slices.ContainsFunc(e.wishes[:], func(w wish) bool { return w.quiet && w.isEngines() })
}

// isEngines reports whether the shop's object deletes the keys that it replaces.
func (w wish) isEngines() bool { return w.owner == ownerConnection || w.owner == ownerFleet }

// untilQuiet runs all estates until there is nothing to do, and reports whether it succeeded.
func (w *testEnv) untilQuiet() bool {
	const rounds = 5
	for round := range rounds {
		quiet := true
		for i := range w.estates {
			w.pass(2 * time.Minute)
			w.tell("converging: state %d, run %d", i, round+1)
			out := w.run(event{verb: apply, estate: i}, tfdriver.Options{Order: uint64(round)})
			w.estates[i].retained = nil
			w.letGoOfHeld(i, out.Errors)
			quiet = quiet && out.empty && !out.Failed()
		}
		if quiet {
			return true
		}
	}
	w.breach(promiseConverges, "after %d runs of each state there is still something to do", rounds)
	return false
}

// settle makes the corrections that only people can make: each shop gets one owner, in one state and of the right
// kind.
func (w *testEnv) settle() {
	w.pass(time.Hour)
	w.settled = true
	for shop, name := range shopNames {
		for i, e := range w.estates {
			w.correct(i, shop)
			e.ignored[shop] = false
			// A shop that moved to another store may move back.
			store, _, has := strings.Cut(w.shop(name).KustomID, "-")
			e.wishes[shop].allow = e.wishes[shop].allow || has && store != storeIDs[storeOf[shop]]
			// In a tidy history, nobody keeps keys in the end.
			e.wishes[shop].keep = e.wishes[shop].keep && !w.tidy
			e.wishes[shop].mistaken, e.wishes[shop].split, e.wishes[shop].late, e.wishes[shop].imports = false, false, false, nil
		}
		if w.estates[0].wishes[shop].owner != ownerNone {
			w.knowMade(1)
			w.disown(w.estates[1], shop)
		}
	}
	for i, e := range w.estates {
		for store := range e.exclusive {
			e.exclusive[store] = e.exclusive[store] && w.ownsStore(i, store)
		}
		w.letGoOfSecretless(e)
	}
}

// letGoOfSecretless removes imported keys without a shop from the state. Nobody has their secrets, so no shop can get
// such a key again.
func (w *testEnv) letGoOfSecretless(e *estate) {
	for shop, wish := range e.wishes {
		key, credentials := e.state.Current[wish.address(keyType, shop)], e.state.Current[wish.address(shopType, shop)]
		if wish.owner != ownerPair || key == nil || credentials != nil || key.Text("secret") != "" {
			continue
		}
		before := e.state
		e.state = e.state.WithoutInstance(key)
		w.letGo(before)
	}
}

// knowMade records that a person is responsible for the keys that an estate has made. After a killed run, no run can
// find them if the object is removed without another run.
func (w *testEnv) knowMade(estate int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, change := range w.changes {
		if change.estate == estate && change.what == "generate" {
			w.known[change.key] = true
		}
	}
}

// correct records that a person who corrects a shop's store is responsible for the keys that the estate made for the
// other store. After a killed run, no later run deals with that store.
func (w *testEnv) correct(estate, shop int) {
	if !w.estates[estate].wishes[shop].mistaken {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, change := range w.changes {
		if change.estate == estate && change.what == "generate" && strings.HasPrefix(change.key, storeIDs[1-storeOf[shop]]+"-") {
			w.answer(change.key)
		}
	}
}

// disown removes a shop from an estate that does not own it.
func (w *testEnv) disown(e *estate, shop int) {
	inFleet := e.wishes[shop].owner == ownerFleet
	e.wishes[shop] = wish{owner: ownerNone, turns: e.wishes[shop].turns}
	if inFleet || e.has(shop) {
		w.forget(e, shop)
	}
}

// ownsStore reports whether the estate owns all shops of a store.
func (w *testEnv) ownsStore(i, store int) bool {
	for shop := range shopNames {
		if storeOf[shop] == store && w.estates[i].wishes[shop].owner == ownerNone {
			return false
		}
	}
	return true
}

func (w *testEnv) owned(shop int) bool {
	return slices.ContainsFunc(w.estates[:], func(e *estate) bool { return e.wishes[shop].owner != ownerNone })
}

// judgeEnd checks the invariants when nothing is left to do.
func (w *testEnv) judgeEnd() {
	for shop, name := range shopNames {
		if err := w.works(name); err != nil && w.owned(shop) {
			w.breach(promiseConverges, "nothing is left to do, and shop %s takes no payments: %v", name, err)
		}
	}
	for _, e := range w.estates {
		for _, instance := range e.state.Instances() {
			w.judgeKept(instance)
		}
	}
	for username, key := range w.keys() {
		if !w.accounted(username, key.CredentialID) {
			w.breach(promiseOrphan, "nothing is left to do, and key %s lives in no state and in no shop", username)
		}
	}
}
