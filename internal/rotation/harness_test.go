package rotation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// The kinds of calls that a portal's hooks get.
const (
	generateCall = "generate"
	deleteCall   = "delete"
	keyCall      = "key"
	listCall     = "keys"
	identifyCall = "identify"
)

// errTruncated is an answer with status 200 whose body ends early.
var errTruncated = &transport.Error{Method: http.MethodDelete, Kind: transport.Unreadable, Uncertain: true, Err: errors.New("unexpected EOF")}

// fakePortal is a portal in memory. It counts its calls.
type fakePortal struct {
	clock clock.Clock
	// before and after are called around each call, unless they are nil, with its kind, its store or key, and its
	// number among the calls of that kind, from 1. Their error is the call's answer.
	before, after func(kind, about string, call int) error
	// answer changes the answer to a request for a key.
	answer func(*kustom.NewKey)
	// noDescriptions says that keys have no descriptions, and byPages that the portal lists only one store at a time,
	// and does so right before each deletion. Both hold for the portal's pages.
	noDescriptions, byPages bool
	// unfiltered says that the portal ignores the store in a request for keys.
	unfiltered bool
	// undeletable is the ID of a key whose deletion is accepted and not done.
	undeletable string
	// hidden reports whether reads do not show a key, because they are stale. It may be nil.
	hidden func(kustom.Key) bool
	// limit is how many keys a store may have; 0 means no limit.
	limit int
	// slowness is how long each deletion takes, by clock.
	slowness time.Duration

	mu   sync.Mutex
	keys []kustom.Key
	// stores are the listed stores, and storesErr is the error after them.
	stores    []kustom.Store
	storesErr error
	// replays has the key of each idempotency key.
	replays   map[string]kustom.Key
	generated map[string]bool
	calls     map[string]int
	// asked has the idempotency keys of all requests, and deletions the keys of all deletions.
	asked     []string
	deletions []kustom.Orphan
	// next is the idempotency key of the current request.
	next string
}

func newFakePortal(c clock.Clock, keys ...kustom.Key) *fakePortal {
	a := &fakePortal{clock: c, keys: keys, replays: map[string]kustom.Key{}, generated: map[string]bool{}, calls: map[string]int{}}
	for _, key := range keys {
		a.addStore(key.MerchantID)
	}
	return a
}

func (a *fakePortal) addStore(id string) { a.stores = append(a.stores, kustom.Store{MerchantID: id}) }

func (a *fakePortal) call(kind, about string, work func() error) error {
	a.mu.Lock()
	a.calls[kind]++
	call := a.calls[kind]
	a.mu.Unlock()
	if a.before != nil {
		if err := a.before(kind, about, call); err != nil {
			return err
		}
	}
	a.mu.Lock()
	err := work()
	a.mu.Unlock()
	if err == nil && a.after != nil {
		err = a.after(kind, about, call)
	}
	return err
}

func (a *fakePortal) Ready() error { return nil }

func (a *fakePortal) SupportsDescriptions() bool { return !a.noDescriptions }

func (a *fakePortal) ListsBeforeDeletion() bool { return a.byPages }

func (a *fakePortal) ListsByStore() bool { return a.byPages }

func (a *fakePortal) Generated(credentialID string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.generated[credentialID]
}

func (a *fakePortal) Generate(_ context.Context, r kustom.Request) (kustom.NewKey, error) {
	var key kustom.NewKey
	a.mu.Lock()
	if r.Announce != nil {
		r.IdempotencyKey = cmp.Or(r.IdempotencyKey, fmt.Sprintf("request-%d", len(a.asked)))
	}
	a.next = r.IdempotencyKey
	a.mu.Unlock()
	if r.Announce != nil {
		r.Announce(r.IdempotencyKey)
	}
	err := a.call(generateCall, r.MerchantID, func() error {
		a.asked = append(a.asked, r.IdempotencyKey)
		if earlier, ok := a.replays[r.IdempotencyKey]; ok && r.IdempotencyKey != "" {
			return &kustom.ReplayedError{Orphan: kustom.Orphan{
				MerchantID: r.MerchantID, CredentialID: earlier.CredentialID, Description: r.Description, IdempotencyKey: r.IdempotencyKey,
			}}
		}
		if a.limit > 0 && len(a.of(r.MerchantID)) >= a.limit {
			return kustom.ErrLimitReached
		}
		key = a.generate(r)
		if a.answer != nil {
			a.answer(&key)
		}
		return nil
	})
	if err != nil {
		return kustom.NewKey{}, err
	}
	return key, nil
}

