package tfdriver

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// apply is one run of Apply.
type apply struct {
	*walk
	plan  *Plan
	state *State
	// values has the objects for references, by address.
	values map[string]tftypes.Value
	// failed has the failed steps. Steps that depend on them are skipped.
	failed map[*step]bool
	// moved has the objects that wait for their destruction, by address.
	moved map[string]*Instance
}

// Apply applies a plan with new servers, and returns the state afterwards. After a failure, the state has what was
// done before it, and the result has the errors.
func (d *Driver) Apply(ctx context.Context, p *Plan) (*State, *Result) {
	result := &Result{}
	a := &apply{
		walk: d.walk(p.start, result), plan: p, state: p.prior.clone(),
		values: map[string]tftypes.Value{}, failed: map[*step]bool{}, moved: map[string]*Instance{},
	}
	a.resolve = func(address string) (tftypes.Value, bool) {
		if value, ok := a.values[address]; ok {
			return value, true
		}
		if instance := p.prior.Current[address]; instance != nil {
			return instance.Value, true
		}
		return tftypes.Value{}, false
	}
	if p.options.Concurrent {
		a.takeAtOnce(ctx, p.steps())
		return a.state, result
	}
	for _, s := range p.steps() {
		a.take(ctx, s)
	}
	return a.state, result
}

// take takes a step, unless one failed that it depends on.
func (a *apply) take(ctx context.Context, s *step) {
	if a.blocked(s) {
		a.failed[s] = true
		return
	}
	if err := a.do(ctx, s); err != nil {
		a.failed[s] = true
		a.result.problem(s.change.address, err)
	}
}

// blocked reports whether a step failed that s depends on.
func (a *apply) blocked(s *step) bool {
	return slices.ContainsFunc(s.after, func(o *step) bool { return a.failed[o] })
}

func (a *apply) do(ctx context.Context, s *step) error {
	switch {
	case s.destroys:
		return a.destroy(ctx, s.change)
	case s.change.action == actionNone:
		a.values[s.change.address] = s.change.prior.Value
		a.updateMetadata(s.change)
	default:
		if err := a.createOrUpdate(ctx, s.change); err != nil {
			return err
		}
	}
	if check, made := s.change.object.Postcondition, a.state.Current[s.change.address]; check != nil && made != nil {
		return check(made.Value)
	}
	return nil
}

// updateMetadata updates the metadata of an unchanged object from the configuration.
func (a *apply) updateMetadata(c *change) {
	kept := *a.state.Current[c.address]
	kept.DependsOn, kept.CreateBeforeDestroy, kept.Provider = c.object.references(), c.object.CreateBeforeDestroy, c.provider
	a.state.Current[c.address] = &kept
}

// createOrUpdate creates or updates an object. Its references are known now, so it is planned once more first.
func (a *apply) createOrUpdate(ctx context.Context, c *change) error {
	config, err := a.configured(a.plan.config, c.object, a.values)
	if err != nil {
		return err
	}
	if a.plan.strict {
		if err := a.validateObject(ctx, c.object, config); err != nil {
			return err
		}
	}
	basis := c.prior
	if c.action != actionUpdate {
		basis = nil
	}
	final := &change{address: c.address, provider: c.provider, object: c.object, prior: basis}
	replaced, ok, err := a.ask(ctx, final, basis, config)
	if err != nil {
		return err
	}
	if !ok {
		return errRefused
	}
	if replaced {
		return fmt.Errorf("provider produced inconsistent final plan: it has to be replaced now")
	}
	if err := checkKept(c.planned, final.planned); err != nil {
		return fmt.Errorf("provider produced inconsistent final plan: %w", err)
	}
	if c.action == actionCreateThenDelete {
		a.depose(c.address)
	}
	return a.change(ctx, c, final, config)
}

// depose turns the current object into a deposed one.
func (a *apply) depose(address string) {
	old := a.state.Current[address]
	delete(a.state.Current, address)
	a.state.Deposed[address] = append(a.state.Deposed[address], old)
	a.moved[address] = old
}

// restore makes the deposed object current again, if there is no current one.
func (a *apply) restore(address string) {
	old := a.moved[address]
	if old == nil || a.state.Current[address] != nil {
		return
	}
	a.state.forgetDeposed(old)
	a.state.Current[address] = old
}

