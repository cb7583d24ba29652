// Package lockfile tells other processes that the owner of something still runs. The operating system gives a lock back
// when its process ends, however it ends. The ID of a process would tell less: in another container, the same ID is
// another process.
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
	// Another process holds a lock for a moment when it looks whether somebody holds it.
	patience   = time.Second
	retryDelay = 10 * time.Millisecond
)

// Lock is a lock that this process holds. A nil Lock is one that it does not.
type Lock struct{ file *flock.Flock }

// errReplaced says that the file which was locked is not the one with its name any more: its owner has removed it.
var errReplaced = errors.New("it was replaced meanwhile")

// Take makes the file, if there is none, and locks it. It fails where another process, or another Lock of this one,
// goes on holding it, and where the file system has no locks.
func Take(ctx context.Context, name string) (*Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		file := newFlock(name)
		if _, err := file.TryLockContext(ctx, retryDelay); err != nil {
			return nil, fmt.Errorf("locking %s: %w", name, errors.Join(err, file.Close()))
		}
		lock, err := named(file)
		if !errors.Is(err, errReplaced) {
			return lock, err
		}
	}
}

// Try locks the file as Take does, but does not wait: it returns nil where somebody holds it, or where that can't be
// found out.
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
		return nil, fmt.Errorf("locking %s: %w", file.Path(), errors.Join(err, file.Close()))
	}
	return &Lock{file: file}, nil
}

// checkName returns errReplaced where the name is not that of the file any more.
func checkName(name string, file os.FileInfo) error {
	now, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(file, now) {
		return errReplaced
	}
	return err
}

// Unlock gives the lock back, and leaves the file.
func (l *Lock) Unlock() {
	if l != nil {
		_ = l.file.Close()
	}
}

// Remove removes the file and gives the lock back.
func (l *Lock) Remove() {
	if l == nil {
		return
	}
	// First, so that nobody takes the lock of a file that is about to go. Windows removes no open file.
	err := os.Remove(l.file.Path())
	_ = l.file.Close()
	if err != nil {
		_ = os.Remove(l.file.Path())
	}
}
