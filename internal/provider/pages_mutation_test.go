package provider_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/tfdriver"
)

// mutantsPerStep is how many mutations are tried at each step of a switch.
const mutantsPerStep = 3

// mutant is a mutation, and the pages that have it.
type mutant struct {
	sandbox.Mutation
	developers bool
	way        string
}

func (m mutant) String() string {
	menu := "Integrations"
	if m.developers {
		menu = "Developers"
	}
	return strings.Join([]string{menu, m.way, strings.ReplaceAll(string(m.Step), " ", "-"), m.Name}, "/")
}

// mutants are some mutations of each step, by turns with each of the portal's menus and in each way.
func mutants(seed uint64) []mutant {
	random := rand.New(rand.NewPCG(seed, 0))
	ways := []string{wayPair, wayConnection}
	var chosen []mutant
	for _, step := range sandbox.MutatedSteps() {
		of := slices.DeleteFunc(sandbox.Mutations(), func(m sandbox.Mutation) bool { return m.Step != step })
		random.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		for _, mutation := range of[:mutantsPerStep] {
			chosen = append(chosen, mutant{Mutation: mutation, developers: len(chosen)%2 == 0, way: ways[random.IntN(len(ways))]})
		}
	}
	return chosen
}

// twoStores are one shop, and its store beside another one, which the portal shows first. If it is crowded, it has more
// keys than a page lists.
func twoStores(crowded bool) sandbox.Seed {
	seed := klarnasForm(sandbox.ThreeShops())
	seed.Stores, seed.Shops = seed.Stores[:2], seed.Shops[1:2]
	if !crowded {
		return seed
	}
	store := &seed.Stores[1]
	for i := range 11 {
		key := store.Keys[0]
		key.CredentialID = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		key.Username = fmt.Sprintf("%s-spare%02d", store.MerchantID, i)
		key.Secret = fmt.Sprintf("kco_live_api_EXAMPLEspare%02d", i)
		key.LastUsedAt = nil
		key.CreatedAt = key.CreatedAt.Add(time.Duration(i) * time.Hour)
		store.Keys = append(store.Keys, key)
	}
	return seed
}

// TestPagesMutations_SwitchOrNameWhatIsMissing switches a shop over pages of which something has changed: its key is made, proven,
// installed, confirmed, and the old one deleted, or the run stops and names the thing that it lacks. Nothing else is
// clicked, no key is lost, the shop takes payments all the time, and once the pages are as they were, a run ends what was
// begun.
func TestPagesMutations_SwitchOrNameWhatIsMissing(t *testing.T) {
	t.Parallel()
	pagesOnly(t)
	seed := chosenSeed(t)
	var counts mutantCounts
	t.Cleanup(func() { counts.report(t, seed) })
	for _, m := range mutants(seed) {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			counts.add(m, switchOver(t, m))
		})
	}
}

// switchOver tells whether the shop was switched over the mutated pages.
func switchOver(t *testing.T, m mutant) bool {
	t.Helper()
	seed := twoStores(m.Step == sandbox.StepListKeys)
	shop := seed.Shops[0]
	r := rehearseOnPages(t, seed, m.way, testEnvOptions{browser: `timeout = "12s"`, sandbox: sandbox.Options{
		KeyLimit: 30, Pages: sandbox.PagesOptions{Developers: m.developers, Mutations: []string{m.Name}},
	}})
	before := r.sandbox.Keys(shop.MerchantID)
	first := r.apply(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s; the run over the mutated pages ended with %d:\n%s", m.Description, first.code, first.output)
		}
	})
	if err := r.sandbox.Working(shop.Name); err != nil {
		t.Errorf("the shop has stopped: %v", err)
	}
	r.wantNoKeyLost(t, shop.MerchantID, before, first)
	if first.code != 0 && !namesAThing(unwrapped(first.output)) {
		t.Error("the run stops, and does not name what it lacks")
	}
	// A connection whose old key could not be deleted only warns of it.
	left := slices.ContainsFunc(r.sandbox.Keys(shop.MerchantID), func(k sandbox.Key) bool { return k.Username == shop.KustomID })
	switched := first.code == 0 && !left
	if !switched {
		r.goOn(t)
	}
	r.mustBeEmpty(t)
	// Of a shop that has never shown which key it has, nobody knows that it was the old one: that stays.
	r.mustHoldNewKeyOnly(t, seed, m.Name == "id-not-shown")
	for _, stray := range r.sandbox.Strays() {
		t.Errorf("something was clicked that no step asks for: %s %s", stray.Method, stray.Path)
	}
	return switched
}

