// Package wholefile replaces files in one step: a reader sees the whole old file or the whole new one.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces the file with that name. Only its owner can read it. Write creates a temporary file beside it and
// renames that. The pattern names the temporary file, as in [os.CreateTemp], so that files of killed processes can be
// recognized.
func Write(name, pattern string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), pattern)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Keep writes a file as [Write] does, and creates its folder. It ignores errors: it is for caches.
func Keep(name string, content []byte) {
	if os.MkdirAll(filepath.Dir(name), 0o700) == nil {
		_ = Write(name, ".new-*", content)
	}
}
