package tfdriver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/gocty"
)

// Module is a configuration in Terraform's language, with values for its variables. It knows resources, data sources,
// variables, locals, outputs, and blocks that configure the provider, import or move. It ignores checks, and has no
// modules, conditions, count or provisioners.
type Module struct {
	variables map[string]cty.Value
	locals    map[string]hclsyntax.Expression
	outputs   map[string]hclsyntax.Expression
	// blocks are the resources and, with "data." in front, the data sources.
	blocks   map[string]*hclsyntax.Block
	imports  []*hclsyntax.Block
	moves    []*hclsyntax.Block
	provider *hclsyntax.Block
	sources  map[string][]byte
	// read reads a data source. It is set during a plan.
	read func(address string, arguments Values) (cty.Value, error)
	// known are the data sources that were read.
	known map[string]cty.Value
}

// ParseModule returns the module in files, with these variables. The default value takes the place of a variable that
// is missing.
func ParseModule(files map[string]string, variables map[string]cty.Value) (*Module, error) {
	m := &Module{
		variables: map[string]cty.Value{}, locals: map[string]hclsyntax.Expression{}, outputs: map[string]hclsyntax.Expression{},
		blocks: map[string]*hclsyntax.Block{}, sources: map[string][]byte{}, known: map[string]cty.Value{},
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		m.sources[name] = []byte(files[name])
		file, diagnostics := hclsyntax.ParseConfig(m.sources[name], name, hcl.InitialPos)
		if diagnostics.HasErrors() {
			return nil, diagnostics
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			return nil, fmt.Errorf("%s is not in the native syntax", name)
		}
		for _, b := range body.Blocks {
			if err := m.add(b, variables); err != nil {
				return nil, fmt.Errorf("%s: %w", b.Range(), err)
			}
		}
	}
	return m, nil
}

func (m *Module) add(b *hclsyntax.Block, variables map[string]cty.Value) error {
	switch b.Type {
	case "terraform", "check":
	case "provider":
		m.provider = b
	case "import":
		m.imports = append(m.imports, b)
	case "moved":
		m.moves = append(m.moves, b)
	case "resource":
		m.blocks[strings.Join(b.Labels, ".")] = b
	case "data":
		m.blocks["data."+strings.Join(b.Labels, ".")] = b
	case "output":
		m.outputs[b.Labels[0]] = b.Body.Attributes["value"].Expr
	case "locals":
		for name, attribute := range b.Body.Attributes {
			m.locals[name] = attribute.Expr
		}
	case "variable":
		return m.addVariable(b, variables)
	default:
		return fmt.Errorf("blocks %s are not supported", b.Type)
	}
	return nil
}

func (m *Module) addVariable(b *hclsyntax.Block, variables map[string]cty.Value) error {
	name := b.Labels[0]
	value, ok := variables[name]
	if !ok {
		attribute := b.Body.Attributes["default"]
		if attribute == nil {
			return fmt.Errorf("no value for the variable %s", name)
		}
		var diagnostics hcl.Diagnostics
		if value, diagnostics = attribute.Expr.Value(nil); diagnostics.HasErrors() {
			return diagnostics
		}
	}
	typ, err := variableType(b)
	if err != nil {
		return err
	}
	m.variables[name], err = convert.Convert(value, typ)
	return err
}

// Provider returns the arguments of the provider's block.
func (m *Module) Provider() Values {
	if m.provider == nil {
		return nil
	}
	return m.arguments(m.provider.Body, nil)
}

// Output returns an output, given the objects of a state.
func (m *Module) Output(name string, state *State) (cty.Value, error) {
	expression, ok := m.outputs[name]
	if !ok {
		return cty.NilVal, fmt.Errorf("there is no output %s", name)
	}
	return m.scope(nil).evaluate(expression, func(address string) (tftypes.Value, bool) {
		instance, ok := state.Current[address]
		if !ok {
			return tftypes.Value{}, false
		}
		return instance.Value, true
	})
}

// Outputs returns the names of the outputs, sorted.
func (m *Module) Outputs() []string { return slices.Sorted(maps.Keys(m.outputs)) }

// Data returns the values of a data source that was read, by its address.
func (m *Module) Data() map[string]cty.Value { return m.known }

// Line returns the number of the line on which an object's argument begins. It returns the line of the object's block if
// argument is empty, or if the block lacks it. The address of the provider's block is "provider".
func (m *Module) Line(address, argument string) string {
	block := m.blocks[withoutKey(address)]
	if address == "provider" {
		block = m.provider
	}
	if block == nil {
		return ""
	}
	at := block.Range()
	if attribute := block.Body.Attributes[argument]; attribute != nil {
		at = attribute.Range()
	}
	return strings.Split(string(m.sources[at.Filename]), "\n")[at.Start.Line-1]
}

// withoutKey returns an address without the key of for_each.
func withoutKey(address string) string {
	address, _, _ = strings.Cut(address, "[")
	return address
}

