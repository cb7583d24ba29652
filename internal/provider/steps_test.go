package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// runInProcess runs the steps of a test case on the vendors as [resource.Test] does, without a Terraform.
func runInProcess(t *testing.T, v *vendors, steps []resource.TestStep) {
	t.Helper()
	t.Parallel()
	v.commands(t, provider.Options{}).runAll(t, steps)
}

// runTerraform does the same with a Terraform, in half as many processes as [resource.Test] starts.
func runTerraform(t *testing.T, v *vendors, steps []resource.TestStep) {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("needs a Terraform: run make test")
	}
	t.Parallel()
	w := &testEnv{dir: t.TempDir()}
	w.env = append(quietEnvironment(), "TF_CLI_CONFIG_FILE="+w.cliConfig(t, testEnvOptions{}))
	w.serve = func(w *testEnv) {
		server, err := v.providers()["kustom"]()
		if err != nil {
			t.Fatal(err)
		}
		w.reattach(t, serveServer(t, "storefront-iac/kustom", server))
	}
	w.runAll(t, steps)
}

func (w *testEnv) runAll(t *testing.T, steps []resource.TestStep) {
	t.Helper()
	for i, step := range steps {
		if w.runStep(t, step); t.Failed() {
			t.Fatalf("it failed in step %d", i+1)
		}
	}
	if len(w.state(t)) > 0 {
		w.mustDestroy(t)
	}
}

const requiredProviders = `
terraform {
  required_providers {
    kustom = { source = "storefront-iac/kustom" }
  }
}
`

func (w *testEnv) runStep(t *testing.T, step resource.TestStep) {
	t.Helper()
	if step.PreConfig != nil {
		step.PreConfig()
	}
	if step.Config != "" {
		if !strings.Contains(step.Config, "required_providers") {
			step.Config += requiredProviders
		}
		w.write(t, "main.tf", step.Config)
		w.write(t, "terraform.tfvars.json", string(encodedJSON(t, maps.Collect(maps.All(step.ConfigVariables)))))
	}
	if step.ImportState {
		w.importStep(t, step)
		return
	}
	args := []string{"plan", "-input=false", "-no-color", "-out=" + savedPlan}
	if step.Destroy {
		args = append(args, "-destroy")
	}
	r := w.terraform(t, args...)
	if r.code == 0 {
		w.checkPlan(t, step.ConfigPlanChecks.PreApply)
		r = w.applySaved(t)
	}
	if want := step.ExpectError; want != nil {
		if r.code == 0 || !want.MatchString(r.output) {
			t.Errorf("exit code %d, and the errors do not match %s:\n%s", r.code, want, r.output)
		}
		return
	}
	if r.code != 0 {
		t.Fatalf("the step failed:\n%s", r.output)
	}
	w.checkState(t, step.ConfigStateChecks)
	if !step.Destroy {
		w.mustBeEmpty(t)
	}
	if step.PostApplyFunc != nil {
		step.PostApplyFunc()
	}
}

// checkPlan checks the saved plan.
func (w *testEnv) checkPlan(t *testing.T, checks []plancheck.PlanCheck) {
	t.Helper()
	if len(checks) == 0 {
		return
	}
	shown := new(tfjson.Plan)
	if w.inProcess != nil {
		shown = shownPlan(t, w.inProcess.plans[savedPlan].Plan)
	} else {
		w.mustShow(t, shown, savedPlan)
	}
	for _, check := range checks {
		var answer plancheck.CheckPlanResponse
		if check.CheckPlan(t.Context(), plancheck.CheckPlanRequest{Plan: shown}, &answer); answer.Error != nil {
			t.Error(answer.Error)
		}
	}
}

