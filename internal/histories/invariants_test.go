package histories_test

import (
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// checkChange checks the invariants for one change. The lock is held.
func (env *testEnv) checkChange(by faultTransport, c apiChange) {
	ws := env.workspaces[c.workspace]
	shop := slices.Index(shopNames[:], c.shop)
	switch c.what {
	case "install":
		env.checkInstall(c)
		env.noteHolders()
		ws.noteInstalled(shop, c.key, c.by)
	case "clear":
		if c.worked && !ws.mayClear(shop, c) {
			env.violate(clearsOwnShops, "state %d cleared shop %s, which worked with %s, a key that is not its own or without being asked", c.workspace, c.shop, c.before)
		}
	case "delete":
		env.checkUse(c)
		if len(c.holders) > 0 && !by.couldNotKnow(c) && !by.hadEvidence(c) && !env.isForced(c) {
			env.violate(keepsKeysInUse, "state %d deleted key %s, which shops %v hold", c.workspace, c.key, c.holders)
		}
	}
}

// couldNotKnow reports whether the provider sees shops, which all answer, but not those with the key. No rule can
// protect a shop that the provider does not know. But the provider must not touch a key that none of its shops
// has held, unless it is to delete all keys that are not named.
func (c faultTransport) couldNotKnow(change apiChange) bool {
	concerned := change.by == exclusiveType && slices.ContainsFunc(shopNames[:], func(shop string) bool { return c.sees[shop] })
	for shop := range c.run.env.held[change.key] {
		sees, known := c.sees[shop]
		concerned = concerned || sees || known // An ignored shop is known, and not seen.
	}
	if !concerned || slices.ContainsFunc(change.holders, func(shop string) bool { return c.sees[shop] }) {
		return false
	}
	for _, shop := range change.holders {
		c.run.env.excused[shop] = true
	}
	return true
}

// hadEvidence reports whether the policy lets the key's last use stand in for the answers of its holders, because none of
// them could be read in the run.
func (c faultTransport) hadEvidence(change apiChange) bool {
	t := c.run.fault
	unreadable := func(shop string) bool {
		return (t.kind == deadToken || t.kind == failReads) && shopNames[t.shop] == shop
	}
	deleteUnused := func(c shopConfig) bool { return c.deleteUnused && c.typeName() == change.by }
	ws := c.run.env.workspaces[change.workspace]
	if !change.idle || !slices.ContainsFunc(ws.configs[:], deleteUnused) || !slices.ContainsFunc(change.holders, unreadable) {
		return false
	}
	for _, shop := range change.holders {
		if !unreadable(shop) {
			return false
		}
		c.run.env.excused[shop] = true
	}
	return true
}

func (env *testEnv) checkInstall(c apiChange) {
	was, _, _ := strings.Cut(c.before, "-")
	is, _, _ := strings.Cut(c.key, "-")
	leaves := c.before != "" && was != is
	if leaves && env.workspaces[c.workspace].allows(slices.Index(shopNames[:], c.shop), c.by) {
		// No object deletes a key of another store than the configured one.
		env.noteKnown(c.before)
		env.moving[c.shop] = true
	} else if leaves {
		env.violate(keepsStore, "state %d gave shop %s a key of store %s, and it had one of %s", c.workspace, c.shop, is, was)
	}
	if c.worked && env.works(c.shop) != nil {
		env.violate(keepsPayments, "state %d broke shop %s: it had %s, and has %s", c.workspace, c.shop, c.before, c.key)
	}
}

// allows reports whether the configuration permits an object of a type to give the shop a key of another store.
func (ws *workspace) allows(shop int, by string) bool {
	if by == fleetType {
		return slices.ContainsFunc(ws.configs[:], func(c shopConfig) bool { return c.owner == ownerFleet && c.allow })
	}
	return ws.configs[shop].allow
}

// works returns nil if a shop takes payments. The sandbox does not know shops that move to another store.
func (env *testEnv) works(name string) error {
	err := env.sandbox.Working(name)
	shop := env.shop(name)
	if key, ok := env.keys()[shop.KustomID]; ok && env.moving[name] && key.Secret == shop.KustomSecret {
		return nil
	}
	return err
}

// isForced reports whether force_destroy deletes a pair's key.
func (env *testEnv) isForced(c apiChange) bool {
	forced := c.by == keyType && slices.ContainsFunc(env.workspaces[c.workspace].state.Instances(), func(i *tfdriver.Instance) bool {
		return i.Text("username") == c.key && i.IsTrue("force_destroy")
	})
	if forced {
		for _, shop := range c.holders {
			env.excused[shop] = true
		}
	}
	return forced
}

// checkUse checks that a deletion obeys a policy that waits for a time without use.
func (env *testEnv) checkUse(c apiChange) {
	if !deletesReplaced(c.by) || !env.isUsedElsewhere(c.key) {
		return
	}
	for name := range env.held[c.key] {
		cfg := env.workspaces[c.workspace].policy(slices.Index(shopNames[:], name))
		if cfg.typeName() == c.by && cfg.deleteUnused && !cfg.clear {
			env.violate(deletesUnusedOnly, "state %d deleted key %s, which another system uses", c.workspace, c.key)
			return
		}
	}
}

// isUsedElsewhere reports whether a system that the provider does not know uses a key.
func (env *testEnv) isUsedElsewhere(username string) bool {
	return slices.ContainsFunc(otherSystems[:], func(name string) bool { return env.shop(name).KustomID == username })
}

// policy returns the configuration of a shop, combined with that of its fleet.
func (ws *workspace) policy(shop int) shopConfig {
	own := ws.configs[shop]
	for _, c := range ws.configs {
		if own.owner == ownerFleet && c.owner == ownerFleet {
			own.clear, own.keep, own.deleteUnused = own.clear || c.clear, own.keep || c.keep, own.deleteUnused || c.deleteUnused
		}
	}
	return own
}

// mayClear reports whether the object may clear the shop: it is configured to, and it has installed the key. A fleet
// that stays and removes a shop follows its present configuration.
func (ws *workspace) mayClear(shop int, c apiChange) bool {
	if !ws.installed[shop][c.before][c.by] {
		return false
	}
	return slices.ContainsFunc(ws.state.Instances(), func(i *tfdriver.Instance) bool {
		if !strings.HasPrefix(i.Address, c.by+".") || !concerns(i, shop) {
			return false
		}
		return i.Text("deletion_policy") == "clear" || c.by == fleetType && ws.fleetClears()
	})
}

// fleetClears reports whether the configuration has a fleet that clears removed shops.
func (ws *workspace) fleetClears() bool {
	return slices.ContainsFunc(ws.configs[:], func(c shopConfig) bool { return c.owner == ownerFleet && c.clear })
}

// checkWaiting checks the invariants after the old keys were unused for the waiting time.
func (env *testEnv) checkWaiting() {
	for _, ws := range env.workspaces {
		for _, instance := range ws.state.Instances() {
			for _, key := range env.keys() {
				if slices.Contains(instance.StringsIn("keys_to_delete"), key.CredentialID) && env.isOfOneShop(key.Username) {
					env.violate(converges, "nothing has used key %s for a day, and it is still to be deleted", key.Username)
				}
			}
		}
	}
}

// isOfOneShop reports whether an unused key has belonged to one shop only. A key of several shops is deleted with the
// last of them, if a connection or a fleet gives that one another key.
func (env *testEnv) isOfOneShop(username string) bool {
	return len(env.held[username]) == 1 && len(env.holders(username)) == 0
}

// checkKept checks that an object that deletes replaced keys has also deleted those that it kept before.
func (env *testEnv) checkKept(instance *tfdriver.Instance) {
	policy := env.builder.replacedPolicy
	if name, _, _ := strings.Cut(instance.Address, "."); !deletesReplaced(name) || instance.Text(policy(name)) != "delete" {
		return
	}
	for _, key := range env.keys() {
		if slices.Contains(instance.StringsIn("keys_kept"), key.CredentialID) && env.isOfOneShop(key.Username) {
			env.violate(deletesKeptKeys, "%s keeps key %s", instance.Address, key.Username)
		}
	}
}

// checkRun checks the invariants at the end of a run.
func (env *testEnv) checkRun(ev event, out outcome) {
	if out.Failed() || out.plan == nil {
		return
	}
	i, ws := ev.workspace, env.workspaces[ev.workspace]
	// A run with -target does not cover the other shops.
	saysAll := ev.fault.kind == noFault && ev.verb != target
	for shop, name := range shopNames {
		if ws.configs[shop].owner == ownerNone || env.works(name) == nil {
			continue
		}
		switch {
		case env.excused[name]:
		case env.before[shop]:
			env.violate(successMeansPayments, "state %d succeeded, and shop %s takes no payments any more: %v", i, name, env.works(name))
		case saysAll && !env.mentions(out.Warnings, name):
			env.violate(successMeansPayments, "state %d succeeded without a warning, and shop %s takes no payments: %v", i, name, env.works(name))
		}
	}
}

func (env *testEnv) mentions(texts []string, name string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, name) })
}
