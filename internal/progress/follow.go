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
	// lookEvery is the time between two looks at the file.
	lookEvery = 500 * time.Millisecond
	// rolloutPause is the time without a line after which the next line is taken for another roll-out.
	rolloutPause = time.Hour
)

// FollowOptions say what is followed, and how it is shown.
type FollowOptions struct {
	// Path is the file. It need not be there yet.
	Path string
	// Size returns the size of the terminal in characters; nil where Out is none, and lines are printed as they come.
	Size func() (width, height int)
	// UntilEnded makes Follow return once every shop has ended.
	UntilEnded bool
	// All shows everything that the file has, instead of the last roll-out.
	All   bool
	Clock clock.Clock
	Out   io.Writer
}

// Follow shows a file while it grows, until ctx is done. With UntilEnded it returns how many shops have failed, once
// every one has ended.
func Follow(ctx context.Context, o FollowOptions) (failures int, err error) {
	f := follower{FollowOptions: o, tail: tail{path: o.Path}}
	if !o.All {
		f.board.Pause = rolloutPause
	}
	for {
		if err := f.look(); err != nil {
			return 0, err
		}
		if ended, failures := f.board.Ended(); ended && o.UntilEnded {
			return failures, nil
		}
		if err := o.Clock.Sleep(ctx, lookEvery); err != nil {
			return 0, err
		}
	}
}

// follower shows what it reads.
type follower struct {
	FollowOptions
	tail  tail
	board Board
	// drawn is how many lines the last picture has.
	drawn int
	// garbled is how many lines could not be read.
	garbled int
}

// look reads what is new and shows it.
func (f *follower) look() error {
	lines, err := f.tail.read()
	if err != nil {
		return err
	}
	var printed strings.Builder
	for _, text := range lines {
		var line Line
		if json.Unmarshal(text, &line) != nil {
			f.garbled++
			continue
		}
		f.board.Add(line)
		if f.Size == nil {
			printed.WriteString(line.String() + "\n")
		}
	}
	if f.Size != nil {
		printed.WriteString(f.picture())
	}
	_, err = io.WriteString(f.Out, printed.String())
	return err
}

// picture returns what draws the table in place of the last one. The terminal cuts a line that is too wide for it, so
// that each line of the table takes one of the terminal.
func (f *follower) picture() string {
	const wrapOff, wrapOn, clearLine, clearBelow = "\x1b[?7l", "\x1b[?7h", "\x1b[K", "\x1b[J"
	width, height := f.Size()
	var below []string
	if f.garbled > 0 {
		below = append(below, cut(plural(f.garbled, "line")+" of the file can't be read", width))
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

// tail reads what is appended to a file.
type tail struct {
	path string
	// last is the file as it was, which has been read up to offset.
	last   fs.FileInfo
	offset int64
	// rest is the beginning of a line that is not complete yet.
	rest []byte
}

// read returns the lines that are new. A file that is not there has none. Another file in its place, or one that has
// become shorter, is read from its beginning.
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
