// Package keyring reaches the operating system's keyring: macOS's Keychain, Windows's Credential Manager, or what serves
// the Secret Service of D-Bus, as GNOME Keyring and KWallet do.
package keyring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// ErrUnavailable says that there is no keyring, or none that answers.
var ErrUnavailable = errors.New("the system has no keyring that answers")

// patience is how long a keyring may take: it may ask the person to unlock it.
const patience = 30 * time.Second

// Item is one secret in the keyring, by the program that it belongs to and a name. It is safe for concurrent use.
type Item struct{ Service, Name string }

// Get returns the secret; ok tells whether there is one. The error is [ErrUnavailable] where there is no keyring.
func (i Item) Get() (secret string, ok bool, err error) {
	err = within(func() (err error) {
		secret, err = keyring.Get(i.Service, i.Name)
		return err
	})
	if errors.Is(err, keyring.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("reading %q from the system's keyring: %w", i.Name, err)
	}
	return secret, true, nil
}

// Set keeps a secret in place of the one that there was.
func (i Item) Set(secret string) error {
	if err := within(func() error { return keyring.Set(i.Service, i.Name, secret) }); err != nil {
		return fmt.Errorf("keeping %q in the system's keyring: %w", i.Name, err)
	}
	return nil
}

// Delete removes the secret, if there is one.
func (i Item) Delete() error {
	err := within(func() error { return keyring.Delete(i.Service, i.Name) })
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return fmt.Errorf("removing %q from the system's keyring: %w", i.Name, err)
	}
	return nil
}

// needsBus says that the keyring is reached by D-Bus.
const needsBus = runtime.GOOS != "darwin" && runtime.GOOS != "windows"

// within calls f, which can't be interrupted, and waits for it only so long.
func within(f func() error) error {
	// Without a session bus, the library would start one, and a keyring that nobody unlocks.
	if needsBus && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		return ErrUnavailable
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return ErrUnavailable
	}
}
