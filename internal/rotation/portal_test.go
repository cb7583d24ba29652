package rotation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// The calls of a portal that hooks are told of.
const (
	generate = "generate"
	discard  = "discard"
	fetch    = "key"
	list     = "keys"
	identify = "identify"
)

// errTorn is a 200 whose body ends early: it tells nothing.
var errTorn = &transport.Error{Method: http.MethodDelete, Kind: transport.Unreadable, Uncertain: true, Err: errors.New("unexpected EOF")}

// account is a portal in memory, that counts what it is asked.
type account struct {
	clock clock.Clock
	// before and after are called, where they are set, around what a call does, with the store or key that it is
	// about; an error of theirs is the answer. call counts the calls of that kind, from 1.
	before, after func(kind, about string, call int) error
	// answer changes a new key's answer.
	answer func(*kustom.NewKey)
	// undescribed says that keys have no descriptions, as on the portal's pages.
	undescribed bool
	// stays is the ID of a key whose deletion is answered as documented, and not done.
	stays string
	// limit is how many keys a store may have; 0 is any number.
	limit int
	// hidden, where it is set, tells of keys that reads do not show, because they lag.
	hidden func(kustom.Key) bool

	mu     sync.Mutex
	keys   []kustom.Key
	stores []string
	// replays has the key that each idempotency key has made.
	replays map[string]kustom.Key
	made    map[string]bool
	calls   map[string]int
	// asked has the idempotency keys, and discarded the IDs, that the portal was called with.
	asked, discarded []string
	// next is the idempotency key of the request that is being answered.
	next string
}

func newAccount(c clock.Clock, keys ...kustom.Key) *account {
	a := &account{clock: c, keys: keys, replays: map[string]kustom.Key{}, made: map[string]bool{}, calls: map[string]int{}}
	for _, key := range keys {
		a.stores = append(a.stores, key.MerchantID)
	}
	return a
}

