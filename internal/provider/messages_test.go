package provider

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sourceFiles returns the files of this package, without its tests, by name.
func sourceFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// returnsMessage tells whether a function returns a message, or a list of them.
func returnsMessage(f *ast.FuncDecl) (one, list bool) {
	if f.Recv != nil || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
		return false, false
	}
	switch result := f.Type.Results.List[0].Type.(type) {
	case *ast.Ident:
		return result.Name == "message", false
	case *ast.ArrayType:
		element, ok := result.Elt.(*ast.Ident)
		return false, ok && element.Name == "message"
	}
	return false, false
}

// TestMessages_AreAllInGuide: a diagnostic is made of a message, and each message is in one of the guide's lists.
func TestMessages_AreAllInGuide(t *testing.T) {
	t.Parallel()
	declared, listed := map[string]bool{}, map[string]bool{}
	for name, file := range sourceFiles(t) {
		table := strings.HasPrefix(name, "messages_")
		for _, declaration := range file.Decls {
			f, _ := declaration.(*ast.FuncDecl)
			list := false
			if f != nil && table {
				declared[f.Name.Name], list = returnsMessage(f)
			}
			ast.Inspect(declaration, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					called := calledName(n)
					listed[called] = listed[called] || list
					if name != "messages.go" && slices.Contains(diagnosticMakers, called) {
						t.Errorf("%s: %s makes a diagnostic that no message stands for", name, called)
					}
				case *ast.CompositeLit:
					if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "message" && len(n.Elts) > 0 && !table {
						t.Errorf("%s makes a message outside of the tables", name)
					}
				}
				return true
			})
		}
	}
	count := 0
	for name, is := range declared {
		if !is {
			continue
		}
		count++
		if !listed[name] {
			t.Errorf("%s is in no list of the guide", name)
		}
	}
	if count == 0 {
		t.Error("no message was found: the test shows nothing")
	}
}

// diagnosticMakers are the framework's functions that make a diagnostic of a text.
var diagnosticMakers = []string{
	"AddError", "AddWarning", "AddAttributeError", "AddAttributeWarning",
	"NewErrorDiagnostic", "NewWarningDiagnostic", "NewAttributeErrorDiagnostic", "NewAttributeWarningDiagnostic",
}

func calledName(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		return function.Sel.Name
	}
	return ""
}

// TestMessages_AreShort: people read them at night, while a shop takes no payments.
func TestMessages_AreShort(t *testing.T) {
	t.Parallel()
	const lines, width, words = 5, 78, 60
	for _, m := range slices.Concat(settingsMessages(), inputMessages(), keyMessages(), shopMessages(), checkMessages(), vendorMessages(), pageMessages()) {
		if got := wrapped(m.advice(), width); got > lines {
			t.Errorf("%d lines before the details, want at most %d: %s", got, lines, m.advice())
		}
	}
	for _, page := range Guide() {
		for _, entry := range page.Entries {
			for _, meaning := range entry.Meanings {
				if got := len(strings.Fields(meaning.Text + " " + meaning.Do)); got > words {
					t.Errorf("%s: %q has %d words, want at most %d", page.Name, entry.Heading, got, words)
				}
				if meaning.Text == "" && meaning.Do == "" {
					t.Errorf("%s: %q is not explained", page.Name, entry.Heading)
				}
			}
		}
	}
}

// wrapped returns how many lines a text has, as Terraform wraps it.
func wrapped(text string, width int) int {
	lines := 0
	for line := range strings.SplitSeq(text, "\n") {
		lines++
		column := 0
		for _, word := range strings.Fields(line) {
			if column > 0 && column+1+len([]rune(word)) > width {
				lines++
				column = 0
			}
			column += len([]rune(word)) + 1
		}
	}
	return lines
}

// TestGuide_SortsEntries holds the order by which people look for a message, and that causes come last.
func TestGuide_SortsEntries(t *testing.T) {
	t.Parallel()
	for _, page := range Guide() {
		if !slices.IsSortedFunc(page.Entries, compareEntries) {
			t.Errorf("%s is not in order", page.Name)
		}
	}
	got := entries([]message{{why: "… fails: badly. Really."}, {title: "B", why: "x", warning: true}, {title: "a", do: "y"}, {title: "B", do: "z"}})
	want := []GuideEntry{
		{Heading: "a", Meanings: []GuideMeaning{{Do: "y"}}},
		{Heading: "B", Meanings: []GuideMeaning{{Text: "A warning. x"}, {Do: "z"}}},
		{Heading: "… fails", Cause: true, Meanings: []GuideMeaning{{Text: "Badly. Really."}}},
	}
	if !slices.EqualFunc(got, want, func(a, b GuideEntry) bool {
		return a.Heading == b.Heading && a.Cause == b.Cause && slices.Equal(a.Meanings, b.Meanings)
	}) {
		t.Errorf("got %+v", got)
	}
}
