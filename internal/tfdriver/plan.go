package tfdriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// providerAddress is the source address of the driven provider.
const providerAddress = "registry.terraform.io/storefront-iac/kustom"

// Server is a provider's server.
type Server = tfprotov6.ProviderServer

// Driver drives one provider. It is safe for concurrent use.
type Driver struct {
	schemas    map[string]*tfprotov6.Schema
	types      map[string]tftypes.Type
	attributes map[string]map[string]attribute
	data       map[string]tftypes.Type
	identities map[string]tftypes.Type
	provider   tftypes.Type
}

// New returns a driver of a server's provider.
func New(ctx context.Context, server Server) (*Driver, error) {
	answer, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask the provider for its schema: %w", err)
	}
	if r := new(Result); r.add("provider", answer.Diagnostics) {
		return nil, fmt.Errorf("ask the provider for its schema: %v", r.Errors)
	}
	d := &Driver{
		schemas: answer.ResourceSchemas, provider: answer.Provider.ValueType(),
		types: map[string]tftypes.Type{}, attributes: map[string]map[string]attribute{},
		data: map[string]tftypes.Type{}, identities: map[string]tftypes.Type{},
	}
	for name, schema := range answer.ResourceSchemas {
		d.types[name] = schema.ValueType()
		d.attributes[name] = attributesOf(schema.Block)
	}
	for name, schema := range answer.DataSourceSchemas {
		d.data[name] = schema.ValueType()
	}
	d.addBuiltin()
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask the provider for its identities: %w", err)
	}
	for name, schema := range identities.IdentitySchemas {
		d.identities[name] = schema.ValueType()
	}
	return d, nil
}

// Start returns a new server for a provider configuration, and the configuration's values. Terraform starts one
// server for each configuration to plan, and another one to apply.
type Start func(provider string) (Server, Values, error)

// Sensitive returns true for each attribute of a resource or a data source that is sensitive.
func (d *Driver) Sensitive(typeName string) map[string]bool {
	sensitive := map[string]bool{}
	if schema := d.schemas[typeName]; schema != nil {
		for _, a := range schema.Block.Attributes {
			if a.Sensitive {
				sensitive[a.Name] = true
			}
		}
	}
	return sensitive
}

// Has reports whether a resource type has the argument at a path.
func (d *Driver) Has(typeName string, path ...string) bool {
	attributes, ok := d.attributes[typeName]
	if !ok {
		return false
	}
	for i, name := range path {
		a, ok := attributes[name]
		if !ok {
			return false
		}
		if i < len(path)-1 {
			attributes = a.nested
		}
	}
	return true
}

// Options are the planning options beyond the configuration.
type Options struct {
	// Replace has the addresses of -replace.
	Replace []string
	// Targets has the addresses of -target. Only they and their references are read and planned. Without any,
	// everything is.
	Targets []string
	// Forget has the addresses that leave the state without destruction, as with removed blocks and destroy = false.
	Forget []string
	// SkipRefresh plans by what the state says, as -refresh=false does: only imports are read.
	SkipRefresh bool
	// Destroy plans the destruction of all objects, as terraform destroy does.
	Destroy bool
	// Concurrent applies objects at once, where none depends on the other.
	Concurrent bool
	// Order chooses one of the orders that the dependencies allow. Equal numbers choose the same one.
	Order uint64
}

// action is the planned action for an object.
type action int

const (
	actionNone action = iota
	actionCreate
	actionUpdate
	actionDelete
	actionDeleteThenCreate
	actionCreateThenDelete
)

// String returns the action in the words of Terraform's JSON.
func (a action) String() string {
	switch a {
	case actionCreate:
		return "create"
	case actionUpdate:
		return "update"
	case actionDelete:
		return "delete"
	case actionDeleteThenCreate:
		return "delete, create"
	case actionCreateThenDelete:
		return "create, delete"
	default:
		return "no-op"
	}
}

// change is the planned change of one object.
type change struct {
	address  string
	provider string
	action   action
	object   Object // empty for a deletion
	prior    *Instance
	planned  tftypes.Value
	private  []byte
	identity *tfprotov6.ResourceIdentityData
	imported bool
	// deposed says that the change destroys a deposed object of an earlier run.
	deposed bool
}

