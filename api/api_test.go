package api_test

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/storefront-iac/terraform-provider-kustom/api"
)

func TestDocuments_AreValid(t *testing.T) {
	for name, data := range map[string][]byte{"kustom.yaml": api.Kustom, "mystore.yaml": api.Mystore} {
		t.Run(name, func(t *testing.T) {
			doc, err := openapi3.NewLoader().LoadFromData(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Validate(t.Context()); err != nil {
				t.Fatal(err)
			}
			for path, item := range doc.Paths.Map() {
				for method, op := range item.Operations() {
					checkOperation(t, method+" "+path, op)
				}
			}
		})
	}
}

func checkOperation(t *testing.T, call string, op *openapi3.Operation) {
	t.Helper()
	if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 {
		t.Errorf("%s lacks an operationId, a summary or a tag", call)
	}
	for _, status := range []string{"401", "5XX"} {
		if op.Responses.Value(status) == nil {
			t.Errorf("%s lacks an answer %s", call, status)
		}
	}
	if op.RequestBody == nil {
		return
	}
	for _, media := range op.RequestBody.Value.Content {
		checkClosed(t, call, media.Schema.Value)
	}
}

// checkClosed finds an object of a request body that would take anything.
func checkClosed(t *testing.T, where string, schema *openapi3.Schema) {
	t.Helper()
	if !schema.Type.Is("object") {
		return
	}
	if schema.AdditionalProperties.Has == nil || *schema.AdditionalProperties.Has {
		t.Errorf("%s takes unknown fields", where)
	}
	for name, property := range schema.Properties {
		checkClosed(t, where+"/"+name, property.Value)
	}
}

func TestDocuments_NameAssumptions(t *testing.T) {
	for name, data := range map[string][]byte{"kustom.yaml": api.Kustom, "mystore.yaml": api.Mystore} {
		for _, word := range []string{"ocumented by", "ssumed by this project"} {
			if !strings.Contains(string(data), word) {
				t.Errorf("%s does not say what is …%s", name, word)
			}
		}
	}
}
