package provider_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/storefront-iac/terraform-provider-kustom/examples"
	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// testEnv is a sandbox, and a directory in which a real Terraform or OpenTofu works on it: for tests of
// what a whole run does to the servers, however it ends.
type testEnv struct {
	sandbox observed
	server  *sandbox.Server
	clock   clock.Clock
	dir     string
	env     []string
	// vendors is the environment that leads a provider in this process to the vendors.
	vendors map[string]string
	// bin is where shell looks for commands besides PATH.
	bin string
	// reattached are the providers that run in this process.
	reattached reattachments
	// inProcess runs the commands where no Terraform is needed.
	inProcess *inProcess
	// serve, if set, starts a provider for the next command.
	serve func(*testEnv)
}

// testEnvOptions are what a world is made of. The zero value is good for most.
type testEnvOptions struct {
	seed    *sandbox.Seed
	sandbox sandbox.Options
	// clock is the provider's and the sandbox's; the default runs a hundred times too fast.
	clock clock.Clock
	// carrier carries the provider's requests.
	carrier http.RoundTripper
	// cacheDir is what the provider remembers on disk in, where it runs in this process; empty remembers nothing.
	cacheDir string
	// requestTimeout is the provider's; the default is long enough for a busy machine.
	requestTimeout string
	// inProcess runs the commands in this process, without a Terraform.
	inProcess bool
	// external leaves it to Terraform to start the provider, as a process of its own.
	external bool
	// hastened is external, and has the provider's clock run as fast as the default one does.
	hastened bool
	// installed is external, and leaves it to terraform init to install the provider, too.
	installed bool
	// way is how the vendors are reached; the default is what the whole run of the tests is told.
	way string
	// browser is what the block browser says, where they are reached by their pages.
	browser string
	// browsers has the browser; the default is one that tests share.
	browsers *browser.Group
}

// speed is how many times too fast the default clock runs.
const speed = 100

// pageSpeed is speed where a browser takes its time, whatever the clock says.
const pageSpeed = 10

// patient is a request timeout that is long enough for a busy machine.
const patient = "10s"

func newTestEnv(t *testing.T, o testEnvOptions) *testEnv {
	t.Helper()
	if os.Getenv("TF_ACC") == "" && !o.inProcess {
		t.Skip("needs a Terraform: run make test")
	}
	o.external = o.external || o.installed || o.hastened
	o.way = cmp.Or(o.way, testWay())
	if o.clock == nil {
		o.clock = clocktest.NewScaled(speed)
		if o.way != waysAPIs {
			o.clock = clocktest.NewScaled(pageSpeed)
		}
	}
	began := time.Now()
	switch {
	case o.hastened:
		o.clock = clocktest.NewScaledFrom(began, speed)
	case o.external:
		o.clock = clock.System{}
	}
	if o.seed == nil {
		seed := sandbox.ThreeShops()
		o.seed = &seed
	}
	o.requestTimeout = cmp.Or(o.requestTimeout, patient)
	o.sandbox.Clock = o.clock
	s, err := sandbox.New(*o.seed, o.sandbox)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sandbox.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	w := &testEnv{sandbox: observed{s, t}, server: server, clock: o.clock, dir: t.TempDir()}
	w.vendors = wayEnvironment(t, server, o.way)
	w.env = append(quietEnvironment(), "TF_CLI_CONFIG_FILE="+w.cliConfig(t, o))
	served := provider.Options{
		Version: "test", Clock: o.clock, RoundTripper: o.carrier, Getenv: w.getenv, Browsers: o.browsers,
	}
	switch {
	case o.inProcess:
		p := newProvider(served, o.way)
		w.inProcess = newInProcess(t, func() (tfprotov6.ProviderServer, error) { return provider.NewServer(p, false) })
	case o.external:
		for name, value := range w.vendors {
			w.env = append(w.env, name+"="+value)
		}
		if o.hastened {
			w.env = append(w.env, "KUSTOM_TEST_CLOCK_START="+began.Format(time.RFC3339Nano), fmt.Sprintf("KUSTOM_TEST_CLOCK_FACTOR=%d", speed))
		}
	default:
		w.reattach(t, serve(t, served, o.way))
	}
	w.setRequestTimeout(t, o.requestTimeout)
	if o.way != waysAPIs {
		w.write(t, "provider.tf", "provider \"kustom\" {\n  browser {\n"+o.browser+"\n  }\n}\n")
	}
	return w
}