// Plan is the plan of a run.
type Plan struct {
	Result
	changes []*change
	// prior is the refreshed state.
	prior   *State
	config  Config
	options Options
	start   Start
	// strict validates each block again when what it refers to is known, as Terraform does. A [Config] is validated
	// once, so that its histories have states in which only a part of what was planned was done.
	strict bool
	// targets has the planned addresses; nil for all.
	targets map[string]bool
}

// concerns reports whether the plan covers an address.
func (p *Plan) concerns(address string) bool { return p.targets == nil || p.targets[address] }

// Empty reports whether the plan changes nothing.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.changes, func(c *change) bool { return c.action != actionNone })
}

// Change is what a plan does with an object.
type Change struct {
	Address string
	// Actions are Terraform's words for it. A replacement has two.
	Actions []string
	// Before and After are null if there is no object.
	Before, After tftypes.Value
	// Imported says that an import block has imported the object.
	Imported bool
	// ImportID is the ID of that block, if it has one.
	ImportID string
	// Deposed says that the object was replaced by an earlier run.
	Deposed bool
}

// Changes returns what the plan does with each object, also if that is nothing.
func (p *Plan) Changes() []Change {
	var all []Change
	for _, c := range p.changes {
		before := tftypes.NewValue(c.planned.Type(), nil)
		if c.prior != nil {
			before = c.prior.Value
		}
		all = append(all, Change{
			Address: c.address, Actions: strings.Split(c.action.String(), ", "), Before: before, After: c.planned,
			Imported: c.imported, ImportID: c.object.ImportID, Deposed: c.deposed,
		})
	}
	return all
}

// Refreshed returns the state that the plan has read. Terraform's -refresh-only saves it.
func (p *Plan) Refreshed() *State { return p.prior }

// Change returns what the plan does to the object at an address, in the words of Terraform's JSON, and the object before
// and after that. A null value means that there is no object.
func (p *Plan) Change(address string) (actions string, before, after tftypes.Value) {
	for _, c := range p.changes {
		if c.address != address || c.deposed {
			continue
		}
		before = tftypes.NewValue(c.planned.Type(), nil)
		if c.prior != nil {
			before = c.prior.Value
		}
		return c.action.String(), before, c.planned
	}
	return "", tftypes.Value{}, tftypes.Value{}
}

// walk is a plan or an apply with its own servers.
type walk struct {
	*Driver
	start   Start
	servers map[string]Server
	result  *Result
	// resolve looks up what a provider's configuration refers to.
	resolve resolver
	// refused says that a provider does not accept its configuration.
	refused bool
	// strict is [Plan]'s.
	strict bool
	// validates says that the provider is not configured.
	validates bool
	// turn is the lock of a walk that handles objects at once; nil if it handles one at a time.
	turn *sync.Mutex
}

func (d *Driver) walk(start Start, result *Result) *walk {
	return &walk{Driver: d, start: start, servers: map[string]Server{}, result: result}
}

// server returns the configured server for a provider configuration.
func (w *walk) server(ctx context.Context, name string) (Server, error) {
	if server, ok := w.servers[name]; ok {
		return server, nil
	}
	if name == builtinType {
		return builtin{}, nil
	}
	if w.refused {
		return nil, errRefused
	}
	server, values, err := w.start(name)
	if err != nil {
		return nil, fmt.Errorf("start the provider: %w", err)
	}
	config, err := encode(w.provider, values, w.resolve)
	if err != nil {
		return nil, fmt.Errorf("configure the provider: %w", err)
	}
	valid, err := server.ValidateProviderConfig(ctx, &tfprotov6.ValidateProviderConfigRequest{Config: w.dynamic(w.provider, config)})
	if err != nil {
		return nil, fmt.Errorf("validate the provider's configuration: %w", err)
	}
	if w.result.add(strings.TrimSpace("provider "+name), valid.Diagnostics) {
		w.refused = true
		return nil, errRefused
	}
	if w.validates {
		w.servers[name] = server
		return server, nil
	}
	answer, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: w.dynamic(w.provider, config)})
	if err != nil {
		return nil, fmt.Errorf("configure the provider: %w", err)
	}
	if w.result.add(strings.TrimSpace("provider "+name), answer.Diagnostics) {
		w.refused = true
		return nil, errRefused
	}
	if w.turn != nil {
		server = turnTaker{server, w.turn}
	}
	w.servers[name] = server
	return server, nil
}

