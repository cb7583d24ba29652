package kustom_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock/clocktest"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

func (env *testEnv) generate(ctx context.Context) (kustom.NewKey, error) {
	return env.portal.Generate(ctx, kustom.Request{MerchantID: fjellsport, Description: "terraform"})
}

// wantOne fails the test unless key is complete and is the only key that was generated.
func (env *testEnv) wantOne(key kustom.NewKey, err error) {
	env.t.Helper()
	if err != nil {
		env.t.Fatalf("no key: %v", err)
	}
	made := env.newKeys(fjellsport)
	if len(made) != 1 {
		env.t.Fatalf("there are %d new keys", len(made))
	}
	if m := made[0]; m.CredentialID != key.CredentialID || m.Secret != key.Secret.Reveal() || m.Username != key.Username || m.Status != sandbox.StatusActive {
		env.t.Errorf("the generated key is not the returned one, or is %s", m.Status)
	}
}

// wantNone fails the test unless Generate failed with err, and left no key and reported no orphan.
func (env *testEnv) wantNone(err error) {
	env.t.Helper()
	if err == nil {
		env.t.Fatal("a key was generated")
	}
	if orphan := orphanOf(err); orphan != nil {
		env.t.Errorf("an orphan is reported: %v, because of %v", err, orphan.Cleanup)
	}
	if made := env.newKeys(fjellsport); len(made) != 0 {
		env.t.Errorf("%d keys are left after: %v", len(made), err)
	}
}

func post(kind sandbox.FaultKind, times int) sandbox.Fault {
	return sandbox.Fault{API: sandbox.Portal, Method: http.MethodPost, Template: storeKeys, Kind: kind, Times: times}
}

func poll(kind sandbox.FaultKind, times int) sandbox.Fault {
	return sandbox.Fault{API: sandbox.Portal, Method: http.MethodGet, Template: storeKey, Kind: kind, Times: times}
}

func remove(status int) sandbox.Fault {
	return sandbox.Fault{API: sandbox.Portal, Method: http.MethodDelete, Template: storeKey, Status: status}
}

func TestGenerate_ReturnsSecret(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	key, err := env.generate(t.Context())
	env.wantOne(key, err)
	if key.Host != "api.kustom.co" || key.Environment != "live" || key.MerchantID != fjellsport || *key.Description != "terraform" {
		t.Errorf("the key is for %s, %s", key.MerchantID, key.Host)
	}
	if !env.portal.Generated(key.CredentialID) || env.portal.Generated(oldKey) {
		t.Error("Generated is wrong about a new or an old key")
	}
	requests := env.box.Requests()
	if len(requests) != 1 || uuid.Validate(requests[0].IdempotencyKey) != nil {
		t.Errorf("the requests are %+v", requests)
	}
}

func TestGenerate_PollsPendingKey(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{Pending: 3})
	key, err := env.generate(t.Context())
	env.wantOne(key, err)
	if n := env.box.Count(sandbox.Portal, http.MethodGet, storeKey); n != 3 {
		t.Errorf("%d polls were sent", n)
	}
	for _, d := range env.clock.Slept() {
		if d < time.Second {
			t.Errorf("it polled after %v, and was asked to wait for 1s", d)
		}
	}
}

// The client obeys a Retry-After while it polls.
func TestGenerate_PollsAfterRetryAfter_I6(t *testing.T) {
	t.Parallel()
	const key = `{"credential_id":"c-1","merchant_id":"M00412871","username":"M00412871-a",`
	fake := clocktest.New(noon)
	var asked time.Time
	p := portalOf(t, fake, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", transport.JSON)
		if r.Method == http.MethodPost {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, key+`"status":"PENDING"}`)
			return
		}
		asked = fake.Now()
		fmt.Fprint(w, key+`"status":"ACTIVE","secret":"kco_live_api_x"}`)
	})
	if _, err := p.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: "x"}); err != nil {
		t.Fatal(err)
	}
	if waited := asked.Sub(noon); waited < 30*time.Second {
		t.Errorf("it polled after %v", waited)
	}
}

