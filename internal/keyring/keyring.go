// Package keyring stores secrets in the operating system's keyring: macOS's Keychain, Windows's Credential Manager,
// or a Secret Service on D-Bus, such as GNOME Keyring and KWallet.
package keyring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// ErrUnavailable says that there is no keyring, or that it did not answer in time.
var ErrUnavailable = errors.New("the system has no keyring, or it does not answer")

// timeout is the limit for one call. The keyring may ask the person to unlock it.
const timeout = 30 * time.Second

// Item names one secret in the keyring, by program and name. It is safe for concurrent use.
type Item struct{ Service, Name string }

// Get returns the secret. If there is none, ok is false. The error is [ErrUnavailable] if there is no keyring.
func (i Item) Get() (secret string, ok bool, err error) {
	err = within(func() (err error) {
		secret, err = keyring.Get(i.Service, i.Name)
		return err
	})
	if errors.Is(err, keyring.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read %q from the system's keyring: %w", i.Name, err)
	}
	return secret, true, nil
}

// Set stores a secret, and replaces an older one.
func (i Item) Set(secret string) error {
	if err := within(func() error { return keyring.Set(i.Service, i.Name, secret) }); err != nil {
		return fmt.Errorf("keep %q in the system's keyring: %w", i.Name, err)
	}
	return nil
}

// Delete removes the secret, if there is one.
func (i Item) Delete() error {
	err := within(func() error { return keyring.Delete(i.Service, i.Name) })
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return fmt.Errorf("remove %q from the system's keyring: %w", i.Name, err)
	}
	return nil
}

// needsBus reports whether the keyring is reached through D-Bus.
const needsBus = runtime.GOOS != "darwin" && runtime.GOOS != "windows"

// within calls f and waits for it, up to the timeout. It can't interrupt f.
func within(f func() error) error {
	// Without a session bus, the library would start one, with a keyring that nobody can unlock.
	if needsBus && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		return ErrUnavailable
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(timeout):
		return ErrUnavailable
	}
}