// generate generates a key. The caller holds a.mu.
func (a *fakePortal) generate(r kustom.Request) kustom.NewKey {
	n := len(a.asked)
	description := r.Description
	key := kustom.Key{
		MerchantID: r.MerchantID, CredentialID: fmt.Sprintf("id-new%d", n), Username: fmt.Sprintf("%s-new%d", r.MerchantID, n),
		Description: &description, Host: host, CreatedAt: a.clock.Now(),
	}
	if a.noDescriptions {
		key.Description = nil
	}
	a.keys = append(a.keys, key)
	a.replays[r.IdempotencyKey], a.generated[key.CredentialID] = key, true
	return kustom.NewKey{Key: key, Secret: kustom.NewSecret(fmt.Sprintf("kco_live_api_new%d", n))}
}

// of returns the keys of a store. The caller holds a.mu.
func (a *fakePortal) of(merchantID string) []kustom.Key {
	return slices.DeleteFunc(slices.Clone(a.keys), func(key kustom.Key) bool { return key.MerchantID != merchantID })
}

func (a *fakePortal) Identify(_ context.Context, orphan kustom.Orphan) (id string, err error) {
	err = a.call(identifyCall, orphan.MerchantID, func() error {
		key, ok := a.replays[orphan.IdempotencyKey]
		if !ok {
			a.asked = append(a.asked, orphan.IdempotencyKey)
			key = a.generate(kustom.Request{MerchantID: orphan.MerchantID, Description: orphan.Description, IdempotencyKey: orphan.IdempotencyKey}).Key
		}
		id = key.CredentialID
		return nil
	})
	return id, err
}

// CleanupTime is that of the portal's pages.
func (a *fakePortal) CleanupTime() time.Duration {
	if a.byPages {
		return 2 * time.Minute
	}
	return 0
}

func (a *fakePortal) DeleteOrphan(ctx context.Context, orphan kustom.Orphan) error {
	if err := a.clock.Sleep(ctx, a.slowness); err != nil {
		return err
	}
	return a.call(deleteCall, orphan.CredentialID, func() error {
		a.deletions = append(a.deletions, orphan)
		if orphan.CredentialID == a.undeletable {
			return nil
		}
		a.keys = slices.DeleteFunc(a.keys, func(key kustom.Key) bool { return key.CredentialID == orphan.CredentialID })
		return nil
	})
}

func (a *fakePortal) Key(_ context.Context, merchantID, credentialID string) (key kustom.Key, err error) {
	err = a.call(keyCall, credentialID, func() error {
		for _, key = range a.keys {
			if key.MerchantID == merchantID && key.CredentialID == credentialID && (a.hidden == nil || !a.hidden(key)) {
				return nil
			}
		}
		return &kustom.NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
	})
	return key, err
}

func (a *fakePortal) Keys(_ context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		var keys []kustom.Key
		err := a.call(listCall, merchantID, func() error {
			keys = slices.Clone(a.keys)
			if merchantID != "" && !a.unfiltered {
				keys = a.of(merchantID)
			}
			if a.hidden != nil {
				keys = slices.DeleteFunc(keys, a.hidden)
			}
			return nil
		})
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
		if err != nil {
			yield(kustom.Key{}, err)
		}
	}
}

func (a *fakePortal) Stores(context.Context) iter.Seq2[kustom.Store, error] {
	return func(yield func(kustom.Store, error) bool) {
		for _, store := range a.stores {
			if !yield(store, nil) {
				return
			}
		}
		if a.storesErr != nil {
			yield(kustom.Store{}, a.storesErr)
		}
	}
}

