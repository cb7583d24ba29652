// Package browsertest helps tests that use a real browser.
package browsertest

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"sync"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/browser"
)

// Shared is one browser for all tests of a package, because each start of a browser takes seconds. It starts with the
// first test that needs it.
type Shared struct {
	group browser.Group

	mu      sync.Mutex
	display *display
}

// atOnce is how many tests of a package run at once: they mostly wait for pages. It bounds the number of open tabs.
const atOnce = "8"

// Run runs the tests, ends the browser, and returns the exit code. It replaces the flag -parallel, which make sets for
// tests that start a Terraform, unless the flag is 1. A browser that does not end, or that leaves temporary files, is a
// failure.
func (s *Shared) Run(m *testing.M) int {
	// With a longer name, the browser would not put its sockets into its own folder.
	temp, err := os.MkdirTemp("", "")
	if err == nil {
		err = os.Setenv("TMPDIR", temp)
	}
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); err == nil && parallel.Value.String() != "1" {
		err = parallel.Value.Set(atOnce)
	}
	if err != nil {
		log.Print(err)
		return 1
	}
	code := m.Run()
	err = s.group.Close()
	if s.display != nil {
		s.display.end()
	}
	left, readErr := os.ReadDir(temp)
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("the tests leave %v in TMPDIR", left))
	}
	if err := errors.Join(err, readErr, os.RemoveAll(temp)); err != nil {
		log.Print(err)
		return 1
	}
	return code
}

// Group returns the group that the tests share. Without a browser, it skips the test.
func (s *Shared) Group(t testing.TB) *browser.Group {
	t.Helper()
	Need(t)
	return &s.group
}

// Need skips the test if there is no browser, and under -short, because a browser takes seconds where other tests take
// milliseconds.
func Need(t testing.TB) {
	t.Helper()
	need(t, false)
}

func need(t testing.TB, visible bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser, which -short skips")
	}
	if _, err := browser.Find("", visible); err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install chromium", err)
	}
}
