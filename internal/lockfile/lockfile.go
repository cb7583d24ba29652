// Package lockfile tells other processes that an owner still runs. The operating system releases a lock when its
// process ends, for any reason. A process ID is no substitute: another container may use the same one.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

const (
	// Another process that tests a lock holds it for a moment.
	timeout    = time.Second
	retryDelay = 10 * time.Millisecond
)

// Lock is a lock that this process holds. The methods of a nil Lock do nothing.
type Lock struct{ file *flock.Flock }

// errReplaced says that the locked file no longer has its name, because its owner removed it.
var errReplaced = errors.New("it was replaced in the meantime")

// Take creates the file if it is missing, and locks it. It fails if another process, or another Lock of this one,
// keeps holding it, or if the file system has no locks.
func Take(ctx context.Context, name string) (*Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		file := newFlock(name)
		if _, err := file.TryLockContext(ctx, retryDelay); err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, errors.Join(err, file.Close()))
		}
		lock, err := named(file)
		if !errors.Is(err, errReplaced) {
			return lock, err
		}
	}
}

// Try locks the file as Take does, but does not wait. It returns nil if the lock is held, or if that is unclear.
func Try(name string) *Lock {
	file := newFlock(name)
	if locked, err := file.TryLock(); err != nil || !locked {
		_ = file.Close()
		return nil
	}
	lock, err := named(file)
	if err != nil {
		return nil
	}
	return lock
}

func newFlock(name string) *flock.Flock { return flock.New(name, flock.SetPermissions(0o600)) }

// named returns the lock of a file that still has its name.
func named(file *flock.Flock) (*Lock, error) {
	locked, err := file.Stat()
	if err == nil {
		err = checkName(file.Path(), locked)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", file.Path(), errors.Join(err, file.Close()))
	}
	return &Lock{file: file}, nil
}

// checkName returns errReplaced if name no longer leads to the file.
func checkName(name string, file os.FileInfo) error {
	now, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(file, now) {
		return errReplaced
	}
	return err
}

// Unlock releases the lock and leaves the file.
func (l *Lock) Unlock() {
	if l != nil {
		_ = l.file.Close()
	}
}

// Remove removes the file and releases the lock.
func (l *Lock) Remove() {
	if l == nil {
		return
	}
	// Remove the file before the release, so that nobody locks a file that is about to disappear. Windows cannot
	// remove an open file, so try again after it.
	err := os.Remove(l.file.Path())
	_ = l.file.Close()
	if err != nil {
		_ = os.Remove(l.file.Path())
	}
}
