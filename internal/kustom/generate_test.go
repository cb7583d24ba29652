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

func (b *bench) generate(ctx context.Context) (kustom.NewKey, error) {
	return b.portal.Generate(ctx, kustom.Request{MerchantID: fjellsport, Description: "terraform"})
}

// wantOne fails the test unless key is complete and is the only key that was made.
func (b *bench) wantOne(key kustom.NewKey, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("no key: %v", err)
	}
	made := b.made(fjellsport)
	if len(made) != 1 {
		b.t.Fatalf("%d keys are there", len(made))
	}
	if m := made[0]; m.CredentialID != key.CredentialID || m.Secret != key.Secret.Reveal() || m.Username != key.Username || m.Status != sandbox.StatusActive {
		b.t.Errorf("the key that was made is not the one that was returned, or is %s", m.Status)
	}
}

// wantNone fails the test unless Generate returned err and left no key.
func (b *bench) wantNone(err error) {
	b.t.Helper()
	if err == nil {
		b.t.Fatal("a key was made")
	}
	if orphan := orphanOf(err); orphan != nil {
		b.t.Errorf("an orphan is reported: %v, because of %v", err, orphan.Cleanup)
	}
	if made := b.made(fjellsport); len(made) != 0 {
		b.t.Errorf("%d keys are left behind after: %v", len(made), err)
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
	b := threeShops(t, sandbox.Options{})
	key, err := b.generate(t.Context())
	b.wantOne(key, err)
	if key.Host != "api.kustom.co" || key.Environment != "live" || key.MerchantID != fjellsport || *key.Description != "terraform" {
		t.Errorf("the key is for %s, %s", key.MerchantID, key.Host)
	}
	if !b.portal.Generated(key.CredentialID) || b.portal.Generated(oldKey) {
		t.Error("it does not know which key it has made")
	}
	requests := b.box.Requests()
	if len(requests) != 1 || uuid.Validate(requests[0].IdempotencyKey) != nil {
		t.Errorf("the requests are %+v", requests)
	}
}

func TestGenerate_PollsPendingKey(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{Pending: 3})
	key, err := b.generate(t.Context())
	b.wantOne(key, err)
	if n := b.box.Count(sandbox.Portal, http.MethodGet, storeKey); n != 3 {
		t.Errorf("%d polls were sent", n)
	}
	for _, d := range b.clock.Slept() {
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
		t.Errorf("it came back after %v", waited)
	}
}

// A lost answer leaves no key behind. If the secret is lost, the key is deleted and another one is made. A dropped request
// is repeated with its idempotency key.
func TestGenerate_LeavesOneKeyOrNoneAfterFaults_I3(t *testing.T) {
	t.Parallel()
	alternately := post(sandbox.FaultLoseAnswer, 2)
	alternately.Match = everyOther()
	tests := map[string]struct {
		pending int
		faults  []sandbox.Fault
		// keys is how many keys were intended; 0 for one or more, and a key or none is left.
		keys int
	}{
		"answer reset":             {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1)}},
		"answer silent":            {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultWorkThenSilence, 1)}},
		"answer truncated":         {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultTruncate, 1)}},
		"answer of wrong type":     {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultWrongType, 1)}},
		"answer too large":         {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultOversize, 1)}},
		"two answers lost":         {keys: 2, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 2)}},
		"answers of two keys lost": {keys: 3, faults: []sandbox.Fault{alternately}},
		"requests dropped":         {keys: 1, faults: []sandbox.Fault{post(sandbox.FaultDrop, 2)}},
		"poll reset":               {keys: 2, pending: 1, faults: []sandbox.Fault{poll(sandbox.FaultLoseAnswer, 1)}},
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
			b := threeShops(t, sandbox.Options{Pending: test.pending})
			for _, fault := range test.faults {
				b.box.Arm(fault)
			}
			key, err := b.generate(t.Context())
			if err != nil && test.keys == 0 {
				b.wantNone(err)
			} else {
				b.wantOne(key, err)
			}
			if n := len(b.intentions()); test.keys > 0 && n != test.keys {
				t.Errorf("%d keys were intended, want %d", n, test.keys)
			}
			b.wantOneIntentionPerKey()
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

