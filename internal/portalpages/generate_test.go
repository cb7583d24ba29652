package portalpages_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// generated expects a key to be the newest of its store, with all that is known of it.
func (b *bench) generated(t *testing.T, key kustom.NewKey, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	keys := b.Sandbox.Keys(key.MerchantID)
	made := keys[len(keys)-1]
	if key.Username != made.Username || key.CredentialID != made.CredentialID || key.Host != made.Host || !key.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("made %s, want %s", key.Username, made.Username)
	}
	if key.Secret.Reveal() != made.Secret {
		t.Error("the secret is not the key's")
	}
	if !b.Made(key.CredentialID) {
		t.Error("the client does not know that it has made the key")
	}
}

func TestGenerateReturnsTheKeyWithItsSecret(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setup setup
		store string
		// lang is the language of the pages.
		lang string
	}{
		"at once":                   {store: fjellsport},
		"after a wait":              {store: fjellsport, setup: setup{options: sandbox.Options{Pending: 3}}},
		"in a store with two":       {store: kaffebonna},
		"on Norwegian pages":        {store: fjellsport, lang: "nb"},
		"with an override":          {store: fjellsport, setup: setup{labels: map[string]string{"generate_new": "New credential"}}},
		"beside usernames like it":  {store: fjellsport, setup: setup{seed: sandbox.ThreeShops().WithLookalikes()}},
		"in the playground":         {store: "PM00412871", setup: setup{seed: playground()}},
		"in a store without any":    {store: fjellsport, setup: setup{seed: empty()}},
		"in one named like another": {store: kaffebonna, setup: setup{seed: namedAlike()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.setup)
			if word, ok := test.setup.labels["generate_new"]; ok {
				b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Generate new": word}})
			}
			if test.lang != "" {
				b.speak(t, test.lang)
			}
			key, err := b.Generate(t.Context(), kustom.Request{MerchantID: test.store, Description: description})
			b.generated(t, key, err)
			b.left(t, test.store, 1)
			if key.Description == nil || *key.Description != description {
				t.Errorf("the description is %v", key.Description)
			}
			if n := b.requests("POST", pageGenerate); n != 1 {
				t.Errorf("%d keys were asked for, want 1", n)
			}
		})
	}
}

// speak makes the session's pages be in a language.
func (b *bench) speak(t *testing.T, lang string) {
	t.Helper()
	session, err := browser.ParseSession(b.server.PagesEnv()["KUSTOM_PORTAL_SESSION"])
	if err != nil {
		t.Fatal(err)
	}
	session.Cookies = append(session.Cookies, browser.Cookie{Name: "lang", Value: lang, Domain: session.Cookies[0].Domain, Path: "/"})
	line, err := session.Line()
	if err != nil {
		t.Fatal(err)
	}
	b.signInWith(t, line)
}

// empty is a seed whose first store has no key.
func empty() sandbox.Seed {
	seed := sandbox.ThreeShops()
	seed.Stores[0].Keys, seed.Shops = nil, nil
	return seed
}

// namedAlike is a seed in which each store is named like another one's merchant ID.
func namedAlike() sandbox.Seed {
	seed := sandbox.ThreeShops()
	for i := range seed.Stores {
		seed.Stores[i].Name = "Shop (" + seed.Stores[(i+1)%len(seed.Stores)].MerchantID + ")"
	}
	return seed
}

// playground is one store of the playground.
func playground() sandbox.Seed {
	const store = "PM00412871"
	return sandbox.Seed{
		Environment: sandbox.Playground,
		Users:       []sandbox.User{{Token: "fake-portal-token", Email: "ops@agency.example"}},
		Stores: []sandbox.Store{{MerchantID: store, Name: "Fjellsport", Website: "https://fjellsport.example", Keys: []sandbox.Key{{
			CredentialID: "7a3c0c1e-5b1e-4a49-9d0e-0c8f0f6e2b11", Username: store + "-aB3dE", Secret: "kco_test_api_fake",
			Host: "api.playground.klarna.com", CreatedAt: time.Date(2021, 3, 15, 8, 0, 0, 0, time.UTC), CreatedBy: "ops@agency.example",
		}}}},
	}
}