// A lost answer leaves no key behind. If the secret is lost, the key is deleted and another one is generated. A dropped
// request is repeated with its idempotency key.
func TestGenerate_LeavesOneKeyOrNoneAfterFaults_I3(t *testing.T) {
	t.Parallel()
	alternately := post(sandbox.FaultLoseAnswer, 2)
	alternately.Match = everyOther()
	tests := map[string]struct {
		pending int
		faults  []sandbox.Fault
		// keys is how many keys were requested; 0 means any number, and that Generate may fail and leave no key.
		keys int
	}{
		"answer reset":             {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1)}},
		"no answer":                {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultWorkThenSilence, 1)}},
		"answer truncated":         {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultTruncate, 1)}},
		"answer of wrong type":     {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultWrongType, 1)}},
		"answer too large":         {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultOversize, 1)}},
		"two answers lost":         {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 2)}},
		"answers of two keys lost": {keys: 3, faults: []sandbox.Fault{alternately}},
		"requests dropped":         {keys: 1, faults: []sandbox.Fault{post(sandbox.FaultDrop, 2)}},
		"answer to poll reset":     {keys: 2, pending: 1, faults: []sandbox.Fault{poll(sandbox.FaultLoseAnswer, 1)}},
		"poll truncated":           {keys: 2, pending: 1, faults: []sandbox.Fault{poll(sandbox.FaultTruncate, 1)}},
		"poll of wrong type":       {keys: 2, pending: 1, faults: []sandbox.Fault{poll(sandbox.FaultWrongType, 1)}},
		"all answers lost":         {faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, maxRetries+1)}},
		"all requests dropped":     {faults: []sandbox.Fault{post(sandbox.FaultDrop, maxRetries+1)}},
		"unreadable replay":        {faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1), post(sandbox.FaultTruncate, 1)}},
	}
	// The refusal of the second request says nothing about the first one.
	for status, times := range map[int]int{401: 1, 403: 1, 404: 1, 429: maxRetries, 503: maxRetries} {
		refused := post(sandbox.FaultAnswer, times)
		refused.Status = status
		test := tests["all answers lost"]
		test.faults = []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1), refused}
		tests[fmt.Sprintf("answer lost, then %d", status)] = test
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{Pending: test.pending})
			for _, fault := range test.faults {
				env.box.Arm(fault)
			}
			key, err := env.generate(t.Context())
			if err != nil && test.keys == 0 {
				env.wantNone(err)
			} else {
				env.wantOne(key, err)
			}
			if n := len(env.idempotencyKeys()); test.keys > 0 && n != test.keys {
				t.Errorf("%d keys were requested, want %d", n, test.keys)
			}
			env.wantOneRequestPerKey()
		})
	}
}

// everyOther matches the first of each two requests.
func everyOther() func(sandbox.Request) bool {
	n := 0
	return func(sandbox.Request) bool {
		n++
		return n%2 == 1
	}
}

// wantOneRequestPerKey fails the test unless each Idempotency-Key generated one key, and all of those keys but the
// last were deleted.
func (env *testEnv) wantOneRequestPerKey() {
	env.t.Helper()
	deleted := map[string]bool{}
	for _, r := range env.box.Requests() {
		if r.Method == http.MethodDelete && r.Status == http.StatusNoContent {
			deleted[r.Path] = true
		}
	}
	if made := len(deleted) + len(env.newKeys(fjellsport)); len(env.idempotencyKeys()) != made {
		env.t.Errorf("%d keys were requested, and %d generated", len(env.idempotencyKeys()), made)
	}
}

