package provider_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestFiles_HaveNoCircles holds the files of this package to one direction: where one names what another
// defines, that one names nothing of it, be it through others.
func TestFiles_HaveNoCircles(t *testing.T) {
	uses := usesBetweenFiles(t)
	var path []string
	done := map[string]bool{}
	var visit func(file string)
	visit = func(file string) {
		if i := slices.Index(path, file); i >= 0 {
			t.Errorf("these files use each other in a circle: %v", append(path[i:], file))
			return
		}
		if done[file] {
			return
		}
		path = append(path, file)
		for used := range uses[file] {
			visit(used)
		}
		path = path[:len(path)-1]
		done[file] = true
	}
	for file := range uses {
		visit(file)
	}
	if len(uses) == 0 {
		t.Error("no file uses another")
	}
}

// usesBetweenFiles returns for each file of this package the others that define what it names.
func usesBetweenFiles(t *testing.T) map[string]map[string]bool {
	t.Helper()
	listed, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,GoFiles", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	var own struct {
		ImportPath, Export string
		GoFiles            []string
	}
	for all := json.NewDecoder(bytes.NewReader(listed)); all.More(); {
		own.GoFiles = nil
		if err := all.Decode(&own); err != nil {
			t.Fatal(err)
		}
		exports[own.ImportPath] = own.Export
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range own.GoFiles {
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	pkg, err := config.Check(own.ImportPath, fset, files, &info)
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string]map[string]bool{}
	for ident, object := range info.Uses {
		user, definer := fset.Position(ident.Pos()).Filename, fset.Position(object.Pos()).Filename
		if object.Pkg() != pkg || user == definer {
			continue
		}
		user, definer = filepath.Base(user), filepath.Base(definer)
		if uses[user] == nil {
			uses[user] = map[string]bool{}
		}
		uses[user][definer] = true
	}
	return uses
}
