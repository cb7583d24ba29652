package histories_test

import (
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// judgeChange checks the invariants for one change. The lock is held.
func (w *testEnv) judgeChange(by carrier, c apiChange) {
	e := w.estates[c.estate]
	shop := slices.Index(shopNames[:], c.shop)
	switch c.what {
	case "install":
		w.judgeInstall(c)
		w.noteHolders()
		e.own(shop, c.key, c.by)
	case "clear":
		if c.worked && !e.mayClear(shop, c) {
			w.breach(promiseClear, "state %d cleared shop %s, which worked with %s, a key that is not its own or without being asked", c.estate, c.shop, c.before)
		}
	case "delete":
		w.judgeUse(c)
		if len(c.holders) > 0 && !by.couldNotKnow(c) && !by.hadEvidence(c) && !w.isForced(c) {
			w.breach(promiseKeyInUse, "state %d deleted key %s, which shops %v hold", c.estate, c.key, c.holders)
		}
	}
}

// couldNotKnow reports whether the provider sees shops, which all answer, but not those with the key. No rule can
// protect a shop that the provider was not told about. But the provider must not touch a key that none of its shops
// has held, unless it is to delete all keys that are not named.
func (c carrier) couldNotKnow(change apiChange) bool {
	concerned := change.by == exclusiveType && slices.ContainsFunc(shopNames[:], func(shop string) bool { return c.sees[shop] })
	for shop := range c.run.world.held[change.key] {
		sees, told := c.sees[shop]
		concerned = concerned || sees || told // This includes an ignored shop.
	}
	if !concerned || slices.ContainsFunc(change.holders, func(shop string) bool { return c.sees[shop] }) {
		return false
	}
	for _, shop := range change.holders {
		c.run.world.victims[shop] = true
	}
	return true
}

// hadEvidence reports whether the policy lets the key's last use stand in for the answers of its holders, because none of
// them could be read in the run.
func (c carrier) hadEvidence(change apiChange) bool {
	t := c.run.trouble
	unreadable := func(shop string) bool { return (t.kind == dead || t.kind == refuseRead) && shopNames[t.shop] == shop }
	quiet := func(w wish) bool { return w.quiet && w.typeName() == change.by }
	e := c.run.world.estates[change.estate]
	if !change.idle || !slices.ContainsFunc(e.wishes[:], quiet) || !slices.ContainsFunc(change.holders, unreadable) {
		return false
	}
	for _, shop := range change.holders {
		if !unreadable(shop) {
			return false
		}
		c.run.world.victims[shop] = true
	}
	return true
}

func (w *testEnv) judgeInstall(c apiChange) {
	was, _, _ := strings.Cut(c.before, "-")
	is, _, _ := strings.Cut(c.key, "-")
	leaves := c.before != "" && was != is
	if leaves && w.estates[c.estate].allows(slices.Index(shopNames[:], c.shop), c.by) {
		// No object deletes a key of another store than the configured one.
		w.answer(c.before)
		w.moving[c.shop] = true
	} else if leaves {
		w.breach(promiseStore, "state %d gave shop %s a key of store %s, and it had one of %s", c.estate, c.shop, is, was)
	}
	if c.worked && w.works(c.shop) != nil {
		w.breach(promiseShop, "state %d stopped shop %s: it had %s, and has %s", c.estate, c.shop, c.before, c.key)
	}
}

// allows reports whether the configuration permits an object of a type to give the shop a key of another store.
func (e *estate) allows(shop int, by string) bool {
	if by == fleetType {
		return slices.ContainsFunc(e.wishes[:], func(w wish) bool { return w.owner == ownerFleet && w.allow })
	}
	return e.wishes[shop].allow
}

// works returns nil if a shop takes payments. The sandbox does not know shops that move to another store.
func (w *testEnv) works(name string) error {
	err := w.sandbox.Working(name)
	shop := w.shop(name)
	if key, ok := w.keys()[shop.KustomID]; ok && w.moving[name] && key.Secret == shop.KustomSecret {
		return nil
	}
	return err
}

// isForced reports whether force_destroy deletes a pair's key.
func (w *testEnv) isForced(c apiChange) bool {
	forced := c.by == keyType && slices.ContainsFunc(w.estates[c.estate].state.Instances(), func(i *tfdriver.Instance) bool {
		return i.Text("username") == c.key && i.IsTrue("force_destroy")
	})
	if forced {
		for _, shop := range c.holders {
			w.victims[shop] = true
		}
	}
	return forced
}

// judgeUse checks that a deletion obeys a policy that waits for a time without use.
func (w *testEnv) judgeUse(c apiChange) {
	if !isEngines(c.by) || !w.isUsedElsewhere(c.key) {
		return
	}
	for name := range w.held[c.key] {
		wish := w.estates[c.estate].policy(slices.Index(shopNames[:], name))
		if wish.typeName() == c.by && wish.quiet && !wish.clear {
			w.breach(promiseQuiet, "state %d deleted key %s, which something else uses", c.estate, c.key)
			return
		}
	}
}

// isUsedElsewhere reports whether a system that the provider does not know uses a key.
func (w *testEnv) isUsedElsewhere(username string) bool {
	return slices.ContainsFunc(otherSystems[:], func(name string) bool { return w.shop(name).KustomID == username })
}

// policy returns the configuration of a shop, combined with that of its fleet.
func (e *estate) policy(shop int) wish {
	own := e.wishes[shop]
	for _, w := range e.wishes {
		if own.owner == ownerFleet && w.owner == ownerFleet {
			own.clear, own.keep, own.quiet = own.clear || w.clear, own.keep || w.keep, own.quiet || w.quiet
		}
	}
	return own
}

// mayClear reports whether the object may clear the shop: it is configured to, and it has installed the key. A fleet
// that stays and removes a shop follows its present configuration.
func (e *estate) mayClear(shop int, c apiChange) bool {
	if !e.installed[shop][c.before][c.by] {
		return false
	}
	return slices.ContainsFunc(e.state.Instances(), func(i *tfdriver.Instance) bool {
		if !strings.HasPrefix(i.Address, c.by+".") || !concerns(i, shop) {
			return false
		}
		return i.Text("deletion_policy") == "clear" || c.by == fleetType && e.fleetClears()
	})
}

// fleetClears reports whether the configuration has a fleet that clears removed shops.
func (e *estate) fleetClears() bool {
	return slices.ContainsFunc(e.wishes[:], func(w wish) bool { return w.owner == ownerFleet && w.clear })
}

// judgeWaiting checks the invariants after the old keys were unused for the waiting time.
func (w *testEnv) judgeWaiting() {
	for _, e := range w.estates {
		for _, instance := range e.state.Instances() {
			for _, key := range w.keys() {
				if slices.Contains(instance.StringsIn("keys_to_delete"), key.CredentialID) && w.isOneShops(key.Username) {
					w.breach(promiseConverges, "nothing has used key %s for a day, and it is still to be deleted", key.Username)
				}
			}
		}
	}
}

// isOneShops reports whether an unused key has belonged to one shop only. A key of several shops is deleted with the
// last of them, if a connection or a fleet gives that one another key.
func (w *testEnv) isOneShops(username string) bool {
	return len(w.held[username]) == 1 && len(w.holders(username)) == 0
}

// judgeKept checks that an object that deletes replaced keys has also deleted those that it kept before.
func (w *testEnv) judgeKept(instance *tfdriver.Instance) {
	policy := w.builder.replacedPolicy
	if name, _, _ := strings.Cut(instance.Address, "."); !isEngines(name) || instance.Text(policy(name)) != "delete" {
		return
	}
	for _, key := range w.keys() {
		if slices.Contains(instance.StringsIn("keys_kept"), key.CredentialID) && w.isOneShops(key.Username) {
			w.breach(promiseKept, "%s keeps key %s", instance.Address, key.Username)
		}
	}
}

// judgeRun checks the invariants at the end of a run.
func (w *testEnv) judgeRun(ev event, out outcome) {
	if out.Failed() || out.plan == nil {
		return
	}
	i, e := ev.estate, w.estates[ev.estate]
	// A run with -target does not cover the other shops.
	saysAll := ev.trouble.kind == noTrouble && ev.verb != target
	for shop, name := range shopNames {
		if e.wishes[shop].owner == ownerNone || w.works(name) == nil {
			continue
		}
		switch {
		case w.victims[name]:
		case w.before[shop]:
			w.breach(promiseSuccess, "state %d ended well, and shop %s has stopped: %v", i, name, w.works(name))
		case saysAll && !w.names(out.Warnings, name):
			w.breach(promiseSuccess, "state %d ended well and said nothing, and shop %s takes no payments: %v", i, name, w.works(name))
		}
	}
}

func (w *testEnv) names(texts []string, name string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, name) })
}
