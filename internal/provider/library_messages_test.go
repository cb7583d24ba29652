package provider

import (
	"go/ast"
	"maps"
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

// refusals has, for everything that this package takes from a library to check values with, what it says
// of a value that it refuses. What says nothing of its own, as it leaves that to another validator, has
// none.
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

// TestLibraryMessages_AreInGuide: nobody who reads a message knows that a library says it.
func TestLibraryMessages_AreInGuide(t *testing.T) {
	t.Parallel()
	used, found := fromLibraries(t), map[string]bool{}
	for name := range used {
		refuse, ok := refusals[name]
		if !ok {
			t.Errorf("what does %s say of a value that it refuses? Add it to refusals", name)
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
