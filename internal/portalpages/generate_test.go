package portalpages_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// request is for a key of the store Kaffebønna.
func request() kustom.Request { return kustom.Request{MerchantID: kaffebonna} }

// wantKey expects the client to return the newest key of its store.
func (e *env) wantKey(t *testing.T, key kustom.NewKey, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	keys := e.Sandbox.Keys(key.MerchantID)
	newest := keys[len(keys)-1]
	if key.Username != newest.Username || key.CredentialID != newest.Username || key.Host != "" || key.Description != nil {
		t.Errorf("the key is %+v, want %s", key, newest.Username)
	}
	if key.Secret.Reveal() != newest.Secret {
		t.Error("the key has another secret")
	}
	if !e.Generated(key.CredentialID) {
		t.Error("the client does not know the key as its own")
	}
}

func TestGenerate_ReturnsKeyWithSecret(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]setup{
		"simple":             {},
		"menu is Developers": {options: sandbox.Options{Pages: sandbox.PagesOptions{Developers: true}}},
		"key is pending":     {options: sandbox.Options{Pending: 4}},
		"pages are slow":     {options: sandbox.Options{Pages: sandbox.PagesOptions{Delay: 800 * time.Millisecond}}},
		"label is renamed":   {labels: map[string]string{"generate_new": "New credential"}},
		"key expires":        {options: sandbox.Options{KeyLifetime: 24 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, o)
			if word, ok := o.labels["generate_new"]; ok {
				e.InjectFault(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Generate new": word}})
			}
			key, err := e.Generate(t.Context(), request())
			e.wantKey(t, key, err)
			e.wantNewKeys(t, kaffebonna, 1)
			if (key.ExpiresAt != nil) != (name == "key expires") {
				t.Errorf("the key expires at %v", key.ExpiresAt)
			}
			if n := e.RequestCount("POST", dataKeys); n != 1 {
				t.Errorf("%d keys were requested, want 1", n)
			}
		})
	}
}

// Whatever fails, the client requests a key once. Then it has a key with its secret, or deletes the key, or returns an
// orphaned key that a later DeleteOrphan deletes.
func TestGenerate_LosesNoKey_I3(t *testing.T) {
	t.Parallel()
	at := func(kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{Method: "POST", Template: dataKeys, Kind: kind, Times: 1}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		// orphan reports that the error has an orphaned key.
		orphan bool
		// resent reports that the browser repeats the request by itself, which generates a key.
		resent bool
	}{
		"signed out at the click":         {fault: at(sandbox.FaultSignOut), orphan: true},
		"answered with 500":               {fault: at(sandbox.FaultAnswer), orphan: true},
		"dropped":                         {fault: at(sandbox.FaultDrop), resent: true},
		"generated, answer is truncated":  {fault: at(sandbox.FaultTruncate)},
		"not answered":                    {fault: at(sandbox.FaultSilence), orphan: true},
		"generated, not answered":         {fault: at(sandbox.FaultWorkThenSilence)},
		"answered, and nothing is shown":  {fault: at(sandbox.FaultStay), orphan: true},
		"generated, and nothing is shown": {fault: at(sandbox.FaultWorkThenStay)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{timeout: 3 * short})
			e.InjectFault(t, test.fault)
			key, err := e.Generate(t.Context(), request())
			if test.resent {
				e.wantKey(t, key, err)
				e.wantNewKeys(t, kaffebonna, 1)
				return
			}
			if err == nil {
				t.Fatal("Generate returns a key")
			}
			if n := e.RequestCount("POST", dataKeys); n != 1 {
				t.Errorf("%d keys were requested, want 1", n)
			}
			orphan, ok := orphanOf(err)
			if ok != test.orphan {
				t.Errorf("the error is %v", err)
			}
			if ok {
				e.newClient(t)
				if err := e.DeleteOrphan(t.Context(), orphan); err != nil {
					t.Error(err)
				}
			}
			e.wantNewKeys(t, kaffebonna, 0)
		})
	}
}

// A browser repeats a request by itself when the connection breaks, which generates two keys. The client deletes the one
// whose secret it has read. It names the other one, which may be someone else's, and keeps it.
func TestGenerate_KeepsUnexplainedKeyOfRepeatedRequest(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{timeout: 3 * short})
	e.InjectFault(t, sandbox.Fault{Method: "POST", Template: dataKeys, Kind: sandbox.FaultLoseAnswer, Times: 1})
	_, err := e.Generate(t.Context(), request())
	keys := e.Sandbox.Keys(kaffebonna)
	if unexplained, ok := errors.AsType[*portalpages.UnexplainedError](err); !ok || len(unexplained.Usernames) != 1 || unexplained.Usernames[0] != keys[len(keys)-1].Username {
		t.Errorf("the error is %v", err)
	}
	e.wantNewKeys(t, kaffebonna, 1)
}

// With two new keys, the client can't tell which one is the orphaned key.
func TestDeleteOrphan_KeepsKeysOfOthers(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{timeout: 3 * short})
	orphan := kustom.Orphan{MerchantID: kaffebonna, Before: kustom.Bar}
	for _, key := range e.Sandbox.Keys(kaffebonna) {
		orphan.Before += key.Username + kustom.Bar
	}
	for range 2 {
		if _, err := e.GenerateKey(kaffebonna, ""); err != nil {
			t.Fatal(err)
		}
	}
	var unexplained *portalpages.UnexplainedError
	if err := e.DeleteOrphan(t.Context(), orphan); !errors.As(err, &unexplained) || len(unexplained.Usernames) != 2 {
		t.Errorf("the error is %v", err)
	}
	e.wantNewKeys(t, kaffebonna, 2)
}

func TestGenerate_ReportsReachedLimit(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{timeout: 3 * short, options: sandbox.Options{KeyLimit: 2}})
	if _, err := e.Generate(t.Context(), request()); !kustom.IsLimitReached(err) {
		t.Errorf("the error is %v", err)
	}
	e.wantNewKeys(t, kaffebonna, 0)
}

func TestStores_ListsAllStores(t *testing.T) {
	t.Parallel()
	for _, more := range []int{0, 300} {
		t.Run(fmt.Sprintf("three and %d", more), func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, setup{seed: manyStores(more)})
			n := 0
			for _, err := range e.Stores(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 3+more {
				t.Errorf("%d stores are listed, want %d", n, 3+more)
			}
		})
	}
}

func TestEndpointStatus_ReadsStore(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{})
	status, err := e.EndpointStatus(t.Context(), kaffebonna)
	want, wantErr := e.Sandbox.EndpointStatus(kaffebonna)
	if err != nil || wantErr != nil || status.ActionRequired != want.ActionRequired {
		t.Errorf("the status is %+v (%v), want %+v", status, err, want)
	}
}

func TestKeys_ReportsUnknownStoreAndEndedSession(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{})
	var none *portalpages.NoStoreError
	if _, err := e.listKeys(t, "M99999999"); !errors.As(err, &none) {
		t.Errorf("an unknown store: %v", err)
	}
	e.EndSessions()
	if _, err := e.listKeys(t, kaffebonna); !browser.IsKind(err, browser.SignedOut) {
		t.Errorf("an ended session: %v", err)
	}
}

func TestGenerate_ClicksNothingAfterTimeout(t *testing.T) {
	t.Parallel()
	e := newEnv(t, setup{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := e.Generate(ctx, request()); err == nil {
		t.Error("Generate returns a key")
	}
	e.wantNewKeys(t, kaffebonna, 0)
}
