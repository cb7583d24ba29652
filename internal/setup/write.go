package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ExistingError says that the folder already has some of the files. Nothing is overwritten.
type ExistingError struct {
	Dir string
	// Paths are the files' paths, with slashes.
	Paths []string
}

// Error implements error.
func (e *ExistingError) Error() string {
	return fmt.Sprintf("%s already has these files, and init overwrites none: %s. Name another folder", e.Dir, strings.Join(e.Paths, ", "))
}

// CheckVacant returns an [*ExistingError] if the folder has one of the files. The folder may be missing.
func CheckVacant(dir string, paths ...string) error {
	var there []string
	for _, path := range paths {
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(path)))
		switch {
		case err == nil:
			there = append(there, path)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if len(there) > 0 {
		return &ExistingError{Dir: dir, Paths: there}
	}
	return nil
}

// The modes of the files and folders, which hold no secret.
const (
	fileMode   = 0o644
	folderMode = 0o755
)

// Write creates the folder and writes the files. If one can't be written, it removes those that it wrote.
func Write(dir string, files []File) error {
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Path)
	}
	if err := CheckVacant(dir, paths...); err != nil {
		return err
	}
	for i, file := range files {
		if err := create(filepath.Join(dir, filepath.FromSlash(file.Path)), file.Content); err != nil {
			for _, written := range files[:i] {
				err = errors.Join(err, os.Remove(filepath.Join(dir, filepath.FromSlash(written.Path))))
			}
			return err
		}
	}
	return nil
}

// create writes a new file.
func create(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), folderMode); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode) //nolint:gosec // The person names the folder.
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
