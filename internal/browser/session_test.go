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

func someSession() browser.Session {
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
	line, err := someSession().Line()
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(line, " \n\"'{}$") {
		t.Errorf("a shell would have to quote the line")
	}
	read, err := browser.ParseSession(" " + line + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, someSession()) {
		t.Error("the session is another one")
	}
}

func TestParseSession_QuotesNothing(t *testing.T) {
	t.Parallel()
	line, err := someSession().Line()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "half of one": line[:len(line)/2], "something else": sessionSecret + " " + sessionSecret,
		"one of no host": "e30", "no JSON": "aGFsbG8",
	} {
		_, err := browser.ParseSession(text)
		if err == nil {
			t.Errorf("%s is a session", name)
		} else if strings.Contains(err.Error(), sessionSecret) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s is quoted in the error", name)
		}
	}
}

func TestSession_DoesNotPrint(t *testing.T) {
	t.Parallel()
	s := someSession()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{s, &s, []browser.Session{s}, struct{ S browser.Session }{s}} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, sessionSecret) {
				t.Errorf("%s prints the session", verb)
			}
		}
	}
}

func TestSessionStore_IsOwnersAlone(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "not", "yet")}
	if _, ok, err := keep.Load("portal.example:8443", ""); ok || err != nil {
		t.Fatalf("there is a session before any is kept: %v", err)
	}
	for _, account := range []string{"", "b@shop/.", "a"} {
		name, _, err := keep.Save(account, someSession())
		if err != nil {
			t.Fatal(err)
		}
		mode(t, name, 0o600)
		mode(t, filepath.Dir(name), 0o700)
		got, ok, err := keep.Load("portal.example:8443", account)
		if err != nil || !ok || !reflect.DeepEqual(got, someSession()) {
			t.Errorf("the session of %q is not the one that was kept: %t, %v", account, ok, err)
		}
	}
	const host = "portal.example:8443"
	all, err := keep.All()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(all, []browser.StoredSession{{Host: host}, {Host: host, Account: "a"}, {Host: host, Account: "b@shop/."}}) {
		t.Errorf("kept are %v", all)
	}
	if _, _, err := keep.Save("a", someSession()); err != nil {
		t.Errorf("a session can't be kept in place of another: %v", err)
	}
	if n, err := keep.Remove(); n != 3 || err != nil {
		t.Errorf("%d sessions were removed, %v", n, err)
	}
	if left, err := os.ReadDir(keep.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is left, with %v: %v", left, err)
	}
}

func mode(t *testing.T, name string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("the mode of %s is %v, want %v", name, info.Mode().Perm(), want)
	}
}

// TestKeep_RefusesSessionOfOthers: what others can read may be known to them, and what they can write may be theirs.
func TestKeep_RefusesSessionOfOthers(t *testing.T) {
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
			keep := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions")}
			file, _, err := keep.Save("", someSession())
			if err != nil {
				t.Fatal(err)
			}
			if err := corrupt(keep.Dir, file); err != nil {
				t.Fatal(err)
			}
			var refused *browser.NotPrivateError
			if _, ok, err := keep.Load(someSession().Host, ""); ok || !errors.As(err, &refused) {
				t.Errorf("it is loaded: %v, %v", ok, err)
			}
		})
	}
}

func TestKeep_RemovesOne(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: filepath.Join(t.TempDir(), "sessions")}
	if was, err := keep.RemoveOne("portal.example:8443", "a"); was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
	for _, account := range []string{"a", "b"} {
		if _, _, err := keep.Save(account, someSession()); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := keep.RemoveOne("portal.example:8443", "a"); !was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
	if kept, err := keep.All(); !slices.Equal(kept, []browser.StoredSession{{Host: "portal.example:8443", Account: "b"}}) || err != nil {
		t.Errorf("what is left is %v: %v", kept, err)
	}
}

func TestSessionStore_QuotesNoBrokenSession(t *testing.T) {
	t.Parallel()
	keep := browser.SessionStore{Dir: t.TempDir()}
	name, _, err := keep.Save("", someSession())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(sessionSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keep.Load("portal.example:8443", ""); err == nil || strings.Contains(err.Error(), sessionSecret) {
		t.Errorf("the error is %v", err)
	}
}