func TestGenerate_StopsAfterThreeLostSecrets_I3(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{Pending: 1})
	lost := poll(sandbox.FaultLoseAnswer, 0)
	lost.Match = everyOther()
	env.box.Arm(lost)
	_, err := env.generate(t.Context())
	env.wantNone(err)
	if n := len(env.idempotencyKeys()); n != 3 {
		t.Errorf("%d keys were requested", n)
	}
}

func TestGenerate_DeletesKeyThatStaysPending_I3(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{Pending: 1 << 30})
	ctx, cancel := clock.WithTimeout(t.Context(), env.clock, time.Minute)
	defer cancel()
	_, err := env.generate(ctx)
	env.wantNone(err)
	if !errors.Is(err, context.DeadlineExceeded) || env.clock.Now().Sub(noon) > time.Minute {
		t.Errorf("it ended after %v: %v", env.clock.Now().Sub(noon), err)
	}
}

func TestGenerate_DeletesKeyWhenCancelled_I3(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, template string
		pending          int
		faults           []sandbox.Fault
		generated        bool
	}{
		"during generation":                 {method: http.MethodPost, template: storeKeys, generated: true},
		"during generation, answer lost":    {method: http.MethodPost, template: storeKeys, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1)}},
		"during generation, request lost":   {method: http.MethodPost, template: storeKeys, faults: []sandbox.Fault{post(sandbox.FaultDrop, 1)}},
		"during generation, no answer":      {method: http.MethodPost, template: storeKeys, faults: []sandbox.Fault{post(sandbox.FaultWorkThenSilence, 1)}},
		"during generation, pending":        {method: http.MethodPost, template: storeKeys, pending: 3},
		"during the last poll":              {method: http.MethodGet, template: storeKey, pending: 1, generated: true},
		"during the first poll":             {method: http.MethodGet, template: storeKey, pending: 3},
		"during a poll, answer lost":        {method: http.MethodGet, template: storeKey, pending: 1, faults: []sandbox.Fault{poll(sandbox.FaultLoseAnswer, 1)}},
		"during the deletion of a lost key": {method: http.MethodDelete, template: storeKey, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{Pending: test.pending})
			ctx := env.cancelAt(test.method, test.template)
			for _, f := range test.faults {
				env.box.Arm(f)
			}
			key, err := env.generate(ctx)
			if test.generated {
				env.wantOne(key, err)
				return
			}
			env.wantNone(err)
		})
	}
}

func TestGenerate_SendsNothingWhenCancelledBefore(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := env.generate(ctx)
	env.wantNone(err)
	if !errors.Is(err, context.Canceled) || len(env.box.Requests()) != 0 {
		t.Errorf("%d requests, then %v", len(env.box.Requests()), err)
	}
}

// Generate rejects an answer about another key than the requested one.
func TestGenerate_RejectsAnswerAboutAnotherKey_I3(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"of another store": `{"credential_id":"c","merchant_id":"M00000001","username":"M00000001-a","status":"ACTIVE","secret":"s"}`,
		"without an ID":    `{"merchant_id":"` + fjellsport + `","username":"M00412871-a","status":"ACTIVE","secret":"s"}`,
		"without a name":   `{"credential_id":"c","merchant_id":"` + fjellsport + `","status":"ACTIVE","secret":"s"}`,
		"without anything": `{"secret":"s"}`,
	} {
		for when, fault := range map[string]sandbox.Fault{"answer to request": post(sandbox.FaultAnswer, 1), "answer to poll": poll(sandbox.FaultAnswer, 1)} {
			t.Run(name+", "+when, func(t *testing.T) {
				t.Parallel()
				env := threeShops(t, sandbox.Options{Pending: 1})
				fault.Status, fault.ContentType, fault.Body = http.StatusOK, transport.JSON, body
				env.box.Arm(fault)
				_, err := env.generate(t.Context())
				env.wantNone(err)
			})
		}
	}
}