// dynamic encodes a value of the type.
func (w *walk) dynamic(typ tftypes.Type, value tftypes.Value) *tfprotov6.DynamicValue {
	encoded, err := tfprotov6.NewDynamicValue(typ, value)
	if err != nil {
		// Every value has a type of the schema.
		panic(fmt.Sprintf("encoding a value: %v", err))
	}
	return &encoded
}

// Plan refreshes a state and plans the changes that a configuration needs. The result is never nil. With errors, it
// can't be applied.
func (d *Driver) Plan(ctx context.Context, config Config, state *State, start Start, o Options) *Plan {
	return d.plan(ctx, func(*walk) (Config, error) { return config, nil }, state, start, o)
}

func (d *Driver) plan(ctx context.Context, expand func(*walk) (Config, error), state *State, start Start, o Options) *Plan {
	p := &Plan{prior: state.clone(), options: o, start: start}
	w := d.walk(start, &p.Result)
	planned := map[string]tftypes.Value{}
	w.resolve = func(address string) (tftypes.Value, bool) {
		if value, ok := planned[address]; ok {
			return value, true
		}
		if instance := p.prior.Current[address]; instance != nil {
			return instance.Value, true
		}
		return tftypes.Value{}, false
	}
	config, err := expand(w)
	if err != nil {
		p.problem("configuration", err)
		return p
	}
	p.strict = w.strict
	p.config, p.targets = config, config.targets(o.Targets)
	// Terraform validates with a separate server, which it does not configure.
	v := d.walk(start, &p.Result)
	v.resolve, v.validates = w.resolve, true
	if !v.validate(ctx, config) {
		return p
	}
	w.move(ctx, p)
	imported := w.refresh(ctx, p)
	if p.Failed() {
		return p
	}
	if o.Destroy {
		config = nil
		p.config = nil
	}
	for _, address := range o.Forget {
		delete(p.prior.Current, address)
		delete(p.prior.Deposed, address)
	}
	for _, object := range inOrder(config) {
		if !p.concerns(object.Address) {
			continue
		}
		c, err := w.plan(ctx, p, object, planned, imported[object.Address])
		if err != nil {
			p.problem(object.Address, err)
			continue
		}
		if c == nil {
			continue // The provider has reported why.
		}
		p.changes = append(p.changes, c)
		planned[object.Address] = c.planned
	}
	w.planDeletions(ctx, p)
	return p
}

// move carries out the configuration's moved blocks.
func (w *walk) move(ctx context.Context, p *Plan) {
	for _, object := range p.config {
		old := p.prior.Current[object.MovedFrom]
		if old == nil || p.prior.Current[object.Address] != nil || !p.concerns(object.Address) {
			continue
		}
		if moved := w.moveObject(ctx, object, old); moved != nil {
			delete(p.prior.Current, object.MovedFrom)
			p.prior.Current[object.Address] = moved
		}
	}
}

func (w *walk) moveObject(ctx context.Context, object Object, old *Instance) *Instance {
	server, err := w.server(ctx, object.Provider)
	if err != nil {
		w.result.problem(object.Address, err)
		return nil
	}
	raw, err := asJSON(old.Value)
	if err != nil {
		w.result.fail(object.Address, "moving it: %v", err)
		return nil
	}
	answer, err := server.MoveResourceState(ctx, &tfprotov6.MoveResourceStateRequest{
		SourceProviderAddress: providerAddress, SourceTypeName: typeName(old.Address), SourceState: &tfprotov6.RawState{JSON: raw},
		SourcePrivate: old.Private, TargetTypeName: typeName(object.Address),
	})
	if err != nil {
		w.result.fail(object.Address, "moving it: %v", err)
		return nil
	}
	if w.result.add(object.Address, answer.Diagnostics) {
		return nil
	}
	value, err := answer.TargetState.Unmarshal(w.types[typeName(object.Address)])
	if err != nil {
		w.result.fail(object.Address, "moving it: %v", err)
		return nil
	}
	return &Instance{
		Address: object.Address, Provider: object.Provider, Value: value, Private: answer.TargetPrivate, Identity: answer.TargetIdentity,
		Tainted: old.Tainted, DependsOn: old.DependsOn, CreateBeforeDestroy: old.CreateBeforeDestroy,
	}
}

