package main

import (
	"os/exec"
	"testing"
	"time"
)

func TestParseStat_ReadsTimes(t *testing.T) {
	const stat = "4711 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 120 30 400 50 20 0 9 0 123"
	own, children, err := parseStat(stat)
	if err != nil || own != 1500*time.Millisecond || children != 4500*time.Millisecond {
		t.Errorf("got %v, %v, %v, want 1.5s, 4.5s", own, children, err)
	}
	for _, broken := range []string{"", "1 (a) S 1 2", "1 (a) S 1 2 3 4 5 6 7 8 9 10 x 30 400 50"} {
		if _, _, err := parseStat(broken); err == nil {
			t.Errorf("%q: no error", broken)
		}
	}
}

// The CPU time and the memory of a command's children count separately.
func TestMeasure_CountsTimeAndMemory(t *testing.T) {
	const busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
	for name, test := range map[string]struct {
		script            string
		own, fromChildren bool
	}{
		"own":      {busy, true, false},
		"children": {"sh -c '" + busy + "'; true", false, true},
	} {
		s, err := measure(exec.Command("sh", "-c", test.script))
		if err != nil {
			t.Fatal(err)
		}
		if (s.terraform.cpu > 0) != test.own || (s.provider.cpu > 0) != test.fromChildren {
			t.Errorf("%s: own CPU time %v, of the children %v", name, s.terraform.cpu, s.provider.cpu)
		}
		if s.wall < s.terraform.cpu || s.terraform.memory == 0 {
			t.Errorf("%s: wall time %v, own memory %d bytes", name, s.wall, s.terraform.memory)
		}
		if test.fromChildren && s.provider.memory == 0 {
			t.Errorf("%s: no memory of the children", name)
		}
	}
}

func TestMeasure_ReportsExitCode(t *testing.T) {
	if _, err := measure(exec.Command("sh", "-c", "exit 2")); err == nil {
		t.Error("no error")
	}
}
