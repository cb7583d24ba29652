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
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// inProcess does what a few of Terraform's commands do, in this process and in milliseconds. It is for tests of what the
// provider does: what Terraform prints of a plan, several objects at once, and interruptions need a real one.
type inProcess struct {
	driver *tfdriver.Driver
	serve  func() (tfprotov6.ProviderServer, error)
	state  *tfdriver.State
	// plans are the saved plans by name, with the module that each was made of.
	plans map[string]plannedRun
	// applied is the module of the last apply, whose outputs the state has.
	applied *tfdriver.Module
	// log, where it is not nil, gets what the provider logs.
	log *bytes.Buffer
}

type plannedRun struct {
	*tfdriver.Plan
	module *tfdriver.Module
}

// driverOnce is the same for every test.
var driverOnce = sync.OnceValues(func() (*tfdriver.Driver, error) {
	server, err := provider.NewServer(provider.New(provider.Options{})(), false)
	if err != nil {
		return nil, err
	}
	return tfdriver.New(context.Background(), server)
})

func newInProcess(t *testing.T, serve func() (tfprotov6.ProviderServer, error)) *inProcess {
	t.Helper()
	driver, err := driverOnce()
	if err != nil {
		t.Fatal(err)
	}
	return &inProcess{driver: driver, serve: serve, state: tfdriver.NewState(), plans: map[string]plannedRun{}}
}

func (p *inProcess) context(t *testing.T) context.Context {
	if p.log == nil {
		return t.Context()
	}
	return tflogtest.RootLogger(t.Context(), p.log)
}

// plan plans a module.
func (p *inProcess) plan(t *testing.T, m *tfdriver.Module, o tfdriver.Options) plannedRun {
	t.Helper()
	return plannedRun{p.driver.PlanModule(p.context(t), m, p.state, p.serve, o), m}
}

