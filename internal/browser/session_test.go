package browser_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

const sessionSecret = "do-not-tell-0123456789"

func testSession() browser.Session {
	return browser.Session{
		Host: "portal.example:8443",
		Cookies: []browser.Cookie{
			{Name: "sid", Value: sessionSecret, Domain: "portal.example", Path: "/", Secure: true, HTTPOnly: true, SameSite: "Lax"},
			{Name: "lang", Value: "nb", Domain: ".example", Path: "/a", Expires: 4102444800},
		},
		Storage: map[string]string{"token": sessionSecret},
	}
}

func TestSession_SurvivesEncoding(t *testing.T) {
	t.Parallel()
	line, err := testSession().Line()
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(line, " \n\"'{}$") {
		t.Errorf("the line needs quotes in a shell")
	}
	read, err := browser.ParseSession(" " + line + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, testSession()) {
		t.Error("the decoded session differs")
	}
}

func TestParseSession_QuotesNothing(t *testing.T) {
	t.Parallel()
	line, err := testSession().Line()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty text": "", "half a session": line[:len(line)/2], "two words": sessionSecret + " " + sessionSecret,
		"a session without a host": "e30", "no JSON": "aGFsbG8",
	} {
		_, err := browser.ParseSession(text)
		if err == nil {
			t.Errorf("%s is accepted", name)
		} else if strings.Contains(err.Error(), sessionSecret) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes %s", name)
		}
	}
}

func TestSession_FormatsWithoutContent(t *testing.T) {
	t.Parallel()
	s := testSession()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{s, &s, []browser.Session{s}, struct{ S browser.Session }{s}} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, sessionSecret) {
				t.Errorf("%s prints the session's secret", verb)
			}
		}
	}
}

func TestSessionStore_IsOwnersAlone(t *testing.T) {
	t.Parallel()
	store := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "not", "yet")}
	if _, ok, err := store.Load("portal.example:8443", ""); ok || err != nil {
		t.Fatalf("an empty store loads a session, or fails: %v", err)
	}
	for _, account := range []string{"", "b@shop/.", "a"} {
		name, _, err := store.Save(account, testSession())
		if err != nil {
			t.Fatal(err)
		}
		wantMode(t, name, 0o600)
		wantMode(t, filepath.Dir(name), 0o700)
		got, ok, err := store.Load("portal.example:8443", account)
		if err != nil || !ok || !reflect.DeepEqual(got, testSession()) {
			t.Errorf("the session of %q is not the saved one: %t, %v", account, ok, err)
		}
	}
	const host = "portal.example:8443"
	all, err := store.All()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(all, []browser.StoredSession{{Host: host}, {Host: host, Account: "a"}, {Host: host, Account: "b@shop/."}}) {
		t.Errorf("the store lists %v", all)
	}
	if _, _, err := store.Save("a", testSession()); err != nil {
		t.Errorf("a session can't replace another: %v", err)
	}
	if n, err := store.Remove(); n != 3 || err != nil {
		t.Errorf("%d sessions were removed, want 3, %v", n, err)
	}
	if left, err := os.ReadDir(store.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left, with %v: %v", left, err)
	}
}

func wantMode(t *testing.T, name string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("the mode of %s is %v, want %v", name, info.Mode().Perm(), want)
	}
}

// Other users may know a session that they can read, and may have written one that they can write.
func TestSessionStore_RefusesSessionOfOthers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has access lists, which os.Chmod does not set")
	}
	for name, corrupt := range map[string]func(dir, file string) error{
		"group reads":    func(_, file string) error { return os.Chmod(file, 0o640) },
		"others read":    func(_, file string) error { return os.Chmod(file, 0o604) },
		"others write":   func(_, file string) error { return os.Chmod(file, 0o602) },
		"folder is open": func(dir, _ string) error { return os.Chmod(dir, 0o777) },
		"another owner": func(_, file string) error {
			if os.Geteuid() != 0 {
				return os.Chmod(file, 0o640)
			}
			return os.Chown(file, 65534, -1)
		},
		"link": func(dir, file string) error {
			elsewhere := filepath.Join(dir, "elsewhere")
			return errors.Join(os.Rename(file, elsewhere), os.Symlink(elsewhere, file))
		},
		"folder": func(_, file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions")}
			file, _, err := store.Save("", testSession())
			if err != nil {
				t.Fatal(err)
			}
			if err := corrupt(store.Dir, file); err != nil {
				t.Fatal(err)
			}
			var refused *browser.NotPrivateError
			if _, ok, err := store.Load(testSession().Host, ""); ok || !errors.As(err, &refused) {
				t.Errorf("the session is loaded: %t, %v", ok, err)
			}
		})
	}
}

func TestSessionStore_RemovesOne(t *testing.T) {
	t.Parallel()
	store := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions")}
	if was, err := store.RemoveOne("portal.example:8443", "a"); was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
	for _, account := range []string{"a", "b"} {
		if _, _, err := store.Save(account, testSession()); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := store.RemoveOne("portal.example:8443", "a"); !was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
	if kept, err := store.All(); !slices.Equal(kept, []browser.StoredSession{{Host: "portal.example:8443", Account: "b"}}) || err != nil {
		t.Errorf("the store lists %v: %v", kept, err)
	}
}

func TestSessionStore_QuotesNoBrokenSession(t *testing.T) {
	t.Parallel()
	store := browser.SessionStore{Dir: t.TempDir()}
	name, _, err := store.Save("", testSession())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(sessionSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Load("portal.example:8443", ""); err == nil || strings.Contains(err.Error(), sessionSecret) {
		t.Errorf("the error is %v", err)
	}
}

func TestSessionStore_RemovesEverySession(t *testing.T) {
	t.Parallel()
	store := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "[folder]", "of the user")}
	if n, err := store.Remove(); n != 0 || err != nil {
		t.Errorf("%d sessions of an empty store were removed (%v)", n, err)
	}
	for _, account := range []string{"", "fjellsport", "kaffebonna"} {
		if _, _, err := store.Save(account, browser.Session{Host: "127.0.0.1:9000"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"new-123", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(store.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const host = "127.0.0.1:9000"
	want := []browser.StoredSession{{Host: host}, {Host: host, Account: "fjellsport"}, {Host: host, Account: "kaffebonna"}}
	if all, err := store.All(); err != nil || !slices.Equal(all, want) {
		t.Errorf("the store lists %v (%v)", all, err)
	}
	if n, err := store.Remove(); n != 3 || err != nil {
		t.Errorf("%d sessions were removed, want 3 (%v)", n, err)
	}
	left, err := os.ReadDir(store.Dir)
	if err != nil || len(left) != 1 || left[0].Name() != "notes.txt" {
		t.Errorf("the folder holds %v, want only notes.txt (%v)", left, err)
	}
	if err := os.Remove(filepath.Join(store.Dir, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(store.Dir); !os.IsNotExist(err) {
		t.Errorf("the empty folder is left (%v)", err)
	}
}

func TestSessionStore_SavesForOwnerOnly(t *testing.T) {
	t.Parallel()
	store := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions")}
	if err := os.Mkdir(store.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file, _, err := store.Save("", browser.Session{Host: "portal.example", Storage: map[string]string{"a": strings.Repeat("x", 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	wantMode(t, store.Dir, 0o700)
	wantMode(t, file, 0o600)
}