// validate checks every block against its schema while its references are unknown.
func (w *walk) validate(ctx context.Context, config Config) bool {
	for _, object := range config {
		if _, err := w.server(ctx, object.Provider); err != nil {
			w.result.problem(object.Address, err)
			return false
		}
		value, err := encode(w.types[typeName(object.Address)], object.Values, func(string) (tftypes.Value, bool) { return tftypes.Value{}, false })
		if err != nil {
			w.result.fail(object.Address, "%v", err)
			continue
		}
		if err := w.validateObject(ctx, object, value); err != nil {
			w.result.problem(object.Address, err)
		}
	}
	return !w.result.Failed()
}

// validateObject returns an error if the provider rejects a block.
func (w *walk) validateObject(ctx context.Context, object Object, config tftypes.Value) error {
	server, err := w.server(ctx, object.Provider)
	if err != nil {
		return err
	}
	answer, err := server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: typeName(object.Address), Config: w.dynamic(config.Type(), config),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		return err
	}
	if w.result.add(object.Address, answer.Diagnostics) {
		return errRefused
	}
	return nil
}

// refresh imports objects and reads all objects. It returns the addresses of the imported ones.
func (w *walk) refresh(ctx context.Context, p *Plan) map[string]bool {
	imported := map[string]bool{}
	for _, object := range p.config {
		if object.ImportID == "" && object.ImportIdentity == nil || p.prior.Current[object.Address] != nil || p.options.Destroy || !p.concerns(object.Address) {
			continue
		}
		if instance := w.importObject(ctx, object); instance != nil {
			p.prior.Current[object.Address] = instance
			imported[object.Address] = true
		}
	}
	for _, address := range addresses(p.prior.Current) {
		if !p.concerns(address) || p.options.SkipRefresh && !imported[address] {
			continue
		}
		instance := p.prior.Current[address]
		if object, ok := p.config.object(address); ok {
			instance = instance.at(object.Provider)
		}
		read, ok := w.read(ctx, instance)
		switch {
		case !ok:
		case read == nil && imported[address]:
			w.result.fail(address, "cannot import non-existent remote object")
		case read == nil:
			delete(p.prior.Current, address)
		default:
			p.prior.Current[address] = read
		}
	}
	for _, address := range addresses(p.prior.Deposed) {
		if p.concerns(address) && !p.options.SkipRefresh {
			w.refreshDeposed(ctx, p, address)
		}
	}
	return imported
}

func (w *walk) refreshDeposed(ctx context.Context, p *Plan, address string) {
	var left []*Instance
	object, configured := p.config.object(address)
	for _, instance := range p.prior.Deposed[address] {
		if configured {
			// As in Terraform, the block chooses the provider configuration that destroys a deposed object.
			instance = instance.at(object.Provider)
		}
		read, ok := w.read(ctx, instance)
		if !ok {
			read = instance
		}
		if read != nil {
			left = append(left, read)
		}
	}
	p.prior.Deposed[address] = left
	if len(left) == 0 {
		delete(p.prior.Deposed, address)
	}
}

func (w *walk) importObject(ctx context.Context, object Object) *Instance {
	server, err := w.server(ctx, object.Provider)
	if err != nil {
		w.result.problem(object.Address, err)
		return nil
	}
	identity, err := w.identity(object)
	if err != nil {
		w.result.fail(object.Address, "importing it: %v", err)
		return nil
	}
	answer, err := server.ImportResourceState(ctx, &tfprotov6.ImportResourceStateRequest{
		TypeName: typeName(object.Address), ID: object.ImportID, Identity: identity,
	})
	if err != nil {
		w.result.fail(object.Address, "importing it: %v", err)
		return nil
	}
	if w.result.add(object.Address, answer.Diagnostics) || len(answer.ImportedResources) == 0 {
		return nil
	}
	got := answer.ImportedResources[0]
	value, err := got.State.Unmarshal(w.types[typeName(object.Address)])
	if err != nil {
		w.result.fail(object.Address, "importing it: %v", err)
		return nil
	}
	return &Instance{Address: object.Address, Provider: object.Provider, Value: value, Private: got.Private, Identity: got.Identity}
}