// getenv returns what a provider in this process finds in its environment: what a test has set, or what leads it to the
// vendors.
func (w *testEnv) getenv(name string) string {
	value := w.vendors[name]
	for _, setting := range w.env {
		if set, ok := strings.CutPrefix(setting, name+"="); ok {
			value = set
		}
	}
	return value
}

// setRequestTimeout configures the provider.
func (w *testEnv) setRequestTimeout(t *testing.T, timeout string) {
	t.Helper()
	w.write(t, "provider.tf", fmt.Sprintf("provider \"kustom\" {\n  request_timeout = %q\n}\n", timeout))
}

// quietEnvironment is this process's environment without what would change Terraform's behaviour.
func quietEnvironment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "TF_") || strings.HasPrefix(v, "KUSTOM_") || strings.HasPrefix(v, "MYSTORE_")
	})
	return append(env, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
}

// cliConfig writes the configuration of the command line: where to find the provider, if it is to
// be started, and nothing of the machine's own.
func (w *testEnv) cliConfig(t *testing.T, o testEnvOptions) string {
	t.Helper()
	var config string
	binary, mirror := built, mirrorOfBuilt
	if o.hastened {
		binary, mirror = builtHastened, mirrorOfHastened
	}
	switch {
	case o.installed:
		config = fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", mustBuild(t, mirror))
	case o.external:
		config = fmt.Sprintf("provider_installation {\n  dev_overrides { \"storefront-iac/kustom\" = %q }\n  direct {}\n}\n",
			filepath.Dir(mustBuild(t, binary)))
	}
	w.write(t, ".cli.tfrc", config)
	return filepath.Join(w.dir, ".cli.tfrc")
}

func (w *testEnv) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The published examples that migrate shops, each in one of the provider's ways.
const (
	wayPair       = "switch"
	wayConnection = "connections"
	wayFleet      = "fleet"
)

// useExample copies a published example into the working directory, for the shops of seed.
func (w *testEnv) useExample(t *testing.T, name string, seed sandbox.Seed) {
	t.Helper()
	stores, shops := map[string]string{}, map[string]string{}
	for _, shop := range seed.Shops {
		stores[shop.MerchantID], shops[shop.Name] = shop.Name, shop.MerchantID
	}
	for _, file := range exampleFiles(t, name) {
		content, err := fs.ReadFile(examples.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, filepath.Base(file), string(content))
		// Each example takes the shops in one of these variables.
		for variable, value := range map[string]map[string]string{"stores": stores, "shops": shops} {
			if strings.Contains(string(content), fmt.Sprintf("variable %q", variable)) {
				w.writeVariable(t, variable, value)
			}
		}
	}
}

// checkOut returns the same world with another working directory: the example as it is published, with
// the modules beside it.
func (w *testEnv) checkOut(t *testing.T, example string) *testEnv {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{example, "modules"} {
		published, err := fs.Sub(examples.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(root, name), published); err != nil {
			t.Fatal(err)
		}
	}
	there := *w
	there.dir, there.env = filepath.Join(root, example), slices.Clone(w.env)
	return &there
}

// exampleFiles returns the names of an example's configuration files.
func exampleFiles(t *testing.T, name string) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"/*.tf", "/*.tofu"} {
		found, err := fs.Glob(examples.FS, name+pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("no example %s", name)
	}
	return files
}

func (w *testEnv) writeVariable(t *testing.T, name string, value map[string]string) {
	t.Helper()
	variables, err := json.Marshal(map[string]map[string]string{name: value})
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "terraform.tfvars.json", string(variables))
}

