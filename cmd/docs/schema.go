package main

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/storefront-iac/terraform-provider-kustom/internal/provider"
)

// schemas has the schemas of one kind of object, by type name.
type schemas map[string]any

func (s schemas) ofPrefix(prefix string) schemas {
	result := make(schemas, len(s))
	for name, schema := range s {
		if strings.HasPrefix(name, prefix+"_") {
			result[name] = schema
		}
	}
	return result
}

// providerSchema returns the schema of the provider and all its types in the form that terraform
// providers schema -json prints for one provider.
func providerSchema(ctx context.Context) (map[string]any, error) {
	server, err := providerserver.NewProtocol6WithError(provider.New(provider.Options{})())()
	if err != nil {
		return nil, err
	}
	types, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, err
	}
	if err := firstError(types.Diagnostics, identities.Diagnostics); err != nil {
		return nil, err
	}
	return map[string]any{
		"provider":                   schemaJSON(types.Provider),
		"resource_schemas":           schemasJSON(types.ResourceSchemas, schemaJSON),
		"resource_identity_schemas":  schemasJSON(identities.IdentitySchemas, identityJSON),
		"data_source_schemas":        schemasJSON(types.DataSourceSchemas, schemaJSON),
		"ephemeral_resource_schemas": schemasJSON(types.EphemeralResourceSchemas, schemaJSON),
		"list_resource_schemas":      schemasJSON(types.ListResourceSchemas, schemaJSON),
		"action_schemas":             schemasJSON(types.ActionSchemas, actionJSON),
		"functions":                  functionsJSON(types.Functions),
	}, nil
}

func firstError(diagnostics ...[]*tfprotov6.Diagnostic) error {
	for _, list := range diagnostics {
		for _, d := range list {
			if d.Severity == tfprotov6.DiagnosticSeverityError {
				return errors.New(d.Summary + ": " + d.Detail)
			}
		}
	}
	return nil
}

func schemasJSON[S any](types map[string]S, convert func(S) map[string]any) schemas {
	result := make(schemas, len(types))
	for name, schema := range types {
		result[name] = convert(schema)
	}
	return result
}

func schemaJSON(s *tfprotov6.Schema) map[string]any {
	return map[string]any{"version": s.Version, "block": blockJSON(s.Block)}
}

func actionJSON(a *tfprotov6.ActionSchema) map[string]any {
	return schemaJSON(a.Schema)
}

func blockJSON(b *tfprotov6.SchemaBlock) map[string]any {
	nested := make(map[string]any, len(b.BlockTypes))
	for _, n := range b.BlockTypes {
		nested[n.TypeName] = map[string]any{
			"nesting_mode": strings.ToLower(n.Nesting.String()),
			"block":        blockJSON(n.Block),
			"min_items":    n.MinItems,
			"max_items":    n.MaxItems,
		}
	}
	return map[string]any{
		"attributes":       attributesJSON(b.Attributes),
		"block_types":      nested,
		"description":      b.Description,
		"description_kind": kindJSON(b.DescriptionKind),
		"deprecated":       b.Deprecated,
	}
}

func attributesJSON(attributes []*tfprotov6.SchemaAttribute) map[string]any {
	result := make(map[string]any, len(attributes))
	for _, a := range attributes {
		result[a.Name] = attributeJSON(a)
	}
	return result
}

func attributeJSON(a *tfprotov6.SchemaAttribute) map[string]any {
	result := map[string]any{
		"description":      a.Description,
		"description_kind": kindJSON(a.DescriptionKind),
		"deprecated":       a.Deprecated,
		"required":         a.Required,
		"optional":         a.Optional,
		"computed":         a.Computed,
		"sensitive":        a.Sensitive,
		"write_only":       a.WriteOnly,
	}
	if a.NestedType == nil {
		result["type"] = a.Type
		return result
	}
	result["nested_type"] = map[string]any{
		"attributes":   attributesJSON(a.NestedType.Attributes),
		"nesting_mode": strings.ToLower(a.NestedType.Nesting.String()),
	}
	return result
}

func identityJSON(s *tfprotov6.ResourceIdentitySchema) map[string]any {
	attributes := make(map[string]any, len(s.IdentityAttributes))
	for _, a := range s.IdentityAttributes {
		attributes[a.Name] = map[string]any{
			"type":                a.Type,
			"description":         a.Description,
			"required_for_import": a.RequiredForImport,
			"optional_for_import": a.OptionalForImport,
		}
	}
	return map[string]any{"version": s.Version, "attributes": attributes}
}

// functionsJSON returns the signatures of functions. Their names have no prefix.
func functionsJSON(functions map[string]*tfprotov6.Function) map[string]any {
	result := make(map[string]any, len(functions))
	for name, f := range functions {
		parameters := make([]any, len(f.Parameters))
		for i, p := range f.Parameters {
			parameters[i] = parameterJSON(p)
		}
		signature := map[string]any{
			"summary": f.Summary, "description": f.Description, "parameters": parameters, "return_type": f.Return.Type,
		}
		if f.VariadicParameter != nil {
			signature["variadic_parameter"] = parameterJSON(f.VariadicParameter)
		}
		result[name] = signature
	}
	return result
}

func parameterJSON(p *tfprotov6.FunctionParameter) map[string]any {
	return map[string]any{"name": p.Name, "description": p.Description, "is_nullable": p.AllowNullValue, "type": p.Type}
}

func kindJSON(k tfprotov6.StringKind) string {
	if k == tfprotov6.StringKindMarkdown {
		return "markdown"
	}
	return "plain"
}
