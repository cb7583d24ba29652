package histories_test

import (
	"slices"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// judgeChange holds one change to the promises. The world is locked.
func (w *world) judgeChange(by carrier, c apiChange) {
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
		if len(c.holders) > 0 && !by.couldNotKnow(c) {
			w.breach(promiseKeyInUse, "state %d deleted key %s, which shops %v hold", c.estate, c.key, c.holders)
		}
	}
}

// couldNotKnow tells whether the provider sees shops, all of which answer, and not those that hold a key: no rule can
// protect a shop that the provider was not told of. But it has no business with a key that none of its shops has held,
// unless it was told to delete all keys that are not named.
func (c carrier) couldNotKnow(change apiChange) bool {
	concerned := change.by == exclusiveType && len(c.sees) > 0
	for shop := range c.run.world.held[change.key] {
		concerned = concerned || c.sees[shop]
	}
	if !concerned || slices.ContainsFunc(change.holders, func(shop string) bool { return c.sees[shop] }) {
		return false
	}
	for _, shop := range change.holders {
		c.run.world.victims[shop] = true
	}
	return true
}

func (w *world) judgeInstall(c apiChange) {
	if c.worked && !c.works {
		w.breach(promiseShop, "state %d stopped shop %s: it had %s, and has %s", c.estate, c.shop, c.before, c.key)
	}
	was, _, _ := strings.Cut(c.before, "-")
	is, _, _ := strings.Cut(c.key, "-")
	if c.before != "" && was != is {
		w.breach(promiseStore, "state %d gave shop %s a key of store %s, and it had one of %s", c.estate, c.shop, is, was)
	}
}

// mayClear tells whether the object that clears a shop is to do that, and has put the key there that it
// takes out. A fleet that stays and lets a shop go does what its configuration says now.
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

// fleetClears tells whether the configuration has a fleet that empties the shops that leave it.
func (e *estate) fleetClears() bool {
	return slices.ContainsFunc(e.wishes[:], func(w wish) bool { return w.owner == ownerFleet && w.clear })
}

// judgeRun holds the end of a run to the promises.
func (w *world) judgeRun(ev event, out outcome) {
	if out.Failed() || out.plan == nil {
		return
	}
	i, e := ev.estate, w.estates[ev.estate]
	// A run with -target has nothing to say of the other shops.
	saysAll := ev.trouble.kind == noTrouble && ev.verb != target
	for shop, name := range shopNames {
		if e.wishes[shop].owner == ownerNone || w.sandbox.Working(name) == nil {
			continue
		}
		switch {
		case w.victims[name]:
		case w.before[shop]:
			w.breach(promiseSuccess, "state %d ended well, and shop %s has stopped: %v", i, name, w.sandbox.Working(name))
		case saysAll && !w.names(out.Warnings, name):
			w.breach(promiseSuccess, "state %d ended well and said nothing, and shop %s takes no payments: %v", i, name, w.sandbox.Working(name))
		}
	}
}

func (w *world) names(texts []string, name string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, name) })
}
