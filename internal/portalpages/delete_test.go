package portalpages_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// unused is the key of kaffebonna that no shop holds.
func unused(t *testing.T, b *bench) kustom.Orphan {
	t.Helper()
	shop, _ := b.Shop("kaffebonna")
	for _, key := range b.Sandbox.Keys(kaffebonna) {
		if key.Username != shop.KustomID {
			return kustom.Orphan{MerchantID: kaffebonna, CredentialID: key.CredentialID}
		}
	}
	t.Fatal("every key is in use")
	return kustom.Orphan{}
}

// deleted expects one key to be gone, and no other.
func (b *bench) deleted(t *testing.T, o kustom.Orphan) {
	t.Helper()
	want := slices.DeleteFunc(idsOf(b.seeded[o.MerchantID]), func(id string) bool { return id == o.CredentialID })
	if got := b.ids(o.MerchantID); !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	b.kept(t)
}

func TestDiscardDeletesThatKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setup setup
		lang  string
	}{
		"in English":        {lang: "en"},
		"in Norwegian":      {lang: "nb"},
		"with another word": {lang: "en", setup: setup{labels: map[string]string{"delete_api_key": "Remove"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.setup)
			b.speak(t, test.lang)
			if word, ok := test.setup.labels["delete_api_key"]; ok {
				b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Delete API key": word}})
			}
			key := unused(t, b)
			for range 2 {
				// What is gone already is no error.
				if err := b.Discard(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
			b.deleted(t, key)
			if n := b.requests("POST", pageDelete); n != 1 {
				t.Errorf("%d deletions were asked for, want 1", n)
			}
		})
	}
}

// TestI1AKeyWhoseUsernameLooksLikeAnotherIsLeftAlone: each is deleted by its whole name.
func TestI1AKeyWhoseUsernameLooksLikeAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	seed := sandbox.ThreeShops().WithLookalikes()
	seed.Shops = nil
	for i, name := range []string{"the shorter", "the longer"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{seed: seed})
			keys := b.Sandbox.Keys(fjellsport)
			if !strings.HasPrefix(keys[1].Username, keys[0].Username) {
				t.Fatalf("%s does not look like %s", keys[1].Username, keys[0].Username)
			}
			key := kustom.Orphan{MerchantID: fjellsport, CredentialID: keys[i].CredentialID}
			if err := b.Discard(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			b.deleted(t, key)
		})
	}
}

// TestI3ADeletionThatFailsIsDoneAgainOrSaidToHaveFailed: without an error, the key is gone. No other
// is, ever.
func TestI3ADeletionThatFailsIsDoneAgainOrSaidToHaveFailed(t *testing.T) {
	t.Parallel()
	rename := func(word string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{word: "Something else"}}
	}
	at := func(method, template string, kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{Method: method, Template: template, Kind: kind, Times: 1}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		done  bool
		kind  browser.Kind
	}{
		"the list asks to sign in":             {fault: at("GET", pageKeys, sandbox.FaultSignOut), kind: browser.SignedOut},
		"the dialog asks to sign in":           {fault: at("GET", pageDelete, sandbox.FaultSignOut), kind: browser.SignedOut},
		"the click asks to sign in":            {fault: at("POST", pageDelete, sandbox.FaultSignOut), kind: browser.SignedOut},
		"the dialog is not to be had":          {fault: at("GET", pageDelete, sandbox.FaultAnswer), kind: browser.NotFound},
		"the click is answered 500":            {fault: at("POST", pageDelete, sandbox.FaultAnswer), done: true},
		"the click is dropped":                 {fault: at("POST", pageDelete, sandbox.FaultDrop), done: true},
		"the click's answer is lost":           {fault: at("POST", pageDelete, sandbox.FaultLoseAnswer), done: true},
		"the click is not answered":            {fault: at("POST", pageDelete, sandbox.FaultSilence), done: true},
		"the click works and is not answered":  {fault: at("POST", pageDelete, sandbox.FaultWorkThenSilence), done: true},
		"the dialog stays":                     {fault: at("POST", pageDelete, sandbox.FaultStay), done: true},
		"the dialog stays and the click works": {fault: at("POST", pageDelete, sandbox.FaultWorkThenStay), done: true},
		"everything is slow":                   {fault: sandbox.Fault{Kind: sandbox.FaultDelay, Latency: 200 * time.Millisecond}, done: true},
		"the menu has another word":            {fault: rename("Actions for"), kind: browser.NotFound},
		"the item has another word":            {fault: rename("Delete API key"), kind: browser.NotFound},
		"the button has another word":          {fault: rename("Delete"), kind: browser.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: short})
			armed := b.arm(t, test.fault)
			key := unused(t, b)
			err := b.Discard(t.Context(), key)
			armed.Disarm()
			switch {
			case test.done && err != nil:
				t.Fatal(err)
			case !test.done:
				isKind(t, err, test.kind)
				b.left(t, kaffebonna, 0)
				b.signIn(t)
				if err := b.Discard(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
			b.deleted(t, key)
		})
	}
}

func TestADialogThatNeverGoesAwayEndsTheDeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: short})
	b.arm(t, sandbox.Fault{Method: "POST", Template: pageDelete, Kind: sandbox.FaultStay})
	err := b.Discard(t.Context(), unused(t, b))
	isKind(t, err, browser.NotFound)
	if n := b.requests("POST", pageDelete); n != 3 {
		t.Errorf("the deletion was asked for %d times, want 3", n)
	}
	b.left(t, kaffebonna, 0)
}
