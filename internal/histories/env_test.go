package histories_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

const (
	shopCount  = 3
	storeCount = 2
	// workspaceCount is the number of Terraform states.
	workspaceCount = 2
)

var (
	storeIDs  = [storeCount]string{"M00500001", "M00500002"}
	shopNames = [shopCount]string{"alfa", "bravo", "charlie"}
	// storeOf has the store of each shop. Two shops share one and, at first, its key.
	storeOf = [shopCount]int{0, 0, 1}
)

// otherSystems are shops that the provider does not know, one for each store. They stand for other systems that use a
// key.
var otherSystems = [storeCount]string{"accounting", "warehouse"}

const baseURL = "http://127.0.0.1"

func seed() sandbox.Seed {
	made := time.Date(2021, time.March, 15, 8, 0, 0, 0, time.UTC)
	s := sandbox.Seed{Users: []sandbox.User{{Token: "fake-portal-token", Email: "ops@agency.example"}}}
	for i, id := range storeIDs {
		s.Stores = append(s.Stores, sandbox.Store{MerchantID: id, Name: fmt.Sprintf("Store %d", i), Keys: []sandbox.Key{{
			CredentialID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1), Username: id + "-old00",
			Secret: fmt.Sprintf("kco_live_api_fake%036d", i), Host: "api.klarna.com",
			CreatedAt: made, CreatedBy: "ops@agency.example", LastUsedAt: &made,
		}}})
	}
	shop := func(name string, store int, key sandbox.Key) {
		s.Shops = append(s.Shops, sandbox.Shop{
			Name: name, Token: "fake-mystore-token-" + name, MerchantID: storeIDs[store],
			Extensions: []sandbox.Extension{{ID: sandbox.KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.4.1", Active: true}},
			KustomID:   key.Username, KustomSecret: key.Secret, UpdatedAt: &made,
		})
	}
	for i, name := range shopNames {
		shop(name, storeOf[i], s.Stores[storeOf[i]].Keys[0])
	}
	for i, name := range otherSystems {
		shop(name, i, sandbox.Key{})
	}
	return s
}

// workspace is one Terraform configuration with its state.
type workspace struct {
	configs   [shopCount]shopConfig
	exclusive [storeCount]bool
	// ignored has the shops in ignored_shops.
	ignored [shopCount]bool
	state   *tfdriver.State
	// older has the earlier states.
	older []*tfdriver.State
	// installed has, for each shop, the keys that objects of the workspace have installed or imported, with the types of
	// these objects.
	installed [shopCount]map[string]map[string]bool
	// retained has keys that are back in the configuration for one run, with deletion_policy = "retain".
	retained []*tfdriver.Instance
}

// testEnv is the environment of one history.
type testEnv struct {
	options

	sandbox    *sandbox.Sandbox
	clock      *clocktest.Fake
	driver     *tfdriver.Driver
	builder    builder
	workspaces [workspaceCount]*workspace
	// cache is the cache folder that all runs share; empty if each run has its own machine.
	cache string

	// mu is held during each change, and guards the fields below.
	mu      sync.Mutex
	lag     lag
	changes []apiChange

	// known has the keys that are accounted for: initial keys, keys of people, and keys that a policy keeps.
	known map[string]bool
	// held has the shops that have ever held a key, by username.
	held map[string]map[string]bool
	// excused has shops that take no payments because of a run that could not know of them.
	excused map[string]bool
	// moving has the shops that may move to another store.
	moving map[string]bool
	// settled says that people have followed the advice of the refusals.
	settled bool
	// before has the shops that took payments when the run began.
	before [shopCount]bool
	// messages has all errors and warnings of the provider.
	messages []string
	// violated has the violated invariants.
	violated []invariant
	// log has one line for each event.
	log []string
}

// apiChange is a change that the provider requested from a vendor.
type apiChange struct {
	workspace int
	by        string // the type of the object that the change is for
	what      string // "generate", "delete", "install" or "clear"
	shop      string
	key       string // the generated, deleted or installed key
	before    string // what the shop held
	worked    bool
	holders   []string
	idle      bool // the deleted key was not used for the default of unused_for
}

// options configure an environment.
type options struct {
	// pending is how often a new key is answered as pending.
	pending int
	// sharesCache says that all runs share one machine with a cache folder. Otherwise each has its own machine.
	sharesCache bool
	// resolution is how people resolve a deletion that is refused because a shop uses the key.
	resolution resolution
	// stopsKeeping says that, at the end, no shop's policy keeps replaced keys.
	stopsKeeping bool
}

func newTestEnv(d *tfdriver.Driver, o options) (*testEnv, error) {
	env := &testEnv{
		clock: clocktest.New(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC)), driver: d, builder: builder{d}, options: o,
		known: map[string]bool{}, held: map[string]map[string]bool{}, excused: map[string]bool{}, moving: map[string]bool{},
	}
	var err error
	env.sandbox, err = sandbox.New(seed(), sandbox.Options{Pending: o.pending, Clock: env.clock, Unchecked: true, KeyLimit: 100})
	if err != nil {
		return nil, err
	}
	if o.sharesCache {
		if env.cache, err = os.MkdirTemp("", "histories-"); err != nil {
			return nil, err
		}
	}
	for i := range env.workspaces {
		ws := &workspace{state: tfdriver.NewState()}
		for shop := range ws.configs {
			ws.configs[shop].owner = ownerNone
			ws.installed[shop] = map[string]map[string]bool{}
		}
		env.workspaces[i] = ws
	}
	for _, id := range storeIDs {
		for _, key := range env.sandbox.Keys(id) {
			env.noteKnown(key.Username)
		}
	}
	env.noteHolders()
	return env, nil
}

