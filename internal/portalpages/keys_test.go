package portalpages_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/portalpages"
	"github.com/storefront-iac/terraform-provider-kustom/internal/sandbox"
)

// lists expects the client to list the keys that the sandbox has.
func (b *bench) lists(t *testing.T, merchantIDs ...string) {
	t.Helper()
	for _, merchantID := range merchantIDs {
		keys, err := b.all(t, merchantID)
		if err != nil {
			t.Fatal(err)
		}
		want := b.Sandbox.Keys(merchantID)
		if len(keys) != len(want) {
			t.Fatalf("store %s: %d keys, want %d", merchantID, len(keys), len(want))
		}
		for i, key := range keys {
			if !sameKey(key, want[i]) {
				t.Errorf("key %+v, want %+v", key, want[i])
			}
		}
	}
	b.kept(t)
}

func sameKey(got kustom.Key, want sandbox.Key) bool {
	sameText := (got.Description == nil) == (want.Description == nil) && (got.Description == nil || *got.Description == *want.Description)
	sameUse := (got.LastUsedAt == nil) == (want.LastUsedAt == nil) && (got.LastUsedAt == nil || got.LastUsedAt.Equal(*want.LastUsedAt))
	return sameText && sameUse && got.MerchantID == want.MerchantID && got.CredentialID == want.CredentialID &&
		got.Username == want.Username && got.Host == want.Host && got.Status == want.Status && got.CreatedAt.Equal(want.CreatedAt)
}

func TestKeysAreWhatThePageLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		seed   sandbox.Seed
		lang   string
		stores []string
	}{
		"in English":             {sandbox.ThreeShops(), "en", []string{fjellsport, kaffebonna, fjellsport}},
		"in Norwegian":           {sandbox.ThreeShops(), "nb", []string{kaffebonna}},
		"beside lookalikes":      {sandbox.ThreeShops().WithLookalikes(), "en", []string{kaffebonna}},
		"none":                   {empty(), "en", []string{fjellsport}},
		"none, in Norwegian":     {empty(), "nb", []string{fjellsport}},
		"in the playground":      {playground(), "en", []string{"PM00412871"}},
		"of stores named alike":  {namedAlike(), "en", []string{fjellsport, kaffebonna}},
		"on three pages":         {manyKeys(250), "en", []string{fjellsport}},
		"on a page that is full": {manyKeys(100), "en", []string{fjellsport}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{seed: test.seed})
			b.speak(t, test.lang)
			b.lists(t, test.stores...)
		})
	}
}

// manyKeys is a store with so many keys.
func manyKeys(n int) sandbox.Seed {
	seed := empty()
	for i := range n {
		text := fmt.Sprintf("key %d", i)
		seed.Stores[0].Keys = append(seed.Stores[0].Keys, sandbox.Key{
			CredentialID: fmt.Sprintf("id-%d", i), Username: fmt.Sprintf("%s-k%d", fjellsport, i), Secret: fmt.Sprintf("kco_live_api_k%d", i),
			Description: &text, Host: "api.kustom.co", CreatedAt: time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC), CreatedBy: "ops@agency.example",
		})
	}
	return seed
}

func TestAKeyIsDeletedWhicheverPageItIsOn(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{seed: manyKeys(120)})
	key := kustom.Orphan{MerchantID: fjellsport, CredentialID: "id-119"}
	if err := b.Discard(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	b.deleted(t, key)
}

func TestKeysOfAllStoresAreListed(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{tabs: 2})
	keys, err := b.all(t, "")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, key := range keys {
		got = append(got, key.CredentialID)
	}
	for _, store := range sandbox.ThreeShops().Stores {
		want = append(want, b.ids(store.MerchantID)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the keys are %v, want %v", got, want)
	}
	b.kept(t)
}

func TestKeyIsThatOneOrNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	want := b.Sandbox.Keys(fjellsport)[0]
	if got, err := b.Key(t.Context(), fjellsport, want.CredentialID); err != nil || !sameKey(got, want) {
		t.Errorf("the key is %+v, %v", got, err)
	}
	var none *kustom.NoKeyError
	if _, err := b.Key(t.Context(), fjellsport, "another"); !errors.As(err, &none) || none.MerchantID != fjellsport || none.CredentialID != "another" {
		t.Errorf("the error is %v", err)
	}
}

