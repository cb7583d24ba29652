package rotation_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/storefront-iac/terraform-provider-kustom/internal/kustom"
	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// newRunOn starts another run on a machine that stores requests in dir. The returned function unlocks its files, as
// the operating system does when a process ends.
func (env *testEnv) newRunOn(dir, machine string) (die func()) {
	var locks []*lockfile.Lock
	lock := func(ctx context.Context, name string) (*lockfile.Lock, error) {
		lock, err := lockfile.Take(ctx, name)
		locks = append(locks, lock)
		return lock, err
	}
	env.requests = rotation.Requests{Dir: dir, Host: machine, Lock: lock}
	env.newRun()
	return func() {
		for _, lock := range locks {
			lock.Unlock()
		}
	}
}

// errKilled stands for the end of a process during a call.
var errKilled = errors.New("killed")

// loseAnswer requests a key of store M1, and is killed before the answer.
func (env *testEnv) loseAnswer() {
	env.Helper()
	env.loseAnswerTo(kustom.Request{MerchantID: "M1", Description: "terraform"})
}

// loseAnswerTo sends a request, and is killed before the answer.
func (env *testEnv) loseAnswerTo(r kustom.Request) {
	env.Helper()
	// A killed process runs no deferred function. A recovered panic stands for that.
	env.portal.after = onCall(generateCall, 0, func() error { panic(errKilled) })
	_, err := env.engine.Generate(env.Context(), r)
	if err == nil {
		env.Fatal("the request was answered")
	}
	env.portal.after = nil
}

// afterKilledRun returns an environment in which a run of this machine was killed before it got its key's answer, and
// another one has begun.
func afterKilledRun(t *testing.T) *testEnv {
	t.Helper()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	dir := t.TempDir()
	die := env.newRunOn(dir, "build-1")
	env.loseAnswer()
	die()
	env.newRunOn(dir, "build-1")
	return env
}

func TestDeleteAbandonedKeys_DeletesKeyOfKilledRun(t *testing.T) {
	t.Parallel()
	const machine = "build-1"
	for name, test := range map[string]struct {
		machine string
		running bool
		before  func(env *testEnv, lost string)
		deleted bool
	}{
		"killed":             {machine: machine, deleted: true},
		"still running":      {machine: machine, running: true},
		"of another machine": {machine: "build-2"},
		"in a shop":          {machine: machine, before: func(env *testEnv, lost string) { env.shops.set("a", lost) }},
		"used since":         {machine: machine, before: func(env *testEnv, lost string) { env.setLastUsed(lost, env.clock.Now().Add(time.Hour)) }},
		"deleted by hand":    {machine: machine, deleted: true, before: func(env *testEnv, _ string) { env.portal.keys = env.portal.keys[:1] }},
		"no shop answers":    {machine: machine, deleted: true, before: func(env *testEnv, _ string) { env.shops.before = failDead }},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t, map[string]string{"dead": "M1-old", "a": "M1-old"}, m1("M1-old"))
			dir := filepath.Join(t.TempDir(), "requests")
			die := env.newRunOn(dir, machine)
			env.loseAnswer()
			if !test.running {
				die()
			}
			lost := env.portal.usernames()[0]
			if test.before != nil {
				test.before(env, lost)
			}
			env.clock.Advance(2 * time.Hour)
			env.newRunOn(dir, test.machine)
			if _, err := env.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "terraform"}); err != nil {
				t.Fatal(err)
			}
			if kept := env.engine.DeleteAbandonedKeys(t.Context(), "M1"); len(kept) != 0 {
				t.Errorf("it kept %v", kept)
			}
			if got := !slices.Contains(env.portal.usernames(), lost); got != test.deleted {
				t.Errorf("the store has the keys %q", env.portal.usernames())
			}
			if env.engine.HasAbandonedRequests("M1") {
				t.Error("it would look for the key again")
			}
		})
	}
}

