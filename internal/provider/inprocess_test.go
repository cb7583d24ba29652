package provider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// inProcess runs some of Terraform's commands in this process, in milliseconds. Tests of what Terraform prints of a plan, or of
// interrupted processes, need a real Terraform.
type inProcess struct {
	driver *tfdriver.Driver
	serve  func() (tfprotov6.ProviderServer, error)
	state  *tfdriver.State
	// plans are the saved plans by name, with the module that each was made of.
	plans map[string]plannedRun
	// applied is the module of the last apply, whose outputs the state has.
	applied *tfdriver.Module
	// concurrent applies objects at once, as Terraform does.
	concurrent bool
	// log, where it is not nil, gets what the provider logs.
	log *bytes.Buffer
}

type plannedRun struct {
	*tfdriver.Plan
	module *tfdriver.Module
}

// driverOnce returns the driver, which all tests share.
var driverOnce = sync.OnceValues(func() (*tfdriver.Driver, error) {
	server, err := provider.NewServer(provider.New(provider.Options{})(), false)
	if err != nil {
		return nil, err
	}
	return tfdriver.New(context.Background(), server)
})

func newInProcess(t testing.TB, serve func() (tfprotov6.ProviderServer, error)) *inProcess {
	t.Helper()
	driver, err := driverOnce()
	if err != nil {
		t.Fatal(err)
	}
	return &inProcess{driver: driver, serve: serve, state: tfdriver.NewState(), plans: map[string]plannedRun{}}
}

func (p *inProcess) context(t testing.TB) context.Context {
	if p.log == nil {
		return t.Context()
	}
	return tflogtest.RootLogger(t.Context(), p.log)
}

// plan plans a module.
func (p *inProcess) plan(t testing.TB, m *tfdriver.Module, o tfdriver.Options) plannedRun {
	t.Helper()
	o.Concurrent = p.concurrent
	return plannedRun{p.driver.PlanModule(p.context(t), m, p.state, p.serve, o), m}
}

// apply applies a plan that has no errors, and adds the diagnostics to the plan's result.
func (p *inProcess) apply(t testing.TB, plan plannedRun) {
	t.Helper()
	if plan.Failed() {
		return
	}
	state, result := p.driver.Apply(p.context(t), plan.Plan)
	p.state, p.applied = state, plan.module
	plan.Add(result)
}

// changes counts what a plan does, as Terraform's last line says it.
func changes(plan *tfdriver.Plan) (imported, added, changed, destroyed int) {
	for _, c := range plan.Changes() {
		if c.Imported {
			imported++
		}
		for _, action := range c.Actions {
			switch action {
			case "create":
				added++
			case "update":
				changed++
			case "delete":
				destroyed++
			}
		}
	}
	return imported, added, changed, destroyed
}

func isEmpty(plan *tfdriver.Plan) bool {
	imported, added, changed, destroyed := changes(plan)
	return imported+added+changed+destroyed == 0
}

// printed is what Terraform prints of a run, without its frames.
func printed(result *tfdriver.Result) string {
	var text strings.Builder
	for _, d := range result.Diagnostics {
		severity := "Warning"
		if d.IsError {
			severity = "Error"
		}
		fmt.Fprintf(&text, "%s: %s\n\n%s\n\n", severity, d.Summary, d.Detail)
	}
	return text.String()
}

// printedJSON is the same with -json: a line for each diagnostic, with the line of the configuration that it points to.
func (r plannedRun) printedJSON(t testing.TB) string {
	t.Helper()
	var text strings.Builder
	for _, d := range r.Diagnostics {
		of := diagnostic{Severity: "warning", Summary: d.Summary, Detail: d.Detail}
		if d.IsError {
			of.Severity = "error"
		}
		of.Snippet.Code = r.module.Line(d.Address, d.Argument)
		text.Write(encodedJSON(t, map[string]any{"diagnostic": of}))
		text.WriteByte('\n')
	}
	return text.String()
}

func encodedJSON(t testing.TB, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// commandLine has the options of a command, and its arguments in rest.
type commandLine struct {
	tfdriver.Options
	out               string
	json, exitsByPlan bool
	refreshOnly       bool
	variables         map[string]cty.Value
	rest              []string
}

func commandOf(t testing.TB, args []string) commandLine {
	t.Helper()
	c := commandLine{variables: map[string]cty.Value{}}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "-input", "-no-color", "-auto-approve", "-raw":
		case "-json":
			c.json = true
		case "-detailed-exitcode":
			c.exitsByPlan = true
		case "-out":
			c.out = value
		case "-refresh":
			c.SkipRefresh = value == "false"
		case "-refresh-only":
			c.refreshOnly = true
		case "-destroy":
			c.Destroy = true
		case "-replace":
			c.Replace = append(c.Replace, value)
		case "-target":
			c.Targets = append(c.Targets, value)
		case "-var":
			variable, text, _ := strings.Cut(value, "=")
			c.variables[variable] = cty.StringVal(text)
		default:
			if strings.HasPrefix(arg, "-") {
				t.Fatalf("the option %s needs a real Terraform", arg)
			}
			c.rest = append(c.rest, arg)
		}
	}
	return c
}