// usernames returns the sorted usernames of the existing keys.
func (a *fakePortal) usernames() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for _, key := range a.keys {
		names = append(names, key.Username)
	}
	slices.Sort(names)
	return names
}

func (a *fakePortal) called(kind string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[kind]
}

// testEnv has a fake of each vendor, and a run of the engine on them.
type testEnv struct {
	*testing.T
	clock    *clocktest.Fake
	portal   *fakePortal
	shops    *fakeShops
	merchant *fakeMerchant
	engine   *rotation.Engine
	// cache is the on-disk cache of this machine. It is empty unless a test sets it.
	cache rotation.LocalCache
	// journal is nil unless a test sets it.
	journal rotation.Journal
	// requests is where this machine stores requests. It stores none unless a test sets it.
	requests rotation.Requests
}

// newTestEnv returns an environment with these shops, by name the username that each holds, and these keys.
func newTestEnv(t *testing.T, shops map[string]string, keys ...kustom.Key) *testEnv {
	t.Helper()
	c := clocktest.New(noon)
	env := &testEnv{T: t, clock: c, portal: newFakePortal(c, keys...), shops: newFakeShops(shops), merchant: &fakeMerchant{verdicts: []kustom.Verdict{""}}}
	env.shops.clock = c
	env.newRun()
	return env
}

// newRun starts another run, which has no memory of the last one.
func (env *testEnv) newRun(ignored ...string) {
	env.portal.generated = map[string]bool{}
	env.engine = rotation.New(rotation.Options{
		Portal: env.portal, Shops: env.shops, Merchant: env.merchant, Clock: env.clock, Names: env.shops.names, Ignored: ignored,
		Journal: env.journal, Cache: env.cache, Requests: env.requests,
	})
}

// plan decides about a shop that no object manages.
func (env *testEnv) plan(config rotation.Config) rotation.Plan {
	env.Helper()
	seen, err := env.engine.Observe(env.Context(), config.Shop, config.MerchantID, "")
	if err != nil {
		env.Fatal(err)
	}
	plan, err := rotation.Decide(config, nil, &seen)
	if err != nil {
		env.Fatal(err)
	}
	return plan
}

// config configures shop a for store M1.
func config() rotation.Config { return rotation.Config{Shop: "a", MerchantID: "M1"} }

// connect plans a new shop, and executes the plan.
func (env *testEnv) connect(c rotation.Config, record *rotation.Record) ([]rotation.KeptKey, error) {
	env.Helper()
	return env.engine.Execute(env.Context(), env.plan(c), c.Rules, record)
}

// wantKeys fails the test unless exactly these keys exist.
func (env *testEnv) wantKeys(usernames ...string) {
	env.Helper()
	slices.Sort(usernames)
	if got := env.portal.usernames(); !slices.Equal(got, usernames) {
		env.Errorf("the keys are %q, want %q", got, usernames)
	}
}

// wantHolds fails the test unless the shop holds the key and the key exists.
func (env *testEnv) wantHolds(shop, username string) {
	env.Helper()
	if got := env.shops.holds(shop); got != username {
		env.Errorf("shop %s holds %q, want %q", shop, got, username)
	}
	if username != "" && !slices.Contains(env.portal.usernames(), username) {
		env.Errorf("shop %s holds %s, which does not exist", shop, username)
	}
}

// m1 returns a key of store M1 that was last used in February.
func m1(username string) kustom.Key { return key("1", username, host, 2026, time.February) }

const (
	readCall  = "read"
	writeCall = "write"
)

var (
	errLost    = &transport.Error{Method: http.MethodPut, Kind: transport.NoAnswer, Uncertain: true, Err: errors.New("connection reset")}
	errRefused = &transport.Error{Method: http.MethodPut, Kind: transport.Refused, Status: 422, Body: transport.BodyJSON}
)