// wantNoKeyLost expects each key that a run has made to be in the state, or in the run's error.
func (w *testEnv) wantNoKeyLost(t *testing.T, merchantID string, before []sandbox.Key, first run) {
	t.Helper()
	for _, key := range w.sandbox.Keys(merchantID) {
		isNew := !slices.ContainsFunc(before, func(k sandbox.Key) bool { return k.Username == key.Username })
		if isNew && !w.remembers(key.Username) && !strings.Contains(unwrapped(first.output), key.Username) {
			t.Errorf("key %s was made, and nothing remembers it", key.Username)
		}
	}
}

// goOn ends what a run has begun, over pages that are as they are known.
func (w *testEnv) goOn(t *testing.T) {
	t.Helper()
	if err := w.sandbox.Mutate(); err != nil {
		t.Fatal(err)
	}
	w.signInAgain(t)
	w.mustApply(t)
}

// namesAThing tells whether an error says what was looked for and not found, or that a page does not show what was done.
func namesAThing(output string) bool {
	return slices.ContainsFunc([]string{
		"What is missing or different:", "because the element could not be clicked or filled in: ", "does not show its Kustom ID",
	}, func(says string) bool { return strings.Contains(output, says) })
}

// remembers tells whether the state has a username.
func (w *testEnv) remembers(username string) bool {
	return slices.ContainsFunc(w.inProcess.state.Instances(), func(i *tfdriver.Instance) bool {
		return strings.Contains(i.Value.String(), username) || strings.Contains(string(i.Private), username)
	})
}

// mustHoldNewKeyOnly expects the shop to take payments with a key of its own, and the store to have no other that was not
// there and unused before, unless the old one may stay.
func (w *testEnv) mustHoldNewKeyOnly(t *testing.T, seed sandbox.Seed, mayStay bool) {
	t.Helper()
	shop, old := seed.Shops[0], seed.Shops[0].KustomID
	now, _ := w.sandbox.Shop(shop.Name)
	if err := w.sandbox.PlaceOrder(shop.Name); err != nil || now.KustomID == old || !w.remembers(now.KustomID) {
		t.Errorf("the shop holds %s, and an order ends with %v", now.KustomID, err)
	}
	spare := unused(seed)
	for _, key := range w.sandbox.Keys(shop.MerchantID) {
		if !spare[key.Username] && key.Username != now.KustomID && (key.Username != old || !mayStay) {
			t.Errorf("key %s is left", key.Username)
		}
	}
	for _, violation := range w.sandbox.Violations() {
		t.Errorf("violation: %v", violation)
	}
}

// mutantCounts counts how the runs over mutated pages have ended.
type mutantCounts struct {
	mu       sync.Mutex
	switched int
	stopped  []string
}

func (c *mutantCounts) add(m mutant, switched bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if switched {
		c.switched++
		return
	}
	c.stopped = append(c.stopped, m.Name)
}

// report prints how to repeat it.
func (c *mutantCounts) report(t *testing.T, seed uint64) {
	summarize(t, fmt.Sprintf("Mutated pages: %d shops switched, %d not (%s). To repeat them: %s=%d make test-pages OVER_PAGES='^TestPagesMutations_SwitchOrNameWhatIsMissing$$' OVER_MIXED='^$$'\n",
		c.switched, len(c.stopped), strings.Join(c.stopped, ", "), seedVariable, seed))
}