// terraform runs a command on the configuration in the directory.
func (p *inProcess) terraform(t testing.TB, w *testEnv, args []string) run {
	t.Helper()
	command, c := args[0], commandOf(t, args[1:])
	switch command {
	case "plan":
		plan := p.plan(t, w.module(t, c.variables), c.Options)
		p.plans[c.out] = plan
		return plan.ended(t, c)
	case "apply", "destroy":
		c.Destroy = c.Destroy || command == "destroy"
		var plan plannedRun
		if len(c.rest) > 0 {
			plan = p.plans[c.rest[0]]
			plan.Result = tfdriver.Result{}
		} else {
			plan = p.plan(t, w.module(t, c.variables), c.Options)
		}
		if c.refreshOnly {
			p.state = plan.Refreshed()
		} else {
			p.apply(t, plan)
		}
		p.save(t, w)
		c.exitsByPlan = false
		return plan.ended(t, c)
	case "taint", "untaint":
		p.state = p.state.WithTaint(c.rest[0], command == "taint")
	case "state":
		p.state = p.state.Without(c.rest[1])
	case "import":
		return p.importObject(t, w, c.rest[0], c.rest[1])
	case "show":
		return run{output: string(encodedJSON(t, shownPlan(t, p.plans[c.rest[0]].Plan)))}
	case "output":
		value, err := p.applied.Output(c.rest[0], p.state)
		if err != nil {
			return run{code: 1, output: err.Error()}
		}
		return run{output: value.AsString()}
	default:
		t.Fatalf("the command %s needs a real Terraform", command)
	}
	return run{}
}

// save writes the state into the directory.
func (p *inProcess) save(t testing.TB, w *testEnv) {
	t.Helper()
	w.write(t, "terraform.tfstate", string(encodedJSON(t, map[string]any{"resources": p.resources(t)})))
}

// importObject imports an object by its ID, as the command does.
func (p *inProcess) importObject(t testing.TB, w *testEnv, address, id string) run {
	t.Helper()
	m := w.module(t, nil, importBlock(address, id))
	plan := p.plan(t, m, tfdriver.Options{Targets: []string{address}})
	if plan.Refreshed().Current[address] == nil {
		return run{1, printed(&plan.Result)}
	}
	p.state, p.applied = plan.Refreshed(), m
	p.save(t, w)
	return run{}
}

// ended returns what Terraform prints in the end, and its exit code.
func (r plannedRun) ended(t testing.TB, c commandLine) run {
	t.Helper()
	imported, added, changed, destroyed := changes(r.Plan)
	ended := run{output: printed(&r.Result)}
	if c.json {
		ended.output = r.printedJSON(t)
	}
	switch {
	case r.Failed():
		ended.code = 1
	case c.exitsByPlan && !isEmpty(r.Plan):
		ended.code = 2
	}
	if !c.json {
		ended.output += fmt.Sprintf("%d to import, %d to add, %d to change, %d to destroy\n", imported, added, changed, destroyed) +
			fmt.Sprintf("%d imported, %d added, %d changed, %d destroyed\n", imported, added, changed, destroyed)
	}
	return ended
}

