package main

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestSchemaJSON_EncodesAttributes(t *testing.T) {
	schema := &tfprotov6.Schema{Version: 1, Block: &tfprotov6.SchemaBlock{
		Description: "A key.", DescriptionKind: tfprotov6.StringKindMarkdown,
		Attributes: []*tfprotov6.SchemaAttribute{
			{Name: "secret", Type: tftypes.String, Computed: true, Sensitive: true},
			{Name: "labels", Type: tftypes.Map{ElementType: tftypes.String}, Optional: true},
			{Name: "shops", Optional: true, NestedType: &tfprotov6.SchemaObject{
				Nesting:    tfprotov6.SchemaObjectNestingModeMap,
				Attributes: []*tfprotov6.SchemaAttribute{{Name: "mid", Type: tftypes.String, Required: true}},
			}},
		},
		BlockTypes: []*tfprotov6.SchemaNestedBlock{
			{TypeName: "timeouts", Nesting: tfprotov6.SchemaNestedBlockNestingModeSingle, Block: &tfprotov6.SchemaBlock{}},
		},
	}}
	content, err := json.Marshal(schemaJSON(schema))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version int
		Block   struct {
			Description     string
			DescriptionKind string `json:"description_kind"`
			Attributes      map[string]struct {
				Type                          any
				Required, Computed, Sensitive bool
				NestedType                    struct {
					NestingMode string `json:"nesting_mode"`
					Attributes  map[string]struct{ Required bool }
				} `json:"nested_type"`
			}
			BlockTypes map[string]struct {
				NestingMode string `json:"nesting_mode"`
			} `json:"block_types"`
		}
	}
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || got.Block.Description != "A key." || got.Block.DescriptionKind != "markdown" {
		t.Errorf("the block: %s", content)
	}
	if a := got.Block.Attributes["secret"]; a.Type != "string" || !a.Computed || !a.Sensitive || a.Required {
		t.Errorf("secret: %+v", a)
	}
	if a := got.Block.Attributes["labels"]; !reflect.DeepEqual(a.Type, []any{"map", "string"}) {
		t.Errorf("labels: %+v", a)
	}
	if a := got.Block.Attributes["shops"].NestedType; a.NestingMode != "map" || !a.Attributes["mid"].Required {
		t.Errorf("shops: %+v", a)
	}
	if b := got.Block.BlockTypes["timeouts"]; b.NestingMode != "single" {
		t.Errorf("timeouts: %+v", b)
	}
}

func TestSchemas_OfPrefix(t *testing.T) {
	all := schemas{"kustom_api_key": 1, "kustom_mystore_connection": 2, "mystore_klarna_checkout_credentials": 3}
	if got := all.ofPrefix("kustom"); len(got) != 2 {
		t.Errorf("kustom: %v", got)
	}
	if got := all.ofPrefix("mystore"); len(got) != 1 || got["mystore_klarna_checkout_credentials"] != 3 {
		t.Errorf("mystore: %v", got)
	}
}
