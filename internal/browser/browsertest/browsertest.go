// Package browsertest is for tests in a real browser.
package browsertest

import (
	"flag"
	"log"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// Shared is a browser for all tests of a package: to start one for each would take most of the time. It
// starts with the first test that needs it.
type Shared struct{ group browser.Group }

// beside is how many tests run beside each other, unless the command line says how many: many only wait
// for what will never come. It bounds the tabs that are open.
const beside = "8"

// Run runs the tests, ends the browser, and returns the code for os.Exit. A browser that can't be ended
// is a failure.
func (s *Shared) Run(m *testing.M) int {
	if err := flag.Set("test.parallel", beside); err != nil {
		log.Print(err)
		return 1
	}
	code := m.Run()
	if err := s.group.Close(); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

// Group returns the group that the tests share. Where there is no browser, it skips the test.
func (s *Shared) Group(t testing.TB) *browser.Group {
	t.Helper()
	Need(t)
	return &s.group
}

// Need skips a test where there is no browser, and says how to get one. It also skips it under go test's
// flag -short, as a browser takes seconds for what other tests do in milliseconds.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser, which -short skips")
	}
	if _, err := browser.Find("", false); err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
}