// module reads the configuration in the directory, and further blocks.
func (w *testEnv) module(t testing.TB, variables map[string]cty.Value, further ...string) *tfdriver.Module {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{"further": strings.Join(further, "\n")}
	for _, file := range files {
		sources[filepath.Base(file)] = read(t, file)
	}
	all := w.variables(t)
	maps.Copy(all, variables)
	m, err := tfdriver.ParseModule(sources, all)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// variables are those that a file or the environment sets.
func (w *testEnv) variables(t testing.TB) map[string]cty.Value {
	t.Helper()
	all := map[string]cty.Value{}
	for _, setting := range w.env {
		name, value, _ := strings.Cut(setting, "=")
		if variable, ok := strings.CutPrefix(name, "TF_VAR_"); ok {
			all[variable] = cty.StringVal(value)
		}
	}
	content, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfvars.json"))
	if err != nil {
		return all
	}
	for name, value := range objectOf(t, content) {
		all[name] = value
	}
	return all
}

func objectOf(t testing.TB, content []byte) map[string]cty.Value {
	t.Helper()
	typ, err := ctyjson.ImpliedType(content)
	if err != nil {
		t.Fatal(err)
	}
	value, err := ctyjson.Unmarshal(content, typ)
	if err != nil {
		t.Fatal(err)
	}
	return value.AsValueMap()
}

var addressForm = regexp.MustCompile(`^(\w+)\.(\w+)(?:\["(.*)"\])?$`)

// resources are the objects as a file with a state has them.
func (p *inProcess) resources(t testing.TB) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, instance := range p.state.Instances() {
		parts := addressForm.FindStringSubmatch(instance.Address)
		of := map[string]any{"attributes": attributesOf(t, instance), "index_key": parts[3]}
		if instance.Tainted {
			of["status"] = "tainted"
		}
		if p.state.Current[instance.Address] != instance {
			of["deposed"] = "deposed"
		}
		all = append(all, map[string]any{"type": parts[1], "name": parts[2], "instances": []any{of}})
	}
	return all
}

// shownPlan is a plan as terraform show -json has it.
func shownPlan(t testing.TB, plan *tfdriver.Plan) *tfjson.Plan {
	t.Helper()
	shown := &tfjson.Plan{FormatVersion: "1.2"}
	for _, c := range plan.Changes() {
		parts := addressForm.FindStringSubmatch(c.Address)
		before, err := tfdriver.Plain(c.Before)
		if err != nil {
			t.Fatal(err)
		}
		after, err := tfdriver.Plain(c.After)
		if err != nil {
			t.Fatal(err)
		}
		change := &tfjson.Change{Before: before, After: withoutUnknown(after, tfdriver.Unknown(c.After)), AfterUnknown: tfdriver.Unknown(c.After)}
		for _, action := range c.Actions {
			change.Actions = append(change.Actions, tfjson.Action(action))
		}
		if c.Imported {
			change.Importing = &tfjson.Importing{ID: c.ImportID}
		}
		shown.ResourceChanges = append(shown.ResourceChanges, &tfjson.ResourceChange{
			Address: c.Address, Mode: tfjson.ManagedResourceMode, Type: parts[1], Name: parts[2], Change: change,
		})
	}
	return shown
}

// withoutUnknown leaves the attributes that are not known out of an object, as Terraform does.
func withoutUnknown(after, unknown any) any {
	attributes, ok := after.(map[string]any)
	late, isObject := unknown.(map[string]any)
	if !ok || !isObject {
		return after
	}
	for name, of := range late {
		if of == true {
			delete(attributes, name)
			continue
		}
		attributes[name] = withoutUnknown(attributes[name], of)
	}
	return attributes
}

// shownState is the state as terraform show -json has it, with the data sources that the last plan has read.
func (p *inProcess) shownState(t testing.TB, m *tfdriver.Module) *tfjson.State {
	t.Helper()
	values := &tfjson.StateValues{RootModule: &tfjson.StateModule{}, Outputs: map[string]*tfjson.StateOutput{}}
	add := func(address string, of map[string]any) {
		parts := addressForm.FindStringSubmatch(strings.TrimPrefix(address, "data."))
		values.RootModule.Resources = append(values.RootModule.Resources, &tfjson.StateResource{
			Address: address, Type: parts[1], Name: parts[2], AttributeValues: of, SensitiveValues: encodedJSON(t, p.driver.Sensitive(parts[1])),
		})
	}
	for _, instance := range p.state.Instances() {
		add(instance.Address, attributesOf(t, instance))
	}
	for address, value := range m.Data() {
		if attributes, ok := decodedJSON(t, value).(map[string]any); ok {
			add(address, attributes)
		}
	}
	for _, name := range m.Outputs() {
		value, err := m.Output(name, p.state)
		if err != nil {
			t.Fatal(err)
		}
		values.Outputs[name] = &tfjson.StateOutput{Value: decodedJSON(t, value)}
	}
	return &tfjson.State{FormatVersion: "1.0", Values: values}
}

func decodedJSON(t testing.TB, value cty.Value) any {
	t.Helper()
	encoded, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	decoder := json.NewDecoder(strings.NewReader(string(encoded)))
	decoder.UseNumber()
	if err := decoder.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func attributesOf(t testing.TB, instance *tfdriver.Instance) map[string]any {
	t.Helper()
	plain, err := tfdriver.Plain(instance.Value)
	if err != nil {
		t.Fatal(err)
	}
	attributes, ok := plain.(map[string]any)
	if !ok {
		t.Fatalf("%s is no object", instance.Address)
	}
	return attributes
}
