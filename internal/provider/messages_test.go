package provider

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const messagesGuide = "../../templates/guides/when-something-goes-wrong.md"

// TestMessagesAreInTheGuide holds the guide to the source: each summary that a message can have, and
// each first sentence of the advice that goes with it, is a heading there, and nothing else is. What the
// validators of libraries say is part of it: nobody who reads a message knows where it is written down.
func TestMessagesAreInTheGuide(t *testing.T) {
	source := parseSource(t)
	guide, err := os.ReadFile(messagesGuide)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string][]string{
		"What failed": append(source.summaries(t), source.librarySummaries(t)...),
		"Why":         source.advice(t),
	}
	for name, want := range sections {
		_, section, found := strings.Cut(string(guide), "\n## "+name+"\n")
		if !found {
			t.Errorf("the guide has no section %q", name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		_, section, _ = strings.Cut(section, "\n### ")
		var got []string
		for entry := range strings.SplitSeq(section, "\n### ") {
			heading, text, _ := strings.Cut(entry, "\n")
			got = append(got, heading)
			if cause, cure, ok := strings.Cut(text, "**What to do:**"); !ok || strings.TrimSpace(cause) == "" || strings.TrimSpace(cure) == "" {
				t.Errorf("%q has no cause and cure", heading)
			}
			if !slices.Contains(want, heading) {
				t.Errorf("%s: the guide has %q, which the provider never says", name, heading)
			}
		}
		for _, heading := range want {
			if !slices.Contains(got, heading) {
				t.Errorf("%s: the guide does not have %q", name, heading)
			}
		}
		if !slices.IsSortedFunc(got, compareHeadings) {
			t.Errorf("%s: the guide is not in alphabetical order", name)
		}
	}
}

// compareHeadings goes by what a heading begins with that is not left open.
func compareHeadings(a, b string) int {
	key := func(heading string) string { return strings.ToLower(strings.TrimLeft(heading, "… ")) }
	return cmp.Compare(key(a), key(b))
}

// source is the source of this package, without its tests.
type source struct {
	files map[string]*ast.File
	// functions has the functions and methods by name, and constants the values of constants.
	functions map[string][]*ast.FuncDecl
	constants map[string]ast.Expr
	// fields has the names of the fields of struct types, by type.
	fields map[string][]string
}

func parseSource(t *testing.T) *source {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	s := &source{
		files: map[string]*ast.File{}, functions: map[string][]*ast.FuncDecl{}, constants: map[string]ast.Expr{}, fields: map[string][]string{},
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.files[name] = file
		for _, declaration := range file.Decls {
			s.declare(declaration)
		}
	}
	return s
}

func (s *source) declare(declaration ast.Decl) {
	if function, ok := declaration.(*ast.FuncDecl); ok {
		s.functions[function.Name.Name] = append(s.functions[function.Name.Name], function)
		return
	}
	general, ok := declaration.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, spec := range general.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			for i, name := range spec.Names {
				if general.Tok == token.CONST && i < len(spec.Values) {
					s.constants[name.Name] = spec.Values[i]
				}
			}
		case *ast.TypeSpec:
			if structure, ok := spec.Type.(*ast.StructType); ok {
				s.fields[spec.Name.Name] = parameterNames(structure.Fields)
			}
		}
	}
}

func parameterNames(list *ast.FieldList) []string {
	var names []string
	for _, field := range list.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// frameworkSinks are the framework's functions that make a message, with the place of the summary
// among their arguments.
var frameworkSinks = map[string]int{
	"AddError": 0, "AddWarning": 0, "NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0,
	"AddAttributeError": 1, "AddAttributeWarning": 1, "NewAttributeErrorDiagnostic": 1, "NewAttributeWarningDiagnostic": 1,
}

// summaries returns all summaries. It follows them back from the framework through the functions of
// this package that are given one as an argument, and the structs that have one as a field, to where
// they are written down.
func (s *source) summaries(t *testing.T) []string {
	t.Helper()
	sinks, fields, found := maps.Clone(frameworkSinks), map[string]bool{}, map[string]bool{}
	for grown := true; grown; {
		before := len(sinks) + len(fields)
		for _, file := range s.files {
			for _, declaration := range file.Decls {
				function, _ := declaration.(*ast.FuncDecl)
				ast.Inspect(declaration, func(n ast.Node) bool {
					for _, summary := range s.summariesAt(n, sinks, fields) {
						s.follow(t, function, summary, sinks, fields, found)
					}
					return true
				})
			}
		}
		grown = len(sinks)+len(fields) > before
	}
	return slices.Sorted(maps.Keys(found))
}

// summariesAt returns the expressions at a node that are summaries.
func (s *source) summariesAt(n ast.Node, sinks map[string]int, fields map[string]bool) []ast.Expr {
	var at []ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		if i, ok := sinks[calledName(n)]; ok && i < len(n.Args) {
			at = append(at, n.Args[i])
		}
	case *ast.CompositeLit:
		if definition, ok := n.Type.(*ast.SelectorExpr); ok && definition.Sel.Name == "Definition" {
			break // The summary of a function is no message.
		}
		structure, _ := n.Type.(*ast.Ident)
		for i, element := range n.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && fields[key.Name] {
					at = append(at, pair.Value)
				}
			} else if structure != nil && i < len(s.fields[structure.Name]) && fields[s.fields[structure.Name][i]] {
				at = append(at, element)
			}
		}
	}
	return at
}