// identity returns the identity of an object's import block; nil if the block has an ID.
func (w *walk) identity(object Object) (*tfprotov6.ResourceIdentityData, error) {
	if object.ImportIdentity == nil {
		return nil, nil
	}
	typ := w.identities[typeName(object.Address)]
	given := Values{}
	for name, value := range object.ImportIdentity {
		given[name] = value
	}
	value, err := encode(typ, given, nil)
	if err != nil {
		return nil, err
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: w.dynamic(typ, value)}, nil
}

// at returns a copy of the instance with another provider configuration.
func (i *Instance) at(provider string) *Instance {
	moved := *i
	moved.Provider = provider
	return &moved
}

// read returns the current object, or nil if it is gone. After an error, ok is false.
func (w *walk) read(ctx context.Context, instance *Instance) (*Instance, bool) {
	server, err := w.server(ctx, instance.Provider)
	if err != nil {
		w.result.problem(instance.Address, err)
		return nil, false
	}
	typ := w.types[typeName(instance.Address)]
	answer, err := server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
		TypeName: typeName(instance.Address), CurrentState: w.dynamic(typ, instance.Value),
		Private: instance.Private, CurrentIdentity: instance.Identity,
	})
	if err != nil {
		w.result.fail(instance.Address, "reading it: %v", err)
		return nil, false
	}
	if w.result.add(instance.Address, answer.Diagnostics) {
		return nil, false
	}
	value, err := answer.NewState.Unmarshal(typ)
	if err != nil {
		w.result.fail(instance.Address, "reading it: %v", err)
		return nil, false
	}
	if value.IsNull() {
		return nil, true
	}
	read := *instance
	read.Value, read.Private, read.Identity = value, answer.Private, answer.NewIdentity
	return &read, true
}

// plan plans one object of the configuration. It returns nil if the provider refuses.
func (w *walk) plan(ctx context.Context, p *Plan, object Object, known map[string]tftypes.Value, imported bool) (*change, error) {
	prior := p.prior.Current[object.Address]
	c := &change{address: object.Address, provider: object.Provider, object: object, prior: prior, imported: imported}
	config, err := w.configured(p.config, object, known)
	if err != nil {
		return nil, err
	}
	if p.strict {
		if err := w.validateObject(ctx, object, config); err != nil {
			return nil, err
		}
	}
	basis := prior
	if prior != nil && prior.Tainted {
		basis = nil
	}
	replaced, ok, err := w.ask(ctx, c, basis, config)
	if !ok || err != nil {
		return nil, err
	}
	switch {
	case prior == nil:
		c.action = actionCreate
		return c, nil
	case prior.Tainted:
		c.action = replacement(object)
		return c, nil
	case !replaced && !slices.Contains(p.options.Replace, object.Address):
		c.action = actionUpdate
		if c.planned.Equal(prior.Value) {
			c.action = actionNone
		}
		return c, nil
	}
	c.action = replacement(object)
	// The replacement is planned as a new object. It gets the private data of the plan so far.
	between := &Instance{Private: c.private, Identity: c.identity}
	if _, ok, err = w.askNew(ctx, c, between, config); !ok || err != nil {
		return nil, err
	}
	return c, nil
}

func replacement(object Object) action {
	if object.CreateBeforeDestroy {
		return actionCreateThenDelete
	}
	return actionDeleteThenCreate
}

// configured returns the value of a block. A reference to an object that was not planned is an error.
func (w *walk) configured(config Config, object Object, known map[string]tftypes.Value) (tftypes.Value, error) {
	for _, address := range object.references() {
		if _, ok := config.object(address); !ok {
			return tftypes.Value{}, fmt.Errorf("it refers to %s, which is not in the configuration", address)
		}
		if _, ok := known[address]; !ok {
			return tftypes.Value{}, errRefused // What it refers to has failed, which was said.
		}
	}
	return encode(w.types[typeName(object.Address)], object.Values, func(address string) (tftypes.Value, bool) {
		value, ok := known[address]
		return value, ok
	})
}