// change applies the change of an object and stores the result.
func (a *apply) change(ctx context.Context, c, final *change, config tftypes.Value) error {
	server, err := a.server(ctx, c.provider)
	if err != nil {
		a.restore(c.address)
		return err
	}
	typ := config.Type()
	before := tftypes.NewValue(typ, nil)
	if final.prior != nil {
		before = final.prior.Value
	}
	answer, err := server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName(c.address), PriorState: a.dynamic(typ, before), PlannedState: a.dynamic(typ, final.planned),
		Config: a.dynamic(typ, config), PlannedPrivate: final.private, PlannedIdentity: final.identity,
	})
	if err != nil {
		a.restore(c.address)
		return err
	}
	refused := a.result.add(c.address, answer.Diagnostics)
	value, err := answer.NewState.Unmarshal(typ)
	if err != nil {
		a.restore(c.address)
		return fmt.Errorf("read the new state: %w", err)
	}
	err = a.checkOutcome(final, value, refused)
	a.saveResult(c, answer, value, refused || err != nil)
	a.restore(c.address)
	if err == nil && refused {
		return errRefused
	}
	return err
}

func (a *apply) checkOutcome(final *change, value tftypes.Value, refused bool) error {
	if !value.IsFullyKnown() {
		return fmt.Errorf("provider returned invalid result object after apply: something is still unknown: %s", value)
	}
	if refused {
		return nil
	}
	if err := checkKept(final.planned, value); err != nil {
		return fmt.Errorf("provider produced inconsistent result after apply: %w", err)
	}
	return nil
}

// saveResult writes the result into the state. A new object is tainted after a failure. If there is no result, the old
// object stays.
func (a *apply) saveResult(c *change, answer *tfprotov6.ApplyResourceChangeResponse, value tftypes.Value, failed bool) {
	if value.IsNull() || !value.IsFullyKnown() {
		return
	}
	a.state.Current[c.address] = &Instance{
		Address: c.address, Provider: c.provider, Value: value, Private: answer.Private, Identity: answer.NewIdentity,
		Tainted: failed && c.action != actionUpdate, DependsOn: c.object.references(),
		CreateBeforeDestroy: c.object.CreateBeforeDestroy,
	}
	a.values[c.address] = value
}

// destroy destroys the prior object of a change.
func (a *apply) destroy(ctx context.Context, c *change) error {
	toDestroy := &change{address: c.address, provider: c.prior.Provider, prior: c.prior, private: c.private, identity: c.identity}
	if c.action == actionDeleteThenCreate {
		// Terraform passes the private data of the planned replacement to the destruction.
		toDestroy.provider = c.provider
	} else if err := a.askDeletion(ctx, toDestroy); err != nil {
		return err
	}
	server, err := a.server(ctx, toDestroy.provider)
	if err != nil {
		return err
	}
	typ := toDestroy.prior.Value.Type()
	none := a.dynamic(typ, tftypes.NewValue(typ, nil))
	answer, err := server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName(c.address), PriorState: a.dynamic(typ, toDestroy.prior.Value), PlannedState: none, Config: none,
		PlannedPrivate: toDestroy.private, PlannedIdentity: toDestroy.identity,
	})
	if err != nil {
		return err
	}
	refused := a.result.add(c.address, answer.Diagnostics)
	value, err := answer.NewState.Unmarshal(typ)
	if err != nil {
		return fmt.Errorf("read the new state: %w", err)
	}
	if !value.IsNull() && !refused {
		return fmt.Errorf("provider returned invalid result object after apply: it was to be destroyed, and is %s", value)
	}
	a.afterDestruction(c, answer, value)
	if refused {
		return errRefused
	}
	return nil
}

func (a *apply) afterDestruction(c *change, answer *tfprotov6.ApplyResourceChangeResponse, value tftypes.Value) {
	aside := c.deposed || c.action == actionCreateThenDelete
	if value.IsNull() {
		if aside {
			a.state.forgetDeposed(c.prior)
			return
		}
		delete(a.state.Current, c.address)
		return
	}
	left := *c.prior
	left.Value, left.Private, left.Identity = value, answer.Private, answer.NewIdentity
	if !aside {
		a.state.Current[c.address] = &left
		return
	}
	a.state.forgetDeposed(c.prior)
	a.state.Deposed[c.address] = append(a.state.Deposed[c.address], &left)
}