// The error names a key that could not be deleted, and says why. DeleteOrphan deletes it later.
func TestGenerate_NamesOrphan_I3(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pending int
		faults  []sandbox.Fault
		cause   func(error) bool
	}{
		"always pending": {
			pending: 1 << 30, faults: []sandbox.Fault{remove(403)},
			cause: func(err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		},
		"answer lost": {
			faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1), remove(500)},
			cause:  func(err error) bool { return err != nil },
		},
		"poll refused": {
			pending: 3, faults: []sandbox.Fault{{Method: http.MethodGet, Template: storeKey, Status: 401}, remove(401)},
			cause: func(err error) bool { return transport.IsStatus(err, 401) },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{Pending: test.pending})
			var armed []*sandbox.Armed
			for _, f := range test.faults {
				armed = append(armed, env.box.Arm(f))
			}
			ctx, cancel := clock.WithTimeout(t.Context(), env.clock, time.Minute)
			defer cancel()
			_, err := env.generate(ctx)
			orphan, made := orphanOf(err), env.newKeys(fjellsport)
			if orphan == nil || len(made) != 1 {
				t.Fatalf("there are %d new keys, the error is %v", len(made), err)
			}
			if orphan.MerchantID != fjellsport || orphan.CredentialID != made[0].CredentialID {
				t.Errorf("the orphan is %+v", orphan.Orphan)
			}
			if !test.cause(orphan.Cause) || orphan.Cleanup == nil || !strings.Contains(err.Error(), fjellsport) {
				t.Errorf("the error is %v, cause %v, cleanup %v", err, orphan.Cause, orphan.Cleanup)
			}
			for _, a := range armed {
				a.Disarm()
			}
			if err := env.portal.DeleteOrphan(t.Context(), orphan.Orphan); err != nil || len(env.newKeys(fjellsport)) != 0 {
				t.Errorf("%d keys are left: %v", len(env.newKeys(fjellsport)), err)
			}
		})
	}
}

// If no answer ever came, the error says so, and the idempotency key is enough to find the key.
func TestGenerate_ReportsOrphanWithoutID_I3(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]sandbox.FaultKind{"done": sandbox.FaultLoseAnswer, "not done": sandbox.FaultDrop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{})
			armed := env.box.Arm(post(kind, 0))
			_, err := env.generate(t.Context())
			orphan := orphanOf(err)
			if orphan == nil || orphan.MerchantID != fjellsport || orphan.CredentialID != "" || orphan.Username != "" {
				t.Fatalf("the error is %v", err)
			}
			armed.Disarm()
			if err := env.portal.DeleteOrphan(t.Context(), orphan.Orphan); err != nil || len(env.newKeys(fjellsport)) != 0 {
				t.Errorf("%d keys are left: %v", len(env.newKeys(fjellsport)), err)
			}
			if n := len(env.idempotencyKeys()); n != 1 {
				t.Errorf("%d keys were requested", n)
			}
		})
	}
}

func TestGenerate_ReturnsRefusal(t *testing.T) {
	t.Parallel()
	for store, refused := range map[string]func(error) bool{
		kaffebonna:  kustom.IsLimitReached,
		"M00999999": func(err error) bool { return transport.IsStatus(err, http.StatusNotFound) },
	} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{KeyLimit: 2})
			_, err := env.portal.Generate(t.Context(), kustom.Request{MerchantID: store, Description: "terraform"})
			if !refused(err) || orphanOf(err) != nil || !strings.Contains(err.Error(), store) {
				t.Errorf("the error is %v", err)
			}
			if n := len(env.box.Requests()); n != 1 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// The portal compares Idempotency-Keys before it counts keys. So this refusal also settles the outcome of an
// earlier failed request.
func TestGenerate_ReportsNoOrphanAtKeyLimit(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{KeyLimit: 1})
	env.box.Arm(post(sandbox.FaultAnswer, 1))
	_, err := env.generate(t.Context())
	env.wantNone(err)
	if !transport.IsCode(err, 409, kustom.CodeLimitReached) {
		t.Errorf("the error is %v", err)
	}
}