// checkState checks the state.
func (w *testEnv) checkState(t *testing.T, checks []statecheck.StateCheck) {
	t.Helper()
	if len(checks) == 0 {
		return
	}
	shown := new(tfjson.State)
	if w.inProcess != nil {
		shown = w.inProcess.shownState(t, w.inProcess.applied)
	} else {
		w.mustShow(t, shown)
	}
	for _, check := range checks {
		var answer statecheck.CheckStateResponse
		if check.CheckState(t.Context(), statecheck.CheckStateRequest{State: shown}, &answer); answer.Error != nil {
			t.Error(answer.Error)
		}
	}
}

// mustShow reads a plan, or the state.
func (w *testEnv) mustShow(t *testing.T, into json.Unmarshaler, args ...string) {
	t.Helper()
	r := w.terraform(t, append([]string{"show", "-json"}, args...)...)
	if r.code != 0 {
		t.Fatal(r.output)
	}
	if err := into.UnmarshalJSON([]byte(r.output)); err != nil {
		t.Fatal(err)
	}
}

// importStep imports an object by the command. The step keeps it, or compares it with the one in the state.
func (w *testEnv) importStep(t *testing.T, step resource.TestStep) {
	t.Helper()
	id := step.ImportStateId
	if id == "" {
		id, _ = w.attributes(t, step.ResourceName)["id"].(string)
	}
	args := []string{"import", "-input=false", "-no-color"}
	other := *w
	if !step.ImportStatePersist {
		other.dir = t.TempDir()
		if w.inProcess != nil {
			other.inProcess = newInProcess(t, w.inProcess.serve)
		}
		for _, name := range []string{"main.tf", "terraform.tfvars.json"} {
			other.write(t, name, read(t, w.dir+"/"+name))
		}
	}
	if r := other.terraform(t, append(args, step.ResourceName, id)...); r.code != 0 {
		t.Fatalf("the import failed:\n%s", r.output)
	}
	wantImported(t, other.attributes(t, step.ResourceName), w.attributes(t, step.ResourceName), step.ImportStateVerifyIgnore)
}

// attributes returns those of the only object of a resource.
func (w *testEnv) attributes(t *testing.T, address string) map[string]any {
	t.Helper()
	for _, object := range w.state(t) {
		if object.Type+"."+object.Name == address {
			return object.Instances[0].Attributes
		}
	}
	t.Fatalf("there is no %s", address)
	return nil
}

// wantImported compares an object that was imported with the one in the state.
func wantImported(t *testing.T, got, want map[string]any, ignored []string) {
	t.Helper()
	for _, name := range ignored {
		delete(want, name)
	}
	for name, value := range want {
		if is := got[name]; string(encodedJSON(t, is)) != string(encodedJSON(t, value)) {
			t.Errorf("%s is imported as %v, want %v", name, is, value)
		}
	}
}

// exactly returns the check of a value: nil is null, values are an object, and a check stands for itself.
func exactly(value any) knownvalue.Check {
	switch v := value.(type) {
	case nil:
		return knownvalue.Null()
	case knownvalue.Check:
		return v
	case string:
		return knownvalue.StringExact(v)
	case bool:
		return knownvalue.Bool(v)
	case int:
		return knownvalue.Int64Exact(int64(v))
	case []string:
		list := make([]knownvalue.Check, len(v))
		for i, text := range v {
			list[i] = exactly(text)
		}
		return knownvalue.ListExact(list)
	case []values:
		list := make([]knownvalue.Check, len(v))
		for i, object := range v {
			list[i] = exactly(object)
		}
		return knownvalue.ListExact(list)
	case values:
		object := map[string]knownvalue.Check{}
		for name, value := range v {
			object[name] = exactly(value)
		}
		return knownvalue.ObjectExact(object)
	}
	panic(fmt.Sprintf("there is no check of a %T", value))
}

// inState expects attributes of an object in the state to have these values.
func inState(address string, want values) []statecheck.StateCheck {
	var checks []statecheck.StateCheck
	for name, value := range want {
		checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(name), exactly(value)))
	}
	return checks
}
