package browser_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
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

func TestASessionSurvivesBeingWrittenDown(t *testing.T) {
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

func TestWhatIsNoSessionIsNotQuoted(t *testing.T) {
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

func TestASessionDoesNotPrint(t *testing.T) {
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

func TestKeptSessionsAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	keep := browser.Keep{Dir: filepath.Join(t.TempDir(), "not", "yet")}
	if _, ok, err := keep.Load("portal.example:8443", ""); ok || err != nil {
		t.Fatalf("there is a session before any is kept: %v", err)
	}
	for _, account := range []string{"", "b@shop/.", "a"} {
		name, err := keep.Save(account, someSession())
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
	if !slices.Equal(all, []browser.Kept{{Host: host}, {Host: host, Account: "a"}, {Host: host, Account: "b@shop/."}}) {
		t.Errorf("kept are %v", all)
	}
	if _, err := keep.Save("a", someSession()); err != nil {
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

func TestAKeptSessionThatIsBrokenIsNotQuoted(t *testing.T) {
	t.Parallel()
	keep := browser.Keep{Dir: t.TempDir()}
	name, err := keep.Save("", someSession())
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
