package rotation_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// runOn begins another run, on a machine that remembers requests. Die does what the operating system does when the
// run's process ends.
func (w *testEnv) runOn(dir, machine string) (die func()) {
	var locks []*lockfile.Lock
	lock := func(ctx context.Context, name string) (*lockfile.Lock, error) {
		lock, err := lockfile.Take(ctx, name)
		locks = append(locks, lock)
		return lock, err
	}
	w.portal.made = map[string]bool{}
	w.engine = rotation.New(rotation.Options{
		Portal: w.portal, Shops: w.shops, Merchant: w.prover, Clock: w.clock, Names: w.shops.names,
		Requests: rotation.Requests{Dir: dir, Host: machine, Lock: lock},
	})
	return func() {
		for _, lock := range locks {
			lock.Unlock()
		}
	}
}

// errKilled stands for the end of a process in the middle of a call.
var errKilled = errors.New("killed")

// ask asks for a key of store M1, and does not come to hear the answer.
func (w *testEnv) ask() {
	w.Helper()
	w.askFor(kustom.Request{MerchantID: "M1", Description: "terraform"})
}

// askFor asks with a request, and does not come to hear the answer.
func (w *testEnv) askFor(r kustom.Request) {
	w.Helper()
	w.portal.after = func(kind, _ string, _ int) error {
		if kind == generate {
			// A killed process runs no deferred function; a recovered panic stands for that.
			panic(errKilled)
		}
		return nil
	}
	_, err := w.engine.Generate(w.Context(), r)
	if err == nil {
		w.Fatal("the request was answered")
	}
	w.portal.after = nil
}

// TestDeleteLost_FindsKeyOfKilledRun, and no other key: one of a process that runs, of another machine, or one that is
// in use by now stays.
func TestDeleteLost_FindsKeyOfKilledRun(t *testing.T) {
	t.Parallel()
	const machine = "build-1"
	for name, test := range map[string]struct {
		machine string
		running bool
		before  func(w *testEnv, lost string)
		deleted bool
	}{
		"killed":             {machine: machine, deleted: true},
		"still running":      {machine: machine, running: true},
		"of another machine": {machine: "build-2"},
		"in a shop": {machine: machine, before: func(w *testEnv, lost string) {
			w.shops.move("a", lost)
		}},
		"used since": {machine: machine, before: func(w *testEnv, _ string) {
			used := w.clock.Now().Add(time.Hour)
			w.portal.keys[len(w.portal.keys)-1].LastUsedAt = &used
		}},
		"deleted by hand": {machine: machine, deleted: true, before: func(w *testEnv, _ string) {
			w.portal.keys = w.portal.keys[:1]
		}},
		"no shop answers": {machine: machine, deleted: true, before: func(w *testEnv, _ string) { w.shops.before = deadShop }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestEnv(t, map[string]string{"dead": "M1-old", "a": "M1-old"}, m1("M1-old"))
			dir := filepath.Join(t.TempDir(), "requests")
			die := w.runOn(dir, machine)
			w.ask()
			if !test.running {
				die()
			}
			lost := w.portal.usernames()[0]
			if test.before != nil {
				test.before(w, lost)
			}
			w.clock.Advance(2 * time.Hour)
			w.runOn(dir, test.machine)
			if _, err := w.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "terraform"}); err != nil {
				t.Fatal(err)
			}
			if kept := w.engine.DeleteLostKeys(t.Context(), "M1"); len(kept) != 0 {
				t.Errorf("it kept %v", kept)
			}
			if got := !slices.Contains(w.portal.usernames(), lost); got != test.deleted {
				t.Errorf("the store has the keys %q", w.portal.usernames())
			}
			if w.engine.HasLostKeys("M1") {
				t.Error("it would look for the key again")
			}
		})
	}
}

// TestGenerate_ForgetsNoRequestOfAnotherRun: two runs may ask with the same idempotency key. The one that is
// told so knows nothing of the other, which is killed.
func TestGenerate_ForgetsNoRequestOfAnotherRun(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	dir := t.TempDir()
	request := kustom.Request{MerchantID: "M1", Description: "terraform", IdempotencyKey: "7f1f3a52-3c1d-4d7e-8a59-6b2f0d1c2e33"}
	die := w.runOn(dir, "build-1")
	w.askFor(request)
	w.runOn(dir, "build-1")
	if _, err := w.engine.Generate(t.Context(), request); err == nil {
		t.Fatal("the portal has made another key for the same request")
	}
	die()
	w.runOn(dir, "build-1")
	if !w.engine.HasLostKeys("M1") {
		t.Error("nobody would look for the killed run's key")
	}
}

// TestDeleteLost_TriesAgain where the key could not be deleted.
func TestDeleteLost_TriesAgain(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	dir := t.TempDir()
	die := w.runOn(dir, "build-1")
	w.ask()
	die()
	w.runOn(dir, "build-1")
	if !w.engine.HasLostKeys("M1") || w.engine.HasLostKeys("M2") {
		t.Error("it does not tell which store has a lost key")
	}
	w.portal.before = func(kind, _ string, _ int) error {
		if kind == discard {
			return errRefused
		}
		return nil
	}
	if kept := w.engine.DeleteLostKeys(t.Context(), "M1"); len(kept) != 1 || kept[0].Key.Username == "" {
		t.Errorf("it kept %v", kept)
	}
	w.portal.before = nil
	if kept := w.engine.DeleteLostKeys(t.Context(), "M1"); len(kept) != 0 {
		t.Errorf("it kept %v", kept)
	}
	w.wantKeys("M1-old")
}

// TestGenerate_RemembersOnlyWhatIsUnderWay: an answered request is forgotten, and what can't be remembered stops nothing.
func TestGenerate_RemembersOnlyWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newTestEnv(t, nil, m1("M1-old"))
	dir := t.TempDir()
	for _, folder := range []string{dir, "", filepath.Join(os.DevNull, "requests")} {
		w.runOn(folder, "build-1")
		if _, err := w.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "terraform"}); err != nil {
			t.Fatal(err)
		}
		if kept := w.engine.DeleteLostKeys(t.Context(), "M1"); len(kept) != 0 || w.engine.HasLostKeys("M1") {
			t.Errorf("it kept %v", kept)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}
