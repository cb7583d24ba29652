package keyring

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/zalando/go-keyring"
)

func TestItem_KeepsOneSecret(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	keyring.MockInit()
	item := Item{Service: "test", Name: "sessions"}
	if secret, ok, err := item.Get(); secret != "" || ok || err != nil {
		t.Errorf("before anything is kept, it has %q, %t, %v", secret, ok, err)
	}
	for _, secret := range []string{"one", "another"} {
		if err := item.Set(secret); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := item.Get(); got != secret || !ok || err != nil {
			t.Errorf("it has %q, %t, %v", got, ok, err)
		}
	}
	for range 2 {
		if err := item.Delete(); err != nil {
			t.Error(err)
		}
	}
	keyring.MockInitWithError(errors.New("locked"))
	if _, ok, err := item.Get(); ok || err == nil {
		t.Errorf("it answers though it is locked: %v", err)
	}
	if item.Set("x") == nil || item.Delete() == nil {
		t.Error("it takes a secret though it is locked")
	}
}

// A keyring may wait for a person who is absent.
func TestWithin_EndsByItself(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan error)
		if err := within(func() error { return <-answer }); !errors.Is(err, ErrUnavailable) {
			t.Errorf("the error is %v", err)
		}
		close(answer)
	})
}

// TestWithin_StartsNoBus where there is none.
func TestWithin_StartsNoBus(t *testing.T) {
	if !needsBus {
		t.Skip("the keyring of this system is not reached by D-Bus")
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	err := within(func() error {
		t.Error("it was called")
		return nil
	})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
}
