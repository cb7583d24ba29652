// Package progress writes and shows the progress file: JSON lines that say what the provider does for each shop,
// while it happens. A [File] appends lines, and [Follow] shows them in a terminal. The file is also the audit log. It
// holds no secret.
package progress

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
	"github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"
)

// Line is one line of the file, for one step.
type Line struct {
	Time time.Time `json:"time"`
	// Run identifies the provider's process. Terraform starts several, one after the other.
	Run        string           `json:"run"`
	Shop       string           `json:"shop"`
	MerchantID string           `json:"merchant_id"`
	Step       rotation.Step    `json:"step"`
	Key        string           `json:"key"`
	Outcome    rotation.Outcome `json:"outcome"`
	Error      string           `json:"error"`
}

// File appends a line for each step. It is safe for concurrent use, also by several processes: each line is one write
// to the end of the file. The file is opened for each line, so it may be moved at any time.
type File struct {
	path, run string
	redactor  *vendortext.Redactor
}

var _ rotation.Journal = (*File)(nil)

// Open returns the file at a path, and checks that it can be written. It creates the file if it is missing; only the
// owner can read it.
func Open(path string, redactor *vendortext.Redactor) (*File, error) {
	const digits = 8
	f := &File{path: path, run: uuid.NewString()[:digits], redactor: redactor}
	// Opening a pipe would wait for a reader.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("it is not a file: %s", info.Mode().Type())}
	}
	file, err := f.open()
	if err != nil {
		return nil, err
	}
	return f, file.Close()
}

func (f *File) open() (*os.File, error) {
	return os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

// Record implements [rotation.Journal].
func (f *File) Record(e rotation.Entry) error {
	if err := f.write(f.line(e)); err != nil {
		return fmt.Errorf("write the progress file: %w", err)
	}
	return nil
}

// line returns the line for a step, without secrets. An error becomes one line.
func (f *File) line(e rotation.Entry) Line {
	line := Line{
		Time: e.Time.UTC(), Run: f.run, Shop: f.name(e.Shop), MerchantID: f.name(e.MerchantID),
		Step: e.Step, Key: f.name(e.Key), Outcome: e.Outcome,
	}
	if e.Err != nil {
		line.Error = f.redactor.Show(vendortext.New(e.Err.Error()))
	}
	return line
}

// name returns a name without secrets. It does not look for secrets of a few characters, which may be part of any
// name.
func (f *File) name(text string) string {
	const longest = 200
	return f.redactor.ShowLines(vendortext.New(text), longest)
}

func (f *File) write(line Line) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	file, err := f.open()
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
