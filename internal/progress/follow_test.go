package progress_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/progress"
)

// scriptClock is a clock that calls the next function at each sleep, and cancels the context after the last.
type scriptClock struct {
	calls  []func()
	cancel context.CancelFunc
	now    time.Time
}

func (s *scriptClock) Now() time.Time { return s.now }

func (s *scriptClock) Sleep(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	if len(s.calls) == 0 {
		s.cancel()
		return ctx.Err()
	}
	s.calls[0]()
	s.calls = s.calls[1:]
	return nil
}

// follow runs Follow with a scriptClock, and returns its output.
func follow(t *testing.T, o progress.FollowOptions, calls ...func()) (output string, failures int, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out strings.Builder
	o.Out, o.Clock = &out, &scriptClock{calls: calls, cancel: cancel, now: noon}
	failures, err = progress.Follow(ctx, o)
	return out.String(), failures, err
}

// add returns a function that appends text to a file.
func add(t *testing.T, path, text string) func() {
	return func() {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteString(text)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func textOf(t *testing.T, line progress.Line) string {
	t.Helper()
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// The file is missing at first, and gets a line in two parts.
func TestFollow_PrintsLinesAsTheyCome(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	first, second := textOf(t, lineAt(0, "a", "shop started")), textOf(t, lineAt(1, "a", "generate done M1_new"))
	output, _, err := follow(t, progress.FollowOptions{Path: path}, func() {},
		add(t, path, first+second[:20]), add(t, path, second[20:]), add(t, path, "garbled\n"))
	want := "2026-03-10T12:00:00Z  a  M00537204  shop  started\n2026-03-10T12:00:01Z  a  M00537204  generate  done  M1_new\n"
	if !errors.Is(err, context.Canceled) || output != want {
		t.Errorf("the output is\n%s\nand the error %v", output, err)
	}
}

func TestFollow_RedrawsInPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	size := func() (int, int) { return 80, 24 }
	output, _, _ := follow(t, progress.FollowOptions{Path: path, Size: size},
		add(t, path, textOf(t, lineAt(0, "a", "shop planned"))), add(t, path, "garbled\n"))
	frames := strings.Split(output, "\x1b[?7l")[1:]
	if len(frames) != 3 {
		t.Fatalf("Follow draws %d times, want 3", len(frames))
	}
	for n, want := range []string{"No shop has begun yet.", "\x1b[1A\r[", "\x1b[3A\r["} {
		if !strings.HasPrefix(frames[n], want) || !strings.HasSuffix(frames[n], "\x1b[J\x1b[?7h") {
			t.Errorf("drawing %d is %q", n, frames[n])
		}
	}
	if !strings.Contains(frames[2], "1 line of the file can't be read") {
		t.Errorf("the last drawing is %q", frames[2])
	}
}

func TestFollow_EndsWhenEveryShopHasEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	lines := ""
	for _, text := range []string{"shop planned", "shop started", "shop failed"} {
		lines += textOf(t, lineAt(0, "a", text))
	}
	_, failures, err := follow(t, progress.FollowOptions{Path: path, UntilEnded: true}, add(t, path, lines), func() { t.Error("Follow reads the file again") })
	if err != nil || failures != 1 {
		t.Errorf("%d failures, error %v", failures, err)
	}
}

// Log rotation moves the file.
func TestFollow_ReadsNewFileAfterRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	output, _, _ := follow(t, progress.FollowOptions{Path: path}, add(t, path, textOf(t, lineAt(0, "first", "shop started"))), func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}, add(t, path, textOf(t, lineAt(1, "b", "shop done"))))
	if !strings.Contains(output, "first") || !strings.Contains(output, " b ") {
		t.Errorf("the output is\n%s", output)
	}
}

func TestFollow_ReportsUnreadableFile(t *testing.T) {
	t.Parallel()
	if _, _, err := follow(t, progress.FollowOptions{Path: t.TempDir()}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