// config returns the resources of the module, one for each key.
func (m *Module) config() (Config, error) {
	var config Config
	for _, address := range slices.Sorted(maps.Keys(m.blocks)) {
		if strings.HasPrefix(address, "data.") {
			continue
		}
		objects, err := m.expand(address)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		config = append(config, objects...)
	}
	// The provider is configured when what its block refers to is known.
	var before []string
	for _, value := range m.Provider() {
		before = append(before, references(value)...)
	}
	for i := range config {
		if config[i].Provider == "" {
			config[i].After = slices.Concat(config[i].After, before)
		}
	}
	if err := m.setImports(config); err != nil {
		return nil, err
	}
	return config, m.setMoves(config)
}

func (m *Module) expand(address string) ([]Object, error) {
	block := m.blocks[address]
	each, err := m.eachOf(block.Body)
	if err != nil {
		return nil, err
	}
	before, err := m.dependsOn(block.Body)
	if err != nil {
		return nil, err
	}
	first, err := m.createsBeforeDestroy(block.Body)
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, e := range each {
		objects = append(objects, Object{
			Address: e.address(address), Provider: providerOf(address), Values: m.arguments(block.Body, e),
			CreateBeforeDestroy: first, After: before, Postcondition: m.postcondition(block.Body, e),
		})
	}
	return objects, nil
}

func providerOf(address string) string {
	if typeName(address) == builtinType {
		return builtinType
	}
	return ""
}

// each is a key of for_each and its value; nil where there is no for_each.
type each struct {
	key   string
	value cty.Value
}

func (e *each) address(of string) string {
	if e == nil {
		return of
	}
	return fmt.Sprintf("%s[%q]", of, e.key)
}

func (m *Module) eachOf(body *hclsyntax.Body) ([]*each, error) {
	attribute := body.Attributes["for_each"]
	if attribute == nil {
		return []*each{nil}, nil
	}
	all, err := m.scope(nil).evaluate(attribute.Expr, nil)
	if err != nil {
		return nil, err
	}
	if !all.IsWhollyKnown() || all.IsNull() {
		return nil, errors.New("for_each is not known")
	}
	elements := []*each{}
	for key, value := range all.Elements() {
		if all.Type().IsSetType() {
			key = value
		}
		elements = append(elements, &each{key.AsString(), value})
	}
	return elements, nil
}

func (m *Module) dependsOn(body *hclsyntax.Body) ([]string, error) {
	attribute := body.Attributes["depends_on"]
	if attribute == nil {
		return nil, nil
	}
	list, diagnostics := hcl.ExprList(attribute.Expr)
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	var addresses []string
	for _, one := range list {
		addresses = append(addresses, m.scope(nil).addresses(one)...)
	}
	return addresses, nil
}

func (m *Module) createsBeforeDestroy(body *hclsyntax.Body) (bool, error) {
	lifecycle := blockOf(body, "lifecycle")
	if lifecycle == nil {
		return false, nil
	}
	for name, attribute := range lifecycle.Body.Attributes {
		if name != "create_before_destroy" {
			return false, fmt.Errorf("lifecycle: %s is not supported", name)
		}
		value, diagnostics := attribute.Expr.Value(nil)
		if diagnostics.HasErrors() {
			return false, diagnostics
		}
		return value.True(), nil
	}
	return false, nil
}

// blockOf returns the first block of a type, nil if there is none.
func blockOf(body *hclsyntax.Body, blockType string) *hclsyntax.Block {
	for _, b := range body.Blocks {
		if b.Type == blockType {
			return b
		}
	}
	return nil
}

// postcondition returns the check of a block's postcondition, nil if it has none.
func (m *Module) postcondition(body *hclsyntax.Body, e *each) func(tftypes.Value) error {
	lifecycle := blockOf(body, "lifecycle")
	if lifecycle == nil {
		return nil
	}
	block := blockOf(lifecycle.Body, "postcondition")
	if block == nil {
		return nil
	}
	return func(value tftypes.Value) error {
		self, err := toCty(value)
		if err != nil {
			return err
		}
		s := scope{module: m, each: e, self: self}
		condition, err := s.evaluate(block.Body.Attributes["condition"].Expr, nil)
		if err != nil || condition.True() {
			return err
		}
		says, err := s.evaluate(block.Body.Attributes["error_message"].Expr, nil)
		if err != nil {
			return err
		}
		return fmt.Errorf("resource postcondition failed: %s", says.AsString())
	}
}

// metaArguments are those that Terraform itself understands.
var metaArguments = map[string]bool{"for_each": true, "provider": true, "depends_on": true, "lifecycle": true}

func (m *Module) arguments(body *hclsyntax.Body, e *each) Values {
	values := Values{}
	for name, attribute := range body.Attributes {
		if !metaArguments[name] {
			values[name] = &argument{m.scope(e), attribute.Expr}
		}
	}
	for _, b := range body.Blocks {
		if !metaArguments[b.Type] {
			values[b.Type] = m.arguments(b.Body, e)
		}
	}
	return values
}