// The test draws faults and a moment of cancellation. In every case, the returned key is the only one, or no key is
// left, or the error reports the key that is left.
func TestGenerate_LeavesNoOrphanAfterRandomFaults_I3(t *testing.T) {
	t.Parallel()
	faults := []sandbox.Fault{
		{Kind: sandbox.FaultDelay}, {Kind: sandbox.FaultDelay}, {Kind: sandbox.FaultDelay},
		{Kind: sandbox.FaultLoseAnswer}, {Kind: sandbox.FaultLoseAnswer}, {Kind: sandbox.FaultDrop},
		{Kind: sandbox.FaultTruncate}, {Kind: sandbox.FaultWrongType},
		{Status: 401}, {Status: 403}, {Status: 404}, {Status: 429}, {Status: 500}, {Status: 503},
		{Status: 403, ContentType: "text/html", Body: "<h1>Forbidden</h1>"},
	}
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			draw := rand.New(rand.NewPCG(seed, 1))
			env := threeShops(t, sandbox.Options{Pending: draw.IntN(3)})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			last := draw.IntN(20)
			n := 0
			env.box.Arm(sandbox.Fault{Match: func(sandbox.Request) bool {
				if n == last {
					cancel()
				}
				n++
				return false
			}})
			for range 1 + draw.IntN(10) {
				f := faults[draw.IntN(len(faults))]
				f.API, f.Times = sandbox.Portal, 1
				env.box.Arm(f)
			}
			key, err := env.generate(ctx)
			orphan, made := orphanOf(err), env.newKeys(fjellsport)
			switch {
			case err == nil:
				env.wantOne(key, err)
			case orphan == nil:
				env.wantNone(err)
			case len(made) > 1:
				t.Errorf("%d keys are left, and there is one error: %v", len(made), err)
			case orphan.CredentialID != "" && len(made) == 1 && made[0].CredentialID != orphan.CredentialID:
				t.Errorf("key %s is left, and the error names %s", made[0].CredentialID, orphan.CredentialID)
			}
			if t.Failed() {
				for _, r := range env.box.Requests() {
					t.Logf("%s %s: %d", r.Method, r.Template, r.Status)
				}
			}
		})
	}
}

// A failure of one request does not affect the keys of others.
func TestGenerate_IsSafeForConcurrentUse_I3(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{KeyLimit: 100, Pending: 1})
	env.box.Arm(post(sandbox.FaultLoseAnswer, 5))
	env.box.Arm(poll(sandbox.FaultLoseAnswer, 5))
	secrets := make([]string, 10)
	var all sync.WaitGroup
	for i := range secrets {
		all.Go(func() {
			key, err := env.generate(t.Context())
			if orphanOf(err) != nil {
				t.Errorf("a key is left: %v", err)
			}
			secrets[i] = key.Secret.Reveal() // It is empty if Generate failed.
		})
	}
	all.Wait()
	left := map[string]bool{}
	for _, k := range env.newKeys(fjellsport) {
		left[k.Secret] = true
	}
	for i, secret := range secrets {
		if secret != "" && !left[secret] {
			t.Errorf("the key of caller %d does not exist", i+1)
		}
		delete(left, secret)
	}
	if len(left) != 0 {
		t.Errorf("%d keys exist that no caller has", len(left))
	}
}

// The error holds no secret, even if the answer with the secret could not be read.
func TestGenerate_ErrorsHoldNoSecret_I2(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.FaultTruncate, sandbox.FaultWrongType} {
		env := threeShops(t, sandbox.Options{})
		env.box.Arm(post(kind, 0))
		env.box.Arm(remove(500))
		_, err := env.generate(t.Context())
		if err == nil {
			t.Fatal("a key was generated")
		}
		text := err.Error()
		if orphan := orphanOf(err); orphan != nil {
			text += fmt.Sprintf("%+v %v %v", orphan.Orphan, orphan.Cause, orphan.Cleanup)
		}
		for _, secret := range env.box.Secrets() {
			if strings.Contains(text, secret) {
				t.Error("the error holds a secret")
			}
		}
	}
}