// close removes the cache folder.
func (env *testEnv) close() {
	if env.cache != "" {
		_ = os.RemoveAll(env.cache) // The system removes what is left of a temporary folder.
	}
}

func (env *testEnv) logf(format string, args ...any) {
	env.log = append(env.log, env.clock.Now().Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// invariant is an invariant of the provider.
type invariant string

const (
	keepsPayments        invariant = "no shop stops taking payments"
	deletesUnusedOnly    invariant = "with the policy delete_when_unused, no key in use is deleted"
	deletesKeptKeys      invariant = "when the policy stops keeping keys, the kept keys are deleted"
	clearsOwnShops       invariant = "a shop is cleared only by its own object, and only if it is configured to"
	keepsStore           invariant = "no shop gets a key of another store"
	keepsKeysInUse       invariant = "no key is deleted that a shop uses"
	leavesNoOrphan       invariant = "no key is orphaned"
	successMeansPayments invariant = "after a successful run, its shops take payments"
	converges            invariant = "after the last fault, a few runs converge"
)

// violate records a violated invariant.
func (env *testEnv) violate(kind invariant, format string, args ...any) {
	env.logf("VIOLATED: %s: %s", kind, fmt.Sprintf(format, args...))
	env.violated = append(env.violated, kind)
}

// noteHolders records which shops hold which keys now.
func (env *testEnv) noteHolders() {
	for _, name := range shopNames {
		username := env.shop(name).KustomID
		if env.held[username] == nil {
			env.held[username] = map[string]bool{}
		}
		env.held[username][name] = true
	}
}

// shop returns the present state of a shop.
func (env *testEnv) shop(name string) sandbox.Shop {
	shop, ok := env.sandbox.Shop(name)
	if !ok {
		panic("there is no shop " + name)
	}
	return shop
}

func (env *testEnv) keys() map[string]sandbox.Key {
	all := map[string]sandbox.Key{}
	for _, id := range storeIDs {
		for _, key := range env.sandbox.Keys(id) {
			all[key.Username] = key
		}
	}
	return all
}

// holders returns the shops that hold a key.
func (env *testEnv) holders(username string) []string {
	var names []string
	for _, name := range shopNames {
		if env.shop(name).KustomID == username {
			names = append(names, name)
		}
	}
	return names
}

// fault is a fault during a run.
type fault struct {
	kind string
	// at is the number of the affected request, from 0. The kind decides which requests count.
	at int
	// shop is the affected shop.
	shop int
	// until is, for concurrentRun, the request of the other run at which it yields.
	until int
}

// The kinds of faults.
const (
	noFault = ""
	// killBefore and killAfter kill the provider before a change, and after it but before the answer.
	killBefore = "killed before change"
	killAfter  = "killed after change"
	// killAtRequest kills the provider at any request.
	killAtRequest = "killed at request"
	// loseResponse, failWrites, dropWrite and truncateResponse affect a change or its response.
	loseResponse     = "lost response to change"
	failWrites       = "500 to change"
	dropWrite        = "change dropped"
	truncateResponse = "truncated response to change"
	// failReads answers reads with 500.
	failReads = "500 to reads from"
	// noTokens has no shop tokens. ownTokens has only those of the configured shops. deadToken has a wrong one.
	noTokens  = "no shop tokens"
	ownTokens = "own shop tokens"
	deadToken = "dead token"
	// staleReads makes reads stale for lagFor.
	staleReads = "stale reads"
	// concurrentRun runs the other workspace at the same time.
	concurrentRun = "concurrent run at"
	// manualBeforeApply puts a day and a manual change between plan and apply.
	manualBeforeApply = "a day and a manual change between plan and apply"
)

// run is one Terraform run.
type run struct {
	env       *testEnv
	workspace int
	fault     fault
	// locks are held by the run's process until it ends.
	locks []*lockfile.Lock
	// shopTokens has the Mystore token of each shop.
	shopTokens map[string]string

	// suspension is locked while the run is suspended, and read-locked by its requests.
	suspension sync.RWMutex
	killed     atomic.Bool
	// applying has the type of the object that the run is applying. There is one at a time.
	applying atomic.Value

	mu       sync.Mutex
	requests int
	writes   int
	// onYield, if set, is called before the request with the number yieldAt.
	yieldAt int
	onYield func()
	// sleeping, if set, is called before the run sleeps, with the end of the sleep.
	sleeping func(until time.Time)
}

// beforeSleep makes the run call f before it sleeps.
func (r *run) beforeSleep(f func(until time.Time)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sleeping = f
}

// beforeSleepFunc returns the function to call before a sleep.
func (r *run) beforeSleepFunc() func(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sleeping == nil {
		return func(time.Time) {}
	}
	return r.sleeping
}

var errKilled = errors.New("the provider was killed")

// lock locks a file as the run's process.
func (r *run) lock(ctx context.Context, name string) (*lockfile.Lock, error) {
	lock, err := lockfile.Take(ctx, name)
	r.env.mu.Lock()
	defer r.env.mu.Unlock()
	r.locks = append(r.locks, lock)
	return lock, err
}

// unlock releases the locks, as the operating system does when a process ends.
func (r *run) unlock() {
	r.env.mu.Lock()
	defer r.env.mu.Unlock()
	for _, lock := range r.locks {
		lock.Unlock()
	}
}

// start returns a server of the provider for a provider configuration.
func (r *run) start(access string) (tfdriver.Server, tfdriver.Values, error) {
	env, sees := r.env.sandbox.Env(baseURL), map[string]bool{}
	tokens, err := json.Marshal(r.shopTokens)
	if err != nil {
		return nil, nil, err
	}
	env["MYSTORE_TOKENS"] = string(tokens)
	if access == portalAccess && !r.env.settled || len(r.shopTokens) == 0 {
		delete(env, "MYSTORE_TOKENS")
	}
	if env["MYSTORE_TOKENS"] != "" {
		for shop := range r.shopTokens {
			sees[shop] = true
		}
	}
	var ignored []any
	for shop, yes := range r.env.workspaces[r.workspace].ignored {
		if yes {
			sees[shopNames[shop]] = false
			ignored = append(ignored, shopNames[shop])
		}
	}
	if access == shopsAccess {
		delete(env, "KUSTOM_PORTAL_TOKEN")
	}
	p := provider.New(provider.Options{
		Version: "test", Clock: runClock{r}, RoundTripper: faultTransport{r, sees},
		Getenv:   func(name string) string { return env[name] },
		CacheDir: r.env.cache, Requests: rotation.Requests{Host: "machine", Lock: r.lock},
	})
	server, err := provider.NewServer(p(), false)
	if err != nil {
		return nil, nil, err
	}
	return killableServer{server, r}, tfdriver.Values{"ignored_shops": ignored}, nil
}

// runClock is the clock of the environment. A killed provider does not sleep on it.
type runClock struct{ run *run }

func (c runClock) Now() time.Time { return c.run.env.clock.Now() }

func (c runClock) Sleep(ctx context.Context, d time.Duration) error {
	if c.run.isKilled() {
		return errKilled
	}
	c.run.beforeSleepFunc()(c.Now().Add(d))
	return c.run.env.clock.Sleep(ctx, d)
}

func (r *run) isKilled() bool { return r.killed.Load() }

func (r *run) kill() error {
	r.killed.Store(true)
	return errKilled
}

// noteInstalled records that an object of a type has installed a key in a shop.
func (ws *workspace) noteInstalled(shop int, key, typeName string) {
	if ws.installed[shop][key] == nil {
		ws.installed[shop][key] = map[string]bool{}
	}
	ws.installed[shop][key][typeName] = true
}

// tokensFor returns the shops' tokens of a run.
func (env *testEnv) tokensFor(ws *workspace, t fault) map[string]string {
	tokens := map[string]string{}
	for shop, name := range shopNames {
		switch {
		case t.kind == noTokens:
		case t.kind == ownTokens && ws.configs[shop].owner == ownerNone && !ws.has(shop):
		case t.kind == deadToken && t.shop == shop:
			tokens[name] = "fake-mystore-token-dead"
		default:
			tokens[name] = "fake-mystore-token-" + name
		}
	}
	return tokens
}

// has reports whether the state has an object for a shop.
func (ws *workspace) has(shop int) bool {
	return slices.ContainsFunc(ws.state.Instances(), func(i *tfdriver.Instance) bool { return concerns(i, shop) })
}

// outcome is the result of a run.
type outcome struct {
	tfdriver.Result
	empty bool
	plan  *tfdriver.Plan
}

// terraform runs a workspace and updates its state. It returns the result.
func (env *testEnv) terraform(i int, t fault, o tfdriver.Options) outcome {
	ws := env.workspaces[i]
	r := &run{env: env, workspace: i, fault: t, shopTokens: env.tokensFor(ws, t), yieldAt: -1}
	return env.terraformAs(r, o)
}

func (env *testEnv) terraformAs(r *run, o tfdriver.Options) outcome {
	defer r.unlock()
	ws, ctx := env.workspaces[r.workspace], context.Background()
	config := env.builder.config(env.effective(r), ws.exclusive)
	for _, key := range ws.retained {
		config = append(config, env.builder.retained(key))
	}
	o.Forget = env.removed(r)
	plan := env.driver.Plan(ctx, config, ws.state, r.start, o)
	out := outcome{Result: plan.Result, empty: plan.Empty(), plan: plan}
	env.noteMessages(&plan.Result, r)
	if plan.Failed() || r.isKilled() {
		return out
	}
	if r.fault.kind == manualBeforeApply {
		env.advance(24 * time.Hour)
		if !env.hidesWrongStore(ws, r.fault) {
			env.byHand(r.fault.shop, r.fault.at)
		}
		env.before = env.working()
	}
	// Each of two concurrent runs changes the state of its own workspace.
	state, result := env.driver.Apply(ctx, plan)
	env.noteMessages(result, r)
	ws.older = append(ws.older, ws.state)
	ws.state = state
	out.Errors, out.Warnings = result.Errors, append(out.Warnings, result.Warnings...)
	return out
}

// removed returns the addresses of the keys of pairs that have become connections. If the shop does not hold such a key by
// then, or a stale read does not show it, no object takes the key over, and each plan names it: a person is responsible.
func (env *testEnv) removed(r *run) []string {
	ws := env.workspaces[r.workspace]
	var addresses []string
	for shop, cfg := range ws.configs {
		if !cfg.moved {
			continue
		}
		addresses = append(addresses, cfg.address(keyType, shop))
		for _, key := range ws.state.Instances() {
			if key.Address == cfg.address(keyType, shop) && (r.fault.kind == staleReads || key.Text("username") != env.shop(shopNames[shop]).KustomID) {
				env.noteKnown(key.Text("username"))
			}
		}
	}
	return addresses
}

// noteMessages records the messages of a result.
func (env *testEnv) noteMessages(result *tfdriver.Result, r *run) {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.messages = append(env.messages, result.Errors...)
	env.messages = append(env.messages, result.Warnings...)
}

// effective returns the shops' configurations for a run. A shop is configured for the wrong store only if this run or an
// earlier one can see the mistake by the shop's key. The configuration of a shop that no run has read counts as correct,
// so that one unreadable shop does not keep the old keys of many others.
func (env *testEnv) effective(r *run) [shopCount]shopConfig {
	ws := env.workspaces[r.workspace]
	configs := ws.configs
	for shop, name := range shopNames {
		if env.shop(name).KustomID == "" || !r.canRead(shop) && !ws.has(shop) {
			configs[shop].wrongStore = false
		}
	}
	return configs
}

// hidesWrongStore reports whether the manual change between plan and apply clears a shop that is configured for the wrong
// store. Only the shop's key shows that mistake: the new key of a pair is unknown until the apply, and Terraform then plans
// the pair again, without the first plan.
func (env *testEnv) hidesWrongStore(ws *workspace, t fault) bool {
	return t.at == manualClear && ws.configs[t.shop].wrongStore
}

// canRead reports whether the run can read a shop at any time.
func (r *run) canRead(shop int) bool {
	switch r.fault.kind {
	case noTokens:
		return false
	case deadToken, failReads:
		return r.fault.shop != shop
	}
	return true
}

// isAccountedFor reports whether a state, a shop or a message to the user has the key. A message is not enough if the
// machine's cache has the key as one that a connection or a fleet replaced.
func (env *testEnv) isAccountedFor(username, credentialID string) bool {
	if env.known[username] || len(env.holders(username)) > 0 {
		return true
	}
	for _, ws := range env.workspaces {
		for _, instance := range ws.state.Instances() {
			if slices.ContainsFunc(instance.Strings(), func(s string) bool { return s == username || s == credentialID }) {
				return true
			}
		}
	}
	if env.cache != "" && env.isReplaced(username) {
		return false
	}
	return slices.ContainsFunc(env.messages, func(text string) bool { return strings.Contains(text, username) })
}

// isReplaced reports whether only connections and fleets have replaced the key of a shop, which no other shop had, up to
// its current key, and one of them still manages the shop. Then the machine's cache has the key, however the runs ended.
func (env *testEnv) isReplaced(username string) bool {
	if len(env.held[username]) != 1 {
		return false
	}
	for _, c := range env.changes {
		if c.what == "install" && c.before == username && deletesReplaced(c.by) {
			username = c.key
		}
	}
	return slices.ContainsFunc(env.holders(username), func(name string) bool {
		shop := slices.Index(shopNames[:], name)
		return slices.ContainsFunc(env.workspaces[:], func(ws *workspace) bool {
			return ws.configs[shop].deletesReplaced()
		})
	})
}

// deletesReplaced reports whether objects of a type delete the keys that they replace.
func deletesReplaced(typeName string) bool {
	return typeName == connectionType || typeName == fleetType
}

// noteForgotten records that a person has removed objects from a state and is responsible for their keys.
func (env *testEnv) noteForgotten(before *tfdriver.State) {
	for _, instance := range before.Instances() {
		for _, text := range instance.Strings() {
			env.noteKnown(text)
		}
		for _, key := range env.keys() {
			if slices.Contains(instance.Strings(), key.CredentialID) {
				env.noteKnown(key.Username)
			}
		}
	}
}

// concerns reports whether an object is about a shop.
func concerns(i *tfdriver.Instance, shop int) bool {
	name, _, _ := strings.Cut(i.Address, ".")
	switch name {
	case keyType:
		return i.Address == shopConfig{}.address(keyType, shop) || i.Address == shopConfig{renamed: true}.address(keyType, shop)
	case fleetType:
		return i.Text("shops", shopNames[shop], "merchant_id") != ""
	}
	return i.Text("shop") == shopNames[shop]
}
