package mystorepages_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystore"
	"github.com/storefront-iac/terraform-provider-kustom/internal/mystorepages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
	"github.com/storefront-iac/terraform-provider-kustom/internal/transport"
)

// without is the seed with other extensions in its first shop.
func without(extensions ...sandbox.Extension) sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Shops[0].Extensions = extensions
	return seed
}

// bare is the seed with nothing installed in its first shop.
func bare() sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Shops[0].KustomID, seed.Shops[0].KustomSecret, seed.Shops[0].UpdatedAt = "", "", nil
	return seed
}

// onlyV3 is a seed whose first shop's only extension is not active.
func onlyV3() sandbox.Seed {
	return without(sandbox.Extension{ID: sandbox.KlarnaCheckoutV3, Name: "Klarna Checkout V3", Version: "3.0.0-rc.1"})
}

// reads expects the client to read what the shop holds.
func (b *bench) reads(t *testing.T, shop string) {
	t.Helper()
	got, err := b.Credentials(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	b.same(t, shop, got)
}

func (b *bench) same(t *testing.T, shop string, got mystore.Credentials) {
	t.Helper()
	is := b.shop(t, shop)
	want := mystore.Credentials{KustomID: is.KustomID, SecretSet: is.KustomSecret != ""}
	if is.UpdatedAt != nil {
		want.UpdatedAt = is.UpdatedAt.UTC().Format(time.RFC3339Nano)
	}
	if got != want {
		t.Errorf("the credentials are %+v, want %+v", got, want)
	}
	b.kept(t)
}

func TestCredentialsAreWhatTheFieldsHold(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]setup{
		"in English":              {},
		"in Norwegian":            {lang: "nb"},
		"none":                    {seed: bare()},
		"none, in Norwegian":      {seed: bare(), lang: "nb"},
		"with an override":        {labels: map[string]string{"credentials": "Keys"}},
		"of the only extension":   {seed: onlyV3()},
		"after signing in":        {noSession: true, login: owner()},
		"with a session and more": {login: &mystorepages.Login{Email: "nobody", Password: "wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o)
			if word, ok := o.labels["credentials"]; ok {
				b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Credentials": word}})
			}
			for range 2 {
				// The second time, it is known where they are.
				b.reads(t, fjellsport)
			}
			if n := b.requests("GET", pageExtensions); n != 1 {
				t.Errorf("the extensions were looked through %d times, want once", n)
			}
			if n := b.requests("POST", pageCredentials); n != 0 {
				t.Errorf("something was written %d times", n)
			}
		})
	}
}

func TestExtensionIsTheVersionThatIsInstalled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setup setup
		want  mystore.Extension
	}{
		"active":                   {setup{}, mystore.Extension{Version: "3.4.1", Active: true}},
		"active, in Norwegian":     {setup{lang: "nb"}, mystore.Extension{Version: "3.4.1", Active: true}},
		"not active":               {setup{seed: onlyV3()}, mystore.Extension{Version: "3.0.0-rc.1"}},
		"not active, in Norwegian": {setup{seed: onlyV3(), lang: "nb"}, mystore.Extension{Version: "3.0.0-rc.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.setup)
			if got, err := b.Extension(t.Context(), fjellsport); err != nil || got != test.want {
				t.Errorf("the extension is %+v, %v, want %+v", got, err, test.want)
			}
			b.kept(t)
		})
	}
}

func TestAShopWithoutTheExtensionIsSaidToHaveNone(t *testing.T) {
	t.Parallel()
	v2 := sandbox.Extension{ID: "klarna-checkout-v2", Name: "Klarna Checkout V2", Version: "2.9.0", Active: true}
	other := sandbox.Extension{ID: "bring-shipping", Name: "Bring", Version: "2.11.0", Active: true}
	for name, test := range map[string]struct {
		setup setup
		other string
	}{
		"none at all":           {setup: setup{seed: without()}},
		"none, in Norwegian":    {setup: setup{seed: without(other), lang: "nb"}},
		"another version":       {setup: setup{seed: without(v2, other)}, other: "Klarna Checkout V2"},
		"another, in Norwegian": {setup: setup{seed: without(v2), lang: "nb"}, other: "Klarna Checkout V2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.setup.timeout = short
			b := newBench(t, test.setup)
			_, readErr := b.Credentials(t.Context(), fjellsport)
			_, extensionErr := b.Extension(t.Context(), fjellsport)
			_, writeErr := b.Client.Install(t.Context(), fjellsport, "M00412871-a", "kco_live_api_a")
			for _, err := range []error{readErr, extensionErr, writeErr} {
				var missing *mystore.NotInstalledError
				if !errors.As(err, &missing) || missing.Shop != fjellsport || missing.Other != test.other {
					t.Errorf("the error is %v", err)
				}
			}
			if !transport.DidNothing(writeErr) || transport.IsUncertain(writeErr) {
				t.Errorf("the error does not say that nothing was written: %v", writeErr)
			}
			if n := b.requests("POST", pageCredentials); n != 0 {
				t.Errorf("something was written %d times", n)
			}
			b.kept(t)
		})
	}
}

