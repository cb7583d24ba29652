package browser

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/storefront-iac/terraform-provider-kustom/internal/wholefile"
)

// SessionStore is a folder of saved sessions, one file each, which only its owner may read. The folder may not exist
// yet. It is safe for concurrent use.
type SessionStore struct {
	Dir string
	// Keyring has the key that seals the files. If it is nil or does not answer, the files are not sealed.
	Keyring Keyring
}

const (
	sessionSuffix    = ".session"
	unfinishedPrefix = "new-"
)

// path returns the file of the session of a host, or of one account there.
func (store SessionStore) path(host, account string) string {
	name := url.QueryEscape(host)
	if account != "" {
		name += "@" + url.QueryEscape(account)
	}
	return filepath.Join(store.Dir, name+sessionSuffix)
}

// Save saves a session of its host, for an account if the host has more than one. It replaces the earlier one.
// It returns the file's name, and whether the file is sealed.
func (store SessionStore) Save(account string, s Session) (file string, sealed bool, err error) {
	line, err := s.Line()
	if err == nil {
		file = store.path(s.Host, account)
		line = store.sealed(filepath.Base(file), line)
		err = store.write(file, line)
	}
	if err != nil {
		return "", false, fmt.Errorf("keep a session: %w", err)
	}
	return file, isSealed(line), nil
}

// write puts a line into a file of the folder.
func (store SessionStore) write(name, line string) error {
	if err := store.makeDir(); err != nil {
		return err
	}
	return wholefile.Write(name, unfinishedPrefix+"*", []byte(line+"\n"))
}

// Load returns the saved session of a host and account. If there is none, ok is false and the error nil.
func (store SessionStore) Load(host, account string) (s Session, ok bool, err error) {
	if store.Dir == "" {
		return Session{}, false, nil
	}
	data, err := store.read(store.path(host, account))
	if errors.Is(err, fs.ErrNotExist) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, fmt.Errorf("read a kept session: %w", err)
	}
	name := store.path(host, account)
	line, err := store.opened(filepath.Base(name), string(data))
	if err != nil {
		return Session{}, false, &SealError{Path: name, Cause: err}
	}
	if s, err = ParseSession(line); err != nil {
		return Session{}, false, fmt.Errorf("read %s: %w", name, err)
	}
	return s, true, nil
}

// NotPrivateError says that others may access a session's file or folder. They may have read the session, or
// replaced it.
type NotPrivateError struct {
	// Path is the file or folder.
	Path string
	// Reason tells why.
	Reason error
}

// Error implements error.
func (e *NotPrivateError) Error() string {
	return fmt.Sprintf("%s is not private: %v", e.Path, e.Reason)
}

// Unwrap returns the reason.
func (e *NotPrivateError) Unwrap() error { return e.Reason }

var (
	errUnknownOwner = errors.New("its owner is unknown")
	errNotFile      = errors.New("it is not a file")
)

// maxSessionSize is the maximum size of a session, in bytes.
const maxSessionSize = 4 << 20

// read returns the content of a file that only the user can access, in a folder that only the user can write
// to.
func (store SessionStore) read(name string) ([]byte, error) {
	const anything, writing = 0o077, 0o022
	folder, err := os.Stat(store.Dir)
	if err != nil {
		return nil, err
	}
	if err := checkOwner(store.Dir, folder, writing); err != nil {
		return nil, &NotPrivateError{Path: store.Dir, Reason: err}
	}
	// A link is never followed: it may lead to a file that the user did not choose.
	named, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, &NotPrivateError{Path: name, Reason: errNotFile}
	}
	file, err := os.Open(name) //nolint:gosec // The folder is the user's own, and was looked at above.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(named, info) {
		return nil, &NotPrivateError{Path: name, Reason: errNotFile}
	}
	if err := checkOwner(name, info, anything); err != nil {
		return nil, &NotPrivateError{Path: name, Reason: err}
	}
	return io.ReadAll(io.LimitReader(file, maxSessionSize))
}

// RemoveOne removes the session of a host and account, and reports whether there was one.
func (store SessionStore) RemoveOne(host, account string) (bool, error) {
	if store.Dir == "" {
		return false, nil
	}
	err := os.Remove(store.path(host, account))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove a kept session: %w", err)
	}
	return true, nil
}

// StoredSession identifies a saved session.
type StoredSession struct{ Host, Account string }

// All returns the saved sessions, sorted by their file names.
func (store SessionStore) All() ([]StoredSession, error) {
	if store.Dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(store.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the kept sessions: %w", err)
	}
	var all []StoredSession
	for _, file := range files {
		name, isSession := strings.CutSuffix(file.Name(), sessionSuffix)
		host, account, _ := strings.Cut(name, "@")
		host, hostErr := url.QueryUnescape(host)
		account, accountErr := url.QueryUnescape(account)
		if isSession && hostErr == nil && accountErr == nil {
			all = append(all, StoredSession{Host: host, Account: account})
		}
	}
	return all, nil
}

// makeDir makes the folder, and lets nobody else into it.
func (store SessionStore) makeDir() error {
	const owner = 0o700
	return errors.Join(os.MkdirAll(store.Dir, owner), os.Chmod(store.Dir, owner))
}

// Remove removes all saved sessions, the unfinished files of killed processes, and then the folder if it is
// empty. It returns the number of sessions.
func (store SessionStore) Remove() (int, error) {
	if store.Dir == "" {
		return 0, nil
	}
	files, err := os.ReadDir(store.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("list the kept sessions: %w", err)
	}
	removed, others := 0, false
	for _, file := range files {
		isSession := strings.HasSuffix(file.Name(), sessionSuffix)
		if !isSession && !strings.HasPrefix(file.Name(), unfinishedPrefix) {
			others = true
			continue
		}
		if err := os.Remove(filepath.Join(store.Dir, file.Name())); err != nil {
			return removed, fmt.Errorf("remove a kept session: %w", err)
		}
		if isSession {
			removed++
		}
	}
	if store.Keyring != nil {
		// Without the files, the key in a keyring that does not answer is useless.
		_ = store.Keyring.Delete()
	}
	if others {
		return removed, nil
	}
	if err := os.Remove(store.Dir); err != nil {
		return removed, fmt.Errorf("remove the folder of sessions: %w", err)
	}
	return removed, nil
}
