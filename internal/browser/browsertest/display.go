package browsertest

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Display starts a screen that nobody sees, for windows, and returns what DISPLAY is for it. It ends with
// the test. Where there is no such screen to be had, and under go test's flag -short, it skips the test.
func Display(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser, which -short skips")
	}
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Skipf("%v: on Debian and Ubuntu, apt-get install xvfb", err)
	}
	// It chooses a number that is free, and says which.
	screen := exec.CommandContext(context.WithoutCancel(t.Context()), path, "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset")
	number, err := screen.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := screen.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It removes its socket then, which it would not if it were killed.
		_ = screen.Process.Signal(syscall.SIGTERM)
		_ = screen.Wait()
	})
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		t.Fatalf("starting Xvfb: %v", err)
	}
	return ":" + strings.TrimSpace(line)
}
