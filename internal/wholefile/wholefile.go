// Package wholefile writes files so that a reader sees all of one or the one that was there before.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write writes a file, which only its owner may read, in place of the one with that name. It is made beside it and
// renamed; until then, its name is made of the pattern as [os.CreateTemp] does, by which what a killed process leaves
// behind can be told.
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

// Keep writes a file as [Write] does, and makes its folder where there is none. It is for notes that a program can do
// without: what can't be written is not kept.
func Keep(name string, content []byte) {
	if os.MkdirAll(filepath.Dir(name), 0o700) == nil {
		_ = Write(name, ".new-*", content)
	}
}
