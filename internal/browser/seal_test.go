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

// ring is a keyring in memory. With a fault, it does not answer.
type ring struct {
	secret string
	fault  error
}

func (r *ring) Get() (string, bool, error) { return r.secret, r.secret != "", r.fault }

func (r *ring) Set(secret string) error {
	if r.fault == nil {
		r.secret = secret
	}
	return r.fault
}

func (r *ring) Delete() error {
	r.secret = ""
	return r.fault
}

var errLocked = errors.New("the keyring is locked")

// TestKeep_SealsSession where there is a keyring: a copy of the file is of no use without it.
func TestKeep_SealsSession(t *testing.T) {
	t.Parallel()
	keyring := &ring{}
	keep := browser.SessionStore{Dir: t.TempDir(), Keyring: keyring}
	for _, account := range []string{"a", "b"} {
		file, sealed, err := keep.Save(account, someSession())
		if err != nil || !sealed {
			t.Fatalf("sealed: %t, %v", sealed, err)
		}
		content, err := os.ReadFile(file)
		if err != nil || bytes.Contains(content, []byte(sessionSecret)) {
			t.Errorf("the file shows the session, %v", err)
		}
		got, ok, err := keep.Load(someSession().Host, account)
		if err != nil || !ok || !reflect.DeepEqual(got, someSession()) {
			t.Errorf("the session is not the one that was kept: %t, %v", ok, err)
		}
	}
	if n, err := keep.Remove(); n != 2 || err != nil || keyring.secret != "" {
		t.Errorf("%d sessions were removed, %v, and the key is left: %t", n, err, keyring.secret != "")
	}
}

// TestKeep_OpensOnlyWhatItSealed, and says why it does not.
func TestKeep_OpensOnlyWhatItSealed(t *testing.T) {
	t.Parallel()
	for name, corrupt := range map[string]func(t *testing.T, keep *browser.SessionStore, keyring *ring, file string){
		"no keyring":  func(_ *testing.T, keep *browser.SessionStore, _ *ring, _ string) { keep.Keyring = nil },
		"locked":      func(_ *testing.T, _ *browser.SessionStore, keyring *ring, _ string) { keyring.fault = errLocked },
		"no key":      func(_ *testing.T, _ *browser.SessionStore, keyring *ring, _ string) { keyring.secret = "" },
		"no real key": func(_ *testing.T, _ *browser.SessionStore, keyring *ring, _ string) { keyring.secret = "bm8=" },
		"another key": func(_ *testing.T, _ *browser.SessionStore, keyring *ring, _ string) {
			keyring.secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		},
		"changed": func(t *testing.T, _ *browser.SessionStore, _ *ring, file string) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			content[len(content)-6] ^= 1
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"short": func(t *testing.T, _ *browser.SessionStore, _ *ring, file string) {
			if err := os.WriteFile(file, []byte("sealed:YQ==\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"another account's": func(t *testing.T, keep *browser.SessionStore, _ *ring, file string) {
			other, _, err := keep.Save("b", someSession())
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
			keyring := &ring{}
			keep := browser.SessionStore{Dir: t.TempDir(), Keyring: keyring}
			file, _, err := keep.Save("a", someSession())
			if err != nil {
				t.Fatal(err)
			}
			corrupt(t, &keep, keyring, file)
			_, ok, err := keep.Load(someSession().Host, "a")
			var sealed *browser.SealError
			if ok || !errors.As(err, &sealed) || sealed.Path != file {
				t.Errorf("there is a session: %t, %v", ok, err)
			}
		})
	}
}

// TestKeep_KeepsFileWhereNoKeyringAnswers: the file is the user's alone, as ever. A key that it can't read is not replaced:
// other sessions are sealed with it.
func TestKeep_KeepsFileWhereNoKeyringAnswers(t *testing.T) {
	t.Parallel()
	keyring := &ring{}
	keep := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "kept"), Keyring: keyring}
	if _, _, err := keep.Save("before", someSession()); err != nil {
		t.Fatal(err)
	}
	keyring.fault = errLocked
	if _, sealed, err := keep.Save("a", someSession()); err != nil || sealed {
		t.Fatalf("sealed: %t, %v", sealed, err)
	}
	if got, ok, err := keep.Load(someSession().Host, "a"); err != nil || !ok || !reflect.DeepEqual(got, someSession()) {
		t.Errorf("the session is not the one that was kept: %t, %v", ok, err)
	}
	keyring.fault = nil
	if _, ok, err := keep.Load(someSession().Host, "before"); !ok || err != nil {
		t.Errorf("an earlier session can't be opened any more: %v", err)
	}
}