// TestAListIsWholeOrAnError: to take a key for gone would be worse than to fail.
func TestAListIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	rename := func(word string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultRename, Rename: map[string]string{word: "Something else"}}
	}
	at := func(template string, kind sandbox.FaultKind) sandbox.Fault {
		return sandbox.Fault{Method: "GET", Template: template, Kind: kind, Times: 1}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		done  bool
		kind  browser.Kind
	}{
		"signed out at first":            {fault: at("/", sandbox.FaultSignOut), kind: browser.SignedOut},
		"signed out at the list":         {fault: at(pageKeys, sandbox.FaultSignOut), kind: browser.SignedOut},
		"the first page is 503 once":     {fault: sandbox.Fault{Template: "/", Kind: sandbox.FaultAnswer, Status: 503, Times: 1}, done: true},
		"the first page is always 503":   {fault: sandbox.Fault{Template: "/", Kind: sandbox.FaultAnswer, Status: 503}, kind: browser.NoPage},
		"the first page is dropped":      {fault: at("/", sandbox.FaultDrop), done: true},
		"the first page is not answered": {fault: at("/", sandbox.FaultSilence), kind: browser.NoPage},
		"the list is not to be had":      {fault: at(pageKeys, sandbox.FaultAnswer), kind: browser.NotFound},
		"the list is dropped":            {fault: at(pageKeys, sandbox.FaultDrop), done: true},
		"the list is not answered":       {fault: at(pageKeys, sandbox.FaultSilence), kind: browser.NoPage},
		"the list is torn":               {fault: at(pageKeys, sandbox.FaultTruncate)},
		"the list is slow":               {fault: sandbox.Fault{Template: pageKeys, Kind: sandbox.FaultDelay, Latency: time.Second}, done: true},
		"the table has another word":     {fault: rename("API keys"), kind: browser.NotFound},
		"a column has another word":      {fault: rename("Host")},
		"Integrations has another word":  {fault: rename("Integrations")},
		"the selector has another word":  {fault: rename("Store"), kind: browser.NotFound},
		"the mark of the store has":      {fault: rename("Store shown"), kind: browser.NotFound},
		"what is not looked for has":     {fault: rename("Sandbox"), done: true},
		"the button to generate has":     {fault: rename("Generate new"), done: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{timeout: patience(test.fault)})
			armed := b.arm(t, test.fault)
			keys, err := b.all(t, kaffebonna)
			armed.Disarm()
			if test.done {
				if err != nil || len(keys) != 2 {
					t.Fatalf("%d keys, %v", len(keys), err)
				}
			} else if err == nil {
				t.Errorf("there is no error, but %d keys", len(keys))
			}
			if test.kind != "" {
				isKind(t, err, test.kind)
			}
			b.signIn(t)
			b.lists(t, kaffebonna)
		})
	}
}

func TestWhoCanNotSeeSomethingIsToldWhat(t *testing.T) {
	t.Parallel()
	for name, lang := range map[string]string{"in English": "en", "in Norwegian": "nb"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, setup{seed: staff()})
			b.staffSession(t, lang)
			var noAccess *portalpages.NoAccessError
			if _, err := b.all(t, fjellsport); !errors.As(err, &noAccess) || noAccess.MerchantID != fjellsport {
				t.Errorf("the error of who does not see Integrations is %v", err)
			}
			if _, err := b.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description}); !errors.As(err, &noAccess) {
				t.Errorf("the error of who does not see Integrations is %v", err)
			}
			if _, err := b.Portal.EndpointStatus(t.Context(), fjellsport); !errors.As(err, &noAccess) {
				t.Errorf("the error of who does not see Integrations is %v", err)
			}
			var noStore *portalpages.NoStoreError
			if _, err := b.all(t, kaffebonna); !errors.As(err, &noStore) || noStore.MerchantID != kaffebonna {
				t.Errorf("the error of who does not see the store is %v", err)
			}
			b.left(t, fjellsport, 0)
		})
	}
}

const trainee = "trainee@agency.example"

// staff is a seed with a user who sees one store, and not its Integrations.
func staff() sandbox.Seed {
	seed := sandbox.ThreeShops()
	for i := range seed.Users {
		if seed.Users[i].Email == trainee {
			seed.Users[i].Stores = []string{fjellsport}
		}
	}
	return seed
}

// staffSession puts that user's client in place of the bench's.
func (b *bench) staffSession(t *testing.T, lang string) {
	t.Helper()
	link, err := b.PortalLink(trainee, "/")
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(b.server.URL() + link)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	session := browser.Session{Host: answer.Request.URL.Host}
	for _, cookie := range append(answer.Cookies(), &http.Cookie{Name: "lang", Value: lang, Path: "/"}) {
		session.Cookies = append(session.Cookies, browser.Cookie{
			Name: cookie.Name, Value: cookie.Value, Domain: answer.Request.URL.Hostname(), Path: cookie.Path,
		})
	}
	line, err := session.Line()
	if err != nil {
		t.Fatal(err)
	}
	b.signInWith(t, line)
}

// TestAnExpiredSessionIsSaidToBe: once for the walk, and after that too.
func TestAnExpiredSessionIsSaidToBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, setup{})
	b.lists(t, fjellsport)
	b.EndSessions()
	_, err := b.all(t, fjellsport)
	isKind(t, err, browser.SignedOut)
	_, err = b.all(t, "")
	isKind(t, err, browser.SignedOut)
	_, err = b.Generate(t.Context(), kustom.Request{MerchantID: kaffebonna, Description: description})
	isKind(t, err, browser.SignedOut)
	b.left(t, kaffebonna, 0)
}

func TestWithoutASessionThereIsNoBrowser(t *testing.T) {
	t.Parallel()
	missing := errors.New("nobody has signed in")
	address, err := url.Parse("https://portal.example")
	if err != nil {
		t.Fatal(err)
	}
	portal := portalpages.New(portalpages.Options{
		Browser: browser.New(new(browser.Group), browser.Options{Executable: "/no/such/browser"}), URL: address, Clock: clock.System{},
		Session: func() (browser.Session, error) { return browser.Session{}, missing },
	})
	if err := portal.Ready(); !errors.Is(err, missing) {
		t.Errorf("it is ready: %v", err)
	}
	if _, err := portal.Generate(t.Context(), kustom.Request{MerchantID: fjellsport, Description: description}); !errors.Is(err, missing) {
		t.Errorf("the error is %v", err)
	}
}
