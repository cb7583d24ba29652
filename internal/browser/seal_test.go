package browser_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// fakeKeyring is a keyring in memory. If fault is set, every call fails with it.
type fakeKeyring struct {
	secret string
	fault  error
}

func (r *fakeKeyring) Get() (string, bool, error) { return r.secret, r.secret != "", r.fault }

func (r *fakeKeyring) Set(secret string) error {
	if r.fault == nil {
		r.secret = secret
	}
	return r.fault
}

func (r *fakeKeyring) Delete() error {
	r.secret = ""
	return r.fault
}

var errLocked = errors.New("the keyring is locked")

// A copy of the file is useless without the keyring.
func TestSessionStore_SealsSession(t *testing.T) {
	t.Parallel()
	keyring := &fakeKeyring{}
	store := browser.SessionStore{Dir: t.TempDir(), Keyring: keyring}
	for _, account := range []string{"a", "b"} {
		file, sealed, err := store.Save(account, testSession())
		if err != nil || !sealed {
			t.Fatalf("sealed: %t, %v", sealed, err)
		}
		content, err := os.ReadFile(file)
		if err != nil || bytes.Contains(content, []byte(sessionSecret)) {
			t.Errorf("the file holds the session in plain text, %v", err)
		}
		got, ok, err := store.Load(testSession().Host, account)
		if err != nil || !ok || !reflect.DeepEqual(got, testSession()) {
			t.Errorf("the session is not the saved one: %t, %v", ok, err)
		}
	}
	if n, err := store.Remove(); n != 2 || err != nil || keyring.secret != "" {
		t.Errorf("%d sessions were removed, %v, and the keyring has a key: %t", n, err, keyring.secret != "")
	}
}

func TestSessionStore_RefusesForeignSeal(t *testing.T) {
	t.Parallel()
	for name, corrupt := range map[string]func(t *testing.T, store *browser.SessionStore, keyring *fakeKeyring, file string){
		"no keyring":    func(_ *testing.T, store *browser.SessionStore, _ *fakeKeyring, _ string) { store.Keyring = nil },
		"locked":        func(_ *testing.T, _ *browser.SessionStore, keyring *fakeKeyring, _ string) { keyring.fault = errLocked },
		"no key":        func(_ *testing.T, _ *browser.SessionStore, keyring *fakeKeyring, _ string) { keyring.secret = "" },
		"malformed key": func(_ *testing.T, _ *browser.SessionStore, keyring *fakeKeyring, _ string) { keyring.secret = "bm8=" },
		"another key": func(_ *testing.T, _ *browser.SessionStore, keyring *fakeKeyring, _ string) {
			keyring.secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		},
		"changed": func(t *testing.T, _ *browser.SessionStore, _ *fakeKeyring, file string) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			content[len(content)-6] ^= 1
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"short": func(t *testing.T, _ *browser.SessionStore, _ *fakeKeyring, file string) {
			if err := os.WriteFile(file, []byte("sealed:YQ==\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"another account's": func(t *testing.T, store *browser.SessionStore, _ *fakeKeyring, file string) {
			other, _, err := store.Save("b", testSession())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, file); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keyring := &fakeKeyring{}
			store := browser.SessionStore{Dir: t.TempDir(), Keyring: keyring}
			file, _, err := store.Save("a", testSession())
			if err != nil {
				t.Fatal(err)
			}
			corrupt(t, &store, keyring, file)
			_, ok, err := store.Load(testSession().Host, "a")
			var sealed *browser.SealError
			if ok || !errors.As(err, &sealed) || sealed.Path != file {
				t.Errorf("the session is loaded: %t, %v", ok, err)
			}
		})
	}
}

// The unreadable key is not replaced, because it opens other sessions.
func TestSessionStore_SavesUnsealedWithoutKeyring(t *testing.T) {
	t.Parallel()
	keyring := &fakeKeyring{}
	store := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions"), Keyring: keyring}
	if _, _, err := store.Save("before", testSession()); err != nil {
		t.Fatal(err)
	}
	keyring.fault = errLocked
	if _, sealed, err := store.Save("a", testSession()); err != nil || sealed {
		t.Fatalf("sealed: %t, %v", sealed, err)
	}
	if got, ok, err := store.Load(testSession().Host, "a"); err != nil || !ok || !reflect.DeepEqual(got, testSession()) {
		t.Errorf("the session is not the saved one: %t, %v", ok, err)
	}
	keyring.fault = nil
	if _, ok, err := store.Load(testSession().Host, "before"); !ok || err != nil {
		t.Errorf("an earlier session can no longer be opened: %v", err)
	}
}
