package tfdriver

import (
	"math/rand/v2"
	"slices"
)

// step is a node in the graph of an apply. It creates, updates or destroys one object.
type step struct {
	change *change
	// destroys says that the step destroys the prior object.
	destroys bool
	after    []*step
}

// steps returns the steps of a plan, in an order that the dependencies allow.
func (p *Plan) steps() []*step {
	makes, destroys := map[string]*step{}, map[string]*step{}
	var all []*step
	add := func(s *step, to map[string]*step) {
		all = append(all, s)
		if !s.change.deposed {
			to[s.change.address] = s
		}
	}
	for _, c := range p.changes {
		switch c.action {
		case actionCreate, actionUpdate, actionDeleteThenCreate, actionCreateThenDelete, actionNone:
			add(&step{change: c}, makes)
		}
		switch c.action {
		case actionDelete, actionDeleteThenCreate, actionCreateThenDelete:
			add(&step{change: c, destroys: true}, destroys)
		}
	}
	for _, s := range all {
		if s.destroys {
			p.orderDestruction(s, makes, destroys)
			continue
		}
		for _, address := range s.change.object.references() {
			s.require(makes[address])
		}
		if s.change.action == actionDeleteThenCreate {
			s.require(destroys[s.change.address])
		}
	}
	return sorted(all, p.options.Order)
}

// orderDestruction orders a destruction after those of the objects that depended on it. With create_before_destroy,
// it also comes after the changes of the objects that depend on it now. Terraform 1.11 lacks the second rule if the
// dependent object was imported in the same run.
func (p *Plan) orderDestruction(s *step, makes, destroys map[string]*step) {
	address := s.change.address
	for other, destruction := range destroys {
		if other != address && slices.Contains(destruction.change.prior.DependsOn, address) {
			s.require(destruction)
		}
	}
	before := s.change.action == actionCreateThenDelete ||
		s.change.action == actionDelete && s.change.prior.CreateBeforeDestroy
	if !before {
		return
	}
	if s.change.action == actionCreateThenDelete {
		s.require(makes[address])
	}
	for _, made := range makes {
		depended := made.change.prior != nil && slices.Contains(made.change.prior.DependsOn, address)
		if (depended || slices.Contains(made.change.object.references(), address)) && !made.change.imported {
			s.require(made)
		}
	}
}

func (s *step) require(other *step) {
	if other != nil {
		s.after = append(s.after, other)
	}
}

// sorted returns the steps in one of the possible orders.
func sorted(steps []*step, order uint64) []*step {
	dice := rand.New(rand.NewPCG(order, 0)) //nolint:gosec // The order has to be repeatable, not secret.
	left := slices.Clone(steps)
	done := map[*step]bool{}
	var ordered []*step
	for len(left) > 0 {
		var ready []int
		for i, s := range left {
			if !slices.ContainsFunc(s.after, func(o *step) bool { return !done[o] }) {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			// Two rules contradict each other, which deposed objects make possible. Terraform would report a cycle.
			// Any order will do.
			ready = []int{0}
		}
		i := ready[dice.IntN(len(ready))]
		done[left[i]] = true
		ordered = append(ordered, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return ordered
}