// Two runs may send the same idempotency key. The one that gets the replayed answer must keep the request of the
// other, which was killed.
func TestGenerate_KeepsSameRequestOfAnotherRun(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	dir := t.TempDir()
	request := kustom.Request{MerchantID: "M1", Description: "terraform", IdempotencyKey: "7f1f3a52-3c1d-4d7e-8a59-6b2f0d1c2e33"}
	die := env.newRunOn(dir, "build-1")
	env.loseAnswerTo(request)
	env.newRunOn(dir, "build-1")
	if _, err := env.engine.Generate(t.Context(), request); err == nil {
		t.Fatal("the portal has generated another key for the same request")
	}
	die()
	env.newRunOn(dir, "build-1")
	if !env.engine.HasAbandonedRequests("M1") {
		t.Error("no run would look for the killed run's key")
	}
}

func TestDeleteAbandonedKeys_RetriesFailedDeletion(t *testing.T) {
	t.Parallel()
	env := afterKilledRun(t)
	if !env.engine.HasAbandonedRequests("M1") || env.engine.HasAbandonedRequests("M2") {
		t.Error("HasAbandonedRequests does not distinguish the stores")
	}
	env.portal.before = failCalls(deleteCall, errRefused)
	if kept := env.engine.DeleteAbandonedKeys(t.Context(), "M1"); len(kept) != 1 || kept[0].Key.Username == "" {
		t.Errorf("it kept %v", kept)
	}
	env.portal.before = nil
	if kept := env.engine.DeleteAbandonedKeys(t.Context(), "M1"); len(kept) != 0 {
		t.Errorf("it kept %v", kept)
	}
	env.wantKeys("M1-old")
}

// Several resources of a store may delete its key at the same time. Only one does, and the others wait for it, or until
// their own context ends.
func TestDeleteAbandonedKeys_DeletesKeyOnceForManyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		env := afterKilledRun(t)
		release := make(chan bool)
		env.portal.before = onCall(deleteCall, 0, func() error { <-release; return nil })
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if kept := env.engine.DeleteAbandonedKeys(t.Context(), "M1"); len(kept) > 0 {
					t.Errorf("it kept %v", kept)
				}
			})
		}
		synctest.Wait()
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if kept := env.engine.DeleteAbandonedKeys(cancelled, "M1"); len(kept) != 1 || !errors.Is(kept[0].Err, context.Canceled) {
			t.Errorf("a cancelled caller kept %v", kept)
		}
		close(release)
		group.Wait()
		if n := env.portal.called(deleteCall); n != 1 {
			t.Errorf("there were %d deletions", n)
		}
		env.wantKeys("M1-old")
	})
}

func TestGenerate_RemovesAnsweredRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, nil, m1("M1-old"))
	dir := t.TempDir()
	for _, folder := range []string{dir, "", filepath.Join(os.DevNull, "requests")} {
		env.newRunOn(folder, "build-1")
		if _, err := env.engine.Generate(t.Context(), kustom.Request{MerchantID: "M1", Description: "terraform"}); err != nil {
			t.Fatal(err)
		}
		if kept := env.engine.DeleteAbandonedKeys(t.Context(), "M1"); len(kept) != 0 || env.engine.HasAbandonedRequests("M1") {
			t.Errorf("it kept %v", kept)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestOrphansByReplay_FindsKeyOfKilledRun(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.killAfterGenerate()
	lost, err := env.engine.OrphansByReplay(t.Context(), "a", rotation.Record{MerchantID: "M1"})
	if err != nil || len(lost) != 1 || lost[0].Username != "M1-new1" {
		t.Fatalf("it found %v, error %v", lost, err)
	}
	if err := env.engine.DeleteLeftovers(t.Context(), lost); err != nil {
		t.Error(err)
	}
	env.wantKeys("M1-old")
	env.wantHolds("a", "M1-old")
}

func TestOrphansByReplay_NeedsIdempotencyKeys(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, map[string]string{"a": "M1-old"}, m1("M1-old"))
	env.portal.noDescriptions = true
	lost, err := env.engine.OrphansByReplay(t.Context(), "a", rotation.Record{MerchantID: "M1"})
	if err != nil || len(lost) != 0 || env.portal.called(generateCall) != 0 {
		t.Errorf("it found %v, error %v, and asked %d times", lost, err, env.portal.called(generateCall))
	}
}