// wantOneIntentionPerKey fails the test unless each Idempotency-Key made one key, and all of those
// but the last were deleted.
func (b *bench) wantOneIntentionPerKey() {
	b.t.Helper()
	deleted := map[string]bool{}
	for _, r := range b.box.Requests() {
		if r.Method == http.MethodDelete && r.Status == http.StatusNoContent {
			deleted[r.Path] = true
		}
	}
	if made := len(deleted) + len(b.made(fjellsport)); len(b.intentions()) != made {
		b.t.Errorf("%d keys were intended, %d made", len(b.intentions()), made)
	}
}

// Generate stops after three lost secrets and leaves no key.
func TestGenerate_GivesUpAfterLostSecrets_I3(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{Pending: 1})
	lost := poll(sandbox.FaultLoseAnswer, 0)
	lost.Match = everyOther()
	b.box.Arm(lost)
	_, err := b.generate(t.Context())
	b.wantNone(err)
	if n := len(b.intentions()); n != 3 {
		t.Errorf("%d keys were intended", n)
	}
}

func TestGenerate_DeletesKeyThatStaysPending_I3(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{Pending: 1 << 30})
	ctx, cancel := clock.WithTimeout(t.Context(), b.clock, time.Minute)
	defer cancel()
	_, err := b.generate(ctx)
	b.wantNone(err)
	if !errors.Is(err, context.DeadlineExceeded) || b.clock.Now().Sub(noon) > time.Minute {
		t.Errorf("it ended after %v: %v", b.clock.Now().Sub(noon), err)
	}
}

func TestGenerate_DeletesKeyWhenCancelled_I3(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, template string
		pending          int
		faults           []sandbox.Fault
		made             bool
	}{
		"while the key is made":            {method: http.MethodPost, template: storeKeys, made: true},
		"while it is made, answer lost":    {method: http.MethodPost, template: storeKeys, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1)}},
		"while it is made, request lost":   {method: http.MethodPost, template: storeKeys, faults: []sandbox.Fault{post(sandbox.FaultDrop, 1)}},
		"while it is made, silence":        {method: http.MethodPost, template: storeKeys, faults: []sandbox.Fault{post(sandbox.FaultWorkThenSilence, 1)}},
		"while it is made, pending":        {method: http.MethodPost, template: storeKeys, pending: 3},
		"while the last poll is answered":  {method: http.MethodGet, template: storeKey, pending: 1, made: true},
		"while the first poll is answered": {method: http.MethodGet, template: storeKey, pending: 3},
		"while a poll's answer is lost":    {method: http.MethodGet, template: storeKey, pending: 1, faults: []sandbox.Fault{poll(sandbox.FaultLoseAnswer, 1)}},
		"while the lost one is deleted":    {method: http.MethodDelete, template: storeKey, faults: []sandbox.Fault{post(sandbox.FaultLoseAnswer, 1)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := threeShops(t, sandbox.Options{Pending: test.pending})
			ctx := b.cancelAt(test.method, test.template)
			for _, f := range test.faults {
				b.box.Arm(f)
			}
			key, err := b.generate(ctx)
			if test.made {
				b.wantOne(key, err)
				return
			}
			b.wantNone(err)
		})
	}
}

