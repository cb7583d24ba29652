package provider

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
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

// TestMessages_AreAllInGuide expects each diagnostic to come from a message, and each message to be in a list of the guide.
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

// TestMessages_AreShort limits the length of messages: people read them at night, while a shop takes no payments.
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

// refusals has, for each validator that this package takes from a library, its error about a value that it rejects. A
// validator that leaves the error to another one has none.
var refusals = map[string]func(*testing.T) diag.Diagnostics{
	"int64validator.Between":        func(t *testing.T) diag.Diagnostics { return refusedInt64(t, int64validator.Between(1, 2), 3) },
	"listvalidator.SizeAtLeast":     func(t *testing.T) diag.Diagnostics { return refusedList(t, listvalidator.SizeAtLeast(1)) },
	"listvalidator.UniqueValues":    func(t *testing.T) diag.Diagnostics { return refusedList(t, listvalidator.UniqueValues(), "a", "a") },
	"listvalidator.ValueStringsAre": nil,
	"mapvalidator.KeysAre":          nil,
	"mapvalidator.NoNullValues": func(t *testing.T) diag.Diagnostics {
		return refusedMap(t, mapvalidator.NoNullValues(), map[string]attr.Value{"a": types.StringNull()})
	},
	"mapvalidator.SizeAtLeast": func(t *testing.T) diag.Diagnostics {
		return refusedMap(t, mapvalidator.SizeAtLeast(1), map[string]attr.Value{})
	},
	"setvalidator.NoNullValues": func(t *testing.T) diag.Diagnostics {
		return refusedSet(t, setvalidator.NoNullValues(), types.StringNull())
	},
	"setvalidator.SizeAtLeast":     func(t *testing.T) diag.Diagnostics { return refusedSet(t, setvalidator.SizeAtLeast(1)) },
	"setvalidator.ValueStringsAre": nil,
	"stringvalidator.LengthAtLeast": func(t *testing.T) diag.Diagnostics {
		return refusedString(t, stringvalidator.LengthAtLeast(1), "")
	},
	"stringvalidator.OneOf": func(t *testing.T) diag.Diagnostics { return refusedString(t, stringvalidator.OneOf("a"), "b") },
	"stringvalidator.RegexMatches": func(t *testing.T) diag.Diagnostics {
		return refusedString(t, stringvalidator.RegexMatches(regexp.MustCompile("^a$"), "must be a"), "b")
	},
	"timeouts.Block": func(t *testing.T) diag.Diagnostics {
		block, ok := timeouts.Block(t.Context(), timeouts.Opts{Create: true}).(schema.SingleNestedBlock)
		if !ok {
			t.Fatal("the timeouts are no single block any more")
		}
		create, ok := block.Attributes["create"].(schema.StringAttribute)
		if !ok || len(create.Validators) != 1 {
			t.Fatal("the timeouts are validated in another way")
		}
		return refusedString(t, create.Validators[0], "5 minutes")
	},
	"timeouts.Opts": nil,
	// A value that is known only when it is applied is not validated before.
	"timeouts.Value": func(t *testing.T) diag.Diagnostics {
		late := timeouts.Value{Object: types.ObjectValueMust(
			map[string]attr.Type{"create": types.StringType}, map[string]attr.Value{"create": types.StringValue("5 minutes")},
		)}
		_, diags := late.Create(t.Context(), time.Minute)
		return diags
	},
}

func refusedString(t *testing.T, v validator.String, value string) diag.Diagnostics {
	t.Helper()
	var resp validator.StringResponse
	v.ValidateString(t.Context(), validator.StringRequest{ConfigValue: types.StringValue(value)}, &resp)
	return resp.Diagnostics
}

func refusedInt64(t *testing.T, v validator.Int64, value int64) diag.Diagnostics {
	t.Helper()
	var resp validator.Int64Response
	v.ValidateInt64(t.Context(), validator.Int64Request{ConfigValue: types.Int64Value(value)}, &resp)
	return resp.Diagnostics
}

func refusedList(t *testing.T, v validator.List, values ...string) diag.Diagnostics {
	t.Helper()
	var elements []attr.Value
	for _, value := range values {
		elements = append(elements, types.StringValue(value))
	}
	var resp validator.ListResponse
	v.ValidateList(t.Context(), validator.ListRequest{ConfigValue: types.ListValueMust(types.StringType, elements)}, &resp)
	return resp.Diagnostics
}

func refusedSet(t *testing.T, v validator.Set, elements ...attr.Value) diag.Diagnostics {
	t.Helper()
	var resp validator.SetResponse
	v.ValidateSet(t.Context(), validator.SetRequest{ConfigValue: types.SetValueMust(types.StringType, elements)}, &resp)
	return resp.Diagnostics
}

func refusedMap(t *testing.T, v validator.Map, elements map[string]attr.Value) diag.Diagnostics {
	t.Helper()
	var resp validator.MapResponse
	v.ValidateMap(t.Context(), validator.MapRequest{ConfigValue: types.MapValueMust(types.StringType, elements)}, &resp)
	return resp.Diagnostics
}

// TestLibraryMessages_AreInGuide expects the errors of libraries in the guide, too: users can't tell them from others.
func TestLibraryMessages_AreInGuide(t *testing.T) {
	t.Parallel()
	used, found := fromLibraries(t), map[string]bool{}
	for name := range used {
		refuse, ok := refusals[name]
		if !ok {
			t.Errorf("refusals has no error of %s: add it", name)
		}
		if refuse == nil {
			continue
		}
		said := refuse(t)
		if len(said) != 1 {
			t.Errorf("%s says %v", name, said)
			continue
		}
		found[said[0].Summary()] = true
	}
	for name := range refusals {
		if !used[name] {
			t.Errorf("%s is not used any more", name)
		}
	}
	var listed []string
	for _, m := range libraryMessages() {
		listed = append(listed, m.title)
	}
	if want := slices.Sorted(maps.Keys(found)); !slices.Equal(listed, want) {
		t.Errorf("the guide has %q, want %q", listed, want)
	}
}

// fromLibraries returns what this package uses of the libraries beside the framework.
func fromLibraries(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, file := range sourceFiles(t) {
		imported := map[string]bool{}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if strings.HasPrefix(name, "github.com/hashicorp/terraform-plugin-framework-") {
				imported[name[strings.LastIndex(name, "/")+1:]] = true
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if from, ok := selector.X.(*ast.Ident); ok && imported[from.Name] {
					used[from.Name+"."+selector.Sel.Name] = true
				}
			}
			return true
		})
	}
	return used
}