// fakeShops is a Mystore in memory. It counts its calls.
type fakeShops struct {
	// before and after are called around each call, unless they are nil, with its kind, its shop, and its number
	// among the calls of that kind to that shop, from 1. Their error is the call's answer.
	before, after func(ctx context.Context, kind, shop string, call int) error

	mu          sync.Mutex
	shops       map[string]mystore.Credentials
	uninstalled map[string]bool
	calls       map[string]int
	writes      int
	// secrets has the secrets that were last written.
	secrets map[string]string
	// lag is how long reads are stale, by clock.
	lag     time.Duration
	clock   clock.Clock
	changes map[string][]change
}

// change is what a shop held until a time.
type change struct {
	until time.Time
	held  mystore.Credentials
}

// newFakeShops returns shops that hold these usernames. An empty username is none.
func newFakeShops(shops map[string]string) *fakeShops {
	s := &fakeShops{
		shops: map[string]mystore.Credentials{}, uninstalled: map[string]bool{}, calls: map[string]int{}, secrets: map[string]string{},
		changes: map[string][]change{}, clock: clock.System{},
	}
	for name, username := range shops {
		s.shops[name] = mystore.Credentials{KustomID: username, Secret: secretOf(username)}
	}
	return s
}

// CleanupTime is that of a shop's pages.
func (s *fakeShops) CleanupTime(string) time.Duration { return 2 * time.Minute }

func (s *fakeShops) Credentials(ctx context.Context, shop string) (mystore.Credentials, error) {
	return s.call(ctx, readCall, shop, func() {})
}

func (s *fakeShops) Install(ctx context.Context, shop, kustomID, kustomSecret string) (mystore.Credentials, error) {
	return s.call(ctx, writeCall, shop, func() { s.setLocked(shop, kustomID); s.secrets[shop] = kustomSecret })
}

func (s *fakeShops) Clear(ctx context.Context, shop string) (mystore.Credentials, error) {
	return s.call(ctx, writeCall, shop, func() { s.setLocked(shop, "") })
}

func (s *fakeShops) call(ctx context.Context, kind, shop string, work func()) (mystore.Credentials, error) {
	call := s.count(kind, shop)
	if s.before != nil {
		if err := s.before(ctx, kind, shop, call); err != nil {
			return mystore.Credentials{}, err
		}
	}
	if ctx.Err() != nil {
		return mystore.Credentials{}, ctx.Err()
	}
	s.mu.Lock()
	absent := s.uninstalled[shop]
	if !absent {
		work()
	}
	holds := s.shown(kind, shop)
	s.mu.Unlock()
	if absent {
		return mystore.Credentials{}, &mystore.NotInstalledError{Shop: shop}
	}
	if s.after != nil {
		if err := s.after(ctx, kind, shop, call); err != nil {
			return mystore.Credentials{}, err
		}
	}
	return holds, nil
}

// secretOf returns the state of the secret that belongs to a username.
func secretOf(username string) mystore.SecretState {
	if username == "" {
		return mystore.SecretMissing
	}
	return mystore.SecretSet
}

// setLocked sets a shop's username. The caller holds s.mu.
func (s *fakeShops) setLocked(shop, username string) {
	s.writes++
	s.changes[shop] = append(s.changes[shop], change{until: s.clock.Now(), held: s.shops[shop]})
	s.shops[shop] = mystore.Credentials{
		KustomID: username, Secret: secretOf(username), UpdatedAt: strconv.Itoa(s.writes),
	}
}

// shown returns what an answer shows of a shop. The caller holds s.mu.
func (s *fakeShops) shown(kind, shop string) mystore.Credentials {
	for _, c := range s.changes[shop] {
		if kind == readCall && s.clock.Now().Sub(c.until) < s.lag {
			return c.held
		}
	}
	return s.shops[shop]
}

// holds returns the username that a shop holds.
func (s *fakeShops) holds(shop string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shops[shop].KustomID
}

// set sets a shop's username, as a person does by hand.
func (s *fakeShops) set(shop, username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setLocked(shop, username)
}