func (m *Module) setImports(config Config) error {
	for _, block := range m.imports {
		each, err := m.eachOf(block.Body)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		for _, e := range each {
			if err := m.setImport(config, block.Body.Attributes, e); err != nil {
				return fmt.Errorf("import: %w", err)
			}
		}
	}
	return nil
}

func (m *Module) setImport(config Config, attributes hclsyntax.Attributes, e *each) error {
	scope := m.scope(e)
	to, err := scope.address(attributes["to"].Expr)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(config, func(o Object) bool { return o.Address == to })
	if i < 0 {
		return fmt.Errorf("there is no %s", to)
	}
	if attribute := attributes["identity"]; attribute != nil {
		identity, err := scope.evaluate(attribute.Expr, nil)
		if err != nil {
			return err
		}
		config[i].ImportIdentity = map[string]string{}
		for name, value := range identity.Elements() {
			config[i].ImportIdentity[name.AsString()] = value.AsString()
		}
		return nil
	}
	id, err := scope.evaluate(attributes["id"].Expr, nil)
	if err != nil {
		return err
	}
	return gocty.FromCtyValue(id, &config[i].ImportID)
}

func (m *Module) setMoves(config Config) error {
	for _, block := range m.moves {
		to, err := m.scope(nil).address(block.Body.Attributes["to"].Expr)
		if err != nil {
			return err
		}
		from, err := m.scope(nil).address(block.Body.Attributes["from"].Expr)
		if err != nil {
			return err
		}
		for i := range config {
			if config[i].Address == to {
				config[i].MovedFrom = from
			}
		}
	}
	return nil
}

// data returns the values of a data source. With for_each, it returns an object with the values for each key.
func (m *Module) data(address string) (cty.Value, error) {
	if value, ok := m.known[address]; ok {
		return value, nil
	}
	block := m.blocks[address]
	if block == nil {
		return cty.NilVal, fmt.Errorf("there is no %s", address)
	}
	if m.read == nil {
		return cty.DynamicVal, nil
	}
	each, err := m.eachOf(block.Body)
	if err != nil {
		return cty.NilVal, err
	}
	values := map[string]cty.Value{}
	for _, e := range each {
		value, err := m.read(e.address(address), m.arguments(block.Body, e))
		if err != nil {
			return cty.NilVal, err
		}
		if e == nil {
			m.known[address] = value
			return value, nil
		}
		values[e.key] = value
	}
	m.known[address] = cty.ObjectVal(values)
	return m.known[address], nil
}

// readAll reads the data sources that were not read yet.
func (m *Module) readAll() error {
	var failed error
	for _, address := range slices.Sorted(maps.Keys(m.blocks)) {
		if strings.HasPrefix(address, "data.") {
			if _, err := m.data(address); err != nil {
				failed = errors.Join(failed, err)
			}
		}
	}
	return failed
}

// PlanModule plans a module, as [Driver.Plan] plans a configuration. The module caches the data sources that it reads, so
// use it for one run only.
func (d *Driver) PlanModule(ctx context.Context, m *Module, state *State, start func() (Server, error), o Options) *Plan {
	started := func(string) (Server, Values, error) {
		server, err := start()
		return server, m.Provider(), err
	}
	return d.plan(ctx, func(w *walk) (Config, error) {
		w.strict = true
		m.read = func(address string, arguments Values) (cty.Value, error) { return w.readData(ctx, address, arguments) }
		if err := m.readAll(); err != nil {
			return nil, err
		}
		return m.config()
	}, state, started, o)
}

// readData reads a data source. Its values are unknown if an argument is.
func (w *walk) readData(ctx context.Context, address string, arguments Values) (cty.Value, error) {
	_, name, _ := strings.Cut(address, ".")
	name = typeName(name)
	typ, ok := w.data[name]
	if !ok {
		return cty.NilVal, fmt.Errorf("there is no data source %s", name)
	}
	config, err := encode(typ, arguments, w.resolve)
	if err != nil {
		return cty.NilVal, err
	}
	server, err := w.server(ctx, "")
	if err != nil {
		return cty.NilVal, err
	}
	valid, err := server.ValidateDataResourceConfig(ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: w.dynamic(typ, config)})
	if err != nil {
		return cty.NilVal, err
	}
	if w.result.add(address, valid.Diagnostics) {
		return cty.NilVal, errRefused
	}
	if !config.IsFullyKnown() {
		return cty.DynamicVal, nil
	}
	read, err := server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: w.dynamic(typ, config)})
	if err != nil {
		return cty.NilVal, err
	}
	if w.result.add(address, read.Diagnostics) {
		return cty.NilVal, errRefused
	}
	value, err := read.State.Unmarshal(typ)
	if err != nil {
		return cty.NilVal, err
	}
	return toCty(value)
}
