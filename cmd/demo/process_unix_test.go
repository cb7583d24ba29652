//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A command that is interrupted ends in its own way, as Terraform does when it saves the state.
func TestRun_InterruptsTerraform(t *testing.T) {
	script := filepath.Join(t.TempDir(), "terraform")
	const content = "#!/bin/sh\ntrap 'echo saved; exit 1' INT\necho started\nwhile :; do sleep 0.01; done\n"
	if err := os.WriteFile(script, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &cancelling{cancel: cancel}
	if err := (terraform{bin: script}).run(ctx, t.TempDir(), out, "apply"); err == nil {
		t.Error("no error")
	}
	if got := out.printed.String(); got != "started\nsaved\n" {
		t.Errorf("the command printed %q", got)
	}
}

// cancelling cancels a context at the first write.
type cancelling struct {
	printed bytes.Buffer
	cancel  context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return c.printed.Write(p)
}