// reattachments tells Terraform where to find providers that it does not start itself, by their addresses.
type reattachments map[string]any

// reattach makes Terraform find more providers that run in this process.
func (w *testEnv) reattach(t *testing.T, more reattachments) {
	t.Helper()
	w.reattached = maps.Clone(w.reattached)
	if w.reattached == nil {
		w.reattached = reattachments{}
	}
	maps.Copy(w.reattached, more)
	encoded, err := json.Marshal(w.reattached)
	if err != nil {
		t.Fatal(err)
	}
	w.set("TF_REATTACH_PROVIDERS", string(encoded))
}

// serve runs the provider in this process and returns what Terraform needs to find it.
func serve(t *testing.T, o provider.Options, way string) reattachments {
	t.Helper()
	return serveAs(t, "storefront-iac/kustom", newProvider(o, way))
}

// serveAs runs a provider in this process under a name, and returns what Terraform needs to find it.
func serveAs(t *testing.T, name string, p frameworkprovider.Provider) reattachments {
	t.Helper()
	server, err := provider.NewServer(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return serveServer(t, name, server)
}

// serveServer serves a provider's server under a name, and returns what Terraform needs to find it.
func serveServer(t *testing.T, name string, server tfprotov6.ProviderServer) reattachments {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready := make(chan *plugin.ReattachConfig)
	closed := make(chan struct{})
	go func() {
		_ = tf6server.Serve("registry.terraform.io/"+name, func() tfprotov6.ProviderServer { return server },
			tf6server.WithDebug(ctx, ready, closed), tf6server.WithoutLogStderrOverride(),
			tf6server.WithGoPluginLogger(hclog.NewNullLogger()))
	}()
	config := <-ready
	t.Cleanup(func() { stop(); <-closed })
	reattach := reattachments{}
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		reattach[host+"/"+name] = map[string]any{
			"Protocol": "grpc", "ProtocolVersion": 6, "Pid": config.Pid, "Test": true,
			"Addr": map[string]string{"Network": config.Addr.Network(), "String": config.Addr.String()},
		}
	}
	return reattach
}

// run is what became of a Terraform command.
type run struct {
	code   int
	output string
}

// command prepares a Terraform command in the world's directory.
func (w *testEnv) command(ctx context.Context, args ...string) *exec.Cmd {
	binary := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if binary == "" {
		binary = "terraform"
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	if w.serve != nil {
		w.serve(w)
	}
	cmd.Dir, cmd.Env = w.dir, w.env
	return cmd
}

// terraform runs a Terraform command to its end.
func (w *testEnv) terraform(t *testing.T, args ...string) run {
	t.Helper()
	if w.inProcess != nil {
		return w.inProcess.terraform(t, w, args)
	}
	return finish(t, w.command(t.Context(), args...))
}

// finish runs a command to its end.
func finish(t *testing.T, cmd *exec.Cmd) run {
	t.Helper()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return run{code: cmd.ProcessState.ExitCode(), output: output.String()}
}

func (w *testEnv) apply(t *testing.T, args ...string) run {
	t.Helper()
	return w.terraform(t, append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args...)...)
}

// mustApply applies and expects no error.
func (w *testEnv) mustApply(t *testing.T, args ...string) run {
	t.Helper()
	r := w.apply(t, args...)
	if r.code != 0 {
		t.Fatalf("apply failed:\n%s", r.output)
	}
	return r
}

func (w *testEnv) mustInit(t *testing.T) {
	t.Helper()
	if r := w.terraform(t, "init", "-input=false", "-no-color"); r.code != 0 {
		t.Fatalf("init failed:\n%s", r.output)
	}
}

// mustBeEmpty expects a plan that changes nothing (I4).
func (w *testEnv) mustBeEmpty(t *testing.T) {
	t.Helper()
	r := w.terraform(t, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	if r.code != 0 {
		t.Errorf("I4: the plan after the apply is not empty (exit code %d):\n%s", r.code, r.output)
	}
}

// stateObject is an object in the state.
type stateObject struct {
	Type, Name string
	Instances  []struct {
		Deposed    string         `json:"deposed"`
		Status     string         `json:"status"`
		Attributes map[string]any `json:"attributes"`
	}
}

func (w *testEnv) state(t *testing.T) []stateObject {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Resources []stateObject }
	if err := json.Unmarshal(raw, &state); err != nil {
		t.Fatal(err)
	}
	return state.Resources
}

