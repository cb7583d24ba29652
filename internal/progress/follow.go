package progress

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/clock"
)

const (
	// pollInterval is the time between two reads of the file.
	pollInterval = 500 * time.Millisecond
	// rolloutPause is the time without a line after which the next line begins another roll-out.
	rolloutPause = time.Hour
)

// FollowOptions configure [Follow].
type FollowOptions struct {
	// Path is the file. It may be missing at first.
	Path string
	// Size returns the size of the terminal in characters. If it is nil, Out is no terminal, and Follow prints each
	// line as it comes.
	Size func() (width, height int)
	// UntilEnded makes Follow return when every shop has ended.
	UntilEnded bool
	// All shows the whole file, and not only the last roll-out.
	All   bool
	Clock clock.Clock
	Out   io.Writer
}

// Follow shows a growing file until ctx is done. With UntilEnded, it returns the number of failed shops when every
// shop has ended.
func Follow(ctx context.Context, o FollowOptions) (failures int, err error) {
	f := follower{FollowOptions: o, tail: tail{path: o.Path}}
	if !o.All {
		f.board.Pause = rolloutPause
	}
	for {
		if err := f.update(); err != nil {
			return 0, err
		}
		if ended, failures := f.board.Ended(); ended && o.UntilEnded {
			return failures, nil
		}
		if err := o.Clock.Sleep(ctx, pollInterval); err != nil {
			return 0, err
		}
	}
}

// follower is the state of [Follow].
type follower struct {
	FollowOptions
	tail  tail
	board Board
	// drawn is the number of lines on the screen.
	drawn int
	// unreadable is the number of lines that could not be read.
	unreadable int
}

// update reads the new lines and shows them.
func (f *follower) update() error {
	lines, err := f.tail.read()
	if err != nil {
		return err
	}
	var printed strings.Builder
	for _, text := range lines {
		var line Line
		if json.Unmarshal(text, &line) != nil {
			f.unreadable++
			continue
		}
		f.board.Add(line)
		if f.Size == nil {
			printed.WriteString(line.String() + "\n")
		}
	}
	if f.Size != nil {
		printed.WriteString(f.redraw())
	}
	_, err = io.WriteString(f.Out, printed.String())
	return err
}

// redraw returns the terminal codes that draw the table over the last one. The terminal cuts wide lines, so that each takes
// one line.
func (f *follower) redraw() string {
	const wrapOff, wrapOn, clearLine, clearBelow = "\x1b[?7l", "\x1b[?7h", "\x1b[K", "\x1b[J"
	width, height := f.Size()
	var below []string
	if f.unreadable > 0 {
		below = append(below, truncate(plural(f.unreadable, "line")+" of the file can't be read", width))
	}
	lines := append(f.board.Render(f.Clock.Now(), width, height-len(below)), below...)
	var text strings.Builder
	text.WriteString(wrapOff)
	if f.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA\r", f.drawn)
	}
	for _, line := range lines {
		text.WriteString(line + clearLine + "\n")
	}
	text.WriteString(clearBelow + wrapOn)
	f.drawn = len(lines)
	return text.String()
}

// tail reads the lines that are appended to a file.
type tail struct {
	path string
	// last is the file at the last read, up to offset.
	last   fs.FileInfo
	offset int64
	// rest is the beginning of an incomplete line.
	rest []byte
}

// read returns the new lines; none if the file is missing. If the file was replaced or shortened, it reads from the
// beginning.
func (t *tail) read() ([][]byte, error) {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if t.last != nil && !os.SameFile(t.last, info) || info.Size() < t.offset {
		t.offset, t.rest = 0, nil
	}
	t.last = info
	if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(bufio.NewReader(file))
	if err != nil {
		return nil, err
	}
	t.offset += int64(len(content))
	lines := bytes.Split(append(t.rest, content...), []byte("\n"))
	t.rest = bytes.Clone(lines[len(lines)-1])
	return lines[:len(lines)-1], nil
}