func TestInstallWritesThePairAndClearEmptiesIt(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]setup{
		"in English":       {},
		"in Norwegian":     {lang: "nb"},
		"where none was":   {seed: bare()},
		"with an override": {labels: map[string]string{"update_id_and_secret": "Save"}},
		"after signing in": {noSession: true, login: owner()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o)
			if word, ok := o.labels["update_id_and_secret"]; ok {
				b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Update ID and Secret": word}})
			}
			username, secret := b.newKey(t, "M00412871")
			got, err := b.Client.Install(t.Context(), fjellsport, username, secret)
			if err != nil {
				t.Fatal(err)
			}
			b.holds(t, fjellsport, username, secret)
			b.same(t, fjellsport, got)
			b.reads(t, fjellsport)
			if got, err = b.Clear(t.Context(), fjellsport); err != nil {
				t.Fatal(err)
			}
			b.holds(t, fjellsport, "", "")
			if got.KustomID != "" || got.SecretSet || got.UpdatedAt == "" {
				t.Errorf("after Clear the credentials are %+v", got)
			}
			if n := b.requests("POST", pageCredentials); n != 2 {
				t.Errorf("%d writes, want 2", n)
			}
			for _, v := range b.Violations() {
				if v.Kind != sandbox.ViolationShopCleared {
					t.Error(v)
				}
			}
		})
	}
}

// TestI1AWriteThatFailsSaysWhatMayHaveBecomeOfIt: it is certain that nothing was written, or uncertain
// whether, and never the one when it is the other.
func TestI1AWriteThatFailsSaysWhatMayHaveBecomeOfIt(t *testing.T) {
	t.Parallel()
	rename := func(word string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{word: "Something else"}}
	}
	at := func(method, template string, kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{Method: method, Template: template, Kind: kind}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		kind  browser.Kind
		// done says that there is no error; written that the shop holds the pair; uncertain that the error
		// can't tell.
		done, written, uncertain bool
	}{
		"signed out at first":           {fault: at("GET", "/", sandbox.FaultSignOut), kind: browser.SignedOut},
		"signed out at the fields":      {fault: at("GET", pageCredentials, sandbox.FaultSignOut), kind: browser.SignedOut},
		"signed out at the click":       {fault: at("POST", pageCredentials, sandbox.FaultSignOut), kind: browser.SignedOut, uncertain: true},
		"always 503":                    {fault: sandbox.Fault{Template: "/", Kind: sandbox.FaultAnswer, Status: 503}, kind: browser.NoPage},
		"the fields are not to be had":  {fault: at("GET", pageCredentials, sandbox.FaultAnswer), kind: browser.NotFound},
		"the click is answered 500":     {fault: at("POST", pageCredentials, sandbox.FaultAnswer), kind: browser.NotFound, uncertain: true},
		"the click is never answered":   {fault: at("POST", pageCredentials, sandbox.FaultSilence), kind: browser.NotFound, uncertain: true},
		"it works, and is not answered": {fault: at("POST", pageCredentials, sandbox.FaultWorkThenSilence), kind: browser.NotFound, written: true, uncertain: true},
		"the click is always dropped":   {fault: at("POST", pageCredentials, sandbox.FaultDrop), kind: browser.Elsewhere, uncertain: true},
		"the answer is always lost":     {fault: at("POST", pageCredentials, sandbox.FaultLoseAnswer), kind: browser.Elsewhere, written: true, uncertain: true},
		"the form stays":                {fault: at("POST", pageCredentials, sandbox.FaultStay), kind: browser.NotFound, uncertain: true},
		"it works, and the form stays":  {fault: at("POST", pageCredentials, sandbox.FaultWorkThenStay), kind: browser.NotFound, written: true, uncertain: true},
		"the button has another word":   {fault: rename("Update ID and Secret"), kind: browser.NotFound},
		"the field has another word":    {fault: rename("Kustom Secret"), kind: browser.NotFound},
		"the extension has":             {fault: rename("Credentials"), kind: browser.NotFound},
		"the success has another word":  {fault: rename("ID and Secret updated"), kind: browser.NotFound, written: true, uncertain: true},
		"everything is slow":            {fault: sandbox.Fault{Kind: sandbox.FaultDelay, Latency: 200 * time.Millisecond}, done: true, written: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: short})
			username, secret := b.newKey(t, "M00412871")
			armed := b.arm(t, test.fault)
			got, err := b.Client.Install(t.Context(), fjellsport, username, secret)
			armed.Disarm()
			if test.written {
				b.holds(t, fjellsport, username, secret)
				b.kept(t)
			} else {
				b.untouched(t, fjellsport)
			}
			if test.done {
				if err != nil {
					t.Fatal(err)
				}
				b.same(t, fjellsport, got)
				return
			}
			isKind(t, err, test.kind)
			if transport.IsUncertain(err) != test.uncertain || transport.DidNothing(err) == test.uncertain {
				t.Errorf("the error is uncertain: %t, certainly of nothing: %t, want uncertain: %t: %v",
					transport.IsUncertain(err), transport.DidNothing(err), test.uncertain, err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("the error has the secret")
			}
			b.signIn(t)
			b.reads(t, fjellsport)
			if _, err := b.Client.Install(t.Context(), fjellsport, username, secret); err != nil {
				t.Errorf("it can't be written again: %v", err)
			}
			b.holds(t, fjellsport, username, secret)
		})
	}
}