// keysInState returns the attributes of the objects in the state that have a key, by merchant ID; of a
// fleet those of its shops. A deposed or tainted one is an error.
func (w *testEnv) keysInState(t *testing.T) map[string]map[string]any {
	t.Helper()
	keys := map[string]map[string]any{}
	for _, object := range w.state(t) {
		for _, instance := range object.Instances {
			if object.Type != "kustom_api_key" && object.Type != "kustom_mystore_connection" && object.Type != "kustom_mystore_fleet" {
				continue
			}
			if instance.Deposed != "" || instance.Status != "" {
				t.Errorf("state: %s with key %v is left %s %s", object.Type, instance.Attributes["username"], instance.Status, instance.Deposed)
				continue
			}
			for _, attributes := range connectedIn(instance.Attributes) {
				keys[fmt.Sprint(attributes["merchant_id"])] = attributes
			}
		}
	}
	return keys
}

// connectedIn returns the attributes of an object that has a key, or of a fleet's shops.
func connectedIn(attributes map[string]any) []map[string]any {
	shops, isFleet := attributes["shops"].(map[string]any)
	if !isFleet {
		return []map[string]any{attributes}
	}
	var connected []map[string]any
	for _, shop := range shops {
		if attributes, ok := shop.(map[string]any); ok {
			connected = append(connected, attributes)
		}
	}
	return connected
}

// unused are the usernames of the legacy keys that no shop uses, which a migration leaves alone.
func unused(seed sandbox.Seed) map[string]bool {
	names := map[string]bool{}
	for _, store := range seed.Stores {
		for _, key := range store.Keys {
			names[key.Username] = true
		}
	}
	for _, shop := range seed.Shops {
		delete(names, shop.KustomID)
	}
	return names
}

// mustBeRight expects what every run must converge on, whatever went wrong on the way: each store
// has the key that is in the state and no key too many but extra, each shop works with it, and no
// server has seen an invariant broken at any moment. It returns what is wrong.
func (w *testEnv) mustBeRight(t *testing.T, seed sandbox.Seed, extra int) (broken, orphans, violations int) {
	t.Helper()
	return mustBeRight(t, w.sandbox, w.keysInState(t), seed, extra)
}

// mustBeRight expects the same of a sandbox, given the keys in the state by merchant ID.
func mustBeRight(t *testing.T, box observed, inState map[string]map[string]any, seed sandbox.Seed, extra int) (broken, orphans, violations int) {
	t.Helper()
	leftAlone := unused(seed)
	for _, store := range seed.Stores {
		want, ok := inState[store.MerchantID]
		if !ok {
			t.Errorf("store %s has no key in the state", store.MerchantID)
		}
		for _, key := range box.Keys(store.MerchantID) {
			switch {
			case leftAlone[key.Username]:
			case key.Username != want["username"]:
				orphans++
			case want["secret"] != nil && key.Secret != want["secret"]:
				t.Errorf("the state does not have the secret of %s", key.Username)
			}
		}
	}
	if orphans > extra {
		t.Errorf("I3: %d keys are left behind that nobody holds, want at most %d", orphans, extra)
	}
	for _, seeded := range seed.Shops {
		shop, _ := box.Shop(seeded.Name)
		if err := box.PlaceOrder(seeded.Name); err != nil || shop.KustomID != inState[seeded.MerchantID]["username"] {
			broken++
			t.Errorf("I1: shop %s, holding %s, does not take payments with the key in the state: %v", seeded.Name, shop.KustomID, err)
		}
	}
	for _, v := range box.Violations() {
		violations++
		t.Errorf("violation: %v", v)
	}
	return broken, orphans, violations
}
