package browsertest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Display starts a virtual screen, and returns its value for DISPLAY. The screen ends with the test. Without Xvfb, and
// under -short, it skips the test.
func Display(t testing.TB) string {
	t.Helper()
	need(t, true)
	d, err := startDisplay()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(d.end)
	return d.name
}

// Window sets DISPLAY to a virtual screen, which the tests of the package share, so that the test can open a window.
// Without Xvfb, and under -short, it skips the test.
func (s *Shared) Window(t testing.TB) {
	t.Helper()
	need(t, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.display != nil {
		return
	}
	d, err := startDisplay()
	if err != nil {
		t.Skip(err)
	}
	if err := os.Setenv("DISPLAY", d.name); err != nil { //nolint:usetesting // All later tests of the package use it, too.
		t.Fatal(err)
	}
	s.display = d
}

// display is a virtual screen.
type display struct {
	name string
	end  func()
}

func startDisplay() (*display, error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, fmt.Errorf("%w: on Debian and Ubuntu, apt-get install xvfb", err)
	}
	// Xvfb chooses a free number, and prints it.
	screen := exec.CommandContext(context.Background(), path, "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset")
	number, err := screen.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := screen.Start(); err != nil {
		return nil, err
	}
	end := func() {
		// After SIGTERM, unlike SIGKILL, Xvfb removes its socket.
		_ = screen.Process.Signal(syscall.SIGTERM)
		_ = screen.Wait()
	}
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		end()
		return nil, fmt.Errorf("start Xvfb: %w", err)
	}
	return &display{":" + strings.TrimSpace(line), end}, nil
}
