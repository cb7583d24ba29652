package portalpages_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// request asks for a key of the store Kaffebønna.
func request() kustom.Request { return kustom.Request{MerchantID: kaffebonna} }

// generated expects a key to be the newest of its store, with all that is known of it.
func (b *bench) generated(t *testing.T, key kustom.NewKey, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	keys := b.Sandbox.Keys(key.MerchantID)
	made := keys[len(keys)-1]
	if key.Username != made.Username || key.CredentialID != made.Username || key.Host != "" || key.Description != nil {
		t.Errorf("made %+v, want %s", key, made.Username)
	}
	if key.Secret.Reveal() != made.Secret {
		t.Error("the secret is not the key's")
	}
	if !b.Generated(key.CredentialID) {
		t.Error("the client does not know that it has made the key")
	}
}

func TestGenerate_ReturnsTheKeyWithItsSecret(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]setup{
		"at once":          {},
		"Developers":       {options: sandbox.Options{Pages: sandbox.PagesOptions{Developers: true}}},
		"after a wait":     {options: sandbox.Options{Pending: 4}},
		"slow":             {options: sandbox.Options{Pages: sandbox.PagesOptions{Delay: 800 * time.Millisecond}}},
		"with an override": {labels: map[string]string{"generate_new": "New credential"}},
		"expiring":         {options: sandbox.Options{KeyLifetime: 24 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o)
			if word, ok := o.labels["generate_new"]; ok {
				b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Generate new": word}})
			}
			key, err := b.Generate(t.Context(), request())
			b.generated(t, key, err)
			b.left(t, kaffebonna, 1)
			if (key.ExpiresAt != nil) != (name == "expiring") {
				t.Errorf("the key expires at %v", key.ExpiresAt)
			}
			if n := b.requests("POST", dataKeys); n != 1 {
				t.Errorf("%d keys were asked for, want 1", n)
			}
		})
	}
}

// TestGenerate_LosesNoKey_I3: whatever goes wrong while a key is made, it is asked for once, and either
// there is one whose secret is known, or none is left behind, or the error remembers it for DeleteOrphan.
func TestGenerate_LosesNoKey_I3(t *testing.T) {
	t.Parallel()
	at := func(kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{Method: "POST", Template: dataKeys, Kind: kind, Times: 1}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		// remembered says that the error remembers a key that may come yet.
		remembered bool
		// again says that the browser sends the request once more by itself, which nobody can keep it from: a
		// key is made, and explained, if the first request did nothing.
		again bool
	}{
		"signed out at the click":   {fault: at(sandbox.FaultSignOut), remembered: true},
		"the answer is 500":         {fault: at(sandbox.FaultAnswer), remembered: true},
		"the request is dropped":    {fault: at(sandbox.FaultDrop), again: true},
		"the answer is torn":        {fault: at(sandbox.FaultTruncate)},
		"never answered":            {fault: at(sandbox.FaultSilence), remembered: true},
		"made and never answered":   {fault: at(sandbox.FaultWorkThenSilence)},
		"nothing is shown":          {fault: at(sandbox.FaultStay), remembered: true},
		"made and nothing is shown": {fault: at(sandbox.FaultWorkThenStay)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: 3 * short})
			b.arm(t, test.fault)
			key, err := b.Generate(t.Context(), request())
			if test.again {
				b.generated(t, key, err)
				b.left(t, kaffebonna, 1)
				return
			}
			if err == nil {
				t.Fatal("a key is returned")
			}
			if n := b.requests("POST", dataKeys); n != 1 {
				t.Errorf("%d keys were asked for, want 1", n)
			}
			orphan, remembered := orphanOf(err)
			if remembered != test.remembered {
				t.Errorf("the error is %v", err)
			}
			if remembered {
				b.signIn(t)
				if err := b.DeleteOrphan(t.Context(), orphan); err != nil {
					t.Error(err)
				}
			}
			b.left(t, kaffebonna, 0)
		})
	}
}

// TestGenerate_KeepsUnexplainedKeyOfRepeatedRequest: a browser sends a request again by itself when its connection breaks. The
// key that nothing explains is named, and stays; the one whose secret was seen is deleted.
func TestGenerate_KeepsUnexplainedKeyOfRepeatedRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: 3 * short})
	b.arm(t, sandbox.Fault{Method: "POST", Template: dataKeys, Kind: sandbox.FaultLoseAnswer, Times: 1})
	_, err := b.Generate(t.Context(), request())
	keys := b.Sandbox.Keys(kaffebonna)
	if unexplained, ok := errors.AsType[*portalpages.UnexplainedError](err); !ok || len(unexplained.Usernames) != 1 || unexplained.Usernames[0] != keys[len(keys)-1].Username {
		t.Errorf("the error is %v", err)
	}
	b.left(t, kaffebonna, 1)
}

// TestDeleteOrphan_KeepsKeysOfOthers: what can't be told apart is nobody's, and stays.
func TestDeleteOrphan_KeepsKeysOfOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: 3 * short})
	orphan := kustom.Orphan{MerchantID: kaffebonna, Before: kustom.Bar}
	for _, key := range b.Sandbox.Keys(kaffebonna) {
		orphan.Before += key.Username + kustom.Bar
	}
	for range 2 {
		if _, err := b.GenerateKey(kaffebonna, ""); err != nil {
			t.Fatal(err)
		}
	}
	var unexplained *portalpages.UnexplainedError
	if err := b.DeleteOrphan(t.Context(), orphan); !errors.As(err, &unexplained) || len(unexplained.Usernames) != 2 {
		t.Errorf("the error is %v", err)
	}
	b.left(t, kaffebonna, 2)
}

func TestGenerate_ReportsReachedLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: 3 * short, options: sandbox.Options{KeyLimit: 2}})
	if _, err := b.Generate(t.Context(), request()); !kustom.IsLimitReached(err) {
		t.Errorf("the error is %v", err)
	}
	b.left(t, kaffebonna, 0)
}

func TestStores_ListsAllStores(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	var got []string
	for store, err := range b.Stores(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, store.MerchantID)
	}
	if len(got) != len(sandbox.ThreeShops().Stores) {
		t.Errorf("the stores are %v", got)
	}
	var none *portalpages.NoStoreError
	if _, err := b.all(t, "M99999999"); !errors.As(err, &none) {
		t.Errorf("the error is %v", err)
	}
	status, err := b.Portal.EndpointStatus(t.Context(), kaffebonna)
	want, wantErr := b.Sandbox.EndpointStatus(kaffebonna)
	if err != nil || wantErr != nil || status.ActionRequired != want.ActionRequired {
		t.Errorf("the status is %+v (%v), want %+v", status, err, want)
	}
}

func TestKeys_ReportsEndedSession(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.EndSessions()
	_, err := b.all(t, kaffebonna)
	isKind(t, err, browser.SignedOut)
}

// TestGenerate_ClicksNothingAfterCancel: nothing is asked for any more.
func TestGenerate_ClicksNothingAfterCancel(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := b.Generate(ctx, request()); err == nil {
		t.Error("a key is returned")
	}
	b.left(t, kaffebonna, 0)
}