func TestAPairThatMystoreRefusesIsCertainlyNotWritten(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]setup{"in English": {}, "in Norwegian": {lang: "nb"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, o)
			_, err := b.Client.Install(t.Context(), fjellsport, "M00412871-a", " kco_live_api_a")
			isKind(t, err, browser.Refused)
			if transport.IsUncertain(err) || !transport.DidNothing(err) || strings.Contains(fmt.Sprint(err), "kco_") {
				t.Errorf("the error is %v", err)
			}
			b.untouched(t, fjellsport)
		})
	}
}

// TestI1ACancelledWriteIsAnsweredFirst: a cancellation after the click does not tear it.
func TestI1ACancelledWriteIsAnsweredFirst(t *testing.T) {
	t.Parallel()
	for name, method := range map[string]string{"before the click": "GET", "at the click": "POST"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{})
			username, secret := b.newKey(t, "M00412871")
			ctx, cancel := context.WithCancel(t.Context())
			reached, until := make(chan struct{}), make(chan struct{})
			var once sync.Once
			b.arm(t, sandbox.Fault{
				Method: method, Template: pageCredentials, Kind: sandbox.FaultDelay, Until: until,
				Match: func(sandbox.Request) bool { once.Do(func() { close(reached) }); return true },
			})
			go func() {
				<-reached
				cancel()
				close(until)
			}()
			got, err := b.Client.Install(ctx, fjellsport, username, secret)
			if method == "GET" {
				if !errors.Is(err, context.Canceled) || !transport.DidNothing(err) {
					t.Errorf("the error is %v", err)
				}
				b.untouched(t, fjellsport)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			b.same(t, fjellsport, got)
			b.holds(t, fjellsport, username, secret)
		})
	}
}

func TestASessionOfAnotherShopIsNotActedWith(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{as: kaffebonna})
	_, readErr := b.Credentials(t.Context(), fjellsport)
	_, writeErr := b.Client.Install(t.Context(), fjellsport, "M00412871-a", "kco_live_api_a")
	for _, err := range []error{readErr, writeErr} {
		var other *mystorepages.OtherShopError
		if !errors.As(err, &other) || other.Shop != fjellsport {
			t.Errorf("the error is %v", err)
		}
	}
	if !transport.DidNothing(writeErr) {
		t.Errorf("the error does not say that nothing was written: %v", writeErr)
	}
	b.untouched(t, fjellsport)
	b.untouched(t, kaffebonna)
}

// TestAWordThatHasChangedIsNamed: the error says which label is to be overridden.
func TestAWordThatHasChangedIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: short})
	b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Update ID and Secret": "Save"}})
	_, err := b.Client.Install(t.Context(), fjellsport, "M00412871-a", "kco_live_api_a")
	var step *browser.StepError
	if !errors.As(err, &step) || len(step.Wanted) != 1 || step.Wanted[0].Label != "update_id_and_secret" {
		t.Errorf("the error is %v", err)
	}
	b.untouched(t, fjellsport)
}

// TestI2TheSecretIsInNoPictureAndNoError: it has been typed when the step fails.
func TestI2TheSecretIsInNoPictureAndNoError(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: short, dir: t.TempDir()})
	username, secret := b.newKey(t, "M00412871")
	b.arm(t, sandbox.Fault{Method: "POST", Template: pageCredentials, Kind: sandbox.FaultStay})
	_, err := b.Client.Install(t.Context(), fjellsport, username, secret)
	var step *browser.StepError
	if !errors.As(err, &step) || step.Picture == "" {
		t.Fatalf("there is no picture: %v", err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v", err, step), secret) {
		t.Error("the error has the secret")
	}
}

// TestEveryWordIsInBothLanguages: people sign in with either.
func TestEveryWordIsInBothLanguages(t *testing.T) {
	t.Parallel()
	for label, languages := range mystorepages.Table() {
		if len(languages["en"]) == 0 || len(languages["nb"]) != 1 {
			t.Errorf("%s is %q", label, languages)
		}
	}
}
