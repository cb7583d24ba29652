package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewWorkspace_HasFilesOfEachWay(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, w := range allWays() {
		set := settings{providers: map[string]string{w.provider: "terraform-provider-" + w.provider}}
		srv := serve(t, w.provider, 0)
		ws, err := newWorkspace(set, w, srv, false)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if !exists(ws, "main.tf") {
			t.Errorf("%s has no main.tf", w.name)
		}
		if got, want := exists(ws, "shop/main.tf"), strings.HasSuffix(w.name, "-modules"); got != want {
			t.Errorf("%s: has a module: %t, want %t", w.name, got, want)
		}
		content, err := os.ReadFile(filepath.Join(ws.work, "shops.auto.tfvars.json"))
		if err != nil {
			t.Fatal(err)
		}
		var variables struct{ Shops map[string]string }
		if err := json.Unmarshal(content, &variables); err != nil || len(variables.Shops) != 2 {
			t.Errorf("%s: the shops are %v, %v", w.name, variables.Shops, err)
		}
		ws.close()
		if _, err := os.Stat(ws.dir); err == nil {
			t.Errorf("%s leaves %s behind", w.name, ws.dir)
		}
	}
}

func exists(ws *workspace, name string) bool {
	_, err := os.Stat(filepath.Join(ws.work, filepath.FromSlash(name)))
	return err == nil
}

// No two directories of a way have a file of the same name. The second one would replace the first.
func TestWays_HaveEachFileOnce(t *testing.T) {
	for _, w := range allWays() {
		for _, dirs := range [][]string{w.root, w.module} {
			seen := map[string]string{}
			for _, dir := range dirs {
				files, err := filepath.Glob(filepath.Join("ways", dir, "*.tf"))
				if err != nil || len(files) == 0 {
					t.Errorf("%s: %s has no files, %v", w.name, dir, err)
				}
				for _, file := range files {
					if other, ok := seen[filepath.Base(file)]; ok {
						t.Errorf("%s: %s and %s have the same name", w.name, other, file)
					}
					seen[filepath.Base(file)] = file
				}
			}
		}
	}
}