// follow notes a summary, or where it comes from.
func (s *source) follow(t *testing.T, in *ast.FuncDecl, summary ast.Expr, sinks map[string]int, fields, found map[string]bool) {
	t.Helper()
	switch e := summary.(type) {
	case *ast.Ident:
		if in == nil {
			break
		}
		if i := slices.Index(parameterNames(in.Type.Params), e.Name); i >= 0 {
			sinks[in.Name.Name] = i
			return
		}
	case *ast.SelectorExpr:
		fields[e.Sel.Name] = true
		return
	case *ast.BinaryExpr:
		// What is appended to a summary from elsewhere names a shop.
		if name, ok := e.X.(*ast.Ident); ok && in != nil && slices.Contains(parameterNames(in.Type.Params), name.Name) {
			s.follow(t, in, name, sinks, fields, found)
			return
		}
		if _, ok := e.X.(*ast.BinaryExpr); ok {
			s.follow(t, in, e.X, sinks, fields, found)
			return
		}
		if field, ok := e.X.(*ast.SelectorExpr); ok {
			fields[field.Sel.Name] = true
			return
		}
	case *ast.CallExpr:
		if calledName(e) == "Summary" {
			// A diagnostic that was made before.
			return
		}
	}
	for _, text := range s.texts(summary) {
		if strings.Trim(text, "… ") == "" {
			t.Errorf("what is the summary in %s? Teach this test", in.Name.Name)
			continue
		}
		found[text] = true
	}
}

// advice returns the first sentences of what a person is told of an error.
func (s *source) advice(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	for _, file := range s.files {
		for _, declaration := range file.Decls {
			function, _ := declaration.(*ast.FuncDecl)
			ast.Inspect(declaration, func(n ast.Node) bool {
				for _, text := range s.advised(t, function, n) {
					found[firstSentence(text)] = true
				}
				return true
			})
		}
	}
	if found[""] {
		t.Error("what does one of the advices begin with? Teach this test")
	}
	return slices.Sorted(maps.Keys(found))
}

// advised returns what the advice at a node may say, if there is one.
func (s *source) advised(t *testing.T, in *ast.FuncDecl, n ast.Node) []string {
	t.Helper()
	literal, ok := n.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	if structure, ok := literal.Type.(*ast.Ident); !ok || structure.Name != "advice" {
		return nil
	}
	var all []string
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			t.Error("an advice is written without names of its fields. Teach this test")
			continue
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "text" {
			all = append(all, s.texts(beginning(in, pair.Value))...)
		}
	}
	return all
}

// beginning puts what a variable was defined as in its place, where a text begins with one.
func beginning(in *ast.FuncDecl, text ast.Expr) ast.Expr {
	switch e := text.(type) {
	case *ast.BinaryExpr:
		sum := *e
		sum.X = beginning(in, e.X)
		return &sum
	case *ast.Ident:
		if value := definition(in, e.Name); value != nil {
			return value
		}
	}
	return text
}

// definition returns what a variable of a function is defined as, or nil where it may be something else,
// too. It may grow at its end.
func definition(in *ast.FuncDecl, name string) ast.Expr {
	if in == nil {
		return nil
	}
	var values []ast.Expr
	ast.Inspect(in.Body, func(n ast.Node) bool {
		assignment, ok := n.(*ast.AssignStmt)
		if !ok || assignment.Tok == token.ADD_ASSIGN || len(assignment.Lhs) != len(assignment.Rhs) {
			return true
		}
		for i, variable := range assignment.Lhs {
			if ident, ok := variable.(*ast.Ident); ok && ident.Name == name {
				values = append(values, assignment.Rhs[i])
			}
		}
		return true
	})
	if len(values) != 1 {
		return nil
	}
	return values[0]
}

var sentenceEnd = regexp.MustCompile(`[.:](\s|…|$)`)

func firstSentence(text string) string {
	if end := sentenceEnd.FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return strings.TrimRight(text, " .,…")
}

var formatVerb = regexp.MustCompile(`%[a-z]`)

// texts returns what an expression may evaluate to, with an ellipsis for what only a run knows.
func (s *source) texts(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return []string{text}
		}
	case *ast.Ident:
		if constant, ok := s.constants[e.Name]; ok {
			return s.texts(constant)
		}
	case *ast.BinaryExpr:
		var all []string
		for _, x := range s.texts(e.X) {
			for _, y := range s.texts(e.Y) {
				all = append(all, x+y)
			}
		}
		return all
	case *ast.CallExpr:
		if calledName(e) == "Sprintf" {
			return s.formatted(e.Args)
		}
		var all []string
		for _, function := range s.functions[calledName(e)] {
			all = append(all, s.returned(function)...)
		}
		if len(all) > 0 {
			return all
		}
	}
	return []string{"…"}
}

// formatted returns what Sprintf makes of its arguments.
func (s *source) formatted(args []ast.Expr) []string {
	all := s.texts(args[0])
	for _, arg := range args[1:] {
		var next []string
		for _, format := range all {
			for _, value := range s.texts(arg) {
				at := formatVerb.FindStringIndex(format)
				if at == nil {
					continue
				}
				next = append(next, format[:at[0]]+value+format[at[1]:])
			}
		}
		all = next
	}
	return all
}

// returned returns the texts that a function returns.
func (s *source) returned(function *ast.FuncDecl) []string {
	results := function.Type.Results
	if results == nil || len(results.List) != 1 {
		return nil
	}
	if result, ok := results.List[0].Type.(*ast.Ident); !ok || result.Name != "string" {
		return nil
	}
	var all []string
	ast.Inspect(function.Body, func(n ast.Node) bool {
		if statement, ok := n.(*ast.ReturnStmt); ok {
			all = append(all, s.texts(statement.Results[0])...)
		}
		return true
	})
	return all
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
