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
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox/sandboxtest"
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

// testEnvOptions are the options of a testEnv. The zero value is good for most tests.
type testEnvOptions struct {
	seed    *sandbox.Seed
	sandbox sandbox.Options
	// box is a sandbox that another environment has; the default is a new one of the seed.
	box *sandbox.Sandbox
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
	// offline is inProcess, and has no network: for tests in a bubble of synctest. The default clock is then the bubble's.
	offline bool
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

func newTestEnv(t testing.TB, o testEnvOptions) *testEnv {
	t.Helper()
	o.inProcess = o.inProcess || o.offline
	if os.Getenv("TF_ACC") == "" && !o.inProcess {
		t.Skip("needs a Terraform: run make test")
	}
	o.external = o.external || o.installed || o.hastened
	o.way = cmp.Or(o.way, testWay())
	switch {
	case o.clock != nil:
	case o.offline:
		o.clock = clock.System{}
	default:
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
	s, err := o.box, error(nil)
	if s == nil {
		s, err = sandbox.New(*o.seed, o.sandbox)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &testEnv{sandbox: observed{s, t}, clock: o.clock, dir: t.TempDir()}
	if o.offline {
		w.vendors = s.Env("http://127.0.0.1")
		o.carrier = offline(t, s, o.carrier)
	} else {
		if w.server, err = sandbox.Start(s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.server.Close() })
		w.vendors = wayEnvironment(t, w.server, o.way)
	}
	w.env = append(quietEnvironment(), "TF_CLI_CONFIG_FILE="+w.cliConfig(t, o))
	served := provider.Options{
		Version: "test", Clock: o.clock, RoundTripper: o.carrier, Getenv: w.getenv, Browsers: o.browsers,
		CacheDir: o.cacheDir,
	}
	switch {
	case o.inProcess:
		p := newProvider(served, o.way)
		w.inProcess = newInProcess(t, func() (tfprotov6.ProviderServer, error) { return provider.NewServer(p, false) })
		w.inProcess.concurrent = o.offline
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
	if o.way == waysAPIs {
		w.setRequestTimeout(t, o.requestTimeout)
	} else {
		w.configure(t, "browser {\n"+o.browser+"\n}")
	}
	return w
}

// layer carries requests by another carrier, which it is given.
type layer interface {
	http.RoundTripper
	over(http.RoundTripper)
}

// offline returns a carrier of requests to a sandbox without a network, over a layer if there is one.
func offline(t testing.TB, s *sandbox.Sandbox, over http.RoundTripper) http.RoundTripper {
	t.Helper()
	carrier := sandboxtest.Carrier{To: s}
	if over == nil {
		return carrier
	}
	layered, ok := over.(layer)
	if !ok {
		t.Fatalf("a %T has a network of its own", over)
	}
	layered.over(carrier)
	return layered
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

// configure writes the provider's block.
func (w *testEnv) configure(t testing.TB, arguments string) {
	t.Helper()
	w.write(t, "provider.tf", "provider \"kustom\" {\n"+arguments+"\n}\n")
}

// setRequestTimeout sets the provider's argument of that name, and no other.
func (w *testEnv) setRequestTimeout(t testing.TB, timeout string) {
	t.Helper()
	w.configure(t, fmt.Sprintf("request_timeout = %q", timeout))
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
func (w *testEnv) cliConfig(t testing.TB, o testEnvOptions) string {
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

func (w *testEnv) write(t testing.TB, name, content string) {
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
func (w *testEnv) useExample(t testing.TB, name string, seed sandbox.Seed) {
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

// checkOut returns the same environment with another working directory: the published example, with the modules beside it.
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
func exampleFiles(t testing.TB, name string) []string {
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

func (w *testEnv) writeVariable(t testing.TB, name string, value map[string]string) {
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
func (w *testEnv) reattach(t testing.TB, more reattachments) {
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
func serve(t testing.TB, o provider.Options, way string) reattachments {
	t.Helper()
	return serveAs(t, "storefront-iac/kustom", newProvider(o, way))
}

// serveAs runs a provider in this process under a name, and returns what Terraform needs to find it.
func serveAs(t testing.TB, name string, p frameworkprovider.Provider) reattachments {
	t.Helper()
	server, err := provider.NewServer(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return serveServer(t, name, server)
}

// serveServer serves a provider's server under a name, and returns what Terraform needs to find it.
func serveServer(t testing.TB, name string, server tfprotov6.ProviderServer) reattachments {
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

// run is the outcome of a Terraform command.
type run struct {
	code   int
	output string
}

// command prepares a Terraform command in the environment's directory.
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
func (w *testEnv) terraform(t testing.TB, args ...string) run {
	t.Helper()
	if w.inProcess != nil {
		return w.inProcess.terraform(t, w, args)
	}
	return finish(t, w.command(t.Context(), args...))
}

// finish runs a command to its end.
func finish(t testing.TB, cmd *exec.Cmd) run {
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

func (w *testEnv) destroy(t *testing.T) run {
	t.Helper()
	return w.terraform(t, "destroy", "-auto-approve", "-input=false", "-no-color")
}

func (w *testEnv) mustDestroy(t *testing.T) {
	t.Helper()
	if r := w.destroy(t); r.code != 0 {
		t.Errorf("destroying failed:\n%s", r.output)
	}
}

// mustRun runs a command and expects no error.
func (w *testEnv) mustRun(t *testing.T, args ...string) {
	t.Helper()
	if r := w.terraform(t, args...); r.code != 0 {
		t.Fatalf("%q failed:\n%s", args, r.output)
	}
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