func TestGenerate_SendsNothingWhenCancelledBefore(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.generate(ctx)
	b.wantNone(err)
	if !errors.Is(err, context.Canceled) || len(b.box.Requests()) != 0 {
		t.Errorf("%d requests, then %v", len(b.box.Requests()), err)
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
		for when, fault := range map[string]sandbox.Fault{"made": post(sandbox.FaultAnswer, 1), "polled": poll(sandbox.FaultAnswer, 1)} {
			t.Run(name+", "+when, func(t *testing.T) {
				t.Parallel()
				b := threeShops(t, sandbox.Options{Pending: 1})
				fault.Status, fault.ContentType, fault.Body = http.StatusOK, transport.JSON, body
				b.box.Arm(fault)
				_, err := b.generate(t.Context())
				b.wantNone(err)
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
		"pending for ever": {
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
			b := threeShops(t, sandbox.Options{Pending: test.pending})
			var armed []*sandbox.Armed
			for _, f := range test.faults {
				armed = append(armed, b.box.Arm(f))
			}
			ctx, cancel := clock.WithTimeout(t.Context(), b.clock, time.Minute)
			defer cancel()
			_, err := b.generate(ctx)
			orphan, made := orphanOf(err), b.made(fjellsport)
			if orphan == nil || len(made) != 1 {
				t.Fatalf("%d keys are there, the error is %v", len(made), err)
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
			if err := b.portal.DeleteOrphan(t.Context(), orphan.Orphan); err != nil || len(b.made(fjellsport)) != 0 {
				t.Errorf("%d keys are left: %v", len(b.made(fjellsport)), err)
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
			b := threeShops(t, sandbox.Options{})
			armed := b.box.Arm(post(kind, 0))
			_, err := b.generate(t.Context())
			orphan := orphanOf(err)
			if orphan == nil || orphan.MerchantID != fjellsport || orphan.CredentialID != "" || orphan.Username != "" {
				t.Fatalf("the error is %v", err)
			}
			armed.Disarm()
			if err := b.portal.DeleteOrphan(t.Context(), orphan.Orphan); err != nil || len(b.made(fjellsport)) != 0 {
				t.Errorf("%d keys are left: %v", len(b.made(fjellsport)), err)
			}
			if n := len(b.intentions()); n != 1 {
				t.Errorf("%d keys were intended", n)
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
			b := threeShops(t, sandbox.Options{KeyLimit: 2})
			_, err := b.portal.Generate(t.Context(), kustom.Request{MerchantID: store, Description: "terraform"})
			if !refused(err) || orphanOf(err) != nil || !strings.Contains(err.Error(), store) {
				t.Errorf("the error is %v", err)
			}
			if n := len(b.box.Requests()); n != 1 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// The portal compares Idempotency-Keys before it counts keys. So this refusal also settles the outcome of an
// earlier failed request.
func TestGenerate_ReportsNoOrphanAtKeyLimit(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{KeyLimit: 1})
	b.box.Arm(post(sandbox.FaultAnswer, 1))
	_, err := b.generate(t.Context())
	b.wantNone(err)
	if !transport.IsCode(err, 409, kustom.CodeLimitReached) {
		t.Errorf("the error is %v", err)
	}
}

// The test draws a fault for each request, and a moment of cancellation. In every case, one key is returned and
// is the only one, or none is left, or the error reports the one that is left.
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
			b := threeShops(t, sandbox.Options{Pending: draw.IntN(3)})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			last := draw.IntN(20)
			n := 0
			b.box.Arm(sandbox.Fault{Match: func(sandbox.Request) bool {
				if n == last {
					cancel()
				}
				n++
				return false
			}})
			for range 1 + draw.IntN(10) {
				f := faults[draw.IntN(len(faults))]
				f.API, f.Times = sandbox.Portal, 1
				b.box.Arm(f)
			}
			key, err := b.generate(ctx)
			orphan, made := orphanOf(err), b.made(fjellsport)
			switch {
			case err == nil:
				b.wantOne(key, err)
			case orphan == nil:
				b.wantNone(err)
			case len(made) > 1:
				t.Errorf("%d keys are left behind, and one error: %v", len(made), err)
			case orphan.CredentialID != "" && len(made) == 1 && made[0].CredentialID != orphan.CredentialID:
				t.Errorf("key %s is left behind, the error names %s", made[0].CredentialID, orphan.CredentialID)
			}
			if t.Failed() {
				for _, r := range b.box.Requests() {
					t.Logf("%s %s: %d", r.Method, r.Template, r.Status)
				}
			}
		})
	}
}

// A failure of one request does not affect the keys of others.
func TestGenerate_IsSafeForConcurrentUse_I3(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{KeyLimit: 100, Pending: 1})
	b.box.Arm(post(sandbox.FaultLoseAnswer, 5))
	b.box.Arm(poll(sandbox.FaultLoseAnswer, 5))
	secrets := make([]string, 10)
	var all sync.WaitGroup
	for i := range secrets {
		all.Go(func() {
			key, err := b.generate(t.Context())
			if orphanOf(err) != nil {
				t.Errorf("a key is left behind: %v", err)
			}
			secrets[i] = key.Secret.Reveal() // none for who had all the bad luck
		})
	}
	all.Wait()
	left := map[string]bool{}
	for _, k := range b.made(fjellsport) {
		left[k.Secret] = true
	}
	for i, secret := range secrets {
		if secret != "" && !left[secret] {
			t.Errorf("the key of caller %d is not there", i+1)
		}
		delete(left, secret)
	}
	if len(left) != 0 {
		t.Errorf("%d keys are there that nobody has", len(left))
	}
}

// The error holds no secret, even if the answer with the secret could not be read.
func TestGenerate_ErrorsHoldNoSecret_I2(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{sandbox.FaultTruncate, sandbox.FaultWrongType} {
		b := threeShops(t, sandbox.Options{})
		b.box.Arm(post(kind, 0))
		b.box.Arm(remove(500))
		_, err := b.generate(t.Context())
		if err == nil {
			t.Fatal("a key was made")
		}
		text := err.Error()
		if orphan := orphanOf(err); orphan != nil {
			text += fmt.Sprintf("%+v %v %v", orphan.Orphan, orphan.Cause, orphan.Cleanup)
		}
		for _, secret := range b.box.Secrets() {
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

// A killed run made the key. The next run must check that it is not in use before deleting it.
func TestGenerate_ReportsKeyOfEarlierRequest(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	first, err := b.portal.Generate(t.Context(), derived())
	b.wantOne(first, err)
	_, err = b.portal.Generate(t.Context(), derived())
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
	if n := len(b.made(fjellsport)); n != 1 {
		t.Errorf("%d keys are there: one that may be in use was deleted, or another was made", n)
	}
	for _, r := range b.box.Requests() {
		if r.Method == http.MethodDelete {
			t.Error("a key that may be in use was deleted")
		}
	}
}

// The request is not repeated with a random idempotency key, which no later run could derive.
func TestGenerate_LeavesNothingWhenDerivedAnswerIsLost(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	b.box.Arm(post(sandbox.FaultLoseAnswer, maxRetries+1))
	_, err := b.portal.Generate(t.Context(), derived())
	if _, ok := errors.AsType[*kustom.ReplayedError](err); !ok {
		b.wantNone(err)
	}
	if intentions := b.intentions(); len(intentions) != 1 || intentions[0] != derived().IdempotencyKey {
		t.Errorf("it asked with %q", intentions)
	}
}

// Identify finds the key that the request made, or makes now.
func TestIdentify_FindsKeyByRequest(t *testing.T) {
	t.Parallel()
	orphan := kustom.Orphan{MerchantID: fjellsport, Description: "terraform", IdempotencyKey: derived().IdempotencyKey}
	for _, madeBefore := range []bool{true, false} {
		t.Run(fmt.Sprintf("made before: %t", madeBefore), func(t *testing.T) {
			t.Parallel()
			b := threeShops(t, sandbox.Options{})
			if madeBefore {
				if _, err := b.portal.Generate(t.Context(), derived()); err != nil {
					t.Fatal(err)
				}
			}
			id, err := b.portal.Identify(t.Context(), orphan)
			if made := b.made(fjellsport); err != nil || len(made) != 1 || made[0].CredentialID != id {
				t.Fatalf("it found %q, error %v; %d keys are there", id, err, len(made))
			}
			if err := b.portal.DeleteOrphan(t.Context(), orphan); err != nil || len(b.made(fjellsport)) != 0 {
				t.Errorf("%d keys are left: %v", len(b.made(fjellsport)), err)
			}
		})
	}
}

func TestIdentify_RefusesOrphanWithoutRequest(t *testing.T) {
	t.Parallel()
	b := threeShops(t, sandbox.Options{})
	if id, err := b.portal.Identify(t.Context(), kustom.Orphan{MerchantID: fjellsport}); err == nil || id != "" {
		t.Errorf("it found %q, error %v", id, err)
	}
	if n := len(b.box.Requests()); n != 0 {
		t.Errorf("%d requests were sent: one of them may have made a key", n)
	}
}
