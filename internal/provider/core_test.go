package provider_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// object is a resource of a configuration, as core works on it.
type object struct {
	address, typeName string
	// createBeforeDestroy is the lifecycle argument of that name.
	createBeforeDestroy bool
	// config returns the arguments, given the values of the objects before this one in its chain.
	config func(values map[string]tftypes.Value) map[string]any
	// holds is a postcondition, given the object's own value.
	holds func(value tftypes.Value) error
}

// core does with a configuration what Terraform's core does, for tests of the provider alone: it reads,
// plans and applies through the protocol, in this process, in milliseconds. It knows what the published
// migrations need: import, replacement in both orders, taint, and deposed objects. TestAccFaults_NextRunPutsShopsRight runs
// some of the same cases in a real Terraform.
type core struct {
	provider frameworkprovider.Provider
	// settings configure the provider.
	settings map[string]any
	// chains are the objects. In a chain, each depends on those before it; chains are worked on at once.
	chains [][]object
	// serially works on one chain after the other.
	serially bool
	// discover returns the IDs to import, by address. It may be nil.
	discover func(ctx context.Context, w *walk) (map[string]string, error)

	mu      sync.Mutex
	state   map[string]instance
	deposed map[string][]instance
	tainted map[string]bool
	// walking is the last walk that has begun.
	walking *walk
}

// apply plans, and applies the plan.
func (c *core) apply(ctx context.Context) error {
	planned, err := c.plan(ctx)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	w, err := c.begin(ctx)
	if err != nil {
		return err
	}
	c.state, c.deposed = planned.state, planned.deposed
	return w.each(w.applyChain)
}

// plan refreshes and plans all objects. It leaves the state as it is.
func (c *core) plan(ctx context.Context) (*walk, error) {
	w, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	w.state, w.deposed = map[string]instance{}, map[string][]instance{}
	if c.discover != nil {
		if w.imports, err = c.discover(ctx, w); err != nil {
			return nil, err
		}
	}
	return w, w.each(w.planChain)
}

// walk is one pass over the objects. Terraform starts a provider for each.
type walk struct {
	*core
	ctx     context.Context
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
	imports map[string]string
	// stopped says that the run was interrupted. The core's lock guards it.
	stopped bool

	mu      sync.Mutex
	state   map[string]instance
	deposed map[string][]instance
	values  map[string]tftypes.Value
	// changed are the addresses of the objects that the plan changes.
	changed []string
}

// schemasOnce are the provider's, which are the same for every test.
var schemasOnce = sync.OnceValues(func() (*tfprotov6.GetProviderSchemaResponse, error) {
	server, err := provider.NewServer(provider.New(provider.Options{})(), false)
	if err != nil {
		return nil, err
	}
	return server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
})

// begin starts a provider and configures it.
func (c *core) begin(ctx context.Context) (*walk, error) {
	server, err := provider.NewServer(c.provider, false)
	if err != nil {
		return nil, err
	}
	schemas, err := schemasOnce()
	if err != nil {
		return nil, err
	}
	config, err := newDynamic(schemas.Provider.ValueType(), c.settings)
	if err != nil {
		return nil, err
	}
	resp, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: config})
	if err := failure(err, resp.Diagnostics); err != nil {
		return nil, err
	}
	w := &walk{core: c, ctx: ctx, server: server, schemas: schemas, values: map[string]tftypes.Value{}}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.walking = w
	return w, nil
}

// errStopped says that a run was interrupted before it was done.
var errStopped = errors.New("execution halted")

// goesOn returns an error once the run is interrupted.
func (w *walk) goesOn() error {
	w.core.mu.Lock()
	defer w.core.mu.Unlock()
	if w.stopped {
		return errStopped
	}
	return nil
}

// failure returns the error of a call, or those among its diagnostics.
func failure(err error, diagnostics []*tfprotov6.Diagnostic) error {
	if err != nil {
		return err
	}
	if text := errorsOf(diagnostics); text != "" {
		return errors.New(text)
	}
	return nil
}