// ask makes the provider plan a change, and stores the planned values in it. Basis is the present object; nil for a new
// one. Replaced says that the object must be replaced. Ok is false if the provider rejects the change.
func (w *walk) ask(ctx context.Context, c *change, basis *Instance, config tftypes.Value) (replaced, ok bool, err error) {
	if basis == nil {
		return w.askNew(ctx, c, new(Instance), config)
	}
	return w.askFrom(ctx, c, basis, config)
}

func (w *walk) askNew(ctx context.Context, c *change, private *Instance, config tftypes.Value) (replaced, ok bool, err error) {
	nothing := *private
	nothing.Value = tftypes.NewValue(config.Type(), nil)
	return w.askFrom(ctx, c, &nothing, config)
}

func (w *walk) askFrom(ctx context.Context, c *change, basis *Instance, config tftypes.Value) (replaced, ok bool, err error) {
	server, err := w.server(ctx, c.provider)
	if err != nil {
		return false, false, err
	}
	name := typeName(c.address)
	typ, schema := w.types[name], w.attributes[name]
	answer, err := server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, PriorState: w.dynamic(typ, basis.Value), Config: w.dynamic(typ, config),
		ProposedNewState: w.dynamic(typ, proposed(schema, basis.Value, config)),
		PriorPrivate:     basis.Private, PriorIdentity: basis.Identity,
	})
	if err != nil {
		return false, false, fmt.Errorf("plan it: %w", err)
	}
	if w.result.add(c.address, answer.Diagnostics) {
		return false, false, nil
	}
	if c.planned, err = answer.PlannedState.Unmarshal(typ); err != nil {
		return false, false, fmt.Errorf("plan it: %w", err)
	}
	if err := checkPlanned(schema, basis.Value, config, c.planned); err != nil {
		return false, false, fmt.Errorf("provider produced invalid plan: %w", err)
	}
	c.private, c.identity = answer.PlannedPrivate, answer.PlannedIdentity
	return !basis.Value.IsNull() && differs(answer.RequiresReplace, basis.Value, c.planned), true, nil
}

// differs reports whether the value at one of the paths changes.
func differs(paths []*tftypes.AttributePath, prior, planned tftypes.Value) bool {
	for _, path := range paths {
		was, _, errWas := tftypes.WalkAttributePath(prior, path)
		now, _, errNow := tftypes.WalkAttributePath(planned, path)
		before, okWas := was.(tftypes.Value)
		after, okNow := now.(tftypes.Value)
		if errWas != nil || errNow != nil || !okWas || !okNow || !before.Equal(after) {
			return true
		}
	}
	return false
}

// planDeletions plans the destruction of objects that the configuration lacks, and of deposed objects.
func (w *walk) planDeletions(ctx context.Context, p *Plan) {
	for _, address := range addresses(p.prior.Current) {
		if _, ok := p.config.object(address); !ok && p.concerns(address) {
			w.planDeletion(ctx, p, &change{address: address, prior: p.prior.Current[address]})
		}
	}
	for _, address := range addresses(p.prior.Deposed) {
		for _, instance := range p.prior.Deposed[address] {
			if !p.concerns(address) {
				continue
			}
			w.planDeletion(ctx, p, &change{address: address, prior: instance, deposed: true})
		}
	}
}

func (w *walk) planDeletion(ctx context.Context, p *Plan, c *change) {
	c.provider, c.action = c.prior.Provider, actionDelete
	if err := w.askDeletion(ctx, c); err != nil {
		p.problem(c.address, err)
		return
	}
	p.changes = append(p.changes, c)
}

func (w *walk) askDeletion(ctx context.Context, c *change) error {
	server, err := w.server(ctx, c.provider)
	if err != nil {
		return err
	}
	typ := w.types[typeName(c.address)]
	c.planned = tftypes.NewValue(typ, nil)
	none := w.dynamic(typ, c.planned)
	answer, err := server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: typeName(c.address), PriorState: w.dynamic(typ, c.prior.Value), Config: none, ProposedNewState: none,
		PriorPrivate: c.prior.Private, PriorIdentity: c.prior.Identity,
	})
	if err != nil {
		return fmt.Errorf("plan to destroy it: %w", err)
	}
	if w.result.add(c.address, answer.Diagnostics) {
		return errRefused
	}
	c.private, c.identity = answer.PlannedPrivate, answer.PlannedIdentity
	return nil
}

// errRefused says that the provider has reported an error.
var errRefused = errors.New("the provider refuses")