// apply applies a plan that has no errors, and adds what is said to the plan's result.
func (p *inProcess) apply(t *testing.T, plan plannedRun) {
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
func (r plannedRun) printedJSON(t *testing.T) string {
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

func encodedJSON(t *testing.T, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// commandLine is a command's options and, after them, what it is about.
type commandLine struct {
	tfdriver.Options
	out               string
	json, exitsByPlan bool
	refreshOnly       bool
	variables         map[string]cty.Value
	rest              []string
}

func commandOf(t *testing.T, args []string) commandLine {
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
func (p *inProcess) terraform(t *testing.T, w *testEnv, args []string) run {
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
		w.write(t, "terraform.tfstate", string(encodedJSON(t, map[string]any{"resources": p.resources(t)})))
		c.exitsByPlan = false
		return plan.ended(t, c)
	case "taint", "untaint":
		p.state = p.state.WithTaint(c.rest[0], command == "taint")
	case "state":
		p.state = p.state.Without(c.rest[1])
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

// ended returns what Terraform prints in the end, and its exit code.
func (r plannedRun) ended(t *testing.T, c commandLine) run {
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

// module reads the configuration in the directory.
func (w *testEnv) module(t *testing.T, variables map[string]cty.Value) *tfdriver.Module {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
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
func (w *testEnv) variables(t *testing.T) map[string]cty.Value {
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

func objectOf(t *testing.T, content []byte) map[string]cty.Value {
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
func (p *inProcess) resources(t *testing.T) []map[string]any {
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
func shownPlan(t *testing.T, plan *tfdriver.Plan) *tfjson.Plan {
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
func (p *inProcess) shownState(t *testing.T, m *tfdriver.Module) *tfjson.State {
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

func decodedJSON(t *testing.T, value cty.Value) any {
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

// runSteps runs steps on the vendors as [resource.Test] does: runTerraform with a Terraform, runInProcess without.
type runSteps func(*testing.T, *vendors, []resource.TestStep)

func runInProcess(t *testing.T, v *vendors, steps []resource.TestStep) {
	t.Helper()
	t.Parallel()
	p := newInProcess(t, v.providers()["kustom"])
	var last *stepRun
	for i, step := range steps {
		if step.Config == "" && last != nil {
			step.Config, step.ConfigVariables = last.step.Config, last.step.ConfigVariables
		}
		last = &stepRun{inProcess: p, step: step}
		if ok := t.Run(fmt.Sprintf("step %d", i+1), last.run); !ok {
			return
		}
	}
	if len(p.state.Instances()) == 0 {
		return
	}
	plan := p.plan(t, last.module(t), tfdriver.Options{Destroy: true})
	if p.apply(t, plan); plan.Failed() {
		t.Errorf("the objects could not be destroyed:\n%s", printed(&plan.Result))
	}
}

// stepRun is one step of a test case.
type stepRun struct {
	*inProcess
	step resource.TestStep
}

func (s *stepRun) module(t *testing.T, further ...string) *tfdriver.Module {
	t.Helper()
	variables := map[string]cty.Value{}
	for name, variable := range s.step.ConfigVariables {
		encoded, err := variable.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		variables[name] = objectOf(t, []byte(`{"value":`+string(encoded)+`}`))["value"]
	}
	m, err := tfdriver.ParseModule(map[string]string{"main.tf": s.step.Config + strings.Join(further, "\n")}, variables)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *stepRun) run(t *testing.T) {
	if s.step.PreConfig != nil {
		s.step.PreConfig()
	}
	for _, address := range s.step.Taint {
		s.state = s.state.WithTaint(address, true)
	}
	if s.step.ImportState {
		s.runImport(t)
		return
	}
	plan := s.plan(t, s.module(t), tfdriver.Options{Destroy: s.step.Destroy})
	if !plan.Failed() {
		s.checkPlan(t, plan)
		s.apply(t, plan)
	}
	if s.failed(t, plan) {
		return
	}
	if s.step.Destroy {
		s.done()
		return
	}
	shown := s.shownState(t, plan.module)
	for _, check := range s.step.ConfigStateChecks {
		var answer statecheck.CheckStateResponse
		check.CheckState(t.Context(), statecheck.CheckStateRequest{State: shown}, &answer)
		if answer.Error != nil {
			t.Error(answer.Error)
		}
	}
	if again := s.plan(t, s.module(t), tfdriver.Options{}); again.Failed() || !isEmpty(again.Plan) {
		t.Errorf("the plan after the apply is not empty: %+v\n%s", again.Changes(), printed(&again.Result))
	}
	s.done()
}

// done calls what the step has for its end.
func (s *stepRun) done() {
	if s.step.PostApplyFunc != nil {
		s.step.PostApplyFunc()
	}
}

// failed says whether the step has failed, and holds that to what is expected.
func (s *stepRun) failed(t *testing.T, plan plannedRun) bool {
	t.Helper()
	switch want := s.step.ExpectError; {
	case want != nil && !plan.Failed():
		t.Error("there was no error")
	case want != nil && !want.MatchString(printed(&plan.Result)):
		t.Errorf("the errors do not match %s:\n%s", want, printed(&plan.Result))
	case want == nil && plan.Failed():
		t.Error(printed(&plan.Result))
	}
	return plan.Failed()
}

func (s *stepRun) checkPlan(t *testing.T, plan plannedRun) {
	t.Helper()
	for _, check := range s.step.ConfigPlanChecks.PreApply {
		var answer plancheck.CheckPlanResponse
		check.CheckPlan(t.Context(), plancheck.CheckPlanRequest{Plan: shownPlan(t, plan.Plan)}, &answer)
		if answer.Error != nil {
			t.Error(answer.Error)
		}
	}
}

// runImport imports an object as the import command does, and compares it with the one in the state, or keeps it.
func (s *stepRun) runImport(t *testing.T) {
	t.Helper()
	id := s.step.ImportStateId
	if id == "" {
		id = s.state.Current[s.step.ResourceName].Text("id")
	}
	empty := &inProcess{driver: s.driver, serve: s.serve, state: tfdriver.NewState()}
	plan := empty.plan(t, s.module(t, importBlock(s.step.ResourceName, id)), tfdriver.Options{Targets: []string{s.step.ResourceName}})
	imported := plan.Refreshed().Current[s.step.ResourceName]
	if imported == nil {
		t.Fatalf("nothing was imported:\n%s", printed(&plan.Result))
	}
	if s.step.ImportStatePersist {
		s.state = plan.Refreshed()
		return
	}
	wantImported(t, attributesOf(t, imported), attributesOf(t, s.state.Current[s.step.ResourceName]), s.step.ImportStateVerifyIgnore)
}

func attributesOf(t *testing.T, instance *tfdriver.Instance) map[string]any {
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
