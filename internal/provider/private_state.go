package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/storefront-iac/terraform-provider-kustom/internal/rotation"
)

// privateState is the part of a request's or response's private state that is used here.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// readPrivate returns the value under a key in private state, or the zero value.
func readPrivate[M any](ctx context.Context, private privateState, key string, diags *diag.Diagnostics) M {
	var memory M
	raw, problems := private.GetKey(ctx, key)
	diags.Append(problems...)
	if raw == nil {
		return memory
	}
	if err := json.Unmarshal(raw, &memory); err != nil {
		unreadablePrivateState(err.Error()).addTo(diags, path.Empty())
	}
	return memory
}

// writePrivate stores a value under a key in private state.
func writePrivate(ctx context.Context, private privateState, key string, memory any, diags *diag.Diagnostics) {
	raw, err := json.Marshal(memory)
	if err != nil {
		unwritablePrivateState(err.Error()).addTo(diags, path.Empty())
		return
	}
	diags.Append(private.SetKey(ctx, key, raw)...)
}

// shopMemoryKey is the key of the engine's memory of a shop in a connection's private state.
const shopMemoryKey = "connection"

// readMemory returns the engine's memory of a connection's shop.
func readMemory(ctx context.Context, private privateState, diags *diag.Diagnostics) rotation.Memory {
	return readPrivate[rotation.Memory](ctx, private, shopMemoryKey, diags)
}

// writeMemory saves the engine's memory of a connection's shop.
func writeMemory(ctx context.Context, memory rotation.Memory, private privateState, diags *diag.Diagnostics) {
	writePrivate(ctx, private, shopMemoryKey, memory, diags)
}
