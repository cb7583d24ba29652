package lockfile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/storefront-iac/terraform-provider-kustom/internal/lockfile"
)

func TestLock_IsOneAtATime(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.lock")
	first, err := lockfile.Take(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if lockfile.Try(name) != nil {
		t.Error("it was locked twice")
	}
	if second, err := lockfile.Take(t.Context(), name); err == nil {
		second.Unlock()
		t.Error("it was locked twice")
	}
	first.Unlock()
	second := lockfile.Try(name)
	if second == nil {
		t.Fatal("it stays locked")
	}
	second.Remove()
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestLock_NeedsAFolder(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "missing", "a.lock")
	if lock, err := lockfile.Take(t.Context(), name); err == nil {
		lock.Unlock()
		t.Error("there is nothing to lock")
	}
	if lockfile.Try(name) != nil {
		t.Error("there is nothing to lock")
	}
	var none *lockfile.Lock
	none.Unlock()
	none.Remove()
}

// TestLock_EndsWithItsProcess, however that ends: it is what a process ID tells only within one container.
func TestLock_EndsWithItsProcess(t *testing.T) {
	if name := os.Getenv("LOCKFILE_TO_HOLD"); name != "" {
		if _, err := lockfile.Take(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("held\n"); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	t.Parallel()
	name := filepath.Join(t.TempDir(), "a.lock")
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLock_EndsWithItsProcess$")
	owner.Env = append(os.Environ(), "LOCKFILE_TO_HOLD="+name)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if lockfile.Try(name) != nil {
		t.Error("another process's lock was taken")
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	if lockfile.Try(name) == nil {
		t.Error("the lock outlives its process")
	}
}