func (w *walk) each(work func(chain []object) error) error {
	errs := make([]error, len(w.chains))
	var wg sync.WaitGroup
	for i, chain := range w.chains {
		wg.Go(func() { errs[i] = work(chain) })
		if w.serially {
			wg.Wait()
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// planChain plans objects. What follows a failure is left out.
func (w *walk) planChain(chain []object) error {
	for _, o := range chain {
		if err := w.planObject(o); err != nil {
			return fmt.Errorf("%s: %w", o.address, err)
		}
	}
	return nil
}

func (w *walk) planObject(o object) error {
	if err := w.goesOn(); err != nil {
		return err
	}
	prior, err := w.prior(o)
	if err != nil {
		return err
	}
	var deposed []instance
	for _, old := range w.core.deposed[o.address] {
		if old, err = w.refresh(old); err != nil {
			return err
		}
		if old.state != nil {
			deposed = append(deposed, old)
		}
	}
	change, err := w.propose(o, prior, w.tainted[o.address])
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if prior.state != nil {
		w.state[o.address] = prior
	}
	w.deposed[o.address] = deposed
	_, exists := w.core.state[o.address]
	if !exists && prior.state != nil || len(deposed) > 0 || change.replaces || !change.before.Equal(change.after) {
		w.changed = append(w.changed, o.address)
	}
	return nil
}

// prior returns an object as it is: refreshed, or imported.
func (w *walk) prior(o object) (instance, error) {
	if is, ok := w.core.state[o.address]; ok {
		return w.refresh(is)
	}
	id := w.imports[o.address]
	if id == "" {
		return instance{typeName: o.typeName}, nil
	}
	resp, err := w.server.ImportResourceState(w.ctx, &tfprotov6.ImportResourceStateRequest{TypeName: o.typeName, ID: id})
	if err := failure(err, resp.Diagnostics); err != nil {
		return instance{}, err
	}
	if len(resp.ImportedResources) != 1 {
		return instance{}, fmt.Errorf("%d objects are imported by %s", len(resp.ImportedResources), id)
	}
	got := resp.ImportedResources[0]
	return w.refresh(instance{o.typeName, got.State, got.Identity, got.Private})
}

// refresh returns an object as the provider reads it, without a state if it is gone.
func (w *walk) refresh(i instance) (instance, error) {
	resp, err := w.server.ReadResource(w.ctx, &tfprotov6.ReadResourceRequest{
		TypeName: i.typeName, CurrentState: i.state, Private: i.private, CurrentIdentity: i.identity,
	})
	if err := failure(err, resp.Diagnostics); err != nil {
		return instance{}, err
	}
	value, err := resp.NewState.Unmarshal(w.typeOf(i.typeName))
	if err != nil || value.IsNull() {
		return instance{typeName: i.typeName}, err
	}
	return instance{i.typeName, resp.NewState, resp.NewIdentity, resp.Private}, nil
}

func (w *walk) typeOf(typeName string) tftypes.Type {
	return w.schemas.ResourceSchemas[typeName].ValueType()
}

// change is a planned change of an object.
type change struct {
	prior         instance
	before, after tftypes.Value
	config        *tfprotov6.DynamicValue
	planned       *tfprotov6.PlanResourceChangeResponse
	replaces      bool
}

// propose plans the change of an object. An object that is new, or has to be replaced, is planned without
// a prior state.
func (w *walk) propose(o object, prior instance, tainted bool) (change, error) {
	typ := w.typeOf(o.typeName)
	w.mu.Lock()
	values := maps.Clone(w.values)
	w.mu.Unlock()
	config, err := newValue(typ, o.config(values))
	if err != nil {
		return change{}, err
	}
	c, err := w.proposeConfig(prior, config)
	if err != nil {
		return change{}, err
	}
	if prior.state != nil && (tainted || len(c.planned.RequiresReplace) > 0) {
		if c, err = w.proposeConfig(instance{typeName: o.typeName}, config); err != nil {
			return change{}, err
		}
		c.replaces = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.values[o.address] = c.after
	return c, nil
}

func (w *walk) proposeConfig(prior instance, config tftypes.Value) (change, error) {
	typ := w.typeOf(prior.typeName)
	c := change{prior: prior, before: tftypes.NewValue(typ, nil)}
	var err error
	if prior.state != nil {
		if c.before, err = prior.state.Unmarshal(typ); err != nil {
			return change{}, err
		}
	}
	proposed := config
	if !config.IsNull() {
		proposed = proposedNew(w.schemas.ResourceSchemas[prior.typeName].Block.Attributes, c.before, config)
	}
	encoded, err := encodeAll(typ, c.before, config, proposed)
	if err != nil {
		return change{}, err
	}
	c.prior.state, c.config = encoded[0], encoded[1]
	c.planned, err = w.server.PlanResourceChange(w.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: prior.typeName, PriorState: encoded[0], Config: encoded[1], ProposedNewState: encoded[2],
		PriorPrivate: prior.private, PriorIdentity: prior.identity,
	})
	if err := failure(err, c.planned.Diagnostics); err != nil {
		return change{}, err
	}
	c.after, err = c.planned.PlannedState.Unmarshal(typ)
	return c, err
}

// applyChain applies objects. What follows a failure is left out, and with it the destruction of what
// was replaced: something may still depend on it.
func (w *walk) applyChain(chain []object) error {
	for _, o := range chain {
		if err := w.applyObject(o); err != nil {
			return fmt.Errorf("%s: %w", o.address, err)
		}
	}
	for _, o := range chain {
		if err := w.destroyDeposed(o.address); err != nil {
			return fmt.Errorf("%s (deposed): %w", o.address, err)
		}
	}
	return nil
}

func (w *walk) applyObject(o object) error {
	if err := w.goesOn(); err != nil {
		return err
	}
	prior, wasTainted := w.current(o)
	change, err := w.propose(o, prior, wasTainted)
	if err != nil {
		return err
	}
	if change.replaces && !o.createBeforeDestroy {
		if _, err := w.destroy(prior); err != nil {
			return err
		}
	}
	if !change.replaces && change.before.Equal(change.after) {
		return w.keep(o, prior, wasTainted)
	}
	is, err := w.perform(change)
	if change.replaces && o.createBeforeDestroy {
		if is.state == nil {
			// Nothing was created, so what there was stays the object.
			return err
		}
		w.core.mu.Lock()
		w.core.deposed[o.address] = append(w.core.deposed[o.address], prior)
		w.core.mu.Unlock()
	}
	if kept := w.keep(o, is, err != nil && change.before.IsNull()); err == nil {
		return kept
	}
	return err
}

// current returns an object of the state, and whether it is tainted.
func (w *walk) current(o object) (instance, bool) {
	w.core.mu.Lock()
	defer w.core.mu.Unlock()
	if is, ok := w.core.state[o.address]; ok {
		return is, w.tainted[o.address]
	}
	return instance{typeName: o.typeName}, false
}

// keep puts an object into the state, and holds it to its postcondition.
func (w *walk) keep(o object, is instance, tainted bool) error {
	w.core.mu.Lock()
	defer w.core.mu.Unlock()
	delete(w.tainted, o.address)
	delete(w.core.state, o.address)
	if is.state == nil {
		return nil
	}
	w.core.state[o.address] = is
	if tainted {
		w.tainted[o.address] = true
	}
	value, err := is.state.Unmarshal(w.typeOf(o.typeName))
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.values[o.address] = value
	w.mu.Unlock()
	if o.holds == nil {
		return nil
	}
	return o.holds(value)
}

// perform applies a change and returns what there is then, without a state if there is nothing, whether
// it fails or not.
func (w *walk) perform(c change) (instance, error) {
	typeName := c.prior.typeName
	resp, err := w.server.ApplyResourceChange(w.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName, PriorState: c.prior.state, PlannedState: c.planned.PlannedState, Config: c.config,
		PlannedPrivate: c.planned.PlannedPrivate, PlannedIdentity: c.planned.PlannedIdentity,
	})
	if err != nil {
		return instance{typeName: typeName}, err
	}
	is := instance{typeName, resp.NewState, resp.NewIdentity, resp.Private}
	failed := failure(nil, resp.Diagnostics)
	value, err := resp.NewState.Unmarshal(w.typeOf(typeName))
	if err != nil {
		return instance{typeName: typeName}, err
	}
	if failed == nil && !conforms(c.after, value) {
		failed = errors.New("provider produced inconsistent result after apply")
	}
	if value.IsNull() {
		is.state = nil
	}
	return is, failed
}

// destroy destroys an object and returns what is left of it.
func (w *walk) destroy(i instance) (instance, error) {
	c, err := w.proposeConfig(i, tftypes.NewValue(w.typeOf(i.typeName), nil))
	if err != nil {
		return i, err
	}
	return w.perform(c)
}

func (w *walk) destroyDeposed(address string) error {
	if err := w.goesOn(); err != nil {
		return err
	}
	w.core.mu.Lock()
	deposed := w.core.deposed[address]
	w.core.mu.Unlock()
	var left []instance
	var errs []error
	for _, old := range deposed {
		is, err := w.destroy(old)
		if err != nil && is.state != nil {
			left = append(left, is)
		}
		errs = append(errs, err)
	}
	w.core.mu.Lock()
	defer w.core.mu.Unlock()
	w.core.deposed[address] = left
	return errors.Join(errs...)
}

// proposedNew returns the value that Terraform proposes: what is configured and, where that leaves out
// what the provider computes, what there was.
func proposedNew(attributes []*tfprotov6.SchemaAttribute, prior, config tftypes.Value) tftypes.Value {
	was, is := elements(prior), elements(config)
	for _, attribute := range attributes {
		value, before := is[attribute.Name], was[attribute.Name]
		switch {
		case value.IsNull() && attribute.Computed && before.Type() != nil:
			is[attribute.Name] = before
		case attribute.NestedType != nil && attribute.NestedType.Nesting == tfprotov6.SchemaObjectNestingModeMap && value.IsKnown() && !value.IsNull():
			nested, old := elements(value), elements(before)
			for key, element := range nested {
				nested[key] = proposedNew(attribute.NestedType.Attributes, old[key], element)
			}
			is[attribute.Name] = tftypes.NewValue(value.Type(), nested)
		}
	}
	return tftypes.NewValue(config.Type(), is)
}

// elements returns what is in an object or a map: nothing in one that is null, unknown or none at all.
func elements(value tftypes.Value) map[string]tftypes.Value {
	all := map[string]tftypes.Value{}
	if value.Type() == nil || value.IsNull() || !value.IsKnown() || value.As(&all) != nil {
		return map[string]tftypes.Value{}
	}
	return maps.Clone(all)
}

// conforms says whether a value is what was planned wherever that was known.
func conforms(planned, got tftypes.Value) bool {
	switch {
	case !planned.IsKnown():
		return true
	case planned.IsFullyKnown() || got.IsNull() || planned.IsNull():
		return planned.Equal(got)
	}
	of, is := elements(planned), elements(got)
	for name, value := range of {
		if found, ok := is[name]; !ok || !conforms(value, found) {
			return false
		}
	}
	return len(of) == len(is)
}

// newValue makes a value of a type out of Go's: strings, numbers, booleans, maps and lists of them, and
// values. What an object leaves out is null.
func newValue(typ tftypes.Type, of any) (tftypes.Value, error) {
	if value, ok := of.(tftypes.Value); ok {
		return value, nil
	}
	switch given := of.(type) {
	case map[string]any:
		return newCollection(typ, given)
	case []string:
		list := []tftypes.Value{}
		for _, text := range given {
			list = append(list, tftypes.NewValue(tftypes.String, text))
		}
		of = list
	}
	if err := tftypes.ValidateValue(typ, of); err != nil {
		return tftypes.Value{}, err
	}
	return tftypes.NewValue(typ, of), nil
}

func newCollection(typ tftypes.Type, given map[string]any) (tftypes.Value, error) {
	typeOf := map[string]tftypes.Type{}
	switch typ := typ.(type) {
	case tftypes.Object:
		typeOf = typ.AttributeTypes
	case tftypes.Map:
		for name := range given {
			typeOf[name] = typ.ElementType
		}
	}
	values := map[string]tftypes.Value{}
	for name, typ := range typeOf {
		value, err := newValue(typ, given[name])
		if err != nil {
			return tftypes.Value{}, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = value
	}
	for name := range given {
		if _, ok := typeOf[name]; !ok {
			return tftypes.Value{}, fmt.Errorf("there is no attribute %s", name)
		}
	}
	return tftypes.NewValue(typ, values), nil
}

func newDynamic(typ tftypes.Type, of map[string]any) (*tfprotov6.DynamicValue, error) {
	value, err := newValue(typ, of)
	if err != nil {
		return nil, err
	}
	dynamic, err := tfprotov6.NewDynamicValue(typ, value)
	return &dynamic, err
}

func encodeAll(typ tftypes.Type, values ...tftypes.Value) ([]*tfprotov6.DynamicValue, error) {
	var all []*tfprotov6.DynamicValue
	for _, value := range values {
		dynamic, err := tfprotov6.NewDynamicValue(typ, value)
		if err != nil {
			return nil, err
		}
		all = append(all, &dynamic)
	}
	return all, nil
}

// text returns an attribute that is a string, empty where it is null.
func text(value tftypes.Value, attribute string) string {
	var s string
	if found, ok := elements(value)[attribute]; ok && found.IsKnown() && !found.IsNull() {
		_ = found.As(&s)
	}
	return s
}