// derived returns the request of a run whose successor can send the same request again.
func derived() kustom.Request {
	return kustom.Request{MerchantID: fjellsport, Description: "terraform", IdempotencyKey: "0b0f3e4e-3ac5-5c0f-8a60-6a2a5b1c9d10"}
}

// A killed run generated the key. The next run must check that it is not in use before deleting it.
func TestGenerate_ReportsKeyOfEarlierRequest(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	first, err := env.portal.Generate(t.Context(), derived())
	env.wantOne(first, err)
	_, err = env.portal.Generate(t.Context(), derived())
	var replayed *kustom.ReplayedError
	if !errors.As(err, &replayed) || orphanOf(err) != nil {
		t.Fatalf("the error is %v", err)
	}
	want := kustom.Orphan{
		MerchantID: fjellsport, CredentialID: first.CredentialID, Description: "terraform", IdempotencyKey: derived().IdempotencyKey,
	}
	if replayed.Orphan != want {
		t.Errorf("it reports %+v, want %+v", replayed.Orphan, want)
	}
	if n, deletions := len(env.newKeys(fjellsport)), env.box.Count(sandbox.Portal, http.MethodDelete, storeKey); n != 1 || deletions != 0 {
		t.Errorf("after %d deletions, there are %d new keys; a key that may be in use must stay", deletions, n)
	}
}

// The request is not repeated with a random idempotency key, which no later run could derive.
func TestGenerate_LeavesNothingWhenDerivedAnswerIsLost(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	env.box.Arm(post(sandbox.FaultLoseAnswer, maxRetries+1))
	_, err := env.portal.Generate(t.Context(), derived())
	if _, ok := errors.AsType[*kustom.ReplayedError](err); !ok {
		env.wantNone(err)
	}
	if keys := env.idempotencyKeys(); len(keys) != 1 || keys[0] != derived().IdempotencyKey {
		t.Errorf("the idempotency keys are %q", keys)
	}
}

// Identify finds the key that the request generated before, or generates now.
func TestIdentify_FindsKeyByRequest(t *testing.T) {
	t.Parallel()
	orphan := kustom.Orphan{MerchantID: fjellsport, Description: "terraform", IdempotencyKey: derived().IdempotencyKey}
	for _, generatedBefore := range []bool{true, false} {
		t.Run(fmt.Sprintf("generated before: %t", generatedBefore), func(t *testing.T) {
			t.Parallel()
			env := threeShops(t, sandbox.Options{})
			if generatedBefore {
				if _, err := env.portal.Generate(t.Context(), derived()); err != nil {
					t.Fatal(err)
				}
			}
			id, err := env.portal.Identify(t.Context(), orphan)
			if made := env.newKeys(fjellsport); err != nil || len(made) != 1 || made[0].CredentialID != id {
				t.Fatalf("it found %q, error %v; there are %d new keys", id, err, len(made))
			}
			if err := env.portal.DeleteOrphan(t.Context(), orphan); err != nil || len(env.newKeys(fjellsport)) != 0 {
				t.Errorf("%d keys are left: %v", len(env.newKeys(fjellsport)), err)
			}
		})
	}
}

func TestIdentify_RefusesOrphanWithoutRequest(t *testing.T) {
	t.Parallel()
	env := threeShops(t, sandbox.Options{})
	if id, err := env.portal.Identify(t.Context(), kustom.Orphan{MerchantID: fjellsport}); err == nil || id != "" {
		t.Errorf("it found %q, error %v", id, err)
	}
	if n := len(env.box.Requests()); n != 0 {
		t.Errorf("%d requests were sent, and may have generated a key", n)
	}
}