func (s *fakeShops) count(kind, shop string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[kind+" "+shop]++
	return s.calls[kind+" "+shop]
}

func (s *fakeShops) called(kind, shop string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[kind+" "+shop]
}

func (s *fakeShops) names() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.shops {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// fakeMerchant answers the nth proof with the nth verdict, and later ones with the last verdict. An empty verdict
// accepts the pair.
type fakeMerchant struct {
	verdicts []kustom.Verdict
	// onProof is called at each proof, unless it is nil.
	onProof func()

	mu     sync.Mutex
	proofs int
}

func (p *fakeMerchant) Prove(_ context.Context, username, _ string) error {
	if p.onProof != nil {
		p.onProof()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	verdict := p.verdicts[min(p.proofs, len(p.verdicts)-1)]
	p.proofs++
	if verdict == "" {
		return nil
	}
	return &kustom.ProofError{Username: username, Verdict: verdict, Cause: errors.New("401")}
}

func newShops(s *fakeShops, c clock.Clock) *rotation.Shops {
	return rotation.NewShops(rotation.Options{Shops: s, Merchant: &fakeMerchant{verdicts: []kustom.Verdict{""}}, Clock: c, Names: s.names})
}

func wantKeyInUse(t *testing.T, err error) *rotation.KeyInUseError {
	t.Helper()
	h, ok := errors.AsType[*rotation.KeyInUseError](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	return h
}

func wantInUse(t *testing.T, err error) {
	t.Helper()
	_ = wantKeyInUse(t, err)
}

func wantUnknown(t *testing.T, err error) *rotation.KeyUsageUnknownError {
	t.Helper()
	var unknown *rotation.KeyUsageUnknownError
	if !errors.As(err, &unknown) {
		t.Fatalf("the error is %v", err)
	}
	return unknown
}

// orphan returns a key of store M1 in the form that deletions take.
func orphan(username string) kustom.Orphan {
	return kustom.Orphan{MerchantID: "M1", CredentialID: "id-" + username, Username: username}
}

// failCalls returns a hook that fails all calls of a kind of the portal.
func failCalls(kind string, err error) func(string, string, int) error {
	return failCall(kind, 0, err)
}

// failCall returns a hook that fails the nth call of a kind of the portal.
func failCall(kind string, n int, err error) func(string, string, int) error {
	return onCall(kind, n, func() error { return err })
}

// onCall returns a hook that calls f at the nth call of a kind of the portal. An empty kind means any, and 0 means all.
func onCall(kind string, n int, f func() error) func(string, string, int) error {
	return func(called, _ string, call int) error {
		if (kind == "" || called == kind) && (n == 0 || call == n) {
			return f()
		}
		return nil
	}
}

// failShop returns a hook that fails the calls of a kind to a shop. An empty kind or name means any.
func failShop(kind, name string, err error) func(context.Context, string, string, int) error {
	return onShopCall(kind, name, 0, func() error { return err })
}

// onShopCall returns a hook that calls f at the nth call of a kind to a shop. An empty kind or name means any, and 0
// means all.
func onShopCall(kind, name string, n int, f func() error) func(context.Context, string, string, int) error {
	return func(_ context.Context, called, shop string, call int) error {
		if (kind == "" || called == kind) && (name == "" || shop == name) && (n == 0 || call == n) {
			return f()
		}
		return nil
	}
}

// mustConnect calls connect, and fails the test if it returns an error or a kept key.
func (env *testEnv) mustConnect(c rotation.Config, record *rotation.Record) {
	env.Helper()
	env.mustExecute(env.plan(c), c.Rules, record)
}

// mustExecute executes a plan, and fails the test if that returns an error or a kept key.
func (env *testEnv) mustExecute(plan rotation.Plan, rules rotation.Rules, record *rotation.Record) {
	env.Helper()
	if kept, err := env.engine.Execute(env.Context(), plan, rules, record); err != nil || len(kept) != 0 {
		env.Fatalf("kept %v, error %v", kept, err)
	}
}

// wantKept fails the test unless an execution kept exactly one key, which it returns.
func (env *testEnv) wantKept(kept []rotation.KeptKey, err error) rotation.KeptKey {
	env.Helper()
	if err != nil || len(kept) != 1 {
		env.Fatalf("kept %v, error %v", kept, err)
	}
	return kept[0]
}

// wantRemembered fails the test unless the record has each key that is in the portal, but for M1-old.
func (env *testEnv) wantRemembered(record rotation.Record) {
	env.Helper()
	for _, key := range env.portal.keys {
		known := key.Username == "M1-old" || key.Username == record.Username
		for _, o := range record.Memory.Undeleted {
			known = known || o.CredentialID == key.CredentialID || o.CredentialID == "" && env.portal.replays[o.IdempotencyKey].Username == key.Username
		}
		if !known {
			env.Errorf("the key %s is lost", key.Username)
		}
	}
}

// wantNoChanges fails the test unless the next plan of shop a is empty.
func (env *testEnv) wantNoChanges(record *rotation.Record) {
	env.Helper()
	if plan := env.readAndDecide(record); plan.Generate || plan.Changes {
		env.Errorf("the next plan is %+v", plan)
	}
}

// hideKey makes a shop's page show no Kustom ID, neither in a read nor after a write.
func (env *testEnv) hideKey(shop string) {
	env.shops.before = failShop(readCall, shop, &mystore.NotShownError{Shop: shop})
	env.shops.after = failShop(writeCall, shop, &mystore.NotConfirmedError{Shop: shop})
}

// setLastUsed sets when a key was last used.
func (env *testEnv) setLastUsed(username string, at time.Time) {
	env.portal.mu.Lock()
	defer env.portal.mu.Unlock()
	for i := range env.portal.keys {
		if env.portal.keys[i].Username == username {
			env.portal.keys[i].LastUsedAt = &at
		}
	}
}

// newCache gives this machine an empty cache, and starts a run.
func (env *testEnv) newCache() {
	env.cache = newLocalCache(env.T)
	env.newRun()
}

func newLocalCache(t *testing.T) rotation.LocalCache {
	t.Helper()
	return rotation.LocalCache{Dir: filepath.Join(t.TempDir(), "shops")}
}

// readAndDecide reads shop a in another run, and returns its plan.
func (env *testEnv) readAndDecide(record *rotation.Record) rotation.Plan {
	env.Helper()
	return env.readAndDecideFor(config(), record)
}

// readAndDecideFor reads a shop in another run, and returns its plan.
func (env *testEnv) readAndDecideFor(c rotation.Config, record *rotation.Record) rotation.Plan {
	env.Helper()
	env.newRun()
	if err := env.engine.Read(env.Context(), c.Shop, record); err != nil {
		env.Fatal(err)
	}
	plan, err := rotation.Decide(c, record, nil)
	if err != nil {
		env.Fatal(err)
	}
	return plan
}

const (
	klarna = "api.klarna.com"
	host   = "api.kustom.co"
)

// key returns a key of store M<store>. It was created in the given year and last used in the given month of 2026;
// month 0 means never.
func key(store, username, host string, year int, month time.Month) kustom.Key {
	k := kustom.Key{
		MerchantID: "M" + store, CredentialID: "id-" + username, Username: username, Host: host,
		CreatedAt: time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
	if month != 0 {
		used := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
		k.LastUsedAt = &used
	}
	return k
}

func ref(k kustom.Key) rotation.KeyRef {
	return rotation.KeyRef{MerchantID: k.MerchantID, CredentialID: k.CredentialID, Username: k.Username, Host: k.Host}
}

// usernamesOf returns the usernames of keys, with a star on those that wait.
func usernamesOf(keys []rotation.KeyRef) []string {
	var usernames []string
	for _, key := range keys {
		if key.WaitsFor != "" {
			key.Username += "*"
		}
		usernames = append(usernames, key.Username)
	}
	return usernames
}

var noon = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)