// TestI3GenerateLeavesNoKeyBehind: whatever goes wrong on the pages while a key is made, either there is
// one whose secret is known, or none is left behind, or the error remembers it for Discard.
func TestI3GenerateLeavesNoKeyBehind(t *testing.T) {
	t.Parallel()
	rename := func(word string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{word: "Something else"}}
	}
	at := func(method, template string, kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{Method: method, Template: template, Kind: kind, Times: 1}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		// made says that a key is returned in the end; remembered that the error remembers one.
		made, remembered bool
		// kind is how the step fails, where there is an error.
		kind browser.Kind
	}{
		"the list asks to sign in":             {fault: at("GET", pageKeys, sandbox.FaultSignOut), kind: browser.SignedOut},
		"the dialog asks to sign in":           {fault: at("GET", pageGenerate, sandbox.FaultSignOut), kind: browser.SignedOut},
		"the click asks to sign in":            {fault: at("POST", pageGenerate, sandbox.FaultSignOut), kind: browser.SignedOut, remembered: true},
		"the popup asks to sign in":            {fault: at("GET", pagePopup, sandbox.FaultSignOut), kind: browser.SignedOut, remembered: true},
		"the first page is not to be had once": {fault: sandbox.Fault{Template: "/", Kind: sandbox.FaultAnswer, Status: 503, Times: 1}, made: true},
		"the dialog is not to be had":          {fault: at("GET", pageGenerate, sandbox.FaultAnswer), kind: browser.NotFound},
		"the click is answered 503":            {fault: at("POST", pageGenerate, sandbox.FaultAnswer), kind: browser.NotFound, remembered: true},
		"the click is dropped once":            {fault: at("POST", pageGenerate, sandbox.FaultDrop), made: true},
		"the click's answer is lost once":      {fault: at("POST", pageGenerate, sandbox.FaultLoseAnswer), made: true},
		"the click is not answered":            {fault: at("POST", pageGenerate, sandbox.FaultSilence), kind: browser.NoPage, remembered: true},
		"the click works and is not answered":  {fault: at("POST", pageGenerate, sandbox.FaultWorkThenSilence), made: true},
		"the dialog stays":                     {fault: at("POST", pageGenerate, sandbox.FaultStay), kind: browser.NotFound, remembered: true},
		"the dialog stays and the click works": {fault: at("POST", pageGenerate, sandbox.FaultWorkThenStay), made: true},
		"the popup is lost once":               {fault: at("GET", pagePopup, sandbox.FaultLoseAnswer), made: true},
		"the popup is not answered":            {fault: at("GET", pagePopup, sandbox.FaultWorkThenSilence), made: true},
		"the popup is not to be had":           {fault: at("GET", pagePopup, sandbox.FaultAnswer), made: true},
		"everything is slow":                   {fault: sandbox.Fault{Kind: sandbox.FaultDelay, Latency: 200 * time.Millisecond}, made: true},
		"the button has another word":          {fault: rename("Generate new"), kind: browser.NotFound},
		"the dialog has another word":          {fault: rename("Generate a new API key"), kind: browser.NotFound},
		"the list has no column of that name":  {fault: rename("Key ID")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: patience(test.fault)})
			armed := b.arm(t, test.fault)
			key, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description})
			armed.Disarm()
			if test.made {
				b.generated(t, key, err)
				b.left(t, fjellsport, 1)
				return
			}
			if err == nil {
				t.Fatal("there is no error")
			}
			if test.kind != "" {
				isKind(t, err, test.kind)
			}
			if strings.Contains(err.Error(), "kco_") {
				t.Error("the error has a secret")
			}
			orphan, remembered := orphanOf(err)
			if remembered != test.remembered {
				t.Errorf("an orphan is remembered: %t, want %t", remembered, test.remembered)
			}
			if remembered {
				b.signIn(t)
				if err := b.Discard(t.Context(), orphan); err != nil {
					t.Error(err)
				}
			}
			b.left(t, fjellsport, 0)
		})
	}
}

