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

// script is a clock that does the next act at each sleep, and ends the context after the last.
type script struct {
	acts []func()
	end  context.CancelFunc
	now  time.Time
}

func (s *script) Now() time.Time { return s.now }

func (s *script) Sleep(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	if len(s.acts) == 0 {
		s.end()
		return ctx.Err()
	}
	s.acts[0]()
	s.acts = s.acts[1:]
	return nil
}

// followed follows a file while the acts happen, and returns what is shown.
func followed(t *testing.T, o progress.FollowOptions, acts ...func()) (shown string, failures int, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out strings.Builder
	o.Out, o.Clock = &out, &script{acts: acts, end: cancel, now: noon}
	failures, err = progress.Follow(ctx, o)
	return out.String(), failures, err
}

// add appends text to a file.
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

// The file appears later, with a line in two parts.
func TestFollow_PrintsLinesAsTheyCome(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	first, second := textOf(t, at(0, "a", "shop started")), textOf(t, at(1, "a", "generate done M1_new"))
	shown, _, err := followed(t, progress.FollowOptions{Path: path}, func() {},
		add(t, path, first+second[:20]), add(t, path, second[20:]), add(t, path, "garbled\n"))
	want := "2026-03-10T12:00:00Z  a  M00537204  shop  started\n2026-03-10T12:00:01Z  a  M00537204  generate  done  M1_new\n"
	if !errors.Is(err, context.Canceled) || shown != want {
		t.Errorf("it printed\n%s\nand returned %v", shown, err)
	}
}

// Each drawing begins at the start of the last one.
func TestFollow_DrawsInPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	size := func() (int, int) { return 80, 24 }
	shown, _, _ := followed(t, progress.FollowOptions{Path: path, Size: size},
		add(t, path, textOf(t, at(0, "a", "shop planned"))), add(t, path, "garbled\n"))
	pictures := strings.Split(shown, "\x1b[?7l")[1:]
	if len(pictures) != 3 {
		t.Fatalf("there are %d pictures", len(pictures))
	}
	for n, want := range []string{"No shop has begun yet.", "\x1b[1A\r[", "\x1b[3A\r["} {
		if !strings.HasPrefix(pictures[n], want) || !strings.HasSuffix(pictures[n], "\x1b[J\x1b[?7h") {
			t.Errorf("picture %d is %q", n, pictures[n])
		}
	}
	if !strings.Contains(pictures[2], "1 line of the file can't be read") {
		t.Errorf("the last picture is %q", pictures[2])
	}
}

func TestFollow_EndsWhenEveryShopHasEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	lines := ""
	for _, text := range []string{"shop planned", "shop started", "shop failed"} {
		lines += textOf(t, at(0, "a", text))
	}
	_, failures, err := followed(t, progress.FollowOptions{Path: path, UntilEnded: true}, add(t, path, lines), func() { t.Error("it goes on") })
	if err != nil || failures != 1 {
		t.Errorf("%d failures, error %v", failures, err)
	}
}

// Log rotation moves the file.
func TestFollow_ReadsNewFileInPlaceOfMovedOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	shown, _, _ := followed(t, progress.FollowOptions{Path: path}, add(t, path, textOf(t, at(0, "first", "shop started"))), func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}, add(t, path, textOf(t, at(1, "b", "shop done"))))
	if !strings.Contains(shown, "first") || !strings.Contains(shown, " b ") {
		t.Errorf("it printed\n%s", shown)
	}
}

func TestFollow_ReportsFileThatCantBeRead(t *testing.T) {
	t.Parallel()
	if _, _, err := followed(t, progress.FollowOptions{Path: t.TempDir()}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
