package provider

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// TestSchema_DescribesAllAndHidesSecrets expects a description in Markdown of everything in the schemas. Attributes with
// secrets are sensitive.
func TestSchema_DescribesAllAndHidesSecrets(t *testing.T) {
	ctx := t.Context()
	server, err := providerserver.NewProtocol6WithError(New(Options{})())()
	if err != nil {
		t.Fatal(err)
	}
	all, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	checkBlock(t, "the provider", all.Provider.Block)
	for name, schema := range all.ResourceSchemas {
		checkBlock(t, "resource "+name, schema.Block)
	}
	for name, schema := range all.DataSourceSchemas {
		checkBlock(t, "data source "+name, schema.Block)
	}
	for name, schema := range all.ListResourceSchemas {
		checkBlock(t, "list resource "+name, schema.Block)
	}
	for name, action := range all.ActionSchemas {
		checkBlock(t, "action "+name, action.Schema.Block)
		for _, a := range action.Schema.Block.Attributes {
			// The framework refuses every value of one, so that nobody could set it.
			if a.WriteOnly {
				t.Errorf("action %s: %s is write-only", name, a.Name)
			}
		}
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range all.ResourceSchemas {
		if identities.IdentitySchemas[name] == nil {
			t.Errorf("%s has no identity", name)
			continue
		}
		for _, a := range identities.IdentitySchemas[name].IdentityAttributes {
			if a.Description == "" || isSecretName(a.Name) {
				t.Errorf("the identity of %s: %s has no description, or shows a secret", name, a.Name)
			}
		}
	}
	for name, f := range all.Functions {
		checkDescription(t, "function "+name, f.Description, f.DescriptionKind)
		for _, parameter := range append(slices.Clone(f.Parameters), f.VariadicParameter) {
			if parameter != nil {
				checkDescription(t, "function "+name+"."+parameter.Name, parameter.Description, parameter.DescriptionKind)
			}
		}
	}
	kinds := []int{len(all.Functions), len(all.ResourceSchemas), len(all.DataSourceSchemas), len(all.ListResourceSchemas), len(all.ActionSchemas)}
	if slices.Contains(kinds, 0) || len(all.EphemeralResourceSchemas)+len(all.StateStoreSchemas) > 0 {
		t.Errorf("there are objects that nobody has looked at, or none where there should be: %v", kinds)
	}
}

// checkBlock looks through a block, and all blocks in it.
func checkBlock(t *testing.T, what string, block *tfprotov6.SchemaBlock) {
	t.Helper()
	// The module that the block of timeouts comes from gives it no description of its own.
	if !strings.HasSuffix(what, ": timeouts") {
		checkDescription(t, what, block.Description, block.DescriptionKind)
	}
	checkAttributes(t, what, block.Attributes)
	for _, nested := range block.BlockTypes {
		checkBlock(t, what+": "+nested.TypeName, nested.Block)
	}
}

func checkAttributes(t *testing.T, what string, attributes []*tfprotov6.SchemaAttribute) {
	t.Helper()
	for _, a := range attributes {
		name := what + "." + a.Name
		checkDescription(t, name, a.Description, a.DescriptionKind)
		// An action has no state and no plan, and its schema knows no sensitive arguments.
		if secret := isSecretName(a.Name); a.Sensitive != secret && !strings.HasPrefix(what, "action ") {
			t.Errorf("%s: sensitive is %t, want %t", name, a.Sensitive, secret)
		}
		if a.NestedType != nil {
			checkAttributes(t, name, a.NestedType.Attributes)
		}
	}
}

// secretWords are words that only the names of secret attributes contain. The user of a login counts as secret too.
var secretWords = regexp.MustCompile(`secret|token|login|password|seed|email`)

func isSecretName(name string) bool {
	// The path of a file of secrets is none.
	return secretWords.MatchString(name) && !strings.HasSuffix(name, "_version") && !strings.HasSuffix(name, "_file")
}

func checkDescription(t *testing.T, what, description string, kind tfprotov6.StringKind) {
	t.Helper()
	// The module that the timeouts come from says so where nothing is said.
	if strings.TrimSpace(description) == "" || strings.Contains(description, "parsed as a duration") {
		t.Errorf("%s has no description", what)
	} else if kind != tfprotov6.StringKindMarkdown && !strings.Contains(what, ": timeouts.") {
		t.Errorf("%s: the description is not in Markdown", what)
	}
}