// TestAWordThatHasChangedIsNamed: the error says which label is to be overridden.
func TestAWordThatHasChangedIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{timeout: short})
	b.arm(t, sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{"Generate new": "New credential"}})
	_, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description})
	var step *browser.StepError
	if !errors.As(err, &step) || len(step.Wanted) != 1 || step.Wanted[0].Label != "generate_new" {
		t.Errorf("the error is %v", err)
	}
	if n := b.requests("POST", pageGenerate); n != 0 {
		t.Errorf("%d keys were asked for", n)
	}
	b.left(t, fjellsport, 0)
}

func TestTheLimitOfKeysIsSaidAsByTheAPI(t *testing.T) {
	t.Parallel()
	for name, lang := range map[string]string{"English": "en", "Norwegian": "nb"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{options: sandbox.Options{KeyLimit: 1}})
			b.speak(t, lang)
			_, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description})
			if _, remembered := orphanOf(err); !kustom.IsLimitReached(err) || remembered {
				t.Errorf("the error is %v", err)
			}
			isKind(t, err, browser.Refused)
			b.left(t, fjellsport, 0)
		})
	}
}

func TestADescriptionThatThePortalRefusesIsSaidInItsWords(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	_, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: "not allowed: æ"})
	isKind(t, err, browser.Refused)
	if err == nil || !strings.Contains(err.Error(), "A description is up to 100 letters") || kustom.IsLimitReached(err) {
		t.Errorf("the error is %v", err)
	}
	b.left(t, fjellsport, 0)
}

// TestI3ACancelledGenerateIsAnsweredFirst: a cancellation after the click does not tear it.
func TestI3ACancelledGenerateIsAnsweredFirst(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, template string
		// asked is how many keys were asked for.
		asked int
	}{
		"before the click": {"GET", pageGenerate, 0},
		"at the click":     {"POST", pageGenerate, 1},
		"at the popup":     {"GET", pagePopup, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{})
			ctx, cancel := context.WithCancel(t.Context())
			reached, until := make(chan struct{}), make(chan struct{})
			var once sync.Once
			b.arm(t, sandbox.Fault{
				Method: test.method, Template: test.template, Kind: sandbox.FaultDelay, Until: until,
				Match: func(sandbox.Request) bool { once.Do(func() { close(reached) }); return true },
			})
			go func() {
				<-reached
				cancel()
				close(until)
			}()
			key, err := b.Generate(ctx, kustom.Request{MerchantID: fjellsport, Description: description})
			if n := b.requests("POST", pageGenerate); n != test.asked {
				t.Errorf("%d keys were asked for, want %d", n, test.asked)
			}
			if test.asked == 0 {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the error is %v", err)
				}
				b.left(t, fjellsport, 0)
				return
			}
			b.generated(t, key, err)
			b.left(t, fjellsport, 1)
		})
	}
}

func TestKeysOfOneStoreAreMadeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	const most = 3
	b := newBench(t, setup{tabs: most})
	var group sync.WaitGroup
	made := make([]kustom.NewKey, most)
	for i := range made {
		group.Go(func() {
			var err error
			if made[i], err = b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	b.left(t, fjellsport, most)
	secrets := map[string]string{}
	for _, key := range b.Sandbox.Keys(fjellsport) {
		secrets[key.CredentialID] = key.Secret
	}
	for _, key := range made {
		if key.Secret.IsZero() || secrets[key.CredentialID] != key.Secret.Reveal() {
			t.Errorf("the secret of %s is another's", key.Username)
		}
		delete(secrets, key.CredentialID)
	}
}

func TestWhoWaitsToMakeAKeyWaitsNoLongerThanTheContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	reached, until := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.arm(t, sandbox.Fault{
		Template: pageGenerate, Kind: sandbox.FaultDelay, Until: until,
		Match: func(sandbox.Request) bool { once.Do(func() { close(reached) }); return true },
	})
	first := make(chan error, 1)
	go func() {
		_, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description})
		first <- err
	}()
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Generate(ctx, kustom.Request{MerchantID: fjellsport, Description: description}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	close(until)
	if err := <-first; err != nil {
		t.Error(err)
	}
	b.left(t, fjellsport, 1)
}

// TestDiscardDeletesWhatIsNewAndNothingElse: the orphan is the unused key of that description that was
// not there before and was made by the time at which nobody waited for it any more.
func TestDiscardDeletesWhatIsNewAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	text, other := description, "made by hand"
	used := now
	key := func(name string, k sandbox.Key) sandbox.Key {
		k.CredentialID, k.Username, k.Secret = "id-"+name, fjellsport+"-"+name, "kco_live_api_"+name
		k.Host, k.CreatedBy = "api.kustom.co", "ops@agency.example"
		if k.CreatedAt.IsZero() {
			k.CreatedAt = now
		}
		return k
	}
	seed := empty()
	seed.Stores[0].Keys = []sandbox.Key{
		key("before", sandbox.Key{Description: &text}),
		key("orphan", sandbox.Key{Description: &text}),
		key("orphan2", sandbox.Key{Description: &text, CreatedAt: now.Add(30 * time.Second)}),
		key("used", sandbox.Key{Description: &text, LastUsedAt: &used}),
		key("other", sandbox.Key{Description: &other}),
		key("none", sandbox.Key{}),
		key("later", sandbox.Key{Description: &text, CreatedAt: now.Add(2 * time.Minute)}),
	}
	b := newBench(t, setup{seed: seed})
	made, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description})
	if err != nil {
		t.Fatal(err)
	}
	orphan := kustom.Orphan{MerchantID: fjellsport, Description: description, Before: kustom.Bar + "id-before" + kustom.Bar + now.Format(time.RFC3339)}
	for range 2 {
		// The second time there is nothing left to be done.
		if err := b.Discard(t.Context(), orphan); err != nil {
			t.Fatal(err)
		}
		want := []string{"id-before", "id-used", "id-other", "id-none", "id-later", made.CredentialID}
		if got := b.ids(fjellsport); !slices.Equal(got, want) {
			t.Errorf("left are %v, want %v", got, want)
		}
	}
	if n := b.requests("POST", pageDelete); n != 2 {
		t.Errorf("%d keys were deleted, want 2", n)
	}
	b.kept(t)
}

func TestDiscardLeavesToTheAPIWhatOnlyItKnows(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	if err := b.Discard(t.Context(), kustom.Orphan{MerchantID: fjellsport, IdempotencyKey: "a"}); err == nil || !strings.Contains(err.Error(), "API") {
		t.Errorf("the error is %v", err)
	}
	if n := len(b.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestI2TheSecretIsInNoPictureAndNoError: the popup is there, and one of its words is not. Nor is a key
// left behind (I3).
func TestI2TheSecretIsInNoPictureAndNoError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, setup{timeout: short, dir: dir})
	b.arm(t, sandbox.Fault{Template: pagePopup, Kind: sandbox.FaultRename, Rename: map[string]string{"Kustom Secret": "Password"}})
	_, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description})
	var step *browser.StepError
	if !errors.As(err, &step) || step.Picture == "" {
		t.Fatalf("there is no picture: %v", err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v", err, step), "kco_") {
		t.Error("the error has the secret")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) == 0 {
		t.Errorf("the pictures are %v, %v", files, err)
	}
	b.left(t, fjellsport, 0)
}