func (a *account) do(kind, about string, work func() error) error {
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

func (a *account) Ready() error { return nil }

func (a *account) DescribesKeys() bool { return !a.undescribed }

func (a *account) Made(credentialID string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.made[credentialID]
}

func (a *account) Generate(_ context.Context, r kustom.Request) (kustom.NewKey, error) {
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
	err := a.do(generate, r.MerchantID, func() error {
		a.asked = append(a.asked, r.IdempotencyKey)
		if earlier, ok := a.replays[r.IdempotencyKey]; ok && r.IdempotencyKey != "" {
			return &kustom.ReplayedError{Orphan: kustom.Orphan{
				MerchantID: r.MerchantID, CredentialID: earlier.CredentialID, Description: r.Description, IdempotencyKey: r.IdempotencyKey,
			}}
		}
		if a.limit > 0 && len(a.of(r.MerchantID)) >= a.limit {
			return kustom.ErrLimitReached
		}
		key = a.make(r)
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

// make expects the lock held.
func (a *account) make(r kustom.Request) kustom.NewKey {
	n := len(a.asked)
	description := r.Description
	key := kustom.Key{
		MerchantID: r.MerchantID, CredentialID: fmt.Sprintf("id-new%d", n), Username: fmt.Sprintf("%s-new%d", r.MerchantID, n),
		Description: &description, Host: host, CreatedAt: a.clock.Now(),
	}
	if a.undescribed {
		key.Description = nil
	}
	a.keys = append(a.keys, key)
	a.replays[r.IdempotencyKey], a.made[key.CredentialID] = key, true
	return kustom.NewKey{Key: key, Secret: kustom.NewSecret(fmt.Sprintf("kco_live_api_new%d", n))}
}

// of expects the lock held.
func (a *account) of(merchantID string) []kustom.Key {
	return slices.DeleteFunc(slices.Clone(a.keys), func(key kustom.Key) bool { return key.MerchantID != merchantID })
}

func (a *account) Identify(_ context.Context, orphan kustom.Orphan) (id string, err error) {
	err = a.do(identify, orphan.MerchantID, func() error {
		key, ok := a.replays[orphan.IdempotencyKey]
		if !ok {
			a.asked = append(a.asked, orphan.IdempotencyKey)
			key = a.make(kustom.Request{MerchantID: orphan.MerchantID, Description: orphan.Description, IdempotencyKey: orphan.IdempotencyKey}).Key
		}
		id = key.CredentialID
		return nil
	})
	return id, err
}

func (a *account) DeleteOrphan(_ context.Context, orphan kustom.Orphan) error {
	return a.do(discard, orphan.CredentialID, func() error {
		a.discarded = append(a.discarded, orphan.CredentialID)
		if orphan.CredentialID == a.stays {
			return nil
		}
		a.keys = slices.DeleteFunc(a.keys, func(key kustom.Key) bool { return key.CredentialID == orphan.CredentialID })
		return nil
	})
}

func (a *account) Key(_ context.Context, merchantID, credentialID string) (key kustom.Key, err error) {
	err = a.do(fetch, credentialID, func() error {
		for _, key = range a.keys {
			if key.MerchantID == merchantID && key.CredentialID == credentialID && (a.hidden == nil || !a.hidden(key)) {
				return nil
			}
		}
		return &kustom.NoKeyError{MerchantID: merchantID, CredentialID: credentialID}
	})
	return key, err
}

func (a *account) Keys(_ context.Context, merchantID string) iter.Seq2[kustom.Key, error] {
	return func(yield func(kustom.Key, error) bool) {
		var keys []kustom.Key
		err := a.do(list, merchantID, func() error {
			keys = slices.Clone(a.keys)
			if merchantID != "" {
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

func (a *account) Stores(context.Context) iter.Seq2[kustom.Store, error] {
	return func(yield func(kustom.Store, error) bool) {
		for _, id := range a.stores {
			if !yield(kustom.Store{MerchantID: id}, nil) {
				return
			}
		}
	}
}

// usernames are the usernames of the keys that there really are, sorted.
func (a *account) usernames() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for _, key := range a.keys {
		names = append(names, key.Username)
	}
	slices.Sort(names)
	return names
}

func (a *account) called(kind string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[kind]
}

// testEnv is a portal, shops and a merchant API, and a run of the engine on them.
type testEnv struct {
	*testing.T
	clock  *clocktest.Fake
	portal *account
	shops  *service
	prover *prover
	engine *rotation.Engine
	// sightings are what this machine remembers; nothing, unless a test sets them.
	sightings rotation.Sightings
	// journal is nil where nobody is told of steps.
	journal rotation.Journal
}

// newTestEnv has shops that hold these usernames, and these keys.
func newTestEnv(t *testing.T, shops map[string]string, keys ...kustom.Key) *testEnv {
	t.Helper()
	c := clocktest.New(noon)
	w := &testEnv{T: t, clock: c, portal: newAccount(c, keys...), shops: newService(shops), prover: &prover{verdicts: []kustom.Verdict{""}}}
	w.shops.clock = c
	w.rerun()
	return w
}

// rerun begins another run: it knows nothing of the last one.
func (w *testEnv) rerun(ignored ...string) {
	w.portal.made = map[string]bool{}
	w.engine = rotation.New(rotation.Options{
		Portal: w.portal, Shops: w.shops, Merchant: w.prover, Clock: w.clock, Names: w.shops.names, Ignored: ignored,
		Journal: w.journal, Sightings: w.sightings,
	})
}

// plan decides what becomes of a shop that no object has taken over.
func (w *testEnv) plan(config rotation.Config) rotation.Plan {
	w.Helper()
	seen, err := w.engine.Observe(w.Context(), config.Shop, config.MerchantID, "")
	if err != nil {
		w.Fatal(err)
	}
	plan, err := rotation.Decide(config, nil, &seen)
	if err != nil {
		w.Fatal(err)
	}
	return plan
}

// config asks for a key of store M1 for shop a.
func config() rotation.Config { return rotation.Config{Shop: "a", MerchantID: "M1"} }

// connect gives shop a a key of store M1.
func (w *testEnv) connect(c rotation.Config, record *rotation.Record) ([]rotation.KeptKey, error) {
	w.Helper()
	return w.engine.Execute(w.Context(), w.plan(c), c.Rules, record)
}

// wantKeys fails the test unless these are the keys that there really are.
func (w *testEnv) wantKeys(usernames ...string) {
	w.Helper()
	slices.Sort(usernames)
	if got := w.portal.usernames(); !slices.Equal(got, usernames) {
		w.Errorf("the keys are %q, want %q", got, usernames)
	}
}

// wantHolds fails the test unless the shop holds that key, and the key is there.
func (w *testEnv) wantHolds(shop, username string) {
	w.Helper()
	if got := w.shops.holds(shop); got != username {
		w.Errorf("shop %s holds %q, want %q", shop, got, username)
	}
	if username != "" && !slices.Contains(w.portal.usernames(), username) {
		w.Errorf("shop %s holds %s, which does not exist", shop, username)
	}
}

// m1 is a key of store M1, made a while ago.
func m1(username string) kustom.Key { return key("1", username, host, 2026, time.February) }
